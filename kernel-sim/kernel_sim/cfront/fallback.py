"""pcpp as the preprocessor where gcc is absent: slower, and not the same in all things.

It knows no `#include_next`, no `__VA_OPT__`, and no `__has_attribute` or `__has_builtin` (here both
are 0, as for a compiler without any). A name that `##` makes of parts of which one begins with a
digit is not expanded again. It takes about 5 s a file, with no limit of time or memory. An `#if`
that it cannot work out is an error here.
"""

from __future__ import annotations

import importlib
import io
import os
from pathlib import Path
from typing import Any

from kernel_sim.cfront.errors import PreprocessError

MAX_FILES = 10_000
"""How many files one run may open."""
_HAS = "#define __has_attribute(x) 0\n#define __has_builtin(x) 0\n#define __has_feature(x) 0\n"


def run_pcpp(arguments: list[str], file: Path, tree: Path) -> str:
    """The text, with line markers, that pcpp makes of a file.

    The arguments are gcc's: -D, -I and -include. Raises PreprocessError with pcpp's first error.
    """
    try:
        pcpp: Any = importlib.import_module("pcpp")
    except ImportError:
        raise PreprocessError("neither gcc nor pcpp is installed") from None
    reader = _make(pcpp)
    first = [_HAS]
    for flag, value in _pairs(arguments):
        if flag == "-I":
            reader.add_path(value)
        elif flag == "-D":
            reader.define(value.replace("=", " ", 1))
        elif flag == "-include":
            first.append(f"#include <{value}>\n")
    reader.parse("".join(first) + f'#include "{file}"\n', "<first>")
    out = io.StringIO()
    reader.write(out)
    if reader.said or reader.return_code:
        reader.said.append(f"{file}: pcpp ended with {reader.return_code}")
        raise PreprocessError(reader.said[0].replace(f"{tree}/", ""))
    return out.getvalue()


def _make(pcpp: Any) -> Any:
    class Reader(pcpp.Preprocessor):  # type: ignore[misc]
        """Notes errors instead of printing them, and opens plain files only."""

        def __init__(self) -> None:
            super().__init__()
            self.said: list[str] = []
            self.opened = 0
            self.line_directive = "#"

        def on_error(self, file: str, line: int, text: str) -> None:
            self.said.append(f"{file}:{line}: {text}")

        def on_include_not_found(self, *told: Any) -> None:
            raise PreprocessError(f"{self.source}: {told[-1]}: No such file or directory")

        def on_directive_unknown(self, directive: Any, words: Any, *rest: Any) -> Any:
            if directive.value != "error":
                return super().on_directive_unknown(directive, words, *rest)
            text = "".join(word.value for word in words).strip()
            self.said.append(f"{directive.source}:{directive.lineno}: #error {text}")
            return True

        def on_file_open(self, is_system: bool, path: str) -> Any:
            self.opened += 1
            if self.opened > MAX_FILES:
                raise PreprocessError(f"{path}: more than {MAX_FILES} includes")
            if os.path.exists(path) and not os.path.isfile(path):
                raise PreprocessError(f"{path}: no plain file")
            return super().on_file_open(is_system, path)

    return Reader()


def _pairs(arguments: list[str]) -> list[tuple[str, str]]:
    """(flag, value) for -D, -I and -include, joined or apart; other arguments are dropped."""
    found: list[tuple[str, str]] = []
    rest = iter(arguments)
    for argument in rest:
        if argument in ("-I", "-include"):
            found.append((argument, next(rest, "")))
        elif argument.startswith("-D"):
            found.append(("-D", argument[2:]))
    return found
