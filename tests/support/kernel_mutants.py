"""Single faults in a real kernel's write path: data, and how they find their place in a tree.

A fault is one or two edits of one function. What an edit looks for is C text, compared token by
token, so that white space and comments do not matter; `...` in it stands for any tokens whose
brackets match, and `$1` in the new text for the first of these. Several texts may be given for
what versions write differently: the first that is found counts.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tests.support import ROOT

DATA = ROOT / "tests" / "data" / "sim_kernel_mutants.toml"
_SPACE = re.compile(r"\s+|/\*.*?\*/|//[^\n]*", re.S)
_TOKEN = re.compile(
    r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|\w+|\.\.\.|->|\+\+|--|&&|\|\||<<=?|>>=?'
    r"|[-+*/%&|^<>=!]=|\S"
)
_CLOSES = {"(": ")", "[": "]", "{": "}"}


class Token(NamedTuple):
    """A token with the bytes that it stands at."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Edit:
    """Put its new text in the place of the first of the old ones that is there."""

    texts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class KernelMutant:
    """A fault: what it does in a few words, the file and the function, and its edits.

    Of the functions, the first that the file defines counts.
    """

    name: str
    says: str
    file: str
    functions: tuple[str, ...]
    edits: tuple[Edit, ...]

    def apply(self, text: str) -> str | None:
        """Return the file's text with the fault; None where it has no such place."""
        for function in self.functions:
            span = find_function(text, function)
            if span is not None:
                body = _edit_all(text[slice(*span)], self.edits)
                return None if body is None else text[: span[0]] + body + text[span[1] :]
        return None


def load_mutants(path: Path = DATA) -> dict[str, KernelMutant]:
    """Return all faults of a data file by name."""
    rows = tomllib.loads(path.read_text("utf-8"))["mutant"]
    found = [_read(row) for row in rows]
    assert len({each.name for each in found}) == len(found)
    return {each.name: each for each in found}


def _read(row: dict[str, Any]) -> KernelMutant:
    edits = row.get("edits", [row])
    return KernelMutant(
        row["name"],
        row["says"],
        row["file"],
        _several(row["function"]),
        tuple(_read_edit(each["old"], each["new"]) for each in edits),
    )


def _read_edit(old: str | list[str], new: str | list[str]) -> Edit:
    """One new text goes with all old ones; of several, each with its own."""
    olds, news = _several(old), _several(new)
    return Edit(tuple(zip(olds, news * len(olds) if len(news) == 1 else news, strict=True)))


def _several(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def find_function(text: str, name: str) -> tuple[int, int] | None:
    """Return where a function's body stands, braces in column 0 as the kernel writes them."""
    for found in re.finditer(rf"^(?![ \t#*/]).*\b{name}\(", text, re.M):
        tail = re.compile(r"[^;{}]*?\n\{").match(text, found.end())
        if tail is not None:
            end = text.find("\n}", tail.end())
            return (tail.end() - 1, end + 2) if end >= 0 else None
    return None


def _edit_all(body: str, edits: Sequence[Edit]) -> str | None:
    for edit in edits:
        changed = next(filter(None, (_edit(body, *each) for each in edit.texts)), None)
        if changed is None:
            return None
        body = changed
    return body


def _edit(body: str, old: str, new: str) -> str | None:
    found = _find(body, old)
    if found is None:
        return None
    start, end, runs = found
    return body[:start] + re.sub(r"\$(\d)", lambda n: runs[int(n[1]) - 1], new) + body[end:]


def tokens(text: str) -> list[Token]:
    """Return the tokens of C text, without white space and comments."""
    found, at = [], 0
    while at < len(text):
        match = _SPACE.match(text, at) or _TOKEN.match(text, at)
        assert match is not None
        if _SPACE.match(text, at) is None:
            found.append(Token(match[0], match.start(), match.end()))
        at = match.end()
    return found


def _find(text: str, old: str) -> tuple[int, int, list[str]] | None:
    """Return where the text `old` stands first, and what its `...` stand for."""
    have, want = tokens(text), [each.text for each in tokens(old)]
    for first in range(len(have)):
        for last, runs in _match(have, first, want):
            return have[first].start, have[last - 1].end, [_text(text, have, run) for run in runs]
    return None


def _text(text: str, have: Sequence[Token], run: tuple[int, int]) -> str:
    first, last = run
    return text[have[first].start : have[last - 1].end] if last > first else ""


def _match(
    have: Sequence[Token], at: int, want: Sequence[str]
) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """Yield where a match that begins at a token ends, with the runs of its `...`."""
    for number, word in enumerate(want):
        if word == "...":
            for end in _balanced(have, at):
                for last, runs in _match(have, end, want[number + 1 :]):
                    yield last, [(at, end), *runs]
            return
        if at >= len(have) or have[at].text != word:
            return
        at += 1
    yield at, []


def _balanced(have: Sequence[Token], at: int) -> Iterator[int]:
    """Yield the ends of all runs from a token on whose brackets match, the shortest first."""
    open_: list[str] = []
    yield at
    for number in range(at, len(have)):
        word = have[number].text
        if word in _CLOSES:
            open_.append(_CLOSES[word])
        elif word in _CLOSES.values() and (not open_ or open_.pop() != word):
            return
        if not open_:
            yield number + 1
