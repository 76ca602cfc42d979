"""A disk that fills up at any moment ends with an error, never with a verdict on the patches."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from patchbot.apply import Applied, apply_patches
from patchbot.demo import find_mbox, make_base_repository
from patchbot.errors import GitError
from patchbot.git import make_scratch
from patchbot.mail.mbox import read_source
from patchbot.mail.series import build_series
from patchbot.mail.thread import Mails
from patchbot.tree import open_tree
from tests.support.cli import run_cli
from tests.support.git_tree import left_without_trace, run_git

MBOX = find_mbox("page-protect-v3.mbox")
PAGE = 4096


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    top = tmp_path / "small"
    top.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(top)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"can't mount a small file system: {done.stderr.strip()}")
    yield top
    subprocess.run(["umount", "--lazy", str(top)], check=True)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    make_base_repository(tmp_path / "tree")
    return tmp_path / "tree"


def fill(top: Path, left: int) -> None:
    """Leave so many free bytes."""
    filler = top / "filler"
    filler.unlink(missing_ok=True)
    free = os.statvfs(top)
    filler.write_bytes(b"x" * max(0, free.f_bavail * free.f_frsize - left))


def apply_to(tree: Path, scratch: Path) -> Applied:
    patches = build_series(Mails(read_source(MBOX)))[0].revisions[-1].patches
    base = run_git(tree, "rev-parse", "HEAD")
    return apply_patches(make_scratch(open_tree(tree), scratch), base, patches)


def test_patchbots_own_disk_at_every_page(tree: Path, small: Path, tmp_path: Path) -> None:
    """Page by page more room: errors, then the right result; never a patch that does not apply."""
    expected = apply_to(tree, tmp_path / "scratch")
    assert expected.commits
    outcomes = []
    for pages in range(64):
        fill(small, pages * PAGE)
        try:
            assert apply_to(tree, small / "scratch") == expected
            outcomes.append(True)
        except GitError:
            outcomes.append(False)
        shutil.rmtree(small / "scratch", ignore_errors=True)
        if outcomes[-3:] == [True] * 3:
            break
    assert outcomes[0] is False
    assert outcomes[-3:] == [True] * 3


@pytest.mark.parametrize("pages", [0, 2, 6])
def test_the_trees_disk(pages: int, small: Path) -> None:
    tree = small / "tree"
    make_base_repository(tree)
    fill(small, pages * PAGE)
    arguments = ("review", MBOX, "--tree", tree, "--stages", "apply", "--json")
    with left_without_trace(tree):
        full = run_cli(*arguments)
    assert full.code in (3, 4), full.err
    for revision in full.document["revisions"]:
        result = revision["stages"]["apply"]
        assert result["status"] == "error"
        assert "No space left" in result["reason"] or "Out of diskspace" in result["reason"]
    (small / "filler").unlink()
    with left_without_trace(tree):
        assert run_cli(*arguments).code == 0
    assert run_git(tree, "fsck", "--no-dangling") == ""


def test_the_homes_disk(tree: Path, small: Path) -> None:
    env: dict[str, str | None] = {"PATCHBOT_HOME": str(small / "home")}
    arguments = ("review", MBOX, "--tree", tree, "--stages", "apply", "--json")
    fill(small, 0)
    with left_without_trace(tree):
        full = run_cli(*arguments, env=env)
    assert full.code == 4
    assert "No space left" in full.failure or "full" in full.failure
    (small / "filler").unlink()
    assert run_cli(*arguments, env=env).code == 0
