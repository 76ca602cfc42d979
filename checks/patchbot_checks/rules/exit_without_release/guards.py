"""An `if` that only gives a thing back, or takes it: does its question know whether it is held?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from patchbot_checks.csource.defs import definitions_of
from patchbot_checks.csource.expr import Expr
from patchbot_checks.csource.graph import Node
from patchbot_checks.csource.unit import Function
from patchbot_checks.csource.values import constant_of
from patchbot_checks.rules.exit_without_release.flow import HELD
from patchbot_checks.rules.exit_without_release.things import VARIABLE, Thing

_MAX_DEPTH = 3


def guards(path: list[Node], start: int, thing: Thing, op: str) -> Iterator[Node]:
    """Yield the branches of a path that went round an `if` which only does this with the thing."""
    for place in range(start, len(path) - 1):
        node = path[place]
        if node.kind == "branch":
            other = node.false if path[place + 1] is node.true else node.true
            if _meets(other, _next_steps(path, place + 1), thing, op):
                yield node


def _next_steps(path: list[Node], place: int) -> frozenset[int]:
    """Return the steps of a path up to its next turn."""
    found = []
    for node in path[place:]:
        found.append(node.index)
        if len(node.succ) > 1 or node.kind in ("jump", "return"):
            break
    return frozenset(found)


def _meets(node: Node, ends: frozenset[int], thing: Thing, op: str) -> bool:
    """Whether a leg does it, and then goes on at one of some steps."""
    done = False
    for _ in range(40):
        if node.index in ends:
            return done
        event = thing.events.get(node.index)
        done = done or (event is not None and event.op in (op, "call"))
        if not node.succ or node.kind in ("jump", "return") or (done and len(node.succ) > 1):
            return False
        node = node.succ[0]
    return False


def is_about(node: Node, thing: Thing, function: Function, seen: Mapping[int, set[int]]) -> bool:
    """Whether a branch's question may say if the thing is held, or is the caller's choice.

    It can't where the thing is held on all ways to it, but for what a call said by a variable's
    address; nor where nothing that it asks for is of the thing, or was set or asked where only
    some of these ways pass.
    """
    met = seen.get(node.index, set())
    if HELD not in met or node.expr is None:
        return True
    parts = [p for each in definitions_of(function).expand(node.expr, node) for p in each.walk()]
    words = {word for part in (*parts, *node.expr.walk()) for word in _words(part)}
    own = {w for text in thing.texts for w in VARIABLE.findall(text)}
    if _is_callers_choice(parts, function) or not words or words & (own | _said(thing, function)):
        return True
    if met == {HELD}:
        return False
    if words & _arguments(thing, function):
        return True
    return any(
        words & _touched(each) and not met <= seen.get(each.index, set())
        for each in function.graph.nodes
        if each.index in seen
    )


def is_told(path: list[Node], thing: Thing) -> bool:
    """Whether a path asks for what a call said besides, when it took the thing: whether it did."""
    said: set[str] = set()
    for node in path:
        event = thing.events.get(node.index)
        if event is not None and event.may_take and node.expr is not None:
            said |= _touched(node) | {f"*{arg.bare.text}" for arg in node.expr.args}
        elif node.kind == "branch" and said & _asked(node):
            return True
    return False


def _asked(node: Node) -> set[str]:
    """Return the names and the texts of all that a branch asks for."""
    return _touched(node) | {part.text for part in (node.expr.walk() if node.expr else ())}


def _is_callers_choice(parts: list[Expr], function: Function) -> bool:
    """Whether a question is about nothing but what the caller gave by value."""
    parameters = {p.name for p in function.parameters}
    plain = not any(part.kind in ("field", "call") for part in parts)
    return plain and any(part.text in parameters for part in parts)


def _words(part: Expr) -> frozenset[str]:
    """Return the names in an expression, without those of constants."""
    names = {part.op} if part.kind in ("field", "call") else {part.text}
    known = part.kind in ("field", "call", "name")
    return frozenset(n for n in names if known and n and constant_of(n) is None)


def _said(thing: Thing, function: Function) -> set[str]:
    """Return what calls may say besides: variables by address, and what takes a thing sets."""
    calls = [n for n in function.graph.nodes if n.kind == "call"]
    inside = [n for each in _takers(thing, 0) for n in each.graph.nodes if n.kind == "assign"]
    return {name for node in (*calls, *inside) for name in _touched(node) if name}


def _takers(thing: Thing, depth: int) -> Iterator[Function]:
    """Yield the helpers that may take a thing, and their helpers."""
    for event in thing.events.values():
        if event.may_take and event.callee is not None and depth < _MAX_DEPTH:
            yield event.callee
            if event.inner is not None:
                yield from _takers(event.inner, depth + 1)


def _arguments(thing: Thing, function: Function) -> set[str]:
    """Return the variables that are handed to what takes a thing."""
    found = {n.index: n for n in function.graph.nodes}
    calls = [found[i].expr for i, e in thing.events.items() if e.may_take]
    return {
        part.text
        for call in calls if call is not None
        for arg in call.args
        for part in arg.walk() if part.kind == "name"
    }  # fmt: skip


def _touched(node: Node) -> set[str]:
    """Return the names that a step sets, asks for, or hands on by address."""
    if node.kind == "assign" and node.target is not None:
        return {w for part in node.target.walk() for w in _words(part)}
    if node.kind in ("branch", "switch", "loop"):
        asked = [e for e in (node.expr, node.target) if e is not None]
        return {w for each in asked for part in each.walk() for w in _words(part)}
    if node.kind == "call" and node.expr is not None:
        given = [a.bare for a in node.expr.args]
        return {a.args[0].root for a in given if a.kind == "unary" and a.op == "&"}
    return set()
