"""A screen with a head and long text below it, which the screens for reading share."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Footer, Static

from patchbot.tui.rowview import Make, RowView
from patchbot.tui.widgets import Help, Keys, make_text
from patchbot.view.reading import Line

if TYPE_CHECKING:
    from patchbot.tui.app import PatchbotApp

_SCROLLING = [("j k space b", "down, up, a page down, a page up"), ("g G", "the top, the end")]


class Reader(Screen[None]):
    """Text to read."""

    BINDINGS: ClassVar[Keys] = [
        ("q,escape", "dismiss", "back"),
        ("question_mark", "help", "keys"),
    ]
    HELP_TITLE: ClassVar[str] = ""
    HELP_KEYS: ClassVar[list[tuple[str, str]]] = []
    app: PatchbotApp

    def compose(self) -> ComposeResult:
        """The head, and the text."""
        yield Static(id="head")
        yield RowView(id="rows")
        yield Footer()

    @property
    def view(self) -> RowView:
        """The widget with the text."""
        return self.query_one(RowView)

    def say_head(self, *lines: Line) -> None:
        """Write the head."""
        self.query_one("#head", Static).update(make_text(lines))

    def show_rows(self, make: Make, *, stay: bool = False) -> None:
        """Show text; see `RowView.show_rows`."""
        self.view.show_rows(make, stay=stay)

    def say(self, text: str, style: str = "dim") -> None:
        """Show one line instead of the text."""
        self.show_rows(lambda width: [(Line(text, style),)])

    def action_help(self) -> None:
        """Show the keys."""
        self.app.push_screen(Help(self.HELP_TITLE, [*self.HELP_KEYS, *_SCROLLING, ("q", "back")]))
