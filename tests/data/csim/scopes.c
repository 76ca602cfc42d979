/* Names: shadowing, typedefs as members and variables, tags and enumerators in blocks, statics, odd enums. */
void sim_note(const char *text, long value);
#define N(...) sim_note(#__VA_ARGS__, (long)(__VA_ARGS__))
typedef unsigned char u8; typedef signed char s8; typedef unsigned short u16; typedef short s16;
typedef unsigned int u32; typedef int s32; typedef unsigned long long u64; typedef long long s64;

typedef int num; typedef struct list list; struct list { list *next; num num; struct { num list; } in; }; enum odd { NEG = -5, ZERO = 0, BIG = 0x7fffffff }; enum u { UBIG = 0xffffffff, ONE = 1 }; enum w { WIDE = 1ULL << 40, LOW = -1 }; enum { P = 3, Q = P * 2, R = sizeof(num), T = 'a', NEXT, S = P << 4 | 1, V = ~0, W = !P };
struct tag { int a; }; int tag = 5; static num func(num num) { return num * 2; } static long u8_(long u32) { return (u32) + 1; } typedef u8 byte; typedef num (*op)(num); typedef num row[3]; typedef row grid[2]; typedef const char *cstr; struct self { struct self *self; int u16; };
static int counter(void) { static int n; static int m = 10; return ++n * m++; } static int other(void) { static int n = 5; return n++; } extern int later; static int use_later(void) { return later + 1; } int later = 41; static int tent; static int fwd(int); enum fw { F0 = 7 }; static enum fw ef(void) { return F0; }
static int paren(u8 (*f)(u8), u8 x) { return (f)(x); } static u8 inc(u8 x) { return x + 1; } static int sizes(void) { struct tag { char c[9]; }; return sizeof(struct tag); } static int minus(int num) { return (num) - 1; } static int andx(int byte, int x) { return (byte) & x; } static int star(int num, int x) { return (num) * x; } static int plus(long num, int x) { return (num) + x; }
int main(void)
{
	list l = { .num = 4, .in.list = 6 }; N(l.num); N(l.in.list); num num = 7; N(num); N((num) + 1); N((num) - 1); N((num) * 2); N((num) & 3); N(-(num)); N(func(num)); N(u8_(5)); N(minus(5)); N(andx(7, 5)); N(star(3, 4)); N(plus(1, 2)); struct self se = { &se, 16 }; N(se.self->self->u16); N((se.u16) - 3); N((se.u16) & 3);
	{ typedef long num2; typedef u8 local; local x = 300; N(x); N(sizeof(num2)); N((local)-1); N((local)+513); { int local = 5; N((local) - 1); N(local); } N((local)~0); } { typedef struct { int q; } tag; tag t = { 3 }; N(t.q); N(sizeof(tag)); } N(tag); N(sizes()); N(sizeof(struct tag)); { struct tag { long a, b; } t = { 1, 2 }; N(sizeof t); N(sizeof(struct tag)); } N(sizeof(struct tag)); { struct tag; struct tag *p = 0; struct tag { char z; }; N(sizeof *p); }
	N(NEG); N(ZERO); N(BIG); N(UBIG); N(WIDE); N(LOW); N(sizeof(enum odd)); N(sizeof(enum u)); N(sizeof(enum w)); N((enum odd)-1 < 0); N((enum u)-1 > 0); N(P + Q + R + S); N(T); N(NEXT); N(V); N(W); { enum { P = 100, L = P + 1 }; N(P); N(L); { int P = 5; N(P); } } N(P); enum odd e = NEG; N(e); e = 12; N(e); enum u eu = ONE; N(eu - 2 > 0); N(sizeof WIDE); N(UBIG == -1); N(-ONE < 0); N(ef());
	N(counter()); N(counter()); N(counter()); N(other()); N(other()); N(use_later()); N(tent); N(fwd(3)); N(paren(inc, 255)); op o = func; N(o(4)); row r = { 1, 2, 3 }; grid g = { { 1 }, { 4, 5 } }; N(sizeof(grid)); N(g[1][1]); N(r[2]); cstr cs = "abc"; N(*++cs); byte bs[3] = { 255 }; N(++bs[0]); int i = 1; { int i = 2; { int i = 3; N(i); } N(i); i++; N(i); } N(i); for (int i = 10; i < 11; i++) { N(i); { int i = 20; N(i); } } N(i); { extern int later; N(later); } { int fwd(int); N(fwd(4)); } if (1) { int x = i; int i = x + 1; N(i); } N(sizeof(i) == sizeof i); int (x) = 4; N(x); int *y, z = 3, w[2], (*pf)(int) = fwd; y = &z; N(*y); N(sizeof w); N(pf(1));
	return 0;
}
static int fwd(int x) { return x + tent + later; }
