"""Crashes of a disk, from the log of its writes: what recovery says at each of many points.

A crash after an entry leaves every write up to it on the disk. With `losses`, it may lose writes
that came after the last flush, as a volatile cache does. Each point is judged by our reader of the
journal, which copies nothing; some, and those found bad, also by e2fsck on an image of that point.
"""

from __future__ import annotations

import contextlib
import random
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from patchbot.proc import PROCESSES
from patchbot.qemu.commits import CommitWatch, Verified
from patchbot.qemu.ext4 import SUPER_AT, SUPER_BYTES
from patchbot.qemu.fsck import Checked, run_fsck
from patchbot.qemu.journal import Image, Journal
from patchbot.qemu.recovery import Recovery, find_recovery
from patchbot.qemu.scratch import Scratch
from patchbot.qemu.writelog import Entry, Flag, WriteLog

Progress = Callable[[int, int], None]
_CACHE_ENTRIES = 4096
_SHARES = (0.1, 0.5, 0.9)
_EVERY = 256


@dataclass(frozen=True, slots=True)
class Plan:
    """Which crashes to look at; the same seed and log give the same ones.

    `count` points (0: after every entry), of which `checked` are also put before e2fsck, and at
    most `confirmed` more where our reader says that recovery fails. `losses` drops writes that were
    not flushed.
    """

    seed: int = 1
    count: int = 0
    checked: int = 20
    confirmed: int = 20
    losses: bool = False


@dataclass(frozen=True, slots=True)
class Point:
    """A crash right after an entry (`entry`), without the writes `lost`: what recovery does.

    `changes` counts journalled blocks found changed since the point before. `checked` is e2fsck's
    answer, where it was asked.
    """

    entry: int
    lost: tuple[int, ...]
    changes: int
    recovery: Recovery
    checked: Checked | None = None

    @property
    def good(self) -> bool:
        """Whether recovery succeeds, to all who were asked."""
        return self.recovery.good and (self.checked is None or self.checked.good)

    def __str__(self) -> str:
        found = self.recovery
        words = [found.error, *(str(each) for each in found.mismatches[:1])]
        words += [self.checked.failed, *self.checked.repairs] if self.checked is not None else []
        lost = f", {len(self.lost)} writes lost" if self.lost else ""
        return f"after entry {self.entry}{lost}: {'; '.join(filter(None, words)) or 'sound'}"

    @property
    def agreed(self) -> bool:
        """Whether e2fsck, where asked, says of recovery what our reader says."""
        return self.checked is None or bool(self.checked.failed) != self.recovery.good


def crash_points(
    start_image: Path, log: Path, plan: Plan, place: Path, progress: Progress | None = None
) -> Iterator[Point]:
    """Yield the crashes of a plan in the order of their entries.

    `place` is a folder for two images; `progress` is told points done, and in all. Raises
    `WriteLogError`, `ImageError`, `JournalError`, `StoreError`, `MachineError`, `ProcessError`,
    and `CancelledError` when stopped.
    """
    with Crashes(start_image, log, plan, place) as crashes:
        yield from crashes.points(progress)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Entries after which the disk crashes, None for all, and those that e2fsck sees too."""

    points: frozenset[int] | None
    checked: frozenset[int]
    total: int


def _choose(log: WriteLog, plan: Plan) -> _Chosen:
    total = 0
    for total, _entry in enumerate(log.entries(), 1):
        if total % _EVERY == 0:
            PROCESSES.check()
    draw = random.Random(f"{plan.seed} points")
    everything = range(total)
    if 0 < plan.count < total:
        points = draw.sample(everything, plan.count)
        return _Chosen(frozenset(points), _sampled(draw, points, plan), plan.count)
    return _Chosen(None, _sampled(draw, everything, plan), total)


def _sampled(draw: random.Random, points: list[int] | range, plan: Plan) -> frozenset[int]:
    return frozenset(draw.sample(points, min(plan.checked, len(points))))


class Crashes:
    """Goes through a log once; what `_stable` and `_disk` hold, no cache can lose any more."""

    def __init__(self, start_image: Path, log: Path, plan: Plan, place: Path) -> None:
        self._plan, self._place = plan, place
        self._cache: deque[Entry] = deque()
        self._confirmed = self._seen = self._entries = 0
        with contextlib.ExitStack() as stack:
            image = stack.enter_context(Image(start_image))
            self._log = stack.enter_context(WriteLog(log))
            self._watch = CommitWatch(Journal(image, self._log))
            self._stable = Journal(image, self._log)
            disk = Scratch(start_image, place / "stable.img", image.size)
            self._disk = stack.enter_context(disk)
            self._stack = stack.pop_all()

    def __enter__(self) -> Crashes:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def points(self, progress: Progress | None = None) -> Iterator[Point]:
        """Yield the crashes; see `crash_points`."""
        chosen = _choose(self._log, self._plan)
        done = 0
        last: Recovery | None = None
        for entry in self._log.entries():
            PROCESSES.check()
            last = None if self._take(entry) else last
            if chosen.points is not None and entry.number not in chosen.points:
                continue
            point = self._crash(entry, entry.number in chosen.checked, last)
            last = last if point.lost else point.recovery
            done += 1
            yield point
            if progress is not None:
                progress(done, chosen.total)

    def verified(self) -> Verified:
        """Return what was seen of the commits, once all points were taken."""
        return self._watch.result(self._entries, self._log)

    def _take(self, entry: Entry) -> bool:
        """Take an entry in; say whether it may change what recovery does."""
        self._entries += 1
        if entry.flushes:
            self._drain(0)
        touched = self._watch.apply(entry)
        if entry.length:
            self._cache.append(entry)
            self._drain(_CACHE_ENTRIES)
        return bool(touched) or entry.offset < SUPER_AT + SUPER_BYTES

    def _drain(self, most: int) -> None:
        """Put the oldest writes of the cache on the disk until at most `most` are left."""
        while len(self._cache) > most:
            entry = self._cache.popleft()
            self._stable.apply(entry)
            self._disk.apply(self._log, entry)

    def _crash(self, entry: Entry, check: bool, known: Recovery | None) -> Point:
        changes = self._watch.mismatched - self._seen
        self._seen = self._watch.mismatched
        lost = self._lose(entry)
        recovery = find_recovery(self._without(lost)) if lost else known
        if recovery is None:
            recovery = find_recovery(self._watch.journal)
        if not recovery.good and not check and self._confirmed < self._plan.confirmed:
            self._confirmed += 1
            check = True
        checked = run_fsck(self.image(lost)) if check else None
        return Point(entry.number, tuple(sorted(lost)), changes, recovery, checked)

    def _lose(self, entry: Entry) -> frozenset[int]:
        if not self._plan.losses:
            return frozenset()
        draw = random.Random(f"{self._plan.seed} {entry.number}")
        share = draw.choice(_SHARES)
        return frozenset(
            each.number
            for each in self._cache
            if draw.random() < share and not each.flags & Flag.FUA
        )

    def _without(self, lost: frozenset[int]) -> Journal:
        journal = self._stable.fork()
        for entry in self._cache:
            if entry.number not in lost:
                journal.apply(entry)
        return journal

    def image(self, lost: frozenset[int]) -> Path:
        """Make the image of a crash here, and return where it is."""
        made = self._place / "crash.img"
        self._disk.copy_to(made)
        with Scratch(made, made, self._disk.size) as copy:
            for entry in self._cache:
                if entry.number not in lost:
                    copy.apply(self._log, entry)
        return made
