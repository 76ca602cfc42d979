/* Side effects and their order, comma, ?:, statement expressions, typeof, _Generic, compound literals. */
void sim_note(const char *text, long value);
#define N(...) sim_note(#__VA_ARGS__, (long)(__VA_ARGS__))
typedef unsigned char u8; typedef signed char s8; typedef unsigned short u16; typedef short s16;
typedef unsigned int u32; typedef int s32; typedef unsigned long long u64; typedef long long s64;

static int count; static int tick(int v) { count = count * 10 + v; return v; } static int calls; static int same(int v) { calls++; return v; }
#define max(a, b) ({ typeof(a) _a = (a); typeof(b) _b = (b); _a > _b ? _a : _b; })
#define swap(a, b) do { typeof(a) __t = (a); (a) = (b); (b) = __t; } while (0)
#define container_of(ptr, type, member) ({ const typeof(((type *)0)->member) *__mptr = (ptr); (type *)((char *)__mptr - __builtin_offsetof(type, member)); })
#define KIND(x) _Generic((x), char: 1, signed char: 2, unsigned char: 3, short: 4, unsigned short: 5, int: 6, unsigned: 7, long: 8, unsigned long: 9, long long: 10, unsigned long long: 11, _Bool: 12, char *: 13, void *: 15, int *: 16, default: 99)
#define SAME(a, b) __builtin_types_compatible_p(a, b)
struct s { int a, b; struct { long c; } d; }; struct t { int pad; struct s s; };
static struct s make(int a) { return (struct s){ .a = a, .b = a + 1, .d.c = a + 2 }; } static struct s *ptr(struct s *p) { calls++; return p; }
static int args(int a, int b, int c) { return a * 100 + b * 10 + c; } static int arr[10] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 };
static int id(int x) { return x; } static int add3(int x) { return x + 3; } static int (*pick(int w))(int) { return w ? id : add3; } static int both(int (by)(int), int (v), int f(int)) { return by(by(v)) + f(v); }
int main(void)
{
	int a = 5, b = 0, i = 2, *p = arr; u8 c = 3; long l = -1; struct s s = make(1), *q = &s; struct t t = { .s = { 7, 8 } };
	N((tick(1), tick(2))); N(count); count = 0; N(tick(0) && tick(1)); N(tick(2) || tick(3)); N(tick(4) ? tick(5) : tick(6)); N(count); count = 0; N(!tick(1) || tick(2) && tick(3)); N(count); count = 0; N(tick(0) ?: tick(7)); N(tick(8) ?: tick(9)); N(count);
	N(a && b || c); N(a || b && c); N(!a == b); N((a, b, c)); N(a ? b ? 1 : 2 : 3); N(b ? 1 : a ? 2 : 3); N(a = b = 7); N(a += b -= 2); N(a); N(b); N(a == 12 == 1); N(a > b > c); N(-a - -b); N(- -a); N(!!a); N(~-a); N(+c); N(a-- - --b); N(a); N(b); N(a++ + ++b); N(a); N(b);
	N(arr[i++]); N(i); N(arr[i] = i + 40); N(arr[3]); N(*p++); N(*p); N((*p)++); N(*p); N(*++p); N(++*p); N(p - arr); N(p[-1]); N(2[arr]); N(*(arr + 4)); N(*&arr[5]); N(&*p == p); N((&arr[7])[-2]); p += 3; N(p - arr); N(*p--); p -= 1; N(*p); N(arr[same(2)] += 5); N(calls); ptr(q)->a += 3; N(calls); N(s.a); ptr(q)->b++; N(calls); N(s.b);
	N(max(3, -4)); N(max(3u, -4)); N(max(a++, 2)); N(a); swap(a, b); N(a); N(b); N(container_of(&t.s, struct t, s) == &t); N(({ int w = a; w *= 3; w; })); N(({ int w = 0; if (a) w = 1; else w = 2; w; })); N(({ s; }).b); N(({ &s; })->a); N(({ int a = 100; a; }) + a); N(({ for (i = 0; i < 4; i++) ; i; })); N(({ struct s z = s; z.a = 50; z; }).a + s.a);
	N(KIND('a')); N(KIND(c)); N(KIND((char)c)); N(KIND((s8)c)); N(KIND(c + c)); N(KIND(l)); N(KIND(1u)); N(KIND(1ul)); N(KIND(1ll)); N(KIND(1ull)); N(KIND((u16)1)); N(KIND((s16)1)); N(KIND((_Bool)1)); N(KIND("x")); N(KIND((void *)0)); N(KIND(&a)); N(KIND(arr)); N(KIND(&arr)); N(KIND(sizeof 1)); N(KIND(p - p)); N(KIND(a < b)); N(KIND(1 ? c : l)); N(KIND(s)); N(KIND(1 ? 1u : -1)); N(KIND(c << l)); N(KIND(l << c)); N(KIND(~c)); N(KIND(1l + 1ull)); N(KIND(2147483648)); N(KIND(0x80000000)); N(KIND(0x8000000000000000)); N(KIND(c++)); N(KIND(c = l)); N(KIND((c, l)));
	N(SAME(int, typeof(a))); N(SAME(int, long)); N(SAME(long, long long)); N(SAME(const int, int)); N(SAME(char, signed char)); N(SAME(int[3], int[3])); N(SAME(int[], int[3])); N(SAME(int *, typeof(&a))); N(SAME(struct s, typeof(s))); N(SAME(struct s, struct t)); N(SAME(typeof(arr), int[10])); N(SAME(typeof(&arr[0]), typeof(arr))); N(SAME(void (*)(int), void (*)(int))); N(SAME(void (*)(int), void (*)(long))); N(SAME(unsigned, enum { Q0 }));
	typeof(a) ta = 4; typeof(int *) tp = &ta; typeof(arr) tarr = { 1 }; typeof(make(1)) tm = make(4); typeof(*q) tq = *q; __auto_type au = l; typeof(q->d.c) tc = 9; typeof(({ u8 z; z; })) tz = 300; N(*tp); N(sizeof tarr); N(tm.d.c); N(tq.a); N(sizeof au); N(sizeof tc); N(tz); typeof(a++) tn = 1; N(a); N(tn); N(sizeof(a++)); N(a); N(sizeof(typeof(p[0])[3])); N(_Alignof(typeof(s)));
	N(make(5).d.c); N(make(a).b); s = make(30); N(s.d.c); N((s = make(40)).a); struct s s2 = s, s3; s3 = s2 = make(6); N(s2.a + s3.b); N((a ? s2 : s).a); N((a ? &s2 : &s)->b); N((b = 0, b ? s2 : s).a); N(((struct s){ 1, 2, { a } }).d.c); N((&(struct s){ .b = 9 })->b); N(((int[]){ 4, 5, 6 })[1]); N(*(const int *)&(int){ 8 }); N(sizeof((char[]){ "abcd" })); q = &(struct s){ 3 }; q->a++; N(q->a); for (i = 0; i < 2; i++) { struct s *w = &(struct s){ i }; w->b += 5; N(w->b + w->a); }
	a = 1; N(args(a, 2, 3)); N(args(same(1), same(2), same(3))); N(pick(0)(10)); N(pick(1)(10)); N((*pick(0))(1)); N((**pick(0))(1)); N(both(add3, 4, id)); int (*f)(int) = &id; N(f(3)); N((*f)(4)); N((****f)(5)); f = pick(0); N(f(1)); N(f == add3); N(&id == id); N(!f); N((f ? f : id)(2)); int (*fa[2])(int) = { id, add3 }; N(fa[1](1)); N((*fa[0])(1)); int (**fpp)(int) = fa; N(fpp[1](7)); N((*fpp)(7)); N((a ? id : add3)(9)); N(((int (*)(int))(void *)add3)(9)); typedef int fn(int); fn *fn1 = id; N(fn1(3)); N(sizeof(fn *));
	N(__builtin_constant_p(3 + 4)); N(__builtin_choose_expr(1, 5, "x")); N(__builtin_choose_expr(sizeof(int) == 8, 1, 2)); N(__builtin_expect(a, 1)); N(!__builtin_expect(!!(a), 0)); N(1 ? 2, 3 : 4); N((u8)(a, 300)); N((void *)0 == 0); N((long)&((struct s *)0)->d); N(&s.d.c == (long *)((char *)&s + 8)); N((1, arr)[2]); N("lit"[1]); N(*"q"); N(sizeof "four"); N(*(&arr + 1) - arr);
	return 0;
}
