"""What macros do with the variables that they get by name."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any

from patchbot_checks.csource.expr import Expr
from patchbot_checks.csource.text import Macro

_LOUD = re.compile(r"[A-Z][A-Z0-9_]*\Z")
_Places = tuple[int, ...]


class Setters:
    """Which arguments a call does not read, since it is a macro: by the facts and by the file."""

    def __init__(self, local: Mapping[str, Macro]) -> None:
        self._local = local

    def sets(self, call: Expr, number: int) -> bool:
        """Whether a call sets its argument with this number (from 0), if that is a variable."""
        if self._local.get(call.op) is not None:
            return True
        if _LOUD.match(call.op) and not re.fullmatch(_facts()["readers"]["name"], call.op):
            return True
        return _is_in(number, len(call.args), _known(call.op)[0])

    def unread(self, call: Expr, number: int) -> bool:
        """Whether a call does nothing with the value of its argument with this number."""
        return _is_in(number, len(call.args), _known(call.op)[1])


def _is_in(number: int, count: int, places: _Places) -> bool:
    return number in places or number - count in places


@functools.cache
def _facts() -> dict[str, Any]:
    text = resources.files("patchbot_checks.facts").joinpath("macro_arguments.toml").read_text()
    return tomllib.loads(text)


@functools.cache
def is_aggregate(ctype: str) -> bool:
    """Whether a type's name stands for a struct or an array."""
    return bool(re.fullmatch(_facts()["aggregate"]["name"], ctype))


@functools.cache
def _table() -> tuple[tuple[re.Pattern[str], _Places, _Places], ...]:
    return tuple(
        (re.compile(each["name"]), tuple(each.get("sets", ())), tuple(each.get("unread", ())))
        for each in _facts()["macro"]
    )


@functools.cache
def _known(name: str) -> tuple[_Places, _Places]:
    for pattern, sets, unread in _table():
        if name and pattern.fullmatch(name):
            return sets, unread
    return (), ()
