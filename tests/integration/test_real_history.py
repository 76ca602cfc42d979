"""The real series on v5.9.1 (opt-in): each fault is found where it is, and not where it is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from patchbot.apply import apply_patches
from patchbot.git import make_scratch
from patchbot.mail.mbox import read_source
from patchbot.mail.series import build_series
from patchbot.mail.thread import Mails
from patchbot.model import Patch
from patchbot.static.commits import Checked, check_commits
from patchbot.static.relative import Tracked
from patchbot.tree import open_tree
from tests.support.git_tree import run_git
from tests.support.require import kernel_tree, shared_lore

LABELS = ("v2", "v3", "v4", "v5", "fix")


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Checked]:
    """What the rules say of each revision, and of the fix on top of v5."""
    linux = kernel_tree()
    mails = [mail for path in shared_lore() for mail in read_source(path)]
    patches: dict[str, tuple[Patch, ...]] = {}
    for series in build_series(Mails(mails)):
        for revision in series.revisions:
            label = revision.label if revision.label in LABELS else "fix"
            if revision.patches:
                patches[label] = revision.patches
    tree = open_tree(linux)
    names = ("v5.9.1", *run_git(linux, "rev-list", "--max-parents=0", "HEAD").split())
    base = next((c for name in names if (c := tree.resolve_commit(name))), None)
    assert base is not None
    found = {}
    for label in LABELS:
        scratch = make_scratch(tree, tmp_path_factory.mktemp(label) / "scratch")
        below = apply_patches(scratch, base, patches["v5"]).commits if label == "fix" else ()
        start = below[-1] if below else base
        commits = apply_patches(scratch, start, patches[label]).commits
        assert commits
        there = replace(tree, common=scratch.git_dir, own=None)
        found[label] = check_commits(
            there, start, commits, sorted({f.rule for f in FAULTS.values()})
        )
    return found


@dataclass(frozen=True)
class Fault:
    """One fault of the answer key: its rule, what to look for, and by revision its patches."""

    rule: str
    brought: dict[str, list[int]]
    removed: dict[str, int]
    chosen: Callable[[Tracked], bool] = lambda tracked: True


def in_function(*names: str) -> Callable[[Tracked], bool]:
    return lambda tracked: tracked.finding.function in names


FAULTS = {
    "F1": Fault("include-missing", {"v2": [5]}, {}, lambda t: "dbg" in t.finding.message),
    "F2": Fault("callback-gated-on-mount-mode", {"v2": [3]}, {}),
    "F3": Fault("writepage-callback-loses-dirty", {"v2": [3]}, {}),
    "F4": Fault("constant-overflows-field", {"v3": [3]}, {}),
    "F5": Fault("dirty-before-write-access", {}, {"v4": 3, "v5": 3}),  # the base has it
    "F6": Fault(
        "range-start-not-page-offset",
        {"v2": [3, 4], "v3": [3], "v4": [4], "v5": [4]},
        {"fix": 1},
    ),
    "F8": Fault("uninitialised-on-path", {"v4": [3], "v5": [3]}, {}),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("label", LABELS)
def test_fault(name: str, label: str, checked: dict[str, Checked]) -> None:
    fault = FAULTS[name]
    tracked = [
        t for t in checked[label].tracked if t.finding.rule == fault.rule and fault.chosen(t)
    ]
    brought = sorted({t.brought for t in tracked if t.brought and t.removed is None})
    assert brought == fault.brought.get(label, [])
    removed = {t.removed for t in tracked if not t.brought and t.removed}
    assert removed == ({fault.removed[label]} if label in fault.removed else set())


def test_f8_is_worded_as_conditional(checked: dict[str, Checked]) -> None:
    (found,) = [
        t.finding for t in checked["v5"].tracked if t.finding.rule == "uninitialised-on-path"
    ]
    assert found.severity.value == "note"
    assert "ext4_should_journal_data(inode)" in found.condition


def test_f5_is_left_by_the_revisions_before(checked: dict[str, Checked]) -> None:
    for label in ("v2", "v3"):
        alive = [
            t for t in checked[label].tracked
            if t.finding.rule == "dirty-before-write-access" and t.removed is None
        ]  # fmt: skip
        assert len(alive) == 1, label


def test_both_calls_of_f6(checked: dict[str, Checked]) -> None:
    rule = FAULTS["F6"].rule
    found = {t.finding.function for t in checked["v5"].tracked if t.finding.rule == rule}
    assert len(found) == 2


@pytest.mark.parametrize("label", LABELS)
def test_nothing_is_lost(label: str, checked: dict[str, Checked]) -> None:
    assert checked[label].lost_here == ()
    assert checked[label].functions > 100
