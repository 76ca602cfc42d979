"""The survey as a table for people, and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tools.survey.archive import Candidate
from tools.survey.check import Introduced, Outcome
from tools.survey.run import GROUPS, Judged, Place, Surveyed

SCHEMA = "patchbot.survey/1"
_TITLE = 84


@dataclass(frozen=True, slots=True)
class Result:
    """All that a survey gave: what applies, and what applies to no tree."""

    surveyed: Sequence[Surveyed]
    others: Sequence[Candidate]
    judged: Mapping[Place, Judged]

    def unjudged(self) -> list[Place]:
        """Return the findings that nobody has judged."""
        places = [place for each in self.surveyed for place, _ in each.findings()]
        return [place for place in dict.fromkeys(places) if place not in self.judged]


def render_table(result: Result) -> str:
    """Return the whole table with its totals."""
    lines: list[str] = []
    for group in GROUPS:
        members = [each for each in result.surveyed if each.group == group]
        if members:
            lines += [f"{group.upper()}", *_head()]
            lines += [line for each in members for line in _rows(each, result.judged)]
            lines.append("")
    return "\n".join([*lines, *_totals(result)])


def _head() -> list[str]:
    head = f"{'series':{_TITLE}} {'patches':>7} {'tree':7} {'verdict':12} introduced"
    return [head, "-" * len(head)]


def _rows(each: Surveyed, judged: Mapping[Place, Judged]) -> Iterator[str]:
    revision = each.candidate.revision
    for outcome in each.outcomes:
        title = f"{revision.label} {revision.title}"[:_TITLE]
        yield (
            f"{title:{_TITLE}} {len(revision.patches):7} {outcome.tree:7}"
            f" {outcome.status.value:12} {len(outcome.findings)}"
        )
        for found in outcome.findings:
            place = (each.title, outcome.tree, found.rule, found.function)
            yield from _finding_lines(found, judged.get(place))
        for lost in outcome.lost:
            yield f"    not understood: {lost}"
    for fix in each.evidence.fixed_by:
        yield f"    fixed later by: {fix}"


def _finding_lines(found: Introduced, judged: Judged | None) -> Iterator[str]:
    yield f"    {found.severity.value}, patch {found.patch}: {found.rule}"
    yield f"      {found.file}:{found.line} {found.function}(): {found.message}"
    if judged is not None:
        yield f"      judged {judged.judgement}: {judged.reason}"


def _totals(result: Result) -> Iterator[str]:
    total = len(result.surveyed) + len(result.others)
    yield f"{total} series whole and on C in the window, {len(result.surveyed)} apply to a tree"
    for group in GROUPS:
        members = [each for each in result.surveyed if each.group == group]
        outcomes = [outcome for each in members for outcome in each.outcomes]
        states = Counter(outcome.status.value for outcome in outcomes)
        said = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        yield (
            f"{group}: {len(members)} series, {sum(_count(each) for each in members)} patches;"
            f" {len(outcomes)} checks: {said or 'none'};"
            f" findings: {_findings_of(members, result.judged)}"
        )


def _count(each: Surveyed) -> int:
    return len(each.candidate.revision.patches)


def _findings_of(members: Sequence[Surveyed], judged: Mapping[Place, Judged]) -> str:
    """Count findings once for all trees, by what was judged of them."""
    kinds: dict[tuple[str, str, str], str] = {}
    for each in members:
        for place, found in each.findings():
            answer = judged[place].judgement if place in judged else "not judged"
            kinds[place[0], place[2], place[3]] = f"{found.severity.value} ({answer})"
    counts = Counter(kinds.values())
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) or "none"


def render_json(result: Result) -> dict[str, Any]:
    """Return the survey as JSON-able values; see `SCHEMA`."""
    return {
        "schema": SCHEMA,
        "series": [_series(each, result.judged) for each in result.surveyed],
        "not_applied": [
            {"title": each.revision.title, "message_id": each.revision.message_id}
            for each in result.others
        ],
        "totals": list(_totals(result)),
    }


def _series(each: Surveyed, judged: Mapping[Place, Judged]) -> dict[str, Any]:
    revision = each.candidate.revision
    return {
        "title": revision.title,
        "revision": revision.label,
        "message_id": revision.message_id,
        "patches": len(revision.patches),
        "superseded": each.candidate.superseded,
        "group": each.group,
        "merged": list(each.evidence.merged),
        "fixed_by": list(each.evidence.fixed_by),
        "trees": [_tree(each, outcome, judged) for outcome in each.outcomes],
    }


def _tree(each: Surveyed, outcome: Outcome, judged: Mapping[Place, Judged]) -> dict[str, Any]:
    return {
        "tree": outcome.tree,
        "verdict": outcome.status.value,
        "reason": outcome.reason,
        "not_understood": list(outcome.lost),
        "findings": [
            _finding(found, judged.get((each.title, outcome.tree, found.rule, found.function)))
            for found in outcome.findings
        ],
    }


def _finding(found: Introduced, judged: Judged | None) -> dict[str, Any]:
    return {
        "rule": found.rule,
        "severity": found.severity.value,
        "file": found.file,
        "function": found.function,
        "line": found.line,
        "patch": found.patch,
        "message": found.message,
        "path": list(found.path),
        "judgement": judged.judgement if judged else None,
        "reason": judged.reason if judged else None,
    }
