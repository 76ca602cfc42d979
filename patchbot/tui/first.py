"""The list on the screen before the interface is there: Textual takes longer to load than to read.

What is typed meanwhile waits in the terminal and is for the interface.
"""

from __future__ import annotations

import contextlib
import os
import sys
import termios
import time
import tty
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, TextIO

from rich.cells import set_cell_size

from patchbot.errors import StoreError
from patchbot.store import Store, Summary
from patchbot.tui.state import State, read_state
from patchbot.view.lists import SORTS, limit_list, make_row, sort_list

_BUSY_S: Final = 0.1
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l\x1b[2J\x1b[H", "\x1b[?25h\x1b[?1049l"
_WIDTHS: Final = (11, 7, 12, 8, 6)
_LEAST_TITLE: Final = 24


@contextlib.contextmanager
def first_painted(home: Path) -> Iterator[list[bool]]:
    """Paint the list that is kept below `home`, and give the terminal back as it was in the end.

    Whoever takes the screen over appends to the list that the block is given: it is then theirs to
    leave.
    """
    taken: list[bool] = []
    before = termios.tcgetattr(sys.stdin.fileno())
    try:
        tty.setcbreak(sys.stdin.fileno(), termios.TCSANOW)
        size = os.get_terminal_size(sys.stdout.fileno())
        _write(sys.stdout, _ENTER + "\r\n".join(make_screen(home, size.columns, size.lines)))
        yield taken
    finally:
        if not taken:
            _write(sys.stdout, _LEAVE)
        termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, before)


def _write(stream: TextIO, text: str) -> None:
    stream.write(text)
    stream.flush()


def make_screen(home: Path, columns: int, lines: int) -> list[str]:
    """Return the lines of the first screen, each of at most `columns` cells."""
    state = read_state(home)
    summaries = _read_list(home)
    by = state.sort if state.sort in SORTS else "reviewed"
    shown = sort_list(limit_list(summaries, state.limit), by)
    head = _say_head(len(shown), len(summaries), by, state) if summaries else "patchbot"
    body = render_rows(shown[: max(0, lines - 3)], columns, time.time())
    fill = [""] * (lines - 2 - len(body))
    return [set_cell_size(each, columns) for each in (f" {head}", *body, *fill, " starting")]


def _say_head(shown: int, total: int, by: str, state: State) -> str:
    count = f"{shown} of {total}" if state.limit else str(total)
    limit = f", limited to {state.limit!r}" if state.limit else ""
    return f"patchbot: {count} series, by {by}{limit}"


def _read_list(home: Path) -> list[Summary]:
    """Return what is kept; nothing where it can't be read at once: the interface says why."""
    if not (home / "patchbot.db").exists():
        return []
    try:
        store = Store(home, _BUSY_S)
        try:
            return store.list_reviews()
        finally:
            store.close()
    except StoreError:
        return []


def render_rows(summaries: Sequence[Summary], columns: int, now: float) -> list[str]:
    """Return the list's header and a line for each review, in columns of cells."""
    verdict, newest, author, trailers, age = _WIDTHS
    title = max(_LEAST_TITLE, columns - sum(_WIDTHS) - 2 * len(_WIDTHS) - 1)
    widths = (verdict, newest, title, author, trailers, age)
    names = ("verdict", "newest", "title", "author", "trailers", "age")
    rows = [make_row(each, now) for each in summaries]
    cells = [(r.verdict, r.newest, r.title, r.author, r.trailers, r.age) for r in rows]
    return [_line(each, widths) for each in (names, *cells)] if rows else []


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    shown = [set_cell_size(cell, width) for cell, width in zip(cells, widths, strict=True)]
    return " " + "  ".join(shown)
