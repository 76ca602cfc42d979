"""Follow what is taken and given back."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

from patchbot_checks.context import Env, Machine
from patchbot_checks.csource.expr import Expr
from patchbot_checks.csource.graph import Node
from patchbot_checks.csource.paths import Outcome
from patchbot_checks.csource.unit import Function
from patchbot_checks.doubt import lines_that_differ
from patchbot_checks.resources import WAYS, Effect, named

Taken = frozenset[tuple[str, str]]


@functools.lru_cache(maxsize=50_000)
def _named(name: str) -> tuple[Effect, ...]:
    """Return what a call of this name may do with a lock, or with what is lent like one.

    Those that are asked whether they took it are left out: they double the ways.
    """
    return tuple(
        each for each in named(name)
        if (each.kind.lent or not each.kind.reference) and not each.looked_up
        and each.op in ("take", "drop") and each.fails not in ("zero", "nonzero")
    )  # fmt: skip


def _which(effect: Effect, node: Node, call: Expr) -> tuple[str, str]:
    """Return the kind of a thing, and what tells it from others of its kind."""
    what = None if effect.kind.reference else next(effect.objects(call), None)
    if what is None and effect.object == "result" and not effect.kind.reference:
        what = node.target
    return effect.kind.words, what.bare.text if what is not None else ""


@dataclass(frozen=True, slots=True)
class Fault:
    """A thing is given back that was not taken (`kept` is False), or is kept at a return."""

    kept: bool
    what: tuple[str, str]
    line: int
    steps: tuple[tuple[int, str], ...]
    differ: tuple[int, int] | None

    @property
    def same(self) -> tuple[bool, tuple[str, str], int]:
        """What tells it from other faults: a thing that is kept is kept at any return."""
        return self.kept, self.what, 0 if self.kept else self.line


def takes_and_drops(function: Function) -> bool:
    """Whether a function both takes and gives back something of one kind."""
    done = {(each.kind.name, each.op) for name in function.words for each in _named(name)}
    return any((kind, "drop") in done for kind, op in done if op == "take")


class PairMachine(Machine[Taken]):
    """Collects in `faults` what is given back without being taken, or kept.

    `released` is what was given back after it was taken, with the line.
    """

    def __init__(self) -> None:
        self.released: set[tuple[tuple[str, str], int]] = set()
        self.faults: dict[tuple[bool, tuple[str, str], int], Fault] = {}

    def start(self, function: Function) -> Taken:
        """See `Machine`."""
        return frozenset()

    def step(self, node: Node, state: Taken, env: Env[Taken]) -> Iterable[Outcome[Taken]] | None:
        """See `Machine`."""
        call = node.expr if node.kind == "call" else None
        if call is None or not _named(call.op):
            return None
        effect = next((e for e in _named(call.op) if e.is_meant(call)), None)
        if effect is None:
            return None
        what = _which(effect, node, call)
        if effect.op == "drop":
            if what in state:
                self.released.add((what, node.line))
            else:
                self._keep(False, what, node.line, env)
            return (Outcome(state - {what}),)
        value, failed = WAYS[effect.fails]
        return (Outcome(state | {what}, value), *(Outcome(state, each) for each in failed))

    def end(self, node: Node, state: Taken, env: Env[Taken]) -> None:
        """See `Machine`."""
        for what in sorted(state):
            self._keep(True, what, node.line, env)

    def pairs_up(self, fault: Fault) -> bool:
        """Whether the thing was seen taken and given back: at this line, if that is the fault."""
        lines = {line for what, line in self.released if what == fault.what}
        return bool(lines) if fault.kept else fault.line in lines

    def _keep(self, kept: bool, what: tuple[str, str], line: int, env: Env[Taken]) -> None:
        fault = Fault(kept, what, line, env.steps(), lines_that_differ(env))
        known = self.faults.get(fault.same)
        if known is None or known.differ is None:
            self.faults[fault.same] = fault
