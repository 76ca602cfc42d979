"""Read the log of a disk's writes, as QEMU's `blklogwrites` and the kernel's dm-log-writes make it.

A superblock, then entries in the order in which the writes were done: a header of one sector and,
unless the entry discards or marks, the data. The content is the guest's, so nothing in it is
believed: sizes are checked before they are used, and data is read in pieces.

Source: Documentation/admin-guide/device-mapper/log-writes.rst, drivers/md/dm-log-writes.c (v6.1).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntFlag
from pathlib import Path
from types import TracebackType

from patchbot.errors import PatchbotError

MAGIC = 0x6A736677736872
VERSION = 1
PIECE = 1 << 20
_SUPER = struct.Struct("<QQQI")
_ENTRY = struct.Struct("<QQQQ")
_SECTORS = (512, 1024, 2048, 4096)
_LARGEST = 1 << 62
_HINT = "make the log anew: it is what QEMU wrote during one run, and belongs to that run's disk"


class WriteLogError(PatchbotError):
    """A log of writes can't be read, or holds what no such log can."""


class Flag(IntFlag):
    """What an entry is, beside a plain write."""

    NONE = 0
    FLUSH = 1
    FUA = 2
    DISCARD = 4
    MARK = 8
    METADATA = 16


_KNOWN = Flag.FLUSH | Flag.FUA | Flag.DISCARD | Flag.MARK | Flag.METADATA


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its number from 0, and which bytes of the disk it changes (`length` 0: none).

    `data_at` says where its data begins in the log, in bytes; a discard has none.
    """

    number: int
    flags: Flag
    offset: int
    length: int
    data_at: int

    @property
    def has_data(self) -> bool:
        """Whether the entry brings bytes along."""
        return self.length > 0 and not self.flags & (Flag.DISCARD | Flag.MARK)

    @property
    def flushes(self) -> bool:
        """Whether all writes before this entry are on stable storage once it is done."""
        return bool(self.flags & Flag.FLUSH)


class WriteLog:
    """An open log. `cut` says, after `entries` came to its end, whether the log stops early."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.cut = ""
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise WriteLogError(f"{path}: {error.strerror}", hint=_HINT) from error
        try:
            self.size = os.fstat(self._fd).st_size
            self.sector, self.counted = self._read_super()
        except BaseException:
            os.close(self._fd)
            raise

    def __enter__(self) -> WriteLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        os.close(self._fd)

    def entries(self) -> Iterator[Entry]:
        """Yield all entries in order; raises `WriteLogError` with the offset of what is no entry.

        A log of a guest that was killed may stop anywhere: that ends it, and `cut` says so.
        """
        at, number, self.cut = self.sector, 0, ""
        while at < self.size:
            head = self._pread(_ENTRY.size, at)
            if at + self.sector > self.size or len(head) < _ENTRY.size:
                self.cut = f"the header of entry {number} at {at} is not whole"
                return
            if not any(head) and number >= self.counted:
                self.cut = f"nothing was written at {at}, where entry {number} would begin"
                return
            entry = self._parse(head, number, at)
            following = entry.data_at + (entry.length if entry.has_data else 0)
            if following > self.size:
                self.cut = f"the data of entry {number} at {entry.data_at} is not whole"
                return
            yield entry
            at, number = following, number + 1
        if number < self.counted:
            self.cut = f"{number} entries, where the superblock counted {self.counted}"

    def read(self, entry: Entry, start: int, length: int) -> bytes:
        """Return `length` bytes of an entry's data from byte `start` on; zeros for a discard."""
        if not 0 <= start <= start + length <= entry.length:
            raise WriteLogError(f"{self._path}: entry {entry.number} has no bytes {start}+{length}")
        if not entry.has_data:
            return bytes(length)
        return self.read_at(entry.data_at + start, length)

    def read_at(self, at: int, length: int) -> bytes:
        """Return `length` bytes of the log itself, which must be there."""
        data = self._pread(length, at)
        if len(data) != length:
            raise WriteLogError(f"{self._path}: it shrank while it was read", hint=_HINT)
        return data

    def pieces(self, entry: Entry) -> Iterator[tuple[int, bytes]]:
        """Yield an entry's data as (offset on the disk, at most `PIECE` bytes)."""
        for start in range(0, entry.length, PIECE):
            length = min(PIECE, entry.length - start)
            yield entry.offset + start, self.read(entry, start, length)

    def _read_super(self) -> tuple[int, int]:
        head = self._pread(_SUPER.size, 0)
        if not any(head):  # QEMU writes it with the first flush
            return _SECTORS[0], 0
        if len(head) < _SUPER.size:
            raise WriteLogError(f"{self._path}: too short for a log of writes", hint=_HINT)
        magic, version, count, sector = _SUPER.unpack(head)
        if magic != MAGIC or version != VERSION:
            raise WriteLogError(
                f"{self._path}: no log of writes: magic {magic:#x}, version {version}", hint=_HINT
            )
        if sector not in _SECTORS:
            raise WriteLogError(f"{self._path}: a sector of {sector} bytes", hint=_HINT)
        return sector, count

    def _parse(self, head: bytes, number: int, at: int) -> Entry:
        sector, sectors, bits, inline = _ENTRY.unpack(head)
        if bits & ~int(_KNOWN):
            raise self._garbage(number, at, f"flags {bits:#x}")
        flags = Flag(bits)
        if max(sector, sectors) * self.sector > _LARGEST:
            raise self._garbage(number, at, f"{sectors} sectors from {sector}")
        if inline > self.sector - _ENTRY.size or (inline and not flags & Flag.MARK):
            raise self._garbage(number, at, f"{inline} bytes inside the header")
        if not sectors and not flags:
            raise self._garbage(number, at, "it does nothing")
        length = 0 if flags & Flag.MARK else sectors * self.sector
        return Entry(number, flags, sector * self.sector, length, at + self.sector)

    def _garbage(self, number: int, at: int, what: str) -> WriteLogError:
        return WriteLogError(f"{self._path}: entry {number} at {at} is garbage: {what}", hint=_HINT)

    def _pread(self, length: int, at: int) -> bytes:
        try:
            return os.pread(self._fd, length, at)
        except OSError as error:
            raise WriteLogError(f"{self._path} at {at}: {error.strerror}") from error
