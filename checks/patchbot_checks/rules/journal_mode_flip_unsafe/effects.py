"""What calls take, drop and do for an inode or its journal."""

from __future__ import annotations

from patchbot_checks.csource.expr import Expr
from patchbot_checks.csource.graph import Node
from patchbot_checks.csource.paths import Outcome
from patchbot_checks.csource.unit import Function
from patchbot_checks.csource.values import NEGATIVE, ONE, ZERO
from patchbot_checks.rules.journal_mode_flip_unsafe.roots import owner_of
from patchbot_checks.rules.journal_mode_flip_unsafe.state import (
    ANYWHERE,
    State,
    do_part,
    drop_part,
    set_operations,
)
from patchbot_checks.rules.journal_mode_flip_unsafe.table import Part, may_do_part, parts, words

Outcomes = list[Outcome[State]]


def do_call(call: Expr, node: Node, function: Function, state: State) -> Outcomes | None:
    """Return the ways of a call that takes, drops or does a part; None for any other."""
    if not may_do_part(call.op):
        return None
    for part in parts():
        if part.does(part.drop, call):
            return _drop(part, call, _roots(part, node, call, function), state)
        if part.does(part.take, call) or part.does(part.done, call):
            return _take(part, call, _roots(part, node, call, function), state)
    return None


def _roots(part: Part, node: Node, call: Expr, function: Function) -> tuple[str, ...]:
    """Return the variables that lead to the inodes of a call."""
    if not part.inodes:
        return (ANYWHERE,)
    args = (call.args[n] for n in part.inodes if n < len(call.args))
    return tuple(owner_of(arg, node, function) for arg in args)


def _drop(part: Part, call: Expr, roots: tuple[str, ...], state: State) -> Outcomes:
    if part.holder:
        holder = (f"holder:{part.name}", call.args[-1].root if call.args else "")
        if holder not in state.has:
            return [Outcome(state)]
        state = state.without(holder[0], root=holder[1])
    for root in roots:
        state = drop_part(state, part.name, root)
    return [Outcome(state, note=f"{call.op}()")]


def _take(part: Part, call: Expr, roots: tuple[str, ...], state: State) -> Outcomes:
    """Return the ways of a call that does a part: done, and failed where it can fail."""
    done = failed = state
    for root in roots:
        if part.name == "aops":
            done = set_operations(done, root)
        elif not part.after or state.holds(f"some:{part.after}", root):
            done = do_part(done, part.name, part.under, root)
        if part.name in words() and words()[part.name].failed:
            failed = failed.add(f"failed:{part.name}", root=root)
    if part.holder and call.args:
        done = done.add(f"holder:{part.name}", root=call.args[-1].root)
    if not part.result:
        return [Outcome(done, note=f"{call.op}()")]
    good, bad = (ZERO, NEGATIVE) if part.result == "error" else (ONE, ZERO)
    return [Outcome(done, good, f"{call.op}()"), Outcome(failed, bad, f"{call.op}() fails")]
