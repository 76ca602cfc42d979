"""The static stage over commits of a made tree, with a made rule: statuses, lines, and sight."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from patchbot.errors import CancelledError
from patchbot.model import Finding, Status
from patchbot.proc import PROCESSES
from patchbot.stages.static import StaticStage, judge, make_findings
from patchbot.static.commits import Checked, check_commits
from patchbot.tree import open_tree
from tests.support.fakes import make_patch, make_request, make_revision, passed
from tests.support.git_tree import commit_files, make_git_tree, run_git
from tests.support.walnut import function, plant

PATH = "fs/a.c"
GOOD = function("f", "pick();") + function("g", "eat();")
BAD = function("f", "pick();", "WALNUT();") + function("g", "eat();")
WARNED = function("f", "PECAN();") + function("g", "eat();")
LOST = function("f", "LOST();") + function("g", "eat();")
LOST_MORE = function("f", "LOST();", "more();") + function("g", "eat();")
BESIDE = function("f", "LOST();") + function("g", "eat();", "rest();")


@pytest.fixture(autouse=True)
def walnuts(monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)


def grow(folder: Path, *texts: str | dict[str, str | None]) -> tuple[Path, list[str]]:
    """A tree with a commit for each text of one file, or for each {path: text, None to delete}."""
    tree = folder / "tree"
    states = [{PATH: each} if isinstance(each, str) else each for each in texts]
    make_git_tree(tree, {name: text for name, text in states[0].items() if text is not None})
    commits = [run_git(tree, "rev-parse", "HEAD")]
    for state in states[1:]:
        for name, text in state.items():
            if text is None:
                (tree / name).unlink()
        kept = {name: text for name, text in state.items() if text is not None}
        commits.append(commit_files(tree, kept, "next\n"))
    return tree, commits


def check(folder: Path, *texts: str | dict[str, str | None]) -> Checked:
    tree, commits = grow(folder, *texts)
    return check_commits(open_tree(tree), commits[0], commits[1:])


def told(checked: Checked) -> list[tuple[str, str, str | None, int | None]]:
    findings = make_findings(checked, list(range(1, len(checked.changes) + 1)), {})
    return [(f.rule, f.severity.value, f.change and f.change.value, f.patch) for f in findings]


@pytest.mark.parametrize(
    ("texts", "status", "reason"),
    [
        ([GOOD, GOOD + "\n"], Status.PASS, "1 rule on 1 file, 2 functions: nothing introduced"),
        ([GOOD, BAD], Status.FAIL, "1 introduced"),
        ([GOOD, WARNED], Status.WARN, "1 introduced"),
        ([BAD, GOOD], Status.PASS, "nothing introduced, 1 fixed"),
        ([BAD, "\n" + BAD], Status.PASS, "nothing introduced, 1 left"),
        ([GOOD, BAD, GOOD], Status.WARN, "nothing introduced, 1 between the patches only"),
        ([GOOD, LOST], Status.INCONCLUSIVE, "nothing introduced, 1 not understood"),
        ([LOST, LOST_MORE], Status.INCONCLUSIVE, "nothing introduced, 1 not understood"),
        ([LOST, BESIDE], Status.PASS, "nothing introduced"),
        ([LOST, LOST_MORE, LOST_MORE + "\n"], Status.INCONCLUSIVE, "1 not understood"),
        ([GOOD, LOST, GOOD], Status.INCONCLUSIVE, "1 not understood between the patches"),
        ([LOST, GOOD], Status.PASS, "nothing introduced"),
        ([GOOD, LOST + function("h", "WALNUT();")], Status.FAIL, "1 introduced, 1 not understood"),
        ([{"a.txt": "x"}, {"a.txt": "y"}], Status.SKIPPED, "no C file is changed"),
        (
            [{"a.h": "int a;\n"}, {"a.h": "int b;\n"}],
            Status.INCONCLUSIVE,
            "1 file, 0 functions: nothing introduced",
        ),
        (
            [{PATH: BAD, "Makefile": "all:\n"}, {PATH: None}],
            Status.PASS,
            "1 file, 0 functions: nothing introduced, 1 fixed",
        ),
        (
            [{PATH: GOOD, "a.rst": "x"}, {PATH: GOOD + "\n", "a.rst": "y"}],
            Status.PASS,
            "1 rule on 1 file (1 that are no C left out), 2 functions: nothing introduced",
        ),
    ],
)
def test_a_status_and_its_reason(
    tmp_path: Path, texts: list[Any], status: Status, reason: str
) -> None:
    got = judge(check(tmp_path, *texts))
    assert got[0] is status
    assert got[1].endswith(reason)


def test_out_of_sight_is_not_fixed(tmp_path: Path) -> None:
    assert told(check(tmp_path, BAD, LOST)) == [
        ("not-understood", "warning", None, None),
        ("walnut", "note", "unchanged", None),
    ]


def test_in_sight_again_is_not_introduced(tmp_path: Path) -> None:
    checked = check(tmp_path, BAD, LOST, BAD)
    assert told(checked) == [
        ("not-understood", "warning", None, 1),
        ("walnut", "note", "unchanged", None),
    ]
    findings = make_findings(checked, [4, 7], {})
    assert findings[0].message == "f() could not be analysed before patch 7: lost"
    assert findings[0].patch == 4


def test_what_was_lost_before_is_a_note(tmp_path: Path) -> None:
    assert told(check(tmp_path, LOST, BESIDE)) == [("not-understood", "note", "unchanged", None)]
    moved: dict[str, str | None] = {PATH: None, "fs/b.c": LOST}
    (tmp_path / "2").mkdir()
    assert told(check(tmp_path / "2", {PATH: LOST, "fs/c.c": GOOD}, moved)) == [
        ("not-understood", "note", "unchanged", None)
    ]


def test_two_equal_ones_and_one_goes(tmp_path: Path) -> None:
    two = function("f", "WALNUT();", "pick();", "WALNUT();")
    checked = check(tmp_path, two, function("f", "pick();", "WALNUT();"))
    assert sorted((t.finding.line, t.brought, t.removed) for t in checked.tracked) == [
        (3, 0, 1), (4, 0, None),
    ]  # fmt: skip


def test_not_bisect_clean_names_both_patches(tmp_path: Path) -> None:
    ripe = function("f", "WALNUT(); /* if */") + function("g", "eat();")
    (finding,) = make_findings(check(tmp_path, GOOD, ripe, GOOD), [2, 5], {})
    assert finding.rule == "not-bisect-clean"
    assert finding.patch == 2
    assert finding.message == (
        "f(): patch 2 brings what patch 5 takes away again (walnut): a walnut, if it is ripe"
    )
    assert finding.evidence == "fs/a.c:1: f begins\nfs/a.c:3: WALNUT"


def test_an_include_elsewhere_belongs_to_the_base(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two bases with equal folders and another header: each gets its own answer."""
    from patchbot.static import commits as module
    from tests.support.walnut import check_walnuts

    def with_header(sources: Any, *args: Any, **more: Any) -> Any:
        if sources.exists("include/nut.h"):
            return check_walnuts(sources, *args, **more)
        return check_walnuts(sources, [], **more)

    monkeypatch.setattr(module, "check_files", with_header)
    tree, commits = grow(tmp_path, {PATH: BAD}, {"include/nut.h": "\n"}, {PATH: "\n" + BAD})
    run_git(tree, "checkout", "-q", "--detach", commits[0])
    side = commit_files(tree, {PATH: "\n" + BAD}, "side\n")
    repository = open_tree(tree)
    assert not check_commits(repository, commits[0], [side]).tracked
    (one,) = check_commits(repository, commits[1], [commits[2]]).tracked
    assert one.brought == 0


