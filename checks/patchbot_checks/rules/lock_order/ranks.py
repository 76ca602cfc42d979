"""The order of locks, from `facts/orders.toml`, and what calls do with them."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from patchbot_checks.csource.expr import Expr
from patchbot_checks.facts import load
from patchbot_checks.facts.model import Order
from patchbot_checks.resources import Effect, Lock, lock

__all__ = ["Done", "Order", "direct_effects", "effects", "locks", "orders"]


@dataclass(frozen=True, slots=True)
class Done:
    """What a call does with a lock: take, try or drop; `fails` is how it says that it did not."""

    op: str
    lock: str
    fails: str


@functools.cache
def orders() -> tuple[Order, ...]:
    """Return the pairs that must not be."""
    return load("orders.toml").of(Order)


@functools.cache
def locks() -> dict[str, Lock]:
    """Return the locks that have an order, by name."""
    return {name: lock(name) for order in orders() for name in (order.held, order.taken)}


def _op(effect: Effect) -> str:
    """Return take, try or drop; "" for what was looked up: it is somebody else's."""
    if effect.op != "take":
        return "drop"
    return "" if effect.looked_up else "try" if effect.fails == "zero" else "take"


@functools.lru_cache(maxsize=50_000)
def _named(name: str) -> tuple[tuple[str, str, frozenset[str]], ...]:
    """Return what a call of this name may do, with the fields of which one must be meant."""
    return tuple(
        (_op(effect), each, frozenset() if effect.part == each else lock.fields)
        for each, lock in locks().items()
        for effect in lock.named(name)
        if _op(effect)
    )


def direct_effects(name: str, words: frozenset[str]) -> frozenset[tuple[str, str]]:
    """Return what a call of this name may do in a function with these words: (op, lock)."""
    return frozenset(
        (op, each) for op, each, fields in _named(name) if not fields or fields & words
    )


def effects(call: Expr) -> tuple[Done, ...]:
    """Return what a call does."""
    return tuple(
        Done(_op(effect), each, effect.fails)
        for each in dict.fromkeys(name for _, name, _ in _named(call.op))
        for effect in locks()[each].effects(call)
        if _op(effect)
    )
