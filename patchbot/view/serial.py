"""Serial logs: which there are, and what in one is worth a look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from patchbot.qemu.console import find_decisive
from patchbot.report.text import clean_text
from patchbot.view.lists import one_line
from patchbot.view.matrix import Live


@dataclass(frozen=True, slots=True)
class LogFile:
    """A log by what it is of, and where it stands."""

    name: str
    path: str


def find_logs(
    result: Mapping[str, Any] | None, live: Live | None, label: str, stage: str
) -> list[LogFile]:
    """Return the logs of a stage: while it runs those that it tells of, else those it keeps.

    Their names are the same in both, so that one that has grown is found again where it is kept.
    """
    told = live.logs.get((label, stage), {}) if live is not None else {}
    if told or result is None:
        return [LogFile(one_line(name), path) for name, path in sorted(told.items())]
    found = []
    for key, side in (("logs", "revision"), ("base_logs", "base")):
        logs = result["data"].get(key)
        rows = logs.items() if isinstance(logs, dict) else ()
        found += [LogFile(one_line(f"{name} on the {side}"), str(path)) for name, path in rows]
    return sorted((each for each in found if each.path), key=lambda each: each.name)


def log_of(logs: Sequence[LogFile], scenario: str) -> int:
    """Return the number of a scenario's log on the revision; 0 where it has none."""
    names = [each.name for each in logs]
    wanted = f"{scenario} on the revision"
    return names.index(wanted) if wanted in names else 0


def read_lines(text: str) -> list[str]:
    """Return a log's lines as they may be shown: none can command a terminal."""
    return [clean_text(line.rstrip("\r")) for line in text.split("\n")]


def find_marks(lines: Iterable[str]) -> list[int]:
    """Return the decisive lines, counted from 0: see `find_decisive`."""
    return find_decisive(lines)


def find_words(lines: Sequence[str], words: str) -> list[int]:
    """Return the lines, counted from 0, that have these words; case counts where one is large."""
    if not words:
        return []
    if words != words.lower():
        return [at for at, line in enumerate(lines) if words in line]
    return [at for at, line in enumerate(lines) if words in line.lower()]


def say_log(logs: Sequence[LogFile], at: int, lines: int, marks: int, *, live: bool) -> str:
    """Say which log is shown: "boot on the base, 2 of 9: 310 lines, 1 decisive; it grows"."""
    decisive = f", {marks} decisive" if marks else ", none decisive"
    grows = "; followed as it grows" if live else ""
    return f"{logs[at].name}, {at + 1} of {len(logs)}: {lines} lines{decisive}{grows}"
