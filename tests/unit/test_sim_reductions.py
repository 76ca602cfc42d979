"""The reductions against plain enumeration, on random small programs.

Where nothing fails, a reduction reaches the same final memories. A failure ends an execution for
all threads, so that reductions may find another first; with the operations here only deadlocks
happen, and those are states like any other: all of them are found, too.
"""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from kernel_sim.explore.model import Bounds, End, Execution, Mode, Outcome, Result
from kernel_sim.explore.search import Search
from kernel_sim.machine.python_engine import PythonEngine

from tests.support.sim_programs import Operation, make_program

LIMIT = 1500
SHARED, LOCK, OWN = 2, 4, 8
"""Numbers of variables: two shared ones, two locks (LOCK and LOCK + 1), and what is read goes to
one for each thread."""


def operations(thread: int) -> st.SearchStrategy[list[Operation]]:
    variable = st.integers(0, SHARED - 1)
    small = st.integers(0, 2)
    lock = st.integers(LOCK, LOCK + 1)
    single: st.SearchStrategy[list[Operation]] = st.one_of(
        st.builds(lambda x, n: [("store", x, n)], variable, small),
        st.builds(lambda x: [("copy", OWN + thread, x)], variable),
        st.builds(lambda x: [("atomic", x, 1)], variable),
        st.builds(lambda x: [("add", x, 1)], variable),
        st.builds(lambda x, n: [("wait", x, n)], variable, small),
        st.builds(lambda x: [("choose", 2, x)], variable),
        st.builds(lambda x: [("acquire", x)], lock),
        st.builds(lambda x: [("release", x)], lock),
        st.builds(lambda k, x: [("acquire", k), ("add", x, 1), ("release", k)], lock, variable),
    )
    return st.lists(single, min_size=1, max_size=3).map(lambda found: [*chain(*found)])


PROGRAMS = st.integers(2, 3).flatmap(
    lambda count: st.tuples(
        st.tuples(*(operations(thread) for thread in range(count))),
        st.sets(st.integers(1, count), max_size=1),
    )
)


def explore(
    threads: tuple[list[Operation], ...], daemons: set[int], mode: Mode, bound: int | None
) -> tuple[Outcome, set[tuple[str, bytes]]]:
    """Return the outcome and the ways to end: what failed or "", and the memory."""
    engine = PythonEngine(make_program(threads, daemons=sorted(daemons)))
    ends: set[tuple[str, bytes]] = set()

    def watch(execution: Execution, schedule: str) -> None:
        if execution.end is not End.CUT:
            text = execution.failure.text if execution.failure else ""
            ends.add((text, engine.contents("variables")))

    bounds = Bounds(bound, executions=LIMIT)
    return Search(engine, mode, bounds, watch=watch, keep_going=True).explore(), ends


@pytest.mark.parametrize("bound", [None, 0, 1, 2])
@pytest.mark.parametrize("mode", [Mode.SLEEP, Mode.DPOR, Mode.STATES])
@given(program=PROGRAMS)
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
def test_a_reduction_ends_as_enumeration_does(
    program: tuple[tuple[list[Operation], ...], set[int]], mode: Mode, bound: int | None
) -> None:
    plain, ends = explore(*program, Mode.NONE, bound)
    assume(plain.complete)
    reduced, found = explore(*program, mode, bound)
    assert found == ends
    assert reduced.complete
    assert (reduced.result is Result.FAILURE) == (plain.result is Result.FAILURE)
    assert reduced.covered[-1].executions <= plain.covered[-1].executions


def test_a_copied_value_is_part_of_a_state() -> None:
    """What 1 copied stands in memory of its own; the shared variable is then overwritten.

    1 may see 0, 3 or 4; once 2 has ended, memory is the same but for what 1 keeps.
    """
    program: tuple[list[Operation], ...] = ([("copy", 9, 0)], [("store", 0, 3), ("store", 0, 4)])
    for mode in Mode:
        ends = explore(program, set(), mode, None)[1]
        assert {memory[72] for _, memory in ends} == {0, 3, 4}


@pytest.mark.parametrize("mode", Mode)
def test_two_readers_are_put_before_one_writer_each(mode: Mode) -> None:
    """1 stores 0 or 1, and 2 and 3 read before or after it: (0, 0, 0), and 1 with 2 * 2 ends.

    A source set that took every thread between two racing accesses for an initial would lose one.
    """
    program: tuple[list[Operation], ...] = ([("choose", 2, 0)], [("copy", 9, 0)], [("copy", 10, 0)])
    ends = explore(program, set(), mode, None)[1]
    assert {(memory[0], memory[72], memory[80]) for _, memory in ends} == {
        (0, 0, 0),
        (1, 0, 0),
        (1, 0, 1),
        (1, 1, 0),
        (1, 1, 1),
    }


@pytest.mark.parametrize("mode", [Mode.SLEEP, Mode.DPOR])
def test_two_pairs_race_apart(mode: Mode) -> None:
    """1 and 3 add to one variable, 2 and 4 to another: each loses an update or does not."""
    program: tuple[list[Operation], ...] = (
        [("add", 2, 1)],
        [("add", 0, 1), ("add", 1, 1)],
        [("add", 2, 1)],
        [("add", 0, 1)],
    )
    ends = explore(program, set(), mode, None)[1]
    assert {memory[0:24:8] for _, memory in ends} == {
        bytes((first, 1, second)) for first in (1, 2) for second in (1, 2)
    }
