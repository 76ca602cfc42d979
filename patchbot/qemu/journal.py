"""A journal while a disk's writes go by: its blocks as they are after each entry of a log.

Nothing is copied: of each block of the journal it is known which entry of the log wrote it last,
and its bytes are read there when they are wanted. What was once read of a block is kept until the
block is written again, so that recovery can be asked for after every write.
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
    Tag,
    parse_block,
    parse_journal_super,
    tag_sum,
)
from patchbot.qemu.writelog import Entry, WriteLog

START = -1
_SUPER = -1
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
