"""Make an initramfs: a newc archive, from files and their modes. Pure but for reading the files."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_MAGIC = "070701"
_END = "TRAILER!!!"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the archive: path without a leading slash, mode with its type, content.

    For a device node `data` is empty and `device` its (major, minor).
    """

    path: str
    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)


def folder(path: str) -> Entry:
    """Return a folder's entry."""
    return Entry(path, stat.S_IFDIR | 0o755)


def program(path: str, data: bytes) -> Entry:
    """Return an executable file's entry."""
    return Entry(path, stat.S_IFREG | 0o755, data)


def console() -> Entry:
    """Return the node that the kernel opens for init before anything is mounted."""
    return Entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))


def pack(entries: Iterable[Entry]) -> bytes:
    """Return the archive, in the format of Documentation/driver-api/early-userspace."""
    return b"".join(_records(entries))


def _records(entries: Iterable[Entry]) -> Iterator[bytes]:
    number = 0
    for number, entry in enumerate(entries, 1):
        yield _record(number, entry)
    yield _record(number + 1, Entry(_END, 0))


def _record(number: int, entry: Entry) -> bytes:
    name = entry.path.encode() + b"\0"
    links = 2 if stat.S_ISDIR(entry.mode) else 1
    fields = (
        number, entry.mode, 0, 0, links, 0, len(entry.data), 0, 0, *entry.device, len(name), 0,
    )  # fmt: skip
    head = (_MAGIC + "".join(f"{field:08x}" for field in fields)).encode() + name
    return _padded(head) + _padded(entry.data)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
