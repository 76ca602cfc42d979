"""Follow one variable along the paths on which nothing has set it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from patchbot_checks.context import Env, Machine
from patchbot_checks.csource.graph import Node
from patchbot_checks.csource.paths import Outcome, order_of
from patchbot_checks.csource.unit import Function
from patchbot_checks.doubt import lines_that_differ
from patchbot_checks.rules.uninitialised_on_path.candidates import Candidate
from patchbot_checks.rules.uninitialised_on_path.uses import Read, is_tracked

_NOTHING: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Fault:
    """An unset variable is read at a step; `steps` is the way to it.

    `differ` are the lines of two answers that differ on this way.
    """

    name: str
    node: Node
    steps: tuple[tuple[int, str], ...]
    differ: tuple[int, int] | None = None


class Unset(Machine[bool]):
    """The state: whether the variable is declared (and unset). Once set, a path is left.

    Whether a loop goes round at all, and whether a switch without default meets one of its cases,
    can't be seen: where that would set the variable, it is taken to. Nor is a loop that sets it
    followed a second time: what the first round left unset often depends on its counter.
    """

    def __init__(self, function: Function, candidate: Candidate) -> None:
        self.faults: dict[int, Fault] = {}
        self._candidate = candidate
        nodes = function.graph.nodes
        self._set_lines = sorted(nodes[index].line for index in candidate.sets)
        self._order = order_of(function)
        self._loops = _loops(function, self._order)

    def start(self, function: Function) -> bool:
        """See `Machine`."""
        return False

    def step(self, node: Node, state: bool, env: Env[bool]) -> Iterable[Outcome[bool]] | None:
        """See `Machine`."""
        candidate = self._candidate
        if node.index not in candidate.useful:
            return (Outcome(state, stop=True),)
        if node.kind == "declare" and node.name == candidate.name:
            return (Outcome(is_tracked(node)),)
        if state and (self._read(node, env) or not node.succ):
            return (Outcome(state, stop=True),)
        if state and (node.index in candidate.sets or self._goes_back(node, node.succ[0])):
            return (Outcome(state, stop=True),)
        return None

    def branch(self, node: Node, taken: bool, state: bool, env: Env[bool]) -> bool | None:
        """See `Machine`."""
        after = node.true if taken else node.false
        if not state:
            return state
        if self._read(node, env) or node.index in self._candidate.sets:
            return None
        if self._goes_back(node, after):
            return None
        if after.op == "end" and self._sets_between(node.line, after.line):
            known = env.value(node.expr).truth if node.kind == "branch" else None
            return None if known is None else state
        return state

    def choose(self, node: Node, after: Node, state: bool, env: Env[bool]) -> bool | None:
        """See `Machine`."""
        if state and self._read(node, env):
            return None
        inside = after.op == "end" and self._sets_between(node.line, after.line)
        return None if state and inside else state

    def _goes_back(self, node: Node, after: Node) -> bool:
        """Whether this is the way back to the head of a loop that sets the variable."""
        back = self._order.get(after.index, 0) <= self._order.get(node.index, 0)
        return back and not self._loops.get(after.index, _NOTHING).isdisjoint(self._candidate.sets)

    def _sets_between(self, first: int, last: int) -> bool:
        return any(first <= line <= last for line in self._set_lines)

    def _read(self, node: Node, env: Env[bool]) -> bool:
        if node.index in self.faults:
            return True
        for read in self._candidate.reads.get(node.index, ()):
            if _possible(read, env):
                fault = Fault(read.name, node, env.steps(), lines_that_differ(env))
                self.faults[node.index] = fault
                return True
        return False


def _loops(function: Function, order: dict[int, int]) -> dict[int, frozenset[int]]:
    """Return the steps of each loop, by the step at its head."""
    known: dict[int, frozenset[int]] | None = function.__dict__.get("_loop_steps")
    if known is None:
        nodes = function.graph.nodes
        preds: dict[int, list[int]] = {node.index: [] for node in nodes}
        ends: dict[int, list[int]] = {}
        for node in nodes:
            for after in node.succ:
                preds[after.index].append(node.index)
                if order.get(after.index, 0) <= order.get(node.index, -1):
                    ends.setdefault(after.index, []).append(node.index)
        known = {head: _inside(head, last, preds) for head, last in ends.items()}
        function.__dict__["_loop_steps"] = known
    return known


def _inside(head: int, ends: list[int], preds: dict[int, list[int]]) -> frozenset[int]:
    seen = {head, *ends}
    work = [end for end in ends if end != head]
    while work:
        for index in preds[work.pop()]:
            if index not in seen:
                seen.add(index)
                work.append(index)
    return frozenset(seen)


def _possible(read: Read, env: Env[bool]) -> bool:
    facts = dict(env.facts)
    for condition, taken in read.guards:
        narrowed = env.explorer.assume(condition, taken, facts)
        if narrowed is None:
            return False
        facts = narrowed
    return True
