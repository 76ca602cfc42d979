"""The search on small programs whose schedules are counted by hand."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

import pytest
from kernel_sim.explore.model import Bounds, Covered, Execution, Failure, Mode, Outcome, Result
from kernel_sim.explore.search import Search
from kernel_sim.machine.python_engine import PythonEngine

from tests.support.sim_programs import Operation, make_program

ALL = tuple(Mode)


def explore(
    threads: Sequence[Sequence[Operation]],
    bounds: Bounds,
    mode: Mode = Mode.NONE,
    check: Sequence[Operation] = (),
    daemons: Sequence[int] = (),
) -> Outcome:
    engine = PythonEngine(make_program(threads, check, daemons), steps=5000)
    return Search(engine, mode, bounds).explore()


def executions(outcome: Outcome) -> list[int]:
    return [covered.executions for covered in outcome.covered]


@pytest.mark.parametrize("accesses", [1, 2, 3])
def test_two_threads_have_the_schedules_of_the_binomials(accesses: int) -> None:
    """With its start a thread has n = accesses + 1 events, and can be left after each but the last.

    Without a bound: all ways to merge n and n events. Bound 0: either thread first. Bound 1: those,
    and either thread left at one of its accesses places (start and all but the last access), for
    ABA. Bound 2: also ABAB, where both are cut in two.
    """
    threads = [[("store", 0, 1)] * accesses, [("store", 0, 2)] * accesses]
    assert executions(explore(threads, Bounds(None))) == [comb(2 * accesses + 2, accesses + 1)]
    assert executions(explore(threads, Bounds(2))) == [
        2,
        2 + 2 * accesses,
        2 + 2 * accesses + 2 * accesses**2,
    ]


def test_events_are_counted() -> None:
    """Two executions of bound 0, each with 2 starts and 2 * 2 accesses."""
    outcome = explore([[("store", 0, 1)] * 2, [("load", 0)] * 2], Bounds(0))
    # setup: 2 steps, then 3 for each of 2 threads, and the end; check: 6 and the end; a thread: 6,
    # then 3 for each store or 2 for each load, and the end.
    steps = (2 + 3 * 2 + 1) + (6 + 1) + (6 + 2 * 3 + 1) + (6 + 2 * 2 + 1)
    assert outcome.covered == (Covered(0, 2, 0, 2 * steps, 2 * 6, True, True),)
    assert (outcome.rounds, outcome.shared, outcome.executions) == (2, 1, 3)
    assert outcome.complete
    assert not outcome.exhaustive


def test_what_no_other_thread_touches_is_no_switch_point() -> None:
    """Each thread has its start alone, so 2 executions are all, and bound 0 refuses nothing."""
    outcome = explore([[("store", 0, 1)] * 5, [("store", 1, 1)] * 5], Bounds(2))
    assert executions(outcome) == [2]
    assert outcome.exhaustive
    assert (outcome.rounds, outcome.shared) == (1, 0)


def test_what_is_read_only_is_no_switch_point() -> None:
    assert executions(explore([[("load", 0)], [("load", 0)]], Bounds(None))) == [2]


def test_three_threads() -> None:
    """Starts and one access each: all ways to merge 2, 2 and 2 events, 6! / 2!**3 = 90."""
    threads = [[("store", 0, n)] for n in range(3)]
    assert executions(explore(threads, Bounds(None))) == [90]
    # Writes of different values to one place: 3! orders. Starts conflict with nothing.
    assert executions(explore(threads, Bounds(None), Mode.DPOR)) == [6]


def test_a_lock_leaves_the_orders_of_its_holders() -> None:
    """Events: start, acquire, add (2 accesses), release; all of lock and variable are shared.

    If one holds the lock, the other can do its start and then waits. Say 1 acquires first: its
    4 events from acquire on are in line, and so are 2's from there on. 1's start comes before, and
    2's start is anywhere before 2's acquire: before 1's start, or after one of 1's events. At the
    end 2 goes on. That is 6 places for 2's start; and as many where 2 acquires first.
    """
    body: list[Operation] = [("acquire", 1), ("add", 0, 1), ("release", 1)]
    outcome = explore([body, body], Bounds(None), check=[("expect", 0, 2)])
    assert outcome.result is Result.NO_FAILURE
    assert executions(outcome) == [12]
    for mode in (Mode.DPOR, Mode.SLEEP):
        reduced = explore([body, body], Bounds(None), mode, [("expect", 0, 2)])
        assert reduced.covered[0].executions - reduced.covered[0].pruned == 2


def test_a_waiting_thread_goes_on_when_it_may() -> None:
    """1 waits until 2 has stored: the order is given but for the starts.

    2's store comes before 1's wait. 1's start: before 2's start, between that and the store, or
    after the store. Three executions, and one order of conflicting accesses.
    """
    threads: list[list[Operation]] = [[("wait", 0, 1)], [("store", 0, 1)]]
    assert executions(explore(threads, Bounds(None))) == [3]
    assert executions(explore(threads, Bounds(None), Mode.DPOR)) == [1]


@pytest.mark.parametrize("mode", ALL)
def test_a_lost_update_takes_one_preemption(mode: Mode) -> None:
    threads: list[list[Operation]] = [[("add", 0, 1)], [("add", 0, 1)]]
    none = explore(threads, Bounds(0), mode, [("expect", 0, 2)])
    assert none.result is Result.NO_FAILURE
    one = explore(threads, Bounds(1), mode, [("expect", 0, 2)])
    assert one.result is Result.FAILURE
    # Thread 1 has read (1 access) when 2 goes on; 2 runs to its end, and 1 stores what it knew.
    assert one.schedule == "1@1>2"
    assert one.failure == Failure("bad", "seen", 0, "check.c", 2)
    assert [covered.bound for covered in one.covered] == [0, 1]


@pytest.mark.parametrize("mode", ALL)
def test_crossed_locks_end_in_a_deadlock(mode: Mode) -> None:
    one: list[Operation] = [("acquire", 0), ("acquire", 1), ("release", 1), ("release", 0)]
    two: list[Operation] = [("acquire", 1), ("acquire", 0), ("release", 0), ("release", 1)]
    outcome = explore([one, two], Bounds(1), mode)
    text = "t (1) waits at t1.c:3; t (2) waits at t2.c:3"
    assert outcome.failure == Failure("deadlock", text, 1, "t1.c", 3)
    assert outcome.schedule == "1@1>2"


@pytest.mark.parametrize("mode", ALL)
def test_choices_are_branches(mode: Mode) -> None:
    """3 values, then 2 values, by one thread: 6 executions, and one of them stores 2 and 1."""
    outcome = explore([[("choose", 3, 0), ("choose", 2, 1)]], Bounds(None), mode)
    assert executions(outcome) == [6]
    failing: list[Operation] = [("choose", 3, 0), ("choose", 2, 1), ("expect", 0, 0)]
    assert explore([failing], Bounds(0), mode).schedule == "1@0=1"


def test_a_daemon_may_wait_for_ever() -> None:
    threads: list[list[Operation]] = [[("store", 0, 1)], [("wait", 0, 2)]]
    assert explore(threads, Bounds(2), daemons=[2]).result is Result.NO_FAILURE
    outcome = explore(threads, Bounds(2))
    assert outcome.failure == Failure("deadlock", "t (2) waits at t2.c:2", 2, "t2.c", 2)


@pytest.mark.parametrize("mode", ALL)
def test_inconclusive_is_no_pass_and_failure_wins(mode: Mode) -> None:
    endless = explore([[("spin",)]], Bounds(2), mode)
    assert (endless.result, endless.reasons) == (
        Result.INCONCLUSIVE,
        ("endless: more than 5000 steps",),
    )
    unknown: list[list[Operation]] = [[("swap", 0, 1)], [("expect", 0, 0), ("unknown",)]]
    assert explore([unknown[1]], Bounds(0), mode).reasons == ("inline assembly",)
    outcome = explore(unknown, Bounds(0), mode)
    assert (outcome.result, outcome.reasons) == (Result.FAILURE, ())


def test_limits_leave_the_search_incomplete() -> None:
    threads: list[list[Operation]] = [[("store", 0, 1)] * 3, [("store", 0, 2)] * 3]
    outcome = explore(threads, Bounds(2, executions=8))
    # The first finds the shared location, 2 are bound 0, and 5 are left of the 8 of bound 1.
    assert executions(outcome) == [2, 5]
    assert (outcome.result, outcome.complete) == (Result.NO_FAILURE, False)
    engine = PythonEngine(make_program(threads))
    ticks = iter(range(100))
    late = Search(engine, Mode.NONE, Bounds(2, seconds=3), clock=lambda: float(next(ticks)))
    assert late.explore().executions == 2
    assert not late.explore().complete


def test_a_failure_that_shows_a_new_location_is_not_lost() -> None:
    threads: list[list[Operation]] = [[("store", 0, 1)], [("expect", 0, 0)]]
    outcome = explore(threads, Bounds(0, executions=1))
    assert (outcome.result, outcome.schedule) == (Result.FAILURE, "-")


def test_the_search_repeats_itself() -> None:
    threads: list[list[Operation]] = [[("add", 0, 1)] * 2, [("choose", 2, 0)], [("atomic", 0, 1)]]

    def run() -> list[tuple[Execution, str]]:
        seen: list[tuple[Execution, str]] = []
        search = Search(PythonEngine(make_program(threads)), Mode.STATES, Bounds(2))
        search.watch = lambda execution, text: seen.append((execution, text))
        search.explore()
        return seen

    first = run()
    assert first == run()
    # In a round no schedule comes twice; there are two rounds or more, and three bounds.
    assert len({text for _, text in first}) > 10
