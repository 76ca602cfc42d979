"""Choose revisions and stages to run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Label, OptionList

from patchbot.tui.widgets import Keys
from patchbot.view.lists import one_line

_HINT = "space: choose  Tab: other list  f: anew or not  Enter: run"


class Chosen(NamedTuple):
    """What is to run; `fresh` uses no kept results."""

    labels: list[str]
    stages: list[str]
    fresh: bool


class Choices(OptionList):
    """Lines of which any number is chosen; what is chosen is seen without colour as well."""

    BINDINGS: ClassVar[Keys] = [
        Binding("space", "choose", "choose", show=False),
        Binding("j", "cursor_down", "", show=False),
        Binding("k", "cursor_up", "", show=False),
    ]

    def __init__(self, names: Sequence[str], chosen: Sequence[str], id: str) -> None:
        self._names = list(names)
        self._chosen = {name for name in names if name in chosen}
        super().__init__(*map(self._prompt, names), id=id)

    def on_mount(self) -> None:
        """Begin at the first that is chosen."""
        chosen = [at for at, name in enumerate(self._names) if name in self._chosen]
        self.highlighted = chosen[0] if chosen else 0

    @property
    def chosen(self) -> list[str]:
        """What is chosen, in the order of the lines."""
        return [name for name in self._names if name in self._chosen]

    def _prompt(self, name: str) -> Text:
        return Text(f"[{'x' if name in self._chosen else ' '}] {one_line(name)}")

    def action_choose(self) -> None:
        """Choose the line under the cursor, or no longer."""
        if self.highlighted is not None:
            name = self._names[self.highlighted]
            self._chosen ^= {name}
            self.replace_option_prompt_at_index(self.highlighted, self._prompt(name))


class ChooseStages(ModalScreen[Chosen | None]):
    """Ask which stages to run on which revisions; None where it was left with Escape."""

    BINDINGS: ClassVar[Keys] = [
        ("escape", "dismiss(None)", "leave"),
        Binding("enter", "run", "run", priority=True),
        ("f", "fresh", "anew"),
    ]

    def __init__(
        self,
        document: Mapping[str, Any],
        label: str,
        names: Sequence[str],
        stages: Sequence[str],
    ) -> None:
        super().__init__()
        self._names = names
        self._labels = [str(each["label"]) for each in document["revisions"]]
        self._label, self._stages = label, stages
        self._fresh = True

    def compose(self) -> ComposeResult:
        """Two lists, and what to press."""
        with Vertical(id="prompt"):
            yield Label("run stages", markup=False)
            with Horizontal(id="choices"):
                yield Choices(self._labels, [self._label], id="revisions")
                yield Choices(self._names, self._stages, id="stages")
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

    def action_fresh(self) -> None:
        """Run anew, or not."""
        self._fresh = not self._fresh
        self._say()

    def action_run(self) -> None:
        """Answer with what is chosen."""
        labels = self.query_one("#revisions", Choices).chosen
        stages = self.query_one("#stages", Choices).chosen
        if labels and stages:
            self.dismiss(Chosen(labels, stages, self._fresh))
        else:
            what = "revision" if not labels else "stage"
            self.query_one("#wrong", Label).update(f"choose a {what} with space")
