"""References that a function passes on: who may keep them, and what helpers leave alone."""

from __future__ import annotations

import re

from patchbot_checks.csource.expr import Expr
from patchbot_checks.csource.graph import Node, NotUnderstoodError
from patchbot_checks.csource.paths import is_question
from patchbot_checks.csource.unit import Function
from patchbot_checks.program import Program
from patchbot_checks.rules.exit_without_release.table import Kind, is_neutral, named
from patchbot_checks.rules.exit_without_release.things import Event, Thing, add_aliases, plain

_MAX_DEPTH = 3
_LOCKS = re.compile(r"(?<!b)lock")
_IO = re.compile(r"write(?!_begin|back)|submit|read|release|truncate|invalidate")
_OUTWARD = re.compile(r"container_of\w*|\w+_entry\w*")
_ASKS = re.compile(r"IS_ERR\w*|PTR_ERR\w*|ERR_CAST|\w*WARN\w*|\w*BUG_ON\w*|J_\w+|ASSERT")


class Passing:
    """Finds where things go; what it learns of a program's functions is kept."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._kept: dict[tuple[Function, int, str], bool] = {}

    def add_escapes(self, thing: Thing, function: Function) -> None:
        """Add the steps after which somebody else may give a thing back."""
        for node in function.graph.nodes:
            if not thing.kind.reference and node.kind == "call":
                self._add_unknown(thing, node, function)
            if not thing.kind.reference and node.kind != "assign":
                continue
            old = thing.events.get(node.index)
            if (old is None or old.op == "lose") and self._passes_on(thing, node, function):
                thing.events[node.index] = Event("escape", name=min(thing.texts))

    def _add_unknown(self, thing: Thing, node: Node, function: Function) -> None:
        """Add that nothing is known of a lock after a call that gets it, outside the tree."""
        call = node.expr
        if call is None or node.index in thing.events or named(call.op) or is_question(call.op):
            return
        given = [arg.bare for arg in call.args if plain(arg.bare) in thing.texts]
        object_too = bool(thing.field and thing.kind.asks)
        gets = any(_may_unlock(call, arg, object_too) for arg in given)
        outside = self._program.find_function(call.op, function.path) is None
        if gets and outside and not is_neutral(call.op):
            thing.events[node.index] = Event("unknown")

    def keep_what_is_not_changed(self, thing: Thing, function: Function) -> None:
        """Drop losses by calls that get a struct's address, and leave the field alone."""
        last = thing.text.rpartition(".")[2]
        if last == thing.text or not thing.text.replace(".", "_").isidentifier():
            return
        for node in function.graph.nodes:
            event = thing.events.get(node.index)
            if event is None or event.op != "lose" or event.place < 0 or node.expr is None:
                continue
            callee = self._program.find_function(node.expr.op, function.path)
            if callee is not None and not self._changes(callee, event.place, last, 0):
                del thing.events[node.index]

    def _changes(self, function: Function, place: int, field: str, depth: int) -> bool:
        """Whether a helper may set or give back a field of what an argument points to."""
        key = (function, place, f".{field}")
        if key not in self._kept:
            self._kept[key] = True
            self._kept[key] = self._find_change(function, place, field, depth)
        return self._kept[key]

    def _find_change(self, function: Function, place: int, field: str, depth: int) -> bool:
        if depth > _MAX_DEPTH or place >= len(function.parameters):
            return True
        name = function.parameters[place].name
        try:
            nodes = function.graph.nodes
        except NotUnderstoodError:
            return True
        for node in nodes:
            if node.kind == "assign" and node.target is not None and node.expr is not None:
                target = node.target.bare
                if name in target.names and (target.op == field or target.kind != "field"):
                    return True
                if node.expr.bare.text == name:
                    return True
            if node.kind == "call" and node.expr is not None and not is_question(node.expr.op):
                callee = self._program.find_function(node.expr.op, function.path)
                for at, arg in enumerate(node.expr.args):
                    if name not in arg.names:
                        continue
                    if arg.bare.kind == "field" and arg.bare.op == field and named(node.expr.op):
                        return True
                    passed = arg.bare.text == name or (
                        arg.bare.kind == "unary" and arg.bare.op == "&" and arg.bare.root == name
                    )
                    if passed and (callee is None or self._changes(callee, at, field, depth + 1)):
                        return True
        return False

    def _passes_on(self, thing: Thing, node: Node, function: Function) -> bool:
        """Whether after a step somebody else may give a reference back."""
        if node.expr is None:
            return False
        if node.kind == "return":
            return _is_in(node.expr, thing) or self._leads_on(node.expr, thing, function)
        if node.kind == "assign" and node.target is not None:
            target = node.target.bare
            if (target.kind == "name" and target.text in thing.texts) or not _is_in(
                node.expr, thing
            ):
                return False
            inside = node.expr.bare.text not in thing.texts
            return not (inside and self._stays(target, thing.kind, function, frozenset()))
        if node.kind == "call":
            return any(
                self._keeps(node, place, arg, thing.kind, function)
                for place, arg in enumerate(node.expr.args)
                if _is_in(arg, thing)
            )
        return False

    def _leads_on(self, value: Expr, thing: Thing, function: Function) -> bool:
        """Whether a pointer that is returned may lead back to a thing.

        A call of the tree is not looked at here: its own returns are, see `keeps`.
        """
        value = value.bare
        if not function.returns.endswith("*"):
            return False
        if value.kind != "call":
            return value.root in thing.texts
        outside = self._program.find_function(value.op, function.path) is None
        return outside and any(_is_in(arg, thing) for arg in value.args)

    def _stays(self, target: Expr, kind: Kind, function: Function, above: frozenset[str]) -> bool:
        """Whether a pointer into a thing is a local variable's, which is only looked through."""
        name = target.text
        if name in above:
            return True
        parameters = {p.name for p in function.parameters}
        if target.kind != "name" or name not in function.locals or name in parameters:
            return False
        inside = Thing(kind, name, {name}, "")
        return all(
            self._stays(to, kind, function, above | {name})
            if (to := _copied_to(node, inside)) is not None
            else not (_may_end(node, name) or self._passes_on(inside, node, function))
            for node in function.graph.nodes
        )

    def _keeps(self, node: Node, place: int, arg: Expr, kind: Kind, function: Function) -> bool:
        call = node.expr
        assert call is not None
        if is_question(call.op) or _ASKS.fullmatch(call.op):
            return False
        if not kind.keeps and kind.is_kept_by(call.op):
            return True
        callee = self._program.find_function(call.op, function.path) if call.op else None
        if callee is None:
            return not kind.lent and kind.is_kept_by(call.op)
        if kind.lent:
            return False
        if arg.bare.kind != "name" and plain(arg.bare) == arg.bare.text:
            return kind.keeps
        return self.keeps(callee, place, kind)

    def keeps(self, function: Function, place: int, kind: Kind) -> bool:
        """Whether a function may keep what it gets as an argument, beyond its end."""
        key = (function, place, kind.name)
        if key not in self._kept:
            self._kept[key] = False
            if place >= len(function.parameters):
                self._kept[key] = True
                return True
            name = function.parameters[place].name
            try:
                thing = Thing(kind, name, {name}, "")
                add_aliases(thing, function)
                self._kept[key] = any(
                    self._passes_on(thing, node, function)
                    for node in function.graph.nodes
                    if kind.keeps or not _is_own_struct(node, function)
                )
            except NotUnderstoodError:
                self._kept[key] = True
        return self._kept[key]


