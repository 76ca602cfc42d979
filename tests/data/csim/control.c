/* Loops, switches with ranges and fall-through, Duff's device, goto, return from inside, recursion. */
void sim_note(const char *text, long value);
#define N(...) sim_note(#__VA_ARGS__, (long)(__VA_ARGS__))
typedef unsigned char u8; typedef signed char s8; typedef unsigned short u16; typedef short s16;
typedef unsigned int u32; typedef int s32; typedef unsigned long long u64; typedef long long s64;

static int sw(int x) { int r = 0; switch (x) { case 1 ... 3: r = 10; break; case 4: r = 1; case 5: r += 2; break; default: r = -1; case 9: r += 100; } return r; }
static int nested(int a, int b) { switch (a) { case 0: switch (b) { case 0: return 1; default: break; case 2: return 3; } case 1: a += 10; break; case -1: { case 7: a = b; } } return a + b; }
static int big(u64 v) { switch (v) { case 0xffffffffffffffffULL: return 1; case 1ULL << 40: return 2; case 0x80000000: return 3; } return 4; }
static int sgn(s8 v) { switch (v) { case -128: return 1; case -1: return 2; case 127: return 3; case 255: return 4; } return 5; }
static int chars(char c) { switch (c) { case 'a' ... 'f': return c - 'a' + 10; case '0' ... '9': return c - '0'; case '\n': return -2; } return -1; }
static int none(int x) { switch (x) { x = 100; } switch (x) { default: ; } return x; }
static int duff(int n) { int s = 0, k = (n + 3) / 4; switch (n % 4) { case 0: do { s += 1000; case 3: s += 100; case 2: s += 10; case 1: s += 1; } while (--k > 0); } return s; }
static int gotos(int n) { int i = 0, s = 0; again: if (i >= n) goto out; s += i++; if (s > 20) goto out; goto again; out: return s; }
static int into(int n) { int s = 0; if (n & 1) goto in; while (n > 0) { s += 100; in: s += n; n -= 2; } return s; }
static int outof(int n) { for (int i = 0; i < n; i++) for (int j = 0; j < n; j++) { if (i * j == 6) goto found; continue; } return -1; found: return n; }
static int unwind(int n) { int r = 0; if (n == 0) goto err0; r |= 1; if (n == 1) goto err1; r |= 2; if (n == 2) goto err2; return r; err2: r += 100; err1: r += 10; err0: r += 1000; return r; }
static int loops(void) { int t = 0; for (int i = 0; i < 10; i++) { if (i == 3) continue; if (i == 8) break; t += i; int j = 5; do { t++; if (t & 1) continue; t += 2; } while (--j > 2); while (j--) t ^= 1; } return t; }
static int inner(void) { int c = 0; for (int i = 0; i < 5; i++) { switch (i) { case 1: continue; case 3: break; default: c += i; } c += 10; for (;;) { if (c > 3) break; c++; } while (1) { c++; if (c % 2) continue; break; } } return c; }
static int early(int n) { while (1) { do { for (;;) { switch (n) { case 0: return 7; default: n--; continue; } } } while (0); } }
static int fact(int n) { return n <= 1 ? 1 : n * fact(n - 1); }
static int odd(int n); static int even(int n) { return n == 0 ? 1 : odd(n - 1); } static int odd(int n) { return n == 0 ? 0 : even(n - 1); }
static int ack(int m, int n) { return m == 0 ? n + 1 : n == 0 ? ack(m - 1, 1) : ack(m - 1, ack(m, n - 1)); }
static int fib(int n) { int a[2] = { n, 1 }; if (n < 2) return n; a[1] = fib(n - 1); return a[1] + fib(a[0] - 2); }
static int comma(int n) { int i, j; for (i = 0, j = n; i < j; i++, j--) ; return i * 100 + j; }
static int dangling(int a, int b) { if (a) if (b) return 1; else return 2; return 3; }
static int chain(int x) { if (x < 0) return -1; else if (x == 0) return 0; else if (x < 10) return 1; else { return 2; } }
static int empty(void) { ; {} ; for (int i = 0; i < 3; i++); if (1) ; else ; do ; while (0); return 5; }
static int label_end(int x) { if (x) goto end; x = 4; end: ; { int y = x; x = y + 1; goto last; } last: return x; }
static int shadow(int x) { int r = x; { int x = r + 1; r = x; { int x = r * 2; r = x; } for (int x = 0; x < 3; x++) { r += x; int x = 100; r += x; } r += x; } return r + x; }
static void nothing(void) { return; } static void ret_void(void) { return nothing(); }
static int local_label(int n) { int r = ({ __label__ out; int v = n; if (v > 3) goto out; v *= 10; out: v; }); return r; }
static int dead(int n) { return n; n = 5; while (n) { l: n--; } goto l; }
static int conds(int a, int b, int c) { int r = 0; if (a && (b || !c)) r |= 1; if (!(a || b) && c) r |= 2; while (a && b--) r += 4; if (a ? b : c) r += 64; if (!!a == !b) r += 128; if ((a, c)) r += 256; return r; }
static int const_conds(void) { int r = 0; if (0) r = 1; if (1 || r++) r += 2; if (0 && r++) r += 4; while (0) r += 8; do r += 16; while (0); for (; 0;) r += 32; r += 1 ? 64 : 128; if (sizeof(long) == 8 && r) r += 256; return r; }
int main(void)
{
	for (int i = -1; i < 11; i++) N(sw(i)); for (int i = -2; i < 8; i++) N(nested(i, 2)); N(nested(0, 0)); N(nested(0, 1)); N(big(-1)); N(big(1ULL << 40)); N(big(0x80000000)); N(big(0xffffffff)); N(sgn(-128)); N(sgn(-1)); N(sgn(127)); N(sgn(255));
	N(chars('c')); N(chars('7')); N(chars('\n')); N(chars('z')); N(none(3)); N(none(4)); for (int i = 1; i < 10; i++) N(duff(i)); N(gotos(5)); N(gotos(100)); for (int i = 0; i < 6; i++) N(into(i)); N(outof(3)); N(outof(4)); for (int i = 0; i < 4; i++) N(unwind(i));
	N(loops()); N(inner()); N(early(5)); N(fact(10)); N(even(10)); N(odd(7)); N(ack(2, 3)); N(fib(12)); N(comma(9)); N(dangling(1, 0)); N(dangling(0, 0)); N(dangling(1, 1)); N(chain(-5)); N(chain(0)); N(chain(5)); N(chain(50)); N(empty()); N(label_end(0)); N(label_end(8)); N(shadow(5)); ret_void(); N(local_label(3)); N(local_label(4)); N(dead(3)); N(const_conds());
	for (int i = 0; i < 8; i++) N(conds(i & 1, i & 2, i & 4));
	return 0;
}
