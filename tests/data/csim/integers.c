/* Integer types, conversions, promotions, and the edges of 64 bits. */
void sim_note(const char *text, long value);
#define N(...) sim_note(#__VA_ARGS__, (long)(__VA_ARGS__))
typedef unsigned char u8; typedef signed char s8; typedef unsigned short u16; typedef short s16;
typedef unsigned int u32; typedef int s32; typedef unsigned long long u64; typedef long long s64;

static u64 zero;
static u32 as_u32(long v) { return v; }
static s8 as_s8(long v) { return v; }
static _Bool as_bool(long v) { return v; }
static long from_u8(u8 v) { return v; }
static unsigned long from_int(int v) { return v; }

static void promotions(void)
{
	u8 c = 250, d = 10; s8 e = -3; u16 h = 65535; s16 g = -32768; u32 u = 5; int i = -6; long l = -7;
	unsigned long ul = 8;
	N(c + d); N((u8)(c + d)); N(c * c); N(h * h < 0); N(h + 1); N(~c); N(-c); N(!c); N(e >> 1); N(g - 1);
	N((s16)(g - 1)); N(u + i); N(u * i); N(u + l); N(i < u); N(l < u); N(l < ul); N(e < u); N(c > e); N(h == (s16)h);
	N(u - 6); N((s64)(u - 6)); N((s64)u - 6); N(sizeof(c + d)); N(sizeof(u + l)); N(sizeof(1 ? c : d)); N(sizeof(c, d));
	N(1 ? -1 : 0u); N((1 ? -1 : 0u) > 0); N(-1 < 0u); N(c << 24); N((u32)c << 24); N((s64)(c << 24)); N(e << 4); N(u >> 1); N(i >> 1);
	c += 10; N(c); c -= 20; N(c); e *= 50; N(e); h <<= 3; N(h); g >>= 3; N(g); i /= 4; N(i); i %= 1; N(i); u |= 0x80000000; N(u); u ^= -1; N(u); u &= ~7; N(u);
	c = -1; N(c++); N(c); N(--c); N(c--); N(c); e = 127; N(++e); e = -128; N(e--); N(e);
	c = 200; c = c + c; N(c); i = c * -1; N(i); u = -1; N(u); N(u == -1); N(u == 0xffffffffL); N((long)u == -1);
}

static void casts(void)
{
	N((s8)200); N((u8)-1); N((s16)40000); N((u16)-2); N((int)4000000000u); N((u32)-5L); N((s64)(u32)-1); N((s64)(int)0xffffffff); N((u64)(s8)-1); N((u64)(u8)-1);
	N(as_u32(-1)); N(as_s8(384)); N(as_bool(256)); N(as_bool(0)); N(from_u8(513)); N(from_int(-1) >> 63);
	N((char)255); N('\377'); N('\xff' == -1); N((unsigned char)'\xff'); N((long)(void *)-1); N((u8)(long)(void *)0x1ff);
	N((int)(s8)(u8)(s16)0x1280); N((u64)1 << 40 >> 8); N((int)((u64)1 << 40)); N(!!(1ULL << 40)); N((_Bool)(1ULL << 40));
}

static void edges(void)
{
	u64 big = ~zero; s64 min = (s64)(big >> 1) * -1 - 1; s64 max = big >> 1;
	N(big); N(min); N(max); N(max + 1 == min); N(min - 1 == max); N(-min == min); N(big + 1); N(big * big); N(big / 3); N(big % 10); N(big >> 63); N(min >> 63); N((u64)min >> 63);
	N(min / 2); N(min % 10); N(-7 / 2); N(-7 % 2); N(7 / -2); N(7 % -2); N(min / 10 * 10 + min % 10 == min); N(max * 3); N((u32)max); N((int)min); N((int)max);
	N(min < max); N((u64)min > (u64)max); N(min < 0u); N(big > 0); N((s64)big > 0); N(big == -1); N((u32)big == -1); N(1ULL << 63 >> 63); N(1LL << 62); N((int)(1u << 31)); N(1u << 31);
	N(0x7fffffff); N(0x80000000); N(0xffffffff); N(0x100000000); N(2147483647); N(2147483648); N(-2147483648); N(4294967295); N(4294967296);
	N(sizeof 0x80000000); N(sizeof 2147483648); N(sizeof 0xffffffffu); N(sizeof 1l); N(sizeof 0x7fffffffffffffff); N(0x8000000000000000 > 0); N(-0x8000000000000000 > 0); N(0xffffffffffffffff); N(18446744073709551615ull);
	N(-1 > 1u); N(-1L > 1u); N(-1L > 1ul); N(0b101101); N(0777); N(00); N(0xAbCul); N(1 - 2u); N(1L - 2u); N((u16)1 - (u16)2); N(10u / -1); N(10 / -1);
}

static void shifts(void)
{
	int n = 31, m = -1; u64 v = 0x8123456789abcdefULL; s64 s = v; u32 w = v; u8 k = 3;
	N(1 << n); N(m << n); N(m >> n); N((u32)m >> n); N(v << 4); N(v >> 60); N(s >> 60); N(s >> 4 << 4 == s); N(w >> k); N(w << k); N(k << 30); N((u64)k << 62); N(v << 0); N(v >> (n + 32)); N(s >> (n + 32));
	N(1 << 3 + 1); N(1 + 2 << 3); N(6 & 3 == 3); N(4 | 2 ^ 3 & 1); N(-1 >> 1); N(~0u >> 1); N(~0ul >> 1); N(~0 >> 1); v <<= k; N(v); s >>= k + 1; N(s);
}

static void bools(void)
{
	_Bool b = 7, c = 0, *p = &b; struct { _Bool x; _Bool y : 1; } q = { 9, 2 };
	N(b); N(b + b); N(-b); N(~b); N(!b); b += 5; N(b); b -= 1; N(b); b = b - 1; N(b); N(b++); N(b); N(b--); N(b); N(--b); N(b); N(*p); *p = 256; N(b); N(q.x); N(q.y); q.y = 0; N(q.y); q.x = q.y; N(q.x); N(sizeof(b + c)); N(b & 2); N(b | 2); c = &b; N(c); c = p != 0; N(c); c ^= 1; N(c); c <<= 3; N(c);
}

int main(void) { promotions(); casts(); edges(); shifts(); bools(); return 0; }