def _is_own_struct(node: Node, function: Function) -> bool:
    """Whether a step sets a field of a struct that is the function's own: it ends with it."""
    target = node.target.bare if node.kind == "assign" and node.target is not None else None
    if target is None or target.kind != "field" or not target.text.replace(".", "_").isidentifier():
        return False
    return target.root in set(function.locals) - {p.name for p in function.parameters}


def _may_unlock(call: Expr, arg: Expr, object_too: bool) -> bool:
    """Whether a call outside the tree may be about a lock: it gets its address, or is named so.

    With `object_too` also where it may do I/O with the object, whose end unlocks.
    """
    named_so = _LOCKS.search(call.op) or (object_too and _IO.search(call.op))
    return arg.kind == "unary" or bool(named_so)


def _copied_to(node: Node, thing: Thing) -> Expr | None:
    """Return the variable that a step sets to a thing, or to a place in it."""
    if node.kind != "assign" or node.target is None or node.expr is None:
        return None
    target = node.target.bare
    return target if target.kind == "name" and _is_in(node.expr, thing) else None


def _may_end(node: Node, name: str) -> bool:
    """Whether a step takes or gives back what a variable points to, or what that is a part of."""
    call = node.expr if node.kind == "call" else None
    known = call is not None and (bool(named(call.op)) or bool(_OUTWARD.fullmatch(call.op)))
    return known and call is not None and any(name in arg.names for arg in call.args)


def _is_in(expr: Expr, thing: Thing) -> bool:
    """Whether an expression's value leads to a thing: it itself, or a pointer into it."""
    expr = expr.bare
    if expr.text in thing.texts or plain(expr) in thing.texts:
        return True
    if expr.kind == "unary" and expr.op == "&":
        inner = expr.args[0].bare
        if inner.kind == "name":
            return inner.text in thing.texts
        return thing.kind.keeps and inner.root in thing.texts
    if expr.kind == "binary" and expr.op in ("+", "-"):
        return thing.kind.keeps and any(_is_in(a, thing) for a in expr.args)
    if expr.kind == "choice":
        return any(_is_in(a, thing) for a in expr.args[1:])
    if expr.kind == "comma":
        return _is_in(expr.args[1], thing)
    if expr.kind in ("list", "pair"):
        return any(_is_in(a, thing) for a in expr.args)
    return expr.kind == "assign" and _is_in(expr.args[1], thing)
