"""Who calls a function, and whether they expect that it keeps something."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from patchbot_checks.csource.graph import Node, NotUnderstoodError
from patchbot_checks.csource.unit import Function
from patchbot_checks.program import Program
from patchbot_checks.rules.exit_without_release.flow import GIVEN
from patchbot_checks.rules.exit_without_release.helpers import LEVELS, Helpers, Net
from patchbot_checks.rules.exit_without_release.table import named
from patchbot_checks.rules.exit_without_release.things import Thing

_CALL = re.compile(r"\b([A-Za-z_]\w*)\s*\(")
_ACCESS = re.compile(r"read|shared|write")
_MEANS = {"read": "read", "shared": "read", "write": "write"}
_SAYS_SO = re.compile(r"(?<!b)(?<!un)(?<!no)(?<!no_)lock(?!ed)|acquire")
_RELEASES = re.compile(r"(?!trace_).*(?:unlock|release|(?:^|_)(?:end|put|up|drop)(?:_|$))")
_MAX_DEPTH = 2
_Giver = tuple[Function, Thing]


@dataclass(frozen=True, slots=True)
class _Search:
    """Who gives a thing back that is held for these accesses; `depth` counts callers of callers.

    `surely` and `told`: see `Callers.is_given_later`. What is held for writing is not given back
    by what gives back for reading.
    """

    accesses: frozenset[str]
    surely: bool
    told: bool
    depth: int = 0

    def is_like(self, accesses: frozenset[str]) -> bool:
        """Whether what gives back may be meant for what was taken."""
        return not (accesses and self.accesses) or bool(accesses & self.accesses)


class Callers:
    """Asks who calls what in a folder; what it learns is kept."""

    def __init__(self, program: Program, helpers: Helpers) -> None:
        self._program = program
        self._helpers = helpers
        self._callers: dict[str, dict[str, list[Function]]] = {}
        self._given: dict[tuple[str, bool, bool, str, str], list[_Giver]] = {}

    def is_called_in(self, function: Function, fields: Iterable[str]) -> bool:
        """Whether a function stands in one of these callback fields, or is called by what does."""
        installed = self._program.installed(function.path, frozenset(fields))
        names = frozenset().union(*installed.values())
        for _ in range(3):
            if function.name in names:
                return True
            found = (self._program.find_function(name, function.path) for name in names)
            names |= frozenset(
                call.op
                for each in found if each is not None
                for node in each.graph.nodes if node.kind == "call" and (call := node.expr)
            )  # fmt: skip
        return function.name in names

    def callers(self, function: Function) -> tuple[Function, ...]:
        """Return the functions of the folder that call a function."""
        folder = function.path.rpartition("/")[0]
        if folder not in self._callers:
            found: dict[str, list[Function]] = {}
            for each in self._folder(function.path):
                source = each.source[each.body.start_byte - each.start :].decode("latin-1")
                for name in frozenset(_CALL.findall(source)):
                    found.setdefault(name, []).append(each)
            self._callers[folder] = found
        listed = self._callers[folder].get(function.name, ())
        return tuple(
            each for each in listed
            if each is not function
            and self._program.find_function(function.name, each.path) is function
        )  # fmt: skip

    def is_given_later(
        self, function: Function, thing: Thing, *, surely: bool, told: bool = False
    ) -> bool:
        """Whether a caller gives back what a function keeps, or whoever else may.

        `surely` leaves out what gives back in some cases only, and the caller can't tell in which;
        by `told` the function says by its value that it keeps something: callers elsewhere may
        know.
        """
        return self._is_given(function, thing, _Search(_accesses(thing, "take"), surely, told))

    def _is_given(self, function: Function, thing: Thing, search: _Search) -> bool:
        described = any(each.kind is thing.kind for each in named(function.name))
        if described or search.depth > _MAX_DEPTH or says_so(function):
            return True
        callers = self.callers(function)
        called = bool(callers) and function.static
        elsewhere = self._is_elsewhere(function, thing, called, search)
        if not function.static and (elsewhere or (search.told and not callers)):
            return True
        nets = self._nets(function, thing)
        if not callers or not nets or (elsewhere and not all(net.text for net in nets)):
            return elsewhere
        return any(self._gives(each, function, thing, search) for each in callers)

    def _nets(self, function: Function, thing: Thing) -> tuple[Net, ...]:
        """Return what a helper leaves of a thing, as its callers see it."""
        return tuple(
            net for net in self._helpers.nets(function)
            if net.thing.kind is thing.kind and not net.thing.full.isdisjoint(thing.full)
        )  # fmt: skip

    def _gives(self, caller: Function, function: Function, thing: Thing, search: _Search) -> bool:
        try:
            things = self._helpers.things(caller)
        except NotUnderstoodError:
            return True
        inner = [net.thing for net in self._nets(function, thing)]
        deeper = replace(search, depth=search.depth + 1)
        if self._is_released_unseen(caller, function):
            return True
        for each in things:
            if each.kind is thing.kind and each.is_only_given:
                return True
            for index, event in each.events.items():
                if (
                    event.callee is function
                    and event.inner in inner
                    and (
                        _is_dropped_after(caller, each, index)
                        or self._is_given(caller, each, deeper)
                    )
                ):
                    return True
        return False

    def _is_released_unseen(self, caller: Function, function: Function) -> bool:
        """Whether what is named as a release, and defined elsewhere, gets what the callee had."""
        calls = [n for n in caller.graph.nodes if n.kind == "call" and n.expr is not None]
        had = {word for n in calls if n.expr and n.expr.op == function.name for word in _given(n)}
        return any(
            node.expr is not None
            and _RELEASES.match(node.expr.op)
            and not named(node.expr.op)
            and any(arg.bare.text in had for arg in node.expr.args)
            and self._program.find_function(node.expr.op, caller.path) is None
            for node in calls
        )

    def is_given_elsewhere(self, function: Function, thing: Thing) -> bool:
        """Whether another function gives a thing back."""
        search = _Search(_accesses(thing, "take"), surely=False, told=False)
        return self._is_elsewhere(function, thing, True, search)

    def _is_elsewhere(
        self, function: Function, thing: Thing, called: bool, search: _Search
    ) -> bool:
        """Whether another function (one that nobody calls here, for `called`) gives it back."""
        folder = function.path.rpartition("/")[0]
        key = (folder, called, search.surely, thing.kind.name, thing.field)
        if key not in self._given:
            self._given[key] = [
                (each, net.thing)
                for each in self._may_know(function.path, thing.field)
                if not named(each.name)
                and (called or not each.static or not self.callers(each))
                for net in self._helpers.nets(each)
                if net.statuses & GIVEN or (net.gives and not search.surely)
                if (net.thing.kind.name, net.thing.field) == (thing.kind.name, thing.field)
            ]  # fmt: skip
        return any(
            each is not function and search.is_like(_accesses(other, "drop"))
            for each, other in self._given[key]
        )

    def _may_know(self, path: str, field: str) -> list[Function]:
        """Return the functions of a folder that have a field's name, or call what has it."""
        everyone = list(self._folder(path))
        if not field:
            return everyone
        found = {id(each): each for each in everyone if field in each.words}
        newest = list(found.values())
        for _ in range(LEVELS):
            callers = [caller for each in newest for caller in self.callers(each)]
            newest = [each for each in callers if id(each) not in found]
            found.update((id(each), each) for each in newest)
        return [each for each in everyone if id(each) in found]

    def _folder(self, path: str) -> Iterator[Function]:
        for each in self._program.siblings(path):
            unit = self._program.unit(each)
            yield from unit.functions if unit is not None else ()


