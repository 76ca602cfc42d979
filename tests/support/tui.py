"""Driving the terminal user interface by Textual's pilot."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from rich.text import Text
from textual.pilot import Pilot
from textual.widgets import DataTable, Static

from patchbot.report.document import render_document
from patchbot.settings import Settings
from patchbot.store import Store
from patchbot.tui.app import PatchbotApp
from tests.support.fakes import make_review

Journey = Callable[[Pilot[None], PatchbotApp], Awaitable[None]]
WAIT_S = 60.0


def keep_review(
    home: Path, stages: Mapping[str, Any], *, tree: str | None = None, **series: Any
) -> dict[str, Any]:
    """Keep a review of one revision, v1, with these stage results as JSON values; return it."""
    document = render_document(make_review())
    document["tree"] = tree
    document["series"] |= series
    document["revisions"][-1]["stages"] = dict(stages)
    store = Store(home)
    store.save_review(document["series"]["slug"], document)
    store.close()
    return document


def stage_result(stage: str, **more: Any) -> dict[str, Any]:
    """Return a stage's result as it stands in a document."""
    return {
        "stage": stage, "status": "fail", "reason": "why", "findings": [], "seconds": 0.2,
        "tools": {}, "repeat": "again", "data": {},
    } | more  # fmt: skip


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
    end = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < end, "it did not come to that"
        await pilot.pause(0.02)


def rows(app: PatchbotApp) -> list[str]:
    """Return the rows of the table in sight, with "|" between the cells."""
    table = app.screen.query_one(DataTable)
    return [
        "|".join(Text.assemble(cell).plain for cell in table.get_row_at(number))
        for number in range(table.row_count)
    ]


def words(app: PatchbotApp, name: str) -> str:
    """Return what a static widget of the screen says."""
    return str(app.screen.query_one(name, Static).render())


def screen_text(app: PatchbotApp) -> str:
    """Return the screen as text, as a terminal shows it, without blanks at the lines' ends."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(each.text for each in strip).rstrip() for strip in strips)
