"""The matrix of a series: where one looks stays in sight, and is looked at."""

from __future__ import annotations

import copy
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import DataTable

from patchbot.tui.app import PatchbotApp
from patchbot.tui.series import SeriesScreen
from tests.support.tui import drive, keep_review, screen_text, stage_result, until

NAMES = [f"a stage of a long name, {number}" for number in range(6)]  # wider than 120 together


def test_the_cursor_stays_in_sight(tmp_path: Path) -> None:
    keep_review(tmp_path, {name: stage_result(name) for name in NAMES})

    async def journey(pilot: Pilot[None], app: PatchbotApp) -> None:
        await until(pilot, lambda: app.screen.query_one(DataTable).row_count)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SeriesScreen))
        await until(pilot, lambda: "verdict" in screen_text(app))
        screen, table = app.screen, app.screen.query_one(DataTable)
        assert isinstance(screen, SeriesScreen)
        left = table.scroll_x
        assert left > 0
        screen.refresh_matrix()
        assert table.scroll_x == left  # at once: it must not jump there and back
        await pilot.resize_terminal(240, 24)
        await until(pilot, lambda: "revision" in screen_text(app) and table.scroll_x < left)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: table.scroll_x == left)
        assert "verdict" in screen_text(app)

    drive(tmp_path, journey, (80, 24))


def test_the_cursor_stays_on_its_revision_when_stages_come_and_go(tmp_path: Path) -> None:
    keep_review(tmp_path, {name: stage_result(name) for name in NAMES})

    async def journey(pilot: Pilot[None], app: PatchbotApp) -> None:
        await until(pilot, lambda: app.screen.query_one(DataTable).row_count)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SeriesScreen))
        await until(pilot, lambda: "verdict" in screen_text(app))
        screen, table = app.screen, app.screen.query_one(DataTable)
        assert isinstance(screen, SeriesScreen)
        two = copy.deepcopy(dict(screen._document))
        (only,) = two["revisions"]
        two["revisions"] = [only, copy.deepcopy(only) | {"label": "v2"}]
        screen.take_document(two)
        table.move_cursor(row=1, column=len(table.ordered_columns) - 1)
        fewer = copy.deepcopy(two)
        for revision in fewer["revisions"]:
            del revision["stages"][NAMES[0]]
        screen.take_document(fewer)
        await until(pilot, lambda: "v2: " in screen_text(app))
        assert screen._where() == ("v2", "verdict")
        table.move_cursor(row=1, column=5)
        at = screen._where()
        screen.take_document(two)
        await pilot.pause()
        assert screen._where() == at
        assert at[1] in NAMES

    drive(tmp_path, journey, (120, 24))