def _given(call: Node) -> Iterator[str]:
    """Yield what a call gets, and what its value goes to, as text."""
    if call.target is not None:
        yield call.target.bare.text
    for arg in call.expr.args if call.expr is not None else ():
        yield arg.bare.text


def says_so(function: Function) -> bool:
    """Whether a function's name says that it takes a lock."""
    return bool(_SAYS_SO.search(function.name))


def _accesses(thing: Thing, op: str, depth: int = 0) -> frozenset[str]:
    """Return "read" or "write", as the calls that do this are named; nothing if one says neither.

    A helper's calls are looked at.
    """
    found: set[str] = set()
    for event in thing.events.values():
        if event.op == "call" and event.inner is not None and depth <= _MAX_DEPTH:
            found |= _accesses(event.inner, op, depth + 1) or {"read", "write"}
        elif event.op == op:
            found |= {_MEANS[w] for w in _ACCESS.findall(event.name)} or {"read", "write"}
    return frozenset(found)


def _is_dropped_after(function: Function, thing: Thing, index: int) -> bool:
    """Whether a thing may be given back after a step, before it is taken again."""
    nodes = {node.index: node for node in function.graph.nodes}
    work, seen = list(nodes[index].succ), set()
    while work:
        node = work.pop()
        if node.index in seen:
            continue
        seen.add(node.index)
        event = thing.events.get(node.index)
        if event is not None and event.op == "drop":
            return True
        if event is not None and event.op == "call" and event.gives:
            return True
        if event is None or event.op != "take":
            work += node.succ
    return False
