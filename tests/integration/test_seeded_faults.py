"""Real kernel sources: each seeded fault is found, and nothing is found that is not written down.

Two tables in tests/data say what is expected: `accepted_findings.toml`, findings in unmodified
sources with the reason a maintainer would accept; `missed_seeds.toml`, seeds that no rule finds,
with why. What stands there and is no longer so fails as well.
"""

from __future__ import annotations

import tomllib
from collections import Counter

import pytest
from patchbot_checks import RULES, FolderSources, check_files

from tests.support import ROOT
from tests.support.require import linux_source
from tools.seeding.faults import SEEDERS
from tools.seeding.score import Score, render, score
from tools.seeding.trees import VERSIONS, c_files, unpack

DATA = ROOT / "tests" / "data"
pytestmark = pytest.mark.xdist_group("linux-sources")


def load(name: str) -> list[dict[str, str]]:
    table = tomllib.loads((DATA / name).read_text("utf-8"))
    entries: list[dict[str, str]] = table.get("entry", [])
    assert all(len(each["reason"]) > 20 for each in entries)
    return entries


@pytest.mark.parametrize("version", VERSIONS)
def test_the_unmodified_sources_give_what_is_written_down(version: str) -> None:
    linux_source(version)
    folder = FolderSources(unpack(version))
    report = check_files(folder, c_files(folder))
    found = Counter((f.rule, f.file, f.function, f.key.split("|", 3)[3]) for f in report.findings)
    accepted: Counter[tuple[str, ...]] = Counter()
    for each in load("accepted_findings.toml"):
        if version in each["trees"]:
            name = (each["rule"], each["file"], each["function"], each["key"])
            accepted[name] += int(each.get("count", "1"))
    assert found == accepted
    assert [n for n in report.not_understood if "-test.c" not in n.file] == []
    assert report.functions > 1400


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("rule", SEEDERS)
def test_seeds_are_found(version: str, rule: str, record_property: pytest.RecordProperty) -> None:
    linux_source(version)
    result = score(rule, version)
    record_property("score", render([result]))
    print(render([result]))
    assert result.total, "a seed that seeds nothing"
    missed = Counter((s.path, s.function, s.variant) for s in result.missed)
    written = Counter(
        (e["file"], e["function"], e["variant"])
        for e in load("missed_seeds.toml")
        if e["rule"] == rule and version in e["trees"]
    )
    assert missed == written


def test_every_seeder_is_of_a_rule() -> None:
    assert set(SEEDERS) <= set(RULES)


def test_a_table_of_scores() -> None:
    text = render([Score("some-rule", "6.1", Counter({"a": 2, "b": 1}), exact=2, near=1)])
    assert text.splitlines()[1].split() == ["some-rule", "6.1", "2", "3", "2", "1", "0", "0"]
