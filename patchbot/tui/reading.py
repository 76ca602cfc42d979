"""Screens to read in: a stage's findings with their evidence, and the patches of a revision."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option

from patchbot.tui.serial import SerialScreen
from patchbot.tui.timeline import TimelineScreen
from patchbot.tui.widgets import Help, Keys, make_text, style_of
from patchbot.view.reading import Line, make_entries, read_diff, say_result
from patchbot.view.serial import find_logs, log_of
from patchbot.view.timeline import find_counterexample

Quote = Callable[[Mapping[str, Any]], list[Line]]
"""Returns the lines around a finding's place; none where they can't be read."""


class Detail(Screen[None]):
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
            ("t Enter", "the simulator's counterexample, step by step"),
            ("L Enter", "the serial log of the scenario"),
            ("c", "copy the command"),
            ("q", "back"),
        ]
        self.app.push_screen(Help("what a stage said", keys))


class Patches(Screen[None]):
    """The patches of a revision, one at a time; `load` returns a patch's text and never raises."""

    BINDINGS: ClassVar[Keys] = [
        ("q,escape", "dismiss", "back"),
        ("question_mark", "help", "keys"),
        ("right_square_bracket", "turn(1)", "next patch"),
        ("left_square_bracket", "turn(-1)", "previous patch"),
        ("j", "scroll(1)", "down"),
        ("k", "scroll(-1)", "up"),
    ]

    def __init__(self, title: str, patches: Sequence[str], load: Callable[[int], str]) -> None:
        super().__init__()
        self._title, self._patches, self._load = title, patches, load
        self._at = 0

    def compose(self) -> ComposeResult:
        """The title of the patch and its text."""
        yield Static(id="head")
        with VerticalScroll(id="body"):
            yield Static(id="text")
        yield Footer()

    def on_mount(self) -> None:
        """Show the first patch."""
        self.query_one("#body").focus()
        self._turn_to(0)

    def _turn_to(self, number: int) -> None:
        self._at = max(0, min(number, len(self._patches) - 1))
        name = self._patches[self._at] if self._patches else "no patches"
        of = f"{self._title}, patch {self._at + 1} of {len(self._patches)}"
        self.query_one("#head", Static).update(make_text([Line(of, "dim"), Line(name, "file")]))
        self.query_one("#text", Static).update("reading")
        at = self._at
        self.run_worker(lambda: self._read(at), thread=True, exclusive=True)

    def _read(self, number: int) -> None:
        text = make_text(read_diff(self._load(number)))
        self.app.call_from_thread(self._show, number, text)

    def _show(self, number: int, text: Text) -> None:
        if number == self._at and self.is_attached:
            self.query_one("#text", Static).update(text)
            self.query_one("#body", VerticalScroll).scroll_home(animate=False)

    def action_turn(self, by: int) -> None:
        """Go to the next or the previous patch."""
        if 0 <= self._at + by < len(self._patches):
            self._turn_to(self._at + by)

    def action_scroll(self, by: int) -> None:
        """Go down or up by a line."""
        self.query_one("#body", VerticalScroll).scroll_relative(y=by, animate=False)

    def action_help(self) -> None:
        """Show the keys."""
        keys = [("[ ]", "the previous and the next patch"), ("j k", "down and up"), ("q", "back")]
        self.app.push_screen(Help("patches", keys))
