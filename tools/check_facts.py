#!/usr/bin/env python3
"""Compares the tables of facts with kernel trees: is every name where its source says?

    tools/check_facts.py /usr/src/linux-source-6.1 /usr/src/linux-source-6.12 ../linux-5.9.1

A tree's version is read from its Makefile. Of each entry are checked, in the trees that are given
and cited: the files of its source are there; each name stands in one of them, as a word, or (with
`note = "made by MACRO"`) stands elsewhere in the tree. Exit status 1: something is not so.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "checks"))

from patchbot_checks.facts import load_facts
from patchbot_checks.facts.model import Fact

_WORD = re.compile(r"\w+")
_WHERE = ("fs", "mm", "include", "block", "kernel")


@dataclass(slots=True)
class Tree:
    """A kernel tree; `version` as sources cite it, such as "v6.1"."""

    path: Path
    version: str
    words: dict[str, frozenset[str]] = field(default_factory=dict)

    def words_of(self, file: str) -> frozenset[str] | None:
        """Return the words of a file, None where there is no such file."""
        if file not in self.words:
            where = self.path / file
            if not where.is_file():
                return None
            self.words[file] = frozenset(_WORD.findall(where.read_text("utf-8", "replace")))
        return self.words[file]

    def has_anywhere(self, names: Iterable[str]) -> set[str]:
        """Return those of some names that stand as words anywhere in the tree's main folders."""
        wanted = sorted(set(names))
        folders = [name for name in _WHERE if (self.path / name).is_dir()]
        if not wanted or not folders:
            return set()
        command = ["grep", "-rhowF", "--include=*.[ch]", "-f", "-", *folders]
        made = subprocess.run(
            command, cwd=self.path, input="\n".join(wanted), capture_output=True, text=True,
            errors="replace", check=False,
        )  # fmt: skip
        return set(made.stdout.split())


def read_tree(path: Path) -> Tree:
    """Return a tree with its version; raises `OSError` or `ValueError` where it is none."""
    text = (path / "Makefile").read_text("utf-8")
    found = re.findall(r"^(?:VERSION|PATCHLEVEL) *= *(\d+)$", text, re.M)
    if len(found) != 2:
        raise ValueError(f"{path}: its Makefile names no kernel version")
    return Tree(path, f"v{found[0]}.{found[1]}")


def problems_of(fact: Fact, trees: list[Tree]) -> Iterator[tuple[str, str, list[Tree]]]:
    """Yield (what is wrong, name or '', trees asked) for an entry."""
    seen: set[str] = set()
    asked: dict[str, Tree] = {}
    for file, versions in fact.cited:
        for tree in trees:
            if tree.version not in versions:
                continue
            asked[tree.version] = tree
            words = tree.words_of(file)
            if words is not None:
                seen |= words
        cited = [tree for tree in trees if tree.version in versions]
        if cited and all(tree.words_of(file) is None for tree in cited):
            yield f"{file} is in none of {', '.join(t.version for t in cited)}", "", cited
    if asked:
        for name in fact.functions:
            if name not in seen:
                yield f"{name} is in no file of its source", name, list(asked.values())


def check(trees: list[Tree]) -> tuple[list[str], list[str]]:
    """Return what is wrong, and which names are made by macros (found elsewhere only)."""
    wrong: list[str] = []
    elsewhere: list[tuple[str, Fact, str, list[Tree]]] = []
    for file, fact in load_facts().all:
        for problem, name, asked in problems_of(fact, trees):
            if name and "made by" in f"{fact.note} {getattr(fact, 'changed_by', '')}":
                elsewhere.append((file, fact, name, asked))
            else:
                wrong.append(f"{file}: {fact.key[0]}: {problem}")
    names = {name for _, _, name, _ in elsewhere}
    found = {tree.version: tree.has_anywhere(names) for tree in trees}
    made = []
    for file, fact, name, asked in elsewhere:
        if any(name in found[tree.version] for tree in asked):
            made.append(name)
        else:
            wrong.append(f"{file}: {fact.key[0]}: {name} stands nowhere in its versions")
    return wrong, sorted(set(made))


def main() -> int:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("trees", nargs="+", type=Path, help="kernel source trees")
    trees = [read_tree(path) for path in parser.parse_args().trees]
    wrong, made = check(trees)
    for line in wrong:
        print(line)
    print(
        f"{len(load_facts().all)} facts, trees {', '.join(t.version for t in trees)}: "
        f"{len(wrong)} wrong, {len(made)} names made by macros",
        file=sys.stderr,
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
