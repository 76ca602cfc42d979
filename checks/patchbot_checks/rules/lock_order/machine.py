"""Follow which ranked locks are held, through calls in the tree."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from patchbot_checks.context import Context, Env, Machine
from patchbot_checks.csource.expr import Expr
from patchbot_checks.csource.graph import Node
from patchbot_checks.csource.paths import MAX_DEPTH, Outcome
from patchbot_checks.csource.unit import Function
from patchbot_checks.csource.values import NONZERO, NOT_POSITIVE, ONE, POSITIVE, ZERO, Value
from patchbot_checks.rules.lock_order.ranks import Lock, Order, effects, orders
from patchbot_checks.rules.lock_order.reach import Reach, direct

Chain = tuple[tuple[str, str, int, str], ...]


@dataclass(frozen=True, slots=True)
class Held:
    """The locks held, and an inversion met in a helper: its order, and the chain of calls to it.

    A link of the chain is (file, function, line, what is called there).
    """

    locks: frozenset[str] = frozenset()
    order: Order | None = None
    chain: Chain = ()


Report = Callable[[Order, Node, Env[Held], Chain], None]


class LockMachine(Machine[Held]):
    """Calls `report` for each acquisition against the order."""

    def __init__(self, context: Context, reach: Reach, report: Report) -> None:
        self._context = context
        self._reach = reach
        self._report = report

    def start(self, function: Function) -> Held:
        """See `Machine`."""
        return Held(self._reach.entry(function))

    def step(self, node: Node, state: Held, env: Env[Held]) -> Iterable[Outcome[Held]] | None:
        """See `Machine`."""
        if node.kind != "call" or node.expr is None or state.order is not None:
            return None
        done = effects(node.expr)
        if done:
            return self._effects(node, node.expr, done, state, env)
        return self._follow(node, state, env)

    def leave(
        self, state: Held, before: Held, call: Node, callee: Function, env: Env[Held]
    ) -> Held:
        """See `Machine`; what a helper took and kept is not known well enough, but a handle."""
        if state.order is None:
            more = {"handle"} if callee.returns.startswith("handle_t") else set()
            return Held(state.locks & (before.locks | more))
        name = call.expr.op if call.expr is not None else ""
        link = (env.function.path, env.function.name, call.line, name)
        return Held(before.locks, state.order, (link, *state.chain))

    def _effects(
        self,
        node: Node,
        call: Expr,
        done: tuple[tuple[str, Lock], ...],
        state: Held,
        env: Env[Held],
    ) -> Iterable[Outcome[Held]]:
        taken = [lock for kind, lock in done if kind in ("take", "get")]
        for lock in taken:
            order = self._against(lock, state, env.function)
            if order is not None:
                return self._inverted(order, node, call, state, env)
        gone = frozenset(lock.name for kind, lock in done if kind == "drop")
        got = frozenset(lock.name for kind, lock in done if kind != "drop")
        with_it = replace(state, locks=(state.locks - gone) | got)
        value = _success(call, done)
        if value is None:
            return (Outcome(with_it),)
        failed = {POSITIVE: NOT_POSITIVE, ONE: ZERO, ZERO: NONZERO}[value]
        return (Outcome(with_it, value), Outcome(state, failed))

    def _against(self, lock: Lock, state: Held, function: Function) -> Order | None:
        if lock.name in state.locks:
            return None  # nested in one of its own kind
        for order in orders():
            meant = order.taken == lock.name and order.held in state.locks
            if meant and not function.path.startswith(order.not_in):
                return order
        return None

    def _inverted(
        self, order: Order, node: Node, call: Expr, state: Held, env: Env[Held]
    ) -> Iterable[Outcome[Held]]:
        link = (env.function.path, env.function.name, node.line, call.op)
        if env.explorer.silent:
            return (Outcome(Held(state.locks, order, (link,))),)
        self._report(order, node, env, (link,))
        return (Outcome(state, stop=True),)

    def _follow(self, node: Node, state: Held, env: Env[Held]) -> Iterable[Outcome[Held]] | None:
        callee = self._context.callee(node, env.function)
        if callee is None or not self._matters(callee, state, env):
            return None
        outcomes = env.follow(node, callee, state)
        if outcomes is None:
            return None
        kept = []
        for each in outcomes:
            if each.state.order is None or env.explorer.silent:
                kept.append(each)
            else:
                self._report(each.state.order, node, env, each.state.chain)
        return kept

    def _matters(self, callee: Function, state: Held, env: Env[Held]) -> bool:
        """Whether a callee may take what must not be taken now, or drop what is held."""
        own = direct(callee)
        if any(("drop", name) in own and ("take", name) not in own for name in state.locks):
            return True
        touched = self._reach.touched(callee)
        left = MAX_DEPTH - env.depth - 1
        wanted = {o.taken for o in orders() if o.held in state.locks} - state.locks
        return any(
            touched.get((kind, name), MAX_DEPTH) <= left
            for name in wanted
            for kind in ("take", "get")
        )


def _success(call: Expr, done: tuple[tuple[str, Lock], ...]) -> Value | None:
    """Return the value with which a call says that it has the lock; None where it always has."""
    for kind, lock in done:
        if kind == "get" or (kind == "take" and lock.fails):
            return POSITIVE
        if kind == "try":
            return ONE
        if kind == "take" and "_killable" in call.op:
            return ZERO
    return None
