"""Which locks a function may take or drop, itself or in what it calls, by names alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from patchbot_checks.context import Context
from patchbot_checks.csource.graph import NotUnderstoodError
from patchbot_checks.csource.unit import Function
from patchbot_checks.rules.lock_order.ranks import direct_effects, effects, locks

_CALL = re.compile(r"\b([A-Za-z_]\w*)\s*\(")
Effect = tuple[str, str]
Touched = Mapping[Effect, int]


class Reach:
    """Asks a context's program for callees; what it learns is kept with the program."""

    def __init__(self, context: Context) -> None:
        self._program = context.program
        self._touched: dict[Function, Touched] = _kept(context, "_lock_order_touched")
        self._roles: dict[str, dict[str, frozenset[str]]] = _kept(context, "_lock_order_roles")

    def touched(self, function: Function) -> Touched:
        """Return what may happen in a function and below, as (kind, lock): how many calls below.

        Where functions call each other in a circle, one of them may miss a part.
        """
        known = self._touched.get(function)
        if known is None:
            found: dict[Effect, int] = dict.fromkeys(direct(function), 0)
            self._touched[function] = found
            for callee in self._callees(function):
                for effect, depth in tuple(self.touched(callee).items()):
                    found[effect] = min(found.get(effect, depth + 1), depth + 1)
            known = found
        return known

    def _callees(self, function: Function) -> Iterator[Function]:
        for name in called(function):
            callee = self._program.find_function(name, function.path)
            if callee is not None and callee is not function:
                yield callee

    def entry(self, function: Function) -> frozenset[str]:
        """Return the locks that are held whenever a function runs, by its role or parameters."""
        types = {parameter.ctype for parameter in function.parameters}
        passed = {name for name, lock in locks().items() if any(map(lock.is_passed_as, types))}
        role = self._role(function.path).get(function.name, frozenset())
        return role | passed | self._given(function)

    def _given(self, function: Function) -> frozenset[str]:
        """Return the locks of a parameter that a function drops before it takes any of the kind."""
        known: frozenset[str] | None = function.__dict__.get("_locks_given")
        if known is None:
            dropped = {name for kind, name in direct(function) if kind == "drop"}
            known = frozenset(name for name in dropped if self._is_given(function, name))
            function.__dict__["_locks_given"] = known
        return known

    def _is_given(self, function: Function, lock: str) -> bool:
        parameters = {parameter.name for parameter in function.parameters}
        try:
            work = [function.graph.entry]
        except NotUnderstoodError:
            return False
        seen: set[int] = set()
        while work:
            node = work.pop()
            if node.index in seen:
                continue
            seen.add(node.index)
            call = node.expr if node.kind == "call" else None
            ops = {done.op for done in effects(call) if done.lock == lock} if call else set()
            if call is not None and "drop" in ops:
                if any(arg.bare.root in parameters for arg in call.args):
                    return True
            elif not ops and not (call is not None and self._takes(call.op, function, lock)):
                work += node.succ
        return False

    def _takes(self, name: str, function: Function, lock: str) -> bool:
        """Whether a helper may take a lock."""
        callee = self._program.find_function(name, function.path)
        return callee is not None and ("take", lock) in self.touched(callee)

    def _role(self, path: str) -> dict[str, frozenset[str]]:
        """Return which locks are held around the callbacks of a file's folder, by function."""
        if path not in self._roles:
            made: dict[str, frozenset[str]] = {}
            for held, lock in locks().items():
                names: set[str] = set()
                if lock.callbacks:
                    names = names.union(*self._program.installed(path, lock.callbacks).values())
                for name in names:
                    made[name] = made.get(name, frozenset()) | {held}
            self._roles[path] = made
        return self._roles[path]


def _kept(context: Context, name: str) -> Any:
    return context.program.__dict__.setdefault(name, {})


def called(function: Function) -> frozenset[str]:
    """Return the names that a function calls."""
    known: frozenset[str] | None = function.__dict__.get("_called")
    if known is None:
        text = function.source.decode("utf-8", "replace")
        known = frozenset(_CALL.findall(text)) - {function.name}
        function.__dict__["_called"] = known
    return known


def direct(function: Function) -> frozenset[Effect]:
    """Return what a function itself may take or drop."""
    known: frozenset[Effect] | None = function.__dict__.get("_locks_named")
    if known is None:
        words = frozenset(function.words)
        known = frozenset().union(*(direct_effects(name, words) for name in called(function)))
        function.__dict__["_locks_named"] = known
    return known
