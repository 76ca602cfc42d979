"""The blocks of a jbd2 journal: superblock, descriptors with their tags, commits, revokes. Pure.

All numbers are big-endian. Checksums are crc32c with the journal's UUID as its start, and are made
with the `crc32c` package, whose values are the complement of the kernel's: only ends differ.
Sources: include/linux/jbd2.h, fs/jbd2/journal.c, commit.c, recovery.c (v6.1).
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from crc32c import crc32c

from patchbot.errors import PatchbotError

MAGIC = b"\xc0\x3b\x39\x98"
HEADER_BYTES = 12
SUPER_BYTES = 1024
_TAIL_BYTES = 4
_SUM_AT = 16
_TIME_AT = 48
_WIDE, _CSUM_V2, _CSUM_V3, _FAST = 0x2, 0x8, 0x10, 0x20
_ASYNC = 0x4
_KNOWN = 0x3F
_SAME_UUID, _LAST = 2, 8
_ALL = 0xFFFFFFFF


class JournalError(PatchbotError):
    """A journal can't be read."""

    def __init__(self, message: str) -> None:
        super().__init__(
            message, hint="mount the disk once with the kernel that is tried, or make it anew"
        )


class Kind(enum.IntEnum):
    """What a block of the journal is; all others are data, or were never written."""

    DESCRIPTOR = 1
    COMMIT = 2
    SUPER_V1 = 3
    SUPER_V2 = 4
    REVOKE = 5


@dataclass(frozen=True, slots=True)
class JournalSuper:
    """The journal's superblock; places and lengths in blocks, `seed` starts every checksum.

    The log lies in blocks `first` to `last` - 1, and is a ring. `start` 0 means that it is empty.
    """

    block_bytes: int
    first: int
    last: int
    sequence: int
    start: int
    incompat: int
    seed: int

    @property
    def sum_bits(self) -> int:
        """How many bits a tag's checksum has: 32, 16, or 0 where the journal has none."""
        return 32 if self.incompat & _CSUM_V3 else 16 if self.incompat & _CSUM_V2 else 0

    @property
    def wide(self) -> bool:
        """Whether block numbers have 64 bits."""
        return bool(self.incompat & _WIDE)

    @property
    def asynchronous(self) -> bool:
        """Whether commit blocks are written without waiting for what they commit."""
        return bool(self.incompat & _ASYNC)

    @property
    def tag_bytes(self) -> int:
        """How long a tag is."""
        if self.incompat & _CSUM_V3:
            return 16
        return 8 + (2 if self.incompat & _CSUM_V2 else 0) + (4 if self.wide else 0)

    @property
    def tail_bytes(self) -> int:
        """How many bytes at the end of a descriptor or revoke block hold its checksum."""
        return _TAIL_BYTES if self.sum_bits else 0

    def after(self, block: int, count: int = 1) -> int:
        """Return the block that comes `count` blocks after another, around the ring.

        A count above the ring's length is wrapped once only, as recovery does.
        """
        following = block + count
        return following - (self.last - self.first) if following >= self.last else following


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag: the block of the file system that is journalled, and its checksum as stored."""

    target: int
    checksum: int


@dataclass(frozen=True, slots=True)
class Block:
    """A control block of the log; `right` says whether its own checksum is.

    `tags` are a descriptor's, `revoked` a revoke block's, `time` a commit's in seconds.
    """

    kind: Kind
    sequence: int
    right: bool
    tags: tuple[Tag, ...] = field(default=())
    revoked: tuple[int, ...] = field(default=())
    time: int = 0


def parse_journal_super(data: bytes, blocks: int) -> JournalSuper:
    """Read the journal's first block; `blocks` is the length of its file. Raises `JournalError`."""
    if len(data) < SUPER_BYTES or data[:4] != MAGIC:
        raise JournalError("the journal has no superblock")
    kind, size, length, first, sequence, start = struct.unpack_from(">4x I 4x I I I I I", data)
    if kind != Kind.SUPER_V2:
        raise JournalError(f"a journal superblock of type {kind}")
    incompat = int.from_bytes(data[0x28:0x2C], "big")
    if incompat & ~_KNOWN:
        raise JournalError(f"features {incompat:#x}, which are not known here")
    fast = (int.from_bytes(data[0x54:0x58], "big") or 256) if incompat & _FAST else 0
    last = length - fast
    if size not in (1024, 2048, 4096, 8192, 16384, 32768, 65536) or length > blocks:
        raise JournalError(f"{length} blocks of {size} bytes in a file of {blocks} blocks")
    if not 0 < first < last or (start and not first <= start < last):
        raise JournalError(f"a log from block {first} to {last} that starts at {start}")
    return JournalSuper(size, first, last, sequence, start, incompat, crc32c(data[0x30:0x40]))


def tag_sum(head: JournalSuper, sequence: int, data: bytes) -> int:
    """Return the checksum that a tag must hold for a journalled block of a transaction."""
    started = crc32c(sequence.to_bytes(4, "big"), head.seed)
    return _stored(crc32c(data, started)) & ((1 << head.sum_bits) - 1)


def parse_block(head: JournalSuper, data: bytes) -> Block | None:
    """Read a block of the log; None for one without jbd2's header: data, or nothing."""
    if data[:4] != MAGIC or len(data) != head.block_bytes:
        return None
    number, sequence = struct.unpack_from(">4x I I", data)
    if number == Kind.DESCRIPTOR:
        return Block(Kind.DESCRIPTOR, sequence, _tail_right(head, data), tuple(_tags(head, data)))
    if number == Kind.REVOKE:
        revoked = tuple(_revoked(head, data))
        return Block(Kind.REVOKE, sequence, _tail_right(head, data), revoked=revoked)
    if number == Kind.COMMIT:
        time = int.from_bytes(data[_TIME_AT : _TIME_AT + 8], "big")
        return Block(Kind.COMMIT, sequence, _sum_right(head, data, _SUM_AT), time=time)
    return None


def _tags(head: JournalSuper, data: bytes) -> Iterator[Tag]:
    at, end = HEADER_BYTES, head.block_bytes - head.tail_bytes
    while at + head.tag_bytes <= end:
        low, short, flags = struct.unpack_from(">I H H", data, at)
        high = struct.unpack_from(">I", data, at + 8)[0] if head.wide else 0
        checksum = struct.unpack_from(">I", data, at + 12)[0] if head.sum_bits == 32 else short
        yield Tag(low | high << 32, checksum if head.sum_bits else 0)
        at += head.tag_bytes + (0 if flags & _SAME_UUID else 16)
        if flags & _LAST:
            return


def _revoked(head: JournalSuper, data: bytes) -> Iterator[int]:
    length = 8 if head.wide else 4
    used = min(int.from_bytes(data[12:16], "big"), head.block_bytes - head.tail_bytes)
    for at in range(16, used - length + 1, length):
        yield int.from_bytes(data[at : at + length], "big")


def _tail_right(head: JournalSuper, data: bytes) -> bool:
    return _sum_right(head, data, head.block_bytes - _TAIL_BYTES)


def _sum_right(head: JournalSuper, data: bytes, at: int) -> bool:
    """Whether a block's own checksum, which counts as zero in itself, is right."""
    if not head.sum_bits:
        return True
    value = crc32c(data[at + 4 :], crc32c(bytes(4), crc32c(data[:at], head.seed)))
    return _stored(value) == int.from_bytes(data[at : at + 4], "big")


def _stored(value: int) -> int:
    return value ^ _ALL
