"""The tables of kernel facts that rules read: which call takes which lock, what dirties, ...

`load("roles.toml")` gives one file's entries; each names its source. What an entry may hold is in
`model.py`; `tools/check_facts.py` compares the tables with kernel trees.
"""

from __future__ import annotations

import functools
import re
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from importlib import resources
from typing import Any, TypeVar

from patchbot_checks.facts.model import (
    Accessor,
    Call,
    Callback,
    Fact,
    Fresh,
    Integer,
    Keyed,
    Limit,
    Listed,
    Macro,
    ModeChange,
    ModeFlag,
    ModePart,
    NoJournal,
    Order,
    Pageless,
    Question,
    Resource,
    Role,
)

F = TypeVar("F", bound=Fact)

TABLES: dict[str, dict[str, type[Fact]]] = {
    "roles.toml": {"": Role},
    "resources.toml": {"resource": Resource},
    "locks.toml": {"call": Call},
    "references.toml": {"call": Call},
    "callbacks.toml": {"callback": Callback},
    "orders.toml": {"order": Order},
    "questions.toml": {"question": Question},
    "integers.toml": {"type": Integer, "limit": Limit},
    "macros.toml": {"macro": Macro},
    "mode_flip.toml": {
        "flag": ModeFlag, "part": ModePart, "change": ModeChange, "fresh": Fresh,
        "pageless": Pageless, "accessor": Accessor, "journal": NoJournal,
    },
}  # fmt: skip
"""Which tables a file holds, and what their entries become; "" where any name is a table's."""


_KEYED = (Role, Keyed)
"""The kinds whose entries are named by their table."""


class FactsError(Exception):
    """A file of facts that is not as it must be; says which file and entry."""


@dataclass(frozen=True)
class Facts:
    """The entries of one file, in their order."""

    file: str
    entries: tuple[Fact, ...]

    def of(self, kind: type[F]) -> tuple[F, ...]:
        """Return the entries of one kind."""
        return tuple(each for each in self.entries if type(each) is kind)


@functools.cache
def load(file: str) -> Facts:
    """Return the facts of a file beside this one; raises `FactsError`."""
    text = resources.files("patchbot_checks.facts").joinpath(file).read_text("utf-8")
    return parse(file, text)


def parse(file: str, text: str) -> Facts:
    """Return the facts of a file's text; raises `FactsError`."""
    if file not in TABLES:
        raise FactsError(f"{file}: no such file of facts is known")
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FactsError(f"{file}: {error}") from error
    found = tuple(_facts_of(file, tables))
    _check_doubles(file, found)
    return Facts(file, found)


def _facts_of(file: str, tables: Mapping[str, Any]) -> Iterator[Fact]:
    kinds = TABLES[file]
    for table, value in tables.items():
        kind = kinds.get(table, kinds.get(""))
        if kind is None or not isinstance(value, dict if issubclass(kind, _KEYED) else list):
            known = ", ".join(filter(None, kinds)) or "any, with keys"
            raise FactsError(f"{file}: {table}: no such table; known: {known}")
        shape = _Shape(kind)
        for where, entry in _entries(table, value):
            yield _build(shape, entry, f"{file}: {where}")


