"""Drive the interface by Textual's pilot: a journey is a coroutine that presses keys and waits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from rich.text import Text
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import DataTable, Input, Static

from patchbot.settings import Settings
from patchbot.tui.app import PatchbotApp
from patchbot.tui.jobs import Job
from patchbot.tui.rowview import RowView

_WAIT_S = 60.0


class Tour:
    """The application on a journey."""

    def __init__(self, pilot: Pilot[None], app: PatchbotApp) -> None:
        self.pilot, self.app = pilot, app

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        await self.pilot.press(*keys)

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait until something holds; fails after a minute."""
        end = time.monotonic() + _WAIT_S
        while not holds():
            assert time.monotonic() < end, f"not on {self.app.screen}: {self.notes()}"
            await self.pilot.pause(0.02)

    async def reach(self, screen: type[Screen[object]]) -> None:
        """Wait until a screen of this type is on top."""
        await self.until(lambda: isinstance(self.app.screen, screen) and self.app.screen.is_mounted)

    async def type(self, text: str) -> None:
        """Put text into the line that is asked for, and press Enter."""
        self.app.screen.query_one(Input).value = text
        await self.press("enter")

    def words(self, name: str) -> str:
        """What a piece of text on the screen says."""
        return str(self.app.screen.query_one(name, Static).render())

    def shown(self) -> str:
        """The long text of the screen."""
        views = self.app.screen.query(RowView)
        return views.first().text if views else ""

    def rows(self) -> list[str]:
        """The rows of the table on the screen."""
        table = self.app.screen.query_one(DataTable)
        return [
            "|".join(Text.assemble(cell).plain for cell in table.get_row_at(number))
            for number in range(table.row_count)
        ]

    def notes(self) -> list[str]:
        """What was said beside the screens."""
        return [each.message for each in self.app._notifications]


Journey = Callable[[Tour], Awaitable[None]]


def drive(
    home: Path, journey: Journey, size: tuple[int, int] = (80, 24), first: Job | None = None
) -> PatchbotApp:
    """Run a journey in the application, to its end."""
    app = PatchbotApp(Settings(home=home), first=first)

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await journey(Tour(pilot, app))

    asyncio.run(run())
    return app
