"""Casts that look like calls or sums: `(name)` gets a `const` where `name` is a type.

Without knowing the typedefs a parser cannot tell `(u64)&x` from a bitwise "and".
"""

from __future__ import annotations

import re

TYPEOF = "__typeof_"
_TYPEDEF = re.compile(rb"\btypedef\b([^;{]*)([;{])")
_LAST_NAME = re.compile(rb"(\w+)\s*(?:\[[^\]]*\]\s*)*$")
_INNER_NAME = re.compile(rb"\(\s*\*?\s*(\w+)\s*\)\s*\(")
_CAST = re.compile(
    rb'"(?:[^"\\\n]|\\.)*"|'
    rb"(\w+\s*)?\(\s*([A-Za-z_]\w*)\s*\)(?=\s*[-+*&(])"
)
_BRACE = re.compile(rb"[{}]")


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


def mark_casts(text: bytes, typedefs: set[bytes]) -> bytes:
    """Put a `const` before each type name in brackets that begins a cast. Pure."""

    def mark(match: re.Match[bytes]) -> bytes:
        before, name = match[1] or b"", match[2]
        if name is None:
            return match[0]
        is_call = before.strip() not in (b"", b"return", b"case")
        if (name not in typedefs and not name.startswith(TYPEOF.encode())) or is_call:
            return match[0]
        return before + b"(const " + name + b")"

    return _CAST.sub(mark, text)
