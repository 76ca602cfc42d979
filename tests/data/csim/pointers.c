/* Pointers: comparison, difference, arrays of arrays, void and function pointers, aliasing through casts. */
void sim_note(const char *text, long value);
#define N(...) sim_note(#__VA_ARGS__, (long)(__VA_ARGS__))
typedef unsigned char u8; typedef signed char s8; typedef unsigned short u16; typedef short s16;
typedef unsigned int u32; typedef int s32; typedef unsigned long long u64; typedef long long s64;

struct node { struct node *next; int v; }; static struct node pool[4]; static int m[3][4][5]; static char buf[64]; static void *slots[4]; static u64 mixed[4];
static int sum(struct node *n) { int s = 0; for (; n; n = n->next) s += n->v; return s; }
static struct node *rev(struct node *n) { struct node *p = 0, *t; while (n) { t = n->next; n->next = p; p = n; n = t; } return p; }
static void insert(struct node **pp, struct node *n) { while (*pp && (*pp)->v < n->v) pp = &(*pp)->next; n->next = *pp; *pp = n; }
static void fill(int (*row)[5], int n) { for (int i = 0; i < n; i++) for (int j = 0; j < 5; j++) row[i][j] = i * 10 + j; }
static int total(int a[static 3], int n) { int s = 0; while (n--) s += *a++; return s; } static int param(char s[], int (*f)(char), char *argv[]) { return f(s[0]) + argv[1][0]; } static int up(char c) { return c - 32; }
static void set(int *a, long *b, u8 *c) { *a = -1; *b = *a; *c = *b; } static long len(const char *s) { const char *p = s; while (*p) p++; return p - s; }
static void *memcpy2(void *d, const void *s, unsigned long n) { char *a = d; const char *b = s; while (n--) *a++ = *b++; return d; }
static int cmp(const char *a, const char *b) { while (*a && *a == *b) a++, b++; return *(u8 *)a - *(u8 *)b; }
static long bracketed(int (size), struct node *(at), char (*row)[6], unsigned long (get)(int)); static unsigned long twice(int n) { return n * 2; }
int main(void)
{
	int a[10], *p = a, *q = &a[7], **pp = &p, ***ppp = &pp, x = 3; long l; u8 c; struct node *h = 0; const char *const str = "hello"; void *v = &x;
	for (int i = 0; i < 10; i++) a[i] = i * i; N(q - p); N(p - q); N(q > p); N(q >= &a[7]); N(q != p); N(p == a); N(*(q - 2)); N(q[-7] == *p); N((char *)q - (char *)p); N(&a[10] - a); N(*pp == a); ***ppp = 77; N(a[0]); *pp += 2; N(*p); (**ppp)++; N(p - a); N(*--*pp); N(p - a); N((u64)q - (u64)a); N(p < q ? *p : *q); N(!p); N(p && q); N(p == 0); N((p - 1)[1] == *p);
	for (int i = 0; i < 4; i++) { pool[i].v = (i * 7) % 4; insert(&h, &pool[i]); } N(sum(h)); N(h->v); N(h->next->next->v); h = rev(h); N(h->v); N(h->next->v); N(h - pool); N(&pool[3] - h); N(&h->next->v == &(*h->next).v); N(((struct node *)((char *)&h->v - __builtin_offsetof(struct node, v)))->v);
	fill(m[1], 4); N(m[1][3][4]); N(*(*(*(m + 1) + 2) + 3)); N(m[1][2] - m[1][0]); N(&m[2] - &m[0]); N((char *)&m[2][1] - (char *)m); N(sizeof m[0]); N(sizeof *m[0]); N(sizeof &m[0]); int (*row)[5] = m[1]; row++; N((*row)[2]); N(row[1][1]); int *flat = (int *)m; N(flat[20 + 15 + 4]); int (*whole)[3][4][5] = &m; N((*whole)[1][1][1]); N(total(m[1][2], 5)); N(total(&m[1][2][1], 2));
	char *argv[] = { "x", "yz", 0 }; N(param("abc", up, argv)); set(&x, &l, &c); N(x); N(l); N(c); N(len(str)); N(str[len(str)]); memcpy2(buf, str, 6); N(cmp(buf, "hello")); buf[1] = 'a'; N(cmp(buf, str) < 0); N(cmp("b", "a")); N(len(buf + 2)); *(u32 *)buf = 0x41424344; N(buf[0]); N(*(u16 *)(buf + 1)); *(u64 *)(buf + 3) = ~0ULL; N(*(s16 *)(buf + 2)); N(*(int *)(buf + 8)); N(((u8 *)&x)[3]);
	x = 5; N(*(int *)v); N(v == &x); N(v + 1 == (char *)&x + 1); N((long)(v - (void *)&x)); slots[1] = &slots[2]; slots[2] = slots; N(*(void **)slots[1] == slots); N(((void ***)slots)[1][0] == slots); mixed[1] = (u64)&x; *(int *)mixed[1] = 9; N(x); N((int *)mixed[1] == &x); u64 tag = (u64)&x | 1; N(*(int *)(tag & ~1UL)); N((void *)5 > (void *)3); N((void *)-1 > (void *)1); N((long)(void *)-22); N((u64)(void *)-22 > (u64)-4096); N((int *)0 + 3 == (int *)12); N((unsigned long)((struct node *)0 + 2));
	const int *volatile cp = a; N(cp[3]); int *const kp = a + 1; N(*kp); int *restrict rp = a; N(rp[2]); char (*ps)[6] = (char (*)[6])buf; N(sizeof *ps); N(ps[1] - buf); N(*ps == buf); struct { int n; int *p; } w = { 2, a }; N(w.p[w.n]); N(*w.p++); N(*w.p); N(w.p[-1]); N(&w.p[1] > &w.p[0]);
	N(bracketed(-3, &pool[1], (char (*)[6])buf, twice)); long (*indirect)(int (size), struct node *(at), char (*row)[6], unsigned long (get)(int)) = bracketed; N(indirect(-4, &pool[2], (char (*)[6])buf, twice));
	return 0;
}
static long bracketed(int size, struct node *at, char (*row)[6], unsigned long get(int)) { return size + (at - pool) * 10 + (row[1] - buf) * 100 + get(at - pool) * 1000; }
