"""Lay a review of some revisions or stages over what is kept of the whole series. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from patchbot.stages.registry import STAGES
from patchbot.store import parse_result
from patchbot.verdict import Policy, decide_verdict


def merge_documents(kept: Mapping[str, Any], fresh: Mapping[str, Any]) -> dict[str, Any]:
    """Return a review document with everything of `fresh`, and of `kept` what it does not answer.

    Stages of the same revision stay where its base and its patches are the same, else they say
    nothing of the new ones, and are dropped. The verdict then rests on all stages that are there.
    """
    before = {each["label"]: each for each in kept["revisions"]}
    after = {each["label"]: each for each in fresh["revisions"]}
    merged = {label: _merge(before.get(label), each) for label, each in after.items()}
    order = sorted({**before, **after}, key=_by_number)
    return {**fresh, "revisions": [merged.get(label) or before[label] for label in order]}


def _by_number(label: str) -> list[int]:
    """Order "v1.2" behind "v1" and "v10" behind "v9"."""
    return [int(part) for part in label.removeprefix("v").split(".") if part.isdecimal()]


def _merge(kept: Mapping[str, Any] | None, fresh: Mapping[str, Any]) -> dict[str, Any]:
    if kept is None or _subject(kept) != _subject(fresh):
        return dict(fresh)
    found = {**kept["stages"], **fresh["stages"]}
    stages = {name: found[name] for name in STAGES if name in found}
    verdict = decide_verdict([parse_result(each) for each in stages.values()], Policy())
    said = {
        "status": verdict.status.value,
        "reasons": list(verdict.reasons),
        "scope": list(verdict.scope),
    }
    return {**fresh, "stages": stages, "verdict": said}


def _subject(revision: Mapping[str, Any]) -> object:
    """Return what results are about: a base, and patches by their mails."""
    base = (revision["base"] or {}).get("commit")
    return base, [patch["message_id"] for patch in revision["patches"]]
