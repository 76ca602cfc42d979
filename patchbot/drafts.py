"""Drafts of replies: files in the data folder, written before an editor opens them, never sent.

A draft is one file for each mail that is answered. What it has a finding of stands beside it, so
that a second finding is added below the first, and no text is ever written over.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from patchbot.errors import PatchbotError, StoreError
from patchbot.proc import run_interactively


@dataclass(frozen=True, slots=True)
class Draft:
    """One draft: its file, the mail that it answers, and when it was written last (since 1970)."""

    path: Path
    slug: str
    message_id: str
    subject: str
    at: float


def find_draft(home: Path, message_id: str) -> Path:
    """Return where the draft of an answer to a mail stands, or would stand."""
    name = hashlib.sha256(message_id.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return home / "drafts" / f"{name}.eml"


def write_draft(path: Path, facts: Mapping[str, str], whole: str, block: str, key: str) -> bool:
    """Write a draft, or add a block to the one that is there; returns whether anything was added.

    `facts` say what it answers (`slug`, `message_id`, `subject`); `key` names what the block is of:
    it is added once. Raises `StoreError`.
    """
    aside = path.with_suffix(".json")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        known = _read_facts(aside)
        keys = known.get("keys", [])
        if path.exists() and key in keys:
            return False
        if path.exists():
            with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(f"\n{block}")
        else:
            keys = []
            _write_whole(path, whole)
        _write_whole(aside, json.dumps({**facts, "keys": [*keys, key]}))
    except OSError as error:
        raise _explained(path, error) from error
    return True


def _write_whole(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}")
    part.write_text(text, "utf-8", errors="backslashreplace")
    part.replace(path)


def _explained(path: Path, error: OSError) -> StoreError:
    return StoreError(f"{path}: {error.strerror}", hint="free space, or mend its permissions")


def _read_facts(path: Path) -> dict[str, list[str]]:
    try:
        found = json.loads(path.read_text("utf-8"))
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        return {}


def list_drafts(home: Path) -> list[Draft]:
    """Return all drafts, the newest first; a file that says nothing of itself by its name."""
    found = [_describe(path) for path in (home / "drafts").glob("*.eml")]
    return sorted(found, key=lambda each: each.at, reverse=True)


def _describe(path: Path) -> Draft:
    facts: Mapping[str, object] = _read_facts(path.with_suffix(".json"))
    values = [str(facts.get(name, "")) for name in ("slug", "message_id", "subject")]
    try:
        at = path.stat().st_mtime
    except OSError:
        at = 0.0
    slug, message_id, subject = values
    return Draft(path, slug, message_id, subject or path.name, at)


def edit_draft(path: Path) -> None:
    """Open a draft in the user's editor, on the terminal, and wait for it.

    The editor is `VISUAL`, else `EDITOR`, else vi. Raises `PatchbotError` where it can't be
    started, or ended with an error; the draft stays as it is then.
    """
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        argv = [*shlex.split(command), str(path)]
    except ValueError as error:
        raise PatchbotError(f"EDITOR is {command!r}: {error}", hint="mend the variable") from error
    code = run_interactively(argv)
    if code != 0:
        raise PatchbotError(f"{argv[0]} ended with code {code}", hint=f"the draft is {path}")
