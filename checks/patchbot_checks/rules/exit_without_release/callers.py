"""Who calls a function, and whether they expect that it keeps something."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from patchbot_checks.csource.graph import NotUnderstoodError
from patchbot_checks.csource.unit import Function
from patchbot_checks.program import Program
from patchbot_checks.rules.exit_without_release.flow import GIVEN, LOST
from patchbot_checks.rules.exit_without_release.helpers import Helpers
from patchbot_checks.rules.exit_without_release.table import named
from patchbot_checks.rules.exit_without_release.things import Thing

_CALL = re.compile(r"\b([A-Za-z_]\w*)\s*\(")
_MAX_DEPTH = 2


class Callers:
    """Asks who calls what in a folder; what it learns is kept."""

    def __init__(self, program: Program, helpers: Helpers) -> None:
        self._program = program
        self._helpers = helpers
        self._callers: dict[str, dict[str, list[Function]]] = {}
        self._given: dict[tuple[str, bool, bool], frozenset[tuple[str, str]]] = {}

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
        self, function: Function, thing: Thing, *, surely: bool, depth: int = 0
    ) -> bool:
        """Whether a caller gives back what a function keeps, or whoever else may.

        `surely` leaves out what gives back in some cases only, and the caller can't tell in which.
        """
        if named(function.name) or depth > _MAX_DEPTH:
            return True
        callers = self.callers(function)
        elsewhere = self.is_given_elsewhere(
            function, thing, called=bool(callers) and function.static, surely=surely
        )
        if not function.static and elsewhere:
            return True
        if not callers or not self._nets(function, thing):
            return elsewhere
        return any(self._gives(each, function, thing, surely, depth) for each in callers)

    def _nets(self, function: Function, thing: Thing) -> tuple[Thing, ...]:
        """Return the things of a helper, as its callers see it, that are this one."""
        return tuple(
            net.thing for net in self._helpers.nets(function)
            if net.thing.kind is thing.kind and not net.thing.full.isdisjoint(thing.full)
            and not net.statuses & LOST
        )  # fmt: skip

    def _gives(
        self, caller: Function, function: Function, thing: Thing, surely: bool, depth: int
    ) -> bool:
        try:
            things = self._helpers.things(caller)
        except NotUnderstoodError:
            return True
        inner = self._nets(function, thing)
        for each in things:
            for index, event in each.events.items():
                if (
                    event.callee is function
                    and event.inner in inner
                    and (
                        _is_dropped_after(caller, each, index)
                        or self.is_given_later(caller, each, surely=surely, depth=depth + 1)
                    )
                ):
                    return True
        return False

    def is_given_elsewhere(
        self, function: Function, thing: Thing, *, called: bool, surely: bool = False
    ) -> bool:
        """Whether another function (one that nobody calls here, for `called`) gives it back."""
        key = (function.path.rpartition("/")[0], called, surely)
        if key not in self._given:
            given: set[tuple[str, str]] = set()
            for each in self._folder(function.path):
                if called or not each.static or not self.callers(each):
                    given |= {
                        (net.thing.kind.name, net.thing.field)
                        for net in self._helpers.nets(each)
                        if net.statuses & (GIVEN if surely else GIVEN | LOST)
                    }  # fmt: skip
            self._given[key] = frozenset(given)
        return (thing.kind.name, thing.field) in self._given[key]

    def _folder(self, path: str) -> Iterator[Function]:
        for each in self._program.siblings(path):
            unit = self._program.unit(each)
            yield from unit.functions if unit is not None else ()


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
        if event is not None and event.op == "call" and event.inner is not None:
            return True
        if event is None or event.op != "take":
            work += node.succ
    return False
