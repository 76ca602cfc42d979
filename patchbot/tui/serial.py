"""The screen of serial logs: live while a guest runs, searched, and gone through by what counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Footer, Static

from patchbot.tui.lines import LinesView
from patchbot.tui.tail import Tail
from patchbot.tui.widgets import Help, Keys, Prompt
from patchbot.view.serial import LogFile, find_marks, find_words, read_lines, say_log
from patchbot.view.timeline import next_mark

_POLL_S = 0.3
_KEYS = [
    ("j k space b", "down and up, by lines and pages"),
    ("g G", "the first and the last line"),
    ("/ n N", "search words; the next and the previous line that has them"),
    ("d D", "the next and the previous decisive line (marked !)"),
    ("F", "follow the log as it grows, or stop that"),
    ("[ ]", "the previous and the next log of this stage"),
    ("c", "copy the file's name"),
    ("q", "back"),
]


class SerialScreen(Screen[None]):
    """The logs that `source` returns, again and again while `lives` says that they may grow."""

    BINDINGS: ClassVar[Keys] = [
        ("q,escape", "dismiss", "back"),
        ("question_mark", "help", "keys"),
        ("slash", "search", "search"),
        ("n", "found(1)", "next"),
        ("N", "found(-1)", ""),
        ("d", "decisive(1)", "decisive"),
        ("D", "decisive(-1)", ""),
        ("F", "follow", "follow"),
        ("right_square_bracket", "turn(1)", "next log"),
        ("left_square_bracket", "turn(-1)", ""),
        ("c", "copy", "copy name"),
    ]

    def __init__(
        self,
        title: str,
        source: Callable[[], Sequence[LogFile]],
        lives: Callable[[], bool],
        at: int = 0,
    ) -> None:
        super().__init__()
        self._title, self._source, self._lives = title, source, lives
        self._logs = list(source())
        self._at = at
        self._tail: Tail | None = None
        self._lines: list[str] = []
        self._marks: list[int] = []
        self._whole = 0  # lines that have their end
        self._follow = lives()
        self._seen = False
        self._reading = False

    def compose(self) -> ComposeResult:
        """Which log it is, and its lines."""
        yield Static(id="head")
        yield LinesView(id="lines")
        yield Footer()

    def on_mount(self) -> None:
        """Read, and go on reading."""
        self.query_one(LinesView).focus()
        self._open(self._at)
        self.set_interval(_POLL_S, self._poll)

    # ------------------------------------------------------------ reading

    def _open(self, at: int) -> None:
        self._at = at
        self._lines, self._marks, self._whole, self._seen = [], [], 0, False
        self._tail = Tail(self._logs[at].path) if self._logs else None
        self._show()
        self._poll()

    def _poll(self) -> None:
        self._look_again()
        if self._tail is not None and not self._reading:
            self._reading = True
            tail = self._tail
            self.run_worker(lambda: self._read(tail), thread=True, group="tail")

    def _look_again(self) -> None:
        """Take new logs in; the one that is shown may stand elsewhere by now."""
        logs = list(self._source())
        if not logs or logs == self._logs:
            return
        name = self._logs[self._at].name if self._logs else ""
        self._logs = logs
        self._at = next((n for n, each in enumerate(logs) if each.name == name), 0)
        if self._tail is None or self._tail.path != logs[self._at].path:
            self._tail, self._seen = Tail(logs[self._at].path), False
        self._say()

    def _read(self, tail: Tail) -> None:
        begins, lines = tail.read_all()
        clean = read_lines("\n".join(lines)) if lines else []
        rest = read_lines(tail.read_rest()) if tail.read_rest() else []
        self.app.call_from_thread(self._take, tail, begins, clean, rest)

    def _take(self, tail: Tail, anew: bool, lines: list[str], rest: list[str]) -> None:
        self._reading = False
        if tail is not self._tail or not self.is_attached:
            return
        first = not self._seen and bool(lines or rest)
        if anew or first:
            self._lines, self._marks, self._whole, self._seen = [], [], 0, True
        if lines or anew or rest != self._lines[self._whole :]:
            self._add(lines, rest)
            self._show()
        if first and not self._follow and self._marks:
            self.query_one(LinesView).go(self._marks[0])

    def _add(self, lines: list[str], rest: list[str]) -> None:
        """Add lines, and the last one, which may have no end yet, instead of the one before."""
        start, self._whole = self._whole, self._whole + len(lines)
        self._lines[start:] = [*lines, *rest]
        before = [at for at in self._marks if at < start]
        self._marks = before + [start + at for at in find_marks(self._lines[start:])]

    def _show(self) -> None:
        view = self.query_one(LinesView)
        view.show_lines(self._lines, self._marks)
        if self._follow:
            view.action_end(True)
        self._say()

    def _say(self) -> None:
        words = "no serial log yet" if self._lives() else "no serial log is kept"
        if self._logs:
            live = self._follow and self._lives()
            words = say_log(self._logs, self._at, len(self._lines), len(self._marks), live=live)
        self.query_one("#head", Static).update(Text(f"{self._title}: {words}", "bold"))

    # ------------------------------------------------------------ acting

    def action_search(self) -> None:
        """Ask for words."""
        view = self.query_one(LinesView)
        hint = "words of a line; case counts where one letter is large"
        self.app.push_screen(Prompt("search", view.words, hint), self._search)

    def _search(self, words: str | None) -> None:
        if words is not None:
            self.query_one(LinesView).words = words
            self.query_one(LinesView).refresh()
            self.action_found(1)

    def action_found(self, by: int) -> None:
        """Go to a line that has the words."""
        view = self.query_one(LinesView)
        self._go(find_words(view.lines, view.words), by, f"nothing has {view.words!r}")

    def action_decisive(self, by: int) -> None:
        """Go to a line where the kernel complains or the guest says what is not as it must be."""
        self._go(self._marks, by, "the kernel complains nowhere, and nothing is not ok")

    def _go(self, marks: Sequence[int], by: int, none: str) -> None:
        view = self.query_one(LinesView)
        if not marks:
            self.notify(none, markup=False)
            return
        self._follow = False
        view.go(next_mark(marks, view.at, by))
        self._say()

    def action_follow(self) -> None:
        """Follow the end, or stop that."""
        self._follow = not self._follow
        self._show()

    def action_turn(self, by: int) -> None:
        """Go to the next or the previous log."""
        if self._logs and 0 <= self._at + by < len(self._logs):
            self._open(self._at + by)

    def action_copy(self) -> None:
        """Copy the file's name."""
        name = self._logs[self._at].path if self._logs else ""
        self.app.copy_to_clipboard(name)
        self.notify(name or "there is no log", title="copied", markup=False)

    def action_help(self) -> None:
        """Show the keys."""
        self.app.push_screen(Help("a serial log", _KEYS))
