"""Writeback, sync, blocks smaller than a page and several files on Debian's 6.1 (opt-in)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from kernel_sim.kit import load_kits
from kernel_sim.scenario import load_scenarios

from patchbot.lab.faults import protect_nothing
from patchbot.sim_compare import Work, compare_commits
from patchbot.simulation import Asked, Row
from patchbot.tree import open_tree
from tests.support.kernel_faults import Change, wait_for_no_io
from tests.support.kernels import Kernels, make_kernels
from tests.support.require import require
from tests.support.sim_write_faults import forget_redirty

DEEP = os.environ.get("PATCHBOT_TEST_SIM") == "deep"
"""Asked here, as tests have an environment of their own."""

pytestmark = [
    pytest.mark.xdist_group("simulated kernel"),
    pytest.mark.skipif(not DEEP, reason="opt-in: set PATCHBOT_TEST_SIM=deep for all scenarios"),
]

# No thread has to be interrupted where the commit alone takes a page's dirty mark away, or where
# the flusher has submitted a page and ended before the device reads it. Between a block's checksum
# and its submission the commit has to be left, once.
FOUND = (
    (forget_redirty, "checkpoint/other-page", "lost store", 0),
    (protect_nothing, "write-protect/small-blocks", "recovery", 1),
    (protect_nothing, "two-inodes/mixed", "recovery", 1),
    (wait_for_no_io, "stable-pages/ordered-store", "unstable page", 0),
)


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Kernels:
    require("gcc")
    return make_kernels(tmp_path_factory.mktemp("kernels"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def _run(kernels: Kernels, home: Path, folder: Path, commit: str, names: list[str]) -> list[Row]:
    every = load_scenarios()
    chosen = [every[name] for name in names]
    asked = Asked(bound=1, engine="native")
    work = Work(open_tree(kernels.repository), [commit], chosen, asked, folder, home, named=True)
    return [pair.after for pair in compare_commits(work)]


def test_the_unmodified_tree_passes_all_scenarios(
    kernels: Kernels, home: Path, tmp_path: Path
) -> None:
    # test_sim_evict.py and test_sim_flips.py say what these do.
    elsewhere = ("truncate", "reclaim", "pin", "dax-flip", "inline-race", "journal-flip")
    names = [name for name in load_scenarios() if name.split("/")[0] not in elsewhere]
    for row in _run(kernels, home, tmp_path, kernels.base, names):
        assert (row["scenario"], row["result"]) == (row["scenario"], "no failure")
        assert row["complete"]
        assert row["reasons"] == []


@pytest.mark.parametrize(("change", "scenario", "kind", "preemptions"), FOUND)
def test_a_seeded_fault_is_found(
    change: Change,
    scenario: str,
    kind: str,
    preemptions: int,
    kernels: Kernels,
    home: Path,
    tmp_path: Path,
) -> None:
    commit = kernels.commit(change(kernels.files()), f"{scenario} {kind}\n")
    (row,) = _run(kernels, home, tmp_path, commit, [scenario])
    assert row["failure"] is not None
    assert row["failure"]["kind"] == kind
    assert row["covered"][-1]["bound"] == preemptions


def test_what_is_run_unasked_exists() -> None:
    kit = next(kit for kit in load_kits() if kit.name == "linux")
    assert set(kit.scenarios) <= set(load_scenarios())
