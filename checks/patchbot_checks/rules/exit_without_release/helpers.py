"""The things of functions, and what helpers leave of those that their caller knows."""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from patchbot_checks.csource.defs import definitions_of
from patchbot_checks.csource.graph import Node, NotUnderstoodError
from patchbot_checks.csource.paths import is_question
from patchbot_checks.csource.unit import Function
from patchbot_checks.program import Program
from patchbot_checks.rules.exit_without_release.flow import (
    GIVEN,
    HELD,
    LOST,
    May,
    find_statuses,
)
from patchbot_checks.rules.exit_without_release.follow import Helped
from patchbot_checks.rules.exit_without_release.passing import Passing
from patchbot_checks.rules.exit_without_release.table import named
from patchbot_checks.rules.exit_without_release.things import (
    VARIABLE,
    Event,
    Mention,
    Thing,
    group,
    make_thing,
    own_mentions,
    written_out,
)

LEVELS = 2
"""How many levels of helpers are looked into."""


@dataclass(frozen=True, slots=True)
class Net:
    """What a helper leaves of one thing; `text` is in terms of its parameters, "" if unknown.

    `gives` is whether some way, if it is possible, gives back what the helper did not take.
    """

    thing: Thing
    text: str
    parameter: int
    statuses: int
    gives: bool


class Helpers:
    """Finds the things of a program's functions; what it learns is kept with the program.

    `level` says how many levels of helpers are looked into for a function's things.
    """

    def __init__(self, program: Program, helped: Helped) -> None:
        self._program = program
        self.helped = helped
        self._passing = Passing(program)
        self._things: dict[tuple[Function, int], tuple[Thing, ...]] = {}
        self._may: dict[tuple[Function, int], May] = {}
        self._nets: dict[tuple[Function, int], tuple[Net, ...]] = {}
        self._leaves: dict[tuple[Function, Thing], int] = {}

    def callee(self, node: Node, function: Function) -> Function | None:
        """Return the definition of what a call calls; None for what the table describes."""
        name = node.expr.op if node.expr is not None else ""
        if not name or named(name) or is_question(name):
            return None
        found = self._program.find_function(name, function.path)
        return None if found is function else found

    def things(self, function: Function, level: int = LEVELS) -> tuple[Thing, ...]:
        """Return the things of a function; raises `NotUnderstoodError`."""
        key = (function, level)
        if key not in self._things:
            mentions = list(own_mentions(function))
            if level:
                mentions += self._helped(function, level)
            groups = [g for g in group(mentions) if _is_known(g)]
            found = [make_thing(members, function) for members in groups]
            for thing in found:
                self._add_events(thing, function)
            self._things[key] = tuple(t for t in found if t.is_own(function))
        return self._things[key]

    def _add_events(self, thing: Thing, function: Function) -> None:
        self._passing.add_escapes(thing, function)
        self._passing.keep_what_is_not_changed(thing, function)
        if any(event.looked_up for _, event in thing.takes()):
            self._lose_what_is_looked_up(thing, function)

    def may(self, function: Function, level: int = LEVELS) -> May:
        """Return which statuses a function's things may have; raises `NotUnderstoodError`."""
        key = (function, level)
        if key not in self._may:
            things = self.things(function, level)
            self._may[key] = find_statuses(function, things, self._leaves)
        return self._may[key]

    def nets(self, function: Function, level: int = LEVELS - 1) -> tuple[Net, ...]:
        """Return what a function may leave of things that its callers may know."""
        key = (function, level)
        if key not in self._nets:
            try:
                self._nets[key] = tuple(self._find_nets(function, level))
            except NotUnderstoodError:
                self._nets[key] = ()
        return self._nets[key]

    def _find_nets(self, function: Function, level: int) -> Iterator[Net]:
        may = self.may(function, level)
        ends = [n for n in function.graph.nodes if n.kind == "return" and n.index in may.before]
        places = {p.name: i for i, p in enumerate(function.parameters)}
        for number, thing in enumerate(may.things):
            text = "" if thing.kind.reference else _template(thing, function)
            parameter = next((places[t] for t in sorted(thing.texts) if t in places), -1)
            if not text and not thing.field and parameter < 0:
                continue
            bits = functools.reduce(operator.or_, (may.at(node, number) for node in ends), 0)
            if not bits & (HELD | GIVEN):
                continue
            statuses = self._statuses(function, thing)
            if statuses & (HELD | GIVEN | LOST):
                self._leaves[function, thing] = statuses
                yield Net(thing, text, parameter, statuses, bool(bits & GIVEN))

    def _statuses(self, function: Function, thing: Thing) -> int:
        made = 0
        for status, _ in self.helped.ends(function, thing, {}):
            made |= status
        return made

    def leaves(self, function: Function, thing: Thing) -> int:
        """Return the statuses that a helper may leave, LOST where that is not known."""
        return self._leaves.get((function, thing), LOST)

    def _helped(self, function: Function, level: int) -> Iterator[Mention]:
        """Yield what the helpers that a function calls do."""
        for node in function.graph.nodes:
            callee = self.callee(node, function) if node.kind == "call" else None
            for net in self.nets(callee, level - 1) if callee is not None else ():
                made = _mention(net, node, callee, function) if callee is not None else None
                if made is not None:
                    yield made

    def _lose_what_is_looked_up(self, thing: Thing, function: Function) -> None:
        """What was looked up may be looked up, and given back, by a helper too."""
        for node in function.graph.nodes:
            name = node.expr.op if node.kind == "call" and node.expr is not None else ""
            callee = self._program.find_function(name, function.path)
            if callee is None or node.index in thing.events:
                continue
            for each in self.things(callee, 0):
                own = each.kind is thing.kind and any(e.looked_up for _, e in each.takes())
                if own and any(e.op == "drop" for e in each.events.values()):
                    thing.events[node.index] = Event("escape")


