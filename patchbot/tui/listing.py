"""The first screen: all kept reviews, newest activity first."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import DataTable, Footer, Static

from patchbot.store import Summary
from patchbot.tui.asking import Ask
from patchbot.tui.doing import parse_sources
from patchbot.tui.replying import Drafts
from patchbot.tui.widgets import Help, Keys, Prompt, make_text, style_of
from patchbot.view.lists import SORTS, cut, limit_list, make_row, one_line, sort_list
from patchbot.view.matrix import RUNNING
from patchbot.view.reading import Line

if TYPE_CHECKING:
    from patchbot.tui.app import PatchbotApp

_AUTHOR, _LEAST_TITLE, _OTHERS = 18, 24, 66
_REREAD_S = 5.0
_AT_ONCE, _AHEAD = 300, 100
_COLUMNS = ("verdict", "newest", "title", "author", "trailers", "age")
_KEYS = [
    ("j k g G", "down, up, to the first and to the last"),
    ("Enter", "open the series"),
    ("a", "add: a message-id, an address of a mail, or an mbox"),
    ("u", "fetch the thread of this series anew, and review"),
    ("U", "the same for all that are listed"),
    ("l", "limit the list to lines with these words; -word: without"),
    ("s", "sort by another column"),
    ("m", "the drafts of replies"),
    ("D", "the demo: reviews that need no network and no kernel; D again goes back"),
    ("x", "cancel the review of this series"),
    ("X", "cancel all"),
    ("q Q", "leave patchbot"),
]
_EMPTY = [
    Line("Nothing is reviewed yet.", "file"),
    Line(""),
    Line("  a  add a series: a message-id, an address of a mail, or an mbox"),
    Line("  D  see the demo: bundled threads, no network, about two minutes"),
    Line("  ?  all keys"),
]
_MAKING = [
    Line("The demo's reviews are being made.", "file"),
    Line(""),
    Line("  Each stands here when it is done; Enter opens it, D goes back to your own."),
]


class ListScreen(Screen[None]):
    """What is stored, a line each."""

    BINDINGS: ClassVar[Keys] = [
        ("q", "app.quit", "quit"),
        ("question_mark", "help", "keys"),
        ("j", "move(1)", ""),
        ("k", "move(-1)", ""),
        ("g", "end(False)", ""),
        ("G", "end(True)", ""),
        ("a", "add", "add"),
        ("u", "update", "update"),
        ("U", "update_all", "update all"),
        ("l", "limit", "limit"),
        ("s", "sort", "sort"),
        ("m", "drafts", "drafts"),
        ("D", "demo", "demo"),
        ("x", "cancel", "cancel"),
        ("X", "cancel_all", ""),
    ]
    app: PatchbotApp

    def __init__(self) -> None:
        super().__init__()
        self._all: list[Summary] = []
        self._shown: list[Summary] = []
        self._filled = 0
        self._was_read = False
        self._words = ""
        self._by = "reviewed"

    def compose(self) -> ComposeResult:
        """A line on top, the list, and what to press where there is none."""
        yield Static(id="head")
        yield DataTable(id="list", cursor_type="row", zebra_stripes=True)
        yield Static(make_text(_EMPTY), id="empty")
        yield Static(id="progress")
        yield Footer()

    def on_mount(self) -> None:
        """Draw what is there, and read the store."""
        self.query_one(DataTable).add_columns(*_COLUMNS)
        self.query_one(DataTable).focus()
        self.query_one("#empty").display = False
        self.query_one("#progress").display = False
        self._by = self.app.state.sort if self.app.state.sort in SORTS else "reviewed"
        self._words = self.app.state.limit
        self.set_interval(1.0, self.refresh_progress)
        self.set_interval(_REREAD_S, self._reread)
        self.app.read_list()

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Remember the series for the next start, and have rows ahead of the cursor."""
        if event.cursor_row + _AHEAD >= self._filled < len(self._shown):
            self._fill(self._filled + _AT_ONCE)
        if 0 <= event.cursor_row < len(self._shown):
            self.app.state.slug = self._shown[event.cursor_row].slug

    def on_resize(self) -> None:
        """Make titles as long as there is room."""
        self._draw()

    def _reread(self) -> None:
        """A command that reviews several series keeps each when it is done."""
        if self.app.running():
            self.app.read_list()

    def take_summaries(self, summaries: list[Summary]) -> None:
        """Show these."""
        self._all, self._was_read = summaries, True
        self._draw()

    def _draw(self) -> None:
        kept = self._selected()
        self._shown = sort_list(limit_list(self._all, self._words), self._by)
        self.query_one(DataTable).clear()
        self._filled = 0
        self._fill(self._number(kept) + _AT_ONCE)
        self._select(kept)
        self.query_one("#empty").display = self._was_read and not self._all
        words = _MAKING if self.app.in_demo and self.app.running() else _EMPTY
        self.query_one("#empty", Static).update(make_text(words))
        self.query_one(DataTable).display = bool(self._all)
        self.refresh_progress()

    def _fill(self, until: int) -> None:
        """Add rows: not all at once, as ten thousand take most of a second."""
        table, now = self.query_one(DataTable), time.time()
        room = max(_LEAST_TITLE, self.size.width - _OTHERS)
        added, self._filled = self._shown[self._filled : until], min(until, len(self._shown))
        for summary in added:
            row = make_row(summary, now)
            running = self.app.job_of(summary.slug) is not None
            word = RUNNING if running else row.verdict
            title, author = cut(row.title, room), cut(row.author, _AUTHOR)
            cells = (row.newest, title, author, row.trailers, row.age)
            table.add_row(Text(word, style_of(word)), *map(Text, cells), key=row.slug)

    def _selected(self) -> str | None:
        at = self.query_one(DataTable).cursor_row
        return self._shown[at].slug if 0 <= at < len(self._shown) else self.app.state.slug

    def _select(self, slug: str | None) -> None:
        self.query_one(DataTable).move_cursor(row=self._number(slug))

    def _number(self, slug: str | None) -> int:
        return next((n for n, each in enumerate(self._shown) if each.slug == slug), 0)

    def refresh_progress(self) -> None:
        """Say what is listed and what runs."""
        count = f"{len(self._shown)} of {len(self._all)}" if self._words else str(len(self._all))
        limit = f", limited to {self._words!r}" if self._words else ""
        name = "patchbot's demo (D: back)" if self.app.in_demo else "patchbot"
        words = Text(f"{name}: {count} series, by {self._by}{limit}", "bold")
        self.query_one("#head", Static).update(words)
        jobs = self.app.running()
        progress = self.query_one("#progress", Static)
        lines = [f"{job.elapsed()} {job.command}: {job.live.text}" for job in jobs]
        lines += [f"{self.app.waiting()} more wait"] if self.app.waiting() else []
        text = Text("\n".join(lines), "cyan", no_wrap=True, overflow="ellipsis")
        failed = self.app.failed
        if failed is not None:
            said = one_line(f"{failed.command}: {failed.failure}")
            text.append(("\n" if lines else "") + said, style_of("error"))
        progress.display = bool(text)
        progress.update(text)

    # ------------------------------------------------------------ acting

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Open the series."""
        slug = self._selected()
        if slug is not None:
            self.app.open_series(slug)

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        table = self.query_one(DataTable)
        table.move_cursor(row=table.cursor_row + by)

    def action_end(self, last: bool) -> None:
        """Go to the first or the last series."""
        if last:
            self._fill(len(self._shown))
        self.query_one(DataTable).move_cursor(row=len(self._shown) - 1 if last else 0)

    def action_add(self) -> None:
        """Ask what to review."""
        hint = "a message-id, an address of a mail, or a path of an mbox; Escape leaves"
        ask = Ask("review", self.app.state.draft, hint, _look_at, self.app.keep_draft)
        self.app.push_screen(ask, self._add)

    def _add(self, typed: str | None) -> None:
        if typed is not None:
            self.app.add_series(*parse_sources(typed))

    def action_drafts(self) -> None:
        """List the drafts of replies."""
        self.app.push_screen(Drafts())

    def action_update(self) -> None:
        """Review the series under the cursor, from the server."""
        slug = self._selected()
        if slug is not None:
            self.app.update_series([slug])

    def action_update_all(self) -> None:
        """Review all that are listed, some at a time."""
        self.app.update_series([summary.slug for summary in self._shown])

    def action_limit(self) -> None:
        """Ask for the words that the lines must have."""
        hint = "words in title, author, revision, verdict or message-id; -word: without; empty: all"
        self.app.push_screen(Prompt("limit", self._words, hint), self._limit)

    def _limit(self, typed: str | None) -> None:
        if typed is not None:
            self._words = self.app.state.limit = typed
            self._draw()

    def action_sort(self) -> None:
        """Sort by the next column."""
        names = list(SORTS)
        self._by = self.app.state.sort = names[(names.index(self._by) + 1) % len(names)]
        self._draw()

    def action_demo(self) -> None:
        """Show the demo, or go back from it."""
        self.app.toggle_demo()

    def action_cancel(self) -> None:
        """Stop the review of the series under the cursor; the newest one where none is."""
        slug = self._selected()
        job = self.app.job_of(slug) if slug else None
        jobs = [job] if job else self.app.running()[-1:]
        for each in jobs:
            self.app.cancel(each)

    def action_cancel_all(self) -> None:
        """Stop everything that runs."""
        self.app.forget_updates()
        for job in self.app.running():
            self.app.cancel(job)

    def action_help(self) -> None:
        """Show the keys."""
        self.app.push_screen(Help("the list", _KEYS))


def _look_at(typed: str) -> None:
    parse_sources(typed)
