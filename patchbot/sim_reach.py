"""Whether the lines that a series changes were come to: who ran may not have run them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from kernel_sim.ledger import SIMULATED, parse_lines, render_lines

from patchbot.git import Repository
from patchbot.simulation import Row
from patchbot.static.changes import C_SUFFIXES, FileChange, find_changes


@dataclass(frozen=True, slots=True)
class Reach:
    """Of the changed lines that have code in a scenario's program, how many some execution came to.

    `idle` are those that none came to, as "path:first-last,line", and `passed` counts those that
    some search came to which ends without a failure. Without `code` nothing is known: a macro, a
    type, or a function that no program has.
    """

    code: int = 0
    came: int = 0
    idle: tuple[str, ...] = ()
    passed: int = 0


NOTHING = Reach()


def say_reach(reach: Reach) -> str:
    """Say it in words: "3 of 10 changed lines ran"."""
    return f"{reach.came} of {reach.code} changed lines ran"


def find_places(tree: Repository, base: str, last: str) -> dict[str, frozenset[int]]:
    """Return the lines that a series changes, by C file: new, or beside what is gone."""
    changes = find_changes(tree, base, last)
    return {p: frozenset(_places(c)) for p, c in changes.items() if p.endswith(C_SUFFIXES)}


def _places(change: FileChange) -> Iterable[int]:
    yield from change.added
    for _, _, new, count in change.hunks:
        if not count:
            yield from (new, new + 1)


def find_reach(rows: Sequence[Row], places: Mapping[str, frozenset[int]]) -> Reach:
    """Return how far all scenarios together came into changed lines."""
    came, idle = (_collect(rows, which, places) for which in ("came", "idle"))
    left = {path: sorted(lines - came[path]) for path, lines in sorted(idle.items())}
    words = tuple(f"{path}:{render_lines(lines)}" for path, lines in left.items() if lines)
    ran = _count(came)
    passed = _count(_collect([row for row in rows if not row["failure"]], "came", places))
    return Reach(ran + _count(left), ran, words, passed)


def _count(lines: Mapping[str, Collection[int]]) -> int:
    return sum(map(len, lines.values()))


def _collect(
    rows: Sequence[Row], which: str, places: Mapping[str, frozenset[int]]
) -> defaultdict[str, set[int]]:
    found: defaultdict[str, set[int]] = defaultdict(set)
    for row in rows:
        for each in row["ledger"]["functions"] if row["ledger"] else ():
            path = str(each["path"])
            if path in places and not path.startswith(SIMULATED):
                found[path] |= parse_lines(each[which]) & places[path]
    return found
