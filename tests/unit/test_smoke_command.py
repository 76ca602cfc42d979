"""What `patchbot smoke` prints and how it exits, without a kernel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import patchbot.smoke
from patchbot.cli import main
from patchbot.diagnostics import ExitCode
from patchbot.kbuild.image import Image
from patchbot.qemu.boot import Outcome
from patchbot.qemu.compare import Pair
from patchbot.qemu.console import Case
from patchbot.qemu.scenario import Scenario, load_scenarios
from tests.support.git_tree import make_git_tree

Captured = pytest.CaptureFixture[str]
GOOD = Outcome((Case(True, "data=journal", "read back"),), "", "", b"", 2.25)
BAD = Outcome((Case(False, "data=journal", "lost"),), "data=journal: lost", "", b"", 2.25)
HUNG = Outcome((), "", "no end within 60 s", b"", 60.0)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return make_git_tree(tmp_path / "tree", {"Makefile": "all:\n"})


def plant(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, after: Outcome) -> None:
    image = Image(tmp_path / "image")
    monkeypatch.setattr(patchbot.smoke, "_require", lambda: None)
    monkeypatch.setattr(patchbot.smoke, "_build", lambda *args: (image, image))

    def compare(
        base: Image | None, after_: Image, scenarios: list[Scenario], *rest: object
    ) -> list[Pair]:
        assert base is None
        return [Pair(each.name, None, after, ("", "x.log")) for each in scenarios]

    monkeypatch.setattr(patchbot.smoke, "compare_images", compare)


@pytest.mark.parametrize(
    ("after", "code", "words"),
    [
        (GOOD, ExitCode.ACCEPT, ["boot: good (2.2 s)", "  ok data=journal: read back"]),
        (BAD, ExitCode.NEEDS_WORK, ["boot: failed (2.2 s)", "  not ok data=journal: lost"]),
        (HUNG, ExitCode.CANNOT_TELL, ["boot: no answer (60.0 s)", "  no end within 60 s"]),
    ],
)
def test_one_commit(
    after: Outcome,
    code: ExitCode,
    words: list[str],
    tree: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:
    plant(monkeypatch, tmp_path, after)
    assert main(["smoke", "--tree", str(tree), "--accel", "tcg"]) == code
    out = capsys.readouterr().out.splitlines()
    assert [word for word in words if word not in out] == []
    assert "  serial log: x.log" in out
    assert main(["smoke", "--tree", str(tree), "--accel", "tcg", "--json"]) == code
    document = json.loads(capsys.readouterr().out)
    assert (document["base"], document["accel"]) == (None, "tcg")
    assert [row["change"] for row in document["scenarios"]] == [None] * len(load_scenarios())


def row(change: str | None, after: Outcome, base: Outcome) -> dict[str, Any]:
    told = [patchbot.smoke._told(each, "x.log") for each in (after, base)]
    return {"scenario": "boot", "change": change, "after": told[0], "base": told[1]}


@pytest.mark.parametrize(
    ("rows", "worst"),
    [
        ([row("unchanged", GOOD, GOOD)], "good"),
        ([row("unchanged", BAD, BAD)], "good"),
        ([row("fixed", GOOD, BAD)], "good"),
        ([row("introduced", BAD, GOOD)], "failed"),
        ([row(None, HUNG, GOOD)], "no answer"),
        ([row(None, GOOD, HUNG)], "no answer"),
        ([row("introduced", BAD, GOOD), row(None, HUNG, GOOD)], "failed"),
        ([], "no answer"),
    ],
)
def test_against_a_base(rows: list[dict[str, Any]], worst: str) -> None:
    assert patchbot.smoke.worst_of({"scenarios": rows}) == worst


def test_the_list_needs_no_tree(capsys: Captured) -> None:
    assert main(["smoke", "--list"]) == ExitCode.ACCEPT
    assert capsys.readouterr().out.startswith("boot: mount, write")


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (["--scenario", "bot"], ExitCode.USAGE, "there is no scenario 'bot'"),
        (["--rev", "HEAD", "--revision", "x"], ExitCode.USAGE, "--rev and --revision"),
        (["--base", "HEAD"], ExitCode.USAGE, "go with --revision"),
        (["--rev", "lost"], ExitCode.USAGE, "has no commit 'lost'"),
    ],
)
def test_what_can_not_be(
    argv: list[str], code: ExitCode, words: str, tree: Path, capsys: Captured
) -> None:
    assert main(["smoke", "--tree", str(tree), *argv]) == code
    assert words in capsys.readouterr().err
