"""What a decision tells of an inode: new, a directory, not mapped, with the same flags."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from patchbot_checks.context import Env
from patchbot_checks.csource.defs import definitions_of
from patchbot_checks.csource.expr import Expr
from patchbot_checks.csource.graph import Node
from patchbot_checks.csource.unit import Function
from patchbot_checks.rules.journal_mode_flip_unsafe.roots import owner_of, root_of
from patchbot_checks.rules.journal_mode_flip_unsafe.state import ANYWHERE, State, do_part
from patchbot_checks.rules.journal_mode_flip_unsafe.table import (
    Flag,
    flags,
    fresh_marks,
    is_question,
    kinds,
    parts,
    pattern,
)


def learn(node: Node, taken: bool, state: State, env: Env[State]) -> State:
    """Return the state after a decision."""
    if node.expr is None:
        return state
    for cond in _meant(node, env.function):
        facts = env.explorer.assume(cond, taken, env.facts)
        for each in cond.walk() if facts is not None else ():
            truth = env.explorer.evaluate(each, facts or {}).truth
            if truth is not None:
                state = _learn(each, truth, node, state, env)
    return state


def _meant(node: Node, function: Function) -> tuple[Expr, ...]:
    """Return what a condition asks that may tell something.

    A variable that keeps an answer is written out where that is sure.
    """
    kept: dict[int, tuple[Expr, ...]] = function.__dict__.setdefault("_mode_flip_conditions", {})
    if node.index not in kept:
        assert node.expr is not None
        found: tuple[Expr, ...] = (node.expr,)
        if node.expr.kind == "name" or not node.expr.names.isdisjoint(flags()):
            written = definitions_of(function).expand(node.expr, node)
            other = len(written) == 1 and written[0].text != node.expr.text
            found = (node.expr, *written) if other else found
        kept[node.index] = tuple(each for each in found if _may_tell(each, function))
    return kept[node.index]


def _may_tell(cond: Expr, function: Function) -> bool:
    """Whether a condition is about a journal, or has a name that the table knows."""
    return any(
        each.text in flags()
        or each.text in fresh_marks()
        or (each.kind in ("name", "field") and _is_journal(each, function))
        or (each.kind == "call" and is_question(each.op))
        for each in cond.walk()
    )


def _learn(each: Expr, truth: bool, node: Node, state: State, env: Env[State]) -> State:
    if each.kind in ("name", "field"):
        none = not truth and _is_journal(each, env.function)
        return state.add("no-journal", root=ANYWHERE) if none else state
    if each.kind == "call":
        state = _answer(each, truth, node, state, env)
    if not fresh_marks().isdisjoint(each.names) and each.kind in ("call", "binary"):
        change = state.add if truth else state.without
        return change("fresh", root=root_of(each, node, env.function))
    if each.kind == "binary" and each.op in ("&", "==", "!="):
        return _compare(each, truth, state, env)
    return state


def _is_journal(expr: Expr, function: Function) -> bool:
    """Whether an expression is a journal: by its type, or because the function locks it."""
    kind = function.locals.get(expr.text, "")
    return bool(pattern("journal", "type").fullmatch(kind)) or expr.text in _locked(function)


def _locked(function: Function) -> frozenset[str]:
    """Return the journals whose updates a function locks."""
    known: frozenset[str] | None = function.__dict__.get("_locked_journals")
    if known is None:
        locks = [part.take for part in parts() if part.name == "updates"]
        calls = (n.expr for n in function.graph.nodes if n.kind == "call" and n.expr is not None)
        known = frozenset(
            call.args[0].text
            for call in calls
            if call.args and any(lock.fullmatch(call.op) for lock in locks)
        )
        function.__dict__["_locked_journals"] = known
    return known


def _answer(call: Expr, truth: bool, node: Node, state: State, env: Env[State]) -> State:
    """Return the state after an answer to a question."""
    if not truth and pattern("journal", "calls").fullmatch(call.op):
        return state.add("no-journal", root=ANYWHERE)
    if pattern("pageless", "yes" if truth else "no").fullmatch(call.op) and call.args:
        return state.add("pageless", root=_owner(call.args[0], node, env))
    for part in parts():
        if not truth and part.no.fullmatch(call.op) and call.args:
            root = owner_of(call.args[0], node, env.function)
            state = do_part(state, part.name, part.under, root)
    return state


def _owner(mode: Expr, node: Node, env: Env[State]) -> str:
    """Return the variable that a mode is of; a mode that was handed in may be of any inode."""
    root = root_of(mode, node, env.function)
    return root if "*" in env.function.locals.get(root, "") else ANYWHERE


def _compare(each: Expr, truth: bool, state: State, env: Env[State]) -> State:
    """Return the state after flags were compared: two values differ in one, or one is left out."""
    for flag in kinds():
        if flag.names.isdisjoint(each.names):
            continue
        own = [arg for arg in each.args if flag.names.isdisjoint(arg.names)]
        differ = [e for arg in own for e in arg.walk() if e.kind == "binary" and e.op == "^"]
        if each.op == "&" and differ:
            name = min(flag.names & each.names)
            found = {(v, name, "change") for v in _others(differ[0], flag, state)}
            rest = frozenset(c for c in state.carried if c[2] != "change" or flags()[c[1]] != flag)
            state = replace(state, carried=state.carried | found if truth else rest)
        other = truth if each.op == "!=" else not truth
        if other and (differ or any(_is_local(arg, env) for arg in own)):
            state = state.add(f"same:{flag.kind}", root=ANYWHERE)
    return state


def _others(expr: Expr, flag: Flag, state: State) -> Iterator[str]:
    """Yield the values in a ^ b that are not the inode's own flags."""
    own = {v for v, name, how in state.carried if how == "whole" and flags()[name] is flag}
    for each in (arg.bare for arg in expr.args):
        is_own = each.text in own or (each.kind == "field" and each.op in flag.fields)
        if each.kind in ("name", "field") and not is_own:
            yield each.text


def _is_local(expr: Expr, env: Env[State]) -> bool:
    """Whether an expression is a variable of the function, not handed in."""
    name = expr.bare.text
    parameters = {p.name for p in env.function.parameters}
    return expr.bare.kind == "name" and name in env.function.locals and name not in parameters
