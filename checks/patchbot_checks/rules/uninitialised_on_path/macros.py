"""What macros do with the variables that they get by name."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

from patchbot_checks.csource.expr import Expr
from patchbot_checks.csource.text import Macro
from patchbot_checks.facts import load
from patchbot_checks.facts import model as facts
from patchbot_checks.tables import plays

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
        if _LOUD.match(call.op) and not plays(call.op, "only-reads"):
            return True
        return _is_in(number, len(call.args), _known(call.op)[0])

    def unread(self, call: Expr, number: int) -> bool:
        """Whether a call does nothing with the value of its argument with this number."""
        return _is_in(number, len(call.args), _known(call.op)[1])


def _is_in(number: int, count: int, places: _Places) -> bool:
    return number in places or number - count in places


@functools.lru_cache(maxsize=20_000)
def is_aggregate(ctype: str) -> bool:
    """Whether a type's name stands for a struct or an array."""
    return plays(ctype, "aggregate-type")


@functools.lru_cache(maxsize=20_000)
def _known(name: str) -> tuple[_Places, _Places]:
    for each in load("macros.toml").of(facts.Macro):
        if name and each.has(name):
            return each.sets, each.unread
    return (), ()
