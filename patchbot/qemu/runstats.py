"""The figures that the field gives of crash runs: how often a checksum changed, how often it hurt.

They are those of the mail that established F7's rate: runs, runs with a changed checksum, runs from
one such run to the next, and failed recoveries. Pure.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Run:
    """One run up to its crash: journalled blocks found changed, and whether recovery failed."""

    changes: int
    failed: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of some runs, in their order.

    `changed` runs had a changed checksum, `most_changes` is the highest number of one run. The
    four of "between" count runs from one changed run to the next, the first from the beginning:
    changed runs next to each other are 1 apart. They are None where no run changed.
    """

    runs: int
    changed: int
    failures: int
    most_changes: int
    average_between: float | None = None
    minimum_between: int | None = None
    maximum_between: int | None = None
    median_between: float | None = None

    def __str__(self) -> str:
        words = f"{self.runs} runs, {self.changed} with a checksum change"
        if self.average_between is not None:
            words += (
                f" (runs between changes: average {self.average_between:.1f}, minimum "
                f"{self.minimum_between}, maximum {self.maximum_between}, median "
                f"{self.median_between:g}; at most {self.most_changes} blocks in one run)"
            )
        return f"{words}, {self.failures} recovery failures"


def summarize_runs(runs: Iterable[Run]) -> Figures:
    """Return the figures of runs, which are gone through once."""
    number = failures = most = last = 0
    gaps: list[int] = []
    for number, run in enumerate(runs, 1):
        failures += run.failed
        most = max(most, run.changes)
        if run.changes:
            gaps.append(number - last)
            last = number
    if not gaps:
        return Figures(number, 0, failures, most)
    return Figures(
        number, len(gaps), failures, most, statistics.mean(gaps), min(gaps), max(gaps),
        statistics.median(gaps),
    )  # fmt: skip
