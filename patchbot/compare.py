"""Compare two revisions of a kept review: their patches by git range-diff, and their findings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from patchbot.errors import PatchbotError, UsageError
from patchbot.proc import render_command

SCHEMA: Final = "patchbot.compare/1"
_ANSWERS = ("pass", "warn", "fail")
_NUMBER = re.compile(r"\d+")
Finding = Mapping[str, Any]
Revision = Mapping[str, Any]


def compare_revisions(document: Mapping[str, Any], older: str, newer: str) -> dict[str, Any]:
    """Return what changed between two revisions of a review document, as JSON values.

    Raises `UsageError` for a revision that the document does not have.
    """
    one, other = find_labelled(document, older), find_labelled(document, newer)
    series = document["series"]
    return {
        "schema": SCHEMA,
        "series": {"slug": series["slug"], "title": series["title"]},
        "from": one["label"],
        "to": other["label"],
        "range_diff": _range_diff(document["tree"], one, other),
        **compare_findings(one, other),
    }


def find_labelled(document: Mapping[str, Any], name: str) -> Revision:
    """Return the revision "v3", named so or as "3"; raises `UsageError` where there is none."""
    label = name if name.startswith("v") else f"v{name}"
    known: dict[str, Revision] = {each["label"]: each for each in document["revisions"]}
    if label not in known:
        raise UsageError(f"there is no revision {name!r}", hint=f"there are: {', '.join(known)}")
    return known[label]


def find_commits(revision: Revision) -> tuple[str, list[str]]:
    """Return the base and the commits that the apply stage made; "" and none where it did not."""
    data = (revision["stages"].get("apply") or {"data": {}})["data"]
    return str(data.get("base") or ""), [str(each) for each in data.get("commits") or []]


def _range_diff(tree: str | None, one: Revision, other: Revision) -> dict[str, str]:
    """Return the command, what git printed, and the reason where it printed nothing."""
    ranges, short = [], []
    for revision in (one, other):
        base, commits = find_commits(revision)
        if tree is None or not base or not commits:
            return _said("", "", f"{revision['label']} is not applied to a tree")
        ranges.append(f"{base}..{commits[-1]}")
        short.append(f"{base[:12]}..{commits[-1][:12]}")
    argv = ("range-diff", "--no-color", "--no-ext-diff", *ranges)
    command = render_command(["git", "-C", str(tree), "range-diff", *short])
    from patchbot.tree import open_tree

    try:
        done = open_tree(Path(str(tree))).run(*argv)
    except PatchbotError as error:
        return _said(command, "", str(error))
    return _said(command, done.stdout.decode("utf-8", "replace"), "")


def _said(command: str, text: str, reason: str) -> dict[str, str]:
    return {"command": command, "text": text, "reason": reason}


def compare_findings(one: Revision, other: Revision) -> dict[str, Any]:
    """Return findings that are new in the other revision, gone from it, still there, or unknown.

    Findings are the same where stage, rule, file and message agree, whatever numbers the message
    names: lines move. Unknown is what only one has while the stage gave the other no answer: that
    nothing ran does not say that it is gone.
    """
    names = list(dict.fromkeys([*one["stages"], *other["stages"]]))
    found: dict[str, list[dict[str, Any]]] = {"new": [], "gone": [], "same": [], "unknown": []}
    for name in names:
        _compare_stage(name, one["stages"].get(name), other["stages"].get(name), found)
    pairs = [(name, _status(one, name), _status(other, name)) for name in names]
    return {
        "findings": found,
        "unanswered": [
            {"stage": name, "from": was, "to": now}
            for name, was, now in pairs
            if was not in _ANSWERS or now not in _ANSWERS
        ],
    }


def _status(revision: Revision, stage: str) -> str:
    result = revision["stages"].get(stage)
    return str(result["status"]) if result is not None else "did not run"


def _compare_stage(
    name: str,
    one: Mapping[str, Any] | None,
    other: Mapping[str, Any] | None,
    found: dict[str, list[dict[str, Any]]],
) -> None:
    left = _present(one)
    for finding in _present(other):
        match = next((each for each in left if _key(each) == _key(finding)), None)
        if match is not None:
            left.remove(match)
        kind = "same" if match is not None else _only("new", one)
        found[kind].append({"stage": name, **finding})
    found[_only("gone", other)] += [{"stage": name, **each} for each in left]


def _only(kind: str, result: Mapping[str, Any] | None) -> str:
    """Return the kind, or unknown where the side that lacks a finding has no answer."""
    return kind if result is not None and result["status"] in _ANSWERS else "unknown"


def _present(result: Mapping[str, Any] | None) -> list[Finding]:
    """Return the findings that hold in a revision: one that it fixes does not."""
    return [each for each in (result or {"findings": []})["findings"] if each["change"] != "fixed"]


def _key(finding: Finding) -> tuple[object, ...]:
    message = _NUMBER.sub("#", finding["message"])
    return finding["rule"], finding["severity"], finding["file"], message
