"""Faults seeded into Debian's 6.1 are caught by a scenario, or it is written down why not.

Each takes seconds to minutes: opt-in. `python -m tools.score_sim_mutants` runs any of them by name.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
from kernel_sim.kit import find_kit

from patchbot.exporting import export_commit
from patchbot.tree import open_tree
from tests.support import ROOT
from tests.support.kernel_git import kernel_git
from tests.support.kernel_mutant_runs import MutantTree
from tests.support.kernel_mutants import load_mutants
from tests.support.require import require

MUTANTS = load_mutants()
SCORES: dict[str, dict[str, Any]] = tomllib.loads(
    (ROOT / "tests" / "data" / "sim_kernel_scores.toml").read_text("utf-8")
)
CAUGHT = SCORES["caught"]
OTHERS = {**SCORES["equivalent"], **SCORES["missed"]}
BOTH = (
    "range-starts-late", "range-ends-early", "fault-returns-early", "fault-range-from-0",
    "fault-range-late", "fault-not-listed", "no-shadow", "shadow-not-waited-for", "copy-not-made",
    "next-not-set", "checksum-of-live-block", "data-submitted-late", "forget-without-buffer-lock",
)  # fmt: skip
"""Those whose schedule is run with both engines."""

pytestmark = pytest.mark.xdist_group("simulated kernel")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> MutantTree:
    if os.environ.get("PATCHBOT_TEST_SIM") != "deep":
        pytest.skip("opt-in: set PATCHBOT_TEST_SIM=deep for the faults of a real kernel")
    require("gcc")
    folder = tmp_path_factory.mktemp("mutants")
    repository = open_tree(kernel_git("6.1"))
    commit = repository.resolve_commit("master")
    assert commit is not None
    paths = repository.check_names
    kit = find_kit(lambda path: bool(paths([f"{commit}:{path}"])[0]))
    export_commit(repository, commit, folder / "tree", kit.folders)
    return MutantTree(folder / "tree", folder / "home")


@pytest.mark.parametrize("name", sorted(CAUGHT))
def test_a_fault_is_caught(name: str, tree: MutantTree, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = CAUGHT[name]
    with tree.changed(MUTANTS[name]):
        run = tree.explore(wanted["scenario"], wanted["preemptions"])
    assert run.outcome.failure is not None, run
    assert run.outcome.failure.kind == wanted["kind"]
    assert run.outcome.covered[-1].bound == wanted["preemptions"]
    with capsys.disabled():
        print(f"\n{name}: {run.verdict}, {run.outcome.schedule}, {run.seconds} s", end="")


@pytest.mark.parametrize("name", BOTH)
def test_its_schedule_fails_alike_with_both_engines(name: str, tree: MutantTree) -> None:
    wanted = CAUGHT[name]
    with tree.changed(MUTANTS[name]):
        run = tree.explore(wanted["scenario"], wanted["preemptions"])
        assert run.outcome.schedule is not None
        found = tree.replay(wanted["scenario"], run.outcome.schedule)
    assert found["python"] == found["native"] == run.outcome.failure


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_the_others_pass(name: str, tree: MutantTree) -> None:
    """One that is caught after all must be moved."""
    with tree.changed(MUTANTS[name]):
        run = tree.explore("write-protect/later-page", 1)
    assert run.verdict == "passed"


def test_score(capsys: pytest.CaptureFixture[str]) -> None:
    """Of those that can be caught, so many are."""
    missed, equivalent = len(SCORES["missed"]), len(SCORES["equivalent"])
    with capsys.disabled():
        print(f"\nmutants of Debian's 6.1: {len(CAUGHT)} caught, {missed} missed,", end=" ")
        print(f"{equivalent} equivalent")
    assert len(CAUGHT) >= 30


def test_faults_find_their_place_in_other_versions() -> None:
    """Where the code is alike, in the sources of 6.1 and 6.12 that this machine has."""
    if os.environ.get("PATCHBOT_TEST_SIM") != "deep":
        pytest.skip("opt-in: set PATCHBOT_TEST_SIM=deep to look at two kernels' sources")
    for version, without in (("6.1", set()), ("6.12", SCORES["absent"]["6.12"])):
        found = _absent(version)
        assert found == set(without), version


def _absent(version: str) -> set[str]:
    repository = kernel_git(version)
    texts = {path: _show(repository, path) for path in {m.file for m in MUTANTS.values()}}
    return {name for name, each in MUTANTS.items() if each.apply(texts[each.file]) is None}


def _show(repository: Path, path: str) -> str:
    tree = open_tree(repository)
    return tree.run("show", f"master:{path}").stdout.decode("utf-8", "replace")
