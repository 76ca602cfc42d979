"""Two revisions compared: what became of the findings, and git's range-diff."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from patchbot.compare import compare_revisions
from patchbot.tui.reader import Reader
from patchbot.tui.widgets import Keys
from patchbot.view.compare import say_findings, say_range_diff
from patchbot.view.lists import one_line
from patchbot.view.reading import Line
from patchbot.view.rows import Row


class Compare(Reader):
    """Any two revisions of a review document, at first the named one and the one before it."""

    BINDINGS: ClassVar[Keys] = [
        ("right_square_bracket", "turn(1)", "next revision"),
        ("left_square_bracket", "turn(-1)", "previous revision"),
        ("o", "older", "compare with another"),
    ]
    HELP_TITLE = "two revisions compared"
    HELP_KEYS: ClassVar[list[tuple[str, str]]] = [
        ("[ ]", "the previous and the next revision, each with the one before it"),
        ("o", "compare this revision with another one: the others in turn"),
    ]

    def __init__(self, document: Mapping[str, Any], label: str) -> None:
        super().__init__()
        self._document = document
        self._labels = [str(each["label"]) for each in document["revisions"]]
        self._newer = max(1, self._labels.index(label))
        self._older = self._newer - 1

    def on_mount(self) -> None:
        """Compare."""
        self.view.focus()
        self._compare()

    def _compare(self) -> None:
        older, newer = self._labels[self._older], self._labels[self._newer]
        title = one_line(self._document["series"]["title"])
        self.say_head(Line(title, "file"), Line(one_line(f"{older} → {newer}"), "hunk"))
        self.say("comparing")
        self.run_worker(lambda: self._run(older, newer), thread=True, exclusive=True)

    def _run(self, older: str, newer: str) -> None:
        compared = compare_revisions(self._document, older, newer)
        rows: list[Row] = [(line,) for line in say_findings(compared)]
        rows += [(), *say_range_diff(compared)]
        self.app.call_from_thread(self._take, (older, newer), rows)

    def _take(self, pair: tuple[str, str], rows: list[Row]) -> None:
        if self.is_attached and pair == (self._labels[self._older], self._labels[self._newer]):
            self.show_rows(lambda width: rows)

    def action_turn(self, by: int) -> None:
        """Compare the next or the previous revision with the one before it."""
        if 1 <= self._newer + by < len(self._labels):
            self._newer += by
            self._older = self._newer - 1
            self._compare()

    def action_older(self) -> None:
        """Compare with another revision, in turn."""
        others = [at for at in range(len(self._labels)) if at != self._newer]
        self._older = others[others.index(self._older) - 1]
        self._compare()
