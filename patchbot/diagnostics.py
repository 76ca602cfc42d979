"""What goes to standard error, and the exit codes."""

from __future__ import annotations

import argparse
import contextlib
import enum
import json
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from rich.console import RenderableType
from rich.progress import (
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress_bar import ProgressBar
from rich.text import Text

from patchbot.control import Control
from patchbot.errors import PatchbotError
from patchbot.model import Review, StageResult, VerdictStatus
from patchbot.report.text import ReportConsole, clean_text

if TYPE_CHECKING:
    from patchbot.pipeline import Listener

_BAR_WIDTH = 24


class ExitCode(enum.IntEnum):
    """What the process returns; for a review the newest revision decides."""

    ACCEPT = 0
    NEEDS_WORK = 1
    USAGE = 2
    CANNOT_TELL = 3
    COULD_NOT_RUN = 4
    INTERRUPTED = 130


VERDICT_CODES = {
    VerdictStatus.ACCEPT.value: ExitCode.ACCEPT,
    VerdictStatus.NEEDS_WORK.value: ExitCode.NEEDS_WORK,
    VerdictStatus.REJECT.value: ExitCode.NEEDS_WORK,
    VerdictStatus.CANNOT_TELL.value: ExitCode.CANNOT_TELL,
}


class _Share(ProgressColumn):
    """A bar for what is measured; nothing for what is only told."""

    def render(self, task: Task) -> RenderableType:
        if task.total is None:
            return Text("")
        return ProgressBar(total=task.total, completed=task.completed, width=_BAR_WIDTH)


class Narrator:
    """Tells on standard error what happens: one changing line on a terminal, lines elsewhere.

    The changing line begins with the time since `working`.
    """

    def __init__(self, stream: TextIO, *, plain: bool = False) -> None:
        self._stream = stream
        self._console = ReportConsole(file=stream, markup=False, highlight=False, emoji=False)
        self._live = bool(stream.isatty()) and not plain
        self._line: Progress | None = None
        self._done = 0
        self._running: dict[tuple[str, str], None] = {}

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Show progress inside the block; the changing line is gone afterwards."""
        if self._live:
            words = TextColumn("{task.description}", markup=False)
            columns = SpinnerColumn(), TimeElapsedColumn(), _Share(), words
            self._line = Progress(*columns, console=self._console, transient=True)
            self._line.add_task("starting", total=None)
            self._line.start()
        try:
            yield
        finally:
            if self._line is not None:
                self._line.stop()
            self._line = None

    def found(self, review: Review) -> None:
        """Take the series and its revisions, before any stage runs; nothing to say to a person."""

    def say(self, text: str) -> None:
        """Say what is being done now."""
        text = clean_text(text)
        if self._line is not None:
            self._line.update(self._line.task_ids[0], description=text)
        else:
            self._write(text)

    def warn(self, text: str) -> None:
        """Say something that stays on the screen."""
        self._write(f"warning: {clean_text(text)}")

    def fail(self, error: PatchbotError) -> None:
        """Say in one line what went wrong, and in a second the way out."""
        first, *rest = clean_text(str(error)).splitlines() or ["no reason was given"]
        self._write(f"patchbot: {' '.join([first, *(line.strip() for line in rest)])}")
        if error.hint:
            self._write(f"  {clean_text(error.hint)}")

    def _write(self, text: str) -> None:
        with contextlib.suppress(BrokenPipeError, ValueError):
            self._console.print(text, soft_wrap=True)

    def listener(self) -> Listener:
        """Return a listener for the pipeline."""
        from patchbot.pipeline import Listener

        return Listener(self._planned, self._started, self._ended, self.warn)

    def measure(self, text: str, share: float) -> None:
        """Say how far something is, from 0 to 1."""
        if self._line is not None:
            task = self._line.task_ids[0]
            self._line.update(task, description=clean_text(text), total=1.0, completed=share)
        else:
            self._write(f"{share:4.0%} {clean_text(text)}")

    def _planned(self, labels: Sequence[str], stages: Sequence[str]) -> None:
        """Nothing to say: the stages are told of one by one."""

    def _started(self, label: str, stage: str) -> None:
        self._running[label, stage] = None
        if self._line is not None:
            names = ", ".join(f"{at}: {what}" for at, what in self._running)
            self.say(f"{self._done} stages done; running {names}")

    def _ended(self, label: str, result: StageResult) -> None:
        self._running.pop((label, result.stage), None)
        self._done += 1
        kept = ", kept from an earlier run" if result.stored else ""
        line = f"{label} {result.stage}: {result.status.value} ({result.seconds:.2f} s{kept})"
        if self._line is None:
            self._write(line)
        elif self._running:
            self._started(*next(iter(self._running)))


class EventNarrator(Narrator):
    """Tells a program instead of a person: one JSON object a line on standard error.

    Each has `event`: "say" and "warn" (`text`), "share" (`text`, `share` 0..1), "fail" (`text`,
    `hint`), "found" (`document`, the review's without any stage), "planned" (`labels`, `stages`),
    "started" (`label`, `stage`), "log" (`label`, `stage`, `name`, `path`: a file that grows),
    "ended" (`label` and `result`, as in the document of a review). `control` hands on what the
    program asks for.
    """

    def __init__(self, stream: TextIO, control: Control | None = None) -> None:
        super().__init__(stream, plain=True)
        self._control = control
        self._lock = threading.Lock()

    def listener(self) -> Listener:
        """Return a listener for the pipeline, which also asks what is to be stopped."""
        told = replace(super().listener(), logged=self._logged)
        return told if self._control is None else replace(told, asked=self._control.take)

    def say(self, text: str) -> None:
        """Say what is being done now."""
        self._tell("say", text=text)

    def warn(self, text: str) -> None:
        """Say something that should stay in sight."""
        self._tell("warn", text=text)

    def found(self, review: Review) -> None:
        """Tell the series and its revisions, before any stage runs."""
        from patchbot.report.document import render_document

        self._tell("found", document=render_document(review))

    def measure(self, text: str, share: float) -> None:
        """Say how far something is, from 0 to 1."""
        self._tell("share", text=text, share=share)

    def fail(self, error: PatchbotError) -> None:
        """Say what went wrong, and the way out."""
        self._tell("fail", text=str(error), hint=error.hint)

    def _planned(self, labels: Sequence[str], stages: Sequence[str]) -> None:
        self._tell("planned", labels=list(labels), stages=list(stages))

    def _started(self, label: str, stage: str) -> None:
        self._tell("started", label=label, stage=stage)

    def _logged(self, label: str, stage: str, name: str, path: Path) -> None:
        self._tell("log", label=label, stage=stage, name=name, path=str(path))

    def _ended(self, label: str, result: StageResult) -> None:
        from patchbot.store import render_result

        self._tell("ended", label=label, result=render_result(result), stored=result.stored)

    def _tell(self, event: str, **values: object) -> None:
        with contextlib.suppress(BrokenPipeError, ValueError):
            line = json.dumps({"event": event, **values})
            with self._lock:  # stages speak from threads of their own
                print(line, file=self._stream, flush=True)


def make_narrator(args: argparse.Namespace) -> Narrator:
    """Return the narrator that a command line asks for, on standard error."""
    if not getattr(args, "events", False):
        return Narrator(sys.stderr, plain=getattr(args, "plain", False))
    asked = getattr(args, "control", False) and "-" not in args.targets
    return EventNarrator(sys.stderr, Control(0) if asked else None)
