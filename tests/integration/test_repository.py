"""The user's repository in all its shapes: where HEAD is, what may be asked, what is published."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from patchbot.apply import apply_patches
from patchbot.errors import GitError
from patchbot.git import make_scratch
from patchbot.mail.message import parse_mail
from patchbot.mail.series import make_patch
from patchbot.tree import open_tree
from tests.integration.test_apply import BODY, FILES, eml, plain
from tests.support.git_tree import commit_files, left_without_trace, make_git_tree, run_git

REF = "refs/patchbot/series/v1"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_git_tree(tmp_path / "tree", FILES)


def publish(tree: Path, folder: Path) -> str:
    """Apply one patch to a tree's HEAD and publish it; returns the commit."""
    opened = open_tree(tree)
    base = opened.resolve_commit("HEAD")
    assert base is not None
    scratch = make_scratch(opened, folder)
    applied = apply_patches(scratch, base, [make_patch(parse_mail(eml(plain(), BODY)), 1)])
    assert applied.commits, applied.findings
    scratch.publish(applied.commits, base, {REF: applied.commits[-1]})
    assert run_git(tree, "rev-parse", REF) == applied.commits[-1]
    return applied.commits[-1]


def test_a_linked_worktree_has_a_head_of_its_own(repo: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    run_git(repo, "worktree", "add", "-q", "-b", "other", str(linked))
    commit = commit_files(linked, {"fs/b.c": "int other;\n"}, "other\n")
    assert open_tree(linked).resolve_commit("HEAD") == commit
    assert open_tree(repo).resolve_commit("HEAD") == run_git(repo, "rev-parse", "master")
    publish(linked, tmp_path / "scratch")
    assert run_git(repo, "rev-parse", f"{REF}^") == commit


def test_a_shallow_clone(repo: Path, tmp_path: Path) -> None:
    commit_files(repo, {"fs/b.c": "int other;\n"}, "other\n")
    shallow = tmp_path / "shallow"
    run_git(tmp_path, "clone", "-q", "--depth=1", f"file://{repo}", str(shallow))
    publish(shallow, tmp_path / "scratch")
    assert run_git(shallow, "rev-list", "--count", REF) == "2"


@pytest.mark.parametrize("name", ["plain", "with space", 'quo"te', "new\nline", "back\\slash", "ü"])
def test_borrowed_objects_and_odd_folders(name: str, repo: Path, tmp_path: Path) -> None:
    """A tree that keeps nothing itself, by a relative way, in a folder of any name."""
    folder = tmp_path / name
    run_git(tmp_path, "clone", "-q", "--shared", str(repo), str(folder))
    (folder / ".git/objects/info/alternates").write_text("../../../tree/.git/objects\n")
    publish(folder, tmp_path / "scratch")


def test_a_replaced_commit_is_what_it_is(repo: Path, tmp_path: Path) -> None:
    base = run_git(repo, "rev-parse", "HEAD")
    other = commit_files(repo, {"fs/a.c": "int other;\n"}, "other\n")
    run_git(repo, "reset", "-q", "--hard", base)
    expected = publish(repo, tmp_path / "first")
    run_git(repo, "replace", base, other)
    assert publish(repo, tmp_path / "second") == expected


@pytest.mark.parametrize("path", ["../x", "./x", "a\nb", "a\0b", "\ud800", "", "/etc/passwd", "-x"])
def test_a_path_that_git_can_not_be_asked_for(path: str, repo: Path) -> None:
    tree = open_tree(repo)
    found = tree.check_names([f"HEAD:{path}", "HEAD:fs/a.c"])
    assert found[1] == run_git(repo, "rev-parse", "HEAD:fs/a.c")
    assert found[0] in (None, run_git(repo, "rev-parse", "HEAD:"))


@pytest.mark.parametrize("packed", [False, True])
def test_a_ref_is_deleted(packed: bool, repo: Path) -> None:
    tree = open_tree(repo)
    tree.update_refs({REF: tree.resolve_commit("HEAD"), f"{REF}0": tree.resolve_commit("HEAD")})
    if packed:
        run_git(repo, "pack-refs", "--all")
        tree.update_refs({REF: run_git(repo, "commit-tree", "-m", "x", "HEAD^{tree}")})
    with left_without_trace(repo):
        tree.update_refs({REF: None})
        tree.update_refs({REF: None, "refs/patchbot/never/v1": None})
    assert run_git(repo, "for-each-ref", "--format=%(refname)", "refs/patchbot") == f"{REF}0"


def test_a_ref_is_deleted_without_locking_all_refs(repo: Path) -> None:
    """A run killed while it holds packed-refs.lock would stand in the user's way for good."""
    tree = open_tree(repo)
    tree.update_refs({REF: tree.resolve_commit("HEAD")})
    lock = repo / ".git" / "packed-refs.lock"
    lock.touch()
    tree.update_refs({REF: None})
    assert tree.resolve_commit(REF) is None


def test_a_partial_clone_is_not_filled(repo: Path, tmp_path: Path) -> None:
    """What it lacks is an error of the tree: nothing is fetched, and no patch is to blame."""
    run_git(repo, "config", "uploadpack.allowFilter", "true")
    partial = tmp_path / "partial"
    run_git(
        tmp_path,
        "clone",
        "-q",
        "--no-checkout",
        "--filter=blob:none",
        f"file://{repo}",
        str(partial),
    )
    before = sorted(os.listdir(partial / ".git/objects/pack"))
    with pytest.raises(GitError, match=r"does not hold the content of 'fs/a\.c'"):
        publish(partial, tmp_path / "scratch")
    assert sorted(os.listdir(partial / ".git/objects/pack")) == before
