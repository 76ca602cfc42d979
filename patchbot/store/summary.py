"""What a list says of a kept review: a small part of its document, kept beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

_SHORT: Final = {"Reviewed-by": "R", "Acked-by": "A", "Tested-by": "T", "Nacked-by": "N"}


@dataclass(frozen=True, slots=True)
class Summary:
    """One line of the list of reviews; all but `slug` and `at` is of the newest revision.

    `at` is seconds since 1970, when it was reviewed; `date` is ISO 8601 or "". `trailers` counts
    what replies gave, by letter: R, A, T, N, or "other".
    """

    slug: str
    at: float
    title: str
    author: str
    revisions: int
    label: str
    message_id: str
    date: str
    verdict: str
    trailers: Mapping[str, int]

    def render(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def summarize_document(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON values of a summary, without `slug` and `at`."""
    newest = document["revisions"][-1]
    return {
        "title": document["series"]["title"],
        "author": document["series"]["author"]["name"],
        "revisions": len(document["revisions"]),
        "label": newest["label"],
        "message_id": newest["message_id"],
        "date": newest["date"] or "",
        "verdict": newest["verdict"]["status"],
        "trailers": count_trailers(newest),
    }


def count_trailers(revision: Mapping[str, Any]) -> dict[str, int]:
    """Return how many trailers of each kind a revision's replies gave, by letter."""
    counts = Counter(_SHORT.get(trailer["name"], "other") for trailer in revision["trailers"])
    return {key: counts[key] for key in (*_SHORT.values(), "other") if counts[key]}
