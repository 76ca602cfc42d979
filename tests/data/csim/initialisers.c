/* Initialisers: designated, nested, without braces, ranges, strings, of statics and of locals. */
void sim_note(const char *text, long value);
#define N(...) sim_note(#__VA_ARGS__, (long)(__VA_ARGS__))
typedef unsigned char u8; typedef signed char s8; typedef unsigned short u16; typedef short s16;
typedef unsigned int u32; typedef int s32; typedef unsigned long long u64; typedef long long s64;

struct in { s16 x; char y[3]; }; struct out { u8 a; struct in in; union { u32 w; u8 b[4]; } u; struct { int anon; int more; }; s64 z; };
static struct out tab[4] = { [1] = { .a = 7, .in = { -3, "ab" }, .u.w = 0x01020304, .anon = 9, .z = -1 }, [2].in.y[1] = 'q', [2].in.x = 4, "q", 3, { 1, 2, "xyz", 5, 6, 7, 8 } };
static const char *names[] = { "one", "two", [4] = "fi" "ve", "six" };
static int range[] = { [2 ... 4] = 7, 8, [0] = 1, [3] = 9 };
static int matrix[][3] = { { 1, 2 }, { 4, 5, 6 }, { [1] = 8 } }; static int flat[2][3] = { 1, 2, 3, 4 };
static struct in ins[] = { 1, 'a', 'b', 'c', 2, "de", { 3, { 'f' } } };
static char text[] = "hi\0there", fixed[3] = "abc", longer[6] = { "xy" }, chars[] = { 'a', 'b' }; static u8 uns[] = "\xff\x80";
static int x = 5, *px = &x, **ppx = &px; static struct out *pt = &tab[2]; static char *mid = text + 3; static long diff = sizeof(tab) / sizeof(tab[0]);
static int *elem = &range[3], *elem2 = range + 4; static char *sub = &tab[2].in.y[1]; static u64 addr_diff = (u64)1 << 40 | 3;
static int twice(int v) { return v * 2; } static int (*fp)(int) = twice, (*fps[])(int) = { twice, &twice, 0 };
struct list { struct list *n, *p; }; static struct list head = { &head, &head };
struct ops { int (*f)(int); const char *name; long flags; }; static const struct ops ops = { .name = "ops", .f = twice, .flags = 1 << 3 | 1 };
static const struct ops *all[] = { &ops, [2] = &(struct ops){ .flags = 55 } };
static struct { struct { int a, b; } p[2]; int c; } deep = { { { 1, 2 }, { .b = 4 } }, .c = 5 }, deep2 = { .p[1].a = 6, .p[1].b = 7, 8 }, deep3 = { .p = { [1] = { 1 } }, .p[1].b = 2 };
static union { u8 b; u32 w; } uu = { 1 }, uw = { .w = 0x1234 };
static s64 neg = -1, shifted = -1LL << 40; static u8 cut = (u8)300; static _Bool truth = 4; static int cond = sizeof(int) == 4 ? 10 : 20;
enum { A, B = 5, C }; static int by_enum[] = { [A] = 1, [B] = 2, [C] = 3 }; static int tentative; static int tentative = 3; static int zeroed[3];
struct bits { u32 a:3, b:7; s32 c:5; } static_bits = { 5, .c = -2 };
int main(void)
{
	int n = 4; struct out l = { .a = 7, .in.y = "z", .u = { .b = { 1, 2, 3, 4 } }, .more = n * 2 }; int arr[5] = { n, n + 1, [4] = n * n };
	N(tab[1].a); N(tab[1].in.x); N(tab[1].in.y[1]); N(tab[1].in.y[2]); N(tab[1].u.b[1]); N(tab[1].anon); N(tab[1].more); N(tab[1].z); N(tab[2].in.y[1]); N(tab[2].in.x); N(tab[3].a); N(tab[3].in.x); N(tab[3].in.y[2]); N(tab[3].u.w); N(tab[3].anon); N(tab[3].more); N(tab[3].z); N(tab[0].z);
	N(sizeof names); N(names[4][2]); N(names[5][0]); N(names[2] == 0); N(sizeof range); for (int i = 0; i < 6; i++) N(range[i]); N(sizeof matrix); N(matrix[0][2]); N(matrix[1][2]); N(matrix[2][1]); N(flat[1][0]); N(flat[1][1]);
	N(sizeof ins); N(ins[0].y[2]); N(ins[1].x); N(ins[1].y[1]); N(ins[1].y[2]); N(ins[2].x); N(ins[2].y[0]); N(sizeof text); N(text[3]); N(sizeof fixed); N(fixed[2]); N(longer[1]); N(longer[5]); N(sizeof chars); N(uns[0] + uns[1]); N(sizeof uns);
	N(*px); N(**ppx); N(pt == tab + 2); N(*mid); N(diff); N(*elem); N(*elem2); N(*sub); N(addr_diff); N(fp(4)); N(fps[1](5)); N(fps[2] == 0); N(fps[0] == fp); N(head.n == &head); N(ops.f(3)); N(ops.name[1]); N(ops.flags); N(all[0]->flags); N(all[1] == 0); N(all[2]->flags); N(sizeof all);
	N(deep.p[0].b); N(deep.p[1].a); N(deep.p[1].b); N(deep.c); N(deep2.p[1].a); N(deep2.p[1].b); N(deep2.c); N(deep3.p[1].a); N(deep3.p[1].b); N(uu.w); N(uw.b); N(neg); N(shifted); N(cut); N(truth); N(cond); N(by_enum[5] + by_enum[6]); N(sizeof by_enum); N(tentative); N(zeroed[2]); N(static_bits.a); N(static_bits.b); N(static_bits.c);
	N(l.a); N(l.in.x); N(l.in.y[0]); N(l.in.y[1]); N(l.u.w); N(l.anon); N(l.more); N(l.z); N(arr[1]); N(arr[2]); N(arr[4]);
	struct out copy = l, *pc = &copy, from = *pc; copy.a = 1; N(from.a); struct in li[2] = { { 1, { 2, 3 } }, l.in }; N(li[0].y[1]); N(li[1].y[0]); struct { struct in a; int b; } two = { l.in, 6 }; N(two.a.y[0]); N(two.b); struct { struct in a; int b; } twob = { 9, 8, 7, 6, 5 }; N(twob.a.x); N(twob.a.y[2]); N(twob.b);
	char s[8] = "hey", t[] = "a" "bc"; N(s[2]); N(s[7]); N(sizeof t); char *ps[] = { s, t + 1, "lit" }; N(ps[1][0]); N(*ps[2]); struct out z0 = { 0 }, z1 = { }; N(z0.z); N(z1.in.y[1]); int one = { 5 }; N(one); int *pi = (int[]){ 4, n, 6 }; N(pi[1]); N(((struct in){ .x = n }).x); N((&(struct in){ n + 1, "q" })->x); N(*(int *){ &n });
	for (int i = 0; i < 2; i++) { int fresh[3] = { [1] = i }; fresh[2] += 5; N(fresh[1] + fresh[2]); static int kept[2] = { 10 }; kept[1] += kept[0]++; N(kept[1]); }
	struct bits lb = { n, n * 30, -n }, lc = { .c = 40 }; N(lb.a); N(lb.b); N(lb.c); N(lc.c); N(lc.a); int mm[2][2] = { { n }, { [1] = n + 1 } }, mf[2][2] = { n, n, n }; N(mm[0][0] + mm[1][1]); N(mm[1][0]); N(mf[1][0]); N(mf[1][1]);
	struct { struct { int a, b; } p[2]; int c; } ld = { .p[1].a = n, .p[1].b = n + 1, n + 2 }; N(ld.p[1].a); N(ld.p[1].b); N(ld.c); N(ld.p[0].a); union { u8 b; u64 w; } lu = { .w = -1 }, lv = { 7 }; N(lu.b); N(lv.w); u8 ra[10] = { [1 ... 3] = n, [7 ... 8] = 9 }; N(ra[3]); N(ra[4]); N(ra[8]); N(ra[9]);
	return 0;
}
