"""The demo in the interface: made where there is nothing of it, and only once at a time."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from patchbot.store import Store
from patchbot.tui.app import PatchbotApp
from patchbot.tui.doing import DEMO
from patchbot.tui.jobs import Job
from tests.support.tui import drive, keep_review, rows, until


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """The commands that were begun: each runs until somebody gives it a code."""
    jobs: list[Job] = []
    monkeypatch.setattr(Job, "run", lambda job, tell: jobs.append(job))
    return jobs


def test_a_demo_that_was_stopped_at_once_is_made_again(tmp_path: Path, begun: list[Job]) -> None:
    Store(tmp_path / "demo").close()  # all that it left

    async def journey(pilot: Pilot[None], app: PatchbotApp) -> None:
        await pilot.press("D")
        await until(pilot, lambda: begun)
        assert [job.argv for job in begun] == [DEMO]

    drive(tmp_path, journey)


def test_a_demo_that_is_there_is_shown(tmp_path: Path, begun: list[Job]) -> None:
    keep_review(tmp_path / "demo", {})

    async def journey(pilot: Pilot[None], app: PatchbotApp) -> None:
        await pilot.press("D")
        await until(pilot, lambda: rows(app))
        assert begun == []

    drive(tmp_path, journey)


def test_a_command_runs_once_at_a_time(tmp_path: Path, begun: list[Job]) -> None:
    async def journey(pilot: Pilot[None], app: PatchbotApp) -> None:
        app.add_series("walnut@example.org")
        app.add_series("walnut@example.org")
        app.add_series("hazel@example.org")
        assert [job.argv[1] for job in app.running()] == ["walnut@example.org", "hazel@example.org"]
        await until(pilot, lambda: len(app._notifications) == 1)
        await until(pilot, lambda: len(begun) == 2)

    drive(tmp_path, journey)
