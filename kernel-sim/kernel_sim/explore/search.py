"""The search: bounds in turn, rounds until no new location is shared, and the outcome.

In mode `dpor` no round begins anew: where an execution shows a new shared location, it alone is run
again, with the larger set (`Tree.grow` says why that is enough).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from kernel_sim.explore.model import (
    Bounds,
    Covered,
    End,
    Engine,
    Execution,
    Failure,
    Mode,
    Outcome,
    Result,
)
from kernel_sim.explore.tree import Tree

Watch = Callable[[Execution, str], None]
"""Called after each execution with it and its schedule."""


@dataclass(slots=True)
class _Counts:
    executions: int = 0
    pruned: int = 0
    steps: int = 0
    visible: int = 0

    def add(self, execution: Execution) -> None:
        """Count an execution."""
        self.executions += 1
        self.pruned += execution.end is End.CUT
        self.steps += execution.steps
        self.visible += execution.visible


@dataclass(slots=True)
class Search:
    """An exploration of what one engine runs.

    `shared` may begin with locations (address / 8) that are known to be shared. With `keep_going`
    failures do not end it: then every failure is kept in `failures`, which is for tests.
    """

    engine: Engine
    mode: Mode = Mode.NONE
    bounds: Bounds = field(default_factory=Bounds)
    shared: frozenset[int] = frozenset()
    watch: Watch | None = None
    keep_going: bool = False
    clock: Callable[[], float] = time.monotonic
    failures: list[tuple[Failure, str]] = field(default_factory=list)
    reasons: dict[str, None] = field(default_factory=dict)
    executions: int = 0
    rounds: int = 0
    _covered: list[Covered] = field(default_factory=list)
    _end: float | None = None
    _spare: tuple[Failure, str] | None = None

    def explore(self) -> Outcome:
        """Run the exploration, once; the engine's own errors pass through."""
        if self.bounds.seconds is not None:
            self._end = self.clock() + self.bounds.seconds
        while not self._round():
            self.rounds += 1
        self.rounds += 1
        return self._outcome()

    def _round(self) -> bool:
        """Try all bounds; False where an execution showed a new shared location."""
        self._covered.clear()
        self.reasons.clear()
        self.failures.clear()
        highest = self.bounds.highest
        for bound in [None] if highest is None else range(highest + 1):
            if not self._one_bound(bound):
                return False
            covered = self._covered[-1]
            if not covered.complete or not covered.refused:
                break
        return True

    def _one_bound(self, bound: int | None) -> bool:
        tree = Tree(self.mode, bound)
        counts = _Counts()
        first, complete = 0, False
        while not complete and not self._is_spent():
            execution = self._run(tree)
            if execution.shared - self.shared:
                self.shared |= execution.shared
                if not tree.grow(first):
                    return False
                first = 0
                self.rounds += 1
                continue
            counts.add(execution)
            if self.failures and not self.keep_going:
                break
            tree.learn(first, () if execution.end is End.CUT else execution.pending)
            complete = not tree.advance()
            first = len(tree.stack) - 1
        self._cover(tree, counts, complete)
        return True

    def _cover(self, tree: Tree, counts: _Counts, complete: bool) -> None:
        self._covered.append(
            Covered(
                tree.bound,
                counts.executions,
                counts.pruned,
                counts.steps,
                counts.visible,
                complete,
                tree.refused,
            )
        )

    def _is_spent(self) -> bool:
        limit = self.bounds.executions
        if limit is not None and self.executions >= limit:
            return True
        return self._end is not None and self.clock() >= self._end

    def _run(self, tree: Tree) -> Execution:
        tree.begin()
        execution = self.engine.run(tree, self.shared)
        self.executions += 1
        schedule = tree.schedule()
        if execution.failure is not None:
            self._fail(execution.failure, schedule, bool(execution.shared - self.shared))
        elif execution.end is End.INCONCLUSIVE:
            self.reasons[execution.reason] = None
        if self.watch is not None:
            self.watch(execution, schedule)
        return execution

    def _fail(self, failure: Failure, schedule: str, grown: bool) -> None:
        """Keep a failure; where the shared set has grown, only in case that the search is cut off.

        With the larger set the same failure may be reached with fewer preemptions.
        """
        if grown:
            self._spare = self._spare or (failure, schedule)
        else:
            self.failures.append((failure, schedule))

    def _outcome(self) -> Outcome:
        if self._spare is not None and not self.failures:
            self.failures.append(self._spare)
        if self.failures:
            result = Result.FAILURE
        else:
            result = Result.INCONCLUSIVE if self.reasons else Result.NO_FAILURE
        failure, schedule = self.failures[0] if self.failures else (None, None)
        return Outcome(
            result,
            failure,
            schedule,
            () if self.failures else tuple(self.reasons),
            tuple(self._covered),
            self.rounds,
            len(self.shared),
            self.executions,
            bool(self._covered) and self._covered[-1].complete,
        )
