"""Try a revision on a tree, and run the static stage's checks on it. Nothing reaches the tree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from patchbot.apply import apply_patches
from patchbot.errors import TreeError
from patchbot.git import Repository, make_scratch
from patchbot.model import Change, Revision, Severity, Status
from patchbot.proc import PROCESSES
from patchbot.static.changes import C_SUFFIXES
from patchbot.static.commits import check_commits
from patchbot.static.outcome import Told, judge, tell
from patchbot.tree import open_tree


@dataclass(frozen=True, slots=True)
class Tree:
    """A kernel tree to try revisions on; `name` is what the table calls it, such as "v5.9.1"."""

    name: str
    repository: Repository
    commit: str


@dataclass(frozen=True, slots=True)
class Introduced:
    """One finding that a revision introduces: where its last commit has it; `patch` brought it."""

    rule: str
    severity: Severity
    file: str
    function: str
    line: int
    message: str
    patch: int
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the static stage says of a revision on a tree."""

    tree: str
    status: Status
    reason: str
    findings: tuple[Introduced, ...]
    lost: tuple[str, ...] = ()


def open_named(text: str) -> Tree:
    """Open GIT or GIT=COMMIT; without a commit, the tree's first one. Raises `TreeError`.

    The trees of this survey are imports of a release: what is on top of it is somebody's own.
    """
    folder, _, commit = text.partition("=")
    repository = open_tree(Path(folder))
    found = repository.resolve_commit(commit or _first_commit(repository))
    if found is None:
        raise TreeError(f"{folder} has no commit {commit or 'at all'}")
    return Tree(_version(repository, found), repository, found)


def _first_commit(repository: Repository) -> str:
    roots = repository.run("rev-list", "--max-parents=0", "HEAD").stdout.decode().split()
    return roots[-1] if roots else "HEAD"


def _version(repository: Repository, commit: str) -> str:
    """Return what the Makefile says, such as "v5.9.1"; the short id where there is none."""
    done = repository.run("cat-file", "blob", f"{commit}:Makefile", check=False)
    values = {}
    for line in done.stdout.decode("utf-8", "replace").split("\n")[:8]:
        name, equals, value = line.partition("=")
        if equals:
            values[name.strip()] = value.strip()
    numbers = [values.get(key, "") for key in ("VERSION", "PATCHLEVEL", "SUBLEVEL")]
    return f"v{'.'.join(numbers)}" if all(numbers) else commit[:12]


def try_revision(
    revision: Revision, tree: Tree, folder: Path, say: Callable[[str], None] = lambda text: None
) -> Outcome | None:
    """Apply a revision in a scratch repository in `folder` and check it; None if it does not apply.

    A 3-way merge does not count: what is checked is what its author wrote.
    """
    if not _is_for(revision, tree):
        return None
    scratch = make_scratch(tree.repository, folder)
    applied = apply_patches(scratch, tree.commit, revision.patches)
    if not applied.commits or applied.refused or applied.three_way:
        return None
    there = replace(tree.repository, common=scratch.git_dir, own=None)
    checked = check_commits(
        there, tree.commit, applied.commits, tick=PROCESSES.check,
        begun=lambda number: say(f"{revision.title[:50]} on {tree.name}: patch {number}"),
    )  # fmt: skip
    told = tell(checked.tracked, [f"patch {patch.number}" for patch in revision.patches])
    findings = [_introduced(each) for each in told if _is_new(each)]
    lost = [f"{x.file}:{x.line} {x.function}: {x.reason}" for x in checked.lost_here]
    return Outcome(tree.name, *judge(checked), tuple(findings), tuple(lost))


def _is_for(revision: Revision, tree: Tree) -> bool:
    """Whether any C file that the patches name is there: new files alone apply to every tree."""
    paths = {path for patch in revision.patches for path in patch.paths}
    names = [f"{tree.commit}:{path}" for path in paths if path.endswith(C_SUFFIXES)]
    return any(tree.repository.check_names(names))


def _is_new(told: Told) -> bool:
    """Whether a patch brings it, to the end of the series or until a later one removes it."""
    return told.change is Change.INTRODUCED or told.change is None


def _introduced(told: Told) -> Introduced:
    found = told.found
    only = f", if {found.condition}" if found.condition else ""
    return Introduced(
        rule=found.rule,
        severity=told.severity,
        file=found.file,
        function=found.function,
        line=found.line,
        message=f"{found.message}{only}",
        patch=told.commit or 0,
        path=tuple(f"{step.line}: {step.text}" for step in found.steps),
    )
