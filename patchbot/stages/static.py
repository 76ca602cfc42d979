"""The static stage: what the rules of patchbot_checks find, relative to the base."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files

import patchbot_checks
from patchbot_checks import Finding as Found
from patchbot_checks import NotUnderstood

from patchbot.model import Change, Finding, Severity, StageResult, Status
from patchbot.proc import PROCESSES
from patchbot.stages.base import StageRequest, hash_key
from patchbot.static.changes import patch_lines
from patchbot.static.commits import Checked, check_commits
from patchbot.static.relative import Tracked

_VERSION = "1"
_MAX_UNCHANGED = 50
NOT_BISECT_CLEAN = "not-bisect-clean"
NOT_UNDERSTOOD = "not-understood"
Lines = Mapping[tuple[str, int], int]


class StaticStage:
    """Checks the base and every commit with all rules, and says which patch brought what."""

    name = "static"
    version = _VERSION
    needs: tuple[str, ...] = ("apply",)
    summary = "check the C of every patch with patchbot's rules, relative to the base"

    def key(self, request: StageRequest) -> str | None:
        """Hash the commits, the base and the rules."""
        base, commits = _commits(request)
        return hash_key(self.name, self.version, base, commits, hash_rules())

    def is_current(self, stored: StageResult, request: StageRequest) -> bool:
        """A kept result holds as long as its key does."""
        return True

    def run(self, request: StageRequest) -> StageResult:
        """Check the revision's commits; see `StaticStage`."""
        base, commits = _commits(request)
        if request.tree is None or not commits:
            return StageResult(self.name, Status.SKIPPED, "no commits to check")
        checked = check_commits(request.tree, base, commits, tick=PROCESSES.check)
        if not checked.files:
            return StageResult(self.name, Status.SKIPPED, "no C file is changed")
        lines = {p.number: patch_lines(p) for p in request.revision.patches}
        numbers = [patch.number for patch in request.revision.patches]
        status, reason = judge(checked)
        return StageResult(
            stage=self.name,
            status=status,
            reason=reason,
            findings=make_findings(checked, numbers, lines),
            tools={"patchbot_checks": f"{len(checked.rules)} rules, {hash_rules()[:12]}"},
            repeat=request.repeat,
        )


def _commits(request: StageRequest) -> tuple[str, list[str]]:
    data = request.earlier["apply"].data if "apply" in request.earlier else {}
    commits = data.get("commits")
    return str(data.get("base", "")), [str(c) for c in commits] if isinstance(commits, list) else []


@functools.cache
def hash_rules() -> str:
    """Return a hash of the checks' code and tables: another version may find other things."""
    top = files(patchbot_checks)
    digest = hashlib.sha256()
    pending = [top]
    while pending:
        folder = pending.pop()
        for each in sorted(folder.iterdir(), key=lambda e: e.name):
            if each.is_dir() and each.name != "__pycache__":
                pending.append(each)
            elif each.name.endswith((".py", ".toml")):
                digest.update(each.name.encode() + b"\0" + each.read_bytes())
    return digest.hexdigest()


def judge(checked: Checked) -> tuple[Status, str]:
    """Return the status of what was checked, and its reason."""
    alive = [t for t in checked.tracked if t.removed is None]
    new = [t.finding.severity.value for t in alive if t.brought]
    passing = [t for t in checked.tracked if t.brought and t.removed is not None]
    fixed = sum(1 for t in checked.tracked if not t.brought and t.removed is not None)
    words = [f"{len(new)} introduced" if new else "nothing introduced"]
    words += [f"{fixed} fixed"] * bool(fixed)
    words += [f"{len(alive) - len(new)} left"] * (len(alive) > len(new))
    words += [f"{len(passing)} between the patches only"] * bool(passing)
    words += [f"{len(checked.lost_here)} not understood"] * bool(checked.lost_here)
    head = f"{_count(len(checked.rules), 'rule')} on {_count(len(checked.files), 'file')},"
    reason = f"{head} {_count(checked.functions, 'function')}: {', '.join(words)}"
    if "error" in new:
        return Status.FAIL, reason
    if checked.lost_here or not checked.functions:
        return Status.INCONCLUSIVE, reason
    return (Status.WARN if "warning" in new or passing else Status.PASS), reason


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def make_findings(
    checked: Checked, numbers: Sequence[int], lines: Mapping[int, Lines]
) -> tuple[Finding, ...]:
    """Render what was found as a stage's findings; `numbers` are those of the patches."""
    made: list[Finding] = []
    for each in checked.tracked:
        brought = numbers[each.brought - 1] if each.brought else None
        removed = numbers[each.removed - 1] if each.removed else None
        if brought and removed:
            made.append(_passing(each, brought, removed, lines))
        elif removed:
            made.append(_finding(each.finding, Change.FIXED, removed, {}, as_note=True))
        elif brought:
            made.append(_finding(each.finding, Change.INTRODUCED, brought, lines))
        elif sum(f.change is Change.UNCHANGED for f in made) < _MAX_UNCHANGED:
            made.append(_finding(each.finding, Change.UNCHANGED, None, {}, as_note=True))
    made += [_lost(each, each in checked.lost_here) for each in checked.lost]
    return tuple(sorted(made, key=_order))


def _order(finding: Finding) -> tuple[int, int, str, int]:
    ranks = {Change.INTRODUCED: 0, None: 1, Change.FIXED: 2, Change.UNCHANGED: 3}
    return ranks[finding.change], finding.patch or 0, finding.file or "", finding.line or 0


def _finding(
    found: Found,
    change: Change,
    patch: int | None,
    lines: Mapping[int, Lines],
    *,
    as_note: bool = False,
) -> Finding:
    where = f"{found.function}(): " if found.function else ""
    only = f", if {found.condition}" if found.condition else ""
    return Finding(
        rule=found.rule,
        severity=Severity.NOTE if as_note else Severity(found.severity.value),
        message=f"{where}{found.message}{only}",
        file=found.file,
        line=found.line,
        patch=patch,
        patch_line=lines.get(patch, {}).get((found.file, found.line)) if patch else None,
        evidence="\n".join(f"{found.file}:{step.line}: {step.text}" for step in found.steps),
        change=change,
    )


def _passing(each: Tracked, brought: int, removed: int, lines: Mapping[int, Lines]) -> Finding:
    made = _finding(each.as_brought, Change.INTRODUCED, brought, lines)
    return Finding(
        rule=NOT_BISECT_CLEAN,
        severity=Severity.WARNING,
        message=(
            f"patch {brought} brings what patch {removed} takes away again"
            f" ({made.rule}): {made.message}"
        ),
        file=made.file,
        line=made.line,
        patch=brought,
        patch_line=made.patch_line,
        evidence=made.evidence,
    )


def _lost(lost: NotUnderstood, here: bool) -> Finding:
    what = f"{lost.function}()" if lost.function else "the file"
    return Finding(
        rule=NOT_UNDERSTOOD,
        severity=Severity.WARNING if here else Severity.NOTE,
        message=f"{what} could not be analysed: {lost.reason}",
        file=lost.file,
        line=lost.line,
        change=None if here else Change.UNCHANGED,
    )
