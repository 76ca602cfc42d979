"""What a cell rests on, in the interface: counterexample, serial log, cancelling, and crashes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import DataTable

from patchbot.demo import find_mbox, make_demo_tree
from patchbot.proc import PROCESSES
from patchbot.tui.app import PatchbotApp
from patchbot.tui.jobs import Job, review_argv
from patchbot.tui.lines import LinesView
from patchbot.tui.reading import Detail
from patchbot.tui.serial import SerialScreen
from patchbot.tui.series import SeriesScreen
from patchbot.tui.timeline import TimelineScreen
from patchbot.tui.widgets import Help, Prompt
from tests.support.git_tree import make_git_tree, run_git
from tests.support.tui import drive, keep_review, rows, stage_result, until, words

MBOX = "page-protect-v3.mbox"


@pytest.fixture(autouse=True)
def fresh_processes() -> Iterator[None]:
    yield
    PROCESSES.reset()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATCHBOT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def step(thread: int, line: int, **more: Any) -> dict[str, Any]:
    return {
        "thread": thread, "path": "fs/nut.c", "line": line, "function": "crack", "kind": "write",
        "value": 1, "switch": False, "skipped": 0, "text": f"nut = {line};",
    } | more  # fmt: skip


def simulated(commit: str) -> dict[str, Any]:
    """A result of the simulate stage: at line 2 the writer goes on, and the commit fails at 3."""
    own = {"path": "<sim>/model/bundled/mount.c", "switch": True}
    row = {
        "scenario": "nuts", "commit": commit, "schedule": "1@4>2",
        "threads": {"1": "commit", "2": "writer"},
        "failure": {"kind": "assert", "text": "it is open", "path": "fs/nut.c", "line": 3},
        "steps": [step(1, 1), step(2, 2, switch=True), step(2, 1, **own), step(1, 3, switch=True)],
    }  # fmt: skip
    finding = {
        "rule": "nuts", "severity": "error", "message": "assert: it is open", "file": None,
        "line": None, "patch": None, "patch_line": None, "evidence": "", "change": "introduced",
    }  # fmt: skip
    scenarios = {"nuts": {"counterexample": row}}
    return stage_result("simulate", findings=[finding], data={"scenarios": scenarios})


async def open_cell(pilot: Pilot[None], app: PatchbotApp, left: int) -> None:
    """Open the only series, and go to a cell left of the last one."""
    await until(pilot, lambda: rows(app))
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(app.screen, SeriesScreen))
    await pilot.press(*["h"] * left)


@pytest.mark.parametrize("size", [(80, 24), (170, 40)])
def test_a_counterexample_is_stepped_through(
    home: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    tree = make_git_tree(tmp_path / "tree", {"fs/nut.c": "int a;\n\tnut[b];\nint c;\n"}, "base\n")
    keep_review(home, {"simulate": simulated(run_git(tree, "rev-parse", "HEAD"))}, tree=str(tree))

    async def journey(pilot: Pilot[None], app: PatchbotApp) -> None:
        await open_cell(pilot, app, 1)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Detail))
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, TimelineScreen))
        assert words(app, "#head").splitlines()[0] == "v1 nuts: assert: it is open"
        assert rows(app) == ["  1|nut = 1;|", "> 2||nut = 2;", "  3||nut = 1;", "! 4|nut = 3;|"]
        at = app.screen.query_one(DataTable)
        await until(pilot, lambda: ">     2         nut[b];" in words(app, "#source"))
        assert at.cursor_row == 1
        assert words(app, "#where").startswith("fs/nut.c:2 crack(), writer, step 2 of 4")
        await pilot.press("G")
        await until(pilot, lambda: ">     3 int c;" in words(app, "#source"))
        await pilot.press("k")  # a line of the simulator's own model
        await until(pilot, lambda: ">     1 " in words(app, "#source"))
        await pilot.press("g", "j", "N")
        assert at.cursor_row == 3  # from the first switch back is round to the last
        await pilot.press("d")
        assert at.cursor_row == 1
        await pilot.press("c")
        assert app.clipboard.startswith(f"patchbot sim --tree {tree} --rev ")
        assert app.clipboard.endswith(" --scenario nuts --replay '1@4>2'")
        await pilot.press("f")  # there is no such scenario: that is said, and the steps stay
        await until(pilot, lambda: any("nuts" in n.message for n in app._notifications))
        await until(pilot, lambda: app.screen._job is None)  # type: ignore[attr-defined]
        assert len(rows(app)) == 4
        await pilot.press("question_mark")
        assert isinstance(app.screen, Help)

    drive(home, journey, size)


def test_a_log_is_followed_while_the_stage_runs(home: Path, tmp_path: Path) -> None:
    document = keep_review(home, {"smoke": stage_result("smoke")})
    growing, kept = tmp_path / "serial.log", tmp_path / "kept.log"

    def tell(job: Job, event: str, **values: Any) -> None:
        job.take(json.dumps({"event": event, "label": "v1", "stage": "smoke", **values}))

    async def journey(pilot: Pilot[None], app: PatchbotApp) -> None:
        await open_cell(pilot, app, 1)
        await pilot.press("L")  # the kept result has none
        assert isinstance(app.screen, SeriesScreen)
        job = Job(("review",), slug=document["series"]["slug"])
        app._jobs.append(job)
        job.take(json.dumps({"event": "planned", "labels": ["v1"], "stages": ["smoke"]}))
        tell(job, "started")
        await pilot.press("L")
        await until(pilot, lambda: isinstance(app.screen, SerialScreen))
        assert "no serial log yet" in words(app, "#head")
        growing.write_bytes(b"booting\n")
        tell(job, "log", name="boot on the revision", path=str(growing))
        view = app.screen.query_one(LinesView)
        await until(pilot, lambda: view.lines == ["booting"])
        assert "followed as it grows" in words(app, "#head")
        lines = [f"line {number}" for number in range(60)]
        growing.write_text("\n".join(["booting", *lines, "BUG: \x1b[2J nut", "rest"]) + "\n")
        await until(pilot, lambda: len(view.lines) == 63)
        assert view.at == 62  # it follows the end
        await pilot.press("d")
        assert (view.at, view.lines[view.at]) == (61, "BUG: \\x1b[2J nut")
        growing.write_bytes(b"another boot\n")  # of the same guest
        await until(pilot, lambda: view.lines == ["another boot"])
        growing.unlink()  # the guest's folder goes, the log is kept elsewhere
        kept.write_text("\n".join(["booting", *lines, "BUG: nut", "rest", "the end"]))  # no newline
        tell(job, "log", name="boot on the revision", path=str(kept))
        await until(pilot, lambda: view.lines[-1:] == ["the end"])
        assert len(view.lines) == 64
        await pilot.press("slash")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        await pilot.press(*"line 5", "enter")
        await until(pilot, lambda: isinstance(app.screen, SerialScreen))
        assert view.at == 6  # the lines that have it are 6 and 51 to 60
        await pilot.press("N", "n", "n")
        assert view.at == 51
        await pilot.press("c")
        assert app.clipboard == str(kept)
        app._jobs.clear()

    drive(home, journey)


def test_one_stage_is_cancelled(home: Path, tmp_path: Path) -> None:
    mbox, tree = str(find_mbox(MBOX)), make_demo_tree(tmp_path / "demo")

    async def journey(pilot: Pilot[None], app: PatchbotApp) -> None:
        job = Job((*review_argv([mbox], str(tree)), "--stages", "apply,static"))
        app.start(job)
        # asked before any stage begins: later, this one might have ended by then
        await until(pilot, lambda: job._process is not None)
        job.ask_to_cancel("v3", "nothing of that name")
        job.ask_to_cancel("v3", "static")
        await until(pilot, lambda: job.code is not None and rows(app))
        assert job.document is not None
        revision = job.document["revisions"][0]
        result = revision["stages"]["static"]
        assert (result["status"], result["reason"]) == (
            "inconclusive", "it was cancelled before it came to an end",
        )  # fmt: skip
        assert revision["stages"]["apply"]["status"] == "pass"
        assert revision["verdict"]["status"] == "cannot tell"

    drive(home, journey)


def test_x_asks_for_the_stage_under_the_cursor(home: Path) -> None:
    document = keep_review(home, {"apply": stage_result("apply"), "smoke": stage_result("smoke")})
    asked: list[tuple[str, ...]] = []

    class Fake(Job):
        def ask_to_cancel(self, label: str, stage: str) -> None:
            asked.append((label, stage))

        def cancel(self) -> None:
            asked.append(("all",))

    async def journey(pilot: Pilot[None], app: PatchbotApp) -> None:
        await open_cell(pilot, app, 1)
        job = Fake(("review",), slug=document["series"]["slug"])
        app._jobs.append(job)
        job.live.labels, job.live.stages = ["v1"], ["apply", "smoke"]
        job.live.results["v1", "apply"] = stage_result("apply")
        await pilot.press("x")
        assert asked == [("v1", "smoke")]
        await pilot.press("h", "x")  # this one has ended
        await until(pilot, lambda: len(asked) == 2)
        await pilot.press("X")
        await until(pilot, lambda: len(asked) == 3)
        assert asked[1:] == [("all",), ("all",)]
        app._jobs.clear()

    drive(home, journey)


def test_a_stage_that_raises_leaves_the_rest_usable(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = make_demo_tree(tmp_path / "demo")
    script = tmp_path / "broken.py"
    script.write_text(
        "import sys\n"
        "from patchbot.stages.static import StaticStage\n"
        "def run(self, request): raise RuntimeError('the shell broke')\n"
        "StaticStage.run = run\n"
        "from patchbot.cli import main\n"
        "sys.exit(main(sys.argv[3:]))\n"
    )
    broken = tmp_path / "python"
    broken.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{script}" "$@"\n')
    broken.chmod(0o755)
    monkeypatch.setattr("patchbot.tui.jobs.sys.executable", str(broken))

    async def journey(pilot: Pilot[None], app: PatchbotApp) -> None:
        argv = review_argv([str(find_mbox(MBOX))], str(tree))
        app.start(Job((*argv, "--stages", "apply,static")))
        await until(pilot, lambda: not app.running() and rows(app))
        await open_cell(pilot, app, 1)
        assert "|pass|error|cannot tell" in rows(app)[0]
        assert "RuntimeError: the shell broke" in words(app, "#text")
        await pilot.press("question_mark")
        assert isinstance(app.screen, Help)

    drive(home, journey)
