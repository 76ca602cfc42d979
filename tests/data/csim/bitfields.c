/* Bit-fields: layouts, signs, values of assignments, neighbours. */
void sim_note(const char *text, long value);
#define N(...) sim_note(#__VA_ARGS__, (long)(__VA_ARGS__))
typedef unsigned char u8; typedef signed char s8; typedef unsigned short u16; typedef short s16;
typedef unsigned int u32; typedef int s32; typedef unsigned long long u64; typedef long long s64;

struct a { unsigned a:3; int b:5; unsigned c:9; u64 d:33; u8 e; _Bool f:1; };
struct b { u8 x; u32 y:4; u32 z:28; u32 w:1; };
struct c { u16 a:10; u16 b:10; u8 c:7; u8 d:7; };
struct d { int a:1; int :0; int b:1; int :5; int c:2; };
struct e { u8 a:4; u8 :0; u8 b:4; u64 c:40; u64 d:30; };
struct f { u32 a:7; u64 b:50; u32 c:7; } __attribute__((packed));
struct g { char a; int b:20; char c; } ;
struct h { long a:63; long b:1; unsigned long c:64; };
struct i { enum { I0, I1, I2 } e:2; enum { J0 = -1, J1 } s:2; };
union u { u32 all; struct { u32 lo:16, hi:16; }; u8 low:4; };
struct j { u32 a:1; u32 b:31; u16 c; u8 d:3; u8 e:5; };
struct k { short s:9; u8 c; int i:23; int j:9; } __attribute__((aligned(16)));

static void dump(const char *name, void *at, int size) { u8 *p = at; while (size--) sim_note(name, *p++); }
#define ALL(t, ...) do { struct t v; __builtin_memset(&v, 0, sizeof v); N(sizeof(struct t)); N(_Alignof(struct t)); __VA_ARGS__; dump(#t, &v, sizeof v); } while (0)

int main(void)
{
	ALL(a, v.a = 5; v.b = -3; v.c = 300; v.d = 0x1aaaaaaaaULL; v.e = 0x5a; v.f = 1);
	ALL(b, v.x = 0xff; v.y = 9; v.z = 0x7654321; v.w = 1);
	ALL(c, v.a = 0x3ff; v.b = 0x2aa; v.c = 0x55; v.d = 0x7f);
	ALL(d, v.a = -1; v.b = -1; v.c = 1);
	ALL(e, v.a = 15; v.b = 9; v.c = 0x123456789aULL; v.d = 0x3fffffff);
	ALL(f, v.a = 0x55; v.b = 0x3fedcba987654ULL; v.c = 0x6c);
	ALL(g, v.a = 1; v.b = -2; v.c = 3);
	ALL(h, v.a = -2; v.b = -1; v.c = 0x8000000000000001UL);
	ALL(i, v.e = I2; v.s = J0);
	ALL(j, v.a = 1; v.b = 0x40000001; v.c = 0x1234; v.d = 5; v.e = 17);
	ALL(k, v.s = -200; v.c = 7; v.i = -4000000; v.j = -256);
	struct a z = { 0 }; long t;
	N(z.a = 9); N(z.b = 20); N(z.b); N(z.d = -1); N(z.d + 1); N(z.a++); N(++z.a); N(z.b -= 30); N(z.c |= 0x1ff); N(z.c <<= 1); N(z.c); N(z.f = 2); N(z.f += 1); N(z.f--); N(z.f);
	N(z.a - 5); N(z.a - 5 < 0); N(z.d - (1ULL << 34) > 0); N(~z.a); N(-z.a); N(z.a << 30); N((z.a = 7, z.a == 7 && z.b)); t = z.d; N(t);
	union u u = { .all = 0x12345678 }; N(u.hi); N(u.lo); N(u.low); u.low = 0xff; N(u.all); u.hi = 0xfeed; N(u.all); N(sizeof u);
	struct i q = { I1, J1 }; N(q.e); N(q.s); q.s = 3; N(q.s < 0);
	struct h hh = { -1, 0, -1 }; N(hh.a); N(hh.b); N(hh.c); hh.a = 1L << 62; N(hh.a); N(hh.a >> 1); N(hh.a < 0);
	struct { unsigned x:4, y:4; } arr[3] = { { 1, 2 }, { .y = 3 }, [2].x = 15 }; N(arr[0].y * 10 + arr[0].x); N(arr[1].x); N(arr[1].y); N(arr[2].x); N(sizeof arr);
	static struct { u8 p:1, q:3; s64 r:45; int s:7; } st = { 1, 5, -123456789, -64 }; N(st.p); N(st.q); N(st.r); N(st.s); N(sizeof st); dump("st", &st, sizeof st);
	return 0;
}
