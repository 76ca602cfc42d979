"""What each scenario says of each demo revision, reasoned from the code and not from a run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from kernel_sim import ir
from kernel_sim.cfront.linking import Linker
from kernel_sim.cfront.unit import Unit
from kernel_sim.explore.model import Bounds, Mode, Outcome, Result
from kernel_sim.explore.search import Search
from kernel_sim.machine.native_engine import NativeEngine
from kernel_sim.machine.python_engine import PythonEngine

from tests.support.require import DEEP, deep, require
from tests.support.sim_native import native_folder
from tests.support.sim_scenarios import TreeUnits, build, load_scenarios
from tests.support.sim_trees import demo_trees

SCENARIOS = load_scenarios()

# A fault that one thread alone comes to needs no preemption. Where the commit has to be left
# between checksum and I/O, and the writer then runs to its end, it takes one. The first store of
# all has to be left as well, between the end of its handle and the store: two.
FAILS = (
    # Nothing is write-protected.
    ("write-protect/first-page", "base", "recovery", 1),
    ("write-protect/later-page", "base", "recovery", 1),
    ("write-protect/tail-page", "base", "recovery", 1),
    ("write-protect/journal-flag", "base", "recovery", 1),
    ("two-inodes/mixed", "base", "recovery", 1),
    ("stable-pages/journal-store", "base", "unstable page", 1),
    # The range begins at byte 0 and has the length of one page.
    ("write-protect/later-page", "v1", "recovery", 1),
    ("write-protect/tail-page", "v1", "recovery", 1),
    # The callback takes the dirty flag of a page that the transaction is not about.
    ("checkpoint/other-page", "v3", "lost store", 0),
)
PASSES = (
    ("write-protect/first-page", "v1", 1),
    ("write-protect/later-page", "v3", 1),
    ("write-protect/later-page", "v4", 1),
    ("write-protect/later-page", "fix", 1),
    ("checkpoint/other-page", "v4", 1),
    ("checkpoint/other-page", "fix", 1),
)
STRAIGHT = (
    # What one thread after the other does: no preemption, quick enough for the Python engine.
    ("write-protect/first-page", "fix"),
    ("write-protect/tail-page", "fix"),
    ("write-protect/journal-flag", "fix"),
    ("write-protect/ordered", "fix"),
    ("write-protect/writeback", "fix"),
    ("checkpoint/other-page", "v1"),
    ("checkpoint/other-page", "v4"),
    ("checkpoint/same-page", "fix"),
    ("commit-any-time/journal", "fix"),
    ("commit-any-time/ordered", "fix"),
    ("commit-writeback/journal", "fix"),
    ("commit-writeback/ordered", "fix"),
    ("first-store/later-page", "fix"),
    ("first-store/ordered", "fix"),
    ("stable-pages/ordered-store", "fix"),
    ("stable-pages/ordered-write", "fix"),
    ("stable-pages/writeback-store", "fix"),
    ("stable-pages/journal-store", "fix"),
    ("stable-pages/journal-write", "fix"),
    ("two-inodes/journal", "fix"),
    ("two-inodes/mixed", "fix"),
    ("write-write/journal", "fix"),
    ("write-write/ordered", "fix"),
)
KERNELS = {
    "dax-flip": "sim_use_dax",
    "inline-race/alone": "sim_keep_inline",
    "journal-flip/cleared-mapped": "sim_set_journal",
}
"""Scenarios for kernels alone, one of each file, and the first function that is missing here."""

FOR_KERNELS = {n for n in SCENARIOS for k in KERNELS if n.split("/")[0] == k.split("/")[0]}
ELSEWHERE = {
    # The bundled tree's blocks are as large as its pages.
    "write-protect/small-blocks": "this tree has blocks of a page only",
    "write-protect/small-blocks-later-page": "this tree has blocks of a page only",
    "truncate/small-blocks": "this tree has blocks of a page only",
}
ABSENT = {
    "truncate": "this tree has no truncation",
    "reclaim": "this tree keeps its pages",
    "pin": "this tree's pages cannot be pinned",
}
ELSEWHERE |= {
    name: ABSENT[name.split("/")[0]]
    for name in SCENARIOS
    if name.split("/")[0] in ABSENT and not name.endswith("/small-blocks")
}
KNOWN = {"first-store/later-page"}
"""Where the good revision fails too; see docs/findings/first-store.md."""


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TreeUnits]:
    """The revisions; what the same file gives in two of them is parsed once."""
    kept: dict[str, Unit] = {}
    folder = tmp_path_factory.mktemp("trees")
    return {name: TreeUnits(path, kept) for name, path in demo_trees(folder).items()}


def program(trees: dict[str, TreeUnits], scenario: str, revision: str) -> ir.Program:
    return build(trees[revision], SCENARIOS[scenario])


def natively(made: ir.Program, bound: int, seconds: float = 120) -> Outcome:
    require("gcc")
    engine = NativeEngine(made, native_folder())
    return engine.explore(Mode.NONE, Bounds(bound, seconds=seconds)).outcome


def slowly(made: ir.Program, bounds: Bounds) -> Outcome:
    return Search(PythonEngine(made), Mode.NONE, bounds).explore()


def test_every_scenario_is_looked_at() -> None:
    looked_at = {name for name, *_ in (*STRAIGHT, *PASSES)}
    assert looked_at | set(ELSEWHERE) | FOR_KERNELS == set(SCENARIOS)
    assert not looked_at & (set(ELSEWHERE) | FOR_KERNELS)


@pytest.mark.parametrize("scenario", ELSEWHERE)
def test_what_this_tree_cannot_do_is_no_pass(trees: dict[str, TreeUnits], scenario: str) -> None:
    outcome = slowly(program(trees, scenario, "fix"), Bounds(0))
    assert outcome.result is Result.INCONCLUSIVE
    assert ELSEWHERE[scenario] in outcome.reasons


@pytest.mark.parametrize("scenario", KERNELS)
def test_what_is_for_kernels_is_no_pass(trees: dict[str, TreeUnits], scenario: str) -> None:
    linker = Linker(trees["fix"].units(SCENARIOS[scenario]))
    outcome = slowly(linker.link(["setup", "check"]), Bounds(0))
    assert outcome.result is Result.INCONCLUSIVE
    assert outcome.reasons == (f"{KERNELS[scenario]}() is not in the tree or the model",)


@pytest.mark.parametrize(("scenario", "revision", "kind", "preemptions"), FAILS)
def test_a_fault_is_found(
    trees: dict[str, TreeUnits], scenario: str, revision: str, kind: str, preemptions: int
) -> None:
    outcome = slowly(program(trees, scenario, revision), Bounds(preemptions))
    assert outcome.failure is not None
    assert outcome.failure.kind == kind
    assert outcome.covered[-1].bound == preemptions


@pytest.mark.parametrize(("scenario", "revision", "bound"), PASSES)
def test_a_good_revision_passes(
    trees: dict[str, TreeUnits], scenario: str, revision: str, bound: int
) -> None:
    outcome = natively(program(trees, scenario, revision), bound)
    assert outcome.result is Result.NO_FAILURE, outcome
    assert outcome.complete


@pytest.mark.parametrize(("scenario", "revision"), STRAIGHT if DEEP else STRAIGHT[::3])
def test_it_passes_without_preemption(
    trees: dict[str, TreeUnits], scenario: str, revision: str
) -> None:
    outcome = slowly(program(trees, scenario, revision), Bounds(0))
    assert outcome.result is Result.NO_FAILURE, outcome
    assert outcome.complete


def test_where_no_page_is_journalled_commit_and_store_share_nothing(
    trees: dict[str, TreeUnits],
) -> None:
    """The page stays mapped writable, and the commit is about the inode alone: all is covered."""
    outcome = slowly(program(trees, "write-protect/ordered", "fix"), Bounds(2))
    assert outcome.exhaustive
    assert outcome.shared == 0


def test_a_first_store_slips_through(trees: dict[str, TreeUnits]) -> None:
    """The finding: the page is in the transaction, but not dirty, so nobody protects it."""
    outcome = natively(program(trees, "first-store/later-page", "fix"), 2)
    assert outcome.failure is not None
    assert outcome.failure.kind == "recovery"
    assert outcome.covered[-1].bound == 2


@deep
def test_a_page_that_is_dirty_in_time_is_protected(
    trees: dict[str, TreeUnits], tmp_path: Path
) -> None:
    """The remedy of docs/findings/first-store.md; what is left is freed-transaction.md."""
    good = trees["fix"]
    shutil.copytree(good.tree, tmp_path / "tree")
    path = tmp_path / "tree" / "fs" / "ext4" / "inode.c"
    old = "page_offset(page), len);\n\text4_set_inode_state("
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    dirty = old.replace("\text4_set", "\tset_page_dirty(page);\n\text4_set")
    path.write_text(text.replace(old, dirty), "utf-8")
    repaired = {"repaired": TreeUnits(tmp_path / "tree", good.kept)}
    outcome = natively(program(repaired, "first-store/later-page", "repaired"), 2, 900)
    assert outcome.failure is not None
    assert outcome.failure.kind == "use after free"
    assert outcome.failure.path == "fs/jbd2/transaction.c"


def test_both_engines_count_the_same(trees: dict[str, TreeUnits]) -> None:
    """As far as the Python engine comes in some seconds, up to one preemption."""
    made = program(trees, "first-store/ordered", "fix")
    bounds = Bounds(1, executions=40)
    require("gcc")
    native = NativeEngine(made, native_folder()).explore(Mode.NONE, bounds).outcome
    assert slowly(made, bounds) == native
    assert native.executions == 40


@deep
@pytest.mark.parametrize("scenario", sorted(set(SCENARIOS) - set(ELSEWHERE) - FOR_KERNELS))
def test_the_good_revision_passes_further(trees: dict[str, TreeUnits], scenario: str) -> None:
    outcome = natively(program(trees, scenario, "fix"), 2 if scenario in KNOWN else 1, 900)
    if scenario in KNOWN:
        assert outcome.failure is not None
    else:
        assert outcome.result is Result.NO_FAILURE, outcome
        assert outcome.complete


@deep
@pytest.mark.parametrize(("scenario", "kind"), [
    ("write-write/journal", "recovery"), ("two-inodes/journal", "recovery"),
])  # fmt: skip
def test_the_base_fails_in_large_scenarios(
    trees: dict[str, TreeUnits], scenario: str, kind: str
) -> None:
    outcome = natively(program(trees, scenario, "base"), 1, 900)
    assert outcome.failure is not None
    assert outcome.failure.kind == kind


def test_trees_are_the_revisions(trees: dict[str, TreeUnits]) -> None:
    """The callback came with the series, its look at the buffers with v4's 2/3."""

    def text(name: str) -> str:
        path: Path = trees[name].tree / "fs" / "ext4" / "super.c"
        return path.read_text("utf-8")

    assert "writepage_callback" not in text("base")
    assert "redirty_page_for_writepage" not in text("v3")
    assert "redirty_page_for_writepage" in text("v4")
    assert "page_has_buffers" in text("fix")
    assert "page_has_buffers" not in text("v4")
