"""What is taken and given back, from `facts/releases.toml`."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Any

from patchbot_checks.csource.expr import Expr
from patchbot_checks.csource.values import (
    NEGATIVE,
    NONZERO,
    ONE,
    POSITIVE,
    ZERO,
    Value,
)

_NEVER = re.compile(r"(?!)")
WAYS: dict[str, tuple[Value | None, tuple[Value, ...]]] = {
    "never": (None, ()),
    "null": (POSITIVE, (ZERO,)),
    "error": (POSITIVE, (NEGATIVE,)),
    "null-or-error": (POSITIVE, (ZERO, NEGATIVE)),
    "nonzero": (ZERO, (NONZERO,)),
    "zero": (ONE, (ZERO,)),
}
"""By how a call says that it failed: its value when it took the thing, and its other values."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of thing that is taken; see the table for what the fields mean."""

    name: str
    words: str
    reference: bool
    keeps: bool
    lent: bool
    other: re.Pattern[str]
    asks: tuple[str, ...]
    kept_with: str
    kept_in: tuple[str, ...]
    nests: bool

    def is_kept_by(self, name: str) -> bool:
        """Whether a function outside the tree ("" for a pointer) keeps a reference that it gets."""
        return self.keeps != bool(name and self.other.fullmatch(name))


@dataclass(frozen=True, slots=True)
class Effect:
    """What a call of some names does with a thing: `op` is take, drop or lose."""

    op: str
    kind: Kind
    names: re.Pattern[str]
    object: int | str
    fails: str
    unless: re.Pattern[str]
    looked_up: bool = False

    def objects(self, call: Expr) -> Iterator[Expr | None]:
        """Yield what the call is about; None for its result, or where there is one thing only."""
        if isinstance(self.object, int):
            if -len(call.args) <= self.object < len(call.args):
                yield call.args[self.object]
        elif self.object == "any":
            yield from call.args
        elif self.object == "all":
            if call.args:
                yield functools.reduce(_pair, call.args)
        elif self.object[0] == "*":
            yield from _set_through(call, int(self.object[1:]))
        elif "->" in self.object:
            yield from _field_of(call, *self.object.split("->"))
        else:
            yield None


def _pair(first: Expr, second: Expr) -> Expr:
    text = f"{first.text}, {second.text}"
    return Expr("comma", text, ",", (first, second), names=first.names | second.names)


def _field_of(call: Expr, place: str, field: str) -> Iterator[Expr]:
    """Yield `x.field` for an argument `&x`, `p->field` for an argument p."""
    at = int(place)
    if not -len(call.args) <= at < len(call.args):
        return
    base, sign = call.args[at].bare, "->"
    if base.kind == "unary" and base.op == "&":
        base, sign = base.args[0], "."
    if base.kind in ("name", "field"):
        yield Expr("field", f"{base.text}{sign}{field}", field, (base,), names=base.names)


def _set_through(call: Expr, place: int) -> Iterator[Expr]:
    """Yield x for an argument `&x`."""
    base = call.args[place].bare if -len(call.args) <= place < len(call.args) else call
    if base.kind == "unary" and base.op == "&" and base.args[0].kind == "name":
        yield base.args[0]


@functools.cache
def kinds() -> dict[str, Kind]:
    """Return the kinds of things by name."""
    return {
        name: Kind(
            name, each["words"], each.get("reference", False), each.get("outside") == "keeps",
            each.get("lent", False),
            re.compile(each["other"]) if "other" in each else _NEVER,
            tuple(each.get("asks", ())), each.get("kept_with", ""),
            tuple(each.get("kept_in", ())), each.get("nests", False),
        )
        for name, each in _facts()["kind"].items()
    }  # fmt: skip


@functools.cache
def _facts() -> dict[str, Any]:
    text = resources.files("patchbot_checks.facts").joinpath("releases.toml").read_text("utf-8")
    return tomllib.loads(text)


@functools.cache
def _effects() -> tuple[Effect, ...]:
    return tuple(
        Effect(
            op, kinds()[each["kind"]], re.compile(each["names"]), each["object"],
            each.get("fails", "never"),
            re.compile(each["unless"]) if "unless" in each else _NEVER,
            each.get("looked_up", False),
        )
        for op in ("take", "drop", "lose")
        for each in _facts()[op]
    )  # fmt: skip


@functools.lru_cache(maxsize=100_000)
def named(name: str) -> tuple[Effect, ...]:
    """Return what a call of this name may do."""
    return tuple(each for each in _effects() if each.names.fullmatch(name)) if name else ()


def effects(call: Expr) -> Iterator[Effect]:
    """Yield what a call does."""
    for each in named(call.op):
        if not each.unless.search(call.text):
            yield each


@functools.cache
def is_same_object(name: str) -> bool:
    """Whether a call by this name gives the same object each time, see the table's `same`."""
    return bool(re.fullmatch(_facts()["same"]["names"], name))


@functools.cache
def is_neutral(name: str) -> bool:
    """Whether a call by this name leaves a lock that it gets as it is, see `neutral`."""
    return bool(re.fullmatch(_facts()["neutral"]["names"], name))
