"""`patchbot check` as a user runs it, with a made rule: words, formats, exit codes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from patchbot.cli import main
from patchbot.demo import find_mbox, make_base_repository
from patchbot.diagnostics import ExitCode
from patchbot.proc import PROCESSES
from tests.integration.test_check_commits import BAD, GOOD, LOST, PATH, WARNED, grow
from tests.support.git_tree import commit_files, left_without_trace, run_git
from tests.support.public_inbox import PublicInbox
from tests.support.sarif import check_sarif
from tests.support.schema import Check, each, exactly, is_a, like, maybe, one_of
from tests.support.walnut import function, plant

Captured = pytest.CaptureFixture[str]
_COMMIT = like(re.compile(r"[0-9a-f]{40}"))
_PLACE: dict[str, Check] = {"file": is_a(str), "line": is_a(int), "function": is_a(str)}
_DOCUMENT = exactly(
    {
        "schema": one_of("patchbot.check/1"),
        "rules": each(is_a(str), 1),
        "files": each(is_a(str)),
        "functions": is_a(int),
        "findings": each(
            exactly(
                {
                    **_PLACE,
                    "rule": is_a(str),
                    "severity": one_of("error", "warning", "note"),
                    "message": is_a(str),
                    "condition": is_a(str),
                    "key": is_a(str),
                    "change": one_of(None, "introduced", "fixed", "unchanged"),
                    "patch": maybe(is_a(int)),
                    "commit": maybe(_COMMIT),
                    "path": each(exactly({"line": is_a(int), "text": is_a(str)})),
                }
            )
        ),
        "not_understood": each(exactly({**_PLACE, "reason": is_a(str)})),
        "summary": maybe(
            exactly(
                {
                    "status": one_of("pass", "warn", "fail", "inconclusive", "skipped"),
                    "reason": is_a(str),
                    "base": _COMMIT,
                    "commits": each(_COMMIT, 1),
                }
            )
        ),
    }
)


@pytest.fixture(autouse=True)
def walnuts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    plant(monkeypatch)
    yield
    PROCESSES.reset()


def run(capsys: Captured, *args: object) -> tuple[int, str, str]:
    code = main(["check", *map(str, args)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def run_json(capsys: Captured, *args: object) -> tuple[int, Any]:
    """The exit code and a document that is as described; SARIF of the same is right too."""
    code, out, _ = run(capsys, *args, "--json")
    document = json.loads(out)
    assert _DOCUMENT(document, "document") == []
    again, log, _ = run(capsys, *args, "--sarif")
    assert again == code
    assert check_sarif(json.loads(log)) == []
    return code, document


def test_files_as_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.chdir(tmp_path)
    Path("fs").mkdir()
    Path("fs/b.c").write_text(WARNED)
    Path("fs/a.c").write_text(function("f", "if (x) WALNUT();"))
    code, out, err = run(capsys, "fs")
    assert out.splitlines() == [
        "fs/a.c:3: error: f(): a walnut, if it is ripe [walnut]",
        "    1: f begins",
        "    3: WALNUT",
        "fs/b.c:3: warning: f(): a pecan [walnut]",
        "    1: f begins",
        "    3: PECAN",
        out.splitlines()[-1],
    ]
    assert out.splitlines()[-1].endswith("2 files, 3 functions: 1 error, 1 warning")
    assert (code, err) == (ExitCode.NEEDS_WORK, "")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (GOOD, ExitCode.ACCEPT),
        (BAD, ExitCode.NEEDS_WORK),
        (WARNED, ExitCode.ACCEPT),
        (LOST, ExitCode.CANNOT_TELL),
        (LOST + function("h", "WALNUT();"), ExitCode.NEEDS_WORK),
        ("int x;\n", ExitCode.CANNOT_TELL),
        ("int f(void)\n{\n}\n\0", ExitCode.CANNOT_TELL),
    ],
)
def test_the_exit_code_for_a_file(
    tmp_path: Path, capsys: Captured, text: str, code: ExitCode
) -> None:
    (tmp_path / "a.c").write_text(text)
    assert run_json(capsys, tmp_path)[0] == code


def test_a_name_that_is_no_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("n\udcff.c").write_text(BAD)
    code, document = run_json(capsys, ".")
    assert (code, document["files"]) == (ExitCode.NEEDS_WORK, ["n\udcff.c"])


def test_a_range_in_every_format(tmp_path: Path, capsys: Captured) -> None:
    both = function("f", "WALNUT();") + function("g", "WALNUT();")
    left = function("f", "pick();") + function("g", "if (x) WALNUT();", "PECAN();")
    tree, commits = grow(tmp_path, both, left)
    with left_without_trace(tree):
        code, document = run_json(capsys, "--range", f"{commits[0]}..", "--tree", tree)
    rows = document["findings"]
    assert code == ExitCode.ACCEPT
    assert [(r["change"], r["severity"], r["function"], r["condition"]) for r in rows] == [
        ("introduced", "warning", "g", ""),
        ("fixed", "note", "f", ""),
        ("unchanged", "note", "g", "it is ripe"),
    ]
    assert [(r["patch"], r["commit"]) for r in rows] == [
        (1, commits[1]), (1, commits[1]), (None, None),
    ]  # fmt: skip
    assert rows[0]["key"] == f"walnut|{PATH}|g|PECAN"
    assert document["summary"]["base"] == commits[0]
    _, out, _ = run(capsys, "--range", f"{commits[0]}..", "--tree", tree)
    assert out.splitlines()[0] == (
        f"fs/a.c:9: warning: g(): a pecan [walnut] (introduced by {commits[1][:12]})"
    )
    assert out.splitlines()[-1].startswith("warn: 1 rule on 1 file, 2 functions: 1 introduced")


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ([GOOD, BAD], ExitCode.NEEDS_WORK),
        ([BAD, "\n" + BAD], ExitCode.ACCEPT),
        ([GOOD, BAD, GOOD], ExitCode.ACCEPT),
        ([GOOD, LOST], ExitCode.CANNOT_TELL),
        ([GOOD, LOST, GOOD], ExitCode.CANNOT_TELL),
        ([{"a.txt": "x"}, {"a.txt": "y"}], ExitCode.CANNOT_TELL),
        ([{PATH: BAD, "m": "x"}, {PATH: None}], ExitCode.ACCEPT),
    ],
)
def test_the_exit_code_for_a_range(
    tmp_path: Path, capsys: Captured, states: list[Any], code: ExitCode
) -> None:
    tree, commits = grow(tmp_path, *states)
    got, document = run_json(capsys, "--range", f"{commits[0]}..HEAD", "--tree", tree)
    assert got == code, document["summary"]


def test_not_bisect_clean_names_the_commits(tmp_path: Path, capsys: Captured) -> None:
    tree, commits = grow(tmp_path, GOOD, BAD, GOOD)
    _, document = run_json(capsys, "--range", f"{commits[0]}..", "--tree", tree)
    (row,) = document["findings"]
    assert (row["rule"], row["severity"], row["commit"]) == (
        "not-bisect-clean", "warning", commits[1],
    )  # fmt: skip
    first, second = commits[1][:12], commits[2][:12]
    told = f"commit {first} brings what commit {second} takes away again (walnut): a walnut"
    assert row["message"] == told


def test_a_spell_out_of_sight_names_the_commits(tmp_path: Path, capsys: Captured) -> None:
    tree, commits = grow(tmp_path, GOOD, LOST, GOOD)
    _, document = run_json(capsys, "--range", f"{commits[0]}..", "--tree", tree)
    (lost,) = document["not_understood"]
    first, second = commits[1][:12], commits[2][:12]
    assert lost["reason"] == f"lost (from commit {first} to before commit {second})"


def test_every_finding_that_is_left_is_listed(tmp_path: Path, capsys: Captured) -> None:
    many = "".join(function(f"f{n}", "WALNUT();") for n in range(70))
    tree, commits = grow(tmp_path, many, "\n" + many)
    _, document = run_json(capsys, "--range", f"{commits[0]}..", "--tree", tree)
    assert [row["change"] for row in document["findings"]] == ["unchanged"] * 70


def test_a_branch_is_compared_with_where_it_left(tmp_path: Path, capsys: Captured) -> None:
    """What was fixed on A meanwhile is not brought by B."""
    tree, commits = grow(tmp_path, BAD, GOOD)
    run_git(tree, "checkout", "-q", "-b", "topic", commits[0])
    topic = commit_files(tree, {"fs/t.c": function("t", "eat();")}, "topic\n")
    code, document = run_json(capsys, "--range", "master..topic", "--tree", tree)
    assert (code, document["findings"]) == (ExitCode.ACCEPT, [])
    assert document["summary"]["base"] == commits[0]
    assert document["summary"]["commits"] == [topic]


def test_a_range_that_is_none(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree, commits = grow(tmp_path, GOOD, BAD, GOOD)
    run_git(tree, "checkout", "-q", "--orphan", "other")
    commit_files(tree, {PATH: GOOD}, "another root\n")
    wrong = {
        "master": "is no range",
        f"{commits[0]}...master": "is no range",
        "none..master": "has no commit 'none'",
        f"--all..{commits[1]}": "has no commit '--all'",
        f"master..{commits[0]}": "there is no commit in",
        "master..other": "has no parent to compare with",
    }
    for text, words in wrong.items():
        code, out, err = run(capsys, f"--range={text}", "--tree", tree)
        assert (code, out) == (ExitCode.USAGE, ""), text
        assert words in err
    monkeypatch.setattr("patchbot.check._MAX_COMMITS", 1)
    code, _, err = run(capsys, "--range", f"{commits[0]}..master", "--tree", tree)
    assert (code, "2 commits are more than 1" in err) == (ExitCode.USAGE, True)


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        ([], ExitCode.USAGE, "name files, or --range, or --revision"),
        (["a.c", "--range", "a..b"], ExitCode.USAGE, "name files, or --range, or --revision"),
        (["a.c", "--base", "b"], ExitCode.USAGE, "go with --revision"),
        (["a.c", "--json", "--sarif"], ExitCode.USAGE, "choose one"),
        (["a.c", "--rule", "qqqq"], ExitCode.USAGE, "there is no rule 'qqqq'"),
        (["--explain", "qqqq"], ExitCode.USAGE, "there is no rule 'qqqq'"),
        (["none.c"], ExitCode.COULD_NOT_RUN, "none.c: no such file or folder"),
        (["--range", "a..b"], ExitCode.COULD_NOT_RUN, "no tree to look at"),
        (["--revision", "a@b:v1"], ExitCode.COULD_NOT_RUN, "no tree to look at"),
    ],
)
def test_an_error_names_the_thing_and_the_way_out(
    args: list[str], code: ExitCode, words: str, capsys: Captured
) -> None:
    got, out, err = run(capsys, *args)
    assert (got, out) == (code, "")
    first, hint = err.splitlines()
    assert first.startswith("patchbot: ")
    assert words in err
    assert hint.startswith("  ")


def test_ctrl_c_ends_it(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "a.c").write_text(BAD)
    PROCESSES.cancel()
    assert run(capsys, tmp_path)[0] == ExitCode.INTERRUPTED


SERIES = "page-protect-v3.mbox"


def demo_series(tmp_path: Path, capsys: Captured) -> tuple[Path, str, dict[str, Any]]:
    """A tree, the newest message-id of the bundled series, and its kept review."""
    tree = tmp_path / "tree"
    make_base_repository(tree)
    main(["review", str(find_mbox(SERIES)), "--tree", str(tree), "--json"])
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return tree, document["revisions"][-1]["message_id"], document


def test_a_revision_that_was_applied_needs_no_mail(tmp_path: Path, capsys: Captured) -> None:
    """No network: the ban on connections holds. The kept review stays as it was."""
    tree, name, before = demo_series(tmp_path, capsys)
    newest = before["revisions"][-1]
    code, document = run_json(capsys, "--revision", f"{name}:{newest['label']}", "--tree", tree)
    assert code == ExitCode.ACCEPT
    assert document["summary"]["commits"] == newest["stages"]["apply"]["data"]["commits"]
    assert document["summary"]["base"] == newest["base"]["commit"]
    assert document["functions"] > 0
    main(["show", name, "--json"])
    assert json.loads(capsys.readouterr().out) == before


def test_a_revision_is_applied_where_its_ref_is_gone(
    tmp_path: Path, capsys: Captured, demo_inbox: PublicInbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree, name, before = demo_series(tmp_path, capsys)
    data = before["revisions"][-1]["stages"]["apply"]["data"]
    run_git(tree, "update-ref", "-d", data["ref"])
    label = before["revisions"][-1]["label"]
    monkeypatch.setenv("PATCHBOT_LORE", demo_inbox.inbox_url("demo").rstrip("/"))
    code, out, _ = run(capsys, "--revision", f"{name}:{label}", "--tree", tree, "--json")
    assert code == ExitCode.ACCEPT
    assert json.loads(out)["summary"]["commits"] == data["commits"]
    refs = run_git(tree, "for-each-ref", "--format=%(objectname) %(refname)", "refs/patchbot")
    assert [line for line in refs.splitlines() if line.startswith(data["commits"][-1])]
    newest = run(capsys, "--revision", name, "--tree", tree, "--json")
    assert json.loads(newest[1]) == json.loads(out)
    main(["show", name, "--json"])
    assert json.loads(capsys.readouterr().out) == before
    code, _, err = run(capsys, "--revision", f"{name}:v77", "--tree", tree)
    assert (code, "there is no revision '77'" in err) == (ExitCode.USAGE, True)
