"""Tell faults from what is meant: from all exits of a function, and from its folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from patchbot_checks.context import Context, Exit
from patchbot_checks.csource.paths import steps_of
from patchbot_checks.csource.unit import Function
from patchbot_checks.csource.values import NOT_POSITIVE, Value, constant_of
from patchbot_checks.report import Finding
from patchbot_checks.rules.exit_without_release.callers import Callers, says_so
from patchbot_checks.rules.exit_without_release.flow import BACK, GIVEN, HELD, NONE
from patchbot_checks.rules.exit_without_release.follow import Follow, Way
from patchbot_checks.rules.exit_without_release.guards import guards, is_about, is_told
from patchbot_checks.rules.exit_without_release.things import ONLY, Thing
from patchbot_checks.rules.exit_without_release.where import (
    can_release,
    jumps_to,
    last_turn,
    line_met,
    lines_left,
    path_of,
)

_FAULT = "vm_fault_t"


@dataclass(slots=True)
class Case:
    """One thing of a function, and all the ways that were found for it; `others` are all things."""

    context: Context
    function: Function
    thing: Thing
    others: Sequence[Thing]
    callers: Callers
    machine: Follow
    exits: list[Exit[int]]

    def kept(self) -> Iterator[Finding]:
        """Yield the exits that keep it."""
        for each in self.exits:
            if each.state == HELD and self._is_kept_wrongly(each):
                yield from self._kept(each)

    def given(self) -> Iterator[Finding]:
        """Yield where it is given back, or taken, as it is not."""
        relocks = any(status == GIVEN for _, status in self.machine.takes)
        for (index, status), way in self.machine.drops.items():
            met = {s for i, s in self.machine.drops if i == index}
            if status == BACK:
                yield self._given(way, "is given back a second time")
            elif status == NONE and HELD in met and not (self.thing.kind.reference or relocks):
                path = path_of(self.function, way.trail, way.node)
                if not any(guards(path, 0, self.thing, "take")):
                    yield self._given(way, "is given back, but was not taken on this way")

        for (_, status), way in self.machine.takes.items():
            if status == HELD and self._is_again(way):
                yield self._given(way, "is taken again while it is held")
        for way in self.machine.sets.values() if self._is_functions_own() else ():
            path = path_of(self.function, way.trail, way.node)
            if not is_told(path, self.thing):
                yield self._given(way, "is still held when its variable is cleared")

    def _is_again(self, way: Way) -> bool:
        """Whether nothing speaks for another thing that looks alike, or for a nested lock."""
        event = self.thing.events[way.node.index]
        new = event.sets and not self.thing.kind.reference
        known = bool(self.thing.field) and event.op == "take"
        if not known or self.machine.passed or new or self.thing.kind.nests:
            return False
        return not self.callers.is_given_elsewhere(self.function, self.thing)

    def _is_functions_own(self) -> bool:
        """Whether only the function can give a reference back: no other has it, or looks it up."""
        kind = self.thing.kind
        return kind.reference and not (kind.kept_in or self._is_callers() or self._is_looked_up())

    # --- kept at an exit

    def _is_kept_wrongly(self, each: Exit[int]) -> bool:
        kind = self.thing.kind
        if not kind.reference and (self.machine.passed or self._has_another_name()):
            return False
        if self._is_for_caller():
            return not each.value.can_be(constant_of(kind.kept_with) or 0)
        if kind.reference and not kind.kept_in and not self._is_callers():
            return True
        partners = [e for e in self.exits if e.state == BACK]
        if not partners:
            return not self._is_expected(each)
        if self._failed(each.value) or self.function.returns == _FAULT:
            return True
        if each.value.low == each.value.high > 0:
            partners = [e for e in partners if e.value.constant is not None]
        value = _value_of(each)
        if any(_value_of(e).meet(value) is not None for e in partners):
            return kind.reference or not says_so(self.function) or self._is_equal(each)
        return not kind.reference and not self._is_expected(each, told=True)

    def _has_another_name(self) -> bool:
        """Whether something of this kind is given back, and not taken: it may be this."""
        return any(o.kind is self.thing.kind and o.is_only_given for o in self.others)

    def _is_equal(self, each: Exit[int]) -> bool:
        """Whether the same number is returned where it is not held."""
        free = [e for e in self.exits if e.state in (NONE, BACK)]
        return each.value.constant is not None and any(e.value == each.value for e in free)

    def _is_for_caller(self) -> bool:
        """Whether a fault handler keeps this for its caller, if it returns one value."""
        return self.function.returns == _FAULT and bool(self.thing.kind.kept_with)

    def _failed(self, value: Value) -> bool:
        """Whether a function says by this value that it failed: then it keeps nothing."""
        if value.high < 0:
            return True
        if self.function.returns.endswith("*"):
            return value.high == 0
        return value.truth is True and value.low < 0

    def _is_expected(self, each: Exit[int], *, told: bool = False) -> bool:
        """Whether somebody else gives back what this function keeps; see `is_given_later`."""
        kind = self.thing.kind
        if self.function.returns == _FAULT:
            return False
        if told and each.node.expr is not None and each.node.expr.bare.text in self.thing.texts:
            return True
        if kind.reference and (self._is_callers() or self._is_looked_up()):
            return True
        if kind.kept_in and self.callers.is_called_in(self.function, kind.kept_in):
            return each.value.high >= 0
        if kind.reference:
            return False
        always = all(e.state == HELD for e in self.exits if not self._failed(e.value))
        return self.callers.is_given_later(self.function, self.thing, surely=always, told=told)

    def _is_looked_up(self) -> bool:
        return any(event.looked_up for _, event in self.thing.takes())

    def _is_callers(self) -> bool:
        """Whether the caller can see what holds a reference: a parameter, or what it points to."""
        names = {p.name for p in self.function.parameters}
        return any(text.partition("->")[0] in names for text in self.thing.texts)

    def _kept(self, each: Exit[int]) -> Iterator[Finding]:
        path = path_of(self.function, each.trail, each.node)
        release = can_release(self.function, self.thing)
        taken = max((i for i, n in enumerate(path) if self._takes(n.index)), default=0)
        around = list(guards(path, taken, self.thing, "drop"))
        if any(is_about(n, self.thing, self.function, self.machine.seen) for n in around):
            return
        jumps = jumps_to(self.function)
        lines = lines_left(path, taken, release, self.machine.seen, jumps)
        if around:
            lines = [around[0].line]
        if self._is_for_caller():
            lines = [last_turn(path, taken)]
        for line in dict.fromkeys(lines if self.thing.kind.reference else lines[:1]):
            yield self.context.finding(
                self.function, line, f"{self._words()} is still held on this way out",
                key=f"{self.thing.kind.name} kept{self._field()}", steps=steps_of(each.trail),
            )  # fmt: skip

    def _takes(self, index: int) -> bool:
        event = self.thing.events.get(index)
        return event is not None and event.op in ("take", "call")

    # --- given back in vain

    def _given(self, way: Way, words: str) -> Finding:
        path = path_of(self.function, way.trail, way.node)
        line = line_met(path, way.status, self.machine.seen)
        return self.context.finding(
            self.function, line, f"{self._words()} {words}",
            key=f"{self.thing.kind.name} {words}{self._field()}", steps=steps_of(way.trail),
        )  # fmt: skip

    def _words(self) -> str:
        kind, text = self.thing.kind, self.thing.text
        return f"{kind.words} ({text})" if text != ONLY else kind.words

    def _field(self) -> str:
        return f": {self.thing.field}" if self.thing.field else ""


def _value_of(each: Exit[int]) -> Value:
    """Return what is known of a returned value; an error pointer is no other pointer."""
    expr = each.node.expr.bare if each.node.expr is not None else None
    if expr is not None and expr.op in ("ERR_PTR", "ERR_CAST"):
        return each.value.meet(NOT_POSITIVE) or each.value
    return each.value
