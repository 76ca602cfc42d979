"""Findings over the commits of a series: who brought each, and who took it away. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from patchbot_checks import Finding

from patchbot.static.changes import FileChange


@dataclass(frozen=True, slots=True)
class Step:
    """One commit: its number (0 is the base), what changed to it, and what is found in it."""

    number: int
    changes: Mapping[str, FileChange]
    findings: Sequence[Finding]


@dataclass(slots=True)
class Tracked:
    """One finding over the commits: as it was last seen, its patch, and the one that removed it.

    `brought` is 0 for one of the base's. `removed` is None for one that is there at the end.
    """

    finding: Finding
    brought: int
    removed: int | None = None
    first: Finding | None = field(default=None, repr=False)

    @property
    def as_brought(self) -> Finding:
        """The finding as it was in the commit that brought it."""
        return self.first or self.finding


def track_findings(steps: Sequence[Step]) -> list[Tracked]:
    """Follow every finding from its first commit to its last; the first step is the base."""
    tracked: list[Tracked] = []
    for step in steps:
        alive = [each for each in tracked if each.removed is None]
        left = list(step.findings)
        pairs = _pair(alive, left, step.changes)
        for each, finding in pairs:
            each.finding = finding
        matched = {id(each) for each, _ in pairs}
        taken = {id(finding) for _, finding in pairs}
        for each in alive:
            if id(each) not in matched:
                each.removed = step.number
        for finding in left:
            if id(finding) not in taken:
                tracked.append(Tracked(finding, step.number, first=finding))
    return tracked


def _pair(
    alive: Sequence[Tracked], found: Sequence[Finding], changes: Mapping[str, FileChange]
) -> list[tuple[Tracked, Finding]]:
    """Pair what is the same in two commits: by key, and among equals by line, then in order."""
    before = {change.before: path for path, change in changes.items() if change.before}
    waiting: dict[tuple[str, str], list[Tracked]] = {}
    for each in alive:
        waiting.setdefault(_identity(_moved(each.finding, before)), []).append(each)
    pairs: list[tuple[Tracked, Finding]] = []
    rest: list[Finding] = []
    for finding in found:
        same = waiting.get(_identity(finding), [])
        change = changes.get(finding.file)
        line = change.old_line(finding.line) if change else finding.line
        exact = next((each for each in same if each.finding.line == line), None)
        if exact is None:
            rest.append(finding)
        else:
            same.remove(exact)
            pairs.append((exact, finding))
    for finding in rest:
        same = waiting.get(_identity(finding), [])
        if same:
            pairs.append((same.pop(0), finding))
    return pairs


def _identity(finding: Finding) -> tuple[str, str]:
    return finding.rule, finding.key


def _moved(finding: Finding, before: Mapping[str, str]) -> Finding:
    path = before.get(finding.file)
    if path is None or path == finding.file:
        return finding
    return replace(finding, file=path, key=finding.key.replace(finding.file, path))
