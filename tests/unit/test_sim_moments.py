"""Executions that begin in the middle, and checks that are not run again, change nothing."""

from __future__ import annotations

import random
from functools import cache

import pytest
from kernel_sim import ir
from kernel_sim.cfront.linking import Linker
from kernel_sim.cfront.preprocess import strip_markers
from kernel_sim.cfront.unit import Unit
from kernel_sim.explore.model import Bounds, Mode, Outcome
from kernel_sim.explore.search import Search
from kernel_sim.machine.compile import Compiler
from kernel_sim.machine.native_engine import Limits, NativeEngine
from kernel_sim.machine.python_engine import PythonEngine

from tests.support.require import require
from tests.support.sim_native import native_folder

PROGRAM = """
void *sim_alloc(unsigned long); int sim_thread(const char *, void (*)(void *), void *, int);
void sim_copy(void *, const void *, unsigned long); void sim_fill(void *, int, unsigned long);
unsigned int sim_crc32c(unsigned int, const void *, unsigned long);
void sim_fail(const char *, const char *); void sim_free(const void *); int sim_choose(int);
void sim_acquire(unsigned long *, unsigned long);
static int steps[2][4] = STEPS;
static unsigned char shared[1536] __attribute__((aligned(512)));
static unsigned char *objects[2], *old;
static unsigned long lock, sum;

/* Frames that are older than a switch, and what they hold after it. */
static int deep(int depth, int *above)
{
	int own[6] = { depth, *above, 3, depth };

	own[4] = shared[depth];
	if (depth > 0)
		own[5] = deep(depth - 1, &own[2]);
	*above += own[0] + own[4];
	shared[depth] = own[5] + own[1];
	return own[2] + own[4];
}
static void swap(int which)
{
	unsigned char local[600];
	int i;

	sim_copy(local, shared, 600);
	local[which] += 5;
	for (i = 0; i < 3; i++)
		shared[i * 8] += local[i];
	sim_copy(shared + 512, local + 8, 512);
}
static void make(int which)
{
	unsigned char *mine = sim_alloc(700);

	mine[3] = shared[8] + 1;
	sim_fill(mine + 8, mine[3], 600);
	if (objects[which])
		sim_free(objects[which]);
	objects[which] = mine;
	shared[16] += mine[9];
}
static void take(int kind, int which)
{
	int start = which;

	switch (kind) {
	case 0: sum += deep(3, &start); break;
	case 1: swap(which); break;
	case 2: make(which); break;
	case 3: sim_acquire(&lock, 1); shared[24] += which + 1; shared[0] = 7; lock = 0; break;
	case 4: sim_fill(shared + 512, which + 3, 1024); break;
	case 5: shared[sim_choose(2) * 8] = 4; break;
	case 6: old[which * 8] = shared[1]; shared[1] = old[1]; break;
	case 7: make(which); swap(which); shared[2] = deep(2, &start); break;
	}
}
static void run(void *which)
{
	for (int i = 0; i < 4; i++)
		take(steps[(unsigned long)which][i], (unsigned long)which);
}
void setup(void)
{
	for (int i = 0; i < 1536; i += 8)
		shared[i] = i / 8;
	old = sim_alloc(64);
	sim_fill(old, 2, 64);
	sim_thread("one", run, (void *)0, 0);
	sim_thread("two", run, (void *)1, 0);
}
void check(void)
{
	unsigned int all = sim_crc32c(sim_crc32c(sum, shared, 1536), old, 64);

	for (int i = 0; i < 2; i++)
		all = objects[i] ? sim_crc32c(all, objects[i], 700) : all;
	if (all % 64 < LIMIT)
		sim_fail("sum", "it is low");
	sim_free(old);
	shared[5] = 1;
}
"""


LAST = """
void *sim_alloc(unsigned long); int sim_thread(const char *, void (*)(void *), void *, int);
void sim_fill(void *, int, unsigned long); void sim_fail(const char *, const char *);
void sim_free(const void *); int sim_choose(int);
static unsigned char area[1024] __attribute__((aligned(512)));
static unsigned char *old, *new;
static int flag;

static void run(void *me)
{
	unsigned long which = (unsigned long)me;
	THREAD
}
void setup(void)
{
	old = sim_alloc(64);
	sim_thread("one", run, (void *)1, 0);
	sim_thread("two", run, (void *)2, 0);
}
void check(void)
{
	if (CHECK)
		sim_fail("last", "it was one");
}
"""


