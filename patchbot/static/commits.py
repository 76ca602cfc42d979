"""Check the commits of a series, each against the one before it."""

from __future__ import annotations

import itertools
import posixpath
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from patchbot_checks import Finding, NotUnderstood, Report, check_files
from patchbot_checks.program import Program

from patchbot.git import Repository
from patchbot.static.affected import find_affected, find_spans, read_unit
from patchbot.static.changes import C_SUFFIXES, FileChange, find_changes, find_renames
from patchbot.static.lost import LostStep, Spell, follow_lost, move_where
from patchbot.static.relative import Step, Tracked, track_findings
from patchbot.static.sources import BlobReader, CommitSources

Tick = Callable[[], None]
Begun = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Checked:
    """What is found over some commits.

    `files` are the C files that any commit changes; `functions` counts those of the last commit.
    In a file of more than 32 KiB only what the commits can have changed is looked at: `looked` is
    how many functions that leaves.
    `lost` are the things that could not be understood in the last commit; those that the commits
    changed, or that were understood in the base, are in `lost_here`. `lost_between` are those that
    a commit made so or changed, and a later one has understood again. `changes` are each commit's;
    `others` counts changed files that are no C. `gone` says that no changed C file is left.
    """

    tracked: tuple[Tracked, ...]
    files: tuple[str, ...]
    functions: int
    lost: tuple[NotUnderstood, ...]
    lost_here: tuple[NotUnderstood, ...]
    rules: tuple[str, ...]
    lost_between: tuple[Spell, ...] = ()
    changes: tuple[Mapping[str, FileChange], ...] = field(default=(), repr=False)
    others: int = 0
    gone: bool = False
    looked: int = 0


def check_commits(
    repository: Repository,
    base: str,
    commits: Sequence[str],
    rules: Sequence[str] | None = None,
    *,
    tick: Tick = lambda: None,
    begun: Begun = lambda number: None,
) -> Checked:
    """Check what commits on top of a base change; raises `GitError`.

    `begun` is told the number of each commit before it is checked, 0 for the base.
    """
    trail = [base, *commits]
    changes = [find_changes(repository, a, b) for a, b in itertools.pairwise(trail)]
    paths = _paths(changes)
    reader = BlobReader(repository)
    near = {posixpath.dirname(path) for path in paths}
    sources = [CommitSources(reader, commit, near) for commit in trail]
    begun(0)
    affected = [
        find_affected(*pair, changed, paths)
        for pair, changed in zip(itertools.pairwise(sources), changes, strict=True)
    ]
    scope = _find_scope(sources, paths, affected)
    reports = [_check_base(sources[0], repository.tree_of(base), paths, rules, scope, tick)]
    for number, (after, changed) in enumerate(zip(sources[1:], changes, strict=True), 1):
        begun(number)
        names = affected[number - 1]
        reports.append(_check_next(reports[-1], after, changed, names, paths, rules, tick))
    return _summarise(reports, changes, paths, sources, scope)


@dataclass(frozen=True, slots=True)
class _Scope:
    """What is looked at: all of some files, and some functions wherever they are."""

    whole: frozenset[str]
    names: frozenset[str]

    def __call__(self, path: str, name: str) -> bool:
        return path in self.whole or name in self.names


def _find_scope(
    sources: Sequence[CommitSources], paths: Sequence[str], affected: Sequence[frozenset[str]]
) -> _Scope:
    largest = {path: max(len(each.read(path) or b"") for each in sources) for path in paths}
    whole = frozenset(path for path, size in largest.items() if size <= _WHOLE_BYTES)
    return _Scope(whole, frozenset().union(*affected))


def _summarise(
    reports: Sequence[Report],
    changes: Sequence[Mapping[str, FileChange]],
    paths: Sequence[str],
    sources: Sequence[CommitSources],
    scope: _Scope,
) -> Checked:
    to_each: list[Mapping[str, FileChange]] = [{}, *changes]
    steps = [
        Step(n, to_each[n], r.findings, frozenset((x.file, x.function) for x in r.not_understood))
        for n, r in enumerate(reports)
    ]
    spells = follow_lost(
        [
            LostStep(n, to_each[n], r.not_understood, find_spans(sources[n], r.not_understood))
            for n, r in enumerate(reports)
        ]
    )
    last = reports[-1].not_understood
    touched = {(s.what.file, s.what.function) for s in spells if s.until is None and s.touched}
    return Checked(
        tuple(track_findings(steps)), tuple(paths), reports[-1].functions,
        last, tuple(n for n in last if (n.file, n.function) in touched), reports[-1].rules,
        tuple(s for s in spells if s.until is not None and s.touched), tuple(changes),
        len({path for each in changes for path in each if not path.endswith(C_SUFFIXES)}),
        not any(sources[-1].exists(path) for path in paths),
        _count_looked(sources[-1], paths, scope),
    )  # fmt: skip


def _count_looked(sources: CommitSources, paths: Sequence[str], scope: _Scope) -> int:
    units = [unit for path in paths if (unit := read_unit(sources, path)) is not None]
    return sum(scope(unit.path, each.name) for unit in units for each in unit.functions)


def _paths(changes: Sequence[Mapping[str, FileChange]]) -> list[str]:
    """Return every C file that is changed, under all names that it has had."""
    found: dict[str, None] = {}
    for each in changes:
        for change in each.values():
            found.update(dict.fromkeys(filter(None, (change.before, change.path))))
    return sorted(path for path in found if path.endswith(C_SUFFIXES))


_WHOLE_BYTES = 32 << 10
_MAX_BASES = 2000
_bases: dict[object, Report] = {}
_lock = threading.Lock()


def _check_base(
    sources: CommitSources,
    tree: str,
    paths: Sequence[str],
    rules: Sequence[str] | None,
    scope: _Scope,
    tick: Tick,
) -> Report:
    """Check the base, as far as it is in scope; revisions with the same scope share what it says.

    A rule may look at any file (an include, say), so only the whole tree's id says it is the same.
    """
    found: list[Report] = []
    program = Program(sources)
    if len(_bases) > _MAX_BASES:
        _bases.clear()
    for path in (path for path in paths if sources.exists(path)):
        names = None if path in scope.whole else scope.names
        key = (path, tree, None if rules is None else tuple(rules), names)
        with _lock:
            if key not in _bases:
                _bases[key] = check_files(
                    sources, [path], rules, functions=scope, tick=tick, program=program
                )
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
        carried
        for each in before.not_understood
        if each.function and each.function not in affected
        if sources.exists((carried := _carry_lost(each, changes)).file)
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
    new = find_renames(changes).get(finding.file, finding.file)
    line = _moved_line(new, finding.line, changes)
    if line is None:
        return None
    steps = tuple(
        replace(step, line=_moved_line(new, step.line, changes) or step.line)
        for step in finding.steps
    )
    key = finding.key.replace(finding.file, new)
    return replace(finding, file=new, line=line, steps=steps, key=key)


def _carry_lost(lost: NotUnderstood, changes: Mapping[str, FileChange]) -> NotUnderstood:
    path, _ = move_where(lost, find_renames(changes))
    return replace(lost, file=path, line=_moved_line(path, lost.line, changes) or lost.line)


def brought(tracked: Sequence[Tracked]) -> list[Finding]:
    """Return the findings that are there at the end and were not in the base."""
    return [each.finding for each in tracked if each.brought and each.removed is None]
