"""Bodies of functions, left out of a file's text until somebody asks for them.

A preprocessed kernel file has some thousands of functions, nearly all of them from headers, and few
are run. Only bodies whose brackets stand in column 0 are left out, as the kernel writes them; the
lines stay where they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_QUOTED = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'')
_LEAST = 2
"""Line breaks in a body from which on it is worth it."""


@dataclass(frozen=True, slots=True)
class Body:
    """A body that was left out: its first and last line, and its text with brackets."""

    first: int
    last: int
    text: str


def leave_out(text: str, first: int = 0) -> tuple[str, list[Body]]:
    """Return the text with empty bodies of the same number of lines, and the bodies in order.

    `first` is the number of the text's first line. Pure.
    """
    parts: list[str] = []
    bodies: list[Body] = []
    done = counted = at = 0
    line = first
    while (opened := text.find("\n{\n", at) + 1) > 0:
        closed = text.find("\n}", opened)
        if closed < 0:
            break
        at = closed + 2
        body = text[opened:at]
        breaks = body.count("\n")
        if breaks < _LEAST or not _is_body(text, opened, at) or not _is_closed(body):
            at = opened + 1
            continue
        line += text.count("\n", counted, opened)
        counted = opened
        bodies.append(Body(line, line + breaks, body))
        parts += [text[done:opened], "{", "\n" * breaks, "}"]
        done = at
    return "".join(parts) + text[done:], bodies


def put_back(text: str, first: int, bodies: list[tuple[Body, str]]) -> str:
    """Return a function's text, whose lines begin at `first`, with the given texts of bodies."""
    lines = text.split("\n")
    for body, new in reversed(bodies):
        start, end = body.first - first, body.last - first
        lines[start : end + 1] = [new + lines[end][1:]]
    return "\n".join(lines)


def _is_body(text: str, opened: int, end: int) -> bool:
    """Whether what stands around is a function's: brackets before, and nothing behind."""
    before = opened - 1
    while before >= 0 and text[before].isspace():
        before -= 1
    return text[before : before + 1] == ")" and text[end : end + 1] in ("", "\n", " ")


def _is_closed(body: str) -> bool:
    """Whether the last bracket closes the first one."""
    if '"' in body or "'" in body:
        body = _QUOTED.sub("", body)
    return body.count("{") == body.count("}")
