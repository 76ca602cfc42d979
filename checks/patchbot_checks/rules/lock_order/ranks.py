"""The locks and their order, from `facts/lock_order.toml`."""

from __future__ import annotations

import functools
import re
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any

from patchbot_checks.csource.expr import Expr

_NEVER = re.compile(r"(?!)")


@dataclass(frozen=True, slots=True)
class Lock:
    """One kind of lock; see the table for what the fields mean."""

    name: str
    words: str
    take: re.Pattern[str]
    tries: re.Pattern[str]
    get: re.Pattern[str]
    get_words: re.Pattern[str]
    drop: re.Pattern[str]
    field: re.Pattern[str] | None
    fails: bool
    parameter: str
    callbacks: frozenset[str]


@dataclass(frozen=True, slots=True)
class Order:
    """`taken` must not be taken where `held` is held."""

    held: str
    taken: str
    why: str
    not_in: tuple[str, ...]


@functools.cache
def _facts() -> dict[str, Any]:
    text = resources.files("patchbot_checks.facts").joinpath("lock_order.toml").read_text("utf-8")
    return tomllib.loads(text)


@functools.cache
def locks() -> dict[str, Lock]:
    """Return the kinds of locks by name."""
    return {
        name: Lock(
            name, each["words"], re.compile(each["take"]), _pattern(each, "try"),
            _pattern(each, "get"), _pattern(each, "get_words"), _pattern(each, "drop"),
            re.compile(each["field"]) if "field" in each else None,
            each.get("result") == "error", each.get("parameter", ""),
            frozenset(each.get("callback", ())),
        )
        for name, each in _facts()["lock"].items()
    }  # fmt: skip


def _pattern(each: dict[str, Any], key: str) -> re.Pattern[str]:
    return re.compile(each[key]) if key in each else _NEVER


@functools.cache
def orders() -> tuple[Order, ...]:
    """Return the pairs that must not be."""
    return tuple(
        Order(each["held"], each["taken"], each["why"], tuple(each.get("not_in", ())))
        for each in _facts()["order"]
    )


@functools.lru_cache(maxsize=50_000)
def named(name: str) -> tuple[tuple[str, str], ...]:
    """Return what a call of this name may do, as (take, try, get or drop; lock)."""
    found = []
    for lock in locks().values():
        for kind, pattern in (
            ("take", lock.take), ("try", lock.tries), ("get", lock.get), ("drop", lock.drop),
        ):  # fmt: skip
            if pattern.fullmatch(name):
                found.append((kind, lock.name))
    return tuple(found)


def effects(call: Expr) -> tuple[tuple[str, Lock], ...]:
    """Return what a call does, as (take, try, get or drop; lock)."""
    made = []
    for kind, name in named(call.op):
        lock = locks()[name]
        if lock.field is not None and not lock.field.search(call.text):
            continue
        if kind == "get" and not lock.get_words.search(call.text):
            continue
        made.append((kind, lock))
    return tuple(made)
