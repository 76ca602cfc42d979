"""Where source text comes from: a folder, a dict, or a git commit that the caller wraps."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol


class Sources(Protocol):
    """A tree of files; paths are relative, with slashes ("fs/ext4/inode.c")."""

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, None where there is no such regular file."""

    def exists(self, path: str) -> bool:
        """Whether there is such a regular file."""

    def list_files(self, folder: str) -> Sequence[str]:
        """Return the paths of the regular files right in a folder ("" for the top), sorted."""


class MemorySources:
    """Files held in memory."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = dict(files)

    def read(self, path: str) -> bytes | None:
        """See `Sources`."""
        return self._files.get(path)

    def exists(self, path: str) -> bool:
        """See `Sources`."""
        return path in self._files

    def list_files(self, folder: str) -> Sequence[str]:
        """See `Sources`."""
        head = f"{folder}/" if folder else ""
        return sorted(p for p in self._files if p.startswith(head) and "/" not in p[len(head) :])


class FolderSources:
    """Files below a folder; symbolic links that lead out of it are not followed."""

    def __init__(self, top: Path) -> None:
        self._top = top.resolve()

    def _find(self, path: str) -> Path | None:
        try:
            found = (self._top / path).resolve()
            return found if found.is_file() and found.is_relative_to(self._top) else None
        except (OSError, ValueError):
            return None

    def read(self, path: str) -> bytes | None:
        """See `Sources`; raises `OSError` where a file is there and can't be read."""
        found = self._find(path)
        return found.read_bytes() if found else None

    def exists(self, path: str) -> bool:
        """See `Sources`."""
        return self._find(path) is not None

    def list_files(self, folder: str) -> Sequence[str]:
        """See `Sources`."""
        try:
            with os.scandir(self._top / folder) as entries:
                names = sorted(each.name for each in entries if each.is_file())
        except (OSError, ValueError):
            return []
        return [f"{folder}/{name}" if folder else name for name in names]
