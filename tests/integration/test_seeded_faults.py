"""Real kernel sources: each seeded fault is found, and nothing is found that is not written down.

Two tables in tests/data say what is expected: `accepted_findings.toml`, findings in unmodified
sources with the reason a maintainer would accept; `missed_seeds.toml`, seeds that no rule finds,
with why. What stands there and is no longer so fails as well.

The tests are small, and in no xdist group, so that they run side by side; the sources are unpacked
once under a lock. At the end of the run the scores are printed as a table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple
from functools import cache

import pytest
from patchbot_checks import RULES, check_files

from tests.support.require import linux_source
from tools.seeding.kernel import VERSIONS, Tree, open_tree
from tools.seeding.model import JOURNAL
from tools.seeding.score import Scorer, barren, seeded_rules, seeds_of, variants_of
from tools.seeding.table import count
from tools.seeding.written import compare_findings, compare_missed, load_missed

_TOGETHER = 6
"""How many variants one test seeds."""


@cache
def scorer(version: str) -> Scorer:
    return Scorer(open_tree(version))


def tree(version: str) -> Tree:
    linux_source(version)
    return scorer(version).tree


def parts() -> Iterator[tuple[str, tuple[str, ...]]]:
    for rule in seeded_rules():
        names = variants_of(rule)
        size = -(-len(names) // -(-len(names) // _TOGETHER))
        for start in range(0, len(names), size):
            yield rule, tuple(names[start : start + size])


PARTS = list(parts())


@pytest.mark.parametrize("version", VERSIONS)
def test_the_unmodified_sources_give_what_is_written_down(version: str) -> None:
    assert compare_findings(tree(version), sorted(RULES)) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_the_sources_are_whole(version: str) -> None:
    sources = tree(version)
    assert check_files(sources.sources, sources.list_code(JOURNAL), []).functions > 1400


@pytest.mark.parametrize(
    ("rule", "variants"), PARTS, ids=[f"{rule}-{variants[0]}" for rule, variants in PARTS]
)
def test_seeds_are_found(
    rule: str, variants: tuple[str, ...], record_property: pytest.RecordProperty
) -> None:
    for version in VERSIONS:
        linux_source(version)
    trees = [tree(version) for version in VERSIONS]
    found = [
        scorer(each.name).score(seed) for each in trees for seed in seeds_of(each, rule, variants)
    ]
    record_property("seeds", [astuple(row) for row in count(found)])
    assert barren(found, rule, variants) == []
    assert [line for each in trees for line in compare_missed(each.name, found)] == []


def test_every_rule_has_seeds() -> None:
    assert seeded_rules() == sorted(RULES)


def test_what_is_missed_is_of_variants_that_there_are() -> None:
    known = {(rule, name) for rule in RULES for name in variants_of(rule)}
    assert {(each.rule, each.variant) for each in load_missed()} <= known
