#!/usr/bin/env python3
"""Compares the tables of facts with kernel trees: are they as the tables say?

    tools/check_facts.py /usr/src/linux-source-6.1 /usr/src/linux-source-6.12 ../linux-5.9.1

A tree's version is read from its Makefile. Of each entry are looked at, in those trees that are
given and cited: the files of its source are there; each name stands in one of them, as a word, or
(with `made_by`) stands elsewhere and the macro in one of them; each pattern fits some word; each
argument's place is within the parameters of the function or macro; what is taken or dropped has
the type that its resource says. Exit status 1: something is not so.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "checks"))

from patchbot_checks.facts import texts
from patchbot_checks.facts.links import load_all
from patchbot_checks.facts.model import (
    Call,
    Callback,
    Fact,
    Keyed,
    Limit,
    Listed,
    Macro,
    Resource,
    Role,
)

from tools.kernel_tree import Declaration, Tree, read_tree

_WHOLE = (
    "patterns",
    "take",
    "drop",
    "done",
    "no",
    "yes",
    "makes",
    "ends",
    "starts",
    "calls",
    "bits",
)
"""The keys of patterns for whole names."""
_NAMES = ("names", "fields", "marks", "bit", "field_set", "flag_set")
"""The keys of names in entries that are named by their table."""
_VARIABLE = re.compile(r"\*?(-?\d)(?:->\w+)?")


@dataclass(slots=True)
class Checker:
    """Collects in `wrong` what is not so, and in `made` the names that macros make."""

    trees: list[Tree]
    resources: dict[str, Resource] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    made: list[tuple[str, str]] = field(default_factory=list)
    count: int = 0

    def run(self) -> None:
        """Look at all tables."""
        tables = load_all()
        self.resources = {r.name: r for table in tables for r in table.of(Resource)}
        for table in tables:
            for fact in table.entries:
                self.count += 1
                self.wrong += [f"{table.file}: {fact.label}: {w}" for w in self._problems(fact)]
        found = set().union(*(t.has_anywhere(n for _, n in self.made) for t in self.trees))
        self.wrong += [f"{at}: {n} stands nowhere" for at, n in self.made if n not in found]

    def _problems(self, fact: Fact) -> Iterator[str]:
        files = [(file, tree) for tree in self.trees for file in _files_in(fact, tree)]
        for file in sorted({file for file, _ in files}):
            if any(f == file and tree.words_of(file) is None for f, tree in files):
                yield f"{file} is not in each of the versions that are cited"
        words = frozenset().union(*(tree.words_of(file) or () for file, tree in files))
        if not words:
            return
        missing = list(self._names(fact, words))
        yield from missing
        for pattern in texts(fact, *_WHOLE):
            if not any(re.fullmatch(pattern, word) for word in words):
                yield f"{pattern} fits nothing in its source"
        for pattern in texts(fact, "field"):
            if not any(re.search(pattern, word) for word in words):
                yield f"{pattern} is in nothing in its source"
        if isinstance(fact, Resource) and fact.others:
            everything = frozenset().union(*(tree.vocabulary() for tree in self.trees))
            for pattern in fact.others:
                if not any(re.fullmatch(pattern, word) for word in everything):
                    yield f"{pattern} fits nothing"
        if not missing and not fact.made_by:
            yield from self._places(fact)
            yield from self._idle(fact, files) if len(fact.cited) > 1 else ()

    def _idle(self, fact: Fact, files: list[tuple[str, Tree]]) -> Iterator[str]:
        """Yield files that are cited for calls, and declare none of them."""
        if isinstance(fact, (Call, Macro)) and not fact.patterns:
            for file, tree in files:
                if not any(tree.declared(name, [file]) for name in fact.names):
                    yield f"{file} declares none of its names ({tree.version})"

    def _names(self, fact: Fact, words: frozenset[str]) -> Iterator[str]:
        if fact.made_by and fact.made_by not in words:
            yield f"{fact.made_by} is in no file of its source"
        for name in _names_of(fact):
            if name in words or not name.isidentifier():
                continue
            if fact.made_by:
                self.made.append((fact.label, name))
            else:
                yield f"{name} is in no file of its source"

    def _places(self, fact: Fact) -> Iterator[str]:
        """Yield which places of arguments are none, and which have another type."""
        for name, places in _places_of(fact).items():
            counts = set()
            for tree in self.trees:
                found = tree.declared(name, _files_in(fact, tree))
                counts |= {len(each.types) for each in found}
                only = fact.only if isinstance(fact, Call) else 0
                wrong = [
                    self._misfit(fact, each, places)
                    for each in found if only in (0, len(each.types))
                ]  # fmt: skip
                if wrong and all(wrong):
                    yield f"{name}: {wrong[0]} ({tree.version})"
            if not counts:
                yield f"{name} is not declared in its source"
            if isinstance(fact, Call) and counts:
                for count in {*map(int, fact.by_count), fact.only} - counts - {0}:
                    yield f"{name}: nothing has {count} parameters"

    def _misfit(self, fact: Fact, found: Declaration, places: tuple[int, ...]) -> str:
        """Return why a declaration is not what an entry says, "" if it is."""
        count = len(found.types)
        if isinstance(fact, Call):
            places = tuple(fact.by_count.get(str(count), place) for place in places)
        if not found.some:
            for place in places:
                if not -count <= place < count:
                    return f"place {place} of {count}"
        if isinstance(fact, Call):
            return self._other_type(fact, found, places)
        return ""

    def _other_type(self, call: Call, found: Declaration, places: tuple[int, ...]) -> str:
        known, real = self.resources[call.resource].types, ""
        if call.object == "result":
            real = found.returns
        elif places and not found.some and "->" not in str(call.object):
            real = found.types[places[0]]
        wanted = [each + "*" * str(call.object).count("*") for each in known]
        return f"{real} is no {wanted[0]}" if wanted and real not in ("", *wanted) else ""


def _files_in(fact: Fact, tree: Tree) -> list[str]:
    return [file for file, versions in fact.cited if tree.version in versions]


def _names_of(fact: Fact) -> tuple[str, ...]:
    """Return the kernel's names that an entry is about."""
    if isinstance(fact, Role):
        return (*fact.names, *fact.each)
    if isinstance(fact, Listed):
        return fact.names
    if isinstance(fact, Callback):
        return (fact.name, fact.structure)
    if isinstance(fact, Limit):
        return (*fact.values, *fact.all_ones)
    if isinstance(fact, Resource):
        return texts(fact, "fields", "asks", "kept_with", "kept_in")
    return texts(fact, *_NAMES) if isinstance(fact, Keyed) else ()


def _places_of(fact: Fact) -> dict[str, tuple[int, ...]]:
    """Return the places of arguments that an entry speaks of, by name."""
    if isinstance(fact, Call):
        match = _VARIABLE.fullmatch(str(fact.object))
        return dict.fromkeys(fact.names, (int(match.group(1)),) if match else ())
    if isinstance(fact, Macro):
        return dict.fromkeys(fact.names, (*fact.sets, *fact.unread))
    if isinstance(fact, Role) and fact.args:
        each = {name: tuple(fact.each.get(name, fact.args).values()) for name in fact.names}
        return each
    return {}


def check(trees: list[Tree]) -> Checker:
    """Return what became of looking at all tables."""
    checker = Checker(trees)
    checker.run()
    return checker


def main() -> int:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("trees", nargs="+", type=Path, help="kernel source trees")
    trees = [read_tree(path) for path in parser.parse_args().trees]
    found = check(trees)
    print("\n".join(found.wrong), end="\n" if found.wrong else "")
    print(
        f"{found.count} entries, trees {', '.join(t.version for t in trees)}: "
        f"{len(found.wrong)} wrong, {len(found.made)} names made by macros",
        file=sys.stderr,
    )
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
