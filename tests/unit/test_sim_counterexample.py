"""Schedules made shorter, and executions told in columns."""

from __future__ import annotations

from dataclasses import replace

from kernel_sim.counterexample import Step, add_texts, find_steps, render_steps, shorten
from kernel_sim.explore.minimise import minimise
from kernel_sim.machine.runtime import Traced

X, Y = 0x10000000, 0x10000040


def row(thread: int, function: str, line: int, kind: str, address: int, value: int = 0) -> Traced:
    return (thread, function, "fs/a.c", line, kind, address, 8, value)


TRACE = [
    row(0, "setup", 1, "write", X),
    row(1, "commit", 10, "write", Y),  # nobody else's: only the entry is told
    row(1, "commit", 11, "read", X),
    row(1, "commit", 11, "write", X, 5),
    row(2, "fs/a.c:store", 20, "write", X, 6),
    row(2, "fs/a.c:store", 21, "read", Y + 8),
    row(2, "fs/a.c:store", 21, "note: hello", 0),
    row(1, "commit", 12, "acquire", Y, 1),
]


def test_what_is_told_of_an_execution() -> None:
    assert [(s.thread, s.line, s.function, s.kind, s.switch) for s in find_steps(TRACE)] == [
        (1, 10, "commit", "enter", False),
        (1, 11, "commit", "write", False),
        (2, 20, "store", "enter", True),
        (2, 20, "store", "write", False),
        (2, 21, "store", "note: hello", False),
        (1, 12, "commit", "acquire", True),
    ]


def test_what_only_is_read_is_not_shared() -> None:
    trace = [row(1, "f", 1, "read", X), row(2, "g", 2, "read", X), row(2, "g", 3, "read", X)]
    assert [step.kind for step in find_steps(trace)] == ["enter", "enter"]


def make_steps(count: int, switches: set[int]) -> list[Step]:
    return [Step(1, "a.c", n, "f", "read", 0, switch=n in switches) for n in range(count)]


def test_around_switches_and_at_the_end_steps_are_kept() -> None:
    found = shorten(make_steps(60, {20}))
    # four before the switch, eight from it, the last six
    assert [step.line for step in found] == [*range(16, 28), *range(54, 60)]
    assert [(step.line, step.skipped) for step in found if step.skipped] == [(16, 16), (54, 26)]


def test_gaps_of_two_are_filled() -> None:
    assert [step.line for step in shorten(make_steps(16, {2}))] == list(range(16))
    three = shorten(make_steps(19, {2}))
    assert [step.line for step in three] == [*range(10), *range(13, 19)]
    assert three[10].skipped == 3


def test_columns() -> None:
    steps = [replace(find_steps(TRACE)[0], skipped=7), *find_steps(TRACE)[1:]]
    steps = add_texts(steps, lambda path, line: "\tx =  y;" if line == 20 else "")
    assert render_steps(steps, {1: "commit", 2: "writer"}) == [
        "commit          writer",
        "... 7 steps more",
        "fs/a.c:10 commit()",
        "fs/a.c:11 write 0x5",
        "                fs/a.c:20 store()",
        "                fs/a.c:20 x = y;",
        "                fs/a.c:21 note: hello",
        "fs/a.c:12 acquire 0x1",
    ]
    assert render_steps(steps, {}, width=20)[4:6] == [
        "                f...",
        "                f...",
    ]
    assert render_steps(steps, {}, width=20)[0] == "1               2"


def test_deviations_that_are_not_needed_are_dropped() -> None:
    tried: list[str] = []

    def fails(schedule: str) -> bool:
        tried.append(schedule)
        return "1@5>2" in schedule

    assert minimise("0@0>2,1@5>2,2@7=1", fails) == "1@5>2"
    assert tried == ["0@0>2,1@5>2", "0@0>2", "1@5>2", "-"]


def test_a_schedule_of_which_all_is_needed_stays() -> None:
    assert minimise("1@5>2,2@6>1", lambda schedule: False) == "1@5>2,2@6>1"
    assert minimise("1@5>2", lambda schedule: True) == "-"
    assert minimise("-", lambda schedule: True) == "-"


def test_pairs_are_not_dropped_together() -> None:
    both = {"1@5>2,2@6>1,3@1=1", "1@5>2,2@6>1", "1@5>2"}
    assert minimise("1@5>2,2@6>1,3@1=1", lambda schedule: schedule in both) == "1@5>2"
