"""All that one guest's run has to say: every commit checked, and many crashes tried."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from patchbot.qemu.commits import Verified
from patchbot.qemu.crash import Crashes, Plan, Progress
from patchbot.qemu.runstats import Run

_MOST_BAD = 20


@dataclass(frozen=True, slots=True)
class Study:
    """What came of a run: its commits, and its crash points (`points`).

    `marks` are the points at which something was wrong, as (number from 0, blocks changed since
    the point before, whether recovery fails). `lossy` points lost writes, `checked` were put
    before e2fsck as well; `damaged` are those where recovery succeeded and left damage. `words`
    says what was wrong, of the first points. `disagreed` counts points where e2fsck and our reader
    differ: then one of the two is at fault, and the study proves nothing.
    """

    verified: Verified
    points: int
    lossy: int
    checked: int
    damaged: int
    disagreed: int
    marks: tuple[tuple[int, int, bool], ...]
    words: tuple[str, ...]

    @property
    def failures(self) -> int:
        """At how many points recovery fails."""
        return sum(failed for _number, _changes, failed in self.marks)

    @property
    def good(self) -> bool:
        """Whether commits and crashes were looked at, and nothing was wrong."""
        clean = not self.marks and not self.damaged and not self.disagreed
        return self.verified.good and clean and self.points > 0

    def runs(self) -> Iterator[Run]:
        """Yield each crash as a run: what changed since the one before, and how it ended."""
        marked = {number: Run(changes, failed) for number, changes, failed in self.marks}
        nothing = Run(0, False)
        for number in range(self.points):
            yield marked.get(number, nothing)


def study_run(
    start_image: Path, log: Path, plan: Plan, place: Path, progress: Progress | None = None
) -> Study:
    """Check a run's commits and try a plan's crashes, in one pass over its log.

    `place` is a folder for two images. Raises as `crash_points`.
    """
    points = lossy = checked = damaged = disagreed = 0
    marks: list[tuple[int, int, bool]] = []
    words: list[str] = []
    with Crashes(start_image, log, plan, place) as crashes:
        for number, point in enumerate(crashes.points(progress)):
            points += 1
            lossy += bool(point.lost)
            checked += point.checked is not None
            disagreed += not point.agreed
            damaged += point.recovery.good and point.agreed and not point.good
            if point.changes or not point.recovery.good:
                marks.append((number, point.changes, not point.recovery.good))
            if not point.good and len(words) < _MOST_BAD:
                words.append(str(point))
        verified = crashes.verified()
    return Study(
        verified, points, lossy, checked, damaged, disagreed, tuple(marks), tuple(words)
    )  # fmt: skip
