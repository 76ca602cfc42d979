"""The list of kept reviews: rows, how they are limited, and how they are sorted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from patchbot.report.text import clean_text
from patchbot.store import Summary

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


@dataclass(frozen=True, slots=True)
class ListRow:
    """One line of the list; all text is clean and in one line. `verdict` is also its style."""

    slug: str
    title: str
    author: str
    newest: str
    trailers: str
    verdict: str
    age: str


SORTS: Final[dict[str, tuple[Callable[[Summary], Any], bool]]] = {
    "reviewed": (lambda row: row.at, True),
    "sent": (lambda row: row.date, True),
    "title": (lambda row: row.title.casefold(), False),
    "author": (lambda row: row.author.casefold(), False),
    "verdict": (lambda row: row.verdict, False),
}
"""What the list can be sorted by: a key, and whether the largest comes first."""


def make_row(summary: Summary, now: float) -> ListRow:
    """Return what is shown of a review at a time in seconds since 1970."""
    trailers = " ".join(f"{key}:{count}" for key, count in summary.trailers.items())
    count = f" of {summary.revisions}" if summary.revisions > 1 else ""
    return ListRow(
        summary.slug,
        one_line(summary.title),
        one_line(summary.author),
        f"{one_line(summary.label)}{count}",
        trailers,
        summary.verdict,
        say_age(now - summary.at),
    )


def cut(text: str, width: int) -> str:
    """Return text of at most so many characters, with an ellipsis where something is left out."""
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"


def one_line(text: str) -> str:
    """Return text that stays on one line of a terminal and can't command it."""
    return " ".join(clean_text(text).split())


def say_age(seconds: float) -> str:
    """Say how long ago something was, in the largest unit that is not 0: "3 h"."""
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= unit:
            return f"{int(seconds / unit)} {name}"
    return "now"


def sort_list(summaries: Iterable[Summary], by: str) -> list[Summary]:
    """Return the summaries in an order of `SORTS`; equal ones stay as they were."""
    key, largest_first = SORTS[by]
    return sorted(summaries, key=key, reverse=largest_first)


def limit_list(summaries: Iterable[Summary], words: str) -> list[Summary]:
    """Return the summaries that have every word: in title, author, label, verdict or address.

    A word that begins with "-" must not be there. Case does not count.
    """
    asked = words.casefold().split()
    return [each for each in summaries if _fits(each, asked)]


def _fits(summary: Summary, words: Sequence[str]) -> bool:
    parts = (summary.title, summary.author, summary.label, summary.verdict, summary.message_id)
    text = "\n".join(parts).casefold()
    return all(
        word[1:] not in text if word.startswith("-") and word != "-" else word in text
        for word in words
    )
