"""The facts of `facts/mode_flip.toml`: flags, the parts that changing them needs, and calls."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Any

from patchbot_checks.csource.expr import Expr
from patchbot_checks.facts import FactsError

_NEVER = re.compile(r"(?!)")


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
def _facts() -> dict[str, Any]:
    """Return the tables; raises `FactsError` for an entry without a source."""
    text = resources.files("patchbot_checks.facts").joinpath("mode_flip.toml").read_text("utf-8")
    facts = tomllib.loads(text)
    for name, table in facts.items():
        for key, each in {name: table}.items() if "source" in table else table.items():
            if not isinstance(each, dict) or not each.get("source"):
                raise FactsError(f"mode_flip.toml: {name}: {key}: it has no source")
    return facts


def _pattern(each: dict[str, Any], key: str) -> re.Pattern[str]:
    return re.compile(each[key]) if each.get(key) else _NEVER


@functools.cache
def flags() -> dict[str, Flag]:
    """Return the kinds of flags by each of their names."""
    found: dict[str, Flag] = {}
    for kind, each in _facts()["flag"].items():
        names, fields = frozenset(each["names"]), frozenset(each["fields"])
        on, off = tuple(each["on"]), tuple(each["off"])
        flag = Flag(kind, names, each.get("bit", ""), fields, on, off)
        found.update(dict.fromkeys(names, flag))
    return found


@functools.cache
def kinds() -> tuple[Flag, ...]:
    """Return the kinds of flags."""
    return tuple(dict.fromkeys(flags().values()))


@functools.cache
def parts() -> tuple[Part, ...]:
    """Return how the parts are done; one part may be done in several ways."""
    return tuple(_part(name, each) for name, each in _facts()["part"].items())


def _part(name: str, each: dict[str, Any]) -> Part:
    place = each.get("inode", ())
    return Part(
        each.get("of", name), _pattern(each, "take"), _pattern(each, "drop"),
        _pattern(each, "done"), _pattern(each, "no"),
        re.compile(each["field"]) if "field" in each else None,
        tuple(place) if isinstance(place, list) else (place,) if place != () else (),
        each.get("result", ""), each.get("under", ""), each.get("after", ""),
        each.get("field_set", ""), each.get("flag_set", ""), each.get("may", False),
        each.get("holder", False),
    )  # fmt: skip


@functools.cache
def words() -> dict[str, Words]:
    """Return what is said of each part."""
    return {
        name: Words(
            each["words"], each.get("early", ""), each.get("failed", ""), each.get("late", ""),
            each.get("journal", False), each.get("wanted_by", ""),
        )
        for name, each in _facts()["part"].items()
        if "words" in each
    }  # fmt: skip


@functools.cache
def changes() -> tuple[Change, ...]:
    """Return the calls that change flags."""
    return tuple(
        Change(how, _pattern(each, "calls"), _pattern(each, "bits"))
        for how, each in _facts()["change"].items()
    )


@functools.cache
def pattern(table: str, key: str) -> re.Pattern[str]:
    """Return a pattern of one of the single tables."""
    return _pattern(_facts()[table], key)


def fresh_start(call: Expr) -> Expr | None:
    """Return the inode that a call first sets up, None where it does not."""
    place: int = _facts()["fresh"]["starts_inode"]
    if not pattern("fresh", "starts").fullmatch(call.op) or len(call.args) < -place:
        return None
    return call.args[place]


@functools.cache
def fresh_fields() -> frozenset[str]:
    """Return the fields of an inode that are set once, before it is live."""
    return frozenset(_facts()["fresh"]["fields"])


@functools.cache
def fresh_marks() -> frozenset[str]:
    """Return the state flags of an inode that is not live yet."""
    return frozenset(_facts()["fresh"]["marks"])


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
