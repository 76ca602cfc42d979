"""The interface on a terminal of its own: start and keys, against a bare application of Textual."""

from __future__ import annotations

import copy
import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.timing import report, say
from patchbot.report.document import render_document
from patchbot.store import Store
from tests.support.fakes import make_review

_COUNTS = (10, 1_000, 10_000)
_ROUNDS = 5
_KEYS = 20
_SIZE = (40, 120)
_PATIENCE_S = 60.0
_BARE = """
from textual.app import App
from textual.widgets import DataTable, Footer
class Bare(App):
    BINDINGS = [("j", "move(1)", "down"), ("k", "move(-1)", "up")]
    def compose(self):
        yield DataTable(cursor_type="row", zebra_stripes=True)
        yield Footer()
    def on_mount(self):
        table = self.query_one(DataTable)
        table.add_columns("verdict", "newest", "title")
        for number in range(50):
            table.add_row("accept", "v1", f"series {number}")
        table.focus()
    def action_move(self, by):
        table = self.query_one(DataTable)
        table.move_cursor(row=table.cursor_row + by)
Bare().run()
"""


class Terminal:
    """A process on a pseudo-terminal, and all that it wrote until now."""

    def __init__(self, process: int, descriptor: int) -> None:
        self._process, self._descriptor = process, descriptor
        self.start = time.perf_counter()
        self.seen = b""

    def wait_for(self, text: bytes) -> float:
        """Return the seconds since the start until it wrote this text."""
        while text not in self.seen:
            self._read(_PATIENCE_S)
        return time.perf_counter() - self.start

    def press(self, key: bytes) -> float:
        """Press a key once nothing is written any more; return the seconds until something is."""
        while self._read(0.3):
            pass
        start = time.perf_counter()
        os.write(self._descriptor, key)
        self._read(_PATIENCE_S)
        return time.perf_counter() - start

    def _read(self, patience_s: float) -> bool:
        ready, _, _ = select.select([self._descriptor], [], [], patience_s)
        if not ready and patience_s == _PATIENCE_S:
            raise TimeoutError(f"nothing more came after {self.seen[-200:]!r}")
        data = os.read(self._descriptor, 1 << 16) if ready else b""
        self.seen += data
        return bool(data)

    def close(self) -> None:
        """End the process."""
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        os.close(self._descriptor)


@contextmanager
def on_terminal(argv: Sequence[str], home: Path) -> Iterator[Terminal]:
    """Run a program on a terminal of its own, with patchbot's data in `home`."""
    process, descriptor = pty.fork()
    if process == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", *_SIZE, 0, 0))
        os.environ.update(PATCHBOT_HOME=str(home), TERM="xterm-256color")
        os.execv(sys.executable, [sys.executable, *argv])
    terminal = Terminal(process, descriptor)
    try:
        yield terminal
    finally:
        terminal.close()


def make_home(home: Path, count: int) -> Path:
    """Keep so many reviews, each of another series."""
    document = render_document(make_review())
    store = Store(home)
    try:
        for number in range(count):
            one = copy.deepcopy(document)
            name = f"series-{number}"
            one["series"] |= {"slug": name, "title": f"walnut {name}", "message_ids": [name]}
            store.save_review(name, one)
    finally:
        store.close()
    return home


def run(folder: Path) -> None:
    """Print the ratios."""
    folder.mkdir(parents=True, exist_ok=True)
    nothing = _seconds(["-c", "print('here')"], folder, b"here")
    bare = _seconds(["-c", _BARE], folder, b"palette")
    report("a bare application of Textual", bare, "python that does nothing", nothing)
    bare_key = _key(["-c", _BARE], folder)
    for count in _COUNTS:
        say(f"keeping {count:,} reviews")
        home = make_home(folder / str(count), count)
        argv = ["-m", "patchbot"]
        report(f"{count:,} series, the list", _seconds(argv, home, b"walnut"), "bare", bare)
        report(f"{count:,} series, ready", _seconds(argv, home, b"palette"), "bare", bare)
        report(f"{count:,} series, key to paint", _key(argv, home), "bare", bare_key)


def _seconds(argv: Sequence[str], home: Path, text: bytes) -> float:
    times = []
    for _ in range(_ROUNDS):
        with on_terminal(argv, home) as terminal:
            times.append(terminal.wait_for(text))
    return statistics.median(times)


def _key(argv: Sequence[str], home: Path) -> float:
    with on_terminal(argv, home) as terminal:
        terminal.wait_for(b"palette")
        return statistics.median([terminal.press(b"jk"[n % 2 :][:1]) for n in range(_KEYS)])
