"""Schedules as text: the deviations from the first candidate, joined by commas.

`T@N>U`: where thread T ran last and has made N accesses and choices since it was created, thread U
goes on. `T@N=V`: the choice that T makes after N accesses and choices gives V. (Choices count as
well, so that two of them in a row differ.) The empty schedule is `-`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kernel_sim.explore.model import Point

_DEVIATION = re.compile(r"(\d+)@(\d+)([>=])(\d+)", re.ASCII)


class ScheduleError(ValueError):
    """The text is no schedule, or the program does not run by it."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """Something else than the first candidate: a thread (`choice` False) or a value of a choice."""

    thread: int
    position: int
    choice: bool
    value: int

    def __str__(self) -> str:
        return f"{self.thread}@{self.position}{'=' if self.choice else '>'}{self.value}"


def render_schedule(deviations: Iterable[Deviation]) -> str:
    """Return the text of a schedule."""
    return ",".join(map(str, deviations)) or "-"


def parse_schedule(text: str) -> tuple[Deviation, ...]:
    """Return the deviations; raises ScheduleError where the text is no schedule."""
    if text == "-":
        return ()
    return tuple(map(_parse_deviation, text.split(",")))


def _parse_deviation(text: str) -> Deviation:
    match = _DEVIATION.fullmatch(text)
    if not match:
        raise ScheduleError(f"{text!r} is no deviation of a schedule")
    thread, position, mark, value = match.groups()
    return Deviation(int(thread), int(position), mark == "=", int(value))


class Replay:
    """A guide that follows a schedule; `stops` are the (thread, position) where it switches.

    `unused` after the run: the deviations that the program did not come to. `preempted` is called
    where a thread that could go on is not picked, with its number and that of the other one.
    """

    def __init__(
        self, schedule: str, preempted: Callable[[int, int], None] = lambda thread, other: None
    ) -> None:
        self._preempted = preempted
        deviations = parse_schedule(schedule)
        self._values = {(d.thread, d.position, d.choice): d.value for d in deviations}
        if len(self._values) < len(deviations):
            raise ScheduleError("two deviations of the schedule are at one place")
        self._left = dict.fromkeys(self._values)
        self.stops = frozenset((d.thread, d.position) for d in deviations if not d.choice)

    def _take(self, thread: int, position: int, choice: bool, default: int) -> int:
        key = (thread, position, choice)
        self._left.pop(key, None)
        return self._values.get(key, default)

    def pick(self, point: Point) -> int:
        """Return the thread of the schedule; raises ScheduleError where it cannot go on."""
        thread = self._take(point.last, point.position, False, point.candidates[0])
        if thread not in point.candidates:
            raise ScheduleError(f"thread {thread} cannot go on at {point.last}@{point.position}")
        if point.last in point.candidates and thread != point.last:
            self._preempted(point.last, thread)
        return thread

    def choose(self, thread: int, position: int, values: int) -> int:
        """Return the value of the schedule; raises ScheduleError where there is no such value."""
        value = self._take(thread, position, True, 0)
        if value >= values:
            raise ScheduleError(f"there is no value {value} at {thread}@{position}")
        return value

    @property
    def unused(self) -> tuple[Deviation, ...]:
        """The deviations that were not met."""
        return tuple(Deviation(t, n, c, self._values[t, n, c]) for t, n, c in self._left)
