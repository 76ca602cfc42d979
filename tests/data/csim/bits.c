/* Functions of the compiler on the bits of numbers that it does not know. */
void sim_note(const char *text, long value);
#define N(...) sim_note(#__VA_ARGS__, (long)(__VA_ARGS__))
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

static u64 v[] = { 1, 2, 3, 8, 0xff, 0x1234, 0x8000, 0xffff, 0x10000, 0x12345678, 0x7fffffff, 0x80000000,
	0xffffffff, 0x100000000, 0x123456789abcdef0, 0x7fffffffffffffff, 0x8000000000000000, -1, -2, -128 };
static u64 state = 88172645463325252;

static u64 next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

static void narrow(u32 x)
{
	N(__builtin_ffs(x)); N(__builtin_popcount(x)); N(__builtin_parity(x)); N(__builtin_clrsb(x));
	N(__builtin_bswap16(x)); N(__builtin_bswap32(x)); N(__builtin_bswap16(x) << 4);
	if (x != 0x80000000)
		N(__builtin_abs(x));
	if (x) {
		N(__builtin_ctz(x)); N(__builtin_clz(x)); N(31 - __builtin_clz(x));
	}
}

static void wide(u64 x)
{
	N(__builtin_ffsl(x)); N(__builtin_ffsll(x)); N(__builtin_popcountl(x)); N(__builtin_popcountll(x));
	N(__builtin_parityl(x)); N(__builtin_parityll(x)); N(__builtin_clrsbl(x)); N(__builtin_clrsbll(x));
	N(__builtin_bswap64(x)); N(__builtin_bswap64(x) >> 60);
	if (x != 0x8000000000000000) {
		N(__builtin_labs(x)); N(__builtin_llabs(x));
	}
	if (x) {
		N(__builtin_ctzl(x)); N(__builtin_ctzll(x)); N(__builtin_clzl(x)); N(__builtin_clzll(x));
	}
}

static int sizes[__builtin_ctz(8) + 1], tail = __builtin_popcountll(0xf0f0f0f0f0f0f0f0) - __builtin_clz(1);

int main(void)
{
	u16 h; signed char c; int t = 0;
	narrow(0); wide(0);
	for (unsigned i = 0; i < sizeof(v) / sizeof(*v); i++) {
		narrow(v[i]); wide(v[i]);
	}
	for (int i = 0; i < 40; i++) {
		u64 x = next();
		narrow(x); narrow(x >> (x & 31)); wide(x); wide(x >> (x & 63)); wide(x << (x & 63));
	}
	h = 0xff00; c = -4;
	N(__builtin_bswap16(h)); N(__builtin_ctz(h)); N(__builtin_popcount(c)); N(__builtin_popcountl(c)); N(__builtin_ffs(c)); N(__builtin_clz(c)); N(__builtin_abs(c)); N(__builtin_bswap32(c));
	N(__builtin_ctz(++t)); N(t); N(sizeof(__builtin_ctzll(t))); N(sizeof(__builtin_bswap16(t))); N(sizeof(__builtin_bswap64(t)));
	N(__builtin_parity(7)); N(__builtin_clrsb(0)); N(__builtin_clrsb(-1)); N(__builtin_clrsbll(5)); N(__builtin_abs(-3)); N(__builtin_labs(-3L)); N(__builtin_parityll(3)); N(__builtin_constant_p(__builtin_bswap32(5))); N(__builtin_constant_p(__builtin_ctz(t)));
	N(sizeof(sizes)); N(tail);
	switch (t) { case __builtin_ffs(1): N(t + 1); }
	return 0;
}
