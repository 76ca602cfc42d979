"""Which statuses a thing may have at each step: all ways at once, whatever branches ask.

It is quick, and rules most functions out: where no way at all keeps a thing, none needs a look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from patchbot_checks.csource.expr import Expr
from patchbot_checks.csource.graph import Node
from patchbot_checks.csource.unit import Function
from patchbot_checks.rules.exit_without_release.things import Event, Thing

NONE, HELD, BACK, GIVEN, LOST, AWAY = 1, 2, 4, 8, 16, 32
"""Not touched; taken; taken and given back; given back, not taken; not known; passed on."""
_WIDTH = 6
_ALL = 63


def after(event: Event, status: int, *, inner: int = NONE, parameter: bool = False) -> int:
    """Return a thing's status after a step that succeeds, from that before it.

    `inner` is the status that a helper leaves; `parameter` whether the caller gave the thing.
    """
    op = event.op
    if status == AWAY and op != "lose":
        return AWAY
    if op == "call":
        op = {HELD: "take", GIVEN: "drop", LOST: "unknown"}.get(inner, "")
    if op == "take":
        other = status == HELD and not event.reuses
        return LOST if other else NONE if status == GIVEN else HELD
    if op == "drop":
        return {NONE: GIVEN, HELD: BACK}.get(status, status)
    if op == "escape":
        return AWAY if status == HELD or (parameter and status == NONE) else status
    if op == "unknown":
        return LOST
    if op == "lose":
        if status in (HELD, LOST):
            return LOST
        return LOST if parameter and event.name and status == NONE else NONE
    return status


def failed(event: Event, status: int) -> int:
    """Return a thing's status after a call that did not get it: what it was set to is no thing."""
    return LOST if event.sets else status


@dataclass(slots=True)
class May:
    """The statuses that things may have before each step, as sets of bits by thing."""

    things: Sequence[Thing]
    before: dict[int, int] = field(default_factory=dict)

    def at(self, node: Node, number: int) -> int:
        """Return the statuses that a thing may have before a step."""
        return self.before.get(node.index, 0) >> (number * _WIDTH) & _ALL


def find_statuses(
    function: Function, things: Sequence[Thing], inner: dict[tuple[Function, Thing], int]
) -> May:
    """Follow all ways; `inner` are the statuses that helpers may leave."""
    may = May(things)
    graph = function.graph
    parameters = frozenset(p.name for p in function.parameters)
    steps: dict[int, list[tuple[int, dict[int, int]]]] = {}
    for number, thing in enumerate(things):
        for index, event in thing.events.items():
            table = _table(event, inner, event.name in parameters)
            steps.setdefault(index, []).append((number * _WIDTH, table))
    cuts = {n.index: cut for n in graph.nodes if n.kind == "branch" and (cut := _cut(n, things))}
    may.before[graph.entry.index] = sum(NONE << (i * _WIDTH) for i in range(len(things)))
    work = [graph.entry]
    while work:
        node = work.pop()
        bits = may.before[node.index]
        for shift, table in steps.get(node.index, ()):
            bits = bits & ~(_ALL << shift) | sum_of(bits >> shift & _ALL, table) << shift
        cut = cuts.get(node.index)
        for way, to in enumerate(node.succ):
            left = bits & ~cut[way] if cut is not None else bits
            old = may.before.get(to.index)
            if old is None or old | left != old:
                may.before[to.index] = (old or 0) | left
                work.append(to)
    return may


def _table(
    event: Event, inner: dict[tuple[Function, Thing], int], parameter: bool
) -> dict[int, int]:
    """Return for each status the set of those after a step."""
    leaves = [NONE]
    if event.callee is not None and event.inner is not None:
        known = inner.get((event.callee, event.inner), NONE)
        leaves = [bit for bit in (NONE, HELD, GIVEN, LOST) if known & bit]
    one: dict[int, int] = {}
    for bit in (NONE, HELD, BACK, GIVEN, LOST, AWAY):
        made = failed(event, bit) if event.op == "take" and event.fails != "never" else 0
        for leaf in leaves:
            made |= after(event, bit, inner=leaf, parameter=parameter)
        one[bit] = made
    return one


def sum_of(bits: int, one: dict[int, int]) -> int:
    """Return the union of what single statuses become."""
    made = 0
    for bit, to in one.items():
        if bits & bit:
            made |= to
    return made


def _cut(node: Node, things: Sequence[Thing]) -> tuple[int, int] | None:
    """Return what can't be on the true and the false way of a branch: held, where it failed."""
    assert node.expr is not None
    for number, thing in enumerate(things):
        failed = failed_way(node.expr.bare, thing)
        if failed is not None:
            bit = HELD << (number * _WIDTH)
            return (bit, 0) if failed else (0, bit)
    return None


def failed_way(cond: Expr, thing: Thing) -> bool | None:
    """Return with which answer a condition says that a thing was not got; None for neither."""
    if not any(e.fails not in ("never", "nonzero", "zero") for _, e in thing.takes()):
        return None
    if cond.kind == "call" and cond.args:
        if cond.op in ("WARN_ON", "WARN_ON_ONCE"):
            inner = cond.args[0].bare
            if inner.kind == "unary" and inner.op == "!":
                way = failed_way(inner.args[0].bare, thing)
                return None if way is None else not way
            return failed_way(inner, thing)
        asks = cond.op in ("IS_ERR", "IS_ERR_OR_NULL", "PTR_ERR_OR_ZERO")
        return True if asks and cond.args[0].bare.text in thing.texts else None
    if cond.text in thing.texts:
        return False
    if cond.kind == "binary" and cond.op in ("==", "!=") and cond.args[1].text in ("NULL", "0"):
        return (cond.op == "==") if cond.args[0].bare.text in thing.texts else None
    return None
