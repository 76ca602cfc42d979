"""From a kernel source tree, never built, to the preprocessed text of one of its files."""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass, field
from pathlib import Path

from kernel_sim.cfront.command import ARCH, FREESTANDING, arguments_for, model_arguments
from kernel_sim.cfront.errors import PreprocessError
from kernel_sim.cfront.headers import Headers
from kernel_sim.cfront.runner import run_preprocessor

_MARKER = re.compile(r'# (\d+) "((?:[^"\\]|\\.)*)"[ \d]*')


@dataclass(slots=True)
class Source:
    """Preprocessed text without line markers, and where its lines come from.

    Line `starts[k]` of the text (from 0) is line `lines[k]` (from 1) of `paths[k]`, and so on until
    the next start. Paths are relative to the tree's top; headers of the simulator and generated
    ones begin with "<sim>/" and "<generated>/".
    """

    path: str
    text: str
    starts: list[int] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)

    def origin(self, line: int) -> tuple[str, int]:
        """The path and line (from 1) that a line (from 0) of the text comes from."""
        at = bisect.bisect_right(self.starts, line) - 1
        if at < 0:
            return "<command line>", 0
        return self.paths[at], self.lines[at] + line - self.starts[at]


def strip_markers(text: str, path: str) -> Source:
    """Take the line markers out of what a preprocessor has written."""
    source = Source(path, "")
    kept: list[str] = []
    for line in text.split("\n"):
        if line.startswith("# ") and (matched := _MARKER.fullmatch(line)):
            _mark(source, len(kept), matched[2].replace("\\\\", "\\"), int(matched[1]))
        else:
            kept.append(line)
    source.text = "\n".join(kept)
    return source


def _mark(source: Source, start: int, path: str, line: int) -> None:
    if source.starts and source.starts[-1] == start:
        source.paths[-1], source.lines[-1] = path, line
        return
    source.starts.append(start)
    source.paths.append(path)
    source.lines.append(line)


def name_paths(source: Source, folders: dict[str, Path]) -> Source:
    """Make the paths of a source relative to folders, each with its prefix ("" is the tree).

    Raises PreprocessError for a file that stands in none of them, links followed.
    """
    known: dict[str, str] = {}
    for path in dict.fromkeys(source.paths):
        known[path] = path if path.startswith("<") else _name(Path(path), folders, source.path)
    source.paths = [known[path] for path in source.paths]
    return source


def _name(path: Path, folders: dict[str, Path], of: str) -> str:
    real = path.resolve()
    for prefix, folder in folders.items():
        if real.is_relative_to(folder):
            return prefix + real.relative_to(folder).as_posix()
    raise PreprocessError(f"{of}: it includes {path}, which is not in the tree")


def preprocess_model(folder: Path, path: str) -> Source:
    """Preprocess a file of a tree that brings all its headers in include/, as the bundled one does.

    Raises PreprocessError as `preprocess` does.
    """
    top = folder.resolve()
    text = run_preprocessor(model_arguments(top), find_file(top, path), top)
    return name_paths(strip_markers(text, path), {"": top, "<sim>/c/": FREESTANDING})


def preprocess(headers: Headers, path: str) -> Source:
    """Preprocess one file of a kernel tree.

    Raises PreprocessError for a file that is missing, does not preprocess, includes something
    outside the tree, or takes more time, memory or text than the limits allow.
    """
    arguments = arguments_for(headers.tree, headers.cache, path)
    text = run_preprocessor(arguments, find_file(headers.tree, path), headers.tree)
    folders = {
        "": headers.tree,
        "<sim>/": ARCH,
        "<sim>/c/": FREESTANDING,
        "<generated>/": headers.cache,
    }
    return name_paths(strip_markers(text, path), folders)


def find_file(tree: Path, path: str) -> Path:
    """A file of the tree. Raises PreprocessError where it is missing, no file, or outside."""
    found = (tree / path).resolve()
    if not found.is_relative_to(tree):
        raise PreprocessError(f"{path}: not in the tree")
    if not found.is_file():
        raise PreprocessError(f"{path}: no such file in the tree")
    return tree / path
