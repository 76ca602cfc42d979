"""Choose revisions and stages to run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Label, SelectionList
from textual.widgets.selection_list import Selection

from patchbot.tui.widgets import Keys
from patchbot.view.lists import one_line

_HINT = "space: choose, Tab: the other list, f: anew or not, Enter: run, Escape: leave"


class Chosen(NamedTuple):
    """What is to run; `fresh` uses no kept results."""

    labels: list[str]
    stages: list[str]
    fresh: bool


class ChooseStages(ModalScreen[Chosen | None]):
    """Ask which stages to run on which revisions; None where it was left with Escape."""

    BINDINGS: ClassVar[Keys] = [
        ("escape", "dismiss(None)", "leave"),
        Binding("enter", "run", "run", priority=True),
        ("f", "fresh", "anew"),
        ("j", "move(1)", ""),
        ("k", "move(-1)", ""),
    ]

    def __init__(self, document: Mapping[str, Any], label: str, stages: Sequence[str]) -> None:
        super().__init__()
        self._labels = [str(each["label"]) for each in document["revisions"]]
        self._label, self._stages = label, stages
        self._fresh = True

    def compose(self) -> ComposeResult:
        """Two lists, and what to press."""
        from patchbot.stages.registry import STAGES

        revisions = [
            Selection(Text(one_line(each)), each, each == self._label) for each in self._labels
        ]
        stages = [Selection(name, name, name in self._stages) for name in STAGES]
        with Vertical(id="prompt"):
            yield Label("run stages", markup=False)
            with Horizontal(id="choices"):
                yield SelectionList[str](*revisions, id="revisions")
                yield SelectionList[str](*stages, id="stages")
            yield Label("", id="anew", markup=False)
            yield Label(_HINT, id="hint", markup=False)
            yield Label("", id="wrong", markup=False)

    def on_mount(self) -> None:
        """Begin with the stages."""
        self.query_one("#stages").focus()
        self._say()

    def _say(self) -> None:
        words = "they run anew" if self._fresh else "what did not change comes from the store"
        self.query_one("#anew", Label).update(words)

    def _chosen(self, name: str) -> list[str]:
        chosen: SelectionList[str] = self.query_one(f"#{name}", SelectionList)
        return list(chosen.selected)

    def action_fresh(self) -> None:
        """Run anew, or not."""
        self._fresh = not self._fresh
        self._say()

    def action_move(self, by: int) -> None:
        """Go to the next or the previous line."""
        if isinstance(self.focused, SelectionList):
            down = self.focused.action_cursor_down
            (down if by > 0 else self.focused.action_cursor_up)()

    def action_run(self) -> None:
        """Answer with what is chosen."""
        labels, stages = self._chosen("revisions"), self._chosen("stages")
        if labels and stages:
            self.dismiss(Chosen(labels, stages, self._fresh))
        else:
            what = "revision" if not labels else "stage"
            self.query_one("#wrong", Label).update(f"choose a {what} with space")
