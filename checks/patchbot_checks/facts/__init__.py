"""Facts about kernel functions as tables: what they take, do, ask, and in which order.

`load_facts()` reads the files beside. Every entry names its source; `tools/check_facts.py`
compares names and sources with kernel trees.
"""

from __future__ import annotations

import functools
import tomllib
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from importlib import resources
from typing import Any, TypeVar

from patchbot_checks.facts.model import (
    Assertion,
    Blank,
    Call,
    Cleanup,
    Context,
    Fact,
    Flag,
    Harmless,
    Lock,
    Loop,
    Member,
    NoReturn,
    Operation,
    Order,
    Predicate,
    Rank,
    Resource,
    Truth,
    TypeMacro,
    Width,
)

F = TypeVar("F", bound=Fact)

TABLES: dict[str, dict[str, type[Fact]]] = {
    "resources.toml": {"resource": Resource, "call": Call},
    "operations.toml": {"operation": Operation, "flag": Flag},
    "predicates.toml": {"predicate": Predicate},
    "ranks.toml": {"lock": Lock, "rank": Rank, "order": Order, "context": Context},
    "macros.toml": {
        "blank": Blank, "loop": Loop, "type_macro": TypeMacro, "noreturn": NoReturn,
        "truth": Truth, "assertion": Assertion, "harmless": Harmless, "cleanup": Cleanup,
    },
    "types.toml": {"width": Width, "member": Member},
}  # fmt: skip
"""Which tables a file may hold, and what their entries become."""

_SPREAD = {"names": "name", "objects": "object", "patterns": "pattern"}
"""Keys whose list stands for as many entries that are alike but for one key."""


class FactsError(Exception):
    """A file of facts that is not as it must be; says which file and entry."""


@dataclass(frozen=True)
class Facts:
    """All facts, in the order of their files."""

    all: tuple[tuple[str, Fact], ...]

    def of(self, kind: type[F]) -> tuple[F, ...]:
        """Return the entries of one kind."""
        return tuple(fact for _, fact in self.all if type(fact) is kind)

    @functools.cached_property
    def resources(self) -> dict[str, Resource]:
        """The resources by name."""
        return {r.name: r for r in self.of(Resource)}

    @functools.cached_property
    def calls(self) -> dict[str, tuple[Call, ...]]:
        """What calls do to resources, by function: one may do several things."""
        return _group(self.of(Call), "name")

    @functools.cached_property
    def roles(self) -> dict[str, dict[str, Operation]]:
        """The operations by role, then by function."""
        found: dict[str, dict[str, Operation]] = {}
        for each in self.of(Operation):
            found.setdefault(each.role, {})[each.name] = each
        return found

    @functools.cached_property
    def operations(self) -> dict[str, tuple[Operation, ...]]:
        """The operations by function."""
        return _group(self.of(Operation), "name")

    @functools.cached_property
    def predicates(self) -> dict[str, Predicate]:
        """The questions by function."""
        return {p.name: p for p in self.of(Predicate)}

    @functools.cached_property
    def contexts(self) -> dict[str, tuple[Context, ...]]:
        """What callbacks may rely on, by the field that holds them."""
        return _group(self.of(Context), "callback")


def _group(facts: Iterable[F], key: str) -> dict[str, tuple[F, ...]]:
    found: dict[str, tuple[F, ...]] = {}
    for each in facts:
        name = getattr(each, key)
        found[name] = (*found.get(name, ()), each)
    return found


@functools.cache
def load_facts() -> Facts:
    """Return the facts of all files; raises `FactsError`."""
    folder = resources.files("patchbot_checks.facts")
    return parse_facts({n: folder.joinpath(n).read_text("utf-8") for n in TABLES})


def parse_facts(texts: Mapping[str, str]) -> Facts:
    """Return the facts of files given by name; raises `FactsError`."""
    found: list[tuple[str, Fact]] = []
    seen: set[tuple[object, ...]] = set()
    for file, text in texts.items():
        try:
            tables = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise FactsError(f"{file}: {error}") from error
        for fact in _facts_of(file, tables):
            key = (type(fact), *fact.key)
            if key in seen:
                raise FactsError(f"{file}: {fact.key[0]}: it stands twice")
            seen.add(key)
            found.append((file, fact))
    _check_references(found)
    return Facts(tuple(found))


