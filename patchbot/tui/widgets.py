"""Pieces that several screens use: styles by word, text from lines, a prompt, help."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from patchbot.report.text import STYLES
from patchbot.view.matrix import RUNNING, WAITING
from patchbot.view.reading import Line

Keys = list[BindingType]

_MORE = {
    RUNNING: "bold cyan",
    WAITING: "dim",
    "dim": "dim",
    "file": "bold",
    "hunk": "cyan",
    "added": "green",
    "removed": "red",
}


_ATTRIBUTES = ("bold", "dim")
_coloured = True


def use_colour(coloured: bool) -> None:
    """Let `style_of` give colours or none: of red on black, Textual makes grey on black."""
    global _coloured
    _coloured = coloured


def style_of(word: str) -> str:
    """Return rich's style for a status, a severity, or a part of a diff; "" for any other.

    Without colour, what is red or marks a place is bold.
    """
    style = _MORE.get(word) or STYLES.get(word, "")
    if _coloured:
        return style
    words = style.split()
    loud = "red" in words or word in ("hunk", RUNNING)
    return "bold" if loud else " ".join(each for each in words if each in _ATTRIBUTES)


def make_text(lines: Iterable[Line]) -> Text:
    """Return lines as one text; nothing in them is markup."""
    text = Text()
    for number, line in enumerate(lines):
        text.append(("\n" if number else "") + line.text, style_of(line.style))
    return text


class Prompt(ModalScreen[str | None]):
    """Ask for one line; None where it was left with Escape.

    `keep` is told what is typed as it is typed, so that it is there again after Escape, or a crash.
    """

    BINDINGS: ClassVar[Keys] = [("escape", "dismiss(None)", "leave")]

    def __init__(
        self,
        question: str,
        value: str = "",
        hint: str = "",
        keep: Callable[[str], None] = lambda text: None,
    ) -> None:
        super().__init__()
        self._keep = keep
        self._question, self._value, self._hint = question, value, hint

    def compose(self) -> ComposeResult:
        """A question, a line to type in, and what may be typed."""
        with Vertical(id="prompt"):
            yield Label(self._question, markup=False)
            yield Input(self._value)
            yield Label(self._hint, id="hint", markup=False)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Keep what is typed."""
        self._keep(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer with what was typed."""
        self.dismiss(event.value.strip())


class Help(ModalScreen[None]):
    """The keys of the screen below."""

    BINDINGS: ClassVar[Keys] = [("escape,q,question_mark", "dismiss", "close")]

    def __init__(self, title: str, keys: Iterable[tuple[str, str]]) -> None:
        super().__init__()
        self._title, self._keys = title, list(keys)

    def compose(self) -> ComposeResult:
        """The title, and a line for each key."""
        table = Table.grid(padding=(0, 2))
        for key, what in self._keys:
            table.add_row(Text(key, "bold cyan", no_wrap=True), Text(what))
        with VerticalScroll(id="help"):
            yield Static(Text(self._title, "bold"))
            yield Static(Padding(table, (1, 1, 0, 1)))
