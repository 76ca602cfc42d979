"""Long accesses next to short ones: the native engine keeps note of 512 bytes at once."""

from __future__ import annotations

import random

import pytest
from kernel_sim import ir
from kernel_sim.cfront.linking import Linker
from kernel_sim.cfront.preprocess import strip_markers
from kernel_sim.cfront.unit import Unit
from kernel_sim.explore.model import Bounds, Mode
from kernel_sim.explore.search import Search
from kernel_sim.machine.python_engine import PythonEngine

from tests.support.sim_native import native_engine

PROGRAM = """
void *sim_alloc(unsigned long); int sim_thread(const char *, void (*)(void *), void *, int);
void sim_copy(void *, const void *, unsigned long); void sim_fill(void *, int, unsigned long);
unsigned int sim_crc32c(unsigned int, const void *, unsigned long);
void sim_fail(const char *, const char *); void sim_free(const void *);
struct step { int kind, to, from, size; };
static struct step steps[2][3] = STEPS;
static int limit = LIMIT;
static unsigned char area[2048] __attribute__((aligned(512)));
static unsigned char *object;

static void take(struct step *s)
{
	unsigned char *own;

	switch (s->kind) {
	case 0: sim_fill(area + s->to, s->size, s->size); break;
	case 1: sim_copy(area + s->to, area + s->from, s->size); break;
	case 2: area[s->to] = s->size; break;
	case 3: area[s->to] += area[s->from]; break;
	case 4: sim_copy(object + s->to, area + s->from, s->size); break;
	case 5:
		own = sim_alloc(1500);
		own[1400] += own[3] + own[712] + 9;
		own[3] = 9;
		sim_copy(own + 8, area, 1024);
		sim_copy(area + s->to, own + 800, 700);
		break;
	case 6:
		own = sim_alloc(1500);
		if (s->to)
			sim_free(own);
		sim_copy(area, own + s->from, s->size);
		break;
	}
}
static void run(void *which)
{
	for (int i = 0; i < 3; i++)
		take(&steps[(unsigned long)which][i]);
}
void setup(void)
{
	for (int i = 0; i < 2048; i += 64)
		area[i] = i / 64;
	object = sim_alloc(2048);
	sim_fill(object, 1, 2048);
	sim_thread("one", run, (void *)0, 0);
	sim_thread("two", run, (void *)1, 0);
}
void check(void)
{
	unsigned int sum = sim_crc32c(sim_crc32c(0, area, 2048), object, 2048);

	if (sum >> 24 < limit)
		sim_fail("sum", "it is low");
}
"""
Steps = list[list[tuple[int, int, int, int]]]


def make(steps: Steps, limit: int) -> ir.Program:
    rows = ", ".join(
        f"{{ {', '.join(f'{{ {a}, {b}, {c}, {d} }}' for a, b, c, d in t)} }}" for t in steps
    )
    text = PROGRAM.replace("STEPS", f"{{ {rows} }}").replace("LIMIT", str(limit))
    return Linker([Unit(strip_markers(f'# 1 "s.c"\n{text}', "s.c"))]).link(["setup", "check"])


def random_steps(rng: random.Random) -> Steps:
    def one() -> tuple[int, int, int, int]:
        size = rng.choice((1, 8, 100, 512, 600, 1024))
        places = (0, 512, 1024, rng.randrange(1024))
        return rng.randrange(6), rng.choice(places), rng.choice(places), size

    return [[one() for _ in range(3)] for _ in range(2)]


@pytest.mark.parametrize("seed", range(16))
def test_random_programs_give_what_the_reference_gives(seed: int) -> None:
    rng = random.Random(seed)
    program = make(random_steps(rng), rng.choice((0, 40, 128)))
    bounds = Bounds(highest=1)
    native = native_engine(program)
    for mode in (Mode.NONE, Mode.DPOR):
        outcome = native.explore(mode, bounds).outcome
        assert outcome == Search(PythonEngine(program, steps=100_000), mode, bounds).explore()


def test_every_word_of_a_span_is_shared_by_a_fill_and_one_store() -> None:
    # One thread fills 512 bytes, the other stores to one of them: 1 location is shared, and the
    # other 63 of the span are not. All else is done in the thread's own time.
    idle = (2, 2000, 0, 1)
    other = (2, 1900, 0, 1)
    program = make([[(0, 512, 0, 512), idle, idle], [(2, 520, 0, 5), other, other]], 0)
    found = native_engine(program).explore(Mode.NONE, Bounds(highest=None))
    area = next(one.address for one in program.globals if one.name.endswith(":area"))
    assert found.locations == {(area + 520) // 8}
    # Each thread has two transitions, the start and the access: 4!/(2!2!) orders.
    assert [one.executions for one in found.outcome.covered] == [6]
    # Both fill the span: all its 64 locations are shared.
    program = make([[(0, 512, 0, 512), idle, idle], [(0, 512, 0, 512), other, other]], 0)
    found = native_engine(program).explore(Mode.NONE, Bounds(highest=None))
    assert found.locations == {(area + 512) // 8 + word for word in range(64)}
    assert [one.executions for one in found.outcome.covered] == [6]


@pytest.mark.parametrize(
    ("step", "failure"),
    [
        ((6, 0, 0, 1500), None),
        ((6, 0, 476, 1024), None),
        ((6, 0, 0, 1501), ("wild access", "read of 1501 bytes at 0x31000000")),
        ((6, 0, 477, 1024), ("wild access", "read of 1024 bytes at 0x310001dd")),
        ((6, 1, 0, 600), ("use after free", "read of 600 bytes at 0x31000000")),
    ],
)
def test_long_accesses_of_an_object(
    step: tuple[int, int, int, int], failure: tuple[str, str] | None
) -> None:
    idle = (2, 2000, 0, 1)
    program = make([[step, idle, idle], [idle, idle, idle]], 0)
    outcome = native_engine(program).explore(Mode.NONE, Bounds(highest=0)).outcome
    found = outcome.failure
    assert (found and (found.kind, found.text)) == failure
    reference = Search(PythonEngine(program, steps=100_000), Mode.NONE, Bounds(highest=0))
    assert outcome == reference.explore()
