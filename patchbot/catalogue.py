"""Facts about known series, from `series/*.toml`: where they apply, what they stand on.

The catalogue never says anything about a verdict.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from patchbot.errors import UsageError

_KEYS = {"title": str, "message_ids": list, "bases": list, "on_top": list}
_WORDS = {str: "text", list: "a list"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One known series: its mails, the revisions of a tree it applies to, and what it needs.

    `bases` are names that git resolves, tried in order; `on_top` maps a message-id to the
    message-id of the revision it belongs on top of.
    """

    name: str
    title: str
    message_ids: frozenset[str]
    bases: tuple[str, ...]
    on_top: dict[str, str]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All entries, looked up by message-id."""

    entries: tuple[Entry, ...]

    def find_bases(self, message_ids: Iterable[str]) -> tuple[str, ...]:
        """Return the base names of the entry that knows one of these mails."""
        wanted = set(message_ids)
        return next((e.bases for e in self.entries if e.message_ids & wanted), ())

    def find_below(self, message_ids: Iterable[str]) -> str | None:
        """Return the message-id of the revision that one of these mails belongs on top of."""
        wanted = set(message_ids)
        for entry in self.entries:
            for message_id, below in entry.on_top.items():
                if message_id in wanted:
                    return below
        return None


def find_series_folder() -> Path:
    """Return the folder of `series/`: inside the installed package, else in the source tree."""
    installed = Path(str(files("patchbot"))) / "_data" / "series"
    return installed if installed.is_dir() else Path(__file__).parent.parent / "series"


def read_catalogue(folder: Path) -> Catalogue:
    """Read every `*.toml` of a folder; raises `UsageError` for one that is malformed."""
    return Catalogue(tuple(_read_entry(path) for path in sorted(folder.glob("*.toml"))))


def _read_entry(path: Path) -> Entry:
    try:
        values: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: {error}") from error
    for key, value in values.items():
        if key not in _KEYS:
            raise UsageError(f"{path}: unknown {key!r}", hint=f"known are: {', '.join(_KEYS)}")
        if not isinstance(value, _KEYS[key]):
            raise UsageError(f"{path}: {key} must be {_WORDS[_KEYS[key]]}, not {value!r}")
    return Entry(
        name=path.stem,
        title=values.get("title", path.stem),
        message_ids=frozenset(_strings(path, "message_ids", values)),
        bases=tuple(_strings(path, "bases", values)),
        on_top=dict(_pair(path, each) for each in values.get("on_top", [])),
    )


def _strings(path: Path, key: str, values: dict[str, Any]) -> list[str]:
    found: list[Any] = values.get(key, [])
    if not all(isinstance(value, str) for value in found):
        raise UsageError(f"{path}: {key} must be a list of text, not {found!r}")
    return found


def _pair(path: Path, value: Any) -> tuple[str, str]:
    keys = {"message_id", "of"}
    texts = isinstance(value, dict) and all(isinstance(each, str) for each in value.values())
    if not texts or set(value) != keys:
        raise UsageError(f"{path}: on_top wants message_id and of, both text, not {value!r}")
    if value["message_id"] == value["of"]:
        raise UsageError(f"{path}: on_top puts {value['of']!r} on top of itself")
    return value["message_id"], value["of"]
