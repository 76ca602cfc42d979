"""The screen of one series: its matrix, live while a review runs, and what each cell rests on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.coordinate import Coordinate
from textual.widgets import DataTable, Footer, Static

from patchbot.compare import find_commits
from patchbot.errors import PatchbotError
from patchbot.tui.acting import ACTING_KEYS, SeriesActions
from patchbot.tui.reading import Detail, Quote
from patchbot.tui.serial import SerialScreen
from patchbot.tui.widgets import Help, Keys, make_text, style_of
from patchbot.view.lists import one_line
from patchbot.view.matrix import Matrix, explain_cell, make_matrix, running_cell, say_progress
from patchbot.view.reading import Line, commit_of, quote_source
from patchbot.view.serial import LogFile, find_logs

if TYPE_CHECKING:
    from patchbot.tui.app import PatchbotApp
    from patchbot.tui.jobs import Job

_TURN_S = 0.25
_KEYS = [
    ("arrows hjkl", "from cell to cell"),
    ("Enter", "the stage's findings, or the revision's patches"),
    *ACTING_KEYS,
    ("R", "review again; what did not change is kept"),
    ("u", "fetch the thread anew, and review"),
    ("x", "cancel the stage under the cursor, else the review"),
    ("X", "cancel the review that runs"),
    ("L", "the serial log of the stage, while it runs too"),
    ("c", "copy the command that repeats the cell's stage"),
    ("q Q", "back to the list; leave patchbot"),
]


class SeriesScreen(SeriesActions):
    """One kept review."""

    BINDINGS: ClassVar[Keys] = [
        ("q,escape", "dismiss", "back"),
        ("question_mark", "help", "keys"),
        ("R", "review", "review again"),
        ("u", "update", "update"),
        ("x", "cancel", "cancel"),
        ("X", "cancel_all", ""),
        ("L", "log", "serial log"),
        ("c", "copy", "copy command"),
        ("h", "move(0,-1)", ""),
        ("j", "move(1,0)", ""),
        ("k", "move(-1,0)", ""),
        ("l", "move(0,1)", ""),
    ]
    app: PatchbotApp

    def __init__(self, slug: str, document: Mapping[str, Any]) -> None:
        super().__init__()
        self.slug = slug
        self._document = document
        self._matrix = make_matrix(document)

    def compose(self) -> ComposeResult:
        """Title, matrix, progress, and the words on the cell under the cursor."""
        yield Static(id="head")
        yield DataTable(id="matrix", cursor_type="cell", zebra_stripes=True, fixed_columns=1)
        yield Static(id="progress")
        with VerticalScroll(id="body"):
            yield Static(id="text")
        yield Footer()

    def on_mount(self) -> None:
        """Draw, and go on drawing while a review of this series runs."""
        self.refresh_matrix()
        table = self.query_one(DataTable)
        table.focus()
        rows, columns = table.row_count, len(self._matrix.columns)
        table.move_cursor(row=rows - 1, column=columns - 1)
        self.set_interval(_TURN_S, self._tick)

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        self.call_after_refresh(self.query_one(DataTable).move_cursor)

    # ------------------------------------------------------------ drawing

    def take_document(self, document: Mapping[str, Any]) -> None:
        """Show another review of the same series."""
        self._document = document
        self.refresh_matrix()

    def refresh_matrix(self) -> None:
        """Draw the matrix anew, with the cursor where it was; before it stands, nothing."""
        if not self.query("#head"):
            return
        job = self.app.job_of(self.slug)
        live = job.live if job else None
        self._matrix = make_matrix(self._document, live, time.monotonic())
        series = self._document["series"]
        title = Line(one_line(series["title"]), "file")
        author = one_line(f"by {series['author']['name']} <{series['author']['email']}>")
        self.query_one("#head", Static).update(make_text([title, Line(author, "dim")]))
        self._draw(self._matrix)
        self._tick()
        self._explain()

    def _draw(self, matrix: Matrix) -> None:
        """Draw what changed, or all of it where the stages or the revisions did."""
        table = self.query_one(DataTable)
        rows = [
            [Text(cell.text, style_of(cell.style)) for cell in cells]
            for cells in matrix.rows.values()
        ]
        names = [str(column.label) for column in table.ordered_columns]
        if names == list(matrix.columns) and table.row_count == len(rows):
            for row, cells in enumerate(rows):
                for column, text in enumerate(cells):
                    _change(table, Coordinate(row, column), text)
            return
        at = table.cursor_coordinate
        table.clear(columns=True)
        table.add_columns(*matrix.columns)
        for cells in rows:
            table.add_row(*cells)
        if names and rows:
            kept = names[at.column] if at.column < len(names) else "verdict"
            column = matrix.columns.index(kept if kept in matrix.columns else "verdict")
            table.move_cursor(row=min(at.row, len(rows) - 1), column=column)

    def _tick(self) -> None:
        job = self.app.job_of(self.slug)
        progress = self.query_one("#progress", Static)
        progress.display = job is not None
        if job is not None:
            words = say_progress(job.live, job.elapsed(), stopping=job.cancelled)
            progress.update(Text(words, "cyan"))
            self._turn(job)

    def _turn(self, job: Job) -> None:
        """Draw the cells that run anew."""
        table, labels, now = self.query_one(DataTable), list(self._matrix.rows), time.monotonic()
        for label, stage in job.live.running():
            if label in labels and stage in self._matrix.columns:
                cell = running_cell(now - job.live.since[label, stage])
                at = Coordinate(labels.index(label), self._matrix.columns.index(stage))
                _change(table, at, Text(cell.text, style_of(cell.style)))

    def _explain(self) -> None:
        label, column = self._where()
        job = self.app.job_of(self.slug)
        live = job.live if job else None
        lines = explain_cell(self._document, label, column, live) if label else []
        self.query_one("#text", Static).update(make_text([Line(each) for each in lines]))

    def _where(self) -> tuple[str, str]:
        at: Coordinate = self.query_one(DataTable).cursor_coordinate
        labels = list(self._matrix.rows)
        if at.row >= len(labels) or at.column >= len(self._matrix.columns):
            return "", ""
        return labels[at.row], self._matrix.columns[at.column]

    def on_data_table_cell_highlighted(self, event: DataTable.CellHighlighted) -> None:
        """Explain the cell under the cursor."""
        self._explain()

    # ------------------------------------------------------------ acting

    def on_data_table_cell_selected(self, event: DataTable.CellSelected) -> None:
        """Open what the cell stands for."""
        label, column = self._where()
        result = self._result(label, column)
        if result is not None:
            tree = self._document["tree"]
            self.app.push_screen(Detail(label, result, self._quote_of(label), tree))
        elif label:
            self.action_patches()

    def _quote_of(self, label: str) -> Quote | None:
        tree, (base, commits) = self._document["tree"], find_commits(self.revision(label))
        if not tree or not base or not commits:
            return None
        return lambda finding: _quote(str(tree), commit_of(finding, base, commits), finding)

    def _result(self, label: str, column: str) -> Mapping[str, Any] | None:
        if not label:
            return None
        found: Mapping[str, Any] | None = self.revision(label)["stages"].get(column)
        return found

    def action_review(self) -> None:
        """Run the stages again, from the store where nothing changed."""
        self.app.review_again(self._document)
        self.refresh_matrix()

    def action_update(self) -> None:
        """Ask the server for new mails, and review."""
        self.app.fetch_again(self._document)
        self.refresh_matrix()

    def action_cancel(self) -> None:
        """Stop the stage under the cursor, where it runs or waits, else the review."""
        job, at = self.app.job_of(self.slug), self._where()
        if job is not None and at in job.live.pending():
            job.ask_to_cancel(*at)
            self.notify(f"stopping {at[0]} {at[1]}; the other stages go on", markup=False)
        else:
            self.action_cancel_all()

    def action_cancel_all(self) -> None:
        """Stop the review of this series."""
        job = self.app.job_of(self.slug)
        if job is None:
            self.notify("no review of this series runs")
        else:
            self.app.cancel(job)

    def action_log(self) -> None:
        """Show the serial logs of the stage under the cursor."""
        label, stage = self._where()
        if not self._find_logs(label, stage) and not self._runs(label, stage):
            self.notify("no serial log is kept of this cell: the smoke stage has some")
            return
        self.app.push_screen(
            SerialScreen(
                f"{label} {stage}",
                lambda: self._find_logs(label, stage),
                lambda: self._runs(label, stage),
            )
        )

    def _runs(self, label: str, stage: str) -> bool:
        job = self.app.job_of(self.slug)
        return job is not None and (label, stage) in job.live.pending()

    def _find_logs(self, label: str, stage: str) -> list[LogFile]:
        job = self.app.job_of(self.slug)
        live = job.live if job is not None and self._runs(label, stage) else None
        ended = job.live.results.get((label, stage)) if job is not None else None
        return find_logs(ended or self._result(label, stage), live, label, stage)

    def action_copy(self) -> None:
        """Copy the command that repeats the stage under the cursor."""
        result = self._result(*self._where())
        command = str(result["repeat"]) if result else ""
        self.app.copy_to_clipboard(command)
        self.notify(command or "choose a stage first", title="copied", markup=False)

    def action_move(self, down: int, right: int) -> None:
        """Move the cursor, as arrows do."""
        table = self.query_one(DataTable)
        at = table.cursor_coordinate
        table.move_cursor(row=at.row + down, column=at.column + right)

    def action_help(self) -> None:
        """Show the keys."""
        self.app.push_screen(Help("a series", _KEYS))


def _change(table: DataTable[Text], at: Coordinate, text: Text) -> None:
    shown = table.get_cell_at(at)
    if (shown.plain, shown.style) != (text.plain, text.style):
        table.update_cell_at(at, text, update_width=True)


def _quote(tree: str, commit: str, finding: Mapping[str, Any]) -> list[Line]:
    from patchbot.tree import open_tree

    try:
        text = open_tree(Path(tree)).read_file(commit, finding["file"])
    except PatchbotError as error:
        return [Line(f"it can't be read: {error}", "dim")]
    return quote_source(text, finding["line"] or 0) if text is not None else []
