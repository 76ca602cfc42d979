"""Names by which entries of one table mean those of another."""

from __future__ import annotations

from collections.abc import Iterator

from patchbot_checks.facts import TABLES, Facts, FactsError, load
from patchbot_checks.facts.model import (
    Call,
    Callback,
    Fact,
    ModeFlag,
    ModePart,
    Order,
    Question,
    Resource,
    Role,
)

_NAMED = {Resource: "resource", Role: "role", Callback: "callback", ModePart: "part"}


def load_all() -> tuple[Facts, ...]:
    """Return the facts of all files; raises `FactsError`, for names that mean nothing too."""
    found = tuple(load(file) for file in TABLES)
    check(found)
    return found


def check(tables: tuple[Facts, ...]) -> None:
    """Raise `FactsError` for a name of a resource, role or callback that is none."""
    entries = [(table.file, fact) for table in tables for fact in table.entries]
    known: dict[str, set[str]] = {word: set() for word in _NAMED.values()}
    for _, fact in entries:
        word = _NAMED.get(type(fact), "")
        if word:
            known[word].add(getattr(fact, "of", "") or getattr(fact, "name", ""))
    for file, fact in entries:
        for word, name in _meant(fact):
            if name not in known[word]:
                raise FactsError(f"{file}: {fact.label}: no {word} is called {name!r}")


def _meant(fact: Fact) -> Iterator[tuple[str, str]]:
    """Yield (kind, name) for what an entry names of other tables."""
    if isinstance(fact, Call):
        yield "resource", fact.resource
    elif isinstance(fact, Callback):
        yield from (("resource", name) for name in fact.holds)
    elif isinstance(fact, Order):
        yield from (("resource", name) for name in (fact.held, fact.taken))
    elif isinstance(fact, Question):
        yield from (("resource", name) for name in fact.stable)
    elif isinstance(fact, ModeFlag):
        yield from (("part", name) for name in (*fact.on, *fact.off))
    elif isinstance(fact, ModePart):
        yield from (("part", name) for name in (fact.under, fact.after) if name)
    elif isinstance(fact, Resource):
        yield from (("resource", name) for name in (fact.part_of,) if name)
        yield from (("role", name) for name in (*fact.taken_by, *fact.dropped_by))
        yield from (("callback", name) for name in fact.kept_in)
