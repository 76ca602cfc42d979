"""From a kernel source tree, never built, to the preprocessed text of one of its files."""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass, field
from pathlib import Path

from kernel_sim.cfront.errors import PreprocessError, TreeError
from kernel_sim.cfront.headers import ARCH, Headers
from kernel_sim.cfront.runner import run_gcc

MAX_TEXT = 64 << 20
"""Bytes of preprocessed text; the longest real file seen here is a tenth of it."""
_MARKER = re.compile(r'# (\d+) "((?:[^"\\]|\\.)*)"[ \d]*')

PREDEFINED = {
    "__GNUC__": "12", "__GNUC_MINOR__": "2", "__GNUC_PATCHLEVEL__": "0", "__VERSION__": '"12.2.0"',
    "__CHAR_BIT__": "8", "__LP64__": "1", "_LP64": "1", "__KERNEL__": "1", "__linux__": "1",
    "__SIZEOF_INT__": "4", "__SIZEOF_LONG__": "8", "__SIZEOF_LONG_LONG__": "8",
    "__SIZEOF_POINTER__": "8", "__SIZEOF_SIZE_T__": "8", "__SIZE_TYPE__": "unsigned long",
    "__PTRDIFF_TYPE__": "long", "__INT_MAX__": "2147483647",
    "__LONG_MAX__": "9223372036854775807L", "__LONG_LONG_MAX__": "9223372036854775807LL",
    "__SCHAR_MAX__": "127", "__SHRT_MAX__": "32767", "__ORDER_LITTLE_ENDIAN__": "1234",
    "__ORDER_BIG_ENDIAN__": "4321", "__BYTE_ORDER__": "1234", "__DISABLE_EXPORTS": "1",
    "__INT8_TYPE__": "signed char", "__INT16_TYPE__": "short", "__INT32_TYPE__": "int",
    "__INT64_TYPE__": "long", "__UINT8_TYPE__": "unsigned char",
    "__UINT16_TYPE__": "unsigned short", "__UINT32_TYPE__": "unsigned int",
    "__UINT64_TYPE__": "unsigned long", "__UINTPTR_TYPE__": "unsigned long",
    "__INTPTR_TYPE__": "long", "__WCHAR_TYPE__": "unsigned short",
}  # fmt: skip
"""The compiler's own macros: these and no others, so that every host gives the same text."""


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
    arguments = ["-I", str(top / "include"), "-D__KERNEL__=1"]
    text = run_gcc(arguments, find_file(top, path), top)
    return name_paths(strip_markers(text, path), {"": top})


def preprocess(headers: Headers, path: str) -> Source:
    """Preprocess one file of a kernel tree.

    Raises PreprocessError for a file that is missing, does not preprocess, includes something
    outside the tree, or takes more time, memory or text than the limits allow.
    """
    text = run_gcc(arguments_for(headers, path), find_file(headers.tree, path), headers.tree)
    folders = {"": headers.tree, "<sim>/": ARCH, "<generated>/": headers.cache}
    return name_paths(strip_markers(text, path), folders)


def find_file(tree: Path, path: str) -> Path:
    """A file of the tree. Raises PreprocessError where it is missing, no file, or outside."""
    found = (tree / path).resolve()
    if not found.is_relative_to(tree):
        raise PreprocessError(f"{path}: not in the tree")
    if not found.is_file():
        raise PreprocessError(f"{path}: no such file in the tree")
    return tree / path


def arguments_for(headers: Headers, path: str) -> list[str]:
    """What a preprocessor is told for a file: folders of headers, macros, first includes."""
    name = re.sub(r"\W", "_", Path(path).stem)
    folders = [ARCH, headers.cache, headers.tree / "include", headers.cache / "uapi"]
    folders += [headers.tree / "include/uapi", headers.cache / "generated/uapi"]
    first = ["asm/sim.h", "generated/sim-tree.h", "linux/kconfig.h"]
    first += ["linux/compiler_types.h", "asm/sim-after.h"]
    macros = PREDEFINED | {"KBUILD_MODNAME": f'"{name}"', "KBUILD_BASENAME": f'"{name}"'}
    macros |= {"KBUILD_MODFILE": f'"{name}"', "__KBUILD_MODNAME": f"kmod_{name}"}
    return [
        "-undef",
        *(f"-D{macro}={value}" for macro, value in macros.items()),
        *(part for folder in folders for part in ("-I", str(folder))),
        *(part for header in first for part in ("-include", header)),
    ]


__all__ = [
    "PreprocessError", "Source", "TreeError", "find_file", "name_paths", "preprocess",
    "preprocess_model", "strip_markers",
]  # fmt: skip
