"""Find the tree to work on, and the commit a revision was made for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

import git as gitpython

from patchbot.errors import ProcessError, TreeError
from patchbot.git import Repository
from patchbot.model import Base, Revision

MAX_TIPS = 1500
MAX_HISTORY = 4000
_MAX_PATHS = 200
_HISTORY_S = 25.0
_NAME_ONE = "name a kernel tree with --tree"
_BEFORE = timedelta(days=400)


def open_tree(path: Path) -> Repository:
    """Open the git repository at or above `path`; raises `TreeError` where there is none."""
    try:
        repo = gitpython.Repo(path, search_parent_directories=True)
    except gitpython.InvalidGitRepositoryError as error:
        raise TreeError(
            f"{path} is in no git tree", hint="name a kernel tree with --tree"
        ) from error
    except (gitpython.NoSuchPathError, OSError) as error:
        raise TreeError(f"{path}: no such folder", hint=_NAME_ONE) from error
    with repo:
        checkout = Path(str(repo.working_tree_dir or repo.git_dir))
        top = checkout if (checkout / ".git").exists() else Path(repo.git_dir)
        own, common = Path(repo.git_dir).absolute(), Path(repo.common_dir).absolute()
        found = Repository(top.absolute(), common, own if own != common else None)
    probe = found.run("rev-parse", "--show-object-format", check=False)
    if probe.returncode != 0:
        raise TreeError(f"git can't read {found.top}: {probe.error_text}")
    if probe.stdout.strip() != b"sha1":
        raise TreeError(f"{found.top} uses {probe.stdout.decode().strip()} ids, only sha1 is known")
    return found


def find_tree(named: Path | None, configured: Path | None) -> Repository | None:
    """Return the tree to use: the one named, the one stood in, the one configured, else None."""
    if named is not None:
        return open_tree(named)
    inherited = os.environ.get("GIT_DIR")
    try:
        return open_tree(Path(inherited) if inherited else Path.cwd())
    except TreeError:
        return open_tree(configured) if configured is not None else None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file as the first patch that touches it expects it: abbreviated blob, None for absent."""

    path: str
    blob: str | None


def find_wanted(revision: Revision) -> list[Wanted]:
    """Return what a revision's `index` lines say of the base, each path once."""
    wanted: dict[str, Wanted] = {}
    made: set[str] = set()
    for patch in revision.patches:
        for path, before, _ in patch.blobs:
            if path not in made:
                absent = not before.strip("0")
                wanted.setdefault(path, Wanted(path, None if absent else before))
        made.update(patch.paths)
    return list(wanted.values())


def find_base(
    tree: Repository, revision: Revision, named: str | None, hints: Sequence[str] = ()
) -> Base:
    """Find the commit a revision applies to, and say how.

    In this order: the one named; the `base-commit:` trailer; the commit whose blobs match the
    `index` lines; the catalogue's `hints`; HEAD, as a guess. Raises `TreeError` where the one
    named does not exist or the tree has no commit at all.
    """
    if named is not None:
        commit = tree.resolve_commit(named)
        if commit is None:
            raise TreeError(
                f"{tree.top} has no commit {named!r}",
                hint="name a branch, tag or commit with --base",
            )
        return Base(commit, f"named with --base {named}")
    lost = ""
    if revision.base_commit:
        commit = tree.resolve_commit(revision.base_commit)
        if commit is not None:
            return Base(commit, "its base-commit trailer")
        lost = f"; its base-commit {revision.base_commit[:12]} is not in the tree"
    wanted = find_wanted(revision)
    head = tree.resolve_commit("HEAD")
    found = _find_by_blobs(tree, wanted, revision, head) if wanted else None
    if found is not None:
        count = f"{len(wanted)} of {len(wanted)} files"
        return Base(found, f"its index lines: {count} are as the patches expect{lost}")
    for hint in hints:
        commit = tree.resolve_commit(hint)
        if commit is not None:
            return Base(commit, f"the catalogue says {hint}{lost}")
    if head is None:
        raise TreeError(f"{tree.top} has no commit yet", hint="name one with --base")
    return Base(head, f"HEAD, a guess: {_count_match(tree, head, wanted)}{lost}", guess=True)


def _count_match(tree: Repository, commit: str, wanted: Sequence[Wanted]) -> str:
    if not wanted:
        return "the patches have no index lines to go by"
    names = tree.check_names([f"{commit}:{each.path}" for each in wanted])
    if any(each.blob for each in wanted) and not any(names):
        return "it has none of the files the patches change; are they for another tree?"
    same = sum(_is_as_wanted(each, name) for each, name in zip(wanted, names, strict=True))
    return f"{same} of {len(wanted)} files are as the patches expect"


def _is_as_wanted(wanted: Wanted, found: str | None) -> bool:
    if wanted.blob is None or found is None:
        return wanted.blob is None and found is None
    return found.startswith(wanted.blob)


def _find_by_blobs(
    tree: Repository, wanted: Sequence[Wanted], revision: Revision, head: str | None
) -> str | None:
    """Return the first commit that has every blob: HEAD, then tips, then history, newest first."""
    if all(each.blob is None for each in wanted):
        return None
    if head is not None and (found := _first_match(tree, [head], wanted)):
        return found
    if found := _first_match(tree, _list_tips(tree), wanted):
        return found
    try:
        return _first_match(tree, _list_history(tree, wanted, revision), wanted)
    except ProcessError:
        return None


def _first_match(tree: Repository, commits: Sequence[str], wanted: Sequence[Wanted]) -> str | None:
    """Return the first of `commits` that has every file as wanted; one file narrows at a time."""
    left = list(commits)
    for each in wanted:
        if not left:
            return None
        names = tree.check_names([f"{commit}:{each.path}" for commit in left])
        left = [c for c, name in zip(left, names, strict=True) if _is_as_wanted(each, name)]
    return left[0] if left else None


def _list_tips(tree: Repository) -> list[str]:
    done = tree.run(
        "for-each-ref", "--sort=-creatordate", f"--count={MAX_TIPS}",
        "--format=%(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end)",
        "refs/heads", "refs/remotes", "refs/tags",
    )  # fmt: skip
    return list(dict.fromkeys(done.stdout.decode().split()))


def _usable(wanted: Wanted) -> bool:
    """Whether a path can stand on a command line, as that of any file in a tree can."""
    try:
        return b"\0" not in os.fsencode(wanted.path)
    except UnicodeEncodeError:
        return False


def _list_history(tree: Repository, wanted: Sequence[Wanted], revision: Revision) -> list[str]:
    """List the commits that changed the wanted files, newest first."""
    since = [f"--since={(revision.date - _BEFORE).isoformat()}"] if revision.date else []
    done = tree.run(
        "rev-list", "--branches", "--tags", "--remotes", "HEAD", "--date-order",
        f"--max-count={MAX_HISTORY}", *since,
        "--", *(f":(literal,top){each.path}" for each in wanted[:_MAX_PATHS] if _usable(each)),
        check=False, timeout_s=_HISTORY_S,
    )  # fmt: skip
    return done.stdout.decode().split()