def _is_known(members: list[Mention]) -> bool:
    """Whether a thing is given or taken, by the function itself if it is not known which it is."""
    known = any(m.event.op in ("take", "drop") or m.raw[:2] != "*." for m in members)
    return known and any(m.event.op != "lose" for m in members)


def _mention(net: Net, node: Node, callee: Function, function: Function) -> Mention | None:
    """Return what a call of a helper does with one thing, in the caller's terms."""
    assert node.expr is not None
    args = node.expr.args
    kind, field = net.thing.kind, net.thing.field
    event = Event("call", name=node.expr.op, callee=callee, inner=net.thing)
    event = replace(event, only_gives=not net.statuses & (HELD | LOST), gives=net.gives)
    if kind.reference:
        if not 0 <= net.parameter < len(args):
            return None
        raw = args[net.parameter].bare.text
        return Mention(kind, node, event, raw, raw, "")
    raw = _filled(net.text, callee, [a.bare.text for a in args])
    definitions = definitions_of(function)
    texts = [written_out(a, node, definitions) or a.bare.text for a in args]
    full = _filled(net.text, callee, texts)
    if not raw and not field:
        return None
    return Mention(kind, node, event, raw or f"*.{field}", full or f"*.{field}", field)


def _template(thing: Thing, function: Function) -> str:
    """Return a thing's text if it is in terms of parameters and globals alone."""
    parameters = {p.name for p in function.parameters}
    for text in sorted(thing.full):
        own = {w for w in VARIABLE.findall(text) if w in function.locals}
        if own <= parameters:
            return text
    return ""


def _filled(text: str, callee: Function, args: list[str]) -> str:
    """Return a helper's text with a call's arguments for the parameters."""
    places = {p.name: i for i, p in enumerate(callee.parameters)}

    def fill(match: re.Match[str]) -> str:
        place = places.get(match.group(1), -1)
        if not 0 <= place < len(args):
            return match.group()
        arg, arrow = args[place], match.group(2) or ""
        if arg.startswith("&"):
            return f"{arg[1:]}." if arrow else arg
        return arg + arrow

    return re.sub(rf"({VARIABLE.pattern})\b(->)?", fill, text).replace("&&", "&")
