"""A widget for very many lines: only those in sight are drawn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from patchbot.tui.widgets import Keys, style_of


class LinesView(ScrollView, can_focus=True):
    """Lines with a cursor; some are marked, and words are shown where they stand."""

    BINDINGS: ClassVar[Keys] = [
        ("j,down", "move(1)", ""),
        ("k,up", "move(-1)", ""),
        ("space,pagedown,ctrl+f", "page(1)", ""),
        ("b,pageup,ctrl+b", "page(-1)", ""),
        ("g,home", "end(False)", ""),
        ("G,end", "end(True)", ""),
    ]

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.lines: list[str] = []
        self.at = 0
        self.words = ""
        self._marks: frozenset[int] = frozenset()
        self._width = 0

    def show_lines(self, lines: Iterable[str], marks: Iterable[int]) -> None:
        """Show other lines, with the marked ones among them (counted from 0)."""
        self.lines = list(lines)
        self._marks = frozenset(marks)
        self._width = max((len(line) for line in self.lines), default=0)
        self.at = min(self.at, max(0, len(self.lines) - 1))
        self.virtual_size = Size(self._width + 2, len(self.lines))
        self.refresh()

    def go(self, number: int) -> None:
        """Put the cursor on a line, in sight."""
        self.at = max(0, min(number, len(self.lines) - 1))
        self.refresh()
        self.call_after_refresh(self._bring_in_sight)  # new lines take up room only then

    def _bring_in_sight(self) -> None:
        height = max(1, self.scrollable_content_region.height)
        top = self.scroll_offset.y
        if not top <= self.at < top + height:
            self.scroll_to(y=max(0, self.at - height // 2), animate=False)

    def action_move(self, by: int) -> None:
        """Go down or up by some lines."""
        self.go(self.at + by)

    def action_page(self, by: int) -> None:
        """Go down or up by what is in sight."""
        self.go(self.at + by * max(1, self.scrollable_content_region.height - 1))

    def action_end(self, last: bool) -> None:
        """Go to the first or the last line."""
        self.go(len(self.lines) - 1 if last else 0)

    def render_line(self, y: int) -> Strip:
        """Return one line of what is in sight."""
        left, top = self.scroll_offset
        width = self.scrollable_content_region.width
        number = top + y
        if number >= len(self.lines):
            return Strip.blank(width, self.rich_style)
        text = self._text(number)
        strip = Strip(text.render(self.app.console), text.cell_len)
        shown = strip.crop_extend(left, left + width, self.rich_style)
        return shown.apply_style(self._style(number))

    def _text(self, number: int) -> Text:
        mark = "!" if number in self._marks else ">" if number == self.at else " "
        text = Text(f"{mark} {self.lines[number]}", no_wrap=True, end="")
        if self.words:
            text.highlight_words([self.words], "reverse", case_sensitive=_is_mixed(self.words))
        return text

    def _style(self, number: int) -> Style:
        style = self.rich_style
        if number in self._marks:
            style += Style.parse(style_of("error"))
        return style + Style(reverse=True) if number == self.at else style


def _is_mixed(words: str) -> bool:
    return words != words.lower()
