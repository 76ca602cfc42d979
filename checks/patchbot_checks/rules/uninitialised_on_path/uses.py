"""Which local variables a step reads, and which it sets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from patchbot_checks.csource.expr import Expr
from patchbot_checks.csource.graph import Node
from patchbot_checks.rules.uninitialised_on_path.macros import Setters, is_aggregate

Guard = tuple[Expr, bool]
_NOT_SCALAR = re.compile(r"(?:struct|union)\b[^*]*\Z|.*(?:\[\]|\(\))")


def is_tracked(node: Node) -> bool:
    """Whether a declaration makes a plain variable, or a pointer, that is unset at first."""
    if node.kind != "declare" or node.op or _NOT_SCALAR.match(node.ctype):
        return False
    return not is_aggregate(node.ctype)


@dataclass(frozen=True, slots=True)
class Read:
    """A variable is read, if the guards (conditions inside the expression) come out so."""

    name: str
    guards: tuple[Guard, ...] = ()


def reads(node: Node, setters: Setters) -> Iterator[Read]:
    """Yield the variables that a step reads, in order."""
    expr = node.expr
    if expr is None:
        return
    if node.kind == "assign" and node.target is not None:
        yield from _target_reads(node.target, setters, whole=node.op != "=")
        if not (node.op == "=" and expr.text == node.target.text) and node.op not in ("++", "--"):
            yield from _value(expr, setters, ())
    elif node.kind == "call":
        yield from _call_reads(expr, setters)
    elif node.kind in ("branch", "switch", "return") or (node.kind == "use" and not _dropped(expr)):
        yield from _value(expr, setters, ())


def _dropped(expr: Expr) -> bool:
    return expr.bare.kind == "name"


def _call_reads(call: Expr, setters: Setters) -> Iterator[Read]:
    if call.function is not None:
        yield from _value(call.function, setters, ())
    for number, arg in enumerate(call.args):
        if setters.unread(call, number):
            continue
        if not (arg.bare.kind == "name" and setters.sets(call, number)):
            yield from _value(arg, setters, ())


def _target_reads(target: Expr, setters: Setters, *, whole: bool) -> Iterator[Read]:
    target = target.bare
    if target.kind == "name":
        if whole:
            yield Read(target.text)
    else:
        yield from _address(target, setters, ())


def _value(expr: Expr, setters: Setters, guards: tuple[Guard, ...]) -> Iterator[Read]:
    kind = expr.kind
    if kind == "name":
        yield Read(expr.text, guards)
    elif kind in ("call", "assign", "update", "sizeof", "type", "block", "other", "string"):
        return  # a step of its own, or no value
    elif kind == "unary" and expr.op == "&":
        yield from _address(expr.args[0], setters, guards)
    elif kind == "binary" and expr.op in ("&&", "||"):
        yield from _value(expr.args[0], setters, guards)
        yield from _value(expr.args[1], setters, (*guards, (expr.args[0], expr.op == "&&")))
    elif kind == "choice":
        yield from _value(expr.args[0], setters, guards)
        yield from _value(expr.args[1], setters, (*guards, (expr.args[0], True)))
        yield from _value(expr.args[2], setters, (*guards, (expr.args[0], False)))
    else:
        for each in expr.args:
            yield from _value(each, setters, guards)


def _address(expr: Expr, setters: Setters, guards: tuple[Guard, ...]) -> Iterator[Read]:
    """Yield what is read to find the place that an expression names."""
    expr = expr.bare
    if expr.kind == "field":
        inner = expr.args[0]
        arrow = expr.text[len(inner.text) :].startswith("->")
        yield from (_value if arrow else _address)(inner, setters, guards)
    elif expr.kind != "name":
        for each in expr.args:
            yield from _value(each, setters, guards)


def sets(node: Node, setters: Setters) -> frozenset[str]:
    """Return the variables that a step sets, or may set through their address."""
    found: set[str] = set()
    if node.kind == "loop" and node.expr is not None:
        return frozenset(a.root for a in node.expr.args if a.root)
    if node.kind == "assign" and node.target is not None:
        found.add(_whole(node.target))
    for top in (node.expr, node.target):
        for expr in top.walk() if top is not None else ():
            if expr.kind == "unary" and expr.op == "&":
                found.add(_whole(expr.args[0]))
            elif expr.kind == "other":
                found |= expr.names
    if node.kind == "call" and node.expr is not None:
        for number, arg in enumerate(node.expr.args):
            if arg.bare.kind == "name" and setters.sets(node.expr, number):
                found.add(arg.bare.text)
    return frozenset(found)


def _whole(expr: Expr) -> str:
    """Return the variable whose own place an expression is in, "" for none."""
    expr = expr.bare
    while expr.kind == "field" and expr.text[len(expr.args[0].text) :].startswith("."):
        expr = expr.args[0].bare
    while expr.kind == "index":
        expr = expr.args[0].bare
    return expr.text if expr.kind == "name" else ""
