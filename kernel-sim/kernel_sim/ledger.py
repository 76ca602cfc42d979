"""What a program is made of: for every function, whose it is and what it lacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from kernel_sim.cfront.linking import MODEL
from kernel_sim.explore.model import Ran
from kernel_sim.ir import Const, Function, Move, Program, Return, Unknown

SIMULATED: Final = "<sim>/"
"""What the paths of the simulator's own files begin with."""


class Kind(Enum):
    """Whose a function is.

    `REAL`: the tree's. `MODELLED`: ours stands in for one of the tree's. `MODEL`: ours alone.
    `EMPTY`: ours, and it does nothing. `UNKNOWN`: something of it could not be translated, or there
    is none; who comes to that place ends inconclusive.
    """

    REAL = "real"
    MODELLED = "modelled"
    MODEL = "model"
    EMPTY = "empty"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Part:
    """One function that a program can reach: its name in C, where it stands, and what is unknown.

    `path` begins with "<sim>/" for the simulator's own and is "" where there is no such function.
    `key` is its name in the program; `ran`: it was called in some execution. `code` are its lines
    that have something to run, `came` those of them that some execution came to.
    """

    name: str
    path: str
    line: int
    kind: Kind
    reasons: tuple[str, ...] = ()
    key: str = ""
    ran: bool = False
    code: frozenset[int] = frozenset()
    came: frozenset[int] = frozenset()

    @property
    def is_ours(self) -> bool:
        """Whether it is the simulator's own."""
        return self.path.startswith(SIMULATED)


@dataclass(frozen=True, slots=True)
class Changed:
    """What a series changes: the names of functions and macros, and the paths of files."""

    names: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()


def make_ledger(
    program: Program, paths: Mapping[str, str], of_tree: Iterable[str]
) -> tuple[Part, ...]:
    """Return a part for each function, by kind and name.

    `paths` has the file of each function by its name in the program, `of_tree` the names in C of
    all functions that the tree has.
    """
    known = frozenset(of_tree)
    parts = [
        _part(key, function, paths.get(key, ""), known)
        for key, function in program.functions.items()
    ]
    order = list(Kind)
    return tuple(sorted(parts, key=lambda part: (order.index(part.kind), part.name, part.path)))


def _part(key: str, function: Function, path: str, of_tree: frozenset[str]) -> Part:
    name = plain_name(key)
    reasons = tuple(
        dict.fromkeys(
            step.reason
            for block in function.blocks
            for step in block.steps
            if isinstance(step, Unknown)
        )
    )
    kind = Kind.REAL
    if reasons:
        kind = Kind.UNKNOWN
    elif path.startswith(SIMULATED):
        ours = Kind.EMPTY if _is_empty(function) else Kind.MODEL
        stands_in = name in of_tree or key.startswith(MODEL)
        kind = Kind.MODELLED if stands_in and ours is Kind.MODEL else ours
    code = frozenset(line for block in function.blocks for line in block.lines)
    return Part(name, path, function.line, kind, reasons, key, code=code | {function.line})


def mark_ran(parts: Sequence[Part], ran: Ran) -> tuple[Part, ...]:
    """Return the parts with what was called, and the lines that were come to."""
    nothing: frozenset[int] = frozenset()
    return tuple(
        replace(part, ran=part.key in ran, came=ran.get(part.key, nothing)) for part in parts
    )


def render_lines(lines: Iterable[int]) -> str:
    """Return numbers of lines in short: "3-5,9"."""
    runs: list[list[int]] = []
    for line in sorted(set(lines)):
        if runs and line == runs[-1][-1] + 1:
            runs[-1][1:] = [line]
        else:
            runs.append([line])
    return ",".join("-".join(map(str, run)) for run in runs)


def parse_lines(text: str) -> frozenset[int]:
    """Return what `render_lines` was given."""
    runs = [[int(number) for number in run.split("-")] for run in text.split(",") if run]
    return frozenset(line for run in runs for line in range(run[0], run[-1] + 1))


def plain_name(key: str) -> str:
    """Return the name in C of a function of a program: static ones are called path:name there."""
    words = key.split(":")
    return words[1] if len(words) > 1 else key.removeprefix(MODEL)


def _is_empty(function: Function) -> bool:
    return all(
        isinstance(block.end, Return)
        and all(isinstance(step, Const | Move) for step in block.steps)
        for block in function.blocks
    )


def find_objections(
    parts: Sequence[Part], replaced: Iterable[str], macros: Iterable[str], changed: Changed
) -> list[str]:
    """Say why a program can't answer for a series: what it changes is not what would run.

    `replaced` are the files of the tree that the model stands in for, `macros` those it defines.
    """
    found = [
        f"the series changes {path}, and the model stands in for it"
        for path in sorted(changed.files & frozenset(replaced))
    ]
    found += [
        f"the series changes the macro {name}, and the model defines it"
        for name in sorted(changed.names & frozenset(macros))
    ]
    found += [
        f"the series changes {part.name}(), and the model's is run ({part.path})"
        for part in sorted(parts, key=lambda part: part.name)
        if part.is_ours and part.name in changed.names
    ]
    return found


def find_touched(parts: Sequence[Part], changed: Changed) -> list[str]:
    """Return the changed functions of the tree that were called, in order."""
    return sorted({p.name for p in parts if p.ran and not p.is_ours and p.name in changed.names})


def summarize_ledger(parts: Sequence[Part]) -> str:
    """Say in a line how many functions are of which kind: "92 real, 30 modelled"."""
    counts = Counter(part.kind for part in parts)
    return ", ".join(f"{counts[kind]} {kind.value}" for kind in Kind if counts[kind])
