"""The rates at which seeds are found, as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass

from tools.seeding.score import Hit, Outcome

COLUMNS = (
    "rule", "tree", "variants", "seeds", "at the line", "near", "in function", "missed", "extra",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """What became of the seeds of a rule in a tree; `extra` findings are about no seed."""

    rule: str
    tree: str
    variants: int = 0
    seeds: int = 0
    line: int = 0
    near: int = 0
    function: int = 0
    missed: int = 0
    extra: int = 0


def count(outcomes: Iterable[Outcome]) -> list[Row]:
    """Count outcomes by rule and tree."""
    by_name: dict[tuple[str, str], list[Outcome]] = {}
    for each in outcomes:
        by_name.setdefault((each.seed.rule, each.seed.tree), []).append(each)
    return [_row(*name, group) for name, group in sorted(by_name.items())]


def _row(rule: str, tree: str, outcomes: Sequence[Outcome]) -> Row:
    hits = Counter(each.hit for each in outcomes)
    variants = len({each.seed.variant for each in outcomes})
    return Row(
        rule, tree, variants, len(outcomes), hits[Hit.LINE], hits[Hit.NEAR], hits[Hit.FUNCTION],
        hits[Hit.MISSED], sum(len(each.extra) for each in outcomes),
    )  # fmt: skip


def add(rows: Iterable[Row]) -> list[Row]:
    """Add up the rows of each rule and tree: parts with different variants."""
    sums: dict[tuple[str, str], list[int]] = {}
    for each in rows:
        rule, tree, *numbers = astuple(each)
        old = sums.get((rule, tree), [0] * len(numbers))
        sums[rule, tree] = [a + b for a, b in zip(old, numbers, strict=True)]
    return [Row(*name, *numbers) for name, numbers in sorted(sums.items())]


def render(rows: Iterable[Row]) -> str:
    """Return rows as a table, with a line for all of a tree."""
    single = add(rows)
    whole = add(Row("all", *astuple(each)[1:]) for each in single)
    cells = [COLUMNS, *(tuple(map(str, astuple(each))) for each in (*single, *whole))]
    widths = [max(len(row[i]) for row in cells) for i in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(
            each.ljust(width) if place < 2 else each.rjust(width)
            for place, (each, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    )


def render_variants(outcomes: Sequence[Outcome]) -> str:
    """Return, for each variant, how many seeds it gave in each tree, and how many were missed."""
    seeds = Counter((o.seed.rule, o.seed.variant, o.seed.tree) for o in outcomes)
    missed = Counter(
        (o.seed.rule, o.seed.variant, o.seed.tree) for o in outcomes if o.hit is Hit.MISSED
    )
    lines: dict[tuple[str, str], list[str]] = {}
    for key in sorted(seeds):
        lost = f" ({missed[key]} missed)" if missed[key] else ""
        lines.setdefault(key[:2], []).append(f"{key[2]}: {seeds[key]}{lost}")
    return "\n".join(f"{rule}  {name}  {', '.join(c)}" for (rule, name), c in lines.items())
