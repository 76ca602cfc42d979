/* Functions of the compiler. */
void sim_note(const char *text, long value);
#define N(...) sim_note(#__VA_ARGS__, (long)(__VA_ARGS__))
typedef unsigned char u8; typedef signed char s8; typedef unsigned short u16; typedef short s16;
typedef unsigned int u32; typedef int s32; typedef unsigned long long u64; typedef long long s64;

static u64 v = 0x00f0000000000a00ULL; static u32 w = 0x12345678; static char a[16] = "hello world", b[16]; static int t;
int main(void)
{
	int i; u32 u; long l; unsigned long ul; u64 uq; u8 c; s8 sc; u16 h; s16 sh; s64 s;
	N(__builtin_add_overflow(2147483647, 1, &i)); N(i); N(__builtin_add_overflow(1, 1, &i)); N(i); N(__builtin_sub_overflow(1u, 2u, &u)); N(u); N(__builtin_sub_overflow(5u, 2u, &u)); N(u); N(__builtin_mul_overflow(65536, 65536, &i)); N(i); N(__builtin_mul_overflow(65536u, 65535u, &u)); N(u);
	N(__builtin_add_overflow(~0UL, 1UL, &ul)); N(ul); N(__builtin_add_overflow(~0UL - 1, 1UL, &ul)); N(ul); N(__builtin_sub_overflow(1UL, 2UL, &ul)); N(ul); N(__builtin_add_overflow(200, 100, &c)); N(c); N(__builtin_add_overflow(100, 100, &sc)); N(sc); N(__builtin_sub_overflow(0, 1, &c)); N(c); N(__builtin_mul_overflow(300, 300, &h)); N(h); N(__builtin_add_overflow(-5, 3, &u)); N(u); N(__builtin_add_overflow(5u, -3, &i)); N(i); N(__builtin_add_overflow(w, w, &uq)); N(uq); N(__builtin_mul_overflow(w, w, &uq)); N(uq); N(__builtin_sub_overflow(1, 2, &l)); N(l);
	N(__builtin_expect(t++, 0)); N(t); N(__builtin_constant_p(t)); N(__builtin_constant_p(1 << 3)); N(__builtin_types_compatible_p(char, u8)); N(__builtin_offsetof(struct { int a; long b[4]; }, b[2])); __builtin_memset(b, 'x', 5); N(b[4]); N(b[5]); __builtin_memcpy(b, a, 3); N(b[2]); N(b[3]); __builtin_memmove(a + 1, a, 5); N(a[5]); N(a[1]); N(__builtin_memcmp("abc", "abd", 3) < 0); N(__builtin_memcmp("abc", "abd", 2)); __builtin_prefetch(a); if (t > 100) __builtin_unreachable(); N(__builtin_choose_expr(0, t++, 5)); N(t);
	N(__builtin_ctz(8)); N(__builtin_clz(1)); N(__builtin_ffs(0)); N(__builtin_ffsl(1L << 40)); N(__builtin_popcount(0xff)); N(__builtin_bswap16(0x1234)); N(__builtin_bswap32(0x12345678)); N(__builtin_bswap64(0x0102030405060708ULL)); N(__builtin_clzll(1)); N(__builtin_ctzll(1ULL << 63)); N(__builtin_popcountll(-1)); (void)sh; (void)s;
	return 0;
}
