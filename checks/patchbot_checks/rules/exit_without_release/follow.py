"""Follow one thing along the paths of a function."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from patchbot_checks.context import Context, Env, Exit, Machine
from patchbot_checks.csource.graph import Node, NotUnderstoodError
from patchbot_checks.csource.paths import Facts, Outcome, Trail
from patchbot_checks.csource.unit import Function
from patchbot_checks.csource.values import ANY, ONE, POSITIVE, ZERO, Value
from patchbot_checks.doubt import AgreeingAnswers
from patchbot_checks.rules.exit_without_release.flow import (
    AWAY,
    BACK,
    GIVEN,
    HELD,
    LOST,
    NONE,
    after,
    failed,
)
from patchbot_checks.rules.exit_without_release.table import WAYS
from patchbot_checks.rules.exit_without_release.things import Event, Thing

NOTES = ("is taken", "is given back")
_WARNS = re.compile(r"WARN(?:_ON)?(?:_ONCE)?|WARN_RATELIMIT|VM_WARN_ON\w*")
_MAX_VALUES = 4
_MAX_DEPTH = 4
_MAX_KEPT = 8
End = tuple[int, Value]


@dataclass(frozen=True, slots=True)
class Way:
    """One way to a step: the thing's status there, and the trail."""

    status: int
    node: Node
    trail: Trail | None


class Follow(Machine[int]):
    """Its states are a thing's statuses; `drops` and `takes` are the ways that came to them.

    `sets` are those to where its only variable is cleared while it is held; `passed` is whether the
    function goes on with another object while it holds this one.
    """

    def __init__(self, thing: Thing, function: Function, outcomes: Outcomes) -> None:
        self._thing = thing
        self._outcomes = outcomes
        self._parameters = frozenset(p.name for p in function.parameters)
        self.seen: dict[int, set[int]] = {}
        self.drops: dict[tuple[int, int], Way] = {}
        self.takes: dict[tuple[int, int], Way] = {}
        self.passed = False
        self.sets: dict[int, Way] = {}

    def start(self, function: Function) -> int:
        """See `Machine`."""
        return NONE

    def step(self, node: Node, state: int, env: Env[int]) -> Iterable[Outcome[int]] | None:
        """See `Machine`."""
        self.seen.setdefault(node.index, set()).add(state)
        event = self._thing.events.get(node.index)
        if event is None:
            return None
        if event.op == "call":
            return self._call(event, node, state, env)
        self._note(event.op, node, state, env)
        made = after(event, state, parameter=event.name in self._parameters)
        value, values = WAYS[event.fails]
        note = {"take": NOTES[0], "drop": NOTES[1]}.get(event.op, "")
        words = f"{self._thing.kind.words} {note}" if note and made != state else ""
        assume = tuple(
            (f"{ask}({text})", ONE if event.op == "take" else ZERO)
            for ask in self._thing.kind.asks
            for text in self._thing.texts
            if event.op in ("take", "drop")
        )
        if event.sets and value is not None:
            assume = tuple((text, POSITIVE) for text in self._thing.texts if "(" not in text)
            assume = assume if value == ZERO else ()
        return (
            Outcome(made, value, words, assume),
            *(Outcome(failed(event, state), v) for v in values),
        )

    def branch(self, node: Node, taken: bool, state: int, env: Env[int]) -> int | None:
        """See `Machine`; what comes after a warning that must not be is of no interest."""
        self.seen.setdefault(node.index, set()).add(state)
        cond = node.expr.bare if node.expr is not None else None
        if cond is None or state == NONE:
            return state
        if taken and _WARNS.fullmatch(cond.op):
            return LOST
        fresh = state == HELD and self._thing.kind.keeps
        if fresh and cond.op in ("==", "!=") and taken == (cond.op == "=="):
            sides = [arg.bare.text for arg in cond.args]
            if any(s in self._thing.texts for s in sides) and "NULL" not in sides:
                return None
        return state

    def _note(self, op: str, node: Node, state: int, env: Env[int]) -> None:
        if op == "lose" and state == HELD:
            self.passed = True
            if node.kind == "assign" and _is_variable(node, self._thing):
                self.sets.setdefault(node.index, Way(state, node, env.trail))
        kept = {"drop": self.drops, "take": self.takes}.get(op)
        if kept is not None:
            kept.setdefault((node.index, state), Way(state, node, env.trail))

    def _call(self, event: Event, node: Node, state: int, env: Env[int]) -> Iterable[Outcome[int]]:
        assert node.expr is not None
        assert event.callee is not None
        assert event.inner is not None
        facts = {}
        for parameter, arg in zip(event.callee.parameters, node.expr.args, strict=False):
            value = env.value(arg)
            if value != ANY and parameter.name:
                facts[parameter.name] = value
        ends = tuple(self._outcomes(event.callee, event.inner, facts))
        if any(status == HELD for status, _ in ends) and not is_used(node, env.function):
            ends = tuple(end for end in ends if end[0] == HELD)
        for status, value in ends:
            made = after(event, state, inner=status)
            op = {HELD: "take", GIVEN: "drop"}.get(status, "")
            self._note(op, node, state, env)
            note = {"take": NOTES[0], "drop": NOTES[1]}.get(op, "")
            words = f"{self._thing.kind.words} {note} in {event.name}()" if note else ""
            yield Outcome(made, None if value == ANY else value, words)


