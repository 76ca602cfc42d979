"""Scenarios on two commits of a repository: what a series brings, mends, and leaves."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kernel_sim.cfront.pieces import Pieces
from kernel_sim.kit import Kit, KitError, find_kit, load_kits
from kernel_sim.ledger import Changed, Kind, Part, find_objections, find_touched, parse_lines
from kernel_sim.scenario import Scenario

from patchbot.exporting import export_commit
from patchbot.git import Repository
from patchbot.model import Change
from patchbot.proc import PROCESSES, carried
from patchbot.sim_reach import NOTHING, Reach, find_places, find_reach
from patchbot.sim_unseen import find_unseen
from patchbot.simulation import Asked, Place, Row, find_folder, run_kept, without_answer
from patchbot.static.affected import find_changed_names
from patchbot.static.changes import find_changes
from patchbot.static.sources import BlobReader, CommitSources

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Pair:
    """One scenario with the patches and, where there is one, on the base.

    `touched` are the changed functions that it called, `unseen` changed C files that are no part of
    any program, `reach` is how far all scenarios together came into what was changed. `change` is
    None without a base, or where one side has no whole answer.
    """

    after: Row
    base: Row | None
    touched: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    reach: Reach = NOTHING

    @property
    def scenario(self) -> str:
        """The scenario's name."""
        return str(self.after["scenario"])

    @property
    def change(self) -> Change | None:
        """What the patches did to the scenario's result."""
        if self.base is None or not is_answered(self.after) or not is_answered(self.base):
            return None
        after, base = (row["failure"] for row in (self.after, self.base))
        if after is None:
            return Change.UNCHANGED if base is None else Change.FIXED
        same = base is not None and (after["kind"], after["text"]) == (base["kind"], base["text"])
        return Change.UNCHANGED if same else Change.INTRODUCED


def is_answered(row: Row) -> bool:
    """Whether a row says something: a failure, or that the whole bound was searched without one."""
    return row["result"] == "failure" or (row["result"] == "no failure" and bool(row["complete"]))


@dataclass(slots=True)
class Exported:
    """One commit's files, written to a folder when they are first needed."""

    tree: Repository
    commit: str
    folder: Path
    home: Path
    kit: Kit
    pieces: Pieces
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _place: Place | None = None

    def place(self) -> Place:
        """Return where the files stand; raises as `export_commit`."""
        with self._lock:
            if self._place is None:
                export_commit(self.tree, self.commit, self.folder, self.kit.folders)
                self._place = Place(self.folder, self.kit, self.home, self.pieces)
            return self._place


def find_kit_of(tree: Repository, commit: str) -> Kit:
    """Return the kit for a commit; raises `KitError` where there is none."""
    paths = sorted({path for kit in load_kits() for path in (*kit.has, *kit.lacks)})
    ids = tree.check_names([f"{commit}:{path}" for path in paths])
    have = {path for path, found in zip(paths, ids, strict=True) if found}
    return find_kit(have.__contains__)


def find_changed(tree: Repository, base: str, last: str) -> Changed:
    """Return what changed from one commit to another."""
    changes = find_changes(tree, base, last)
    reader = BlobReader(tree)
    before, after = (CommitSources(reader, commit) for commit in (base, last))
    files = frozenset(changes) | {each.before for each in changes.values() if each.before}
    return Changed(find_changed_names(before, after, changes), files)


@dataclass(frozen=True, slots=True)
class Work:
    """What to run: a base and a last commit (or one alone), which scenarios, and how far.

    `folder` is scratch, `home` the data folder. Unless the scenarios were `named` one by one, those
    that a tree's kit does not run are left out.
    """

    tree: Repository
    trail: Sequence[str]
    scenarios: Sequence[Scenario]
    asked: Asked
    folder: Path
    home: Path
    named: bool = True

    def export(self, commit: str, kit: Kit, pieces: Pieces | None = None) -> Exported:
        """Return a commit's files, not written yet."""
        kept = find_folder(self.home, os.environ)
        pieces = Pieces() if pieces is None else pieces
        return Exported(self.tree, commit, self.folder / commit, kept, kit, pieces)


