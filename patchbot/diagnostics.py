"""What goes to standard error, and the exit codes."""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Iterator
from typing import TextIO

from rich.status import Status as Spinner

from patchbot.errors import PatchbotError
from patchbot.model import StageResult, VerdictStatus
from patchbot.pipeline import Listener
from patchbot.report.text import ReportConsole, clean_text


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


class Narrator:
    """Tells on standard error what happens: one changing line on a terminal, lines elsewhere."""

    def __init__(self, stream: TextIO, *, plain: bool = False) -> None:
        self._stream = stream
        self._console = ReportConsole(file=stream, markup=False, highlight=False, emoji=False)
        self._live = bool(stream.isatty()) and not plain
        self._spinner: Spinner | None = None
        self._running: dict[tuple[str, str], None] = {}

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Show progress inside the block; the changing line is gone afterwards."""
        if self._live:
            self._spinner = self._console.status("starting")
            self._spinner.start()
        try:
            yield
        finally:
            if self._spinner is not None:
                self._spinner.stop()
            self._spinner = None

    def say(self, text: str) -> None:
        """Say what is being done now."""
        text = clean_text(text)
        if self._spinner is not None:
            self._spinner.update(text)
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
        return Listener(self._started, self._ended, self.warn)

    def _started(self, label: str, stage: str) -> None:
        self._running[label, stage] = None
        if self._spinner is not None:
            self.say("running " + ", ".join(f"{at}: {what}" for at, what in self._running))

    def _ended(self, label: str, result: StageResult) -> None:
        self._running.pop((label, result.stage), None)
        kept = ", kept from an earlier run" if result.stored else ""
        line = f"{label} {result.stage}: {result.status.value} ({result.seconds:.2f} s{kept})"
        if self._spinner is None:
            self._write(line)
        elif self._running:
            self._started(*next(iter(self._running)))
