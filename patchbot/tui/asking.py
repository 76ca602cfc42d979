"""Ask for one line that is looked at before it is taken: what is wrong with it stands below it."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Label

from patchbot.errors import PatchbotError
from patchbot.tui.widgets import Prompt

Check = Callable[[str], None]
"""Raises a `PatchbotError` for what can't be taken; runs in a thread."""


class Ask(Prompt):
    """Ask for one line; None where it was left with Escape.

    `typed` is told of every change, so that nothing typed is lost.
    """

    def __init__(
        self,
        question: str,
        value: str,
        hint: str,
        check: Check,
        typed: Callable[[str], None] = lambda text: None,
    ) -> None:
        super().__init__(question, value, hint, typed)
        self._check = check

    def compose(self) -> ComposeResult:
        """A question, a line to type in, what may be typed, and what is wrong."""
        with Vertical(id="prompt"):
            yield Label(self._question, markup=False)
            yield Input(self._value, select_on_focus=False)
            yield Label(self._hint, id="hint", markup=False)
            yield Label("", id="wrong", markup=False)

    def on_input_changed(self, event: Input.Changed) -> None:
        """What was wrong is no longer there."""
        self.query_one("#wrong", Label).update("")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Look at what was typed, in a thread."""
        event.prevent_default()
        text = event.value.strip()
        self.run_worker(lambda: self._look(text), thread=True, exclusive=True)

    def _look(self, text: str) -> None:
        try:
            self._check(text)
        except PatchbotError as error:
            words = f"{error}\n{error.hint}" if error.hint else str(error)
            self.app.call_from_thread(self._refuse, words)
        else:
            self.app.call_from_thread(self._accept, text)

    def _refuse(self, words: str) -> None:
        if self.is_attached:
            self.query_one("#wrong", Label).update(words)

    def _accept(self, text: str) -> None:
        if self.is_attached:
            self.dismiss(text)
