"""A journal while a disk's writes go by: what recovery would say now, from the blocks' own bytes.

Nothing is copied: of each block of the journal it is known which entry of the log wrote it last,
and its bytes are read there when they are wanted. What was once read of a block is kept until the
block is written again, so that recovery can be asked for after every write.

Source: fs/jbd2/recovery.c, do_one_pass() (v6.1).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from patchbot.qemu.ext4 import SUPER_AT, SUPER_BYTES, ImageError, find_journal, parse_super
from patchbot.qemu.jbd2 import (
    Block,
    JournalError,
    JournalSuper,
    Kind,
    Tag,
    parse_block,
    parse_journal_super,
    tag_sum,
)
from patchbot.qemu.writelog import Entry, WriteLog

START = -1
_SUPER = -1
_MOST_KEPT = 100
_LITERAL_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A journalled block whose bytes on disk are not those of its checksum.

    `sequence` is the transaction, `target` the file system's block, `block` where the journal has
    it, `descriptor` where its tag is. `stored` is the tag's checksum, `found` that of the bytes.
    `data_entry` and `tag_entry` are the log's entries that wrote the two, -1 for the start image.
    """

    sequence: int
    target: int
    block: int
    descriptor: int
    stored: int
    found: int
    data_entry: int
    tag_entry: int

    def __str__(self) -> str:
        return (
            f"transaction {self.sequence}: block {self.target}, at {self.block} in the journal: "
            f"checksum {self.stored:#x}, on disk {self.found:#x} (entries {self.tag_entry}, "
            f"{self.data_entry})"
        )


@dataclass(frozen=True, slots=True)
class Recovery:
    """What recovery does with a journal as it is: transactions and blocks that it would replay.

    `bad` counts blocks whose checksums stop it, of which `mismatches` are the first; `error` is
    another reason why it fails. `needed` is false where the file system asks for no recovery.
    """

    needed: bool
    transactions: int = 0
    blocks: int = 0
    bad: int = 0
    mismatches: tuple[Mismatch, ...] = ()
    error: str = ""

    @property
    def good(self) -> bool:
        """Whether recovery succeeds, or has nothing to do."""
        return not self.bad and not self.error


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a block's bytes are: offset in the log (or the image for `START`), or themselves."""

    writer: int
    at: int
    literal: bytes | None = None


@dataclass(slots=True)
class _Known:
    """What was read of blocks, by block, with the entry that wrote what was read."""

    blocks: dict[int, tuple[int, Block | None]] = field(default_factory=dict)
    sums: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    heads: tuple[_Place, JournalSuper] | None = None


class Image:
    """An open disk image, for reading; raises `ImageError`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise ImageError(f"{path}: {error.strerror}") from error
        self.size = os.fstat(self._fd).st_size

    def __enter__(self) -> Image:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def read(self, offset: int, length: int) -> bytes:
        """Return `length` bytes, or fewer at the image's end."""
        try:
            return os.pread(self._fd, length, offset)
        except (OSError, OverflowError) as error:
            raise ImageError(f"{self._path}: can't be read at {offset}: {error}") from error