def compare_commits(work: Work, say: Say = lambda text: None, jobs: int = 1) -> list[Pair]:
    """Run all scenarios on the last commit of a trail, and on its base where there is another."""
    last, base = work.trail[-1], work.trail[0] if len(work.trail) > 1 else None
    try:
        kit = find_kit_of(work.tree, last)
        if base is not None:
            find_kit_of(work.tree, base)
    except KitError as error:
        return [Pair(without_answer(each, str(error)), None) for each in work.scenarios]
    if not work.named:
        work = replace(work, scenarios=[each for each in work.scenarios if kit.runs(each.name)])
    changed = find_changed(work.tree, base, last) if base is not None else Changed()
    sides = [(last, "with the patches" if base else last[:12])]
    sides += [(base, "on the base")] if base is not None else []
    after, *before = _run_all(work, sides, kit, say, jobs)
    judged = [object_to(row, changed) for row in after]
    if base is None:
        return [Pair(row, None) for row in judged]
    reach = find_reach(judged, find_places(work.tree, base, last))
    unseen = find_unseen(work.tree, base, last, kit)
    judged = [leave_open(row, unseen.lines) for row in judged]
    return [
        Pair(row, of_base, _touched(row, changed), unseen.files, reach)
        for row, of_base in zip(judged, before[0], strict=True)
    ]


def _run_all(
    work: Work, sides: Sequence[tuple[str, str]], kit: Kit, say: Say, jobs: int
) -> list[list[Row]]:
    """Return the rows of all scenarios for each commit and what it is called."""
    pieces = Pieces()
    exported = {commit: work.export(commit, kit, pieces) for commit, _ in sides}
    tasks = [(*side, scenario) for side in sides for scenario in work.scenarios]

    def run(task: tuple[str, str, Scenario]) -> Row:
        commit, where, scenario = task
        PROCESSES.check()
        say(f"exploring {scenario.name} {where}")
        files = exported[commit]
        tree_id = work.tree.tree_of(commit)
        return run_kept(tree_id, scenario, work.asked, files.home, files.place)

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        try:
            rows = list(pool.map(carried(run), tasks))
        except KeyboardInterrupt:
            PROCESSES.cancel()  # else the pool waits for explorers that nobody ends
            raise
    count = len(work.scenarios)
    return [rows[at * count : (at + 1) * count] for at in range(len(sides))]


def read_parts(row: Row) -> list[Part]:
    """Return the ledger of a row; none where nothing was built."""
    functions: list[dict[str, Any]] = row["ledger"]["functions"] if row["ledger"] else []
    return [
        Part(
            each["name"],
            each["path"],
            each["line"],
            Kind(each["kind"]),
            tuple(each["reasons"]),
            ran=each["ran"],
            code=(came := parse_lines(each["came"])) | parse_lines(each["idle"]),
            came=came,
        )
        for each in functions
    ]


def object_to(row: Row, changed: Changed) -> Row:
    """Return the row, inconclusive where the model stands in for something that was changed."""
    if not row["ledger"]:
        return row
    ledger = row["ledger"]
    found = find_objections(read_parts(row), ledger["replaced"], ledger["macros"], changed)
    if not found:
        return row
    return {**row, "result": "inconclusive", "reasons": [*row["reasons"], *found]}


def leave_open(row: Row, unseen: Sequence[str]) -> Row:
    """Return the row; without a failure it is inconclusive where changed lines were left out."""
    if not unseen or row["failure"]:
        return row
    return {**row, "result": "inconclusive", "reasons": [*row["reasons"], *unseen]}


def _touched(row: Row, changed: Changed) -> tuple[str, ...]:
    return tuple(find_touched(read_parts(row), changed))
