"""The screen of a counterexample: its steps by thread, and the source of the one looked at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.screen import Screen
from textual.widgets import DataTable, Footer, Static
from textual.worker import Worker

from patchbot.errors import PatchbotError
from patchbot.tui.jobs import Job
from patchbot.tui.widgets import Help, Keys, make_text, style_of
from patchbot.view.reading import Line, quote_source
from patchbot.view.timeline import (
    NUMBER_WIDTH,
    make_rows,
    make_timeline,
    next_mark,
    room_for,
    say_moment,
)

_MODEL = "<sim>/model/"
_WIDE = 150
_KEYS = [
    ("j k", "the next and the previous step"),
    ("g G", "the first step, and the last: the one that fails"),
    ("d D", "the next and the previous step that the schedule decides (marked >)"),
    ("n N", "the next and the previous step where another thread goes on"),
    ("f", "run the schedule again, and show every step"),
    ("c", "copy the command that runs it again"),
    ("q", "back"),
]


class TimelineScreen(Screen[None]):
    """A counterexample, as the simulate stage keeps it, on a tree (None: no source to show)."""

    BINDINGS: ClassVar[Keys] = [
        ("q,escape", "dismiss", "back"),
        ("question_mark", "help", "keys"),
        ("j", "step(1)", "next"),
        ("k", "step(-1)", "previous"),
        ("g", "go(0)", "first"),
        ("G", "go(-1)", "last"),
        ("d", "decisive(1)", "decisive"),
        ("D", "decisive(-1)", ""),
        ("n", "other(1)", "other thread"),
        ("N", "other(-1)", ""),
        ("f", "whole", "every step"),
        ("c", "copy", "copy command"),
    ]

    def __init__(self, label: str, row: Mapping[str, Any], tree: str | None) -> None:
        super().__init__()
        self._label, self._row, self._tree = label, row, tree
        self._timeline = make_timeline(row)
        self._texts: dict[str, str] = {}
        self._job: Job | None = None

    def compose(self) -> ComposeResult:
        """What fails, the steps, and the source."""
        yield Static(id="head")
        with Container(id="panes"):
            yield DataTable(id="steps", cursor_type="row")
            with Vertical(id="place"):
                yield Static(id="where")
                yield Static(id="source")
        yield Footer()

    def on_mount(self) -> None:
        """Look at the first decisive step; without one, at the last."""
        self._draw()
        self.query_one(DataTable).focus()
        marks = self._timeline.decisive
        self.action_go(marks[0] if marks else -1)

    def on_unmount(self) -> None:
        """End what runs."""
        if self._job is not None:
            self._job.cancel()

    def on_resize(self) -> None:
        """Put the source beside the steps where there is room, else below."""
        self.set_class(self.size.width >= _WIDE, "wide")
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        timeline, table = self._timeline, self.query_one(DataTable)
        words = f"{self._label} {self._row['scenario']}: {timeline.failure}"
        schedule = f"schedule {timeline.schedule}, {len(timeline.moments)} steps shown"
        lines = [Line(words, "error"), Line(schedule, "dim")]
        self.query_one("#head", Static).update(make_text(lines))
        at = table.cursor_row
        room = room_for((table.size.width or self.size.width) - 4, len(timeline.columns))
        table.clear(columns=True)
        table.add_column("step", width=NUMBER_WIDTH)
        for name in timeline.columns:
            table.add_column(name, width=room)
        for cells in make_rows(timeline, room):
            table.add_row(*(Text(cell.text, style_of(cell.style)) for cell in cells))
        table.move_cursor(row=at)

    # ------------------------------------------------------------ the source

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Follow the cursor in the source."""
        self._follow(event.cursor_row)

    def _follow(self, at: int) -> None:
        if at >= len(self._timeline.moments):
            return
        moment = self._timeline.moments[at]
        self.query_one("#where", Static).update(Text(say_moment(self._timeline, at), "bold"))
        if moment.path in self._texts:
            self._quote(at)
        else:
            self.query_one("#source", Static).update("")
            self.run_worker(lambda: self._read(at), thread=True, exclusive=True, group="source")

    def _read(self, at: int) -> None:
        path = self._timeline.moments[at].path
        text = read_source(self._tree, self._row["commit"], path)
        self.app.call_from_thread(self._take_text, at, path, text)

    def _take_text(self, at: int, path: str, text: str) -> None:
        self._texts[path] = text
        if self.is_attached and self.query_one(DataTable).cursor_row == at:
            self._quote(at)

    def _quote(self, at: int) -> None:
        moment = self._timeline.moments[at]
        around = max(2, (self.query_one("#place").size.height - 3) // 2)
        lines = quote_source(self._texts[moment.path], moment.line, around)
        missing = [Line("the source is not at hand", "dim")]
        text = make_text(lines or missing)
        text.no_wrap, text.overflow = True, "ellipsis"
        self.query_one("#source", Static).update(text)

    # ------------------------------------------------------------ moving

    def action_step(self, by: int) -> None:
        """Go to the next or the previous step."""
        table = self.query_one(DataTable)
        table.move_cursor(row=table.cursor_row + by)

    def action_go(self, to: int) -> None:
        """Go to a step; -1 is the last."""
        count = len(self._timeline.moments)
        self.query_one(DataTable).move_cursor(row=to if to >= 0 else count - 1)

    def action_decisive(self, by: int) -> None:
        """Go to a step that the schedule decides."""
        if not self._timeline.decisive:
            self.notify("it fails without any preemption: no step is decisive")
            return
        self.action_go(next_mark(self._timeline.decisive, self._at, by))

    def action_other(self, by: int) -> None:
        """Go to where another thread goes on."""
        moments = self._timeline.moments
        marks = [
            at for at in range(1, len(moments)) if moments[at].column != moments[at - 1].column
        ]
        self.action_go(next_mark(marks, self._at, by))

    @property
    def _at(self) -> int:
        return self.query_one(DataTable).cursor_row

    # ------------------------------------------------------------ acting

    @property
    def _argv(self) -> tuple[str, ...]:
        row = self._row
        where = ("--tree", self._tree, "--rev", row["commit"][:12]) if self._tree else ()
        return ("sim", *where, "--scenario", row["scenario"], "--replay", row["schedule"])

    def action_whole(self) -> None:
        """Run the schedule again for all of its steps."""
        if self._job is not None and self._job.code is None:
            self.notify("it runs already")
            return
        job = self._job = Job((*self._argv, "--json"))
        self.notify(f"runs: {job.command}", markup=False)
        self.run_worker(lambda: job.run(lambda told: None), thread=True, name="whole")

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Show what the replay gave, once it has ended."""
        job = self._job
        if job is None or event.worker.name != "whole" or not event.worker.is_finished:
            return
        self._job = None
        rows = (job.document or {}).get("scenarios")
        if job.failure or not rows or not rows[0]["after"]["steps"]:
            words = job.failure or "the replay told no steps"
            self.notify(words, severity="error", timeout=15, markup=False)
            return
        self._row = {**rows[0]["after"], "commit": self._row["commit"]}
        self._timeline = make_timeline(self._row)
        self._draw()
        self.action_go(self._timeline.decisive[0] if self._timeline.decisive else -1)

    def action_copy(self) -> None:
        """Copy the command that runs the schedule again."""
        command = Job(self._argv).command
        self.app.copy_to_clipboard(command)
        self.notify(command, title="copied", markup=False)

    def action_help(self) -> None:
        """Show the keys."""
        self.app.push_screen(Help("a counterexample", _KEYS))


def read_source(tree: str | None, commit: str, path: str) -> str:
    """Return a file of a commit, or of the simulator's model; "" where it can't be read."""
    from kernel_sim.scenario import MODEL

    from patchbot.tree import open_tree

    try:
        if path.startswith(_MODEL):
            return (MODEL / path.removeprefix(_MODEL)).read_text("utf-8", "replace")
        return (open_tree(Path(tree)).read_file(commit, path) or "") if tree else ""
    except (OSError, PatchbotError):
        return ""
