"""Judge changes of flags by their function, and where that is not enough by its callers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from patchbot_checks.context import Context, Explorer
from patchbot_checks.csource.unit import Function
from patchbot_checks.journal_data import called
from patchbot_checks.rules.journal_mode_flip_unsafe.machine import FlipMachine, Steps
from patchbot_checks.rules.journal_mode_flip_unsafe.state import Flip, State
from patchbot_checks.rules.journal_mode_flip_unsafe.table import words
from patchbot_checks.rules.journal_mode_flip_unsafe.where import (
    FLAG_NAMES,
    flippers,
    own_changes,
)

_MAX_CALLERS = 4
_MAX_LOOKS = 200


@dataclass(frozen=True, slots=True)
class Fault:
    """A change that is not safe: what is `missing` on some path, and the one that lacks most."""

    flip: Flip
    missing: tuple[str, ...]
    steps: Steps


Place = tuple[str, str, int, str]
Found = tuple[Flip, Steps]


class Judge:
    """Asks functions and their callers; what it learns is kept with the context's program."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._known: dict[Function, tuple[Fault, ...]] = context.program.__dict__.setdefault(
            "_mode_flip_faults", {}
        )
        self._looks = 0

    def words(self) -> frozenset[str]:
        """Return the words of which a function has one if it changes a flag, or calls what does."""
        return FLAG_NAMES | flippers(self._context, self._context.unit.path).keys()

    def faults(self, function: Function) -> Iterator[Fault]:
        """Yield the faults of a function's own changes, and of those of helpers it calls."""
        known = flippers(self._context, function.path)
        for name in sorted({function.name} | called(function)):
            helper = function if name == function.name else known.get(name)
            if helper is not None and own_changes(self._context, helper):
                yield from self._own(helper)

    def _own(self, function: Function) -> tuple[Fault, ...]:
        if function not in self._known:
            self._looks = 0
            found = self._judge(function, function, frozenset())
            if self._looks >= _MAX_LOOKS and not found:
                self._context.lose(function, "it is called in too many ways")
            self._known[function] = tuple(_together(found))
        return self._known[function]

    def _judge(
        self, top: Function, function: Function, between: frozenset[Function]
    ) -> list[Found]:
        """Return the changes of `function` that are not safe when `top` leads to them."""
        self._looks += 1
        machine = FlipMachine(self._context, function, top, between)
        explorer: Explorer[State] = Explorer(machine, tick=self._context.tick)
        self._context.explore(machine, top, explorer=explorer)
        found = list(machine.found.items())
        inside = between | {top}
        if not found or len(inside) > _MAX_CALLERS or self._is_callback(top):
            return found
        callers = [each for each in self._callers(top) if each not in inside]
        above: list[Found] = []
        for caller in callers:
            if self._looks < _MAX_LOOKS and self._context.graph(caller) is not None:
                above += self._judge(caller, function, inside)
        return above if callers else found

    def _callers(self, function: Function) -> Iterator[Function]:
        """Yield the functions of the folder that call one."""
        word = function.name.encode()
        paths = self._context.program.siblings(function.path)
        for path in paths if not function.static or function.path[-2:] == ".h" else paths[:1]:
            data = self._context.program.read(path)
            unit = self._context.program.unit(path) if data is not None and word in data else None
            for each in unit.functions if unit is not None else ():
                if function.name in called(each) and each.name != function.name:
                    yield each

    def _is_callback(self, function: Function) -> bool:
        """Whether a function stands in a struct: what calls it is not seen."""
        kept: dict[Any, bool] = self._context.program.__dict__.setdefault("_mode_flip_back", {})
        if function not in kept:
            pattern = re.compile(rb"[=,{]\s*&?%s\s*[,;}]" % re.escape(function.name.encode()))
            texts = map(self._context.program.read, self._context.program.siblings(function.path))
            kept[function] = any(text is not None and pattern.search(text) for text in texts)
        return kept[function]


def _together(found: Iterable[Found]) -> Iterator[Fault]:
    """Yield a fault for each changed flag and line: all that is missing on any path."""
    places: dict[Place, list[Found]] = {}
    for flip, steps in found:
        places.setdefault((flip.path, flip.function, flip.line, flip.name), []).append(
            (flip, steps)
        )
    for each in places.values():
        worst, steps = max(each, key=lambda one: (len(one[0].faults), -len(one[0].chain)))
        yield Fault(worst, _ordered({name for flip, _ in each for name in flip.faults}), steps)


def _ordered(missing: set[str]) -> tuple[str, ...]:
    """Return what is missing in the table's order; what was not done at all says it all."""
    order = [*words()]
    kept = {each for each in missing if each.rpartition(":")[2] not in missing - {each}}
    return tuple(sorted(kept, key=lambda each: (order.index(each.rpartition(":")[2]), each)))
