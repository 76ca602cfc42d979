"""Random schedules that find a bug of depth d with a known chance (Burckhardt and others, 2010).

Each thread gets a random priority, and the enabled one with the highest runs. At d - 1 random
events the thread that would run falls below all others. A bug that takes d ordered events is met
by one execution with a chance of at least 1 / (n * k ** (d - 1)), for n threads and k events.

The numbers come from xorshift64* (Vigna, 2014), begun anew for each execution, so that execution i
of a seed is the same wherever it is made.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from kernel_sim.explore.model import (
    Covered,
    End,
    Engine,
    Execution,
    Failure,
    Outcome,
    Point,
    Result,
)
from kernel_sim.explore.schedule import Deviation, render_schedule
from kernel_sim.explore.search import Watch

MASK64: Final = (1 << 64) - 1
SHIFTS: Final = (12, 25, 27)
MULTIPLIER: Final = 0x2545F4914F6CDD1D
SPREAD: Final = 0x9E3779B97F4A7C15
"""What the number of the execution is multiplied by before the seed is added."""


class Random:
    """xorshift64*: a state of 64 bits that is not 0; the upper 32 bits of the product are used."""

    def __init__(self, seed: int, execution: int) -> None:
        self.state = (seed + (execution + 1) * SPREAD) & MASK64 or SPREAD
        for _ in range(4):
            self.below(1)

    def below(self, limit: int) -> int:
        """Return a number in 0..limit-1 (by the remainder; limit is at most 2**32)."""
        right, left, last = SHIFTS
        state = self.state
        state ^= state >> right
        state ^= state << left & MASK64
        state ^= state >> last
        self.state = state
        return ((state * MULTIPLIER & MASK64) >> 32) % limit


class RandomGuide:
    """A guide for one execution; `events` is how many events one is expected to have."""

    def __init__(self, random: Random, depth: int, events: int) -> None:
        self._random = random
        self._depth = depth
        self._events = events
        self._priorities: list[int] = []
        self._changes: list[int] = []
        self._step = 0
        self._deviations: list[Deviation] = []

    def _begin(self, threads: int) -> None:
        """Draw the priorities of all threads (Fisher and Yates), then the change points."""
        self._priorities = [self._depth + n for n in range(threads)]
        for n in range(threads - 1, 0, -1):
            other = self._random.below(n + 1)
            priorities = self._priorities
            priorities[n], priorities[other] = priorities[other], priorities[n]
        self._changes = [self._random.below(self._events) for _ in range(self._depth - 1)]

    def pick(self, point: Point) -> int:
        """Return the candidate of the highest priority, lowered first where a change is due."""
        if not self._priorities:
            self._begin(len(point.pending))
        best = max(point.candidates, key=self._priorities.__getitem__)
        for number, change in enumerate(self._changes):
            if change == self._step:
                self._priorities[best] = number
                best = max(point.candidates, key=self._priorities.__getitem__)
        self._step += 1
        if best != point.candidates[0]:
            self._deviations.append(Deviation(point.last, point.position, False, best))
        return best

    def choose(self, thread: int, position: int, values: int) -> int:
        """Return any value."""
        value = self._random.below(values)
        if value:
            self._deviations.append(Deviation(thread, position, True, value))
        return value

    def schedule(self) -> str:
        """Return what was decided as a schedule."""
        return render_schedule(self._deviations)


def search_randomly(
    engine: Engine,
    seed: int,
    executions: int,
    depth: int = 3,
    seconds: float | None = None,
    shared: frozenset[int] = frozenset(),
    watch: Watch | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Outcome:
    """Run random executions until one fails; never complete, whatever they are.

    Executions use the locations found to be shared before them; the longest one before says how
    many events are expected (1 at first).
    """
    end = None if seconds is None else clock() + seconds
    events, done, steps, visible, grown = 1, 0, 0, 0, 0
    found: tuple[Failure, str] | None = None
    reasons: dict[str, None] = {}
    while found is None and done < executions and (end is None or clock() < end):
        guide = RandomGuide(Random(seed, done), depth, events)
        execution: Execution = engine.run(guide, shared)
        done, steps = done + 1, steps + execution.steps
        visible, events = visible + execution.visible, max(events, execution.visible)
        grown += not execution.shared <= shared
        shared |= execution.shared
        if execution.failure is not None:
            found = execution.failure, guide.schedule()
        elif execution.end is End.INCONCLUSIVE:
            reasons[execution.reason] = None
        if watch is not None:
            watch(execution, guide.schedule())
    result = Result.INCONCLUSIVE if reasons else Result.NO_FAILURE
    return Outcome(
        Result.FAILURE if found else result,
        found[0] if found else None,
        found[1] if found else None,
        () if found else tuple(reasons),
        (Covered(None, done, 0, steps, visible),),
        grown + 1,
        len(shared),
        done,
        False,
    )
