"""What screens show: rows, cells and lines from documents, worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from patchbot.store import Summary
from patchbot.view.lists import cut, limit_list, make_row, say_age, sort_list
from patchbot.view.matrix import Cell, Live, explain_cell, make_matrix, say_progress, stage_cell
from patchbot.view.reading import Line, commit_of, make_entries, quote_source, say_result


def summary(slug: str, title: str = "walnut", at: float = 0.0, **more: Any) -> Summary:
    values: dict[str, Any] = {
        "author": "Ada", "revisions": 1, "label": "v1", "message_id": f"{slug}@example.org",
        "date": "", "verdict": "accept", "trailers": {},
    }  # fmt: skip
    return Summary(slug, at, title, **(values | more))


def finding(**more: Any) -> dict[str, Any]:
    return {
        "rule": "r", "severity": "error", "message": "m", "file": "a.c", "line": 3, "patch": 2,
        "patch_line": 7, "evidence": "", "change": "introduced",
    } | more  # fmt: skip


def result(**more: Any) -> dict[str, Any]:
    return {
        "stage": "static", "status": "fail", "reason": "why", "findings": [], "seconds": 0.2,
        "tools": {}, "repeat": "", "data": {},
    } | more  # fmt: skip


def document(stages: dict[str, Any], label: str = "v1") -> dict[str, Any]:
    revision = {
        "label": label, "rfc": True, "date": "2026-01-02T03:04:05+00:00", "patches": [{}, {}],
        "total": 3, "trailers": [{"name": "Reviewed-by"}], "stages": stages, "notes": ["one note"],
        "base": {"commit": "c" * 40, "how": "named", "guess": False},
        "verdict": {"status": "needs work", "reasons": ["static: fail"]},
    }  # fmt: skip
    return {"revisions": [revision]}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "now"), (59, "now"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"), (200000, "2 d")],
)
def test_ages(seconds: float, words: str) -> None:
    assert say_age(seconds) == words


def test_a_row_can_not_command_the_terminal() -> None:
    row = make_row(summary("s", "a\x1b[2Jb\nc", revisions=3, trailers={"R": 2, "T": 1}), 7200.0)
    assert (row.title, row.newest) == ("a\\x1b[2Jb c", "v1 of 3")
    assert (row.trailers, row.age) == ("R:2 T:1", "2 h")


def test_what_is_too_long_is_cut() -> None:
    assert [cut("walnut", width) for width in (6, 5, 1)] == ["walnut", "waln…", "…"]


def test_a_list_is_limited_by_words() -> None:
    rows = [summary("a", "Keep pages"), summary("b", "drop pages", verdict="reject")]
    found = {words: [row.slug for row in limit_list(rows, words)] for words in
             ("", "PAGES", "pages -drop", "reject", "pages nothing", "-", "b@example")}  # fmt: skip
    assert found == {
        "": ["a", "b"], "PAGES": ["a", "b"], "pages -drop": ["a"], "reject": ["b"],
        "pages nothing": [], "-": [], "b@example": ["b"],
    }  # fmt: skip


def test_a_list_is_sorted() -> None:
    rows = [summary("a", "zebra", 1.0), summary("b", "Apple", 3.0), summary("c", "moth", 2.0)]
    assert [row.slug for row in sort_list(rows, "reviewed")] == ["b", "c", "a"]
    assert [row.slug for row in sort_list(rows, "title")] == ["b", "c", "a"]
    assert [row.slug for row in sort_list(rows, "author")] == ["a", "b", "c"]


def test_a_cell_counts_what_changed() -> None:
    found = [finding(change=change) for change in ("introduced", "fixed", "introduced", None)]
    assert stage_cell(result(findings=found)) == Cell("fail +2 -1", "fail")
    assert stage_cell(result(status="pass", seconds=61.4)) == Cell("pass 61 s", "pass")
    assert stage_cell(None) == Cell("did not run", "error")


def test_a_matrix_has_a_row_a_revision() -> None:
    matrix = make_matrix(document({"apply": result(status="pass"), "static": result()}))
    facts = ("revision", "sent", "patches", "trailers")
    assert matrix.columns == (*facts, "apply", "static", "verdict")
    assert [cell.text for cell in matrix.rows["v1"]] == [
        "v1 RFC", "2026-01-02", "2 of 3", "R:1", "pass", "fail", "needs work",
    ]  # fmt: skip


def test_a_running_review_lies_over_the_kept_one() -> None:
    live = Live()
    for event in (
        {"event": "planned", "labels": ["v1"], "stages": ["apply", "static", "build"]},
        {"event": "started", "label": "v1", "stage": "apply"},
        {"event": "ended", "label": "v1", "result": result(stage="apply", status="warn")},
        {"event": "started", "label": "v1", "stage": "static"},
        {"event": "say", "text": "look\x1bing"},
    ):
        live.take(event)
    assert live.text == "look\\x1bing"
    kept = document({"apply": result(status="pass"), "static": result()})
    cells = make_matrix(kept, live, 0.5).rows["v1"][4:]
    assert [cell.text for cell in cells] == ["warn", "- running", "waiting", "running"]
    later = make_matrix(kept, live, 61.75).rows["v1"]
    assert later[5] == Cell("\\ running 62 s", "running")
    assert say_progress(live, "1:01") == "1:01  1 of 3 stages done  v1 static"
    assert say_progress(Live(text="reading"), "0:01", stopping=True) == "0:01  stopping  reading"
    assert say_progress(Live(), "0:00") == "0:00  starting"


def test_a_cell_is_explained() -> None:
    kept = document({"static": result(findings=[finding(severity="note"), finding()])})
    assert explain_cell(kept, "v1", "static") == [
        "v1 static: fail", "why", "error r, introduced (a.c:3): m", "note r, introduced (a.c:3): m",
    ]  # fmt: skip
    assert explain_cell(kept, "v1", "verdict") == [
        "v1: needs work", "static: fail", "base cccccccccccc: named", "one note",
    ]  # fmt: skip


def test_a_cell_of_a_review_under_way_is_not_explained_by_the_one_before() -> None:
    live = Live()
    for event in (
        {"event": "planned", "labels": ["v1"], "stages": ["apply", "static", "build"]},
        {"event": "started", "label": "v1", "stage": "apply"},
        {"event": "ended", "label": "v1", "result": result(stage="apply", status="warn")},
        {"event": "started", "label": "v1", "stage": "static"},
    ):
        live.take(event)
    kept = document({"apply": result(stage="apply", status="pass"), "static": result()})
    assert explain_cell(kept, "v1", "apply", live) == ["v1 apply: warn", "why"]
    assert explain_cell(kept, "v1", "static", live) == ["v1 static: running"]
    assert explain_cell(kept, "v1", "build", live) == ["v1 build: waiting"]
    assert explain_cell(kept, "v1", "verdict", live) == [
        "v1: running", "apply: warn, why", "base cccccccccccc: named", "one note",
    ]  # fmt: skip
    other = Live(labels=["v2"], stages=["static"])
    assert explain_cell(kept, "v1", "static", other) == explain_cell(kept, "v1", "static")


def test_a_finding_is_read_with_its_evidence() -> None:
    (entry,) = make_entries(result(findings=[finding(evidence="one\n\ttwo")]))
    assert (entry.head, entry.place) == ("error r introduced a.c:3", "a.c:3")
    assert entry.lines == (
        Line("m", "error"), Line("patch 2, line 7 of its diff", "dim"), Line(""), Line("one"),
        Line("    two"),
    )  # fmt: skip
    said = say_result(result(tools={"gcc": "12"}, repeat="patchbot review x"))
    assert [line.text for line in said] == ["static: fail", "why", "gcc 12", "patchbot review x"]


def test_source_is_quoted_around_a_line() -> None:
    text = "".join(f"\tline {number}\x1b\n" for number in range(1, 6))
    assert quote_source(text, 2, around=1) == [
        Line("      1         line 1\\x1b"),
        Line(">     2         line 2\\x1b", "hunk"),
        Line("      3         line 3\\x1b"),
    ]
    assert [quote_source(text, line) for line in (0, 7)] == [[], []]


@pytest.mark.parametrize(
    ("patch", "change", "commit"),
    [
        (1, "introduced", "p1"), (2, "introduced", "p2"), (1, "fixed", "base"), (2, "fixed", "p1"),
        (None, "unchanged", "p2"), (None, "fixed", "p1"), (9, "introduced", "p2"),
    ],
)  # fmt: skip
def test_a_finding_is_looked_up_where_it_was_found(
    patch: int | None, change: str, commit: str
) -> None:
    assert commit_of(finding(patch=patch, change=change), "base", ["p1", "p2"]) == commit
