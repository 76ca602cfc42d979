"""The kernel sources that faults are seeded into: a part of Debian's packages, unpacked once."""

from __future__ import annotations

import fcntl
import subprocess
from pathlib import Path

from patchbot_checks.sources import FolderSources

PARTS = (
    "fs/ext4", "fs/jbd2", "include/linux", "include/uapi/linux", "include/trace/events",
)  # fmt: skip
VERSIONS = ("6.1", "6.12")
CHECKED = ("fs/ext4", "fs/jbd2")
_CACHE = Path(__file__).resolve().parents[2] / ".linux-sources"


def archive_of(version: str) -> Path:
    """Return where Debian's package puts the sources."""
    return Path(f"/usr/src/linux-source-{version}.tar.xz")


def unpack(version: str) -> Path:
    """Return the folder of a version's sources, unpacking them if need be.

    Raises `FileNotFoundError` where the package is not installed.
    """
    archive = archive_of(version)
    if not archive.exists():
        raise FileNotFoundError(f"{archive}: apt-get install linux-source-{version}")
    _CACHE.mkdir(exist_ok=True)
    target = _CACHE / f"{version}-{archive.stat().st_size}"
    with (_CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (target / "done").exists():
            target.mkdir(exist_ok=True)
            names = [f"linux-source-{version}/{part}" for part in PARTS]
            command = [
                "tar",
                "-xJf",
                str(archive),
                "-C",
                str(target),
                "--strip-components=1",
                *names,
            ]
            subprocess.run(command, check=True)
            (target / "done").touch()
    return target


class Overlay:
    """A folder of sources in which one file has another text."""

    def __init__(self, folder: FolderSources, path: str, text: bytes) -> None:
        self._folder, self._path, self._text = folder, path, text

    def read(self, path: str) -> bytes | None:
        """See `patchbot_checks.Sources`."""
        return self._text if path == self._path else self._folder.read(path)

    def exists(self, path: str) -> bool:
        """See `patchbot_checks.Sources`."""
        return path == self._path or self._folder.exists(path)

    def list_files(self, folder: str) -> list[str]:
        """See `patchbot_checks.Sources`."""
        return list(self._folder.list_files(folder))


def c_files(folder: FolderSources) -> list[str]:
    """Return the C files that are looked at."""
    return [
        path for part in CHECKED for path in folder.list_files(part) if path.endswith((".c", ".h"))
    ]
