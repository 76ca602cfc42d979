"""Follow a fault handler: what its flags allow, which locks it dropped, what it returns."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from patchbot_checks.context import Env, Machine
from patchbot_checks.csource.defs import definitions_of
from patchbot_checks.csource.expr import Expr, words_of
from patchbot_checks.csource.graph import Node
from patchbot_checks.csource.paths import Outcome
from patchbot_checks.csource.unit import Function
from patchbot_checks.csource.values import NONZERO, ONE, POSITIVE, ZERO
from patchbot_checks.rules.fault_retry_unchecked.faults import (
    ALLOW,
    FIRST,
    NOWAIT,
    RETRY,
    TRIED,
    VMA_LOCK,
    flags_of,
    lock_effect,
    names_retry,
    role,
)
from patchbot_checks.tables import names

_CALL = "()"


@dataclass(frozen=True, slots=True)
class Retry:
    """What is known of a fault on a path.

    `marks` are the variables (and `()` for the last call) whose value has VM_FAULT_RETRY, each with
    the line where it got there. `refused` is whether the last step was to see that no retry is
    allowed; `stale` whether the lock was dropped and the area not looked up since it was retaken.
    """

    allowed: bool = False
    first: bool = False
    nowait: bool = False
    killed: bool = False
    dropped: bool = False
    stale: bool = False
    pinned: bool = False
    refused: bool = False
    marks: frozenset[tuple[str, int]] = frozenset()


Report = Callable[[str, Function, int, Env[Retry], str], None]
Find = Callable[[Node, Function], Function | None]


class FaultMachine(Machine[Retry]):
    """Calls `report` with (kind, function, line, env, name) for what is wrong.

    `retries` is whether this kind of handler may return VM_FAULT_RETRY at all.
    """

    def __init__(self, report: Report, find: Find, *, retries: bool) -> None:
        self._report = report
        self._find = find
        self._retries = retries

    def start(self, function: Function) -> Retry:
        """See `Machine`."""
        return Retry()

    def branch(self, node: Node, taken: bool, state: Retry, env: Env[Retry]) -> Retry | None:
        """See `Machine`."""
        if node.kind != "branch" or node.expr is None:
            return state
        if not taken and _asks_retry(node.expr) and _marks(node.expr.args[0], node, state):
            return None
        found = definitions_of(env.function).expand(node.expr, node)
        known = flags_of(found[0] if len(found) == 1 else node.expr, taken)
        return _learn(state, known) if known else state

    def step(self, node: Node, state: Retry, env: Env[Retry]) -> Iterable[Outcome[Retry]] | None:
        """See `Machine`."""
        if node.kind == "call" and node.expr is not None:
            return self._call(node, node.expr, replace(state, refused=False), env)
        if node.kind == "assign":
            return (Outcome(_assigned(node, state)),)
        if node.kind == "return":
            self._returned(node, state, env)
            kept = {(_CALL, line) for _, line in _marks(node.expr, node, state)}
            return (Outcome(replace(state, marks=frozenset(kept), refused=False)),)
        return None

    def enter(self, state: Retry, call: Node, callee: Function, env: Env[Retry]) -> Retry:
        """See `Machine`."""
        return replace(state, marks=frozenset(), refused=False)

    def leave(
        self, state: Retry, before: Retry, call: Node, callee: Function, env: Env[Retry]
    ) -> Retry:
        """See `Machine`."""
        mine = {mark for mark in before.marks if mark[0] != _CALL}
        return replace(state, marks=frozenset(mine | state.marks))

    def _call(
        self, node: Node, call: Expr, state: Retry, env: Env[Retry]
    ) -> Iterable[Outcome[Retry]]:
        state = replace(state, marks=frozenset(m for m in state.marks if m[0] != _CALL))
        done = lock_effect(call)
        if done == "drop":
            return (Outcome(replace(state, dropped=True), note=f"{call.op}()"),)
        if done == "take":
            return (Outcome(replace(state, dropped=False, stale=state.dropped)),)
        kind = role(call.op)
        if kind == "finds-fault-area":
            return (Outcome(replace(state, stale=False)),)
        if kind == "returns-pin":
            return _pin(call, state, env)
        if kind == "locks-or-drops":
            return _lock_or_drop(call, state, env)
        if kind == "ends-by-signal":
            return (Outcome(state, ZERO), Outcome(replace(state, killed=True), NONZERO))
        if kind == "pins-file" and self._is_of_area(node, call, env):
            return (Outcome(replace(state, pinned=True)),)
        self._used(node, call, state, env)
        followed = self._follow(node, state, env)
        return (Outcome(state),) if followed is None else followed

    def _follow(self, node: Node, state: Retry, env: Env[Retry]) -> list[Outcome[Retry]] | None:
        callee = self._find(node, env.function)
        return None if callee is None else env.follow(node, callee, state)

    def _is_of_area(self, node: Node, call: Expr, env: Env[Retry]) -> bool:
        return any(self._belongs(arg, node, env) for arg in call.args)

    def _belongs(self, arg: Expr, node: Node, env: Env[Retry]) -> bool:
        """Whether an expression leads through the area (vmf->vma), which the lock keeps.

        What was looked up from there, such as a page, has a reference of its own.
        """
        defs = definitions_of(env.function)
        return any(_leads_on(each) for each in defs.expand(arg, node))

    def _used(self, node: Node, call: Expr, state: Retry, env: Env[Retry]) -> None:
        if state.dropped and not state.pinned and self._is_of_area(node, call, env):
            self._report("used", env.function, node.line, env, call.op)

    def _returned(self, node: Node, state: Retry, env: Env[Retry]) -> None:
        marks = _marks(node.expr, node, state)
        handler = not env.explorer.silent
        here = [line for name, line in marks if line and name != _CALL]
        for line in here:
            self._judge(line, state, env)
        if not marks and handler and (state.dropped or state.stale) and not self._may(node):
            self._report("not-told" if state.dropped else "stale", env.function, node.line, env, "")
        if state.refused and node.expr is not None and node.expr.names & names("fault-error"):
            self._report("refused", env.function, node.line, env, "")

    def _may(self, node: Node) -> bool:
        return node.expr is not None and bool(node.expr.names & names("fault-completed"))

    def _judge(self, line: int, state: Retry, env: Env[Retry]) -> None:
        """Look at one return of VM_FAULT_RETRY, put together at a line."""
        if not self._retries:
            kind = "never"
        elif not (state.allowed or state.killed):
            kind = "unchecked"
        elif not (state.dropped or state.nowait):
            kind = "held"
        elif not (state.first or state.nowait or state.killed):
            kind = "unbounded"
        else:
            return
        self._report(kind, env.function, line, env, "")


def _learn(state: Retry, known: dict[str, bool]) -> Retry:
    if known.get(FIRST) or known.get(VMA_LOCK):
        state = replace(state, allowed=True, first=True)
    if known.get(ALLOW):
        state = replace(state, allowed=True)
    if known.get(NOWAIT):
        state = replace(state, allowed=True, nowait=True)
    if known.get(TRIED) is False:
        state = replace(state, first=True)
    refused = known.get(FIRST) is False or known.get(ALLOW) is False
    return replace(state, refused=refused)


def _marks(expr: Expr | None, node: Node, state: Retry) -> set[tuple[str, int]]:
    """Return the marks of what a return gives back."""
    if expr is None:
        return set()
    if names_retry(expr):
        return {("return", node.line)}
    bare = expr.bare
    if bare.kind == "call":
        return {mark for mark in state.marks if mark[0] == _CALL}
    return {mark for mark in state.marks if mark[0] in bare.names}


def _assigned(node: Node, state: Retry) -> Retry:
    if node.target is None or node.expr is None:
        return state
    name = node.target.bare.text
    others = {mark for mark in state.marks if mark[0] not in (name, _CALL)}
    mine = {mark for mark in state.marks if mark[0] == name}
    if names_retry(node.expr):
        mine = {(name, node.line)}
    elif node.op == "=":
        calls = {(name, 0) for mark in state.marks if mark[0] == _CALL}
        copied = {(name, line) for other, line in state.marks if other in node.expr.names}
        mine = calls if node.expr.bare.kind == "call" else copied
    elif node.op == "|=":
        mine |= {(name, line) for other, line in state.marks if other in node.expr.names}
    elif node.op == "&=" and RETRY in node.expr.names:
        mine = set()
    return replace(state, marks=frozenset(others | mine), refused=False)


def _asks_retry(expr: Expr) -> bool:
    return expr.kind == "binary" and expr.op == "&" and names_retry(expr.args[1])


def _leads_on(expr: Expr) -> bool:
    bare = expr.bare
    area = bare.kind == "field" and bare.op in names("fault-area-field")
    if not area and words_of(expr.text).isdisjoint(names("area-file-field")):
        return False
    return all(role(call.op) == "leads-on" for call in expr.calls())


def _dropped(state: Retry) -> Retry:
    return replace(state, allowed=True, first=True, dropped=True, pinned=True)


def _pin(call: Expr, state: Retry, env: Env[Retry]) -> list[Outcome[Retry]]:
    if state.dropped:
        return [Outcome(state, POSITIVE)]
    return [
        Outcome(state, ZERO),
        Outcome(_dropped(state), POSITIVE, f"{call.op}() dropped the lock"),
    ]


def _lock_or_drop(call: Expr, state: Retry, env: Env[Retry]) -> list[Outcome[Retry]]:
    pin = call.args[-1].text.removeprefix("&")
    none, some = ((pin, ZERO),), ((pin, POSITIVE),)
    if state.dropped:
        return [Outcome(state, ONE, assume=some), Outcome(state, ZERO, assume=some)]
    gone = _dropped(state)
    return [
        Outcome(state, ONE, assume=none), Outcome(gone, ONE, assume=some),
        Outcome(gone, ZERO, assume=some), Outcome(gone, ZERO, assume=none),
        Outcome(replace(state, allowed=True, nowait=True), ZERO, assume=none),
    ]  # fmt: skip
