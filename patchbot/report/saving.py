"""Write a report to a file of the user's: as text, or as the document where its name ends so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from patchbot.errors import UsageError
from patchbot.report.text import render_text


def check_report_path(name: str) -> Path:
    """Return the path that a user typed; raises `UsageError` where no new file can stand there."""
    if not name:
        raise UsageError("no name", hint="type a file's name: report.txt, or report.json")
    try:
        path = Path(name).expanduser()
    except RuntimeError as error:
        raise UsageError(f"{name}: {error}", hint="type the whole path") from error
    try:
        is_there = path.exists()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", hint="type another name") from error
    if is_there:
        raise UsageError(f"{path} is there already", hint="type another name")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{path.parent}: no such folder", hint="type a path in a folder")
    return path


def save_report(name: str, document: Mapping[str, Any]) -> Path:
    """Write a review document to a new file: JSON for `.json`, else as `patchbot show` prints it.

    Raises `UsageError` where it can't be written; a file that is there is left alone.
    """
    path = check_report_path(name)
    is_json = path.suffix == ".json"
    text = f"{json.dumps(document, indent=1)}\n" if is_json else render_text(document)
    try:
        with path.open("x", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", hint="type another name") from error
    return path
