"""The command lines that act on a kept review: run stages again, fetch anew, apply to a branch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Document = Mapping[str, Any]
FOR_PROGRAMS = ("--json", "--events", "--control")


def rerun_argv(
    document: Document,
    labels: Sequence[str],
    stages: Sequence[str],
    tree: str | None,
    *,
    fresh: bool,
) -> tuple[str, ...]:
    """Return the words that run stages of revisions, on the mails that are kept.

    Stages that these need are run, or answered from the store, as well. `fresh` uses no kept
    result.
    """
    from patchbot.stages.registry import STAGES

    all_labels = [each["label"] for each in document["revisions"]]
    argv = ["review", _newest(document), "--stored", "--merge", *_asked(document, tree)]
    if set(labels) != set(all_labels):
        argv += ["--revision", ",".join(label.removeprefix("v") for label in labels)]
    if set(stages) != set(STAGES):
        argv += ["--stages", ",".join(with_needs(stages))]
    return (*argv, *(["--no-cache"] if fresh else []), *FOR_PROGRAMS)


def update_argv(document: Document, tree: str | None) -> tuple[str, ...]:
    """Return the words that fetch a series from its server, and review it."""
    lore = (document.get("asked") or {}).get("lore")
    argv = ["review", _newest(document), *(["--lore", lore] if lore else [])]
    return (*argv, *_asked(document, tree), "--no-cache", *FOR_PROGRAMS)


def apply_argv(
    document: Document, label: str, branch: str, tree: str | None, *, force: bool
) -> tuple[str, ...]:
    """Return the words that run all stages on a revision, and make a branch on an accept."""
    argv = ["apply", _newest(document), "--stored", "--merge", *_asked(document, tree)]
    argv += ["--revision", label.removeprefix("v"), "--test", "--branch", branch]
    return (*argv, *(["--force"] if force else []), *FOR_PROGRAMS)


def with_needs(stages: Sequence[str]) -> list[str]:
    """Return the stages and those that they need, in the order in which they run."""
    from patchbot.stages.registry import STAGES

    wanted = list(stages)
    for name in wanted:
        wanted += [each for each in STAGES[name].needs if each not in wanted]
    return [name for name in STAGES if name in wanted]


def _newest(document: Document) -> str:
    return str(document["revisions"][-1]["message_id"])


def _asked(document: Document, tree: str | None) -> list[str]:
    """Return the options that the review was made with."""
    asked = document.get("asked") or {}
    tree = document["tree"] or tree
    argv = ["--tree", str(tree)] if tree else []
    for name in ("base", "on"):
        argv += [f"--{name}", asked[name]] if asked.get(name) else []
    return argv


def branch_name(document: Document, label: str) -> str:
    """Return a name to offer for a branch of a revision."""
    return f"review/{document['series']['slug']}-{label}"


def report_name(document: Document) -> str:
    """Return a name to offer for a file with the report."""
    return f"{document['series']['slug']}.txt"
