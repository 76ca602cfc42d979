"""A counterexample of the simulator as a timeline: a row a step, a column a thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kernel_sim.explore.schedule import ScheduleError, parse_schedule

from patchbot.view.lists import cut, one_line
from patchbot.view.matrix import Cell

NUMBER_WIDTH: Final = 7
"""Columns of the terminal that a step's number takes, with its mark."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One step: `number` counts from 1, and counts those that are left out, too.

    `column` is the thread's; `words` are the line of the source, the function that is come to, or
    what was noted. `skipped` steps are left out just before it. `decisive` is whether another
    thread goes on here because the schedule says so.
    """

    number: int
    column: int
    words: str
    path: str
    line: int
    function: str
    skipped: int = 0
    decisive: bool = False


@dataclass(frozen=True, slots=True)
class Timeline:
    """What failed in words, the threads by name in their columns' order, and the steps."""

    failure: str
    schedule: str
    columns: tuple[str, ...]
    moments: tuple[Moment, ...]

    @property
    def decisive(self) -> tuple[int, ...]:
        """The decisive steps, counted from 0 in `moments`."""
        return tuple(at for at, moment in enumerate(self.moments) if moment.decisive)


def find_counterexample(result: Mapping[str, Any], rule: str) -> Mapping[str, Any] | None:
    """Return what a result of the simulate stage keeps of a scenario; None where there is none."""
    scenarios = result["data"].get("scenarios")
    row = scenarios.get(rule) if isinstance(scenarios, dict) else None
    found: Mapping[str, Any] | None = row.get("counterexample") if isinstance(row, dict) else None
    return found if found and found["steps"] else None


def make_timeline(row: Mapping[str, Any]) -> Timeline:
    """Return the timeline of a counterexample, or of a failing row of `patchbot sim --json`."""
    numbers = sorted({step["thread"] for step in row["steps"]})
    names = tuple(one_line(row["threads"].get(str(each), str(each))) for each in numbers)
    failure = row["failure"]
    words = one_line(f"{failure['kind']}: {failure['text']}") if failure else "no failure"
    return Timeline(words, row["schedule"], names, tuple(_moments(row, numbers)))


def _moments(row: Mapping[str, Any], numbers: Sequence[int]) -> list[Moment]:
    decided = _decided(row["schedule"])
    moments: list[Moment] = []
    before, number = None, 0
    for step in row["steps"]:
        thread = step["thread"]
        number += 1 + step["skipped"]
        decisive = before is not None and (before, thread) in decided
        moments.append(_moment(step, number, numbers.index(thread), decisive))
        before = thread
    return moments


def _moment(step: Mapping[str, Any], number: int, column: int, decisive: bool) -> Moment:
    return Moment(
        number, column, one_line(_words(step)), step["path"], step["line"], step["function"],
        step["skipped"], decisive,
    )  # fmt: skip


def _words(step: Mapping[str, Any]) -> str:
    kind: str = step["kind"]
    if kind == "enter":
        return f"{step['function']}()"
    if kind.startswith("note: "):
        return kind
    return step["text"] or f"{kind} {step['value']:#x}"


def _decided(schedule: str) -> frozenset[tuple[int, int]]:
    """Return the pairs of threads of which the schedule makes the second go on after the first.

    A thread may also hand over to the same one because it waits: such a step is told as well.
    """
    try:
        deviations = parse_schedule(schedule)
    except ScheduleError:
        return frozenset()
    return frozenset((each.thread, each.value) for each in deviations if not each.choice)


def make_rows(timeline: Timeline, room: int) -> list[tuple[Cell, ...]]:
    """Return a row of cells for each step: its number, and what it does in its thread's column.

    Before the number stands ">" where the step is decisive, "!" where it is the failing one.
    `room` is the width of one thread's column in characters.
    """
    last = len(timeline.moments) - 1
    return [
        _row(moment, len(timeline.columns), room, at == last)
        for at, moment in enumerate(timeline.moments)
    ]


def _row(moment: Moment, columns: int, room: int, last: bool) -> tuple[Cell, ...]:
    mark, style = ("!", "error") if last else (">", "hunk") if moment.decisive else (" ", "")
    gap = "+" if moment.skipped else " "
    cells = [Cell("")] * columns
    cells[moment.column] = Cell(cut(moment.words, room), style)
    return (Cell(f"{mark}{gap}{moment.number}", style or "dim"), *cells)


def room_for(width: int, columns: int) -> int:
    """Return the width of each thread's column, where the terminal has `width` columns for all."""
    return max(8, (width - NUMBER_WIDTH) // max(1, columns) - 2)


def next_mark(marks: Sequence[int], at: int, by: int) -> int:
    """Return the mark after `at` (before it, for a negative `by`); from the last, the first."""
    after = [mark for mark in marks if mark > at]
    before = [mark for mark in marks if mark < at]
    if by > 0:
        return after[0] if after else marks[0] if marks else at
    return before[-1] if before else marks[-1] if marks else at


def say_moment(timeline: Timeline, at: int) -> str:
    """Say where a step is: "fs/ext4/inode.c:12 ext4_writepage(), thread commit, step 3 of 9"."""
    moment = timeline.moments[at]
    name = timeline.columns[moment.column]
    total = timeline.moments[-1].number
    skipped = f", {moment.skipped} steps left out before it" if moment.skipped else ""
    where = f"{moment.path}:{moment.line} {moment.function}()"
    why = ", as the schedule says" if moment.decisive else ""
    return one_line(f"{where}, {name}, step {moment.number} of {total}{why}{skipped}")
