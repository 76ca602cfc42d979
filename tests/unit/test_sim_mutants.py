"""Each fault seeded into the last good revision is caught by a scenario, or is no fault."""

from __future__ import annotations

import shutil
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
from kernel_sim.cfront.unit import Unit
from kernel_sim.explore.model import Bounds, Mode, Outcome, Result
from kernel_sim.explore.search import Search
from kernel_sim.machine.native_engine import NativeEngine
from kernel_sim.machine.python_engine import PythonEngine

from tests.support import ROOT
from tests.support.require import DEEP, deep, require
from tests.support.sim_mutants import MUTANTS, Mutant
from tests.support.sim_native import native_folder
from tests.support.sim_scenarios import TreeUnits, build, load_scenarios
from tests.support.sim_trees import demo_trees

SCENARIOS = load_scenarios()
DATA: dict[str, dict[str, Any]] = tomllib.loads(
    (ROOT / "tests" / "data" / "sim_mutants.toml").read_text("utf-8")
)
CAUGHT, EQUIVALENT, MISSED = DATA["caught"], DATA["equivalent"], DATA.get("missed", {})
BY_NAME = {mutant.name: mutant for mutant in MUTANTS}
QUICK = (
    "redirty-dropped", "callback-returns-0", "fault-locks-page-first", "fault-keeps-handle",
    "no-checksum", "range-start-0", "early-return", "locks-in-other-order",
)  # fmt: skip
"""Those that always run; the others with PATCHBOT_TEST_SIM=deep."""


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> TreeUnits:
    """The last good revision."""
    return TreeUnits(demo_trees(tmp_path_factory.mktemp("trees"))["fix"])


def sources(tree: Path) -> dict[str, bytes]:
    return {str(path.relative_to(tree)): path.read_bytes() for path in tree.rglob("*.c")}


def seeded(good: TreeUnits, mutant: Mutant, folder: Path) -> TreeUnits:
    """The tree with a fault; files that are the same are not parsed again."""
    tree = folder / mutant.name
    shutil.copytree(good.tree, tree)
    (tree / mutant.path).write_bytes(mutant.apply(sources(good.tree)))
    kept: dict[str, Unit] = good.kept
    return TreeUnits(tree, kept)


def explore(units: TreeUnits, scenario: str, bound: int) -> Outcome:
    """Natively where gcc is wanted for the time it saves, else in Python."""
    made = build(units, SCENARIOS[scenario])
    if bound == 0:
        return Search(PythonEngine(made), Mode.NONE, Bounds(0)).explore()
    require("gcc")
    engine = NativeEngine(made, native_folder())
    return engine.explore(Mode.NONE, Bounds(bound, seconds=120)).outcome


def test_every_mutant_is_accounted_for() -> None:
    names = [*CAUGHT, *EQUIVALENT, *MISSED]
    assert sorted(names) == sorted(BY_NAME)
    assert len(BY_NAME) == len(MUTANTS) >= 30
    assert set(QUICK) <= set(CAUGHT)
    assert "redirty-dropped" in CAUGHT


def test_every_mutant_changes_its_tree(good: TreeUnits) -> None:
    """Each to something else; two that are the same would count twice."""
    files = sources(good.tree)
    made = {(mutant.path, mutant.apply(files)) for mutant in MUTANTS}
    assert len(made) == len(MUTANTS)
    assert all(files[path] != data for path, data in made)


@pytest.mark.parametrize("name", sorted(CAUGHT) if DEEP else QUICK)
def test_a_mutant_is_caught(
    good: TreeUnits, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = CAUGHT[name]
    start = time.monotonic()
    outcome = explore(
        seeded(good, BY_NAME[name], tmp_path), wanted["scenario"], wanted["preemptions"]
    )
    assert outcome.failure is not None, outcome
    assert outcome.failure.kind == wanted["kind"]
    assert outcome.covered[-1].bound == wanted["preemptions"]
    if DEEP:
        with capsys.disabled():
            print(f"\n{name}: {wanted} {time.monotonic() - start:.1f} s", end="")


@deep
@pytest.mark.parametrize("name", sorted({**EQUIVALENT, **MISSED}))
def test_the_others_pass(good: TreeUnits, name: str, tmp_path: Path) -> None:
    """One that is caught after all must be moved."""
    units = seeded(good, BY_NAME[name], tmp_path)
    for scenario in ("write-protect/later-page", "checkpoint/other-page"):
        outcome = explore(units, scenario, 1)
        assert outcome.result is Result.NO_FAILURE, outcome


def test_score(capsys: pytest.CaptureFixture[str]) -> None:
    """Of those that can be caught, so many are."""
    total = len(CAUGHT) + len(MISSED)
    with capsys.disabled():
        print(f"\nmutants of the bundled tree: {len(CAUGHT)} of {total} caught,", end=" ")
        print(f"{len(EQUIVALENT)} equivalent, {len(MISSED)} missed")
    assert len(CAUGHT) >= 30
