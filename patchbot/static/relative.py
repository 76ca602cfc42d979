"""Findings over the commits of a series: who brought each, and who took it away. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from patchbot_checks import Finding

from patchbot.static.changes import FileChange, find_renames

Where = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Step:
    """One commit: its number (0 is the base), what changed to it, and what is found in it.

    `lost` are the (path, function) that could not be understood; the function is "" for a file.
    """

    number: int
    changes: Mapping[str, FileChange]
    findings: Sequence[Finding]
    lost: frozenset[Where] = frozenset()


@dataclass(slots=True)
class Tracked:
    """One finding over the commits: as it was last seen, its patch, and the one that removed it.

    `brought` is 0 for one of the base's. `removed` is None for one that is there at the end.
    `hidden` is one whose function can't be understood any more: it counts as there.
    """

    finding: Finding
    brought: int
    removed: int | None = None
    first: Finding | None = field(default=None, repr=False)
    hidden: bool = False

    @property
    def as_brought(self) -> Finding:
        """The finding as it was in the commit that brought it."""
        return self.first or self.finding


def track_findings(steps: Sequence[Step]) -> list[Tracked]:
    """Follow every finding from its first commit to its last; the first step is the base."""
    tracked: list[Tracked] = []
    lost: frozenset[Where] = frozenset()
    for step in steps:
        renames = find_renames(step.changes)
        became = step.lost - {(renames.get(path, path), name) for path, name in lost}
        alive = [each for each in tracked if each.removed is None]
        left = list(step.findings)
        pairs = _pair(alive, left, step.changes)
        for each, finding in pairs:
            each.finding, each.hidden = finding, False
        matched = {id(each) for each, _ in pairs}
        taken = {id(finding) for _, finding in pairs}
        for each in alive:
            if id(each) not in matched:
                _miss(each, step, step.lost if each.hidden else became)
        for finding in left:
            if id(finding) not in taken:
                tracked.append(Tracked(finding, step.number, first=finding))
        lost = step.lost
    return tracked


def _miss(each: Tracked, step: Step, lost: frozenset[Where]) -> None:
    """Take a finding that is not found any more as removed, unless only the sight of it is lost."""
    moved = _moved(each.finding, find_renames(step.changes))
    if lost.isdisjoint({(moved.file, moved.function), (moved.file, "")}):
        each.removed, each.hidden = step.number, False
        return
    change = step.changes.get(moved.file)
    line = change.new_line(moved.line) if change else moved.line
    each.finding, each.hidden = replace(moved, line=line or moved.line), True


def _pair(
    alive: Sequence[Tracked], found: Sequence[Finding], changes: Mapping[str, FileChange]
) -> list[tuple[Tracked, Finding]]:
    """Pair what is the same in two commits: by key, and among equals by line, then in order."""
    before = find_renames(changes)
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
