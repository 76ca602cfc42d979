"""Which calls put a range on a transaction's inode list: known ones, and wrappers of them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from patchbot_checks.context import Context
from patchbot_checks.csource.defs import definitions_of
from patchbot_checks.csource.expr import Expr
from patchbot_checks.csource.graph import Node
from patchbot_checks.csource.unit import Function
from patchbot_checks.tables import role

_MAX_DEPTH = 3
_MAX_BYTES = 4000
_MAX_CALLS = 5


@dataclass(frozen=True, slots=True)
class Tracker:
    """Where a call gets the range from: the place of an argument, or a value of the wrapper's."""

    start: int | Expr
    length: int | Expr

    def start_of(self, call: Expr) -> Expr | None:
        """Return the start's expression at a call."""
        return _pick(self.start, call)

    def length_of(self, call: Expr) -> Expr | None:
        """Return the length's expression at a call."""
        return _pick(self.length, call)


def _pick(place: int | Expr, call: Expr) -> Expr | None:
    if isinstance(place, Expr):
        return Expr(place.kind, place.text, place.op, line=call.line, offset=call.offset)
    return call.args[place] if place < len(call.args) else None


def find_trackers(context: Context) -> dict[str, Tracker]:
    """Return all that puts a range on the list, by name: known functions, and their wrappers.

    Wrappers are looked for in the file's folder, and wrappers of wrappers too.
    """
    cache: dict[str, dict[str, Tracker]] = context.program.__dict__.setdefault("_trackers", {})
    folder = posixpath.dirname(context.unit.path)
    if folder not in cache:
        found = {
            name: Tracker(fact.args["start"], fact.args["length"])
            for name, fact in role("tracks-range").items()
        }
        new = frozenset(found)
        for _ in range(_MAX_DEPTH):
            made = dict(_wrappers(context, found, new))
            found.update(made)
            new = frozenset(made)
        cache[folder] = found
    return cache[folder]


def _wrappers(
    context: Context, known: dict[str, Tracker], new: frozenset[str]
) -> Iterator[tuple[str, Tracker]]:
    """Yield the small functions that pass a range on to one of `new`."""
    for path in context.program.siblings(context.unit.path) if new else ():
        data = context.program.read(path)
        if data is None or not any(name.encode() in data for name in new):
            continue
        unit = context.program.unit(path)
        for function in unit.functions if unit is not None else ():
            small = function.end - function.start < _MAX_BYTES
            if small and function.name not in known and function.mentions(new):
                tracker = _of_wrapper(context, function, known)
                if tracker is not None:
                    yield function.name, tracker


def _of_wrapper(context: Context, function: Function, known: dict[str, Tracker]) -> Tracker | None:
    graph = context.graph(function)
    if graph is None or not _is_thin(function):
        return None
    for node in graph.nodes:
        call = node.expr if node.kind == "call" else None
        inner = known.get(call.op) if call is not None else None
        if inner is None or call is None:
            continue
        start = _outside(function, node, inner.start_of(call))
        length = _outside(function, node, inner.length_of(call))
        if start is not None and length is not None:
            return Tracker(start, length)
    return None


def _is_thin(function: Function) -> bool:
    """Whether a function only passes something on: it has no page of its own, and calls little."""
    if any("page" in ctype or "folio" in ctype for ctype in function.locals.values()):
        return False
    return sum(node.kind == "call" for node in function.graph.nodes) <= _MAX_CALLS


def _outside(callee: Function, node: Node, expr: Expr | None) -> int | Expr | None:
    """Return which argument of the wrapper an expression is, or the constant that it is."""
    if expr is None:
        return None
    found = definitions_of(callee).expand(expr, node)
    if len(found) != 1:
        return None
    inner = found[0].bare
    for place, parameter in enumerate(callee.parameters):
        if inner.kind == "name" and parameter.name == inner.text:
            return place
    return inner if inner.kind == "number" else None
