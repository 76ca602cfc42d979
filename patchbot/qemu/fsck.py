"""What e2fsck says of a crashed disk: whether recovery fails, and what is wrong after it.

The disk is a guest's, so e2fsck runs in the sandbox.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from patchbot.proc import Completed
from patchbot.qemu.errors import MachineError
from patchbot.sandbox import run_sandboxed

_SECONDS = 120.0
_MOST = 20
_FOUND = 7  # the bits of its exit code that speak of the file system
_FAILED = re.compile(
    r"^(?:JBD2: .*|Journal checksum error found in .*|.*: (?:Journal superblock is corrupt"
    r"|unable to recover|.*recovery failed).*|.*while recovering (?:ext3 )?journal.*"
    r"|.*Bad magic number in super-block.*|.*: Superblock invalid, trying backup blocks.*)$",
    re.IGNORECASE,
)
_TARGET = re.compile(r"^JBD2: Invalid checksum recovering data block (\d+) in log$")
# ext4 writes these two numbers of its superblock outside of the journal: ext4_update_super(),
# fs/ext4/super.c (v6.1). After a crash they are off, and that is no damage.
_LAZY = re.compile(r"^Free (?:blocks|inodes) count wrong \(")
_REPAIR = re.compile(r"\? (?:yes|no)$")


@dataclass(frozen=True, slots=True)
class Checked:
    """e2fsck's answer: why recovery failed (empty: it did not), and what it had to repair.

    `targets` are the file system's blocks whose journalled copies have a wrong checksum.
    """

    failed: str
    targets: tuple[int, ...]
    repairs: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Whether recovery succeeded, and left a sound file system."""
        return not self.failed and not self.repairs


def run_fsck(image: Path, timeout_s: float = _SECONDS) -> Checked:
    """Let e2fsck recover and repair an image, which changes it; the image's folder is writable.

    Raises `MachineError` where e2fsck is absent or can't work, and `ProcessError`.
    """
    image = image.absolute()
    argv = [find_e2fs("e2fsck"), "-fy", str(image)]
    done = run_sandboxed(argv, writable=[image.parent], timeout_s=timeout_s)
    return judge_fsck(done)


def judge_fsck(done: Completed) -> Checked:
    """Read what `e2fsck -fy` printed. Pure; raises `MachineError` where it could not work."""
    text = (done.stdout + b"\n" + done.stderr).decode("utf-8", "replace")
    lines = [line.strip() for line in text.splitlines()]
    failed = [line for line in lines if _FAILED.match(line)]
    targets = tuple(int(match[1]) for line in lines if (match := _TARGET.match(line)))
    repairs = _repairs(lines)
    if done.returncode & ~_FOUND and not failed:
        words = f"e2fsck ended with {done.returncode}: {done.error_text[-300:]}"
        if done.returncode < 0 or not repairs:  # it could not even begin
            raise MachineError(words, hint="run it by hand on a copy of the disk")
        repairs.append(words)
    return Checked("; ".join(failed[:3]), targets, tuple(repairs[-_MOST:]))


def _repairs(lines: list[str]) -> list[str]:
    """Return what was asked about; a question's subject may stand on the line before."""
    found: list[str] = []
    before = ""
    for line in lines:
        if _REPAIR.search(line):
            subject = line if len(line.split()) > 2 else before
            if not _LAZY.match(subject):
                found.append(subject)
        if line:
            before = line
    return found


def find_e2fs(name: str) -> str:
    """Return the path of a program of e2fsprogs, which may stand outside of a user's PATH.

    Raises `MachineError`.
    """
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        raise MachineError(f"{name} is not installed", hint="apt-get install e2fsprogs")
    return found
