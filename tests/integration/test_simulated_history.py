"""The real series on v5.9.1, simulated (opt-in): what booted kernels did, from the code alone.

Nothing is built or booted: the scenarios run the functions of each revision under all schedules
with one preemption, for the last commit that compiles. The table is that of the history.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from kernel_sim.scenario import load_scenarios

from patchbot.apply import apply_patches
from patchbot.git import make_scratch
from patchbot.mail.mbox import read_source
from patchbot.mail.series import build_series
from patchbot.mail.thread import Mails
from patchbot.model import Change, Patch
from patchbot.sim_compare import Pair, Work, compare_commits, is_answered
from patchbot.simulation import Asked
from patchbot.tree import open_tree
from tests.support.git_tree import run_git
from tests.support.require import kernel_tree, require, shared_lore

pytestmark = pytest.mark.xdist_group("simulated history")
LABELS = ("v2", "v3", "v4", "v5", "fix")
COMPILES = {"v2": 4}
"""Patches that are taken, where the last one does not compile."""
FIRST, LATER = "write-protect/first-page", "write-protect/later-page"
BAD, GOOD = "recovery", None
TABLE: dict[str, dict[str, str | None]] = {
    "base": {FIRST: BAD, LATER: BAD},
    "v2": {FIRST: GOOD, LATER: BAD},
    "v3": {FIRST: GOOD, LATER: BAD},
    "v4": {FIRST: GOOD, LATER: BAD},
    "v5": {FIRST: GOOD, LATER: BAD},
    "fix": {FIRST: GOOD, LATER: GOOD},
}
SMALL, SMALL_LATER = "write-protect/small-blocks", "write-protect/small-blocks-later-page"
BLOCKS: dict[str, dict[str, str | None]] = {
    "v2": {SMALL: "message", SMALL_LATER: "recovery"},
    "v3": {SMALL: "message"},
    "fix": {SMALL: None, SMALL_LATER: None},
}
"""With 1 KiB blocks F5 shows: a fault dirties four buffers and waits for the first, and the commit
comes to the others. With blocks as large as pages that takes two preemptions."""


@dataclass(frozen=True)
class History:
    """A repository that sees the real tree's objects, and each revision's commits below its last.

    The fix has v5 below it.
    """

    linux: Path
    base: str
    last: dict[str, str]
    home: Path

    def run(
        self, label: str, scenarios: list[str], bound: int, folder: Path, *, alone: bool = False
    ) -> dict[str, Pair]:
        """Run scenarios on a revision, and on the base of the whole history unless it is alone."""
        every = load_scenarios()
        last = self.last.get(label, self.base)
        trail = [last] if alone or label == "base" else [self.base, last]
        chosen = [every[name] for name in scenarios]
        asked = Asked(bound=bound, seconds=1200.0, engine="native")
        work = Work(open_tree(self.linux), trail, chosen, asked, folder, self.home)
        return {pair.scenario: pair for pair in compare_commits(work)}


def _patches() -> dict[str, tuple[Patch, ...]]:
    found: dict[str, tuple[Patch, ...]] = {}
    mails = [mail for path in shared_lore() for mail in read_source(path)]
    for series in build_series(Mails(mails)):
        for revision in series.revisions:
            label = revision.label if revision.label in LABELS else "fix"
            if revision.patches:
                found[label] = revision.patches[: COMPILES.get(label)]
    return found


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    require("gcc")
    top = tmp_path_factory.mktemp("history")
    run_git(top, "clone", "-q", "--bare", "--shared", str(kernel_tree()), "tree.git")
    tree = open_tree(top / "tree.git")
    names = ("v5.9.1", *run_git(top / "tree.git", "rev-list", "--max-parents=0", "HEAD").split())
    base = next(c for name in names if (c := tree.resolve_commit(name)))
    patches = _patches()
    last: dict[str, str] = {}
    for label in LABELS:
        scratch = make_scratch(tree, top / label)
        start = last["v5"] if label == "fix" else base
        commits = apply_patches(scratch, start, patches[label]).commits
        assert len(commits) == len(patches[label])
        scratch.publish(commits, start, {f"refs/patchbot/test/{label}": commits[-1]})
        last[label] = commits[-1]
    return History(top / "tree.git", base, last, top / "home")


@pytest.mark.parametrize("label", TABLE)
def test_what_booted_kernels_did(label: str, history: History, tmp_path: Path) -> None:
    found = history.run(label, [FIRST, LATER], 1, tmp_path)
    failed = {name: (pair.after["failure"] or {}).get("kind") for name, pair in found.items()}
    print(label, failed, [pair.after["executions"] for pair in found.values()])
    assert failed == TABLE[label]
    for name, pair in found.items():
        assert pair.after["reasons"] == []
        assert is_answered(pair.after)
        if label != "base":
            assert pair.touched
            fixed = TABLE[label][name] is GOOD
            assert pair.change is (Change.FIXED if fixed else Change.UNCHANGED)
        if TABLE[label][name] is GOOD:
            # More than the two threads' starts: the bound was not spent on nothing.
            assert pair.after["covered"][1]["executions"] > 100


@pytest.mark.parametrize("label", BLOCKS)
def test_blocks_smaller_than_a_page(label: str, history: History, tmp_path: Path) -> None:
    found = history.run(label, list(BLOCKS[label]), 1, tmp_path, alone=True)
    failures = {name: pair.after["failure"] for name, pair in found.items()}
    assert all(is_answered(pair.after) for pair in found.values())
    assert {name: (each or {}).get("kind") for name, each in failures.items()} == BLOCKS[label]
    said = [each["text"] for each in failures.values() if each and each["kind"] == "message"]
    assert all("Spotted dirty metadata buffer" in text for text in said)


def test_the_first_store_slips_through_the_fix(history: History, tmp_path: Path) -> None:
    """As docs/findings/first-store.md says: with two preemptions, not with one."""
    name = "first-store/later-page"
    row = history.run("fix", [name], 2, tmp_path, alone=True)[name].after
    assert row["failure"]["kind"] == "recovery"
    assert [each["complete"] for each in row["covered"]] == [True, True, False]
