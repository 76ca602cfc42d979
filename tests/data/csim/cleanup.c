/* The attribute cleanup: every way out of a block runs it, in the order of gcc. */
void sim_note(const char *text, long value);
#define N(...) sim_note(#__VA_ARGS__, (long)(__VA_ARGS__))
#define __cleanup(f) __attribute__((__cleanup__(f)))
#define GUARD(n) int guard##n __cleanup(done) = begin(n)
static int log; static int begin(int n) { log = log * 10 + n; sim_note("begin", log); return n; }
static void done(int *n) { log += *n * 1000; sim_note("done", log); *n = -1; }
typedef struct { int v; long w; } lock_t; static lock_t lock(int v) { begin(v); return (lock_t){ v, v }; } static void unlock(lock_t *l) { begin(l->v + 4); l->v = 0; } static int ptr_gone; static void gone(void *p) { ptr_gone = *(long *)p != 0; sim_note("gone", ptr_gone); }
#define scoped(n) for (lock_t scope __cleanup(unlock) = lock(n), *once = 0; !once; once = (void *)1)
#define scoped2(n, label) for (lock_t scope __cleanup(unlock) = lock(n);; ({ goto label; })) if (0) { label: break; } else
#define steal(p) ({ __auto_type _p = &(p); __auto_type _v = *_p; *_p = 0; _v; })
static int plain(void) { GUARD(1); GUARD(2); N(3); return guard1 + guard2; }
static void falls(int x) { GUARD(1); if (x) { GUARD(2); N(x); } { GUARD(3); } N(4); }
static int returns(int x) { GUARD(1); if (x == 1) return guard1 * 10; { GUARD(2); if (x == 2) return guard2 * 10 + guard1; for (;;) { GUARD(3); if (x == 3) return guard3; return 99; } } }
static int loops(void) { int s = 0; for (int i = 0; i < 4; i++) { GUARD(1); if (i == 1) continue; { GUARD(2); if (i == 2) continue; if (i == 3) break; s += guard2; } s += 10; } while (1) { GUARD(3); do { GUARD(4); if (s) break; } while (0); break; } return s; }
static int switches(int x) { GUARD(1); switch (x) { case 0: { GUARD(2); break; } case 1: { GUARD(3); } case 2: { GUARD(4); if (x == 2) return 7; } default: N(x); } return 8; }
static int gotos(int x) { int n = 0; GUARD(1); again: n++; { GUARD(2); if (n < 3) goto again; if (x) goto out; { GUARD(3); if (n < 5) goto inner; N(n); } inner: N(n + 100); } { GUARD(4); N(5); goto end; } out: return 1; end: return n; }
static int back(void) { int n = 0; top: n++; GUARD(1); if (n < 3) goto top; N(n); return guard1 + n; }
static int scope1(int x) { scoped(1) { if (x == 1) return 11; if (x == 2) break; if (x == 3) continue; N(scope.v); } return 12; }
static int scope2(int x) { scoped2(2, l1) { if (x == 1) return 21; if (x == 2) goto out; N(scope.v); } scoped2(3, l2) N(33); out: return 22; }
static int nested(void) { scoped(1) scoped(2) { N(50); scoped2(3, l) { return scope.v; } } return 0; }
static int value(void) { int r = ({ GUARD(1); guard1 + 5; }) + ({ GUARD(2); guard2; }); N(({ lock_t l __cleanup(unlock) = lock(3); l; }).v); return r; }
static long *owned(long *p, int x) { void *q __attribute__((cleanup(gone))) = p; if (x) return 0; return steal(q); }
static lock_t whole(void) { lock_t l __cleanup(unlock) = lock(2); return l; } static void nothing(void) { GUARD(1); return; } static int late(int x) { if (x) return 1; GUARD(2); return guard2; }
static int cond(int x) { GUARD(1); return x && ({ GUARD(2); guard2 > 1; }) ? ({ GUARD(3); guard3; }) : 9; } static void inf(void) { int a = 1, b __cleanup(done) = 2; a++; N(a + b); } static int rec(int n) { GUARD(1); return n ? rec(n - 1) + guard1 : 0; }
int main(void)
{
	long v = 5; log = 0; N(plain()); log = 0; falls(0); log = 0; falls(1); for (int i = 1; i < 5; i++) { log = 0; N(returns(i)); } log = 0; N(loops()); for (int i = 0; i < 4; i++) { log = 0; N(switches(i)); } log = 0; N(gotos(0)); log = 0; N(gotos(1)); log = 0; N(back()); for (int i = 0; i < 4; i++) { log = 0; N(scope1(i)); } for (int i = 0; i < 3; i++) { log = 0; N(scope2(i)); } log = 0; N(nested()); log = 0; N(value());
	N(owned(&v, 1) == 0); N(owned(&v, 0) == &v); log = 0; N(whole().v); nothing(); N(late(1)); N(late(0)); log = 0; N(cond(0)); N(cond(1)); inf(); log = 0; N(rec(2)); N(log);
	return 0;
}
