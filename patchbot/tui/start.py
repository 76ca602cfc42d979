"""Start the interface: the list first, and behind it what takes longer to load."""

from __future__ import annotations

import sys
from pathlib import Path

from patchbot.errors import UsageError
from patchbot.settings import Settings


def run_tui(settings: Settings, tree: Path | None, *, mouse: bool = True) -> None:
    """Show the interface until it is left; without `mouse`, the terminal keeps it for itself.

    Raises `UsageError` where there is no terminal, and `TreeError` where a named tree is none.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("tui needs a terminal", hint="patchbot show lists what is kept")
    top = _top_of(tree) if tree is not None else None
    from patchbot.tui.first import first_painted

    with first_painted(settings.home) as taken:
        from patchbot.tui.app import PatchbotApp

        app = PatchbotApp(settings, top)
        taken.append(True)
        app.run(mouse=mouse)


def _top_of(tree: Path) -> Path:
    from patchbot.tree import open_tree

    return open_tree(tree).top
