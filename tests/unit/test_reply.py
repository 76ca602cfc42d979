"""Threads as rows, replies in list style, and the commands that act: worked out by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from patchbot.mail.message import parse_recipients
from patchbot.mail.thread import Mails
from patchbot.model import Mail
from patchbot.report.document import render_document
from patchbot.threads import render_threads
from patchbot.view.commands import apply_argv, rerun_argv, update_argv, with_needs
from patchbot.view.reply import (
    choose_mail,
    make_reply,
    quote,
    quote_hunk,
    quote_whole,
    say_finding,
)
from patchbot.view.rows import plain
from patchbot.view.thread import find_mail, read_mail, say_threads
from tests.support.fakes import WHEN, make_review, make_revision, make_series

FINDING = {
    "rule": "walnut-leak", "severity": "error", "file": "b.c", "line": 40, "patch": 2,
    "patch_line": 21, "evidence": "b.c:40:\tone\n  two\n", "change": "introduced",
    "message": "crack(): the walnut leaks, and that goes on for so long that its line is folded",
}  # fmt: skip
HEAD_A = ["diff --git a/a.c b/a.c", "--- a/a.c", "+++ b/a.c"]
HEAD_B = ["diff --git a/b.c b/b.c", "--- a/b.c", "+++ b/b.c"]
ADDED = [f"+\tline {number};" for number in range(6)]
HUNK = ["@@ -30,3 +30,9 @@ f(void)", " {", *ADDED, " }", " "]
FIRST = ["@@ -1,2 +1,2 @@", " x", "-y", "+z"]
BODY = "\n".join(["Crack it.", "", "---", *HEAD_A, *FIRST, *HEAD_B, *FIRST, *HUNK, "-- ", "2.1"])


def mail(name: str, above: str = "", days: int = 0, **more: Any) -> Mail:
    values: dict[str, Any] = {
        "subject": f"about {name}", "name": "Ada", "email": "ada@example.org", "body": "text",
    }  # fmt: skip
    return Mail(
        message_id=f"{name}@example.org",
        date=WHEN + timedelta(days=days),
        in_reply_to=f"{above}@example.org" if above else None,
        references=(f"{above}@example.org",) if above else (),
        **(values | more),
    )


def document() -> dict[str, Any]:
    return render_document(make_review(series=make_series(make_revision("v1", 2))))


def test_a_thread_stands_in_the_order_in_which_one_reads_it() -> None:
    mails = [
        mail("later", "v1-1", 3), mail("answer", "v1-1", 1), mail("deep", "answer", 9),
        mail("other", days=5), mail("v1-1"), mail("v1-2", "v1-1", 2),
    ]  # fmt: skip
    made = render_threads(document(), Mails(mails))
    order = [(m["message_id"].split("@")[0], m["depth"], m["patch"]) for m in made["mails"]]
    assert order == [
        ("v1-1", 0, 1), ("answer", 1, None), ("deep", 2, None), ("v1-2", 1, 2),
        ("later", 1, None), ("other", 0, None),
    ]  # fmt: skip
    rows = say_threads(made)
    assert [row.text for row in rows[:3]] == [
        "2021-03-01 Ada              about v1-1",
        "2021-03-02 Ada              └ about answer",
        "2021-03-10 Ada                └ about deep",
    ]
    assert [row.style for row in rows] == ["file", "", "", "file", "", ""]


def test_a_mail_is_read_with_its_quotes_dimmed() -> None:
    raw = b"To: Bob <bob@example.org>\nCc: c@example.org,\n\td@example.org\n\nbody"
    made = mail("one", subject="odd \x1b[2J", body="On a day, Ada wrote:\n> why\nso", raw=raw)
    (rendered,) = render_threads(document(), Mails([made]))["mails"]
    rows = read_mail(rendered)
    assert plain(rows).split("\n") == [
        "odd \\x1b[2J", "From: Ada <ada@example.org>", "Date: 2021-03-01 12:00",
        "To: Bob <bob@example.org>", "Cc: c@example.org, d@example.org", "",
        "On a day, Ada wrote:", "> why", "so",
    ]  # fmt: skip
    assert [row[0].style for row in rows[-3:]] == ["", "dim", ""]
    assert parse_recipients(b"no header at all") == ("", "")


def test_a_mail_is_found_by_its_id() -> None:
    made = render_threads(document(), Mails([mail("one")]))
    assert find_mail(made, "one@example.org") == made["mails"][0]
    assert find_mail(made, "two@example.org") is None


def test_the_hunk_of_a_finding_is_quoted_up_to_its_line() -> None:
    """The diff's lines: 7 of a.c, 3 of b.c's head, 4 of its first hunk, then @@ is line 15."""
    assert quote_hunk(BODY, 18, "b.c") == [*HEAD_B, *HUNK[:7]]
    assert quote_hunk(BODY, 6, "a.c") == [*HEAD_A, *FIRST]


def test_a_finding_without_a_line_quotes_the_head_of_its_file() -> None:
    assert quote_hunk(BODY, None, "b.c") == HEAD_B
    assert quote_hunk(BODY, 999, "b.c") == HEAD_B
    assert quote_hunk(BODY, None, "else.c") == quote_hunk(BODY, None, None) == []


def test_of_a_long_hunk_the_end_is_quoted() -> None:
    lines = [f"+line {number}" for number in range(60)]
    body = "\n".join([*HEAD_A, "@@ -0,0 +1,60 @@", *lines])
    quoted = quote_hunk(body, 4 + 50, "a.c")
    assert quoted[3:6] == ["@@ -0,0 +1,60 @@", "[...]", "+line 25"]
    assert quoted[-1] == "+line 52"


def test_a_finding_in_list_style() -> None:
    revision = {"label": "v3", "message_id": "cover@example.org"}
    assert say_finding(FINDING, "static", revision).split("\n") == [
        "crack(): the walnut leaks, and that goes on for so long that its line is",
        "folded", "",
        "(error, walnut-leak, at b.c:40)", "",
        "    b.c:40:    one", "      two", "",
        "Found by patchbot's static stage; to repeat:", "",
        "    patchbot review cover@example.org --revision 3 --stages static",
    ]  # fmt: skip


def test_a_reply_answers_the_patch() -> None:
    above = {
        "message_id": "p2@example.org", "subject": "[PATCH 2/2] crack\nBcc: all@example.org",
        "author": {"name": "Ada\x1b", "email": "ada@example.org"}, "to": "list@example.org",
        "cc": "bob@example.org", "references": ["cover@example.org"],
        "date": "2021-03-01T12:00:00+00:00",
    }  # fmt: skip
    assert make_reply(above, ["+\ta\x1b]0;x\x07", ""], "why?\n").split("\n") == [
        "To: Ada\\x1b <ada@example.org>",
        "Cc: list@example.org, bob@example.org",
        "Subject: Re: [PATCH 2/2] crack Bcc: all@example.org",
        "In-Reply-To: <p2@example.org>",
        "References: <cover@example.org> <p2@example.org>",
        "",
        "On 2021-03-01 12:00, Ada\\x1b wrote:",
        "> +\ta\\x1b]0;x\\x07",
        ">",
        "",
        "why?",
        "",
    ]
    again = make_reply({**above, "subject": "RE: crack", "date": None}, [], "")
    assert "Subject: RE: crack\n" in again
    assert "\n\nAda\\x1b wrote:\n" in again


def test_a_whole_mail_is_quoted_without_its_signature() -> None:
    assert quote_whole({"body": "one\n-- \ntwo\n-- \nAda\n"}) == ["one", "-- ", "two"]
    assert quote_whole({"body": "one\n\n"}) == ["one"]
    assert quote(["one", "", "> two"]) == ["> one", ">", "> > two"]


def test_the_mail_to_answer() -> None:
    revision = document()["revisions"][0]
    assert choose_mail(revision, 2) == "v1-2@example.org"
    assert choose_mail(revision, None) == choose_mail(revision, 9) == "v1-1@example.org"
    assert choose_mail(revision | {"cover": "c@example.org"}, None) == "c@example.org"


def test_stages_bring_what_they_need() -> None:
    assert with_needs(["smoke"]) == ["apply", "build", "smoke"]
    assert with_needs(["static", "apply"]) == ["apply", "static"]


@pytest.mark.parametrize(
    ("labels", "stages", "fresh", "more"),
    [
        (["v1"], ["static"], True, ["--revision", "1", "--stages", "apply,static", "--no-cache"]),
        (["v2", "v1"], ["apply"], False, ["--stages", "apply"]),
    ],
)
def test_the_command_that_runs_stages_again(
    labels: list[str], stages: list[str], fresh: bool, more: list[str]
) -> None:
    kept = render_document(make_review(series=make_series(make_revision(), make_revision("v2"))))
    kept |= {"asked": {"base": None, "on": "below@example.org", "lore": "http://x/y"}}
    assert list(rerun_argv(kept, labels, stages, None, fresh=fresh)) == [
        "review", "v2-1@example.org", "--stored", "--merge", "--tree", "/trees/walnut",
        "--on", "below@example.org", *more, "--json", "--events", "--control",
    ]  # fmt: skip


def test_the_commands_that_fetch_and_apply() -> None:
    kept = document() | {"asked": {"base": "abc", "on": None, "lore": "http://x/y"}, "tree": None}
    assert list(update_argv(kept, "/else")) == [
        "review", "v1-1@example.org", "--lore", "http://x/y", "--tree", "/else", "--base", "abc",
        "--no-cache", "--json", "--events", "--control",
    ]  # fmt: skip
    assert list(apply_argv(kept, "v1", "review/nut", "/else", force=True)) == [
        "apply", "v1-1@example.org", "--stored", "--merge", "--tree", "/else", "--base", "abc",
        "--revision", "1", "--test", "--branch", "review/nut", "--force",
        "--json", "--events", "--control",
    ]  # fmt: skip
    old = {key: value for key, value in kept.items() if key != "asked"}
    assert "--lore" not in update_argv(old, None)
