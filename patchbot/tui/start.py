"""Start the interface: the list first, and behind it what takes longer to load."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from patchbot.diagnostics import ExitCode
from patchbot.errors import CancelledError, UsageError
from patchbot.settings import Settings

if TYPE_CHECKING:
    from patchbot.tui.jobs import Job


def run_tui(
    settings: Settings, tree: Path | None, argv: Sequence[str] = (), *, mouse: bool = True
) -> int:
    """Show the interface until it is left; without `mouse`, the terminal keeps it for itself.

    `argv` is a command that reviews something, if any: its exit code is returned, `INTERRUPTED`
    where it was stopped, 0 without one. Raises `UsageError` where there is no terminal,
    `TreeError` where a named tree is none, and `CancelledError` where a signal ended it.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("tui needs a terminal", hint="patchbot show lists what is kept")
    top = _top_of(tree) if tree is not None else None
    from patchbot.tui.first import first_painted

    with first_painted(settings.home) as taken:
        from patchbot.tui.app import PatchbotApp
        from patchbot.tui.jobs import Job
        from patchbot.view.commands import FOR_PROGRAMS

        first = Job((*argv, *FOR_PROGRAMS)) if argv else None
        app = PatchbotApp(settings, top, first)
        app.leave_on = (signal.SIGTERM, signal.SIGHUP)
        taken.append(True)
        app.run(mouse=mouse)
    if app.was_ended:
        raise CancelledError("stopped")
    if app.return_code:
        return ExitCode.COULD_NOT_RUN
    return _code_of(first) if first is not None else ExitCode.ACCEPT


def _code_of(job: Job) -> int:
    """Return a command's exit code, `INTERRUPTED` where it was stopped before it had one."""
    ended = job.code is not None and job.code >= 0 and not job.cancelled
    return job.code or ExitCode.ACCEPT if ended else ExitCode.INTERRUPTED


def _top_of(tree: Path) -> Path:
    from patchbot.tree import open_tree

    return open_tree(tree).top
