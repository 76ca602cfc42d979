"""Shared locations that turn up on the way: in mode dpor only one execution is run again."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from kernel_sim.explore.model import Bounds, Covered, Mode, Outcome, Point, Result
from kernel_sim.explore.search import Search
from kernel_sim.machine.python_engine import PythonEngine

from tests.support.sim_native import native_engine
from tests.support.sim_programs import Operation, address_of, make_program


def without_visible(outcome: Outcome) -> tuple[Covered, ...]:
    """What was covered; with fewer shared locations an execution has fewer visible accesses."""
    return tuple(replace(covered, visible=0) for covered in outcome.covered)


LATE: list[list[Operation]] = [
    [("store", 0, 1), ("store", 1, 1)],
    [("choose", 2, 9), ("load", 0), ("choose", 2, 10), ("load", 1)],
]
"""Variables 0 and 1 are shared; 9 and 10 are the second thread's own."""


@pytest.mark.parametrize("native", [False, True])
def test_only_the_execution_that_shows_a_location_is_run_again(native: bool) -> None:
    """The first execution shows both locations, and is run again: one more than is counted.

    Each load comes before or after the store that it races with: 4 orders, with 4 pairs of choices.
    """
    program = make_program(LATE)
    if native:
        outcome = native_engine(program).explore(Mode.DPOR, Bounds(None)).outcome
    else:
        outcome = Search(PythonEngine(program), Mode.DPOR, Bounds(None)).explore()
    (covered,) = outcome.covered
    assert (outcome.rounds, outcome.shared) == (2, 2)
    assert covered.executions - covered.pruned == 16
    assert outcome.executions == covered.executions + 1
    assert outcome.exhaustive


def test_a_location_that_only_one_order_shows() -> None:
    """2 reads variable 1 only if it found variable 0 set, which 1 sets last: a late discovery.

    Bound 0 has the orders 12 and 21. Only 12 shows variable 1, and only there 2 could be before
    1's store to it.
    """
    threads: list[list[Operation]] = [
        [("store", 1, 1), ("store", 0, 1)],
        [("expect", 0, 1), ("expect", 1, 0)],
    ]
    outcome = Search(PythonEngine(make_program(threads)), Mode.DPOR, Bounds(0)).explore()
    assert (outcome.rounds, outcome.executions) == (2, 2)
    assert outcome.result is Result.FAILURE
    assert outcome.schedule == "-"
    assert outcome.covered[0].executions == 1


class TwoFirst:
    """Starts thread 2, which then stands before its first visible access; then 1 alone."""

    def __init__(self) -> None:
        self.picked = 0

    def pick(self, point: Point) -> int:
        self.picked += 1
        return 2 if self.picked == 1 else 1

    def choose(self, thread: int, position: int, values: int) -> int:
        return 0


def test_what_a_thread_was_about_to_touch_counts() -> None:
    """1 stores to variable 1 and ends the execution, while 2 is about to copy variable 1 to 0."""
    threads: list[list[Operation]] = [[("store", 1, 1), ("unknown",)], [("copy", 0, 1)]]
    engine = PythonEngine(make_program(threads))
    known = frozenset({address_of(0) // 8})
    assert engine.run(TwoFirst(), known).shared == {address_of(1) // 8}


def operations(rng: random.Random, thread: int) -> list[Operation]:
    x, y = rng.randrange(3), rng.randrange(3)
    known: list[list[Operation]] = [
        [("load", x)], [("store", x, y)], [("add", x, 1)], [("atomic", x, 2)], [("copy", x, y)],
        [("copy", 8 + thread, x)], [("wait", x, y)], [("choose", 2, x)], [("acquire", 4)],
        [("acquire", 4), ("add", x, 1), ("release", 4)], [("expect", x, y)], [("poke", 6)],
        [("acquire", 5), ("store", x, y), ("release", 5)], [("free", 6)], [("unknown",)],
    ]  # fmt: skip
    return [each for _ in range(rng.randrange(1, 4)) for each in rng.choice(known)]


@pytest.mark.parametrize("seed", range(12))
def test_growing_gives_what_a_known_set_gives(seed: int) -> None:
    rng = random.Random(seed)
    threads = [operations(rng, number) for number in range(2 + seed % 2)]
    program = make_program(threads, daemons=[2] if seed % 4 == 3 else [], objects=[6])
    engine = PythonEngine(program, steps=3000)
    for bound in (0, 1, 2, None):
        bounds = Bounds(bound, executions=300)
        search = Search(engine, Mode.DPOR, bounds, keep_going=seed % 2 == 0)
        grown = search.explore()
        if grown.executions == bounds.executions:
            continue
        known = Search(engine, Mode.DPOR, bounds, keep_going=seed % 2 == 0, shared=search.shared)
        outcome = known.explore()
        assert without_visible(grown) == without_visible(outcome)
        assert (grown.failure, grown.schedule) == (outcome.failure, outcome.schedule)
        assert known.failures == search.failures
        assert known.shared == search.shared
        assert (outcome.rounds, grown.executions) == (1, outcome.executions + grown.rounds - 1)