def _entries(table: str, value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (where, entry) for what `[[table]]`, `[table.name]` or `[table]` holds."""
    if isinstance(value, list):
        yield from ((f"{table} {number}", each) for number, each in enumerate(value, 1))
    elif all(isinstance(each, dict) for each in value.values()):
        yield from ((f"{table}.{name}", {**each, "name": name}) for name, each in value.items())
    else:
        yield table, {**value, "name": table}


class _Shape:
    """What the entries of one table may hold, and what they must."""

    def __init__(self, kind: type[Fact]) -> None:
        self.kind = kind
        self.hints: dict[str, Any] = typing.get_type_hints(kind)
        self.required = frozenset(
            f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING
        )


def _build(shape: _Shape, entry: Mapping[str, Any], where: str) -> Fact:
    label = entry.get("name") or next(iter(entry.get("names") or entry.get("patterns") or ()), "")
    where = where if not label or where.endswith(str(label)) else f"{where} ({label})"
    unknown = sorted(set(entry) - set(shape.hints))
    if unknown:
        raise FactsError(f"{where}: unknown key {', '.join(unknown)}")
    if not entry.get("source"):
        raise FactsError(f"{where}: it has no source")
    missing = sorted(shape.required - set(entry))
    if missing:
        raise FactsError(f"{where}: missing key {', '.join(missing)}")
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()
    }
    for key, value in values.items():
        if not _fits(value, shape.hints[key]):
            raise FactsError(f"{where}: {key} = {value!r} is not one of the values it may have")
    made = shape.kind(**values)
    problem = _problem(made)
    if problem:
        raise FactsError(f"{where}: {problem}")
    return made


def _fits(value: object, hint: Any) -> bool:
    """Whether a value of a TOML file is one that a field's type allows."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return value in args
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, each) for each in args)
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(v, args[0]) for v in value)
    if origin is not None:
        return isinstance(value, dict) and all(_fits(v, args[1]) for v in value.values())
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint)


_OBJECT = re.compile(r"result|all|any|none|-?\d->\w+|\*-?\d")
_PATTERNS = (
    "patterns", "others", "unless", "take", "drop", "done", "no", "yes", "field", "former",
    "makes", "ends", "starts", "calls", "bits", "type",
)  # fmt: skip


def _problem(fact: Fact) -> str:
    """Return what is wrong with an entry whose keys and types are right, or ''."""
    if not fact.cited:
        return 'its source names no file with a version: "path, path (v5.9, ...)"'
    if isinstance(fact, Listed) and not (fact.names or fact.patterns or getattr(fact, "each", ())):
        return "it names nothing"
    for key in _PATTERNS:
        for pattern in texts(fact, key):
            try:
                re.compile(pattern)
            except re.error as error:
                return f"{key}: {pattern}: {error}"
    if isinstance(fact, Call):
        if isinstance(fact.object, str) and not _OBJECT.fullmatch(fact.object):
            return f"object = {fact.object!r} is not one of the values it may have"
        if fact.does != "take" and (fact.fails != "never" or fact.looked_up):
            return "only what takes can fail or look up"
        if fact.by_count and not isinstance(fact.object, int):
            return "by_count is about an argument's place"
    return ""


def texts(fact: Fact, *keys: str) -> tuple[str, ...]:
    """Return the texts under some keys of an entry: single ones, or lists of them."""
    found = (getattr(fact, key, ()) for key in keys)
    lists = ((each,) if isinstance(each, str) else each for each in found)
    return tuple(t for each in lists if isinstance(each, tuple) for t in each if t)


def _check_doubles(file: str, facts: tuple[Fact, ...]) -> None:
    seen: set[tuple[object, ...]] = set()
    for fact in facts:
        for key in _keys(fact):
            if (type(fact), *key) in seen:
                raise FactsError(f"{file}: {fact.label}: {key[0]} stands twice")
            seen.add((type(fact), *key))


def _keys(fact: Fact) -> Iterator[tuple[object, ...]]:
    """Yield what no two entries of a table may share; the first part is shown in errors."""
    if isinstance(fact, Role):
        yield (fact.name,)
        yield from ((name, fact.name) for name in (*fact.names, *fact.patterns, *fact.each))
    elif isinstance(fact, Call):
        about = (fact.resource, fact.does, fact.object, fact.unless, fact.only)
        yield from ((name, *about) for name in (*fact.names, *fact.patterns))
    elif isinstance(fact, Listed):
        yield from ((name,) for name in (*fact.names, *fact.patterns))
    elif isinstance(fact, Limit):
        yield from ((name,) for name in (*fact.values, *fact.all_ones))
    else:
        yield (fact.label,)
