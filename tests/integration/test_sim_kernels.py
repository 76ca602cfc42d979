"""The simulator on Debian's 6.1: the unmodified tree passes, and seeded faults are found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from kernel_sim.scenario import load_scenarios

from patchbot.model import Change as Verdict
from patchbot.sim_compare import Pair, Work, compare_commits
from patchbot.simulation import Asked
from patchbot.tree import open_tree
from tests.support.kernel_faults import FAULTS, Change
from tests.support.kernels import Kernels, make_kernels
from tests.support.require import deep, require
from tests.support.sim_lock_faults import (
    keep_page_lock,
    take_list_lock_first,
    wait_for_commits,
)

FIRST, LATER = "write-protect/first-page", "write-protect/later-page"
SMALL = ("dax-flip", "inline-race/alone", "inline-race/grown")
"""What costs next to nothing beside those."""

WRITTEN = "inline-race/written"
FOUND = {
    "range-start-0": {LATER},
    "early-return": {FIRST, LATER},
    "protects-nothing": {FIRST, LATER},
}
"""What has to fail with each fault: a store is not made to wait, on that page."""

LOCKED = ("mm/memory.c", "fs/jbd2/transaction.c")
"""What faults of locking are seeded into."""


pytestmark = pytest.mark.xdist_group("simulated kernel")


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Kernels:
    require("gcc")
    return make_kernels(tmp_path_factory.mktemp("kernels"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def _compare(
    kernels: Kernels,
    home: Path,
    folder: Path,
    commits: list[str],
    names: tuple[str, ...] = (FIRST, LATER),
) -> dict[str, Pair]:
    every = load_scenarios()
    asked = Asked(bound=1, engine="native")
    scenarios = [every[name] for name in names]
    work = Work(open_tree(kernels.repository), commits, scenarios, asked, folder, home)
    return {pair.scenario: pair for pair in compare_commits(work)}


def _word(pair: Pair) -> str:
    """What the table of simulated faults says of it."""
    failure, row = pair.after["failure"], pair.after
    if failure is not None:
        return f"{failure['kind']}, {row['covered'][-1]['bound']}"
    return "passed" if row["result"] == "no failure" and row["complete"] else "no answer"


def test_the_unmodified_tree_passes(
    kernels: Kernels,
    home: Path,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    names = (FIRST, LATER, *SMALL, WRITTEN)
    found = _compare(kernels, home, tmp_path, [kernels.base], names)
    said = {name: _word(pair) for name, pair in found.items()}
    record_property("simulated", ("6.1 unmodified", said))
    failure = found[WRITTEN].after["failure"]
    # As booted: ext4_write_inline_data_end() finds the data moved.
    assert (failure["kind"], failure["path"]) == ("BUG", "fs/ext4/inline.c")
    assert found[WRITTEN].after["covered"][-1]["bound"] == 1
    for name in (FIRST, LATER, *SMALL):
        pair = found[name]
        assert pair.after["reasons"] == []
        assert (pair.after["result"], pair.after["complete"]) == ("no failure", True)
    for name in (FIRST, LATER):
        pair = found[name]
        kinds = [part["kind"] for part in pair.after["ledger"]["functions"]]
        assert kinds.count("real") > 500
        # More than the two threads' starts: the bound was not spent on nothing.
        assert pair.after["covered"][1]["executions"] > 100


@deep
@pytest.mark.parametrize(
    ("change", "kind", "names"),
    [
        # The store of the scenario's setup has left the page locked for everybody.
        (keep_page_lock, "deadlock", "commit (1) waits at"),
        (take_list_lock_first, "lock order", "j_list_lock"),
    ],
)
def test_a_fault_of_locking_is_named(
    change: Change, kind: str, names: str, kernels: Kernels, home: Path, tmp_path: Path
) -> None:
    """One thread after the other comes to it: no schedule has to bring a deadlock about."""
    commit = kernels.commit(change(kernels.files(*LOCKED)), f"{kind}\n")
    failure = _compare(kernels, home, tmp_path, [commit])[FIRST].after["failure"]
    assert failure is not None
    assert failure["kind"] == kind
    assert names in failure["text"]


@deep
def test_who_waits_for_a_commit_is_served(kernels: Kernels, home: Path, tmp_path: Path) -> None:
    """The scenario's end writes back alone: without somebody to commit it would wait for ever."""
    changed = wait_for_commits(kernels.files("fs/ext4/inode.c"))
    found = _compare(kernels, home, tmp_path, [kernels.commit(changed, "wait\n")])
    for pair in found.values():
        assert (pair.after["result"], pair.after["complete"]) == ("no failure", True)
        ran = {each["name"] for each in pair.after["ledger"]["functions"] if each["ran"]}
        assert {"ext4_force_commit", "jbd2_log_wait_commit"} <= ran


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name == "range-start-0" else deep) for name in FOUND]
)
def test_a_seeded_fault_is_found(
    name: str,
    kernels: Kernels,
    home: Path,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    fault = next(each for each in FAULTS if each.name == name)
    commit = kernels.commit(fault.change(kernels.files()), f"{name}\n")
    found = _compare(kernels, home, tmp_path, [kernels.base, commit])
    said = {each: _word(pair) for each, pair in found.items()}
    record_property("simulated", (f"6.1 {name}", said))
    failing = {pair.scenario for pair in found.values() if pair.after["failure"]}
    assert failing == FOUND[name]
    for pair in found.values():
        assert pair.change is (
            Verdict.INTRODUCED if pair.scenario in failing else Verdict.UNCHANGED
        )
        if pair.scenario in failing:
            assert pair.after["failure"]["kind"] == "recovery"
            assert pair.touched
