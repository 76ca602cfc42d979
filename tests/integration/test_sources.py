"""Mails from files, folders and standard input, with no network at all."""

from __future__ import annotations

import gzip
import json
import mailbox
from pathlib import Path

import pytest

from patchbot.demo import find_mbox, make_base_repository
from tests.support.cli import NO_NETWORK, Ran, run_cli, run_on_terminal
from tests.support.schema import check_review

V1, V3 = find_mbox("page-protect-v1.mbox"), find_mbox("page-protect-v3.mbox")


def offline(*args: str | Path, stdin: bytes = b"") -> Ran:
    return run_cli("review", *args, "--json", stdin=stdin, prelude=NO_NETWORK)


def labels(ran: Ran) -> list[str]:
    assert ran.code == 3, ran.err
    return [revision["label"] for revision in ran.document["revisions"]]


def make_maildir(path: Path) -> Path:
    box = mailbox.Maildir(path)
    whole = mailbox.mbox(V3)
    for message in whole:
        box.add(message)
    whole.close()
    return path


def test_every_kind_of_source(tmp_path: Path) -> None:
    packed = tmp_path / "v3.mbox.gz"
    packed.write_bytes(gzip.compress(V3.read_bytes()))
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "one.mbox").write_bytes(V3.read_bytes())
    for source in (V3, packed, folder, make_maildir(tmp_path / "maildir")):
        assert labels(offline(source)) == ["v3", "v4"], source
    assert labels(offline(V1, V3)) == ["v1", "v3", "v4"]
    assert labels(offline("-", stdin=V3.read_bytes())) == ["v3", "v4"]
    assert labels(offline("-", stdin=packed.read_bytes())) == ["v3", "v4"]


