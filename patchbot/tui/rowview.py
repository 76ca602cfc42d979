"""A widget that shows long text by rows: only what is in sight is drawn, whatever its length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from patchbot.tui.widgets import Keys, style_of
from patchbot.view.rows import Row, fold_rows, plain

_REVERSED = {"before": "removed", "after": "added"}
Make = Callable[[int], Sequence[Row]]
"""Returns the rows for a width in cells."""


class RowView(ScrollView, can_focus=True):
    """Rows of styled parts, folded to the width that there is."""

    DEFAULT_CSS = "RowView { overflow-x: hidden; overflow-y: scroll; }"
    BINDINGS: ClassVar[Keys] = [
        Binding("j,down", "scroll_down", "down", show=False),
        Binding("k,up", "scroll_up", "up", show=False),
        Binding("space,pagedown", "page_down", "page down", show=False),
        Binding("b,pageup", "page_up", "page up", show=False),
        Binding("g,home", "scroll_home", "top", show=False),
        Binding("G,end", "scroll_end", "end", show=False),
    ]

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._make: Make = lambda width: ()
        self._rows: list[Row] = []
        self._width = 0

    def show_rows(self, make: Make, *, stay: bool = False) -> None:
        """Show what `make` returns for the width, from the top unless `stay`."""
        self._make = make
        self._width = 0
        if not stay:
            self.scroll_to(0, 0, animate=False)
        self._fold()

    @property
    def text(self) -> str:
        """What is shown, as plain text."""
        return plain(self._rows)

    def on_resize(self) -> None:
        """Fold to the new width."""
        self._fold()

    def _fold(self) -> None:
        width = self.scrollable_content_region.width
        if width > 0 and width != self._width:
            self._width = width
            self._rows = fold_rows(self._make(width), width)
            self.virtual_size = Size(width, len(self._rows))
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        at = y + self.scroll_offset.y
        row = self._rows[at] if at < len(self._rows) else ()
        segments = [Segment(part.text, _style(part.style)) for part in row]
        width = self.scrollable_content_region.width
        return Strip(segments).adjust_cell_length(width).apply_style(self.rich_style)


def _style(word: str) -> Style:
    if word in _REVERSED:
        return Style.parse(f"reverse {style_of(_REVERSED[word])}")
    return Style.parse(style_of(word) or "none")
