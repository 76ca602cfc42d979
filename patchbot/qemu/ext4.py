"""Where an ext4 image keeps its journal: superblock, the journal's inode, its extents. Pure.

The image may be a guest's: every number is checked against the image's size before it is used.
Sources: fs/ext4/ext4.h, fs/ext4/ext4_extents.h, Documentation/filesystems/ext4 (v6.1).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from patchbot.errors import PatchbotError

SUPER_AT = 1024
SUPER_BYTES = 1024
_MAGIC = 0xEF53
_EXTENT_MAGIC = 0xF30A
_HAS_JOURNAL = 0x4
_NEEDS_RECOVERY = 0x4
_64BIT = 0x80
_USES_EXTENTS = 0x80000
_LARGEST_EXTENT = 32768
_DEPTH = 5
_MOST_EXTENTS = 1 << 16

Read = Callable[[int, int], bytes]


class ImageError(PatchbotError):
    """An image is not an ext4 file system with a journal inside that can be read."""

    def __init__(self, message: str) -> None:
        super().__init__(
            message, hint="make the disk with mke2fs -t ext4, its journal inside (-J size=...)"
        )


@dataclass(frozen=True, slots=True)
class Super:
    """What of ext4's superblock leads to the journal; sizes in bytes, places in blocks."""

    block_bytes: int
    blocks: int
    first_block: int
    inodes_per_group: int
    inode_bytes: int
    descriptor_bytes: int
    journal_inode: int
    needs_recovery: bool


@dataclass(frozen=True, slots=True)
class Extent:
    """A run of blocks: `count` blocks of a file from its block `logical`, on disk at `physical`."""

    logical: int
    physical: int
    count: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the journal is: block size in bytes, and its blocks in order, without gaps."""

    block_bytes: int
    extents: tuple[Extent, ...]

    @property
    def blocks(self) -> int:
        """How many blocks the journal's file has."""
        return sum(extent.count for extent in self.extents)

    def offset_of(self, block: int) -> int:
        """Return where a block of the journal is on the disk, in bytes."""
        for extent in self.extents:
            if extent.logical <= block < extent.logical + extent.count:
                return (extent.physical + block - extent.logical) * self.block_bytes
        raise ImageError(f"the journal has no block {block}")

    def touched(self, offset: int, length: int) -> Iterator[int]:
        """Yield the journal's blocks that lie at least in part in `length` bytes of the disk."""
        first = offset // self.block_bytes
        end = (offset + length + self.block_bytes - 1) // self.block_bytes
        for extent in self.extents:
            low = max(first, extent.physical) - extent.physical
            high = min(end, extent.physical + extent.count) - extent.physical
            yield from range(extent.logical + low, extent.logical + high)


def parse_super(data: bytes) -> Super:
    """Read ext4's superblock, the 1024 bytes at 1024; raises `ImageError`."""
    if len(data) < SUPER_BYTES:
        raise ImageError("the image is too small for a file system")
    blocks, first, shift, per_group = _at(data, "<4x I 12x I I 12x I", 0)
    magic, revision = _at(data, "<H", 0x38)[0], _at(data, "<I", 0x4C)[0]
    if magic != _MAGIC or revision < 1:
        raise ImageError(f"no ext4 file system: magic {magic:#x}, revision {revision}")
    inode_bytes, compat, incompat = _at(data, "<H 2x I I", 0x58)
    journal, device = _at(data, "<I I", 0xE0)
    if not compat & _HAS_JOURNAL or not journal or device:
        raise ImageError("the file system has no journal of its own")
    wide = bool(incompat & _64BIT)
    blocks |= _at(data, "<I", 0x150)[0] << 32 if wide else 0
    descriptor_bytes = _at(data, "<H", 0xFE)[0] if wide else 32
    if shift > 6 or not 128 <= inode_bytes <= 1024 << shift or not 32 <= descriptor_bytes <= 1024:
        raise ImageError(f"block size 2^{10 + shift}, inodes of {inode_bytes} bytes")
    return Super(
        1024 << shift, blocks, first, per_group, inode_bytes, descriptor_bytes, journal,
        bool(incompat & _NEEDS_RECOVERY),
    )  # fmt: skip


def find_journal(read: Read, size: int) -> Layout:
    """Return where an image keeps its journal; `read(offset, length)` gives its bytes.

    `size` is the image's, in bytes. Raises `ImageError`.
    """
    found = parse_super(read(SUPER_AT, SUPER_BYTES))
    if found.blocks * found.block_bytes > size:
        raise ImageError(f"{found.blocks} blocks in an image of {size} bytes")
    inode = read(_inode_at(found, read), 128)
    if len(inode) < 128 or not _at(inode, "<I", 0x20)[0] & _USES_EXTENTS:
        raise ImageError("the journal's inode has no extents")
    extents = _Extents(read, found)
    extents.collect(inode[0x28 : 0x28 + 60], _DEPTH)
    return Layout(found.block_bytes, extents.checked())


def _inode_at(found: Super, read: Read) -> int:
    if found.journal_inode > found.inodes_per_group:
        raise ImageError(f"the journal is inode {found.journal_inode}, not of the first group")
    descriptor = read((found.first_block + 1) * found.block_bytes, found.descriptor_bytes)
    if len(descriptor) < found.descriptor_bytes:
        raise ImageError("the group descriptors are not in the image")
    table: int = _at(descriptor, "<I", 0x8)[0]
    if found.descriptor_bytes >= 64:
        table |= _at(descriptor, "<I", 0x28)[0] << 32
    return table * found.block_bytes + (found.journal_inode - 1) * found.inode_bytes


class _Extents:
    """Collects the leaves of an extent tree."""

    def __init__(self, read: Read, found: Super) -> None:
        self._read, self._super = read, found
        self._leaves: list[Extent] = []

    def collect(self, node: bytes, depth_allowed: int) -> None:
        magic, entries, _most, depth = _at(node, "<H H H H", 0)
        if magic != _EXTENT_MAGIC or depth > depth_allowed or 12 + entries * 12 > len(node):
            raise ImageError("the journal's extents can't be read")
        for at in range(12, 12 + entries * 12, 12):
            if depth == 0:
                self._add(*_at(node, "<I H H I", at))
                continue
            _logical, low, high = _at(node, "<I I H", at)
            block = self._inside(low | high << 32, 1)
            self.collect(
                self._read(block * self._super.block_bytes, self._super.block_bytes), depth - 1
            )

    def _add(self, logical: int, length: int, high: int, low: int) -> None:
        if length > _LARGEST_EXTENT or not length or len(self._leaves) >= _MOST_EXTENTS:
            raise ImageError("the journal's extents are not written, or too many")
        self._leaves.append(Extent(logical, self._inside(low | high << 32, length), length))

    def _inside(self, block: int, count: int) -> int:
        if not 0 < block <= block + count <= self._super.blocks:
            raise ImageError(f"the journal lies at block {block}, outside of the file system")
        return block

    def checked(self) -> tuple[Extent, ...]:
        expected = 0
        for leaf in self._leaves:
            if leaf.logical != expected:
                raise ImageError(f"the journal has a hole at its block {expected}")
            expected += leaf.count
        if expected > self._super.blocks or not expected:
            raise ImageError(f"a journal of {expected} blocks")
        return tuple(self._leaves)


def _at(data: bytes, form: str, at: int) -> tuple[int, ...]:
    """Unpack at an offset; raises `ImageError` when the data is too short."""
    try:
        return struct.unpack_from(form, data, at)
    except struct.error as error:
        raise ImageError("the image is cut off") from error
