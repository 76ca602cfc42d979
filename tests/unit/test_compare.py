"""Two revisions compared: findings new, gone, the same or unknown, worked out by hand."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from patchbot.compare import compare_findings, compare_revisions, find_labelled
from patchbot.errors import UsageError
from patchbot.view.compare import say_findings, say_range_diff
from patchbot.view.reading import Line
from patchbot.view.rows import plain
from tests.support.git_tree import make_git_tree, run_git


def finding(message: str, **more: Any) -> dict[str, Any]:
    return {
        "rule": "r", "severity": "error", "message": message, "file": "a.c", "line": 3, "patch": 2,
        "patch_line": 7, "evidence": "", "change": "introduced",
    } | more  # fmt: skip


def revision(label: str, status: str = "fail", *found: dict[str, Any]) -> dict[str, Any]:
    result = {"status": status, "findings": list(found), "data": {}}
    return {"label": label, "stages": {"static": result}}


def messages(compared: dict[str, Any]) -> dict[str, list[str]]:
    return {kind: [each["message"] for each in rows] for kind, rows in compared["findings"].items()}


def test_new_gone_and_still_there() -> None:
    one = revision("v1", "fail", finding("leaks at 12"), finding("hangs"))
    other = revision("v2", "fail", finding("leaks at 34", line=99), finding("crashes"))
    compared = compare_findings(one, other)
    assert messages(compared) == {
        "new": ["crashes"], "gone": ["hangs"], "same": ["leaks at 34"], "unknown": [],
    }  # fmt: skip
    assert compared["unanswered"] == []


def test_each_finding_is_paired_once() -> None:
    one = revision("v1", "fail", finding("leaks"))
    other = revision("v2", "fail", finding("leaks"), finding("leaks"))
    assert messages(compare_findings(one, other))["same"] == ["leaks"]
    assert messages(compare_findings(one, other))["new"] == ["leaks"]
    assert messages(compare_findings(other, one))["gone"] == ["leaks"]


@pytest.mark.parametrize(
    "more", [{"rule": "s"}, {"file": "b.c"}, {"severity": "note"}], ids=lambda more: str(more)
)
def test_what_differs_is_no_pair(more: dict[str, Any]) -> None:
    one, other = revision("v1", "fail", finding("m")), revision("v2", "fail", finding("m", **more))
    assert messages(compare_findings(one, other))["same"] == []


def test_what_a_revision_fixes_is_not_in_it() -> None:
    one = revision("v1", "pass", finding("leaks", change="fixed"))
    other = revision("v2", "fail", finding("leaks", change="unchanged"))
    assert messages(compare_findings(one, other)) == {
        "new": ["leaks"], "gone": [], "same": [], "unknown": [],
    }  # fmt: skip


@pytest.mark.parametrize("status", ["skipped", "error", "inconclusive"])
def test_that_nothing_ran_does_not_say_that_it_is_gone(status: str) -> None:
    one, other = revision("v1", "fail", finding("leaks")), revision("v2", status)
    for pair in ((one, other), (other, one)):
        compared = compare_findings(*pair)
        assert messages(compared)["unknown"] == ["leaks"]
        assert messages(compared)["gone"] == messages(compared)["new"] == []
    assert compare_findings(one, other)["unanswered"] == [
        {"stage": "static", "from": "fail", "to": status}
    ]


def test_a_stage_that_only_one_has_is_no_answer() -> None:
    one, other = revision("v1", "fail", finding("leaks")), {"label": "v2", "stages": {}}
    compared = compare_findings(one, other)
    assert messages(compared)["unknown"] == ["leaks"]
    assert compared["unanswered"] == [{"stage": "static", "from": "fail", "to": "did not run"}]


def test_what_is_said_of_findings() -> None:
    one = revision("v1", "fail", finding("le\x1baks"))
    made = {"from": "v1", "to": "v2", **compare_findings(one, revision("v2", "skipped"))}
    assert say_findings(made) == [
        Line("new in v2: none", "file"),
        Line("gone from v2: none", "file"),
        Line("unknown: a stage gave one of the two no answer: 1", "file"),
        Line("  error static/r, introduced (a.c:3): le\\x1baks", "error"),
        Line("stages that gave no answer for one of them", "file"),
        Line("  static: v1 fail, v2 skipped", "dim"),
    ]


def test_revisions_are_named_with_or_without_the_letter() -> None:
    document = {"revisions": [revision("v1"), revision("v1.2")]}
    assert find_labelled(document, "1.2")["label"] == "v1.2"
    with pytest.raises(UsageError, match="there is no revision 'v3'"):
        find_labelled(document, "v3")


def applied(label: str, base: str, commit: str) -> dict[str, Any]:
    data = {"base": base, "commits": [commit]}
    result = {"status": "pass", "findings": [], "data": data}
    return {"label": label, "stages": {"apply": result}}


def test_a_range_diff_is_gits(tmp_path: Path) -> None:
    text = "".join(f"line {number}\n" for number in range(9))
    top = make_git_tree(tmp_path / "tree", {"nut.c": text})
    base = run_git(top, "rev-parse", "HEAD").strip()
    commits = []
    for word in ("one", "two"):
        (top / "nut.c").write_text(text.replace("line 4\n", f"\t{word} \x1b[31m\n"))
        run_git(top, "commit", "-qam", "walnut: crack")
        commits.append(run_git(top, "rev-parse", "HEAD").strip())
        run_git(top, "reset", "-q", "--hard", base)
    document = {
        "tree": str(top),
        "series": {"slug": "walnut", "title": "walnut"},
        "revisions": [applied(f"v{n}", base, commit) for n, commit in enumerate(commits, 1)],
    }
    compared = compare_revisions(document, "v1", "v2")
    assert compared["range_diff"]["reason"] == ""
    rows = say_range_diff(compared)
    short = [commit[:7] for commit in commits]
    shown = plain(rows).split("\n")
    assert shown[0] == (
        f"git -C {top} range-diff {base[:12]}..{commits[0][:12]} {base[:12]}..{commits[1][:12]}"
    )
    pair = f"1:  {short[0]} ! 1:  {short[1]} walnut: crack"
    assert rows[1] == (Line(pair, "hunk"),)
    assert [row for row in rows if len(row) == 3] == [
        (Line("    "), Line("-", "before"), Line("+        one \\x1b[31m", "added")),
        (Line("    "), Line("+", "after"), Line("+        two \\x1b[31m", "added")),
    ]
    subprocess.run(shown[0].split(), check=True, capture_output=True)


def test_a_revision_that_is_not_applied_has_no_range_diff() -> None:
    document = {
        "tree": "/nowhere",
        "series": {"slug": "walnut", "title": "walnut"},
        "revisions": [revision("v1"), applied("v2", "a" * 40, "b" * 40)],
    }
    (row,) = say_range_diff(compare_revisions(document, "v1", "v2"))
    assert row == (Line("no range-diff: v1 is not applied to a tree", "warning"),)
    document["revisions"][0] = applied("v1", "a" * 40, "c" * 40)
    assert "/nowhere" in compare_revisions(document, "v1", "v2")["range_diff"]["reason"]
