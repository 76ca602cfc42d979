"""What was put into the lab's revisions, beside what a review found in them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from patchbot.lab.story import Revision, Story


def render_score(story: Story, document: dict[str, Any]) -> str:
    """Return for each revision its faults, by patch, and which stage failed for which patch."""
    found = {each["label"]: each for each in document["revisions"]}
    lines = ["What was put in, and what found it"]
    for revision in story.revisions:
        lines += _score(revision, found.get(revision.label))
    return "\n".join(lines)


def _score(revision: Revision, reviewed: dict[str, Any] | None) -> Iterator[str]:
    verdict = reviewed["verdict"]["status"] if reviewed is not None else "not reviewed"
    yield f"  {revision.label}: {verdict}"
    for number, what in revision.faults.items():
        yield f"      patch {number}: {what}"
    if not revision.faults:
        yield "      nothing is wrong with it"
    if reviewed is not None:
        seen = ", ".join(_who_failed(reviewed)) or "nothing"
        alarm = " (a false alarm)" if seen != "nothing" and not revision.faults else ""
        yield f"      found by {seen}{alarm}"


def _who_failed(reviewed: dict[str, Any]) -> Iterator[str]:
    """Yield the stages that failed, each with the patches or, without any, the rules it names."""
    for name, result in reviewed["stages"].items():
        if result["status"] != "fail":
            continue
        errors = [each for each in result["findings"] if each["severity"] == "error"]
        patches = sorted({each["patch"] for each in errors if each["patch"] is not None})
        rules = sorted({each["rule"].partition("/")[0] for each in errors})
        words = [f"patch {number}" for number in patches] or rules
        yield f"{name} ({', '.join(words)})" if words else name