def test_one_of_several_series() -> None:
    fix = find_mbox("page-protect-fix.mbox")
    ran = offline(V3, fix)
    assert labels(ran) == ["v3", "v4"]
    assert any("20260402110500.8888-1-lena@example.com" in note for note in ran.document["notes"])
    assert labels(offline(V3, fix, "20260403074500.4001-1-mira@example.org")) == ["v1"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no mail"),
        (b"just some text\n", "no mail"),
        (b"\x7fELF\x00\x01\x02\n\n\x00", "no mail"),
        (gzip.compress(b"From a@b Mon Mar  2 2026\nSubject: x\n\n" * 500)[:-9], "broken"),
        (b"From: a@example.org\nSubject: hello\n\nNo patch here.\n", "no patch"),
    ],
    ids=["empty", "text", "binary", "broken-gzip", "no-patch"],
)
def test_a_source_without_a_series(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    ran = run_cli("review", path, prelude=NO_NETWORK)
    assert ran.code == 4
    assert words in ran.failure
    assert run_cli("review", "-", stdin=content, prelude=NO_NETWORK).code == 4


def test_usage_errors() -> None:
    cases: dict[str, list[str | Path]] = {
        "no such file": ["gone/away.mbox"],
        "one message-id at a time": ["a1@example.org", "b2@example.org"],
        "no stage 'paint'": [V3, "--stages", "paint"],
        "no stage is named": [V3, "--stages", ""],
        "no revision '9'": [V3, "--revision", "9"],
        "--base needs a tree": [V3, "--base", "HEAD"],
    }
    for words, args in cases.items():
        ran = run_cli("review", *args)
        assert (ran.code, words in ran.failure) == (2, True), ran.err
    unknown = run_cli("review", V3, "nobody.knows.123456@example.org")
    assert (unknown.code, "is not among" in unknown.failure) == (4, True)
    nothing = run_cli("review", "hello world")
    assert nothing.code == 4


def test_without_a_tree_all_is_shown_and_apply_is_skipped() -> None:
    ran = run_cli("review", V3, env={"COLUMNS": "120"})
    assert ran.code == 3
    assert "skipped" in ran.out
    assert "no tree: name one with --tree" in " ".join(ran.out.split())
    for label in ("v3", "v4 partial"):
        assert f"\n{label} " in ran.out


def test_exit_codes(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    make_base_repository(tree)
    v2 = find_mbox("page-protect-v2.mbox")
    asked = ("--tree", tree, "--stages", "apply")
    assert run_cli("review", V3, *asked).code == 0
    assert run_cli("review", V3, "--tree", tree).code == 1  # what it finds in the C
    assert run_cli("review", find_mbox("dirty-count-v2.mbox"), "--tree", tree).code == 0
    # Its C does not compile: the simulator can't run it.
    assert run_cli("review", find_mbox("dirty-count-v1.mbox"), "--tree", tree).code == 3
    assert run_cli("review", v2, *asked, "--base", "main").code == 1
    assert run_cli("review", v2, *asked).code == 3  # the base is a guess
    assert run_cli("review", v2, *asked, "--base", "no-such").code == 2
    assert run_cli("review", V3, "--tree", tmp_path / "nowhere").code == 4


def test_on_top(tmp_path: Path) -> None:
    tree, fix = tmp_path / "tree", find_mbox("page-protect-fix.mbox")
    make_base_repository(tree)
    v4 = "20260317211000.3500-1-mira@example.org"
    on = run_cli("review", fix, V3, "20260402110500.8888-1-lena@example.com",
                 "--tree", tree, "--on", v4, "--stages", "apply", "--json")  # fmt: skip
    assert on.code == 0, on.err
    assert on.document["revisions"][0]["base"]["how"].startswith("on top of v4 of ")
    without = run_cli("review", fix, V3, "20260402110500.8888-1-lena@example.com",
                      "--tree", tree, "--json")  # fmt: skip
    assert any("try --on" in note for note in without.document["notes"])
    lost = run_cli("review", fix, "--tree", tree, "--on", v4)
    assert (lost.code, "not among the mails" in lost.err) == (4, True)


def test_show_keeps_what_review_said(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    make_base_repository(tree)
    document = run_cli("review", V3, "--tree", tree, "--json").document
    assert check_review(document) == []
    for name in ("20260316090000.GA4712@example.com", "nobody@example.org"):
        assert run_cli("show", name).code == 4
    for message_id in document["series"]["message_ids"]:
        assert run_cli("show", f"<{message_id}>", "--json").document == document
    assert run_cli("show", document["series"]["slug"], "--json").document == document
    listed = run_cli("show")
    assert document["revisions"][-1]["message_id"] in listed.out
    assert "v4" in listed.out
    mbox = find_mbox("dirty-count-v1.mbox")
    run_cli("review", mbox)
    assert run_cli("show", "20260215-dirty-count-0123456789ab").code == 0
    titles = [r["title"] for r in run_cli("show", "--json").document["reviews"]]
    assert len(titles) == 2


HOSTILE = (
    "From: Mal \x1b[31mlory\x1b[0m <m@example.org>\nDate: Mon, 2 Mar 2026 10:11:12 +0000\n"
    "Message-ID: <1@example.org>\nSubject: [PATCH] \x1b]0;owned\x07 \u202eevil\u202c \x9b31m\n\n"
    "Why.\n---\ndiff --git a/f b/f\nindex 1111111..2222222 100644\n--- a/f\n+++ b/f\n"
    "@@ -1 +1 @@\n-\x1b[2Jold\n+new\n"
)


def test_mails_can_not_command_a_terminal(tmp_path: Path) -> None:
    tree, path = tmp_path / "tree", tmp_path / "mail"
    make_base_repository(tree)
    path.write_bytes(HOSTILE.encode())
    for ran in (
        run_cli("review", path, "--tree", tree),
        run_on_terminal("review", path, "--plain"),
    ):
        for sign in ("\x1b]", "\x07", "\u202e", "\x9b", "\x1b[2J", "\x1b[31mlory"):
            assert sign not in ran.out
        assert "evil" in ran.out


def test_colour_only_on_a_terminal_that_wants_it() -> None:
    assert "\x1b[" not in run_cli("review", V3).out
    assert "\x1b[" in run_on_terminal("review", V3).out
    quiet = run_on_terminal("review", V3, "--plain", env={"NO_COLOR": "1"})
    assert "\x1b[" not in quiet.out


def test_standard_output_is_data_only() -> None:
    ran = run_cli("review", V3, "--json")
    assert json.loads(ran.out)["schema"] == "patchbot.review/1"
    assert ran.err
