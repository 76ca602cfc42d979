"""Flags that change and inline data that moves, on Debian's 6.1: what stock fails, and faults.

The tree is parsed once: opt-in, since that and the longer searches take minutes. What costs little
is in test_sim_kernels.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from kernel_sim.kit import find_kit

from patchbot.exporting import export_commit
from patchbot.tree import open_tree
from tests.support.kernel_faults import (
    Change,
    flip_without_flush,
    flip_without_lock,
    flip_without_writeback,
    keep_inline_data,
    switch_dax_inodes,
)
from tests.support.kernel_git import kernel_git
from tests.support.kernel_mutant_runs import MutantTree
from tests.support.require import deep, require
from tests.support.sim_flip_faults import (
    FILES,
    move_under_inode_lock,
    retry_unasked,
    retry_where_allowed,
)

pytestmark = [deep, pytest.mark.xdist_group("simulated kernel")]

STOCK = (
    ("dax-flip", "passed", 1),
    ("inline-race/alone", "passed", 1),
    ("inline-race/grown", "passed", 1),
    ("inline-race/grown-stored", "passed", 1),
    # The journal has the block as the device's buffer, and the store is in the page.
    ("inline-race/kept", "lost store", 0),
    ("inline-race/last-try", "passed", 1),
    # The data is moved between write_begin() and write_end().
    ("inline-race/written", "BUG", 1),
    # The flag is looked at twice; by the second look there is no function to get blocks.
    ("journal-flip/cleared-mapped", "null dereference", 1),
    ("journal-flip/cleared-stored", "passed", 1),
    ("journal-flip/set-stored", "passed", 1),
    ("journal-flip/set-written", "passed", 1),
)
"""What unmodified 6.1 says, and with how many preemptions."""

CAUGHT = (
    (switch_dax_inodes, "dax-flip", "flip", 0),
    (flip_without_flush, "journal-flip/cleared-stored", "lost store", 0),
    (flip_without_writeback, "journal-flip/set-stored", "recovery", 0),
    (flip_without_lock, "journal-flip/set-stored", "recovery", 1),
    (keep_inline_data, "inline-race/alone", "store", 0),
    (move_under_inode_lock, "inline-race/alone", "lock order", 0),
    (retry_unasked, "inline-race/alone", "fault", 0),
    # Who may try again passes, and who may not cannot store.
    (retry_where_allowed, "inline-race/alone", "passed", 1),
    (retry_where_allowed, "inline-race/last-try", "store", 0),
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> MutantTree:
    require("gcc")
    folder = tmp_path_factory.mktemp("flips")
    repository = open_tree(kernel_git("6.1"))
    commit = repository.resolve_commit("master")
    assert commit is not None
    paths = repository.check_names
    kit = find_kit(lambda path: bool(paths([f"{commit}:{path}"])[0]))
    export_commit(repository, commit, folder / "tree", kit.folders)
    return MutantTree(folder / "tree", folder / "home")


@contextmanager
def seeded(tree: MutantTree, change: Change) -> Iterator[None]:
    """Have a fault in the tree's files."""
    names = {*FILES, "fs/ext4/ioctl.c"}
    before = {name: (tree.tree / name).read_bytes() for name in names}
    changed = change(before)
    try:
        _write(tree, changed)
        yield
    finally:
        _write(tree, {name: before[name] for name in changed})


def _write(tree: MutantTree, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (tree.tree / name).unlink()
        (tree.tree / name).write_bytes(data)
        tree.sources.read_again(name)


@pytest.mark.parametrize(("scenario", "verdict", "bound"), STOCK)
def test_stock(scenario: str, verdict: str, bound: int, tree: MutantTree) -> None:
    run = tree.explore(scenario, 1, 300)
    assert run.verdict == verdict, run
    assert run.outcome.covered[-1].bound == bound or run.outcome.exhaustive


@pytest.mark.parametrize(("change", "scenario", "verdict", "bound"), CAUGHT)
def test_a_fault(change: Change, scenario: str, verdict: str, bound: int, tree: MutantTree) -> None:
    with seeded(tree, change):
        run = tree.explore(scenario, bound, 300)
    assert run.verdict == verdict, run
    assert run.outcome.covered[-1].bound == bound or run.outcome.exhaustive
