"""Follow which ranked locks are held, through calls in the tree."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from patchbot_checks.context import Context, Env, Machine
from patchbot_checks.csource.expr import Expr
from patchbot_checks.csource.graph import Node
from patchbot_checks.csource.paths import MAX_DEPTH, Outcome
from patchbot_checks.csource.unit import Function
from patchbot_checks.csource.values import Value
from patchbot_checks.resources import WAYS
from patchbot_checks.rules.lock_order.ranks import Done, Order, effects, locks, orders
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
        """See `Machine`; of what a helper took and kept, only what it returns is known well."""
        if state.order is None:
            more = {name for name, lock in locks().items() if lock.is_passed_as(callee.returns)}
            return Held(state.locks & (before.locks | more))
        name = call.expr.op if call.expr is not None else ""
        link = (env.function.path, env.function.name, call.line, name)
        return Held(before.locks, state.order, (link, *state.chain))

    def _effects(
        self, node: Node, call: Expr, done: tuple[Done, ...], state: Held, env: Env[Held]
    ) -> Iterable[Outcome[Held]]:
        for each in done:
            order = self._against(each.lock, state, env.function) if each.op == "take" else None
            if order is not None:
                return self._inverted(order, node, call, state, env)
        gone = frozenset(each.lock for each in done if each.op == "drop")
        got = frozenset(each.lock for each in done if each.op != "drop")
        with_it = replace(state, locks=(state.locks - gone) | got)
        value, failed = _ways(done)
        return (Outcome(with_it, value), *(Outcome(state, each) for each in failed))

    def _against(self, lock: str, state: Held, function: Function) -> Order | None:
        if lock in state.locks:
            return None  # nested in one of its own kind
        for order in orders():
            meant = order.taken == lock and order.held in state.locks
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
        return any(touched.get(("take", name), MAX_DEPTH) <= left for name in wanted)


def _ways(done: tuple[Done, ...]) -> tuple[Value | None, tuple[Value, ...]]:
    """Return the value with which a call says that it has the lock, and those without it."""
    return next((WAYS[each.fails] for each in done if each.fails != "never"), WAYS["never"])
