"""Check the commits of a series, each against the one before it."""

from __future__ import annotations

import itertools
import posixpath
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from patchbot_checks import Finding, NotUnderstood, Report, check_files

from patchbot.git import Repository
from patchbot.static.affected import find_affected
from patchbot.static.changes import C_SUFFIXES, FileChange, find_changes
from patchbot.static.relative import Step, Tracked, track_findings
from patchbot.static.sources import BlobReader, CommitSources

Tick = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Checked:
    """What is found over some commits.

    `files` are the C files that any commit changes; `functions` counts those of the last commit.
    `lost` are the things that could not be understood in the last commit; those that the commits
    changed, or that were understood in the base, are in `lost_here`.
    """

    tracked: tuple[Tracked, ...]
    files: tuple[str, ...]
    functions: int
    lost: tuple[NotUnderstood, ...]
    lost_here: tuple[NotUnderstood, ...]
    rules: tuple[str, ...]


def check_commits(
    repository: Repository,
    base: str,
    commits: Sequence[str],
    rules: Sequence[str] | None = None,
    *,
    tick: Tick = lambda: None,
) -> Checked:
    """Check what commits on top of a base change; raises `GitError`."""
    trail = [base, *commits]
    changes = [find_changes(repository, a, b) for a, b in itertools.pairwise(trail)]
    paths = _paths(changes)
    reader = BlobReader(repository)
    near = {posixpath.dirname(path) for path in paths}
    sources = [CommitSources(reader, commit, near) for commit in trail]
    report = _check_base(sources[0], paths, rules, tick)
    steps = [Step(0, {}, report.findings)]
    first = {(n.file, n.function) for n in report.not_understood}
    for number in range(1, len(trail)):
        before, after = sources[number - 1], sources[number]
        affected = find_affected(before, after, changes[number - 1], paths)
        report = _check_next(report, after, changes[number - 1], affected, paths, rules, tick)
        steps.append(Step(number, changes[number - 1], report.findings))
    last = report.not_understood
    return Checked(
        tuple(track_findings(steps)), tuple(paths), report.functions,
        last, tuple(n for n in last if _is_new(n, first, changes)), report.rules,
    )  # fmt: skip


def _paths(changes: Sequence[dict[str, FileChange]]) -> list[str]:
    """Return every C file that is changed, under all names that it has had."""
    found: dict[str, None] = {}
    for each in changes:
        for change in each.values():
            found.update(dict.fromkeys(filter(None, (change.before, change.path))))
    return sorted(path for path in found if path.endswith(C_SUFFIXES))


_bases: dict[object, Report] = {}
_lock = threading.Lock()


def _check_base(
    sources: CommitSources, paths: Sequence[str], rules: Sequence[str] | None, tick: Tick
) -> Report:
    """Check all files of the base; revisions on one base share what that says."""
    present = [path for path in paths if sources.exists(path)]
    found: list[Report] = []
    for path in present:
        folder = sources.folder_id(posixpath.dirname(path))
        key = (path, folder, None if rules is None else tuple(rules))
        with _lock:
            if key not in _bases:
                _bases[key] = check_files(sources, [path], rules, tick=tick)
            found.append(_bases[key])
    return _join(found)


def _join(reports: Sequence[Report]) -> Report:
    return Report(
        tuple(f for report in reports for f in report.findings),
        tuple(n for report in reports for n in report.not_understood),
        tuple(path for report in reports for path in report.files),
        sum(report.functions for report in reports),
        reports[0].rules if reports else (),
    )


def _check_next(
    before: Report,
    sources: CommitSources,
    changes: Mapping[str, FileChange],
    affected: frozenset[str],
    paths: Sequence[str],
    rules: Sequence[str] | None,
    tick: Tick,
) -> Report:
    """Check the affected functions of a commit, and carry over what is said of all others."""
    present = [path for path in paths if sources.exists(path)]
    report = check_files(sources, present, rules, functions=lambda _, n: n in affected, tick=tick)
    said = {(f.file, f.line, f.rule, f.key) for f in report.findings}
    kept = [
        moved
        for each in before.findings
        if each.function and each.function not in affected
        if (moved := _carry(each, changes)) is not None and sources.exists(moved.file)
        if (moved.file, moved.line, moved.rule, moved.key) not in said
    ]
    lost = [
        replace(each, line=_moved_line(each.file, each.line, changes) or each.line)
        for each in before.not_understood
        if each.function and each.function not in affected and sources.exists(each.file)
    ]
    known = {(n.file, n.function) for n in report.not_understood}
    lost = [each for each in lost if (each.file, each.function) not in known]
    return replace(
        report,
        findings=(*report.findings, *kept),
        not_understood=(*report.not_understood, *lost),
    )


def _moved_line(path: str, line: int, changes: Mapping[str, FileChange]) -> int | None:
    change = changes.get(path)
    return change.new_line(line) if change else line


def _carry(finding: Finding, changes: Mapping[str, FileChange]) -> Finding | None:
    """Return a finding of an untouched function where it is now; None where its file is gone."""
    new = next((c.path for c in changes.values() if c.before == finding.file), finding.file)
    line = _moved_line(new, finding.line, changes)
    if line is None:
        return None
    steps = tuple(
        replace(step, line=_moved_line(new, step.line, changes) or step.line)
        for step in finding.steps
    )
    key = finding.key.replace(finding.file, new)
    return replace(finding, file=new, line=line, steps=steps, key=key)


def _is_new(
    lost: NotUnderstood, first: set[tuple[str, str]], changes: Sequence[dict[str, FileChange]]
) -> bool:
    if (lost.file, lost.function) not in first:
        return True
    last = changes[-1].get(lost.file) if changes else None
    return last is not None and any(new <= lost.line <= new + n for _, _, new, n in last.hunks)


def brought(tracked: Sequence[Tracked]) -> list[Finding]:
    """Return the findings that are there at the end and were not in the base."""
    return [each.finding for each in tracked if each.brought and each.removed is None]