def _facts_of(file: str, tables: Mapping[str, Any]) -> Iterator[Fact]:
    kinds = TABLES.get(file)
    if kinds is None:
        raise FactsError(f"{file}: no such file of facts is known")
    for table, entries in tables.items():
        if table not in kinds or not isinstance(entries, list):
            raise FactsError(f"{file}: {table}: no such table; known: {', '.join(kinds)}")
        shape = _Shape(kinds[table])
        for number, entry in enumerate(entries, 1):
            for each in _spread(entry, f"{file}: {table} {number}"):
                yield _build(shape, each, file, f"{table} {number}")


def _spread(entry: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    """Return an entry once for each of its `names`, and each of its `objects`."""
    made = [dict(entry)]
    for many, one in _SPREAD.items():
        if many not in entry:
            continue
        if one in entry or not isinstance(entry[many], list) or not entry[many]:
            raise FactsError(f"{where}: {many}: it must be a list, and stand without {one}")
        made = [
            {**{k: v for k, v in each.items() if k != many}, one: value}
            for each in made
            for value in entry[many]
        ]
    return made


class _Shape:
    """What the entries of one table may hold, and what they must."""

    def __init__(self, kind: type[Fact]) -> None:
        self.kind = kind
        self.hints: dict[str, Any] = typing.get_type_hints(kind)
        self.required = frozenset(
            f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING
        )


def _build(shape: _Shape, entry: Mapping[str, Any], file: str, number: str) -> Fact:
    label = entry.get("name") or entry.get("pattern") or entry.get("callback")
    where = f"{file}: {number} ({label})" if label else f"{file}: {number}"
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
    if not made.cited:
        raise FactsError(f'{where}: its source names no file with a version: "path (v5.9, ...)"')
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
    if origin is dict:
        return isinstance(value, dict) and all(_fits(v, args[1]) for v in value.values())
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint)


def _check_references(found: Iterable[tuple[str, Fact]]) -> None:
    """Check that names of resources and locks are those of an entry."""
    facts = [(file, fact) for file, fact in found]
    resources_ = {f.name for _, f in facts if isinstance(f, Resource)}
    locks = {f.name for _, f in facts if isinstance(f, Lock)}
    for file, fact in facts:
        for name, known, what in _references(fact, resources_, locks):
            if known and name not in known:
                raise FactsError(f"{file}: {fact.key[0]}: no {what} is called {name!r}")
        if isinstance(fact, Call):
            problem = _problem(fact)
            if problem:
                raise FactsError(f"{file}: {fact.name} ({fact.resource}): {problem}")


def _references(
    fact: Fact, resources_: set[str], locks: set[str]
) -> Iterator[tuple[str, set[str], str]]:
    if isinstance(fact, Call):
        for name in filter(None, (fact.resource, fact.becomes)):
            yield name, resources_, "resource"
    elif isinstance(fact, Lock):
        for name in fact.resource:
            yield name, resources_, "resource"
    elif isinstance(fact, Predicate):
        for name in fact.under:
            yield name, locks, "lock"
    elif isinstance(fact, Rank):
        for name in fact.chain:
            yield name, locks, "lock"
    elif isinstance(fact, Order):
        for name in (fact.outer, fact.inner):
            yield name, locks, "lock"
    elif isinstance(fact, Context):
        for name in (*fact.holds, *fact.may_hold, *fact.not_held):
            yield name, locks, "lock"


def _problem(call: Call) -> str:
    """Return what contradicts itself in an entry, or ''."""
    if (call.does == "acquire") != bool(call.when):
        return "an acquisition, and nothing else, says when"
    if (call.does == "downgrade") != bool(call.becomes):
        return "a downgrade, and nothing else, says what it becomes"
    if bool(call.needs_flag) != (call.flag_arg is not None):
        return "needs_flag and flag_arg go together"
    if call.when in ("valid", "not-error") and call.object != "result":
        return f"{call.when} is about the result"
    return ""
