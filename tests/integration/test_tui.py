"""The terminal user interface, driven by Textual's pilot on a real store and with real commands."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from rich.text import Text
from textual.pilot import Pilot
from textual.widgets import DataTable, Input, OptionList, Static

from patchbot.demo import find_mbox
from patchbot.model import Finding, Severity
from patchbot.proc import PROCESSES
from patchbot.report.document import render_document
from patchbot.settings import Settings
from patchbot.stages.registry import STAGES
from patchbot.store import Store, render_result
from patchbot.tui.app import PatchbotApp
from patchbot.tui.listing import ListScreen
from patchbot.tui.patches import Patches
from patchbot.tui.reading import Detail
from patchbot.tui.series import SeriesScreen
from patchbot.tui.state import read_state
from patchbot.tui.widgets import Prompt
from tests.support.fakes import make_review, passed
from tests.support.tui import screen_text

Journey = Callable[[Pilot[None], PatchbotApp], Awaitable[None]]
_WAIT_S = 60.0


@pytest.fixture(autouse=True)
def fresh_processes() -> Iterator[None]:
    yield
    PROCESSES.reset()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def keep(home: Path, slug: str, title: str) -> None:
    """Keep a review with one stage that found something."""
    store = Store(home)
    document = render_document(make_review())
    document["series"] |= {"slug": slug, "title": title, "message_ids": [f"{slug}@example.org"]}
    found = Finding("walnut-shell", Severity.ERROR, "it is hard", "nut.c", 3, evidence="crack")
    result = passed(findings=(found,))
    revision = document["revisions"][-1]
    revision["stages"] = {"static": render_result(result) | {"stage": "static", "repeat": "again"}}
    store.save_review(slug, document)
    store.close()


def drive(home: Path, journey: Journey, size: tuple[int, int] = (100, 30)) -> PatchbotApp:
    """Run a journey in the application, to its end."""
    app = PatchbotApp(Settings(home=home))

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await journey(pilot, app)

    asyncio.run(run())
    return app


async def until(pilot: Pilot[None], holds: Callable[[], object]) -> None:
    """Wait until something holds; fails after a minute."""
    end = time.monotonic() + _WAIT_S
    while not holds():
        assert time.monotonic() < end, "it did not come to that"
        await pilot.pause(0.05)


def rows(app: PatchbotApp) -> list[str]:
    table = app.screen.query_one(DataTable)
    lines = []
    for number in range(table.row_count):
        lines.append("|".join(Text.assemble(cell).plain for cell in table.get_row_at(number)))
    return lines


def words(app: PatchbotApp, name: str) -> str:
    return str(app.screen.query_one(name, Static).render())


def test_from_the_list_to_the_evidence(home: Path) -> None:
    keep(home, "walnut", "count the halves")
    keep(home, "pecan", "mend [bold]markup[/] \x1b[2J")

    async def journey(pilot: Pilot[None], app: PatchbotApp) -> None:
        await until(pilot, lambda: len(rows(app)) == 2)
        assert "mend [bold]markup[/] \\x1b[2J" in rows(app)[0]
        await pilot.press("j", "enter")
        await until(pilot, lambda: isinstance(app.screen, SeriesScreen))
        assert "count the halves" in words(app, "#head")
        (row,) = rows(app)
        assert row.startswith("v1|")
        assert "static" in [str(c.label) for c in app.screen.query_one(DataTable).ordered_columns]
        await pilot.press("h")
        await until(pilot, lambda: "walnut-shell" in words(app, "#text"))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Detail))
        assert app.screen.query_one(OptionList).option_count == 1
        assert words(app, "#text").splitlines() == ["it is hard", "", "crack"]
        await pilot.press("c")
        assert app.clipboard == "again"
        await pilot.press("q", "q")
        await until(pilot, lambda: isinstance(app.screen, ListScreen))

    drive(home, journey)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (250, 70)])
def test_every_screen_fits(home: Path, size: tuple[int, int]) -> None:
    keep(home, "walnut", "count the halves " * 20)

    async def journey(pilot: Pilot[None], app: PatchbotApp) -> None:
        await until(pilot, lambda: rows(app))
        for keys in ([], ["question_mark"], ["escape", "enter"], ["h", "enter"], ["question_mark"]):
            await pilot.press(*keys)
            await pilot.pause(0.2)
            assert app.screen.size.width == size[0]
            svg = app.export_screenshot()
            assert "Traceback" not in svg

    drive(home, journey, size)


def test_limit_and_sort_are_kept(home: Path) -> None:
    keep(home, "walnut", "count the halves")
    keep(home, "pecan", "mend the shell")

    async def journey(pilot: Pilot[None], app: PatchbotApp) -> None:
        await until(pilot, lambda: len(rows(app)) == 2)
        await pilot.press("l")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        await pilot.press(*"halves", "enter")
        await until(pilot, lambda: len(rows(app)) == 1)
        await pilot.press("s", "s")
        assert "1 of 2 series, by title, limited to 'halves'" in words(app, "#head")

    drive(home, journey)
    assert (read_state(home).limit, read_state(home).sort) == ("halves", "title")
    (home / "tui.json").write_text("[1")
    assert read_state(home).limit == ""


def test_the_first_start_says_what_to_press(home: Path) -> None:
    async def journey(pilot: Pilot[None], app: PatchbotApp) -> None:
        await until(pilot, lambda: app.screen.query_one("#empty").display)
        assert "D  see the demo" in words(app, "#empty")
        await pilot.press("l", "escape", "x", "u", "j", "enter", "s")
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        await pilot.press("escape")

    drive(home, journey)


def test_a_review_is_started_and_shown(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATCHBOT_HOME", str(home))
    monkeypatch.chdir(tmp_path)  # no tree: all stages are skipped, and that is what is shown

    async def journey(pilot: Pilot[None], app: PatchbotApp) -> None:
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        app.screen.query_one(Input).value = str(find_mbox("page-protect-v2.mbox"))
        await pilot.press("enter")
        await until(pilot, lambda: app.running())
        (job,) = app.running()
        await until(pilot, lambda: isinstance(app.screen, ListScreen) and rows(app))
        assert set(job.live.results) == {("v2", stage) for stage in STAGES}
        assert rows(app)[0].startswith("cannot tell|v2|")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SeriesScreen))
        assert "skipped" in rows(app)[0]
        await pilot.press("p")  # nothing was applied: the mails are shown
        await until(pilot, lambda: isinstance(app.screen, Patches))
        await until(pilot, lambda: not app.running())

    drive(home, journey)


def test_what_goes_wrong_is_said_in_place(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATCHBOT_HOME", str(home))

    async def journey(pilot: Pilot[None], app: PatchbotApp) -> None:
        app.add_series("/nowhere.mbox")
        await until(pilot, lambda: not app.running())
        await until(pilot, lambda: app._notifications)
        (said,) = app._notifications
        assert "/nowhere.mbox" in said.message
        await pilot.press("question_mark", "escape")
        assert isinstance(app.screen, ListScreen)

    drive(home, journey)


def test_a_server_that_hangs_is_cancelled(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("PATCHBOT_LORE", f"http://127.0.0.1:{server.getsockname()[1]}/all")
        monkeypatch.setenv("PATCHBOT_HOME", str(home))

        async def journey(pilot: Pilot[None], app: PatchbotApp) -> None:
            app.add_series("20260101000000.1-1-ada@example.org")
            await until(pilot, lambda: app.running() and app.running()[0].lines)
            await pilot.press("question_mark", "escape", "x")
            await until(pilot, lambda: not app.running())
            assert PROCESSES.live_ids() == []

        drive(home, journey)


def test_leaving_ends_what_runs(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("PATCHBOT_LORE", f"http://127.0.0.1:{server.getsockname()[1]}/all")
        monkeypatch.setenv("PATCHBOT_HOME", str(home))

        async def journey(pilot: Pilot[None], app: PatchbotApp) -> None:
            app.add_series("20260101000000.1-1-ada@example.org")
            await until(pilot, lambda: app.running() and app.running()[0].lines)

        drive(home, journey)
        assert PROCESSES.live_ids() == []


def test_a_store_that_is_locked_is_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(home, "walnut", "count the halves")
    monkeypatch.setattr("patchbot.tui.app._BUSY_S", 0.2)
    other = sqlite3.connect(home / "patchbot.db", isolation_level=None)
    other.execute("PRAGMA journal_mode=DELETE")
    other.execute("BEGIN EXCLUSIVE")

    async def journey(pilot: Pilot[None], app: PatchbotApp) -> None:
        await until(pilot, lambda: app._notifications)
        (said,) = app._notifications
        assert "locked" in said.message
        assert "Nothing is reviewed yet" not in screen_text(app)  # nobody knows
        await pilot.press("question_mark", "escape")
        other.execute("ROLLBACK")
        app.read_list()
        await until(pilot, lambda: rows(app))

    drive(home, journey)
    other.close()