def mailed(tree: Path, commits: list[str]) -> Any:
    """A request for the static stage, with a patch mail for each commit."""
    patches = tuple(
        make_patch(
            n, body=run_git(tree, "format-patch", "--stdout", "-1", each).split("\n\n", 1)[1]
        )
        for n, each in enumerate(commits[1:], 1)
    )
    data = MappingProxyType({"base": commits[0], "commits": commits[1:]})
    return replace(
        make_request(repeat="again"),
        revision=replace(make_revision(), patches=patches),
        tree=open_tree(tree),
        earlier={"apply": passed("apply", data=data)},
    )


def diff_line(request: Any, finding: Finding) -> str:
    body = request.revision.patches[(finding.patch or 0) - 1].mail.body
    line: str = body[body.index("diff --git") :].split("\n")[(finding.patch_line or 0) - 1]
    return line


def test_the_line_in_the_diff_of_the_patch_that_brought_it(tmp_path: Path) -> None:
    """A later patch moves the line: file and line are of the end, the diff is the first patch's."""
    tree, commits = grow(tmp_path, GOOD, BAD, "int moved;\n" * 9 + BAD)
    request = mailed(tree, commits)
    result = StaticStage().run(request)
    assert (result.status, result.repeat) == (Status.FAIL, "again")
    (finding,) = result.findings
    assert (finding.patch, finding.line) == (1, 13)
    assert diff_line(request, finding) == "+\tWALNUT();"


def test_a_finding_on_a_line_that_the_patch_does_not_add_has_none(tmp_path: Path) -> None:
    called = function("f", "pick();", "if (x)", "WALNUT();")
    tree, commits = grow(tmp_path, called.replace("WALNUT", "hazel"), called)
    added = StaticStage().run(mailed(tree, commits)).findings[0]
    assert added.patch_line is not None
    fixed = grow(tmp_path / "2", BAD, GOOD)
    (gone,) = StaticStage().run(mailed(*fixed)).findings
    assert (gone.patch, gone.patch_line) == (1, None)


def test_the_key_is_of_all_that_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree, commits = grow(tmp_path, GOOD, BAD, GOOD)
    stage = StaticStage()
    keys = {stage.key(mailed(tree, commits)), stage.key(mailed(tree, commits[:2]))}
    keys.add(stage.key(mailed(tree, commits[1:])))
    monkeypatch.setattr("patchbot.stages.static.hash_rules", lambda: "other rules")
    keys.add(stage.key(mailed(tree, commits)))
    assert len(keys) == 4
    assert stage.key(mailed(tree, commits)) == stage.key(mailed(tree, commits))


def test_nothing_to_check_is_skipped(tmp_path: Path) -> None:
    tree, commits = grow(tmp_path, GOOD)
    result = StaticStage().run(mailed(tree, commits))
    assert (result.status, result.reason) == (Status.SKIPPED, "no commits to check")


def test_it_stops_when_all_is_to_stop(tmp_path: Path) -> None:
    tree, commits = grow(tmp_path, GOOD, BAD)
    request = mailed(tree, commits)
    PROCESSES.cancel()
    try:
        with pytest.raises(CancelledError):
            StaticStage().run(request)
    finally:
        PROCESSES.reset()


def test_it_leaves_the_tree_alone(tmp_path: Path) -> None:
    from tests.support.git_tree import left_without_trace

    tree, commits = grow(tmp_path, GOOD, BAD)
    with left_without_trace(tree):
        StaticStage().run(mailed(tree, commits))
