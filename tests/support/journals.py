"""Small disks with real journals, made by mke2fs and debugfs, and logs of the writes made to them.

debugfs computes the checksums: nothing here comes from the code under test.
"""

import re
import shutil
import struct
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.require import require

FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8
SECTOR = 512
_MAGIC = 0x6A736677736872


@dataclass(frozen=True)
class Write:
    """An entry for a log: where it goes on the disk, in bytes, and what; no data is a flush."""

    offset: int
    data: bytes
    flags: int = 0


FLUSHED = Write(0, b"", FLUSH)


def render_entry(write: Write, sector: int = SECTOR, sectors: int | None = None) -> bytes:
    """One entry as dm-log-writes stores it; `sectors` overrides its length."""
    length = len(write.data) // sector if sectors is None else sectors
    head = struct.pack("<QQQQ", write.offset // sector, length, write.flags, 0)
    return head.ljust(sector, b"\0") + write.data


def render_super(count: int, sector: int = SECTOR) -> bytes:
    """The superblock of a log with this many entries."""
    return struct.pack("<QQQI", _MAGIC, 1, count, sector).ljust(sector, b"\0")


def write_log(path: Path, writes: Iterable[Write], sector: int = SECTOR) -> Path:
    """A whole log of these writes."""
    entries = [render_entry(write, sector) for write in writes]
    path.write_bytes(render_super(len(entries), sector) + b"".join(entries))
    return path


def find_program(name: str) -> str:
    """A program of e2fsprogs; without it the test is skipped."""
    found = shutil.which(name, path="/usr/sbin:/sbin:/usr/bin:/bin")
    return found or str(require(name))


def make_disk(path: Path, *options: str, size_mb: int = 4) -> Path:
    """An ext4 disk with a journal of 1024 blocks; options are mke2fs's."""
    with path.open("wb") as file:
        file.truncate(size_mb << 20)
    lazy = ["-E", "lazy_itable_init=0,lazy_journal_init=0"]
    argv = [find_program("mke2fs"), "-q", "-F", "-t", "ext4", *lazy, *options, str(path)]
    subprocess.run(argv, check=True, capture_output=True)
    return path


def run_debugfs(disk: Path, commands: Sequence[str]) -> str:
    """What debugfs prints for some commands, with the disk open for writing."""
    done = subprocess.run(
        [find_program("debugfs"), "-w", str(disk)], input="\n".join([*commands, ""]),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def journalled(disk: Path) -> list[tuple[int, int, int]]:
    """What debugfs finds in the log: (transaction, block of the file system, of the journal)."""
    text = run_debugfs(disk, ["logdump -a"])
    found: list[tuple[int, int, int]] = []
    sequence = 0
    for line in text.splitlines():
        if match := re.search(r"expected sequence (\d+)", line):
            sequence = int(match[1])
        if match := re.search(r"FS block (\d+) logged at journal block (\d+)", line):
            found.append((sequence, int(match[1]), int(match[2])))
    return found


def where_journal_is(disk: Path) -> list[int]:
    """The disk's blocks of the journal, in order, as debugfs lists them."""
    return [int(word) for word in run_debugfs(disk, ["blocks <8>"]).split() if word.isdigit()]


def differences(before: Path, after: Path, block: int) -> list[Write]:
    """The blocks in which two images differ, as writes in the order of their offsets."""
    old, new = before.read_bytes(), after.read_bytes()
    return [
        Write(at, new[at : at + block])
        for at in range(0, len(new), block)
        if new[at : at + block] != old[at : at + block]
    ]


def flip_byte(path: Path, offset: int) -> None:
    """Change one byte of a file."""
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 0x20]))


def run_e2fsck(disk: Path) -> str:
    """What e2fsck prints while it recovers and repairs a disk."""
    argv = [find_program("e2fsck"), "-fy", str(disk)]
    done = subprocess.run(argv, capture_output=True, text=True)
    return done.stdout + done.stderr
