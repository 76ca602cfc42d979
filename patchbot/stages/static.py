"""The static stage: what the rules of patchbot_checks find, relative to the base."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files

import patchbot_checks
from patchbot_checks import Finding as Found
from patchbot_checks import NotUnderstood

from patchbot.git import Repository
from patchbot.model import Change, Finding, Severity, StageResult, Status
from patchbot.proc import PROCESSES
from patchbot.stages.base import StageRequest, hash_key, hash_patch
from patchbot.static.changes import C_SUFFIXES, find_changes, patch_lines, place_lines
from patchbot.static.commits import Checked, check_commits
from patchbot.static.outcome import NOT_UNDERSTOOD, Told, judge, tell
from patchbot.workers import WORKERS

__all__ = [
    "StaticStage",
    "commits_of",
    "hash_rules",
    "judge",
    "make_findings",
    "render_told",
]
_VERSION = "1"
_MAX_UNCHANGED = 50
_LARGE_BYTES = 100_000
Lines = Mapping[tuple[str, int], int]


class StaticStage:
    """Checks the base and every commit with all rules, and says which patch brought what."""

    name = "static"
    version = _VERSION
    needs: tuple[str, ...] = ("apply",)
    summary = "check the C of every patch with patchbot's rules, relative to the base"

    def key(self, request: StageRequest) -> str | None:
        """Hash the commits, the base, the rules, and the mails, whose lines are named."""
        base, commits = commits_of(request)
        mails = [(p.number, hash_patch(p)) for p in request.revision.patches]
        return hash_key(self.name, self.version, base, commits, hash_rules(), mails)

    def is_current(self, stored: StageResult, request: StageRequest) -> bool:
        """A kept result holds as long as its key does."""
        return True

    def run(self, request: StageRequest) -> StageResult:
        """Check the revision's commits; see `StaticStage`."""
        base, commits = commits_of(request)
        if request.tree is None or not commits:
            reason = "no commits to check"
            return StageResult(self.name, Status.SKIPPED, reason, repeat=request.repeat)
        checked = _check(request.tree, base, commits)
        patches = request.revision.patches
        lines = {
            patch.number: place_lines(patch_lines(patch), change)
            for patch, change in zip(patches, checked.changes, strict=False)
        }
        status, reason = judge(checked)
        return StageResult(
            stage=self.name,
            status=status,
            reason=reason,
            findings=make_findings(checked, [patch.number for patch in patches], lines),
            tools={"patchbot_checks": f"{len(checked.rules)} rules, {hash_rules()[:12]}"},
            repeat=request.repeat,
        )


def _check(tree: Repository, base: str, commits: Sequence[str]) -> Checked:
    """Check commits; large ones in a worker: revisions are checked side by side."""
    changed = find_changes(tree, base, commits[-1])
    names = [f"{commits[-1]}:{path}" for path in changed if path.endswith(C_SUFFIXES)]
    if tree.count_bytes(names) < _LARGE_BYTES:
        return check_commits(tree, base, commits, tick=PROCESSES.check)
    return WORKERS.call(check_commits, tree, base, commits)


def commits_of(request: StageRequest) -> tuple[str, list[str]]:
    """Return the base and the commits that the apply stage made; none where it made none."""
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


def make_findings(
    checked: Checked, numbers: Sequence[int], lines: Mapping[int, Lines]
) -> tuple[Finding, ...]:
    """Render what was found as a stage's findings; `numbers` are those of the patches.

    `lines` are by patch its lines in the mail, see `place_lines`. Of findings that are left as they
    were, the first 50 are listed.
    """
    told = tell(checked.tracked, [f"patch {number}" for number in numbers])
    left = [each for each in told if each.change is Change.UNCHANGED]
    made = [
        render_told(each, numbers, lines) for each in told if each.change is not Change.UNCHANGED
    ]
    made += [_lost(each, each in checked.lost_here) for each in checked.lost]
    for spell in checked.lost_between:
        until = numbers[(spell.until or 1) - 1]
        made.append(_lost(spell.what, True, numbers[spell.touched - 1], until))
    made += [render_told(each, numbers, lines) for each in left[:_MAX_UNCHANGED]]
    return tuple(sorted(made, key=_order))


def _order(finding: Finding) -> int:
    ranks = {Change.INTRODUCED: 0, None: 1, Change.FIXED: 2, Change.UNCHANGED: 3}
    return ranks[finding.change]


def render_told(told: Told, numbers: Sequence[int], lines: Mapping[int, Lines]) -> Finding:
    """Render one thing told as a stage's finding; see `make_findings` for the arguments."""
    found, patch = told.found, numbers[told.commit - 1] if told.commit else None
    place = (told.first.file, told.first.line)
    brought = patch is not None and told.change is not Change.FIXED
    return Finding(
        rule=found.rule,
        severity=told.severity,
        message=_message(found),
        file=found.file,
        line=found.line,
        patch=patch,
        patch_line=lines.get(patch, {}).get(place) if patch is not None and brought else None,
        evidence="\n".join(f"{found.file}:{step.line}: {step.text}" for step in found.steps),
        change=told.change,
    )


def _message(found: Found) -> str:
    where = f"{found.function}(): " if found.function else ""
    only = f", if {found.condition}" if found.condition else ""
    return f"{where}{found.message}{only}"


def _lost(
    lost: NotUnderstood, here: bool, patch: int | None = None, until: int | None = None
) -> Finding:
    what = f"{lost.function}()" if lost.function else "the file"
    between = f" before patch {until}" if until else ""
    return Finding(
        rule=NOT_UNDERSTOOD,
        severity=Severity.WARNING if here else Severity.NOTE,
        message=f"{what} could not be analysed{between}: {lost.reason}",
        file=lost.file,
        line=lost.line,
        patch=patch,
        change=None if here else Change.UNCHANGED,
    )