class Journal:
    """The journal of an image after some entries of a log were applied, none at first."""

    def __init__(self, image: Image, log: WriteLog | None = None) -> None:
        self._image, self._log = image, log
        self.layout = find_journal(image.read, image.size)
        self._places: dict[int, _Place] = {}
        self._known = _Known()
        self._literals = 0

    def fork(self) -> Journal:
        """Return a journal that goes on from here by itself."""
        other = object.__new__(Journal)
        other._image, other._log, other.layout = self._image, self._log, self.layout
        other._places, other._known = dict(self._places), self._known
        other._literals = self._literals
        return other

    def apply(self, entry: Entry) -> list[int]:
        """Take an entry in; return the journal's blocks that it wrote."""
        if not entry.length:
            return []
        if entry.offset < SUPER_AT + SUPER_BYTES and entry.offset + entry.length > SUPER_AT:
            self._write(entry, _SUPER, SUPER_AT, SUPER_BYTES)
        touched = list(self.layout.touched(entry.offset, entry.length))
        size = self.layout.block_bytes
        for block in touched:
            self._write(entry, block, self.layout.offset_of(block), size)
        return touched

    def head(self) -> JournalSuper:
        """Return the journal's superblock as it is now; raises `JournalError`."""
        place = self._place(0)
        if self._known.heads is None or self._known.heads[0] != place:
            head = parse_journal_super(self.read(0), self.layout.blocks)
            if head.block_bytes != self.layout.block_bytes:
                raise JournalError(f"a journal with blocks of {head.block_bytes} bytes")
            old = self._known.heads
            if old is None or (old[1].incompat, old[1].seed) != (head.incompat, head.seed):
                self._known.blocks.clear()
                self._known.sums.clear()
            self._known.heads = (place, head)
        return self._known.heads[1]

    def read(self, block: int) -> bytes:
        """Return a block's bytes."""
        length = SUPER_BYTES if block == _SUPER else self.layout.block_bytes
        place = self._place(block)
        if place.literal is not None:
            return place.literal
        if place.writer == START or self._log is None:
            return self._image.read(place.at, length)
        return self._log.read_at(place.at, length)

    def writer(self, block: int) -> int:
        """Return the entry that wrote a block last, `START` for none."""
        return self._place(block).writer

    def block(self, block: int) -> Block | None:
        """Return what a block is, as it is now; None for one that is not jbd2's own."""
        head, place = self.head(), self._place(block)
        known = self._known.blocks.get(block)
        if known is None or known[0] != place.writer or place.literal is not None:
            known = (place.writer, parse_block(head, self.read(block)))
            self._known.blocks[block] = known
        return known[1]

    def check(self, found: Block, at: int) -> Iterator[tuple[int, Tag, int]]:
        """Yield for each tag of a descriptor at block `at`: where its block is, tag, checksum.

        The checksum is that of the bytes on disk.
        """
        head, block = self.head(), at
        for tag in found.tags:
            block = head.after(block)
            yield block, tag, self._sum(head, block, found.sequence)

    def mismatch(self, found: Block, at: int, block: int, tag: Tag, value: int) -> Mismatch:
        """Return what `check` said of a tag whose checksum is not `value`, with its evidence."""
        return Mismatch(
            found.sequence, tag.target, block, at, tag.checksum, value, self.writer(block),
            self.writer(at),
        )  # fmt: skip

    @property
    def needs_recovery(self) -> bool:
        """Whether ext4's superblock asks for recovery."""
        return parse_super(self.read(_SUPER)).needs_recovery

    def _sum(self, head: JournalSuper, block: int, sequence: int) -> int:
        place = self._place(block)
        known = self._known.sums.get(block)
        if known is None or known[:2] != (place.writer, sequence) or place.literal is not None:
            known = (place.writer, sequence, tag_sum(head, sequence, self.read(block)))
            self._known.sums[block] = known
        return known[2]

    def _place(self, block: int) -> _Place:
        place = self._places.get(block)
        if place is not None:
            return place
        return _Place(START, SUPER_AT if block == _SUPER else self.layout.offset_of(block))

    def _write(self, entry: Entry, block: int, offset: int, length: int) -> None:
        start = offset - entry.offset
        if entry.has_data and start >= 0 and start + length <= entry.length:
            self._places[block] = _Place(entry.number, entry.data_at + start)
            return
        self._places[block] = _Place(entry.number, 0, self._spliced(entry, block, start, length))

    def _spliced(self, entry: Entry, block: int, start: int, length: int) -> bytes:
        """Return a block's bytes after an entry that writes a part of it, or discards it."""
        assert self._log is not None
        self._literals += length
        if self._literals > _LITERAL_BYTES:
            raise JournalError("the journal is written in pieces smaller than its blocks")
        low, high = max(start, 0), min(start + length, entry.length)
        data = bytearray(self.read(block))
        data[low - start : high - start] = self._log.read(entry, low, high - low)
        return bytes(data)


def find_recovery(journal: Journal) -> Recovery:
    """Say what recovery would do with a journal as it is now."""
    try:
        if not journal.needs_recovery:
            return Recovery(False)
        head = journal.head()
        return _Recovering(journal, head).run() if head.start else Recovery(True)
    except (ImageError, JournalError) as error:
        return Recovery(True, error=str(error))


class _Recovering:
    """The three passes of recovery over one journal: scan, revoke, replay."""

    def __init__(self, journal: Journal, head: JournalSuper) -> None:
        self._journal, self._head = journal, head
        self._descriptors: list[tuple[int, Block]] = []
        self._revoked: dict[int, int] = {}
        self._transactions = self._blocks = self._bad = 0
        self._kept: list[Mismatch] = []

    def run(self) -> Recovery:
        error = self._scan()
        if error:
            return Recovery(True, self._transactions, error=error)
        for at, found in self._descriptors:
            self._replay(at, found)
        return Recovery(True, self._transactions, self._blocks, self._bad, tuple(self._kept))

    def _replay(self, at: int, found: Block) -> None:
        for block, tag, value in self._journal.check(found, at):
            if self._is_revoked(tag.target, found.sequence):
                continue
            self._blocks += 1
            if value == tag.checksum:
                continue
            self._bad += 1
            if len(self._kept) < _MOST_KEPT:
                self._kept.append(self._journal.mismatch(found, at, block, tag, value))

    def _scan(self) -> str:
        """Collect the whole transactions; return why the log can't be used, mostly nothing."""
        sequence, at, doubted, last_time = self._head.sequence, self._head.start, False, 0
        pending: list[tuple[int, Block]] = []
        for _step in range(self._head.last - self._head.first + 1):
            found = self._journal.block(at)
            if found is None or found.sequence != sequence:
                return ""
            doubted |= not found.right and found.kind is not Kind.COMMIT
            if found.kind is not Kind.COMMIT:
                pending.append((at, found))
                at = self._head.after(at, 1 + len(found.tags))
                continue
            if doubted or not found.right:
                return self._judge_commit(found, last_time, doubted)
            self._keep(pending)
            pending, last_time = [], found.time
            sequence, at = (sequence + 1) & 0xFFFFFFFF, self._head.after(at)
        return "the log has no end"

    def _judge_commit(self, found: Block, last_time: int, doubted: bool) -> str:
        """A commit whose transaction has a wrong control block: an older journal's, or damage."""
        if found.time < last_time or (self._head.asynchronous and not doubted):
            return ""
        return f"transaction {found.sequence} has a control block with a wrong checksum"

    def _keep(self, pending: list[tuple[int, Block]]) -> None:
        self._transactions += 1
        for at, found in pending:
            if found.kind is Kind.DESCRIPTOR:
                self._descriptors.append((at, found))
            for target in found.revoked:
                self._revoked[target] = found.sequence

    def _is_revoked(self, target: int, sequence: int) -> bool:
        by = self._revoked.get(target)
        return by is not None and (by - sequence) & 0xFFFFFFFF < 1 << 31
