"""The command line in one process: help, usage errors, apply, show, demo, doctor."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from patchbot.arguments import make_parser
from patchbot.cli import main
from patchbot.demo import find_mbox, make_base_repository
from patchbot.diagnostics import ExitCode
from patchbot.proc import PROCESSES
from patchbot.stages.registry import STAGES
from tests.support import ROOT
from tests.support.git_tree import left_without_trace, run_git

V3 = str(find_mbox("page-protect-v3.mbox"))
COMMANDS = (
    "tui", "review", "apply", "check", "sim", "smoke", "campaign", "tree", "lab", "show", "thread",
    "compare", "demo", "doctor",
)  # fmt: skip
Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def fresh_processes() -> Iterator[None]:
    yield
    PROCESSES.reset()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    make_base_repository(tmp_path / "tree")
    return tmp_path / "tree"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches(command: str, capsys: Captured) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert "examples:" in text or "exits with" in text
    if command in ("review", "apply"):
        assert "exit codes:" in text


@pytest.mark.parametrize("args", [[], ["paint"], ["review"], ["review", V3, "--jobs", "x"]])
def test_a_wrong_command_line(args: list[str], capsys: Captured) -> None:
    with pytest.raises(SystemExit) as caught:
        main(args)
    assert caught.value.code == ExitCode.USAGE
    assert capsys.readouterr().out == ""


def test_the_interface_needs_a_terminal(capsys: Captured) -> None:
    assert main(["tui"]) == ExitCode.USAGE
    assert "patchbot show" in capsys.readouterr().err


def test_a_usage_error_is_one_line_and_the_way_out(capsys: Captured) -> None:
    with pytest.raises(SystemExit):
        main(["review", V3, "--paint"])
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["patchbot: unrecognized arguments: --paint", "  see: patchbot --help"]


def test_a_crash_is_no_verdict(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    def crash(*args: object) -> None:
        raise ZeroDivisionError("seeded")

    monkeypatch.setattr("patchbot.review.run_review", crash)
    assert main(["review", V3]) == ExitCode.COULD_NOT_RUN
    assert "crashed, ZeroDivisionError: seeded" in capsys.readouterr().err


def test_output_that_can_not_be_written(tree: Path) -> None:
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "kernel-sim")])}
    command = [sys.executable, "-m", "patchbot", "review", V3]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, env=env, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == ExitCode.COULD_NOT_RUN
    assert b"Traceback" not in done.stderr
    ascii_only = subprocess.run(
        command, env=env | {"PYTHONIOENCODING": "ascii"}, capture_output=True, check=False
    )
    assert ascii_only.returncode == ExitCode.CANNOT_TELL


def test_apply_with_a_stage_that_crashed_can_not_tell(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*args: object) -> None:
        raise ZeroDivisionError("seeded")

    monkeypatch.setattr("patchbot.stages.apply.apply_patches", crash)
    args = ["apply", V3, "--tree", str(tree), "--branch", "b"]
    assert main(args) == ExitCode.CANNOT_TELL
    assert run_git(tree, "branch", "--list", "b") == ""


def test_the_demo_without_a_usable_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("PATCHBOT_HOME", str(tmp_path / "file"))
    assert main(["demo"]) == ExitCode.COULD_NOT_RUN
    assert "PATCHBOT_HOME" in capsys.readouterr().err


def test_a_broken_configuration_is_a_usage_error(capsys: Captured) -> None:
    path = Path(os.environ["XDG_CONFIG_HOME"]) / "patchbot" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text("colour = 1\n")
    assert main(["review", V3]) == ExitCode.USAGE
    assert "unknown setting 'colour'" in capsys.readouterr().err


def test_a_home_that_can_not_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("PATCHBOT_HOME", str(tmp_path / "file"))
    assert main(["review", V3]) == ExitCode.COULD_NOT_RUN
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "PATCHBOT_HOME" in captured.err


def test_apply(tree: Path, capsys: Captured) -> None:
    with left_without_trace(tree):
        assert main(["apply", V3, "--tree", str(tree)]) == ExitCode.ACCEPT
    out = capsys.readouterr().out
    assert "v4 apply: pass" in out
    ref = next(word for word in out.split() if word.startswith("refs/patchbot/"))
    assert run_git(tree, "log", "--format=%s", "-1", ref).startswith("ext4: ")
    assert main(["apply", V3, "--tree", str(tree), "--revision", "3"]) == ExitCode.ACCEPT
    assert "v3 apply: pass" in capsys.readouterr().out
    patch = "20260315191000.3456-2-mira@example.org"
    assert main(["apply", V3, patch, "--tree", str(tree), "--revision", "named"]) == 0
    assert "v3 apply: pass" in capsys.readouterr().out


def test_apply_where_it_does_not(tree: Path, capsys: Captured) -> None:
    v2 = str(find_mbox("page-protect-v2.mbox"))
    where = ["--tree", str(tree)]
    assert main(["apply", v2, *where, "--base", "main", "--branch", "b"]) == ExitCode.NEEDS_WORK
    assert main(["apply", v2, *where]) == ExitCode.CANNOT_TELL
    assert run_git(tree, "branch", "--list", "b") == ""
    assert main(["apply", v2]) == ExitCode.COULD_NOT_RUN
    assert "no tree to apply to" in capsys.readouterr().err
    assert main(["apply", V3, *where, "--revision", "all"]) == ExitCode.USAGE


def test_apply_with_test_and_branch(tree: Path, capsys: Captured) -> None:
    counted = str(find_mbox("dirty-count-v2.mbox"))
    args = ["apply", counted, "--tree", str(tree), "--test", "--branch", "tested", "--json"]
    assert main(args) == ExitCode.ACCEPT
    assert run_git(tree, "rev-parse", "--verify", "refs/heads/tested")
    assert run_git(tree, "rev-parse", "--abbrev-ref", "HEAD") == "main"
    faulty = ["apply", V3, "--tree", str(tree), "--test", "--branch", "faulty"]
    assert main(faulty) == ExitCode.NEEDS_WORK
    assert run_git(tree, "branch", "--list", "faulty") == ""
    out = capsys.readouterr().out
    assert "no branch faulty: the verdict is needs work, no accept" in out
    assert main([*faulty, "--force"]) == ExitCode.NEEDS_WORK
    assert run_git(tree, "rev-parse", "--verify", "refs/heads/faulty")
    assert "branch faulty made" in capsys.readouterr().out
    assert main(["apply", V3, "--tree", str(tree), "--force", "--branch", "b"]) == ExitCode.USAGE


def test_apply_without_an_answer_makes_no_branch(tree: Path, capsys: Captured) -> None:
    args = ["apply", str(find_mbox("dirty-count-v1.mbox")), "--tree", str(tree)]
    crash = Mock(side_effect=ValueError("odd"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("patchbot.stages.static.StaticStage.run", crash)
        asked = [*args, "--test", "--branch", "untold", "--no-cache"]
        assert main(asked) == ExitCode.CANNOT_TELL
    assert run_git(tree, "branch", "--list", "untold") == ""
    assert "the verdict is cannot tell" in capsys.readouterr().out


def test_keep_says_where(tree: Path, capsys: Captured) -> None:
    assert main(["review", V3, "--tree", str(tree), "--keep"]) == ExitCode.NEEDS_WORK
    line = next(x for x in capsys.readouterr().err.splitlines() if x.startswith("kept: "))
    folder = Path(line.removeprefix("kept: "))
    assert list(folder.glob("v*-apply-*/scratch.git"))


def test_a_later_run_is_answered_from_the_store(tree: Path, capsys: Captured) -> None:
    args = ["review", V3, "--tree", str(tree), "--json"]
    main(args)
    first = capsys.readouterr()
    assert "kept from an earlier run" not in first.err
    main(args)
    second = capsys.readouterr()
    assert second.err.count("kept from an earlier run") == 2 * (
        len(STAGES) - 1
    )  # smoke needs build, which is skipped
    assert json.loads(second.out) == json.loads(first.out)
    main([*args, "--no-cache"])
    assert "kept from an earlier run" not in capsys.readouterr().err


def test_a_lost_ref_or_commit_is_made_again(tree: Path, capsys: Captured) -> None:
    args = ["review", V3, "--tree", str(tree), "--json"]
    main(args)
    data = json.loads(capsys.readouterr().out)["revisions"][0]["stages"]["apply"]["data"]
    for gone in (False, True):
        run_git(tree, "update-ref", "-d", data["ref"])
        if gone:
            run_git(tree, "for-each-ref", "--format=delete %(refname)", "refs/patchbot")
            for ref in run_git(
                tree, "for-each-ref", "--format=%(refname)", "refs/patchbot"
            ).split():
                run_git(tree, "update-ref", "-d", ref)
            run_git(tree, "-c", "gc.pruneExpire=now", "gc", "-q", "--prune=now")
        main(args)
        assert run_git(tree, "rev-parse", data["ref"]) == data["commits"][-1]


def test_events_are_for_programs(tree: Path, capsys: Captured) -> None:
    mbox = str(find_mbox("page-protect-v2.mbox"))
    argv = ["review", mbox, "--tree", str(tree), "--stages", "apply", "--json", "--events"]
    assert main(argv) == ExitCode.CANNOT_TELL
    told = capsys.readouterr()
    events = [json.loads(line) for line in told.err.splitlines()]
    (planned,) = (each for each in events if each["event"] == "planned")
    assert planned == {"event": "planned", "labels": ["v2"], "stages": ["apply"]}
    steps = [each for each in events if each["event"] in ("started", "ended")]
    assert [(each["event"], each["label"]) for each in steps] == [
        ("started", "v2"), ("ended", "v2"),
    ]  # fmt: skip
    document = json.loads(told.out)
    assert steps[1]["result"] == document["revisions"][0]["stages"]["apply"]
    assert main(["review", "/nowhere.mbox", "--events"]) == ExitCode.USAGE
    failed = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert (failed["event"], "/nowhere.mbox" in failed["text"]) == ("fail", True)


def test_show(capsys: Captured) -> None:
    assert main(["show"]) == ExitCode.ACCEPT
    assert "nothing is kept yet" in capsys.readouterr().err
    assert main(["show", "--json"]) == ExitCode.ACCEPT
    assert json.loads(capsys.readouterr().out) == {"schema": "patchbot.list/1", "reviews": []}
    assert main(["show", "gone@example.org"]) == ExitCode.COULD_NOT_RUN
    assert "patchbot review gone@example.org" in capsys.readouterr().err


def test_the_demo_shows_everything_twice(capsys: Captured) -> None:
    assert main(["demo", "--json", "--plain"]) == ExitCode.ACCEPT
    first = json.loads(capsys.readouterr().out)
    assert first["schema"] == "patchbot.demo/1"
    labels = [[r["label"] for r in review["revisions"]] for review in first["reviews"]]
    assert labels == [["v1", "v2", "v3", "v4"], ["v1"], ["v1", "v2"], ["v2"], ["v1"]]
    status = [
        [r["stages"]["apply"]["status"] for r in review["revisions"]] for review in first["reviews"]
    ]
    assert status == [
        ["pass", "inconclusive", "pass", "pass"], ["pass"], ["pass", "pass"], ["inconclusive"],
        ["pass"],
    ]  # fmt: skip
    verdicts = [r["verdict"] for review in first["reviews"] for r in review["revisions"]]
    assert {v["status"] for v in verdicts} == {"accept", "needs work", "cannot tell"}
    assert all("static" in v["scope"] for v in verdicts if v["status"] == "accept")
    assert main(["demo", "--plain"]) == ExitCode.ACCEPT
    captured = capsys.readouterr()
    assert "demo 5 of 5" in captured.out
    assert "kept from an earlier run" in captured.err


def test_doctor(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["doctor", "--json"]) == ExitCode.ACCEPT
    checks = {c["name"]: c for c in json.loads(capsys.readouterr().out)["checks"]}
    assert checks["git"]["found"]
    assert checks["b4"]["found"].startswith("0.16")
    monkeypatch.setenv("PATH", "/nonexistent")
    assert main(["doctor"]) == ExitCode.COULD_NOT_RUN
    out = " ".join(capsys.readouterr().out.split())
    assert "missing" in out
    assert "apt-get install git" in out


def test_a_reader_that_goes_away_is_no_error(tree: Path) -> None:
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "kernel-sim")])}
    process = subprocess.Popen(
        [sys.executable, "-m", "patchbot", "review", V3, "--json"],
        env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    errors = process.stderr.read().decode()
    process.stderr.close()
    process.wait(30)
    assert "Traceback" not in errors
    assert "Exception ignored" not in errors


def test_every_command_is_covered_here() -> None:
    choices = next(a.choices for a in make_parser()._actions if a.choices)
    assert choices is not None
    assert sorted(choices) == sorted(COMMANDS)
