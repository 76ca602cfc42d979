"""Where flags may be changed, by form alone: what need not be followed any further."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from patchbot_checks.context import Context
from patchbot_checks.csource.expr import Expr
from patchbot_checks.csource.graph import Graph, Node
from patchbot_checks.csource.unit import Function
from patchbot_checks.journal_data import called
from patchbot_checks.rules.journal_mode_flip_unsafe.table import changes, flags

FLAG_NAMES = frozenset(flags())
FLAG_FIELDS = frozenset().union(*(flag.fields for flag in flags().values()))
_ASSIGNS = frozenset({"=", "|=", "&=", "^="})


def own_changes(context: Context, function: Function) -> tuple[Node, ...]:
    """Return the steps of a function that may change a flag."""
    kept: dict[Function, tuple[Node, ...]] = context.program.__dict__.setdefault(
        "_mode_flip_own", {}
    )
    if function not in kept:
        graph = context.graph(function) if function.mentions(FLAG_NAMES) else None
        nodes = graph.nodes if graph is not None else ()
        kept[function] = tuple(n for n in nodes if _may_change(context, n, function))
    return kept[function]


def _may_change(context: Context, node: Node, function: Function) -> bool:
    if node.kind == "assign" and node.target is not None and node.op in _ASSIGNS:
        return node.target.kind == "field" and node.target.op in FLAG_FIELDS
    if node.kind != "call" or node.expr is None:
        return False
    if node.expr.op == "WRITE_ONCE":
        return any(arg.bare.op in FLAG_FIELDS for arg in node.expr.args[:1])
    if _changes_flags(node.expr.op):
        return not FLAG_NAMES.isdisjoint(node.expr.names) or any(
            arg.bare.kind == "name" and arg.bare.text in function.locals for arg in node.expr.args
        )
    return any(_is_flag(arg) for arg in node.expr.args) and changes_given(
        context.callee(node, function)
    )


def _is_flag(arg: Expr) -> bool:
    return arg.bare.text in FLAG_NAMES


def _changes_flags(name: str) -> bool:
    return any(c.calls.fullmatch(name) or c.bits.fullmatch(name) for c in changes())


def changes_given(function: Function | None) -> bool:
    """Whether a function changes a flag that its caller names."""
    return function is not None and any(map(_changes_flags, called(function)))


def flippers(context: Context, near: str) -> dict[str, Function]:
    """Return the functions of a file's folder that may change a flag, by name."""
    kept: dict[Any, dict[str, Function]] = context.program.__dict__.setdefault(
        "_mode_flip_flippers", {}
    )
    paths = context.program.siblings(near)
    key = tuple(sorted(paths))
    if key not in kept:
        kept[key] = {
            function.name: function
            for path in paths
            for function in _mentioning(context, path)
            if own_changes(context, function)
        }
    return kept[key]


def _mentioning(context: Context, path: str) -> Iterator[Function]:
    data = context.program.read(path)
    if data is None or not any(name.encode() in data for name in FLAG_NAMES):
        return
    unit = context.program.unit(path)
    yield from (f for f in (unit.functions if unit is not None else ()) if f.mentions(FLAG_NAMES))


def leads_to(graph: Graph, wanted: frozenset[int]) -> frozenset[int]:
    """Return the steps from which one of some steps can be reached, these included."""
    before: dict[int, list[int]] = {}
    for node in graph.nodes:
        for after in node.succ:
            before.setdefault(after.index, []).append(node.index)
    found: set[int] = set()
    todo = list(wanted)
    while todo:
        index = todo.pop()
        if index not in found:
            found.add(index)
            todo += before.get(index, [])
    return frozenset(found)
