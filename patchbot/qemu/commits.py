"""Hold the bytes that reached a disk against the checksums of every commit of a guest's run.

This needs no crash: whether recovery would ever have met a changed block does not matter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from patchbot.proc import PROCESSES
from patchbot.qemu.jbd2 import Block, JournalError, Kind
from patchbot.qemu.journal import Image, Journal, Mismatch
from patchbot.qemu.writelog import Entry, WriteLog

Progress = Callable[[int, int], None]
_MOST_KEPT = 100
_EVERY = 512


@dataclass(frozen=True, slots=True)
class Verified:
    """What was seen of a run: entries of its log, commits, tags whose checksums were recomputed.

    `mismatched` counts blocks whose bytes are not those of their checksums, of which `mismatches`
    are the first, `hit` commits that had some. `broken` counts control blocks with a wrong checksum
    of their own, `unchecked` commits of a journal without checksums. `cut` says where the log
    stops early.
    """

    entries: int
    log_bytes: int
    commits: int
    tags: int
    hit: int
    mismatched: int
    mismatches: tuple[Mismatch, ...]
    broken: int
    unchecked: int
    cut: str

    @property
    def good(self) -> bool:
        """Whether commits were checked, and nothing was wrong with them."""
        return bool(self.tags) and not self.mismatched and not self.broken


def verify_run(start_image: Path, log: Path, progress: Progress | None = None) -> Verified:
    """Check every commit of a run; `progress` is told bytes of the log done, and in all.

    Raises `WriteLogError`, `ImageError`, `JournalError`, and `CancelledError` when stopped.
    """
    with Image(start_image) as image, WriteLog(log) as writes:
        watch = CommitWatch(Journal(image, writes))
        count = 0
        for entry in writes.entries():
            if count % _EVERY == 0:
                PROCESSES.check()
                if progress is not None:
                    progress(entry.data_at, writes.size)
            watch.apply(entry)
            count += 1
        return watch.result(count, writes)


@dataclass(slots=True)
class _Sum:
    commits: int = 0
    tags: int = 0
    mismatched: int = 0
    broken: int = 0
    unchecked: int = 0
    mismatches: list[Mismatch] = field(default_factory=list)
    hit: int = 0


class CommitWatch:
    """Follows a log's entries, and checks each transaction when its commit block is written."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self._open: dict[int, int] = {}
        self._sum = _Sum()

    def apply(self, entry: Entry) -> list[int]:
        """Take an entry in; return the journal's blocks that it wrote."""
        touched = self.journal.apply(entry)
        for block in touched:
            if block:
                self._look(block)
        return touched

    @property
    def mismatched(self) -> int:
        """How many blocks were found changed so far."""
        return self._sum.mismatched

    def result(self, entries: int, log: WriteLog) -> Verified:
        """Return what was seen so far."""
        seen = self._sum
        return Verified(
            entries, log.size, seen.commits, seen.tags, seen.hit, seen.mismatched,
            tuple(seen.mismatches), seen.broken, seen.unchecked, log.cut,
        )  # fmt: skip

    def _look(self, block: int) -> None:
        self._open.pop(block, None)
        try:
            found = self.journal.block(block)
        except JournalError:
            self._sum.broken += 1
            return
        if found is None:
            return
        self._sum.broken += not found.right
        if found.kind is Kind.DESCRIPTOR:
            self._open[block] = found.sequence
        elif found.kind is Kind.COMMIT:
            self._commit(found)

    def _commit(self, commit: Block) -> None:
        self._sum.commits += 1
        self._sum.unchecked += not self.journal.head().sum_bits
        before = self._sum.mismatched
        for block in [b for b, sequence in self._open.items() if sequence == commit.sequence]:
            del self._open[block]
            descriptor = self.journal.block(block)
            if descriptor is not None:
                self._check(descriptor, block)
        self._sum.hit += self._sum.mismatched > before

    def _check(self, descriptor: Block, block: int) -> None:
        checks = bool(self.journal.head().sum_bits)
        for at, tag, value in self.journal.check(descriptor, block):
            self._sum.tags += checks
            if value == tag.checksum:
                continue
            self._sum.mismatched += 1
            if len(self._sum.mismatches) < _MOST_KEPT:
                wrong = self.journal.mismatch(descriptor, block, at, tag, value)
                self._sum.mismatches.append(wrong)
