"""Apply mails twice, with `git am` and with patchbot, to compare what both make of them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from patchbot.apply import Applied, apply_patches
from patchbot.git import make_scratch
from patchbot.mail.message import parse_mail
from patchbot.mail.series import make_patch
from patchbot.tree import open_tree
from tests.support.git_tree import git_environment, run_git

_ENV = {
    "GIT_COMMITTER_NAME": "patchbot",
    "GIT_COMMITTER_EMAIL": "patchbot@localhost",
    "TZ": "UTC",
    "LC_ALL": "C",
}


@dataclass(frozen=True)
class Both:
    """The raw commit objects, oldest first, that each of the two made; and what patchbot said."""

    theirs: tuple[bytes, ...]
    ours: tuple[bytes, ...]
    applied: Applied
    refused: str


def apply_both(repo: Path, mails: Sequence[bytes], folder: Path) -> Both:
    """Apply raw mails to the HEAD of `repo` with `git am` (in a clone) and with patchbot."""
    base = run_git(repo, "rev-parse", "HEAD").strip()
    ours = apply_ours(repo, base, mails, folder / "scratch")
    theirs, refused = _apply_with_am(repo, mails, folder / "clone")
    scratch_objects = folder / "scratch" / "scratch.git"
    made = tuple(_read_commit(scratch_objects, commit) for commit in ours.commits)
    return Both(theirs, made, ours, refused)


def apply_ours(repo: Path, base: str, mails: Sequence[bytes], folder: Path) -> Applied:
    """Apply raw mails with patchbot, in a scratch repository in `folder`."""
    patches = [make_patch(parse_mail(raw), number) for number, raw in enumerate(mails, 1)]
    return apply_patches(make_scratch(open_tree(repo), folder), base, patches)


def _apply_with_am(
    repo: Path, mails: Sequence[bytes], clone: Path
) -> tuple[tuple[bytes, ...], str]:
    run_git(repo.parent, "clone", "-q", "--no-local", str(repo), str(clone))
    base = run_git(clone, "rev-parse", "HEAD").strip()
    names = []
    for number, raw in enumerate(mails, 1):
        path = clone.parent / f"{clone.name}-{number:05d}.eml"
        path.write_bytes(raw)
        names.append(str(path))
    done = subprocess.run(
        ["git", "am", "-q", "--committer-date-is-author-date", "--patch-format=mbox", *names],
        cwd=clone,
        env=os.environ | git_environment() | _ENV,
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        return (), done.stderr.decode("utf-8", "replace") + done.stdout.decode("utf-8", "replace")
    commits = run_git(clone, "rev-list", "--reverse", f"{base}..HEAD").split()
    return tuple(_read_commit(clone / ".git", commit) for commit in commits), ""


def _read_commit(git_dir: Path, commit: str) -> bytes:
    done = subprocess.run(
        ["git", f"--git-dir={git_dir}", "cat-file", "commit", commit],
        env=os.environ | git_environment(),
        capture_output=True,
        check=True,
    )
    return done.stdout
