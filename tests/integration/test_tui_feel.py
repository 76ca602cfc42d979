"""What is kept between starts, the palette, many series, and the mouse."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import DataTable, Input

from patchbot.proc import PROCESSES
from patchbot.report.document import render_document
from patchbot.settings import Settings
from patchbot.store import Store
from patchbot.tui import app as tui_app
from patchbot.tui import listing, serial, series, timeline
from patchbot.tui.app import PatchbotApp
from patchbot.tui.start import run_tui
from patchbot.tui.state import read_state
from patchbot.tui.widgets import Help, Prompt
from tests.support.fakes import make_review
from tests.support.tui import drive, rows, screen_text, until, words


@pytest.fixture(autouse=True)
def fresh_processes() -> Iterator[None]:
    yield
    PROCESSES.reset()


def keep(home: Path, count: int) -> None:
    """Keep so many reviews; the last is the newest."""
    document = render_document(make_review())
    store = Store(home)
    for number in range(count):
        name = f"s{number}"
        series = {"slug": name, "title": f"series {number}", "message_ids": [name]}
        store.save_review(name, document | {"series": document["series"] | series})
    store.close()


def test_what_is_typed_is_there_again_after_escape_and_the_next_start(tmp_path: Path) -> None:
    keep(tmp_path, 1)

    async def type_it(pilot: Pilot[None], app: PatchbotApp) -> None:
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        await pilot.press(*"20260101.1@x")
        path = tmp_path / "tui.json"  # on disk before anything is left: a crash takes nothing
        await until(
            pilot, lambda: path.exists() and json.loads(path.read_text())["draft"] == "20260101.1@x"
        )
        await pilot.press("escape", "a")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        assert app.screen.query_one(Input).value == "20260101.1@x"

    drive(tmp_path, type_it)

    async def see_it(pilot: Pilot[None], app: PatchbotApp) -> None:
        await until(pilot, lambda: rows(app))
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        assert app.screen.query_one(Input).value == "20260101.1@x"

    drive(tmp_path, see_it)


def test_theme_and_series_are_those_of_the_last_time(tmp_path: Path) -> None:
    keep(tmp_path, 3)

    async def choose(pilot: Pilot[None], app: PatchbotApp) -> None:
        await until(pilot, lambda: len(rows(app)) == 3)
        app.theme = "textual-light"
        await pilot.press("j")

    drive(tmp_path, choose)
    assert (read_state(tmp_path).theme, read_state(tmp_path).slug) == ("textual-light", "s1")

    async def see(pilot: Pilot[None], app: PatchbotApp) -> None:
        await until(pilot, lambda: len(rows(app)) == 3)
        assert app.theme == "textual-light"
        assert app.screen.query_one(DataTable).cursor_row == 1

    drive(tmp_path, see)


def test_the_palette_has_what_has_a_key(tmp_path: Path) -> None:
    keep(tmp_path, 1)

    async def journey(pilot: Pilot[None], app: PatchbotApp) -> None:
        await until(pilot, lambda: rows(app))
        commands = {each.title: each for each in app.get_system_commands(app.screen)}
        assert {"Add", "Update", "Limit", "Sort", "Demo", "Keys", "Theme"} <= set(commands)
        assert commands["Add"].help == "key a"
        await pilot.press("ctrl+p")
        await pilot.pause(0.2)
        await pilot.press(*"Sort")
        await pilot.pause(0.5)
        await pilot.press("enter")
        await until(pilot, lambda: "1 series, by sent" in screen_text(app))

    drive(tmp_path, journey)


def test_of_many_series_rows_are_made_as_the_cursor_comes_near(tmp_path: Path) -> None:
    keep(tmp_path, 650)

    async def journey(pilot: Pilot[None], app: PatchbotApp) -> None:
        await until(pilot, lambda: rows(app))
        table = app.screen.query_one(DataTable)
        assert "650 series" in words(app, "#head")
        assert table.row_count == 300
        table.move_cursor(row=199)
        await pilot.pause()
        assert table.row_count == 300  # a hundred are ahead
        await pilot.press("j")
        await until(pilot, lambda: table.row_count == 600)
        await pilot.press("G")
        await until(pilot, lambda: table.cursor_row == 649)
        assert rows(app)[-1].split("|")[2] == "series 0"  # the newest stands first
        await pilot.press("g")
        await until(pilot, lambda: table.cursor_row == 0)

    drive(tmp_path, journey)


@pytest.mark.parametrize("mouse", [True, False])
def test_the_mouse_may_stay_the_terminal_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mouse: bool
) -> None:
    from contextlib import nullcontext

    asked: list[object] = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setattr("patchbot.tui.first.first_painted", lambda home: nullcontext([]))
    monkeypatch.setattr(
        tui_app.PatchbotApp, "run", lambda self, *, mouse: asked.append(mouse), raising=True
    )
    run_tui(Settings(home=tmp_path), None, mouse=mouse)
    assert asked == [mouse]


def test_every_help_fits_80x24(tmp_path: Path) -> None:
    async def journey(pilot: Pilot[None], app: PatchbotApp) -> None:
        for keys in (listing._KEYS, series._KEYS, timeline._KEYS, serial._KEYS):
            app.push_screen(Help("the keys", keys))
            await until(pilot, lambda: isinstance(app.screen, Help))
            await pilot.pause()
            body = app.screen.query_one("#help")
            assert body.size.height > len(keys)
            assert body.max_scroll_y == 0, f"{keys[0]}: it must be scrolled"
            await pilot.press("escape")

    drive(tmp_path, journey, (80, 24))


def test_a_signal_ends_it_as_leaving_does(tmp_path: Path) -> None:
    keep(tmp_path, 2)
    app = PatchbotApp(Settings(home=tmp_path))
    app.leave_on = (signal.SIGUSR1,)

    async def run() -> None:
        async with app.run_test() as pilot:
            await until(pilot, lambda: len(rows(app)) == 2)
            await pilot.press("j", "s")
            os.kill(os.getpid(), signal.SIGUSR1)
            await until(pilot, lambda: app.was_ended)

    asyncio.run(run())
    assert (read_state(tmp_path).slug, read_state(tmp_path).sort) == ("s0", "sent")