def _is_variable(node: Node, thing: Thing) -> bool:
    """Whether a step sets the one variable that stands for a thing to no thing."""
    if node.target is None or node.expr is None or thing.texts != {node.target.bare.text}:
        return False
    value = node.expr.bare
    return value.text in ("NULL", "0") or value.op in ("ERR_PTR", "ERR_CAST")


def is_used(call: Node, function: Function) -> bool:
    """Whether a function looks at what a call returns."""
    assert call.expr is not None
    offset = call.expr.offset
    return any(
        each.expr is not None
        and each is not call
        and each.kind != "use"
        and any(inner.offset == offset for inner in each.expr.calls())
        for each in function.graph.nodes
    )


Outcomes = Callable[[Function, Thing, Facts], Iterable[End]]


class Helped:
    """Learns with which statuses and values helpers end."""

    def __init__(self, tick: Callable[[], None]) -> None:
        self._tick = tick
        self._known: dict[object, tuple[End, ...]] = {}
        self._inside: list[Function] = []

    def ends(self, function: Function, thing: Thing, facts: Facts) -> tuple[End, ...]:
        """Return with which statuses of its thing, and values, a helper may end."""
        if len(self._inside) >= _MAX_DEPTH:
            facts = {}
        key = (function, thing, frozenset(facts.items()))
        if key not in self._known:
            if function in self._inside:
                return ((NONE, ANY),)
            self._known[key] = self._find(function, thing, facts)
        return self._known[key]

    def _find(self, function: Function, thing: Thing, facts: Facts) -> tuple[End, ...]:
        self._inside.append(function)
        machine = Follow(thing, function, self.ends)
        try:
            exits = AgreeingAnswers(machine, tick=self._tick).run(function, None, facts)
        except NotUnderstoodError:
            return ((LOST, ANY),)
        finally:
            self._inside.pop()
        return tuple(_summary(exits))

    def follow(
        self, context: Context, thing: Thing, function: Function
    ) -> tuple[Follow, list[Exit[int]]]:
        """Follow a thing of a function that is looked at."""
        machine = Follow(thing, function, self.ends)
        explorer = AgreeingAnswers(machine, tick=context.tick, max_kept=_MAX_KEPT)
        return machine, context.explore(machine, function, explorer=explorer)


def _summary(exits: Iterable[Exit[int]]) -> Iterable[End]:
    found: dict[int, list[Value]] = {}
    for each in exits:
        status = {BACK: NONE, AWAY: LOST}.get(each.state, each.state)
        values = found.setdefault(status, [])
        if each.value not in values:
            values.append(each.value)
    listed = [(status, value) for status, values in found.items() for value in values]
    if any(a != b and v.meet(w) is not None for a, v in listed for b, w in listed):
        yield (LOST, ANY)
        return
    for status, values in found.items():
        if len(values) > _MAX_VALUES:
            values = [functools.reduce(Value.join, values)]
        yield from ((status, value) for value in values)
