/* Structs: packed, aligned, nested, unions, flexible arrays, offsets. */
void sim_note(const char *text, long value);
#define N(...) sim_note(#__VA_ARGS__, (long)(__VA_ARGS__))
typedef unsigned char u8; typedef signed char s8; typedef unsigned short u16; typedef short s16;
typedef unsigned int u32; typedef int s32; typedef unsigned long long u64; typedef long long s64;

struct plain { u8 a; u16 b; u8 c; u32 d; u8 e; u64 f; u8 g; };
struct packed { u8 a; u32 b; u64 c; u16 d; } __attribute__((packed));
struct half { u8 a; u32 b __attribute__((packed)); u64 c; };
struct aligned { u8 a; u8 b __attribute__((aligned(8))); u8 c; } __attribute__((aligned(32)));
struct both { u8 a; u32 b __attribute__((aligned(4))); u8 c; } __attribute__((packed));
struct packed_aligned { u8 a; u64 b; } __attribute__((packed, aligned(4)));
struct __attribute__((packed)) before { u8 a; u32 b; };
struct nest { u8 a; struct packed p; struct plain q; struct { u8 x; u64 y; }; union { u8 w; u32 v[3]; }; u8 z; };
union un { u8 a; u16 b[5]; struct packed p; void *q; };
struct flex { u32 n; u8 d[]; };
struct flex8 { u8 n; u64 d[0]; u8 tail[]; };
struct empty { };
struct has_empty { u8 a; struct empty e; u32 b; struct empty f[4]; };
struct ptrs { void (*f)(int); char *s; u8 (*arr)[7]; int (*(*g)(void))(long); u8 m[2][3][5]; };
typedef u64 __attribute__((aligned(4))) u64_4;
typedef u8 al16 __attribute__((aligned(16)));
struct typed { u8 a; u64_4 b; u8 c; al16 d; };
typedef struct { u8 a; u32 b; } __attribute__((packed)) tpacked;
struct with_t { u8 x; tpacked t; u16 y; tpacked many[2]; };
struct al_member { u8 a; struct { u8 b; } __attribute__((aligned(16))) c; };
struct lists { struct lists *next, **prev; struct { struct lists *a; } in[2]; };
enum small { S0, S1 } ; enum __attribute__((packed)) tiny { T0, T1 = 200 };
struct en { u8 a; enum small s; u8 b; enum tiny t; u8 c; };
#define O(t, m) N(__builtin_offsetof(t, m))
#define S(t) N(sizeof(t)); N(_Alignof(t))
static u8 bytes[64];
static long where(void *a, void *b) { return (char *)a - (char *)b; }
int main(void)
{
	S(struct plain); O(struct plain, b); O(struct plain, d); O(struct plain, f); O(struct plain, g);
	S(struct packed); O(struct packed, b); O(struct packed, c); O(struct packed, d);
	S(struct half); O(struct half, b); O(struct half, c); S(struct aligned); O(struct aligned, b); O(struct aligned, c);
	S(struct both); O(struct both, b); O(struct both, c); S(struct packed_aligned); O(struct packed_aligned, b); S(struct before); O(struct before, b);
	S(struct nest); O(struct nest, p); O(struct nest, q); O(struct nest, x); O(struct nest, y); O(struct nest, w); O(struct nest, v[2]); O(struct nest, z); O(struct nest, q.f); O(struct nest, p.d);
	S(union un); O(union un, b[2]); O(union un, p.c); S(struct flex); O(struct flex, d); S(struct flex8); O(struct flex8, d); O(struct flex8, tail[3]);
	S(struct empty); S(struct has_empty); O(struct has_empty, e); O(struct has_empty, b); O(struct has_empty, f);
	S(struct ptrs); O(struct ptrs, s); O(struct ptrs, arr); O(struct ptrs, g); O(struct ptrs, m[1][2][3]);
	S(struct typed); O(struct typed, b); O(struct typed, c); O(struct typed, d); S(u64_4); S(al16);
	S(tpacked); S(struct with_t); O(struct with_t, t); O(struct with_t, y); O(struct with_t, many[1].b); S(struct al_member); O(struct al_member, c);
	S(struct lists); O(struct lists, prev); O(struct lists, in[1].a); S(struct en); O(struct en, s); O(struct en, b); O(struct en, t); O(struct en, c); S(enum tiny); S(enum small);
	S(long long); S(_Bool); S(void *); S(int[3]); S(struct packed[3]); N(sizeof(struct packed *)); N(sizeof(((struct nest *)0)->q)); N(sizeof ((struct nest *)0)->v[0]); N(_Alignof(((struct nest *)0)->p));
	struct packed p = { 1, 0x02030405, 0x060708090a0b0c0dULL, 0x0e0f }; N(((u8 *)&p)[1]); N(((u8 *)&p)[5]); N(((u8 *)&p)[14]); N(where(&p.d, &p)); p.c++; N(p.c); u64 *q = &p.c; *q += 0xff; N(p.c);
	struct nest n = { .p = p, .y = 5, .v = { 1, 2 } }; N(n.p.b); N(n.y); N(n.w); N(n.v[1]); n.w = 9; N(n.v[0]); n.v[0] = 0x100; N(n.w); N(where(&n.z, &n)); N(where(&n.q.d, &n));
	struct flex *f = (struct flex *)bytes; f->n = 3; f->d[0] = 7; f->d[f->n] = 8; N(bytes[4]); N(bytes[7]); N(where(f->d, f)); N(where(&f->d[9], f)); N(sizeof *f); N(sizeof(f->d[0]));
	union un u = { .b = { 0x1234 } }; N(u.a); u.b[0]++; N(u.a); u.p.b = 77; N(u.b[1]); union un u2 = u; u2.a = 1; N(u.a); N(u2.b[0]); union un *up = &u2; N(up->p.b);
	N(where(&((struct nest *)64)->q, (void *)0)); static struct aligned al[2]; N(where(&al[1].c, al)); N((unsigned long)al % 32); struct aligned lo; N((unsigned long)&lo % 32);
	return 0;
}