def build(text: str) -> ir.Program:
    return Linker([Unit(strip_markers(f'# 1 "s.c"\n{text}', "s.c"))]).link(["setup", "check"])


def make(seed: int, limit: int) -> ir.Program:
    rng = random.Random(seed)
    rows = ", ".join(
        f"{{ {', '.join(str(rng.randrange(8)) for _ in range(4))} }}" for _ in range(2)
    )
    text = PROGRAM.replace("STEPS", f"{{ {rows} }}").replace("LIMIT", str(limit))
    return build(text)


@cache
def compiler() -> Compiler:
    """A moment is kept at every point."""
    return Compiler(native_folder(), defines=("-DSTRIDE=1",))


def outcomes(program: ir.Program, mode: Mode, bounds: Bounds) -> list[tuple[Outcome, int]]:
    """What the reference gives, and the native engine with a moment at every point."""
    require("gcc")
    native = NativeEngine(program, native_folder(), compiler=compiler(), steps=100_000)
    search = Search(PythonEngine(program, steps=100_000), mode, bounds, keep_going=True)
    expected = search.explore()
    got = native.explore(mode, bounds, keep_going=True)
    return [(expected, len(search.failures)), (got.outcome, got.failures)]


@pytest.mark.parametrize("seed", range(3))
def test_moments_and_checks_left_out_change_nothing(seed: int) -> None:
    """The engines agree on steps as well, and on the number of executions that fail in check()."""
    program = make(seed, 8)
    for mode in Mode:
        for bounds in (Bounds(2, executions=80), Bounds(None, executions=80)):
            expected, got = outcomes(program, mode, bounds)
            assert got == expected


@pytest.mark.parametrize(
    ("thread", "check"),
    [
        ("area[9] = which;", "area[9] == 1"),
        ("if (which == 2) flag = 1; else sim_fill(area + 512, flag, 512);", "area[700] == 1"),
        (
            "if (which == 2) flag = 1; else { new = sim_alloc(40); new[30] = flag; }",
            "new[30] == 1",
        ),
        (
            "unsigned char *mine = sim_alloc(1100); flag = mine[600] ? 3 : which;"
            "sim_fill(mine, 1, 1100);",
            "flag == 1",
        ),
        ("if (which == 2) flag = 1; else if (flag) sim_free(old);", "old[0]"),
    ],
)
def test_a_check_is_run_where_what_it_reads_is_something_else(thread: str, check: str) -> None:
    """Of the orders 12 and 21 only the first ends well; each leaves other bytes or objects.

    What is allocated holds 0, whatever stood there in the execution before. With the last one 21
    fails since what check() looks at was freed.
    """
    program = build(LAST.replace("THREAD", thread).replace("CHECK", check))
    expected, got = outcomes(program, Mode.DPOR, Bounds(0))
    assert got == expected
    assert got[1] == 1
    assert got[0].covered[0].executions == 2


@pytest.mark.parametrize("touch", ["area[9] = 1;", "sim_fill(area + 512, 1, 512);"])
def test_touches_of_another_way_are_none_of_this_one(touch: str) -> None:
    """1 touches the area if it chose 0, and 2 if 1 chose 1: never both, so only the flag is shared.

    2 comes before 1's store to the flag or after it, with two choices each.
    """
    body = f"""
	int chosen = which == 1 ? sim_choose(2) : flag;

	if (which == 1)
		flag = chosen;
	if (chosen == (which == 2)) {{
		{touch}
	}}
    """
    program = build(LAST.replace("THREAD", body).replace("CHECK", "0"))
    expected, got = outcomes(program, Mode.DPOR, Bounds(None))
    assert got == expected
    assert got[0].shared == 1


def test_what_is_kept_has_a_limit() -> None:
    """A moment at each of 1,200 points, with 1 MiB written between two, would be 600 MiB at least.

    The engine maps 2,984 MiB: memory, shadow, locations, spans, sizes and stacks.
    """
    require("gcc")
    body = "for (int i = 0; which == 1 && i < 600; i++) { sim_fill(area, i, 1 << 20); flag++; }"
    text = LAST.replace("area[1024]", "area[1 << 20]").replace("CHECK", "0")
    program = build(text.replace("THREAD", body + " if (which == 2) flag++;"))
    limits = Limits(address_space=(2984 + 600) << 20)
    native = NativeEngine(program, native_folder(), compiler=compiler(), limits=limits)
    assert native.explore(Mode.DPOR, Bounds(0)).outcome.complete
