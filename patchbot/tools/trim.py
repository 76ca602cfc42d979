"""Versions of a file with the bodies of all functions that no commit changes left out. Pure.

For tools that look at one function at a time and take long: what is left out is the same in all
versions, so it can't be new against the base. Lines stay where they are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from patchbot_checks.csource.unit import Function, Unit
from patchbot_checks.program import parse_unit

_NOT_LINE_BREAK = re.compile(rb"[^\n]")


def trim_versions(path: str, versions: Sequence[bytes]) -> list[bytes]:
    """Return all versions of one file, in order, with only the bodies that differ between them."""
    units = [parse_unit(path, data) for data in versions]
    texts = [_texts(unit) for unit in units]
    names = {name for each in texts for name in each}
    same = {name for name in names if all(each.get(name) == texts[0].get(name) for each in texts)}
    return [_blank(data, unit, same) for data, unit in zip(versions, units, strict=True)]


def _texts(unit: Unit) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for function in unit.functions:
        found.setdefault(function.name, []).append(function.source)
    return found


def _blank(data: bytes, unit: Unit, names: set[str]) -> bytes:
    kept = [each for each in unit.functions if each.name not in names]
    made = bytearray(data)
    for function in unit.functions:
        if function.name in names and not any(_overlap(function, each) for each in kept):
            first, last = function.body.start_byte + 1, function.body.end_byte - 1
            made[first:last] = _NOT_LINE_BREAK.sub(b" ", data[first:last])
    return bytes(made)


def _overlap(one: Function, other: Function) -> bool:
    return one.start < other.end and other.start < one.end
