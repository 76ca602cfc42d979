"""The text report: rows, order, width, and nothing that can command a terminal."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from patchbot.model import Severity, Status, Verdict, VerdictStatus
from patchbot.report.document import render_document
from patchbot.report.text import clean_text, make_console, print_review, render_text
from tests.support.fakes import make_finding, make_review, make_revision, make_series, passed
from tests.support.schema import check_review


def document(**options: Any) -> dict[str, Any]:
    return render_document(make_review(**options))


def failing() -> dict[str, Any]:
    note = make_finding("walnut-note", severity=Severity.NOTE, message="a note")
    error = make_finding(patch=2, patch_line=7, evidence="line one\nline two")
    warning = make_finding("walnut-hint", severity=Severity.WARNING, message="a warning")
    result = passed("apply", Status.FAIL, findings=(note, warning, error))
    return document(
        stages={"v1": [result]}, verdict=Verdict(VerdictStatus.NEEDS_WORK, ("apply: fail",))
    )


def test_the_document_is_what_the_guide_says() -> None:
    for made in (document(), failing(), document(tree=None)):
        assert check_review(made) == []


def test_a_row_a_revision_and_a_column_a_stage() -> None:
    series = make_series(make_revision("v1"), make_revision("v2", 3))
    stages = {"v1": [passed("apply")], "v2": [passed("apply", Status.INCONCLUSIVE)]}
    lines = render_text(document(series=series, stages=stages)).splitlines()
    head = next(line for line in lines if line.startswith("revision"))
    assert head.split() == ["revision", "sent", "patches", "base", "apply", "verdict"] or (
        head.split() == ["revision", "sent", "patches", "trailers", "base", "apply", "verdict"]
    )
    rows = [line.split() for line in lines if line[:3] in ("v1 ", "v2 ")]
    assert [row[0] for row in rows] == ["v1", "v2"]
    assert "2021-03-01" in rows[0]
    assert rows[1][2] == "3"
    assert ("pass" in rows[0], "inconclusive" in rows[1]) == (True, True)


def test_findings_stand_most_serious_first_with_place_and_evidence() -> None:
    text = render_text(failing())
    assert text.index("the walnut leaks") < text.index("a warning") < text.index("a note")
    assert "fs/walnut.c:42, patch 2 line 7 of its diff" in text
    assert text.index("line one") < text.index("line two")
    assert "fail (2)" in text  # a note does not count


def test_a_stage_without_a_result_did_not_run() -> None:
    made = document(series=make_series(make_revision("v1"), make_revision("v2")))
    made["revisions"][1]["stages"] = {}
    assert "did not run" in render_text(made)


def test_equal_verdicts_stand_together() -> None:
    made = document(series=make_series(make_revision("v1"), make_revision("v2")))
    assert "  v1, v2: cannot tell" in render_text(made)


def test_the_report_says_what_it_rests_on() -> None:
    assert "These rest on: apply. What no stage looked at is not vouched for." in render_text(
        document()
    )


@pytest.mark.parametrize("width", [40, 60, 80, 110, 250])
def test_every_width(width: int) -> None:
    made = failing()
    made["series"]["title"] = "a very long title " * 30
    text = render_text(made, width=width)
    limited = [line for line in text.splitlines() if not line.startswith("repeat ")]
    assert max(map(len, limited)) <= width
    assert all(line == line.rstrip() for line in text.splitlines())
    assert "needs work" in " ".join(text.split())


def test_json_and_back_gives_the_same_text() -> None:
    made = failing()
    assert render_text(json.loads(json.dumps(made))) == render_text(made)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "plain", "coloured"),
    [
        (Terminal(), {"TERM": "xterm-256color"}, False, True),
        (Terminal(), {"TERM": "xterm-256color", "NO_COLOR": "1"}, False, False),
        (Terminal(), {"TERM": "dumb"}, False, False),
        (Terminal(), {"TERM": "xterm-256color"}, True, False),
        (io.StringIO(), {"TERM": "xterm-256color"}, False, False),
    ],
)
def test_colour(
    stream: io.StringIO,
    environ: dict[str, str],
    plain: bool,
    coloured: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", environ["TERM"])
    print_review(make_console(stream, environ | {"COLUMNS": "100"}, plain=plain), failing())
    assert ("\x1b[3" in stream.getvalue()) is coloured
    assert "needs work" in stream.getvalue()


HOSTILE = "a\x1b[31mred\x07\x9bx\x00\r\x7f\u202eback\u2066\u200f\ud800\tend"


def test_control_characters_are_shown_not_sent() -> None:
    shown = clean_text(HOSTILE)
    assert shown == (
        "a\\x1b[31mred\\x07\\x9bx\\x00\\x0d\\x7f\\u202eback\\u2066\\u200f\ufffd    end"
    )
    made = failing()
    made["series"]["title"] = made["series"]["author"]["name"] = HOSTILE
    made["revisions"][0]["notes"] = [HOSTILE]
    made["revisions"][0]["stages"]["apply"]["findings"][0]["evidence"] = HOSTILE
    for char in "\x1b\x07\x9b\x00\r\x7f\u202e\u2066\u200f":
        assert char not in render_text(made)
