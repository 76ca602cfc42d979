"""Reviewing leaves objects and refs/patchbot in the user's repository, and nothing else."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from patchbot.demo import find_mbox, make_base_repository
from tests.support.cli import Ran, run_cli
from tests.support.git_tree import left_without_trace, run_git

HOOKS = (
    "applypatch-msg", "pre-applypatch", "post-applypatch", "pre-commit", "commit-msg",
    "post-commit", "reference-transaction", "post-index-change", "post-checkout", "pre-auto-gc",
    "fsmonitor",
    "post-rewrite", "update", "post-update", "pre-receive", "post-receive",
)  # fmt: skip


# The coverage of a process that can't write files can't be written either.
_UNMEASURED = {"COVERAGE_PROCESS_CONFIG": None, "COVERAGE_PROCESS_START": None}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    top = tmp_path / "my tree"
    make_base_repository(top)
    return top


def review(tree: Path | None, *more: str, env: dict[str, str | None] | None = None) -> Ran:
    where = ["--tree", str(tree)] if tree else []
    return run_cli(
        "review", find_mbox("page-protect-v3.mbox"), *where, "--stages", "apply", "--json", *more,
        env=env,
    )  # fmt: skip


def applied_trees(ran: Ran) -> list[str]:
    assert ran.code == 0, ran.err
    return [r["stages"]["apply"]["data"]["tree"] for r in ran.document["revisions"]]


def test_a_busy_repository_stays_as_it_is(tree: Path, tmp_path: Path) -> None:
    """Dirty files, staged changes, a stash, every hook, fsmonitor, odd settings."""
    expected = applied_trees(review(tree))
    marker = tmp_path / "a hook ran"
    (tree / "fs/ext4/inode.c").write_text("int stashed;\n")
    run_git(tree, "stash")
    (tree / "fs/ext4/inode.c").write_text("int dirty;\n")
    (tree / "fs/jbd2/commit.c").write_text("int staged;\n")
    run_git(tree, "add", "fs/jbd2/commit.c")
    (tree / "untracked").write_text("x\n")
    for name in HOOKS:
        hook = tree / ".git" / "hooks" / name
        hook.write_text(f'#!/bin/sh\ntouch "{marker}"\n')
        hook.chmod(hook.stat().st_mode | stat.S_IXUSR)
    settings = {
        "core.fsmonitor": str(tree / ".git/hooks/fsmonitor"),
        "core.autocrlf": "true",
        "core.logAllRefUpdates": "always",
        "apply.whitespace": "error",
        "i18n.commitEncoding": "ISO-8859-1",
        "commit.gpgsign": "true",
        "gc.auto": "1",
        "am.keepcr": "true",
    }
    for key, value in settings.items():
        run_git(tree, "config", key, value)
    marker.unlink(missing_ok=True)
    with left_without_trace(tree):
        assert applied_trees(review(tree, "--no-cache")) == expected
    assert not marker.exists()


def test_the_environment_does_not_lead_git_astray(tree: Path, tmp_path: Path) -> None:
    expected = applied_trees(review(tree))
    other = tmp_path / "other"
    make_base_repository(other)
    strays: dict[str, str | None] = {
        "GIT_DIR": str(other / ".git"),
        "GIT_WORK_TREE": str(other),
        "GIT_INDEX_FILE": str(other / ".git/index"),
        "GIT_OBJECT_DIRECTORY": str(other / ".git/objects"),
        "GIT_AUTHOR_NAME": "Nobody",
        "GIT_COMMITTER_NAME": "Nobody",
        "GIT_TRACE": "2",
    }
    with left_without_trace(tree), left_without_trace(other):
        assert applied_trees(review(tree, "--no-cache", env=strays)) == expected
    assert run_git(other, "for-each-ref", "refs/patchbot") == ""


def test_linked_worktree_bare_and_alternates(tree: Path, tmp_path: Path) -> None:
    expected = applied_trees(review(tree))
    linked, bare, borrowed = tmp_path / "linked", tmp_path / "bare.git", tmp_path / "borrowed"
    run_git(tree, "worktree", "add", "-q", "--detach", str(linked))
    run_git(tmp_path, "clone", "-q", "--bare", str(tree), str(bare))
    run_git(tmp_path, "clone", "-q", "--shared", str(tree), str(borrowed))
    for place in (linked, bare, borrowed):
        assert applied_trees(review(place, "--no-cache")) == expected, place
    with left_without_trace(tree):
        below = run_cli(
            "review", find_mbox("page-protect-v3.mbox"), "--stages", "apply", "--json",
            cwd=tree / "fs" / "ext4",
        )  # fmt: skip
    assert applied_trees(below) == expected


def test_in_the_middle_of_a_rebase(tree: Path) -> None:
    expected = applied_trees(review(tree))
    run_git(tree, "checkout", "-q", "-b", "side")
    (tree / "README").write_text("side\n")
    run_git(tree, "commit", "-q", "-a", "-m", "side")
    run_git(tree, "checkout", "-q", "main")
    (tree / "README").write_text("main\n")
    run_git(tree, "commit", "-q", "-a", "-m", "main")
    with pytest.raises(AssertionError):
        run_git(tree, "rebase", "side")
    assert (tree / ".git" / "rebase-merge").is_dir()
    with left_without_trace(tree):
        ran = review(tree, "--no-cache")
    assert len(applied_trees(ran)) == len(expected)


def test_a_full_disk_is_one_clear_line(tree: Path, tmp_path: Path) -> None:
    """No file may grow past a few blocks: the store or the objects can't be written."""
    limited = (
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (%d, %d))\n"
    )
    expected = applied_trees(review(tree))
    for limit in (0, 2000, 60_000, 100_000):
        home = tmp_path / f"home{limit}"
        with left_without_trace(tree):
            ran = run_cli(
                "review", find_mbox("page-protect-v3.mbox"), "--tree", tree, "--stages", "apply",
                "--json", env={"PATCHBOT_HOME": str(home)} | _UNMEASURED,
                prelude=limited % (limit, limit),
            )  # fmt: skip
        if ran.code == 0:
            assert applied_trees(ran) == expected
        else:
            assert ran.code in (3, 4), ran.err
            assert "Traceback" not in ran.err
        again = review(tree, env={"PATCHBOT_HOME": str(home)})
        assert applied_trees(again) == expected


def test_a_branch_is_made_only_when_asked(tree: Path) -> None:
    mbox = find_mbox("page-protect-v3.mbox")
    with left_without_trace(tree):
        assert run_cli("apply", mbox, "--tree", tree).code == 0
    assert run_cli("apply", mbox, "--tree", tree, "--branch", "review/x").code == 0
    assert run_git(tree, "rev-parse", "review/x") == run_git(
        tree, "for-each-ref", "--format=%(objectname)", "refs/patchbot/**/v4"
    )
    taken = run_cli("apply", mbox, "--tree", tree, "--branch", "review/x")
    assert (taken.code, "exists already" in taken.err) == (4, True)
    assert run_cli("apply", mbox, "--tree", tree, "--branch", "a..b").code == 4
    assert run_git(tree, "rev-parse", "--abbrev-ref", "HEAD") == "main"


def test_objects_stay_readable_for_others(tree: Path) -> None:
    """What is published survives without patchbot's folder: nothing of it is borrowed."""
    applied_trees(review(tree))
    assert run_git(tree, "fsck", "--no-dangling") == ""
    assert not (tree / ".git/objects/info/alternates").exists()
