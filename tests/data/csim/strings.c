/* String and character escapes, prefixes, joins. */
void sim_note(const char *text, long value);
#define N(...) sim_note(#__VA_ARGS__, (long)(__VA_ARGS__))
typedef unsigned char u8; typedef signed char s8; typedef unsigned short u16; typedef short s16;
typedef unsigned int u32; typedef int s32; typedef unsigned long long u64; typedef long long s64;

#define STR(x) #x
static const char s[] = "a\tb\n\\\"\'\?\a\b\f\v\r\e\0z\101\x41\7\08\x7f" "\x1" "f" "end"; static char empty[] = ""; static const char *lines = "one \
two"; static const char bytes[] = "\303\251 \xe2\x82\xac"; static u8 nul[4] = "\0\0\1";
static const char utf[] = "é€";
static long hash(const char *p, int n) { long h = 0; for (int i = 0; i < n; i++) h = h * 31 + (u8)p[i]; return h; }
int main(void)
{
	for (unsigned i = 0; i < sizeof s; i++) N(s[i]); N(sizeof s); N(sizeof empty); N(lines[4]); N(hash(bytes, sizeof bytes)); N(bytes[0]); N(sizeof bytes); N(nul[2]); N(sizeof utf); N(hash(utf, sizeof utf));
	N('a'); N('\n'); N('\x41'); N('\\'); N('\''); N('"'); N('\0'); N('\177'); N('\377'); N('\xfe'); N(L'a'); N('\e'); N("%d\n"[2]); N(sizeof "a" "b"); N(STR(x + "y\n")[4]); N(hash("// not a comment /* nor */ {;}", 20)); N("}{)(;"[1]); N(*"" == 0); N(sizeof("a\0b")); N(';'); N('{'); N('}'); N('('); N(',');
	return 0;
}
