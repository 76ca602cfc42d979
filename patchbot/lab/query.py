"""The part of public-inbox's query language that b4 and patchbot use: parsed, and asked of a mail.

    (s:"a title" OR s:"another") AND f:somebody AND d:20260301..

Terms side by side must all hold. A prefix that is not known finds nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from patchbot.mail.trailers import unquoted
from patchbot.model import Mail

MAX_QUERY_CHARS = 8000
MAX_DEPTH = 100
_TOKEN = re.compile(r'\s*(?:([()])|((?:[a-z]+:)?"[^"]*")|([^\s()"]+))')
_WORD = re.compile(r"[^\W_]+")
Match = Callable[[Mail], bool]
_TEXTS: dict[str, Callable[[Mail], str]] = {
    "s": lambda mail: mail.subject,
    "f": lambda mail: f"{mail.name} {mail.email}",
    "b": lambda mail: mail.body,
    "nq": lambda mail: unquoted(mail.body),
    "m": lambda mail: mail.message_id,
    "": lambda mail: f"{mail.subject}\n{mail.name} {mail.email}\n{mail.body}",
}
_DATES = {"d": "%Y%m%d%H%M%S", "dt": "%Y%m%d%H%M%S", "rt": "%s"}


def parse_query(text: str) -> Match:
    """Turn a query into a function that tells whether a mail is found by it."""
    tokens = ["".join(found) for found in _TOKEN.findall(text[:MAX_QUERY_CHARS])]
    if tokens.count("(") + tokens.count("NOT") > MAX_DEPTH:
        return _nothing
    return _parse_any(tokens)


def _parse_any(tokens: list[str]) -> Match:
    """Parse alternatives, up to a closing bracket, which is left."""
    ways = [_parse_all(tokens)]
    while tokens and tokens[0] == "OR":
        tokens.pop(0)
        ways.append(_parse_all(tokens))
    return lambda mail: any(way(mail) for way in ways)


def _parse_all(tokens: list[str]) -> Match:
    wanted: list[Match] = []
    while tokens and tokens[0] not in ("OR", ")"):
        if tokens[0] == "AND":
            tokens.pop(0)
        else:
            wanted.append(_parse_one(tokens))
    return lambda mail: bool(wanted) and all(each(mail) for each in wanted)


def _parse_one(tokens: list[str]) -> Match:
    word = tokens.pop(0)
    if word == "NOT":
        inner = _parse_one(tokens) if tokens else None
        return (lambda mail: not inner(mail)) if inner is not None else _nothing
    if word == "(":
        inside = _parse_any(tokens)
        if tokens:
            tokens.pop(0)
        return inside
    return _parse_term(word)


def _parse_term(word: str) -> Match:
    prefix, colon, value = word.partition(":")
    if not colon or word.startswith('"'):
        prefix, value = "", word
    if prefix in _DATES:
        return _between(value, _DATES[prefix])
    read = _TEXTS.get(prefix)
    wanted = _words(value)
    if read is None or not wanted.strip():
        return _nothing
    return lambda mail: wanted in _words(read(mail))


def _nothing(mail: Mail) -> bool:
    return False


def _words(text: str) -> str:
    """Return a text's words, so that a phrase is a part of the text it stands in."""
    return f" {' '.join(_WORD.findall(text.lower()))} "


def _between(value: str, form: str) -> Match:
    low, dots, high = value.partition("..")
    if not dots:
        high = low

    def match(mail: Mail) -> bool:
        if mail.date is None:
            return False
        at = f"{mail.date.timestamp():.0f}" if form == "%s" else mail.date.strftime(form)
        return _not_after(low, at) and _not_after(at, high)

    return match


def _not_after(first: str, second: str) -> bool:
    """Compare two times by the digits that both have; an empty one is no limit."""
    both: Sequence[str] = (first, second)
    digits = min(map(len, both))
    return first[:digits] <= second[:digits]
