"""The tools stage: checkpatch, gcc with W=1, sparse and coccinelle, new against the base only."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from patchbot_checks import Severity as Found

from patchbot.errors import CancelledError, PatchbotError
from patchbot.git import Repository, Scratch, make_scratch
from patchbot.kbuild.make import Kbuild, KbuildError, read_fragment
from patchbot.kbuild.source import SourceFolder, group_of, is_laid_over
from patchbot.model import Change, Finding, StageResult, Status
from patchbot.proc import PROCESSES
from patchbot.sandbox import find_sandbox
from patchbot.stages.base import StageRequest, hash_key, hash_patch
from patchbot.stages.static import commits_of, render_told
from patchbot.static.changes import FileChange, find_changes, patch_lines, place_lines
from patchbot.static.outcome import tell
from patchbot.static.relative import Tracked
from patchbot.static.sources import BlobReader, CommitSources
from patchbot.tools.checkpatch import SCRIPT, run_checkpatch
from patchbot.tools.coccinelle import run_coccinelle
from patchbot.tools.compiling import FRAGMENT, Commit, find_objects, run_compilers
from patchbot.tools.runs import ToolRun, track_run
from patchbot.tools.versions import find_version
from patchbot.workspace import kept_folder

_VERSION = "1"
_PROGRAMS = ("perl", "gcc", "sparse", "spatch")
_KEPT = 3
_MARKS = ("Makefile", "Kconfig", SCRIPT)
Changes = Sequence[Mapping[str, FileChange]]


@dataclass(frozen=True, slots=True)
class _Work:
    """One revision's commits, what each changed, and where their files are read."""

    tree: Repository
    base: str
    commits: Sequence[str]
    changes: Changes
    trail: Sequence[Commit]
    paths: Sequence[str]
    scratch: Scratch
    folder: Path


class ToolsStage:
    """Runs the tools that the kernel's developers run, on what changed, at every commit."""

    name = "tools"
    version = _VERSION
    needs: tuple[str, ...] = ("apply",)
    summary = "checkpatch, gcc W=1, sparse and coccinelle on what changed, new against the base"

    def key(self, request: StageRequest) -> str | None:
        """Hash the commits, the base, the tools' versions, the configuration, and the mails."""
        base, commits = commits_of(request)
        versions = [find_version(name) for name in _PROGRAMS]
        mails = [(p.number, hash_patch(p)) for p in request.revision.patches]
        parts = (base, commits, versions, find_sandbox().why_not, read_fragment(FRAGMENT), mails)
        return hash_key(self.name, self.version, *parts)

    def is_current(self, stored: StageResult, request: StageRequest) -> bool:
        """A kept result holds as long as its key does."""
        return True

    def run(self, request: StageRequest) -> StageResult:
        """Run every tool that is here; see `ToolsStage`."""
        base, commits = commits_of(request)
        tree = request.tree
        if tree is None or not commits:
            return self._skipped(request, "no commits to look at")
        marks = tree.check_names([f"{base}:{each}" for each in _MARKS])
        if not all(marks):
            lacking = ", ".join(m for m, there in zip(_MARKS, marks, strict=True) if not there)
            return self._skipped(request, f"the base is no whole kernel: it has no {lacking}")
        work = _plan(request, tree, base, commits)
        with _kept(request, tree, base) as kept:
            runs = _run_all(work, kept)
        return self._judge(request, work, runs)

    def _skipped(self, request: StageRequest, reason: str) -> StageResult:
        return StageResult(self.name, Status.SKIPPED, reason, repeat=request.repeat)

    def _judge(self, request: StageRequest, work: _Work, runs: Sequence[ToolRun]) -> StageResult:
        tracked = [each for run in runs for each in track_run(run, work.changes)]
        _soften(tracked, work.changes)
        status, reason = judge_runs(runs, tracked)
        patches = request.revision.patches
        lines = {
            patch.number: place_lines(patch_lines(patch), change)
            for patch, change in zip(patches, work.changes, strict=False)
        }
        numbers = [patch.number for patch in patches]
        told = tell(tracked, [f"patch {number}" for number in numbers])
        news = [each for each in told if each.change is not Change.UNCHANGED]
        findings = [_without_place(render_told(each, numbers, lines)) for each in news]
        return StageResult(
            stage=self.name,
            status=status,
            reason=reason,
            findings=tuple(findings),
            tools={run.tool: run.version for run in runs if run.version},
            repeat=request.repeat,
        )


def _soften(tracked: Sequence[Tracked], changes: Changes) -> None:
    """Make errors warnings from the first patch on that changes build files, which are not used."""
    own = next((n for n, each in enumerate(changes, 1) if any(map(_builds, each))), None)
    for each in tracked:
        if own is not None and each.brought >= own and each.finding.severity is Found.ERROR:
            words = f"{each.finding.message} (without the build files that patch {own} changes)"
            each.finding = replace(each.finding, severity=Found.WARNING, message=words)


def _builds(path: str) -> bool:
    return path.rpartition("/")[2].startswith(("Makefile", "Kconfig", "Kbuild"))


