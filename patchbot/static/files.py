"""The C files that a user names."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from patchbot.errors import PatchbotError
from patchbot.static.changes import C_SUFFIXES

MAX_FILES = 5000


def collect_files(paths: Sequence[Path]) -> list[Path]:
    """Return the files that are named, and all C files in folders; each once, links followed.

    Raises `PatchbotError` for a path that is not there, and where nothing is found.
    """
    found = {Path(os.path.realpath(each)): None for path in paths for each in _files_of(path)}
    if not found:
        raise PatchbotError(
            f"no C file in {', '.join(map(str, paths))}", hint="files end in .c or .h"
        )
    if len(found) > MAX_FILES:
        raise PatchbotError(
            f"{len(found)} files are more than {MAX_FILES}", hint="name the folder that matters"
        )
    return list(found)


def _files_of(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif path.is_dir():
        for folder, folders, names in os.walk(path):
            folders[:] = sorted(each for each in folders if not each.startswith("."))
            inside = [Path(folder, name) for name in sorted(names) if name.endswith(C_SUFFIXES)]
            yield from (each for each in inside if each.is_file())
    elif path.exists():
        raise PatchbotError(f"{path}: neither a file nor a folder", hint="name a C file")
    else:
        raise PatchbotError(f"{path}: no such file or folder", hint="name a C file or a folder")


def find_top(files: Sequence[Path]) -> Path:
    """Return the folder that paths are relative to: the top of a git tree, else what is shared."""
    shared = Path(os.path.commonpath([path.parent for path in files]))
    for each in (shared, *shared.parents):
        if (each / ".git").exists():
            return each
    return shared
