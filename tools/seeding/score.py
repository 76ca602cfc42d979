"""Run rules over seeded files, and count what they find of what was seeded."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from patchbot_checks import RULES, Finding, check_files

import tools.seeding.faults  # noqa: F401 - fills the table of variants
from tools.seeding.kernel import Kept, Overlay, Tree
from tools.seeding.model import VARIANTS, Seed

_NEAR = 3
_Same = tuple[str, str]


class Hit(enum.StrEnum):
    """How well a seed was found: at its line, near it, elsewhere in its function, or not at all."""

    LINE = "line"
    NEAR = "near"
    FUNCTION = "function"
    MISSED = "missed"


@dataclass(frozen=True)
class Outcome:
    """What was found of one seed; `extra` are new findings that are not about it."""

    seed: Seed
    hit: Hit
    found: tuple[Finding, ...]
    extra: tuple[Finding, ...]


@dataclass
class Scorer:
    """Checks seeds of one tree; what the unmodified files give is not counted."""

    tree: Tree
    rules: Sequence[str] | None = None
    _before: dict[tuple[str, str, frozenset[str] | None], Counter[_Same]] = field(
        default_factory=dict
    )

    def score(self, seed: Seed) -> Outcome:
        """Check a seeded file with the seed's rule, in its function unless it asks for all."""
        found = self._new(seed, seed.rule)
        inside = [f for f in found if f.function in seed.functions or f.line in seed.lines]
        extra = [f for f in found if f not in inside]
        for rule in self.rules or ():
            extra += self._new(seed, rule) if rule != seed.rule else []
        return Outcome(seed, _rate(seed, inside), tuple(found), tuple(extra))

    def _new(self, seed: Seed, rule: str) -> list[Finding]:
        """Return the findings that the unmodified file does not give."""
        left = self._baseline(seed, rule).copy()
        overlay = Overlay(self.tree.sources, {seed.path: seed.data})
        new = []
        for each in sorted(_check(overlay, seed, rule), key=lambda f: f.line in seed.lines):
            if left[_same(each)] > 0:
                left[_same(each)] -= 1
            else:
                new.append(each)
        return new

    def _baseline(self, seed: Seed, rule: str) -> Counter[_Same]:
        key = (seed.path, rule, None if seed.whole else seed.functions)
        if key not in self._before:
            self._before[key] = Counter(map(_same, _check(self.tree.sources, seed, rule)))
        return self._before[key]


def _check(sources: Overlay | Kept, seed: Seed, rule: str) -> Sequence[Finding]:
    chosen = None if seed.whole else (lambda _path, name: name in seed.functions)
    return check_files(sources, [seed.path], [rule], functions=chosen).findings


def _same(finding: Finding) -> _Same:
    return finding.function, finding.key


def _rate(seed: Seed, found: Sequence[Finding]) -> Hit:
    away = [min(abs(f.line - line) for line in seed.lines) for f in found]
    if not away:
        return Hit.MISSED
    return Hit.LINE if min(away) == 0 else Hit.NEAR if min(away) <= _NEAR else Hit.FUNCTION


def seeded_rules() -> list[str]:
    """Return the rules that are there and for which there are seeds."""
    return sorted({variant.rule for variant in VARIANTS} & set(RULES))


def variants_of(rule: str) -> list[str]:
    """Return the names of a rule's variants."""
    return [variant.name for variant in VARIANTS if variant.rule == rule]


def seeds_of(tree: Tree, rule: str, names: Iterable[str] = (), every: bool = False) -> list[Seed]:
    """Make the seeds of a rule in a tree, or those of some of its variants."""
    wanted = frozenset(names)
    return [
        seed
        for variant in VARIANTS
        if variant.rule == rule and (not wanted or variant.name in wanted)
        for seed in variant.seeds(tree, every)
    ]


def barren(outcomes: Iterable[Outcome], rule: str, names: Sequence[str] = ()) -> list[str]:
    """Return a rule's variants, or of some of them, that found no place in any of the trees."""
    made = {outcome.seed.variant for outcome in outcomes if outcome.seed.rule == rule}
    return [each for each in names or variants_of(rule) if each not in made]
