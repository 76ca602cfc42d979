"""The patches of a revision as they were sent, one at a time, plain or side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from patchbot.tui.reader import Reader
from patchbot.tui.widgets import Keys
from patchbot.view.diff import DiffLine, parse_lines, side_by_side, unified
from patchbot.view.lists import one_line
from patchbot.view.reading import Line
from patchbot.view.rows import Row

Load = Callable[[Mapping[str, Any]], str]
"""Returns the text of a patch of the document; runs in a thread, and never raises."""
Answer = Callable[[Mapping[str, Any]], None]
"""Drafts a reply to a patch of the document."""


class Patches(Reader):
    """The patches of a revision of a review document."""

    BINDINGS: ClassVar[Keys] = [
        ("right_square_bracket", "turn(1)", "next patch"),
        ("left_square_bracket", "turn(-1)", "previous patch"),
        ("s", "beside", "side by side"),
        ("r", "reply", "reply"),
    ]
    HELP_TITLE = "patches"
    HELP_KEYS: ClassVar[list[tuple[str, str]]] = [
        ("[ ]", "the previous and the next patch"),
        ("s", "side by side, or one below the other"),
        ("r", "draft a reply to this patch, all of it quoted"),
    ]

    def __init__(self, revision: Mapping[str, Any], load: Load, answer: Answer) -> None:
        super().__init__()
        self._label = one_line(revision["label"])
        self._patches: Sequence[Mapping[str, Any]] = revision["patches"]
        self._load, self._answer = load, answer
        self._at = 0
        self._lines: list[DiffLine] = []

    def on_mount(self) -> None:
        """Show the first patch."""
        self.view.focus()
        self._turn_to(0)

    def _turn_to(self, number: int) -> None:
        if not self._patches:
            self.say_head(Line(f"{self._label}: no patches", "file"))
            return
        self._at = number
        patch = self._patches[number]
        of = f"{self._label}, patch {patch['number']} ({number + 1} of {len(self._patches)})"
        self.say_head(Line(of, "dim"), Line(one_line(patch["title"]), "file"))
        self.say("reading")
        self.run_worker(lambda: self._read(number), thread=True, exclusive=True)

    def _read(self, number: int) -> None:
        lines = parse_lines(self._load(self._patches[number]).rstrip("\n"))
        self.app.call_from_thread(self._take, number, lines)

    def _take(self, number: int, lines: list[DiffLine]) -> None:
        if number == self._at and self.is_attached:
            self._lines = lines
            self._show(stay=False)

    def _show(self, *, stay: bool) -> None:
        lines, beside = self._lines, self.app.state.beside == "yes"

        def make(width: int) -> list[Row]:
            return side_by_side(lines, width) if beside else unified(lines)

        self.show_rows(make, stay=stay)

    def action_turn(self, by: int) -> None:
        """Go to the next or the previous patch."""
        if 0 <= self._at + by < len(self._patches):
            self._turn_to(self._at + by)

    def action_beside(self) -> None:
        """Change between side by side and one below the other."""
        self.app.state.beside = "" if self.app.state.beside == "yes" else "yes"
        self._show(stay=True)

    def action_reply(self) -> None:
        """Draft a reply."""
        if self._patches:
            self._answer(self._patches[self._at])
