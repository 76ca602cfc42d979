"""Casts that look like calls or sums: `(name)` gets a `const` where `name` is a type.

Without knowing the typedefs a parser cannot tell `(u64)&x` from a bitwise "and". The other way
round, `(get()) - x` looks like a cast to a function type: it becomes `(0, get()) - x`.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Set

TYPEOF = "__typeof_"
MAX_WORD = 100
"""Bytes before a bracket in which a word is looked for."""
BUILT_IN = frozenset({b"_Bool", b"__int128", b"__int128_t", b"__uint128_t"})
"""Types that the parser takes for plain names."""
_TYPEDEF = re.compile(rb"\btypedef\b([^;{]*)([;{])")
_LAST_NAME = re.compile(rb"(\w+)\s*(?:\[[^\]]*\]\s*)*$")
_INNER_NAME = re.compile(rb"\(\s*\*?\s*(\w+)\s*\)\s*\(")
_CAST = re.compile(
    rb'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|\(\s*([A-Za-z_]\w*)\s*\)(?=\s*[-+*&(])'
)
_WORD_BEFORE = re.compile(rb"(?<!\w)(\w+)\s*$")
_CALL = re.compile(rb"\(\s*([A-Za-z_]\w*)\s*\(\s*\)\s*\)(?=\s*[-+*&(])")
_BRACE = re.compile(rb"[{}]")


class NoCast(Exception):
    """What was marked as a cast is none: a variable has the name of a type."""

    def __init__(self, name: str, start: int) -> None:
        super().__init__(name)
        self.name = name
        self.start = start
        """The byte after the bracket that opens."""


def without_cast(text: bytes, start: int, name: str) -> bytes | None:
    """Take the mark after the bracket before `start` away; None where there is none. Pure."""
    word = name.encode()
    if text[start - 1 : start + len(word) + 7] != b"(const " + word + b")":
        return None
    return text[:start] + b" " * 6 + text[start + 6 :]


def marked_name(described: bytes) -> str | None:
    """Return the type in a cast's brackets, where it may have been marked; else None."""
    words = described.split()
    return words[1].decode() if len(words) == 2 and words[0] == b"const" else None


def find_typedefs(text: bytes) -> set[bytes]:
    """Return the names that typedefs outside of functions define. Pure."""
    names = set()
    for match in _TYPEDEF.finditer(text):
        body, end = match[1], match.end()
        if match[2] == b"{":
            end = _closing_brace(text, end)
            stop = text.find(b";", end)
            body = text[end:stop]
        inner = _INNER_NAME.search(body)
        last = inner or _LAST_NAME.search(body)
        if inner is None and body.rstrip().endswith(b")"):
            last = _LAST_NAME.search(body[: body.find(b"(")])
        if last is not None:
            names.add(last[1])
    return names


def _closing_brace(text: bytes, at: int) -> int:
    depth = 1
    for match in _BRACE.finditer(text, at):
        depth += 1 if match[0] == b"{" else -1
        if depth == 0:
            return match.end()
    return len(text)


def cast_names(text: bytes) -> frozenset[bytes]:
    """Return the names in brackets that `mark_casts` asks about. Pure."""
    found = {match[1] for match in _CAST.finditer(text) if match[1] is not None}
    return frozenset(found | {match[1] for match in _CALL.finditer(text)})


def mark_casts(text: bytes, typedefs: Set[bytes]) -> bytes:
    """Put a `const` before each type name in brackets that begins a cast. Pure."""
    ends = [(match.start(), text.find(b";", match.start())) for match in _TYPEDEF.finditer(text)]
    starts = [start for start, _end in ends]

    def mark(match: re.Match[bytes]) -> bytes:
        name, start = match[1], match.start()
        if name is None or (name not in typedefs and not name.startswith(TYPEOF.encode())):
            return match[0]
        before = _WORD_BEFORE.search(text, max(0, start - MAX_WORD), start)
        if before is not None and before[1] not in (b"return", b"case"):
            return match[0]
        # In its own typedef a name may stand in brackets, too.
        at = bisect.bisect_right(starts, match.start()) - 1
        if at >= 0 and match.start() < ends[at][1]:
            return match[0]
        return b"(const " + name + b")"

    marked = _CAST.sub(mark, text)
    return _CALL.sub(
        lambda match: match[0] if match[1] in typedefs else b"(0, " + match[1] + b"())", marked
    )
