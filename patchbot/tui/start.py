"""Start the interface: the list first, and behind it what takes longer to load."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from patchbot.errors import CancelledError, UsageError
from patchbot.settings import Settings


def run_tui(settings: Settings, tree: Path | None, *, mouse: bool = True) -> None:
    """Show the interface until it is left; without `mouse`, the terminal keeps it for itself.

    Raises `UsageError` where there is no terminal, `TreeError` where a named tree is none, and
    `CancelledError` where a signal ended it.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("tui needs a terminal", hint="patchbot show lists what is kept")
    top = _top_of(tree) if tree is not None else None
    from patchbot.tui.first import first_painted

    with first_painted(settings.home) as taken:
        from patchbot.tui.app import PatchbotApp

        app = PatchbotApp(settings, top)
        app.leave_on = (signal.SIGTERM, signal.SIGHUP)
        taken.append(True)
        app.run(mouse=mouse)
    if app.was_ended:
        raise CancelledError("stopped")


def _top_of(tree: Path) -> Path:
    from patchbot.tree import open_tree

    return open_tree(tree).top
