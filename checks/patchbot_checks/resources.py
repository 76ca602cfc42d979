"""What calls take, give back or lose: `facts/resources.toml`, `locks.toml`, `references.toml`."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from patchbot_checks.csource.expr import Expr, words_of
from patchbot_checks.csource.values import NEGATIVE, NONZERO, ONE, POSITIVE, ZERO, Value
from patchbot_checks.facts import load
from patchbot_checks.facts.model import Call, Callback, Resource
from patchbot_checks.tables import names, plays

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
    """What a call of some names does with a thing: `op` is take, drop or lose.

    `part` is the resource that the call names, `kind` the one that this is a part of.
    """

    op: str
    kind: Kind
    part: str
    object: int | str
    by_count: Mapping[str, int]
    fails: str
    unless: re.Pattern[str]
    only: int
    looked_up: bool

    def is_meant(self, call: Expr) -> bool:
        """Whether a call of the name does it: some do with some arguments only."""
        return self.only in (0, len(call.args)) and not self.unless.search(call.text)

    def objects(self, call: Expr) -> Iterator[Expr | None]:
        """Yield what the call is about; None for its result, or where there is one thing only."""
        if isinstance(self.object, int):
            place = self.by_count.get(str(len(call.args)), self.object)
            if -len(call.args) <= place < len(call.args):
                yield call.args[place]
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


def _field_of(call: Expr, place: str, name: str) -> Iterator[Expr]:
    """Yield `x.field` for an argument `&x`, `p->field` for an argument p."""
    at = int(place)
    if not -len(call.args) <= at < len(call.args):
        return
    base, sign = call.args[at].bare, "->"
    if base.kind == "unary" and base.op == "&":
        base, sign = base.args[0], "."
    if base.kind in ("name", "field"):
        yield Expr("field", f"{base.text}{sign}{name}", name, (base,), names=base.names)


def _set_through(call: Expr, place: int) -> Iterator[Expr]:
    """Yield x for an argument `&x`."""
    base = call.args[place].bare if -len(call.args) <= place < len(call.args) else call
    if base.kind == "unary" and base.op == "&" and base.args[0].kind == "name":
        yield base.args[0]


@functools.cache
def resources() -> dict[str, Resource]:
    """Return all resources by name."""
    return {each.name: each for each in load("resources.toml").of(Resource)}


@functools.cache
def calls() -> tuple[Call, ...]:
    """Return all entries on calls."""
    return (*load("locks.toml").of(Call), *load("references.toml").of(Call))


@functools.cache
def kinds() -> dict[str, Kind]:
    """Return the kinds of things by name: the resources that are part of no other."""
    return {
        each.name: Kind(
            each.name, each.words, each.reference, each.outside == "keeps", each.lent,
            re.compile("|".join(each.others) or "(?!)"), each.asks, each.kept_with, each.kept_in,
            each.nests,
        )
        for each in resources().values() if not each.part_of
    }  # fmt: skip


@functools.cache
def _effects() -> dict[str, tuple[Effect, ...]]:
    found: dict[str, tuple[Effect, ...]] = {}
    for each in calls():
        effect = _effect(each)
        for name in each.names:
            found[name] = (*found.get(name, ()), effect)
    return found


@functools.cache
def _by_pattern() -> tuple[tuple[re.Pattern[str], Effect], ...]:
    return tuple((re.compile(p), _effect(each)) for each in calls() for p in each.patterns)


def _effect(call: Call) -> Effect:
    part = resources()[call.resource]
    unless = re.compile(call.unless) if call.unless else _NEVER
    return Effect(
        call.does, kinds()[part.part_of or part.name], part.name, call.object, call.by_count,
        call.fails, unless, call.only, call.looked_up,
    )  # fmt: skip


@functools.lru_cache(maxsize=100_000)
def named(name: str) -> tuple[Effect, ...]:
    """Return what a call of this name may do."""
    more = tuple(effect for pattern, effect in _by_pattern() if pattern.fullmatch(name))
    return _effects().get(name, ()) + more


def effects(call: Expr) -> Iterator[Effect]:
    """Yield what a call does."""
    for each in named(call.op):
        if each.is_meant(call):
            yield each


@dataclass(frozen=True, slots=True)
class Lock:
    """A resource as orders and questions name it: what takes and drops it, and who holds it.

    `fields` are those that say that a more general lock is this one; `callbacks` are fields of
    structs whose functions run with it held.
    """

    resource: Resource
    fields: frozenset[str]
    callbacks: frozenset[str]

    def named(self, name: str) -> tuple[Effect, ...]:
        """Return what a call of this name may do with it, if its arguments are right."""
        return _of_lock(self.resource.name, name)

    def effects(self, call: Expr) -> Iterator[Effect]:
        """Yield what a call does with it."""
        for effect in self.named(call.op):
            mine = effect.part == self.resource.name or self.fields & words_of(call.text)
            if mine and effect.is_meant(call):
                yield effect

    @property
    def words(self) -> frozenset[str]:
        """Words, one of which stands in any file that takes or drops it."""
        own = {n for each in calls() if each.resource == self.resource.name for n in each.names}
        return self.fields | own | names(*self.resource.taken_by, *self.resource.dropped_by)

    def is_passed_as(self, ctype: str) -> bool:
        """Whether who has a parameter of a type, or a result, runs while it is held."""
        return self.resource.passed_on and ctype.replace(" *", "*") in {
            each.replace(" *", "*") for each in self.resource.types
        }


@functools.lru_cache(maxsize=100_000)
def _of_lock(resource: str, name: str) -> tuple[Effect, ...]:
    mine = resources()[resource]
    whole = mine.part_of if mine.fields else mine.name
    found = [effect for effect in named(name) if effect.part in (mine.name, whole)]
    for op, roles in (("take", mine.taken_by), ("drop", mine.dropped_by)):
        if any(plays(name, role) for role in roles):
            kind = kinds()[mine.part_of or mine.name]
            found.append(Effect(op, kind, mine.name, "none", {}, "never", _NEVER, 0, False))
    return tuple(found)


@functools.cache
def lock(name: str) -> Lock:
    """Return a resource with what is known of its holders; raises `KeyError`."""
    mine = resources()[name]
    callbacks = load("callbacks.toml").of(Callback)
    return Lock(
        mine, frozenset((*mine.fields, *mine.former)),
        frozenset(each.name for each in callbacks if name in each.holds),
    )  # fmt: skip
