"""Calls that change flags, make inodes, or do parts in helpers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from patchbot_checks.context import Context, Env
from patchbot_checks.csource.expr import Expr
from patchbot_checks.csource.graph import Node
from patchbot_checks.csource.unit import Function
from patchbot_checks.csource.values import constant_of
from patchbot_checks.journal_data import called, reaches
from patchbot_checks.rules.journal_mode_flip_unsafe.flagged import hows, strongest
from patchbot_checks.rules.journal_mode_flip_unsafe.state import ANYWHERE, State
from patchbot_checks.rules.journal_mode_flip_unsafe.table import (
    Change,
    changes,
    flags,
    flags_in,
    kinds,
    may_do_part,
    parts,
    pattern,
)

Changed = tuple[str, bool | None, Expr, bool]
_DIRECTION = {"set": True, "clear": False, "turn": None}
_LOOKUP = re.compile(r"\w*iget\w*|ilookup\w*")


def changed_by(
    context: Context, node: Node, call: Expr, state: State, env: Env[State]
) -> Iterator[Changed]:
    """Yield what a call changes: flag's name, to what, its inode, whether a caller named it."""
    for change in changes():
        if change.how == "mask":
            if change.calls.fullmatch(call.op) and len(call.args) == 3:
                yield from _masked(call, state)
        elif change.calls.fullmatch(call.op) and len(call.args) == 2:
            yield from _bits(context, change, call.args[1], call.args[0], state, env)
        elif change.bits.fullmatch(call.op) and len(call.args) == 2:
            for made in _bits(context, change, call.args[0], call.args[1], state, env):
                if _field_of(call.args[1]) in flags()[made[0]].fields:
                    yield made


def _field_of(expr: Expr) -> str:
    expr = expr.bare
    expr = expr.args[0] if expr.kind == "unary" and expr.op == "&" else expr
    return expr.op if expr.kind == "field" else ""


def _masked(call: Expr, state: State) -> Iterator[Changed]:
    """Yield what a call of (inode, flags, mask) changes: what it is not told to keep."""
    now = {flags()[n].kind: how for n, how in strongest(hows(call.args[1], state.carried)).items()}
    for name, flag in flags_in(call.args[2].names):
        how = now.get(flag.kind, "clear")
        if how not in ("keep", "whole", "some"):
            yield name, {"set": True, "clear": False}.get(how), call.args[0], False


def _bits(
    context: Context, change: Change, bit: Expr, inode: Expr, state: State, env: Env[State]
) -> Iterator[Changed]:
    direction = _DIRECTION[change.how]
    named = list(flags_in(bit.names))
    for name, _ in named:
        yield name, direction, inode, False
    variable = bit.bare
    if named or variable.kind != "name" or variable.text not in env.function.locals:
        return
    known = env.value(variable).constant
    for name in sorted(flags()):
        if known is not None and known == constant_of(name):
            yield name, direction, inode, True
    if known is None and all(p.name != variable.text for p in env.function.parameters):
        for name in _any_flag(context, state, env.function):
            yield name, direction, inode, False


def _any_flag(context: Context, state: State, function: Function) -> Iterator[str]:
    """Yield the flags that a variable may stand for: those that the function is about, but for
    those that it has left out."""
    for flag in kinds():
        left_out = not flag.bit or state.holds(f"same:{flag.kind}", ANYWHERE)
        if not left_out and reaches(context, function, flag.names, 1):
            yield flag.bit


def is_relevant(context: Context, callee: Function, call: Expr | None) -> bool:
    """Whether a helper does a part, or changes a flag that its caller names."""
    kept: dict[Any, bool] = context.program.__dict__.setdefault("_mode_flip_relevant", {})
    if callee not in kept:
        kept[callee] = _does_part(callee) or any(
            inner is not None and inner is not callee and _does_part(inner)
            for inner in (context.program.find_function(n, callee.path) for n in called(callee))
        )
    names = call.names if call is not None else frozenset()
    return kept[callee] or (not names.isdisjoint(flags()) and _changes(callee))


def _changes(callee: Function) -> bool:
    return any(
        pattern_.fullmatch(name)
        for name in called(callee)
        for change in changes()
        for pattern_ in (change.calls, change.bits)
    )


def _does_part(function: Function) -> bool:
    text = function.source.decode("utf-8", "replace")
    names = [name for name in called(function) if may_do_part(name)]
    for part in parts():
        if part.field_set and f"{part.field_set} =" in text:
            return True
        if part.field is not None and not part.field.search(text):
            continue
        if any(p.fullmatch(n) for n in names for p in (part.take, part.drop, part.done)):
            return True
    return False


def makes_inode(context: Context, value: Expr, near: Function) -> bool:
    """Whether a value is an inode that nobody else has yet."""
    call = value.bare
    if call.kind != "call" or not call.op:
        return False
    makes = pattern("fresh", "makes")
    if makes.fullmatch(call.op):
        return True
    callee = context.program.find_function(call.op, near.path)
    if callee is None or "inode" not in callee.returns or _LOOKUP.fullmatch(call.op):
        return False
    inner = called(callee)
    return any(makes.fullmatch(n) for n in inner) and not any(_LOOKUP.fullmatch(n) for n in inner)
