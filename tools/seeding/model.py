"""What a seed is, and the table of all ways to seed a fault."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from tree_sitter import Node

from tools.seeding.code import Code, Func, count_errors, parse
from tools.seeding.edits import Edit, apply
from tools.seeding.kernel import Tree

EXT4 = ("fs/ext4",)
JOURNAL = ("fs/ext4", "fs/jbd2")


@dataclass(frozen=True)
class Draft:
    """A fault that is planned: its edits, and the nodes at whose lines it may be reported.

    A finding counts in `functions` as well as in the function that is changed. `whole` lets the
    rule look at all of the file, where the fault shows in another function.
    """

    edits: Sequence[Edit]
    at: Sequence[Node] = ()
    note: str = ""
    functions: Sequence[str] = ()
    whole: bool = False


@dataclass(frozen=True)
class Seed:
    """One fault in one file: the whole edited text, and the lines at which it may be reported."""

    rule: str
    variant: str
    tree: str
    path: str
    function: str
    data: bytes = field(repr=False)
    lines: tuple[int, ...]
    functions: frozenset[str]
    whole: bool
    note: str

    @property
    def where(self) -> str:
        """What tells it from the others."""
        lines = ",".join(map(str, self.lines))
        return f"{self.tree} {self.variant}: {self.path}:{lines} {self.function}() {self.note}"


Maker = Callable[[Tree, Code, Func], Iterator[Draft]]


@dataclass(frozen=True)
class Variant:
    """One spelling of a fault: where to look, and how to make it.

    Only functions that mention one of `words` are looked at; where there are none, the first
    function of every file. Of a tree, `most` seeds are taken, always the same ones, or every one.
    """

    rule: str
    name: str
    make: Maker
    words: frozenset[str]
    folders: Sequence[str]
    most: int

    def seeds(self, tree: Tree, every: bool = False) -> list[Seed]:
        """Make the seeds of this variant in a tree; `every` lifts the limit."""
        plans = sorted(self._plans(tree), key=lambda plan: plan[0])
        chosen = plans if every else plans[: self.most]
        found = [self._seed(tree, *plan[1:]) for plan in chosen]
        return sorted(found, key=lambda s: (s.path, s.lines))

    def _plans(self, tree: Tree) -> Iterator[tuple[bytes, Code, Func, Draft]]:
        """Yield all drafts, each behind what puts them in an order that looks random."""
        for code in tree.codes(self.folders, self.words):
            for func in code.functions if self.words else code.functions[:1]:
                if not self.words or not self.words.isdisjoint(func.words):
                    for number, draft in enumerate(self.make(tree, code, func)):
                        name = f"{self.rule} {self.name} {code.path} {func.name} {number}"
                        yield hashlib.sha256(name.encode()).digest(), code, func, draft

    def _seed(self, tree: Tree, code: Code, func: Func, draft: Draft) -> Seed:
        data, lines = apply(code.data, draft.edits, draft.at)
        where = f"{self.rule} {self.name} {code.path} {func.name}"
        assert data != code.data, f"{where}: nothing was changed"
        assert lines, f"{where}: the seeded line is not marked"
        assert count_errors(parse(data)) <= code.errors, f"{where}: no longer C"
        functions = frozenset({func.name, *draft.functions})
        return Seed(
            self.rule, self.name, tree.name, code.path, func.name, data, lines, functions,
            draft.whole, draft.note,
        )  # fmt: skip


VARIANTS: list[Variant] = []


def variant(
    rule: str, name: str, words: set[str], folders: Sequence[str] = EXT4, most: int = 12
) -> Callable[[Maker], Maker]:
    """Put a function that plans faults into the table."""

    def add(make: Maker) -> Maker:
        VARIANTS.append(Variant(rule, name, make, frozenset(words), folders, most))
        return make

    return add
