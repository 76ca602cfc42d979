"""Follow what is taken and given back."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources

from patchbot_checks.context import Env, Machine
from patchbot_checks.csource.expr import Expr
from patchbot_checks.csource.graph import Node
from patchbot_checks.csource.paths import Outcome
from patchbot_checks.csource.unit import Function
from patchbot_checks.csource.values import NEGATIVE, POSITIVE
from patchbot_checks.doubt import lines_that_differ

Taken = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Pair:
    """One kind of thing that is taken and given back; see `facts/pairs.toml`."""

    name: str
    take: re.Pattern[str]
    drop: re.Pattern[str]
    args: bool
    fails: bool

    def which(self, call: Expr) -> tuple[str, str]:
        """Return what tells the thing from others of its kind."""
        return self.name, call.args[0].text if self.args and call.args else ""


@functools.cache
def _pairs() -> tuple[Pair, ...]:
    text = resources.files("patchbot_checks.facts").joinpath("pairs.toml").read_text("utf-8")
    return tuple(
        Pair(
            each["name"], re.compile(each["take"]), re.compile(each["drop"]), each["args"],
            each["result"] == "error",
        )
        for each in tomllib.loads(text)["pair"]
    )  # fmt: skip


@functools.lru_cache(maxsize=50_000)
def _effect(name: str) -> tuple[Pair, bool] | None:
    for pair in _pairs():
        if pair.take.fullmatch(name):
            return pair, True
        if pair.drop.fullmatch(name):
            return pair, False
    return None


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
    effects = {each for each in map(_effect, function.words) if each is not None}
    return any((pair, not takes) in effects for pair, takes in effects)


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
        found = _effect(node.expr.op) if node.kind == "call" and node.expr is not None else None
        if found is None or node.expr is None:
            return None
        pair, takes = found
        what = pair.which(node.expr)
        if not takes:
            if what in state:
                self.released.add((what, node.line))
            else:
                self._keep(False, what, node.line, env)
            return (Outcome(state - {what}),)
        if pair.fails:
            return (Outcome(state | {what}, POSITIVE), Outcome(state, NEGATIVE))
        return (Outcome(state | {what}),)

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
