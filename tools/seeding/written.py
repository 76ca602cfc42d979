"""What is written down in tests/data, against what is found: accepted findings, missed seeds."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patchbot_checks import Finding, check_files

from tools.seeding.kernel import ROOT, Tree
from tools.seeding.model import JOURNAL
from tools.seeding.score import Hit, Outcome

ACCEPTED = ROOT / "tests" / "data" / "accepted_findings.toml"
MISSED = ROOT / "tests" / "data" / "missed_seeds.toml"
_MIN_REASON_WORDS = 4


@dataclass(frozen=True)
class Accepted:
    """A finding that is known in some trees; `key` is the part of its key behind the function.

    It is found `count` times: one fault may show at several exits.
    """

    trees: Sequence[str]
    rule: str
    file: str
    function: str
    key: str
    reason: str
    count: int = 1

    @property
    def identity(self) -> tuple[str, ...]:
        """What must be equal."""
        return self.rule, self.file, self.function, self.key


@dataclass(frozen=True)
class Missed:
    """A seed that no rule finds, and why; `count` seeds of one variant in one function."""

    trees: Sequence[str]
    rule: str
    variant: str
    file: str
    function: str
    reason: str
    count: int = 1

    @property
    def identity(self) -> tuple[str, ...]:
        """What must be equal."""
        return self.rule, self.variant, self.file, self.function


def load_accepted() -> list[Accepted]:
    """Read the accepted findings; raises `ValueError` for an entry without a field or reason."""
    return [Accepted(**each) for each in _entries(ACCEPTED, Accepted)]


def load_missed() -> list[Missed]:
    """Read the missed seeds; raises `ValueError` for an entry without a field or reason."""
    return [Missed(**each) for each in _entries(MISSED, Missed)]


def _entries(path: Path, kind: type[Accepted] | type[Missed]) -> Iterable[dict[str, Any]]:
    for each in tomllib.loads(path.read_text(encoding="utf-8")).get("entry", []):
        try:
            words = kind(**each).reason.split()
        except TypeError as error:
            raise ValueError(f"{path.name}: {each}: {error}") from error
        if len(words) < _MIN_REASON_WORDS:
            raise ValueError(f"{path.name}: no reason is given: {each}")
        yield each


def _differences(
    tree: str, found: Counter[tuple[str, ...]], known: Iterable[Accepted | Missed], words: str
) -> list[str]:
    """Return a line for each that is found and not written down, or the other way round."""
    written: Counter[tuple[str, ...]] = Counter()
    for each in known:
        if tree in each.trees:
            written[each.identity] += each.count
    return [
        *(f"{words}, not written down: {tree} {' '.join(e)}" for e in (found - written).elements()),
        *(f"no longer {words}: {tree} {' '.join(e)}" for e in (written - found).elements()),
    ]


def identify(finding: Finding) -> tuple[str, ...]:
    """Return what a finding is known by; of its key, what stands behind the function's name."""
    head = f"{finding.rule}|{finding.file}|{finding.function}|"
    return finding.rule, finding.file, finding.function, finding.key.removeprefix(head)


def compare_findings(tree: Tree, rules: Sequence[str]) -> list[str]:
    """Check fs/ext4 and fs/jbd2 as they are; returns a line for each difference.

    And for each function that is not understood; KUnit's tests (-test.c) are made of macros.
    """
    report = check_files(tree.sources, tree.list_code(JOURNAL), rules)
    known = [each for each in load_accepted() if each.rule in rules]
    lost = [n for n in report.not_understood if not n.file.endswith("-test.c")]
    return [
        *(f"not understood: {tree.name} {n.file} {n.function}: {n.reason}" for n in lost),
        *_differences(tree.name, Counter(map(identify, report.findings)), known, "found"),
    ]


def compare_missed(tree: str, outcomes: Sequence[Outcome]) -> list[str]:
    """Return a line for each seed of a tree that is missed and not written down, or vice versa.

    What is written down of variants that were not seeded is left out.
    """
    seeded = {(o.seed.rule, o.seed.variant) for o in outcomes}
    missed: Counter[tuple[str, ...]] = Counter(
        (o.seed.rule, o.seed.variant, o.seed.path, o.seed.function)
        for o in outcomes
        if o.hit is Hit.MISSED and o.seed.tree == tree
    )
    known = [each for each in load_missed() if (each.rule, each.variant) in seeded]
    return _differences(tree, missed, known, "missed")
