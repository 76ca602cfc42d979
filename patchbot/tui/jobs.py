"""Commands of patchbot that run in processes of their own, and what they tell while they run."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from patchbot.control import render_request
from patchbot.errors import PatchbotError
from patchbot.proc import PROCESSES, Running, end_program, render_command
from patchbot.view.commands import FOR_PROGRAMS
from patchbot.view.matrix import Live

_LAST_LINES: Final = 200
Event = Mapping[str, Any]


@dataclass(slots=True)
class Job:
    """One command: `patchbot ARGV`. `slug` is the review that it is about, "" while unknown.

    `document` is what it printed, once it has ended; `code` its exit code, None while it runs.
    `lines` are the last ones that it told. `home` is the data folder, None for the user's;
    `found` the document without results that a review tells as soon as it knows its revisions.
    """

    argv: tuple[str, ...]
    slug: str = ""
    live: Live = field(default_factory=Live)
    lines: list[str] = field(default_factory=list)
    failure: str = ""
    code: int | None = None
    document: Mapping[str, Any] | None = None
    cancelled: bool = False
    home: Path | None = None
    found: Mapping[str, Any] | None = None
    started: float = field(default_factory=time.monotonic)
    _process: Running | None = None

    def elapsed(self) -> str:
        """How long it has been running: minutes and seconds."""
        seconds = int(time.monotonic() - self.started)
        return f"{seconds // 60}:{seconds % 60:02d}"

    @property
    def command(self) -> str:
        """The command as one would type it."""
        shown = [word for word in self.argv if word not in FOR_PROGRAMS]
        return render_command(["patchbot", *shown])

    def run(self, tell: Callable[[Job], None]) -> None:
        """Run it to its end in the calling thread, and call `tell` whenever there is news."""
        try:
            self._run(tell)
        except PatchbotError as error:
            self.failure = str(error)
            self.code = self.code if self.code is not None else -1
        tell(self)

    def _run(self, tell: Callable[[Job], None]) -> None:
        argv = [sys.executable, "-m", "patchbot", *self.argv]
        out: list[bytes] = []
        env = {**os.environ, "PATCHBOT_HOME": str(self.home)} if self.home else None
        with PROCESSES.started(argv, env, None) as process:
            self._process = process
            if self.cancelled:  # before there was a process to end
                end_program(process)
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stderr is not None
            if "--control" not in self.argv:
                process.stdin.close()
            stdout = process.stdout
            reader = threading.Thread(target=lambda: out.append(stdout.read()), daemon=True)
            reader.start()
            for line in process.stderr:
                self.take(line.decode("utf-8", "replace").rstrip("\n"))
                tell(self)
            reader.join()
            self.code = process.wait()
        self._read_document(b"".join(out))

    def take(self, line: str) -> None:
        """Take one line of its standard error into account: an event, or any other text."""
        event: Event = {"event": "say", "text": line}
        with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError):
            told = json.loads(line)
            self.live.take(told, time.monotonic())
            event = told
        text = event.get("text", "")
        if event["event"] == "found":
            self._take_found(event["document"])
        if event["event"] == "fail":
            self.failure = " ".join(filter(None, (text, event.get("hint"))))
        if text:
            self.lines = [*self.lines[-_LAST_LINES + 1 :], str(text)]

    def _take_found(self, document: Mapping[str, Any]) -> None:
        """Take the series that is reviewed now: a demo has several, one after another."""
        before = self.found["series"]["slug"] if self.found else ""
        self.found = document
        if self.slug == before:
            self.slug = str(document["series"]["slug"])

    def _read_document(self, text: bytes) -> None:
        try:
            self.document = json.loads(text)
        except ValueError:
            if not self.failure and not self.cancelled:
                last = self.lines[-1] if self.lines else "it said nothing"
                self.failure = f"it ended with code {self.code}: {last}"

    def ask_to_cancel(self, label: str, stage: str) -> None:
        """Ask it to stop one stage; what has ended by then stays as it is."""
        stdin = self._process.stdin if self._process is not None else None
        if stdin is not None:
            with contextlib.suppress(OSError, ValueError):
                stdin.write(render_request(label, stage).encode())
                stdin.flush()

    def cancel(self) -> None:
        """Ask it to stop; it cleans up after itself, and is killed where it does not."""
        self.cancelled = True
        if self._process is not None:
            end_program(self._process)


def review_argv(sources: Sequence[str], tree: str | None) -> tuple[str, ...]:
    """Return the words of a review of these sources."""
    return ("review", *sources, *(["--tree", tree] if tree else []), *FOR_PROGRAMS)
