/* Structs and unions by value: arguments, results, copies, overlapping names, arrays inside. */
void sim_note(const char *text, long value);
#define N(...) sim_note(#__VA_ARGS__, (long)(__VA_ARGS__))
typedef unsigned char u8; typedef signed char s8; typedef unsigned short u16; typedef short s16;
typedef unsigned int u32; typedef int s32; typedef unsigned long long u64; typedef long long s64;

struct pair { long a, b; }; struct odd { u8 x[7]; }; struct nest { struct pair p[2]; struct odd o; u16 t; }; union both { u64 w; u8 b[8]; struct pair p; }; struct one { int v; }; typedef struct { struct one inner; } wrap_t; struct empty { };
static struct pair swap(struct pair p) { struct pair q = { .a = p.b, .b = p.a }; p.a = 100; return q; } static struct pair add(struct pair x, struct pair y) { x.a += y.a; x.b += y.b; return x; }
static struct odd rot(struct odd o, int n) { struct odd r; for (int i = 0; i < 7; i++) r.x[i] = o.x[(i + n) % 7]; return r; } static struct nest deep(struct nest n, int d) { if (!d) return n; n.p[d & 1].a += d; n.t++; return deep(n, d - 1); }
static union both mk(u64 w) { union both u = { .w = w }; return u; } static wrap_t wrap(int v) { return (wrap_t){ { v } }; } static int unwrap(wrap_t w) { return w.inner.v; } static long get(const struct pair *p) { return p->a - p->b; } static struct pair fresh(long a) { struct pair p; p.a = a; p.b = a * a; return p; }
static int vsum(struct pair p, int n, u8 c, struct odd o) { return p.a + p.b + n + c + o.x[6]; } static struct one cond(int x) { struct one a = { 1 }, b = { 2 }; return x ? a : b; } static void change(struct nest n) { n.t = 999; n.p[0].a = 1; } static struct empty nil(void) { return (struct empty){ }; }
static struct pair chain(struct pair p) { return swap(swap(add(p, p))); } static struct pair (*fp)(struct pair) = swap; struct ops { struct pair (*f)(struct pair, struct pair); }; static struct ops ops = { add };
int main(void)
{
	struct pair p = { 1, 2 }, q = swap(p), *pp = &p, arr[3] = { { 1, 2 }, { 3, 4 }, { 5, 6 } }; N(p.a); N(q.a * 10 + q.b); N(swap(q).b); N(({ p = q; p.a; })); p = swap(p); N(p.a); p = add(p, p); N(p.b); N(add(swap(p), p).a); N(get(&p)); N(get(&(struct pair){ 9, 4 })); *pp = arr[1]; N(p.b); arr[2] = *pp; N(arr[2].a); arr[0] = arr[1] = fresh(7); N(arr[0].b); N(chain(p).a); N(fp(p).a); N((*fp)(p).b); N(ops.f(p, q).a);
	struct odd o = { { 1, 2, 3, 4, 5, 6, 7 } }; N(rot(o, 2).x[0]); o = rot(rot(o, 3), 3); N(o.x[0]); N(sizeof(rot(o, 1))); struct nest n = { { p, q }, o, 5 }, m = deep(n, 5); N(m.p[0].a); N(m.p[1].a); N(m.t); N(n.t); change(m); N(m.t); N(deep(m, 2).p[1].b); N(m.o.x[3]); m.p[0] = m.p[1]; N(m.p[0].b); m.o = (struct odd){ "abc" }; N(m.o.x[2]); N(m.o.x[6]);
	N(mk(0x0102030405060708).b[1]); union both u = mk(-1), w; u.b[3] = 0; N(u.w); w = u; w.p.a = 4; N(u.p.a == 4); N(w.w); N(unwrap(wrap(12))); wrap_t wt = wrap(3); wt.inner = (struct one){ 8 }; N(unwrap(wt)); N(vsum(p, -5, 300, o)); N(cond(0).v); N(cond(1).v); (void)nil(); struct empty e = nil(); (void)e; N(sizeof e); struct pair *h = arr; h[1] = h[0]; N(h[1].a); *(h + 2) = (struct pair){ 4 }; N(arr[2].b); struct pair tmp = arr[0]; arr[0] = arr[2]; arr[2] = tmp; N(arr[0].a); N(arr[2].b);
	p = (struct pair){ p.b, p.a }; N(p.a); N(p.b); p = *&p; N(p.a); struct { struct pair x; struct { int y; } z[2]; } an = { p, { { 1 }, { 2 } } }, bn; bn = an; bn.z[1].y = 9; N(an.z[1].y); N(bn.z[1].y); N(bn.x.b); N(((union both){ .p = { 3, 4 } }).p.b); N((p.a = 5, p).a); N(add(add(p, q), add(q, p)).b);
	return 0;
}
