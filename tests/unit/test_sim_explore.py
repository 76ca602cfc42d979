"""Schedules as text, conflicts, random schedules, and the search on engines that are no machine."""

from __future__ import annotations

import pytest
from kernel_sim.explore.model import (
    START,
    Access,
    Bounds,
    End,
    Execution,
    Failure,
    Guide,
    Mode,
    Point,
    Range,
    Result,
    conflict,
)
from kernel_sim.explore.pct import Random, search_randomly
from kernel_sim.explore.schedule import Deviation, parse_schedule, render_schedule
from kernel_sim.explore.search import Search
from kernel_sim.explore.tree import RepeatError
from kernel_sim.machine.python_engine import PythonEngine

from tests.support.sim_programs import Operation, make_program


class Toy:
    """An engine whose threads do nothing but make given accesses; records the orders of threads.

    Thread n makes the accesses of lists[n - 1]; `fails` is an order that is a failure.
    """

    def __init__(self, lists: list[list[Access]], fails: str = "") -> None:
        self.lists = lists
        self.fails = fails
        self.orders: list[str] = []

    def run(self, guide: Guide, shared: frozenset[int]) -> Execution:
        left = [[START, *accesses] for accesses in self.lists]
        counts = [-1] * len(left)
        order, last = "", 0
        while any(left):
            enabled = [n for n, accesses in enumerate(left, 1) if accesses]
            enabled.sort(key=lambda n: (n != last, n))
            pending = (None, *(accesses[0] if accesses else None for accesses in left))
            place = Point(last, counts[last - 1] if last else 0, tuple(enabled), pending, bytes)
            last = guide.pick(place)
            if last < 0:
                return Execution(End.CUT)
            left[last - 1].pop(0)
            counts[last - 1] += 1
            order += str(last)
        self.orders.append(order)
        if order == self.fails:
            return Execution(End.FAILURE, Failure("toy", order, 1, "", 0), visible=len(order))
        return Execution(End.DONE, visible=len(order))


def write(address: int, size: int = 8) -> Access:
    return Access((Range(address, size, True),))


def read(address: int, size: int = 8) -> Access:
    return Access((Range(address, size, False),))


def test_the_order_of_search_is_depth_first_with_the_last_thread_first() -> None:
    toy = Toy([[write(0)], [write(0)]])
    Search(toy, Mode.NONE, Bounds(None)).explore()
    assert toy.orders == ["1122", "1221", "1212", "2211", "2112", "2121"]
    toy = Toy([[write(0)], [write(0)]])
    Search(toy, Mode.NONE, Bounds(1)).explore()
    assert toy.orders == ["1122", "2211", "1122", "1221", "2211", "2112"]


def test_reads_and_other_bytes_commute() -> None:
    for lists in ([[read(0)], [read(0)]], [[write(0, 4)], [write(4, 4)]]):
        toy = Toy(lists)
        Search(toy, Mode.DPOR, Bounds(None)).explore()
        assert toy.orders == ["1122"]


def test_the_first_failure_has_the_fewest_preemptions() -> None:
    outcome = Search(
        Toy([[write(0)] * 2, [write(0)] * 2], "121122"), Mode.NONE, Bounds(5)
    ).explore()
    assert outcome.failure == Failure("toy", "121122", 1, "", 0)
    assert [covered.bound for covered in outcome.covered] == [0, 1, 2]
    assert outcome.schedule == "1@0>2,2@0>1"


def test_an_engine_that_does_not_repeat_itself_is_found_out() -> None:
    class Fickle(Toy):
        def run(self, guide: Guide, shared: frozenset[int]) -> Execution:
            execution = super().run(guide, shared)
            self.lists[0] = []
            return execution

    with pytest.raises(RepeatError):
        Search(Fickle([[write(0)], [write(0)]]), Mode.NONE, Bounds(None)).explore()


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        (write(0), write(7, 1), True),
        (write(0), write(8, 1), False),
        (read(4, 4), write(0), True),
        (read(0), read(0), False),
        (START, write(0), False),
        (Access((Range(0, 8, False), Range(16, 8, True))), read(16), True),
        (Access((Range(0, 8, False), Range(16, 8, True))), read(0), False),
    ],
)
def test_conflicts(one: Access, other: Access, wanted: bool) -> None:
    assert conflict(one, other) == conflict(other, one) == wanted


def test_schedules_come_back() -> None:
    deviations = (Deviation(0, 0, False, 2), Deviation(2, 17, True, 1))
    assert render_schedule(deviations) == "0@0>2,2@17=1"
    assert parse_schedule("0@0>2,2@17=1") == deviations
    assert render_schedule(()) == "-"
    assert parse_schedule("-") == ()


# ---------------------------------------------------------------- random schedules


def test_the_generator_is_xorshift64_star() -> None:
    """The state 1, by hand: 1 ^ 1 << 25 = 0x2000001; that ^ that >> 27 is itself."""
    random = Random(0, 0)
    random.state = 1
    assert random.below(2**32) == (0x2000001 * 0x2545F4914F6CDD1D % 2**64) >> 32
    assert random.state == 0x2000001


LOST: list[list[Operation]] = [[("add", 0, 1)], [("add", 0, 1)]]


def test_random_schedules_find_a_lost_update_and_it_replays() -> None:
    engine = PythonEngine(make_program(LOST, [("expect", 0, 2)]))
    outcome = search_randomly(engine, 7, 1000)
    assert outcome.result is Result.FAILURE
    assert outcome.schedule is not None
    assert engine.replay(outcome.schedule)[0].failure == outcome.failure
    assert search_randomly(engine, 7, 1000) == outcome


def test_random_schedules_are_never_complete() -> None:
    engine = PythonEngine(make_program([[("atomic", 0, 1)], [("atomic", 0, 1)]]))
    outcome = search_randomly(engine, 1, 20)
    assert (outcome.result, outcome.executions) == (Result.NO_FAILURE, 20)
    assert not outcome.complete
    assert not outcome.exhaustive
    unknown = PythonEngine(make_program([[("unknown",)]]))
    assert search_randomly(unknown, 1, 20).result is Result.INCONCLUSIVE


def test_random_schedules_reach_every_order() -> None:
    toy = Toy([[write(0)], [write(0)]])
    search_randomly(toy, 3, 300)
    assert set(toy.orders) == {"1122", "1212", "1221", "2211", "2121", "2112"}


def test_every_schedule_of_a_search_replays_to_the_same_end() -> None:
    threads: list[list[Operation]] = [
        [("acquire", 1), ("add", 0, 1), ("release", 1), ("choose", 2, 2)],
        [("acquire", 1), ("copy", 3, 2), ("release", 1), ("wait", 2, 1)],
    ]
    engine = PythonEngine(make_program(threads, daemons=[2]))
    again = PythonEngine(make_program(threads, daemons=[2]))
    seen = 0

    def watch(execution: Execution, schedule: str) -> None:
        nonlocal seen
        seen += 1
        replayed, _ = again.replay(schedule)
        assert (replayed.end, replayed.failure) == (execution.end, execution.failure)
        assert replayed.steps == execution.steps
        assert again.contents("variables") == engine.contents("variables")

    Search(engine, Mode.NONE, Bounds(2), watch=watch).explore()
    assert seen > 50
