"""A screen to read in: a stage's findings with their evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option

from patchbot.tui.acting import FindingActions
from patchbot.tui.serial import SerialScreen
from patchbot.tui.timeline import TimelineScreen
from patchbot.tui.widgets import Help, Keys, make_text, style_of
from patchbot.view.reading import Line, make_entries, say_result
from patchbot.view.serial import find_logs, log_of
from patchbot.view.timeline import find_counterexample

Quote = Callable[[Mapping[str, Any]], list[Line]]
"""Returns the lines around a finding's place; none where they can't be read."""


class Detail(FindingActions):
    """What one stage said of one revision; `quote` is asked in a thread of its own."""

    BINDINGS: ClassVar[Keys] = [
        ("q,escape", "dismiss", "back"),
        ("question_mark", "help", "keys"),
        ("j", "move(1)", "next"),
        ("k", "move(-1)", "previous"),
        ("t", "timeline", "timeline"),
        ("L", "log", "serial log"),
        ("c", "copy", "copy command"),
    ]

    def __init__(
        self,
        label: str,
        result: Mapping[str, Any],
        quote: Quote | None = None,
        tree: str | None = None,
    ) -> None:
        super().__init__()
        self._tree = tree
        self._logs = find_logs(result, None, label, result["stage"])
        self._label, self._result = label, result
        self._entries = make_entries(result)
        self._quote = quote

    def compose(self) -> ComposeResult:
        """What the stage said, its findings, and the one that is looked at."""
        lines = [Line(self._label, "file"), *say_result(self._result)]
        yield Static(make_text(lines), id="head")
        if self._entries:
            options = [Option(Text(each.head, style_of(each.style))) for each in self._entries]
            yield OptionList(*options, id="entries")
        with VerticalScroll(id="body"):
            yield Static(id="text")
            yield Static(id="source")
        yield Footer()

    def on_mount(self) -> None:
        """Look at the first finding."""
        if self._entries:
            self.query_one(OptionList).focus()
            self._show(0)
        else:
            self.query_one("#text", Static).update("no findings")

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show the finding under the cursor."""
        self._show(event.option_index)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Open what there is beyond the words."""
        self.action_log() if self._logs else self.action_timeline()

    def _show(self, number: int) -> None:
        self.query_one("#text", Static).update(make_text(self._entries[number].lines))
        self.query_one("#body", VerticalScroll).scroll_home(animate=False)
        self.query_one("#source", Static).update("")
        quote = self._quote
        if quote is not None and self._entries[number].place:
            self.run_worker(lambda: self._read(quote, number), thread=True, exclusive=True)

    def _read(self, quote: Quote, number: int) -> None:
        place = self._entries[number].place
        lines = [Line(""), Line(place, "file"), *quote(self._result["findings"][number])]
        self.app.call_from_thread(self._show_source, number, make_text(lines))

    def _show_source(self, number: int, text: Text) -> None:
        if self.is_attached and self.query_one(OptionList).highlighted == number:
            self.query_one("#source", Static).update(text)

    def action_move(self, by: int) -> None:
        """Go to the next or the previous finding."""
        if self._entries:
            options = self.query_one(OptionList)
            options.action_cursor_down() if by > 0 else options.action_cursor_up()

    def action_copy(self) -> None:
        """Copy the command that repeats the stage."""
        command = str(self._result["repeat"])
        self.app.copy_to_clipboard(command)
        self.notify(command or "there is no command to repeat it", title="copied", markup=False)

    def action_timeline(self) -> None:
        """Step through the counterexample of the finding under the cursor."""
        at = self.query_one(OptionList).highlighted if self._entries else None
        rule = self._result["findings"][at]["rule"] if at is not None else ""
        row = find_counterexample(self._result, rule)
        if row is None:
            self.notify("there is no counterexample of the simulator here")
        else:
            self.app.push_screen(TimelineScreen(self._label, row, self._tree))

    def action_log(self) -> None:
        """Show the serial log of the finding under the cursor, or the first one."""
        if not self._logs:
            self.notify("no serial log is kept of this stage")
            return
        at = self.query_one(OptionList).highlighted if self._entries else None
        rule = self._result["findings"][at]["rule"] if at is not None else ""
        title = f"{self._label} {self._result['stage']}"
        number = log_of(self._logs, rule)
        self.app.push_screen(SerialScreen(title, lambda: self._logs, lambda: False, number))

    def action_help(self) -> None:
        """Show the keys."""
        keys = [
            ("j k", "the next and the previous finding"),
            ("r", "draft a reply to the patch, with this finding"),
            ("t Enter", "the simulator's counterexample, step by step"),
            ("L Enter", "the serial log of the scenario"),
            ("c", "copy the command"),
            ("q", "back"),
        ]
        self.app.push_screen(Help("what a stage said", keys))
