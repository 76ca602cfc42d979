"""Debian's kernel sources: the part that is looked at, unpacked once and kept by version."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from patchbot_checks import FolderSources, Sources

from tools.seeding.code import Code, text, walk

ROOT = Path(__file__).resolve().parents[2]
"""The top of the work tree."""

VERSIONS = ("6.1", "6.12")
CACHE = ROOT / ".linux-sources"
_PACKED = Path("/usr/src")
_FOLDERS = (
    "9p", "afs", "bcachefs", "btrfs", "ceph", "exfat", "ext2", "ext4", "f2fs", "fuse", "gfs2",
    "iomap", "jbd2", "kernfs", "netfs", "nfs", "nilfs2", "ocfs2", "orangefs", "reiserfs", "smb",
    "ubifs", "udf", "xfs", "zonefs",
)  # fmt: skip
_WANTED = re.compile(
    rf"fs/(?:[^/]+|(?:{'|'.join(_FOLDERS)})/.*)|mm/[^/]+"
    r"|include/(?:linux|trace|uapi/linux|asm-generic)/.*|Makefile"
)


def package(version: str) -> str:
    """Return the Debian package that has a version's sources."""
    return f"linux-source-{version}"


def packed(version: str) -> Path:
    """Return where Debian's package puts the sources of a version."""
    return _PACKED / f"{package(version)}.tar.xz"


def is_here(version: str) -> bool:
    """Whether the sources of a version can be opened."""
    return packed(version).is_file()


def unpack(version: str, cache: Path = CACHE) -> Path:
    """Return the folder with the part of a version's sources that is looked at.

    Unpacks it (half a minute) unless this very file was unpacked before. Raises `OSError` where
    the package is not installed.
    """
    found = packed(version).stat()
    cache.mkdir(exist_ok=True)
    top = cache / f"{version}-{found.st_size}-{found.st_mtime_ns}"
    with (cache / f"{version}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not top.is_dir():
            made = Path(tempfile.mkdtemp(prefix=f"{version}-part-", dir=cache))
            _extract(packed(version), made)
            os.rename(made, top)
    return top


def _extract(archive: Path, into: Path) -> None:
    """Stream an archive once, and write what is wanted without its first folder."""
    with tarfile.open(archive, "r|xz") as files:
        for each in files:
            path = each.name.removeprefix("./").partition("/")[2]
            data = files.extractfile(each) if each.isfile() and _WANTED.fullmatch(path) else None
            if data is not None and ".." not in path.split("/"):
                target = into / path
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as out:
                    shutil.copyfileobj(data, out)


class Overlay:
    """Sources with some files' texts replaced."""

    def __init__(self, below: Sources, files: Mapping[str, bytes]) -> None:
        self._below = below
        self._files = files

    def read(self, path: str) -> bytes | None:
        """See `Sources`."""
        return self._files[path] if path in self._files else self._below.read(path)

    def exists(self, path: str) -> bool:
        """See `Sources`."""
        return path in self._files or self._below.exists(path)

    def list_files(self, folder: str) -> Sequence[str]:
        """See `Sources`."""
        return self._below.list_files(folder)


class Kept:
    """Sources that are read once: nothing changes them in the meantime."""

    def __init__(self, top: Path) -> None:
        self._below = FolderSources(top)
        self._texts: dict[str, bytes | None] = {}
        self._lists: dict[str, Sequence[str]] = {}

    def read(self, path: str) -> bytes | None:
        """See `Sources`."""
        if path not in self._texts:
            self._texts[path] = self._below.read(path)
        return self._texts[path]

    def exists(self, path: str) -> bool:
        """See `Sources`."""
        return self._below.exists(path)

    def list_files(self, folder: str) -> Sequence[str]:
        """See `Sources`."""
        if folder not in self._lists:
            self._lists[folder] = self._below.list_files(folder)
        return self._lists[folder]


class Tree:
    """One version's sources: its name, and its files as text and as syntax."""

    def __init__(self, name: str, top: Path) -> None:
        self.name = name
        self.top = top
        self.sources = Kept(top)
        self._codes: dict[str, Code] = {}
        self._handlers: dict[tuple[str, frozenset[str]], frozenset[str]] = {}

    def code(self, path: str) -> Code:
        """Return a parsed file; raises `OSError` where there is none."""
        if path not in self._codes:
            data = self.sources.read(path)
            if data is None:
                raise FileNotFoundError(path)
            self._codes[path] = Code(path, data)
        return self._codes[path]

    def codes(self, folders: Sequence[str], words: frozenset[str]) -> Iterator[Code]:
        """Yield the C files of folders that hold one of these words, all of them for no word."""
        for path in self.list_code(folders):
            data = self.sources.read(path) or b""
            wanted = not words or any(word.encode() in data for word in words)
            if path.endswith(".c") and wanted:
                yield self.code(path)

    def list_code(self, folders: Sequence[str]) -> list[str]:
        """Return the C files and headers right in some folders."""
        paths = [path for folder in folders for path in self.sources.list_files(folder)]
        return [path for path in paths if path.endswith((".c", ".h"))]

    def handlers(self, near: str, fields: frozenset[str]) -> frozenset[str]:
        """Return the functions that initialisers in a file's folder put into these fields."""
        folder = near.rpartition("/")[0]
        if (folder, fields) not in self._handlers:
            self._handlers[folder, fields] = frozenset(self._installed(folder, fields))
        return self._handlers[folder, fields]

    def _installed(self, folder: str, fields: frozenset[str]) -> Iterator[str]:
        set_ = re.compile(rb"\.\s*(?:%s)\s*=" % b"|".join(field.encode() for field in fields))
        for path in self.list_code([folder]):
            if not path.endswith(".c") or not set_.search(self.sources.read(path) or b""):
                continue
            code = self.code(path)
            for pair in walk(code.root, "initializer_pair"):
                name = text(pair.child_by_field_name("designator")).lstrip(".")
                value = pair.child_by_field_name("value")
                if name in fields and value is not None and value.type == "identifier":
                    yield text(value)


def open_tree(name: str, cache: Path = CACHE) -> Tree:
    """Open a version ("6.1") of the installed packages, or any folder with kernel sources."""
    folder = Path(name)
    if name not in VERSIONS and folder.is_dir():
        return Tree(folder.name, folder)
    return Tree(name, unpack(name, cache))
