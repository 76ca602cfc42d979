"""The real series on the real tree (opt-in): the commits are those that `git am` makes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from patchbot.apply import apply_patches
from patchbot.git import make_scratch
from patchbot.mail.mbox import read_source
from patchbot.mail.series import build_series
from patchbot.mail.thread import Mails
from patchbot.model import Revision
from patchbot.tree import open_tree
from tests.support.git_tree import git_environment, run_git
from tests.support.require import kernel_tree, shared_lore

COUNTS = {"v2": 5, "v3": 3, "v4": 4, "v5": 4}
COMMITTER = {
    "GIT_COMMITTER_NAME": "patchbot",
    "GIT_COMMITTER_EMAIL": "patchbot@localhost",
}
# A copy of the tree may lack its largest files: git am need not have what it does not touch.
PARTIAL = {
    "core.repositoryFormatVersion": "1",
    "extensions.partialClone": "origin",
    "remote.origin.promisor": "true",
}


@pytest.fixture(scope="module")
def linux() -> Path:
    return kernel_tree()


@pytest.fixture(scope="module")
def base(linux: Path) -> str:
    """v5.9.1, or the root commit of a tree that starts there."""
    names = ("v5.9.1", *run_git(linux, "rev-list", "--max-parents=0", "HEAD").split())
    found = next((c for name in names if (c := open_tree(linux).resolve_commit(name))), None)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def revisions() -> dict[str, Revision]:
    mails = [mail for path in shared_lore() for mail in read_source(path)]
    found = {
        r.label: r for s in build_series(Mails(mails)) for r in s.revisions if r.label in COUNTS
    }
    assert {label: len(r.patches) for label, r in found.items()} == COUNTS
    return found


def apply_with_am(linux: Path, base: str, revision: Revision, folder: Path) -> list[str]:
    """Apply with `git am` to a sparse checkout that borrows the tree's objects."""
    clone = folder / "clone"
    paths = sorted({path for patch in revision.patches for path in patch.paths})
    run_git(folder, "clone", "-q", "--shared", "--no-checkout", str(linux), str(clone))
    for key, value in PARTIAL.items():
        run_git(clone, "config", key, value)
    run_git(clone, "sparse-checkout", "set", "--no-cone", *(f"/{path}" for path in paths))
    run_git(clone, "checkout", "-q", "--detach", base)
    names = []
    for patch in revision.patches:
        path = folder / f"{patch.number}.eml"
        path.write_bytes(patch.mail.raw)
        names.append(str(path))
    done = subprocess.run(
        ["git", "am", "-q", "--committer-date-is-author-date", "--patch-format=mbox", *names],
        cwd=clone,
        env=os.environ | git_environment() | COMMITTER,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return run_git(clone, "rev-list", "--reverse", f"{base}..HEAD").split()


@pytest.mark.parametrize("label", COUNTS)
def test_the_commits_are_those_of_git_am(
    label: str, linux: Path, base: str, revisions: dict[str, Revision], tmp_path: Path
) -> None:
    revision = revisions[label]
    scratch = make_scratch(open_tree(linux), tmp_path / "scratch")
    applied = apply_patches(scratch, base, revision.patches)
    assert list(applied.commits) == apply_with_am(linux, base, revision, tmp_path)
    assert len(applied.commits) == COUNTS[label]
