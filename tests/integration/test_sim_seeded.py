"""Seeded faults on Debian's 6.1 and 6.12, in a table: one syntax tree's edit, two kernels.

A cell is searched to its first failure with one preemption, or to the bound's end. The later page,
on which all faults fail, is searched by both engines: the same failure, schedule and executions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from kernel_sim.explore.model import Bounds, Mode, Outcome, Result
from kernel_sim.explore.search import Search
from kernel_sim.ir import Program
from kernel_sim.kit import load_kits
from kernel_sim.machine.native_engine import NativeEngine
from kernel_sim.machine.python_engine import PythonEngine

from patchbot.exporting import export_commit
from patchbot.tree import open_tree
from tests.support.kernel_faults import FAULTS, Change
from tests.support.kernel_git import kernel_git
from tests.support.kernel_mutant_runs import MutantTree
from tests.support.require import deep, require

FIRST, LATER = "write-protect/first-page", "write-protect/later-page"
VERSIONS = ("6.1", "6.12")
FAILS = {
    "unmodified": set[str](),
    "range-start-0": {LATER},
    "early-return": {FIRST, LATER},
    "protects-nothing": {FIRST, LATER},
}
"""Where a store is not made to wait. A range that begins at byte 0 still has the first page."""

# 6.1 marks a page that is dirtied through its mapping, and writeback journals it then: only a power
# cut tells, and the commit has to be left between checksum and I/O. 6.12 marks pinned pages alone:
# a store that did not fault after the commit is in no transaction, and a sync loses it.
WORDS = {"6.1": "recovery, 1", "6.12": "lost store, 0"}
"""The kind of failure, and with how many preemptions."""

CELLS = [
    pytest.param(version, fault, marks=deep if version == "6.1" else ())
    for version in VERSIONS
    for fault in FAILS
]
"""Of 6.1 test_sim_kernels.py runs what a default run has time for, and has it in the same table."""

FEW = 4
"""Executions of a search that goes on for long which both engines make: of seconds in Python."""

pytestmark = pytest.mark.xdist_group("seeded kernels")


@dataclass(frozen=True, slots=True)
class Seeded:
    """A change of one file, made once: reading it again costs less than another tree."""

    name: str
    file: str
    changed: str

    def apply(self, text: str) -> str | None:
        """The changed text; None where nothing changed."""
        return self.changed if self.changed != text else None


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, MutantTree]:
    require("gcc")
    folder = tmp_path_factory.mktemp("seeded")
    return {version: _export(version, folder / version) for version in VERSIONS}


def _export(version: str, folder: Path) -> MutantTree:
    repository = open_tree(kernel_git(version))
    commit = repository.resolve_commit("master")
    assert commit is not None
    kit = next(kit for kit in load_kits() if kit.name == "linux")
    export_commit(repository, commit, folder / "tree", kit.folders)
    return MutantTree(folder / "tree", folder / "home")


def _seed(tree: Path, name: str, change: Change) -> Seeded:
    paths = [path for part in ("ext4", "jbd2") for path in (tree / "fs" / part).glob("*.[ch]")]
    files = {path.relative_to(tree).as_posix(): path.read_bytes() for path in paths}
    files["fs/buffer.c"] = (tree / "fs/buffer.c").read_bytes()
    ((path, data),) = change(files).items()
    return Seeded(name, path, data.decode("utf-8", "surrogateescape"))


@contextmanager
def _with_fault(tree: MutantTree, name: str) -> Iterator[None]:
    if name == "unmodified":
        yield
        return
    fault = next(each for each in FAULTS if each.name == name)
    with tree.changed(_seed(tree.tree, name, fault.change)):
        yield


def _search(program: Program, folder: Path, twice: bool) -> Outcome:
    """One preemption natively; the same in Python to the first failure, or a few executions."""
    native = NativeEngine(program, folder)
    found = native.explore(Mode.DPOR, Bounds(1)).outcome
    if not twice:
        return found
    limits = Bounds(1) if found.failure else Bounds(1, executions=FEW)
    theirs = found if found.failure else native.explore(Mode.DPOR, limits).outcome
    assert Search(PythonEngine(program), Mode.DPOR, limits).explore() == theirs
    return found


@pytest.mark.parametrize(("version", "fault"), CELLS)
def test_a_fault_fails_where_it_has_to(
    version: str,
    fault: str,
    trees: Mapping[str, MutantTree],
    record_property: Callable[[str, object], None],
) -> None:
    tree = trees[version]
    said: dict[str, str] = {}
    with _with_fault(tree, fault):
        for scenario in (FIRST, LATER):
            program = tree.build(scenario).program
            if scenario in FAILS[fault] - {LATER}:  # the first executions show it
                outcome = Search(PythonEngine(program), Mode.DPOR, Bounds(1)).explore()
            else:
                outcome = _search(program, tree.home / "programs", twice=scenario == LATER)
            said[scenario] = _judge(outcome)
    record_property("simulated", (f"{version} {fault}", said))
    assert said == {
        page: WORDS[version] if page in FAILS[fault] else "passed" for page in (FIRST, LATER)
    }


def _judge(outcome: Outcome) -> str:
    """A word for the table; "passed" is the whole bound without a failure, and nothing else is."""
    if outcome.failure is not None:
        return f"{outcome.failure.kind}, {outcome.covered[-1].bound}"
    whole = outcome.result is Result.NO_FAILURE and outcome.complete
    # More than the two threads' starts: the bound was not spent on nothing.
    return "passed" if whole and outcome.covered[1].executions > 100 else "not finished"


@pytest.mark.parametrize("scenario", ["truncate/store", "reclaim/clean"])
def test_pages_that_go_are_run(scenario: str, trees: Mapping[str, MutantTree]) -> None:
    """One thread after the other, in every order; test_sim_evict.py goes further."""
    run = trees["6.12"].explore(scenario, 0)
    assert run.verdict == "passed"
    assert run.outcome.executions >= 2
