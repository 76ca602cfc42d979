"""The facts of `facts/mode_flip.toml`: flags, the parts that changing them needs, and calls."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from patchbot_checks.csource.expr import Expr
from patchbot_checks.facts import Facts, load
from patchbot_checks.facts import model as facts

_NEVER = re.compile(r"(?!)")
_SINGLE: dict[str, type[facts.Fact]] = {
    "fresh": facts.Fresh, "pageless": facts.Pageless, "accessor": facts.Accessor,
    "journal": facts.NoJournal,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Flag:
    """A kind of flag: `on` and `off` are the parts that turning it needs; `bit` a bit's number."""

    kind: str
    names: frozenset[str]
    bit: str
    fields: frozenset[str]
    on: tuple[str, ...]
    off: tuple[str, ...]

    def needs(self, on: bool | None) -> tuple[str, ...]:
        """Return the parts that a change needs; None for an unknown direction."""
        if on is None:
            return tuple(dict.fromkeys((*self.on, *self.off)))
        return self.on if on else self.off


@dataclass(frozen=True, slots=True)
class Part:
    """How calls do a part: see the head of the table."""

    name: str
    take: re.Pattern[str]
    drop: re.Pattern[str]
    done: re.Pattern[str]
    no: re.Pattern[str]
    field: re.Pattern[str] | None
    inodes: tuple[int, ...]
    result: str
    under: str
    after: str
    field_set: str
    flag_set: str
    may: bool
    holder: bool

    def does(self, pattern: re.Pattern[str], call: Expr) -> bool:
        """Whether a call matches one of the part's patterns."""
        if not pattern.fullmatch(call.op):
            return False
        return self.field is None or self.field.search(call.text) is not None


@dataclass(frozen=True, slots=True)
class Words:
    """What a finding says of a part: missing, too early, failed, too late."""

    missing: str
    early: str
    failed: str
    late: str
    journal: bool
    wanted_by: str


@dataclass(frozen=True, slots=True)
class Change:
    """Calls that change a flag: to `on`, to `off`, over (`turn`), or as a `mask` says."""

    how: str
    calls: re.Pattern[str]
    bits: re.Pattern[str]


@functools.cache
def _facts() -> Facts:
    return load("mode_flip.toml")


def _pattern(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns)) if patterns else _NEVER


@functools.cache
def flags() -> dict[str, Flag]:
    """Return the kinds of flags by each of their names."""
    found: dict[str, Flag] = {}
    for each in _facts().of(facts.ModeFlag):
        names, fields = frozenset(each.names), frozenset(each.fields)
        flag = Flag(each.name, names, each.bit, fields, each.on, each.off)
        found.update(dict.fromkeys(names, flag))
    return found


@functools.cache
def kinds() -> tuple[Flag, ...]:
    """Return the kinds of flags."""
    return tuple(dict.fromkeys(flags().values()))


@functools.cache
def parts() -> tuple[Part, ...]:
    """Return how the parts are done; one part may be done in several ways."""
    return tuple(map(_part, _facts().of(facts.ModePart)))


def _part(each: facts.ModePart) -> Part:
    field = (*each.field, *each.former)
    return Part(
        each.of or each.name, _pattern(*each.take), _pattern(*each.drop), _pattern(*each.done),
        _pattern(*each.no), _pattern(*field) if field else None, each.inode, each.result,
        each.under, each.after, each.field_set, each.flag_set, each.may, each.holder,
    )  # fmt: skip


@functools.cache
def words() -> dict[str, Words]:
    """Return what is said of each part."""
    return {
        each.name: Words(
            each.words, each.early, each.failed, each.late, each.journal, each.wanted_by
        )
        for each in _facts().of(facts.ModePart)
        if each.words
    }


@functools.cache
def changes() -> tuple[Change, ...]:
    """Return the calls that change flags."""
    return tuple(
        Change(each.name, _pattern(*each.calls), _pattern(*each.bits))
        for each in _facts().of(facts.ModeChange)
    )


@functools.cache
def pattern(table: str, key: str) -> re.Pattern[str]:
    """Return a pattern of one of the single tables."""
    (entry,) = _facts().of(_SINGLE[table])
    return _pattern(*getattr(entry, key))


@functools.cache
def _fresh() -> facts.Fresh:
    (entry,) = _facts().of(facts.Fresh)
    return entry


def fresh_start(call: Expr) -> Expr | None:
    """Return the inode that a call first sets up, None where it does not."""
    place: int = _fresh().starts_inode
    if not pattern("fresh", "starts").fullmatch(call.op) or len(call.args) < -place:
        return None
    return call.args[place]


@functools.cache
def fresh_fields() -> frozenset[str]:
    """Return the fields of an inode that are set once, before it is live."""
    return frozenset(_fresh().fields)


@functools.cache
def fresh_marks() -> frozenset[str]:
    """Return the state flags of an inode that is not live yet."""
    return frozenset(_fresh().marks)


def flags_in(names: Iterable[str]) -> Iterator[tuple[str, Flag]]:
    """Yield the flags among some names."""
    for name in sorted(names):
        if name in flags():
            yield name, flags()[name]


@functools.lru_cache(maxsize=20_000)
def is_question(name: str) -> bool:
    """Whether a call's answer tells something of an inode or a journal."""
    known = [part.no for part in parts()]
    known += [pattern("pageless", "yes"), pattern("pageless", "no"), pattern("journal", "calls")]
    return any(each.fullmatch(name) for each in known)


@functools.lru_cache(maxsize=20_000)
def may_do_part(name: str) -> bool:
    """Whether a call of this name may take, drop or do a part."""
    return any(p.fullmatch(name) for each in parts() for p in (each.take, each.drop, each.done))