def _without_place(finding: Finding) -> Finding:
    """Drop the place where a tool named none, such as of a commit message."""
    return finding if finding.file else replace(finding, file=None, line=None)


def _plan(request: StageRequest, tree: Repository, base: str, commits: Sequence[str]) -> _Work:
    names = [base, *commits]
    changes = [find_changes(tree, a, b) for a, b in itertools.pairwise(names)]
    paths = sorted({path for each in changes for path in _both_names(each)})
    reader = BlobReader(tree)
    sets = [frozenset[str](), *(frozenset(_both_names(each)) for each in changes)]
    trail = [Commit(CommitSources(reader, n), s) for n, s in zip(names, sets, strict=True)]
    scratch = make_scratch(tree, request.folder)
    return _Work(tree, base, commits, changes, trail, paths, scratch, request.folder)


def _both_names(changes: Mapping[str, FileChange]) -> Iterator[str]:
    for change in changes.values():
        yield change.path
        if change.before is not None:
            yield change.before


@contextlib.contextmanager
def _kept(request: StageRequest, tree: Repository, base: str) -> Iterator[Path]:
    """Lend the folder where the base's sources and objects are kept; a passing one without home."""
    if request.home is None:
        folder = request.folder / "kbuild"
        yield folder
        return
    with kept_folder(request.home, "kbuild", f"{tree.tree_of(base)} {FRAGMENT}", _KEPT) as folder:
        yield folder


def _run_all(work: _Work, kept: Path) -> list[ToolRun]:
    """Run the tools one after the other: each uses all processors."""
    kept.mkdir(parents=True, exist_ok=True)
    source = SourceFolder(kept / "source", kept / "state.json")
    used = [path for path in work.paths if is_laid_over(path)]
    objects = find_objects(work.tree, work.base, used)
    groups = {group_of(path) for path in (*used, *objects)}
    source.export(work.scratch, work.base, groups)
    source.reset(work.trail[0].sources.read)
    folders = [work.folder / name for name in ("mails", "versions")]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    readers = [commit.sources for commit in work.trail]
    kbuild = Kbuild(source.folder, kept / "output")
    return [
        *_guard(("checkpatch",), lambda: [run_checkpatch(
            work.scratch, source.folder, work.commits, folders[0])]),
        *_guard(("gcc", "sparse"), lambda: run_compilers(
            kbuild, source, work.trail, used, objects)),
        *_guard(("coccinelle",), lambda: [run_coccinelle(
            source.folder, readers, used, folders[1])]),
    ]  # fmt: skip


def _guard(tools: Sequence[str], run: Callable[[], list[ToolRun]]) -> list[ToolRun]:
    """Run tools; what goes wrong with one does not take the answers of the others.

    A base that can't be prepared on this machine says nothing of the series: that is as if the
    tools were absent.
    """
    try:
        return run()
    except CancelledError:
        raise
    except KbuildError as error:
        words = f"the base can't be built here: {error}" + (
            f" ({error.hint})" if error.hint else ""
        )
        return [ToolRun(tool, absent=words) for tool in tools]
    except PatchbotError as error:
        PROCESSES.check()
        words = f"{error} ({error.hint})" if error.hint else str(error)
        return [ToolRun(tool, find_version(tool) or "", failed=words) for tool in tools]


def judge_runs(runs: Sequence[ToolRun], tracked: Sequence[Tracked]) -> tuple[Status, str]:
    """Return the status of some tools' answers, and the reason. Pure.

    An error that is new fails; a tool that gave no usable answer makes it inconclusive; one that
    is absent is named, and is no reason for either. Where none ran, the stage was skipped.
    """
    ran = [run for run in runs if run.heard]
    new = [t.finding.severity.value for t in tracked if t.brought and t.removed is None]
    passing = [t for t in tracked if t.brought and t.removed is not None]
    reason = "; ".join([*_count_words(ran, len(new), len(passing)), *_gaps(runs)])
    if "error" in new:
        return Status.FAIL, reason
    if any(run.failed for run in runs):
        return Status.INCONCLUSIVE, reason
    if not ran:
        return Status.SKIPPED, reason
    return (Status.WARN if new or passing else Status.PASS), reason


def _count_words(ran: Sequence[ToolRun], new: int, passing: int) -> list[str]:
    if not ran:
        return ["no tool ran"]
    words = f"{', '.join(run.tool for run in ran)}: {new or 'nothing'} introduced"
    return [f"{words}, {passing} between the patches only" if passing else words]


def _gaps(runs: Sequence[ToolRun]) -> Iterator[str]:
    """Say what did not run, or not on everything; tools with the same reason together."""
    gaps: dict[str, list[str]] = {}
    for run in runs:
        for word, why in (("skipped, ", run.absent), ("", run.partly), ("failed, ", run.failed)):
            if why:
                gaps.setdefault(word + why, []).append(run.tool)
    for why, tools in gaps.items():
        yield f"{' and '.join(tools)} {why}"
    if any(run.heard for run in runs) and find_sandbox().program is None:
        yield f"run without a sandbox: {find_sandbox().why_not}"
