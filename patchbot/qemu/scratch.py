"""Copies of disk images that writes are applied to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from patchbot.errors import StoreError
from patchbot.qemu.writelog import Entry, WriteLog, WriteLogError

_COPY = 8 << 20


class Scratch:
    """An image that writes are applied to: a copy of `source` at `path`, or `source` itself."""

    def __init__(self, source: Path, path: Path, size: int) -> None:
        self.path, self.size = path, size
        if source != path:
            copy_sparse(source, path)
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise _no_room(path, error) from error

    def __enter__(self) -> Scratch:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def apply(self, log: WriteLog, entry: Entry) -> None:
        """Write an entry's data to where it belongs; raises `WriteLogError` outside of the disk."""
        if entry.offset + entry.length > self.size:
            raise WriteLogError(
                f"entry {entry.number} writes {entry.length} bytes at {entry.offset}, to a disk of "
                f"{self.size} bytes",
                hint="the log belongs to another disk",
            )
        try:
            for offset, data in log.pieces(entry):
                os.pwrite(self._fd, data, offset)
        except OSError as error:
            raise _no_room(self.path, error) from error

    def copy_to(self, path: Path) -> None:
        """Copy the image as it is now."""
        copy_sparse(self.path, path)


def copy_sparse(source: Path, path: Path) -> None:
    """Copy a file without its holes, sharing blocks where the file system can.

    Raises `StoreError`.
    """
    try:
        with source.open("rb") as old, path.open("wb") as new:
            end = os.fstat(old.fileno()).st_size
            os.ftruncate(new.fileno(), end)
            for start, stop in _filled(old.fileno(), end):
                _copy(old.fileno(), new.fileno(), start, stop)
    except OSError as error:
        raise _no_room(path, error) from error


def _filled(fd: int, end: int) -> Iterator[tuple[int, int]]:
    at = 0
    while at < end:
        try:
            start = os.lseek(fd, at, os.SEEK_DATA)
        except OSError:  # no data from here on
            return
        at = os.lseek(fd, start, os.SEEK_HOLE)
        yield start, at


def _copy(old: int, new: int, start: int, stop: int) -> None:
    while start < stop:
        try:
            done = os.copy_file_range(old, new, min(_COPY, stop - start), start, start)
        except OSError:  # between two file systems, or an old kernel
            done = os.pwrite(new, os.pread(old, min(_COPY, stop - start), start), start)
        if not done:
            return
        start += done


def _no_room(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{path}: {error.strerror}", hint="free space, or set PATCHBOT_HOME elsewhere"
    )
