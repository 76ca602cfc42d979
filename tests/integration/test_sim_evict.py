"""Truncation, reclaim and pinned pages on Debian's 6.1 (opt-in): what the unmodified tree does.

The faults that these scenarios are to find are in tests/data/sim_kernel_mutants.toml.
"""

from __future__ import annotations

import pytest
from kernel_sim.explore.model import Bounds, Mode, Outcome
from kernel_sim.kit import load_kits
from kernel_sim.machine.native_engine import NativeEngine
from kernel_sim.scenario import load_scenarios

from patchbot.exporting import export_commit
from patchbot.tree import open_tree
from tests.support.kernel_git import kernel_git
from tests.support.kernel_mutant_runs import MutantTree
from tests.support.require import deep, require

pytestmark = [pytest.mark.xdist_group("simulated pages"), deep]
NAMES = [name for name in load_scenarios() if name.split("/")[0] in ("truncate", "reclaim", "pin")]

# The tail of a page is zeroed while the commit writes it: docs/findings/truncated-tail.md. The
# commit has to be left between two blocks, once.
TAIL = "truncate/part"
# A page that is held is stored to between checksum and I/O: the holder has to be left before its
# store, and the commit there.
HELD = ("pin/commit", "pin/get")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> MutantTree:
    require("gcc")
    folder = tmp_path_factory.mktemp("pages")
    repository = open_tree(kernel_git("6.1"))
    commit = repository.resolve_commit("master")
    assert commit is not None
    kit = next(kit for kit in load_kits() if kit.name == "linux")
    export_commit(repository, commit, folder / "tree", kit.folders)
    return MutantTree(folder / "tree", folder / "home")


def _explore(tree: MutantTree, name: str, bound: int) -> Outcome:
    engine = NativeEngine(tree.build(name).program, tree.home / "programs")
    try:
        return engine.explore(Mode.DPOR, Bounds(bound, seconds=900)).outcome
    finally:
        engine.executable.unlink()


@pytest.mark.parametrize("name", sorted(set(NAMES) - {TAIL}))
def test_the_unmodified_tree_passes(name: str, tree: MutantTree) -> None:
    outcome = _explore(tree, name, 1)
    assert (outcome.failure, outcome.reasons, outcome.complete) == (None, (), True)
    # More than each thread's start: the bound was not spent on nothing.
    assert outcome.covered[1].executions > 30


def test_the_tail_of_a_page_is_zeroed_under_a_commit(tree: MutantTree) -> None:
    outcome = _explore(tree, TAIL, 1)
    assert outcome.failure is not None
    assert (outcome.failure.kind, outcome.covered[-1].bound) == ("recovery", 1)
    assert outcome.schedule is not None
    assert tree.replay(TAIL, outcome.schedule) == dict.fromkeys(
        ("python", "native"), outcome.failure
    )


@pytest.mark.parametrize("name", HELD)
def test_a_page_that_is_held_changes_under_a_commit(name: str, tree: MutantTree) -> None:
    outcome = _explore(tree, name, 2)
    assert outcome.failure is not None
    assert (outcome.failure.kind, outcome.covered[-1].bound) == ("recovery", 2)
