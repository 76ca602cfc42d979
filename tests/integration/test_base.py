"""The base of a revision: which commit, and how it was found."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbot.errors import TreeError
from patchbot.git import Repository
from patchbot.mail.message import parse_mail
from patchbot.mail.series import build_series
from patchbot.mail.thread import Mails
from patchbot.model import Revision
from patchbot.tree import find_base, open_tree
from tests.support.git_tree import commit_files, make_git_tree, run_git

OLD, NEW, NEWEST = "int a;\n", "int a;\nint b;\n", "int a;\nint c;\n"


def make_revision(repo: Path, before: str, *, footer: str = "", blob: bool = True) -> Revision:
    """A patch that was made for `before` as the content of fs/a.c."""
    old = run_git(repo, "hash-object", "-w", "--stdin", stdin=before.encode())[:12]
    new = run_git(repo, "hash-object", "-w", "--stdin", stdin=b"int changed;\n")[:12]
    index = f"index {old}..{new} 100644\n" if blob else ""
    body = (
        f"Why.\n---\ndiff --git a/fs/a.c b/fs/a.c\n{index}--- a/fs/a.c\n+++ b/fs/a.c\n"
        f"@@ -1 +1 @@\n-{before.splitlines()[0]}\n+int changed;\n-- \n2.39\n{footer}"
    )
    raw = (
        "From: Ada <a@example.org>\nDate: Mon, 14 Sep 2020 10:11:12 +0000\n"
        f"Message-ID: <1@example.org>\nSubject: [PATCH] fs: x\n\n{body}"
    )
    return build_series(Mails([parse_mail(raw.encode())]))[0].revisions[0]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    top = make_git_tree(tmp_path / "tree", {"fs/a.c": OLD, "other": "1\n"})
    run_git(top, "branch", "old")
    commit_files(top, {"fs/a.c": NEW}, "new\n")
    run_git(top, "tag", "v1")
    commit_files(top, {"fs/a.c": NEWEST}, "newest\n")
    return top


@pytest.fixture
def tree(repo: Path) -> Repository:
    return open_tree(repo)


def commit(repo: Path, name: str) -> str:
    return run_git(repo, "rev-parse", f"{name}^{{commit}}")


def test_the_one_named_wins(repo: Path, tree: Repository) -> None:
    footer = f"base-commit: {commit(repo, 'HEAD')}\n"
    base = find_base(tree, make_revision(repo, NEW, footer=footer), "old", ["v1"])
    assert (base.commit, base.guess) == (commit(repo, "old"), False)
    assert "--base old" in base.how


@pytest.mark.parametrize("name", ["no-such", "--all", "v1:fs/a.c", ""])
def test_a_name_that_is_no_commit(name: str, repo: Path, tree: Repository) -> None:
    with pytest.raises(TreeError, match="no commit"):
        find_base(tree, make_revision(repo, NEW), name)


def test_the_trailer_comes_before_the_blobs(repo: Path, tree: Repository) -> None:
    footer = f"base-commit: {commit(repo, 'HEAD')}\n"
    base = find_base(tree, make_revision(repo, OLD, footer=footer), None)
    assert (base.commit, base.how) == (commit(repo, "HEAD"), "its base-commit trailer")


@pytest.mark.parametrize(("content", "name"), [(NEWEST, "HEAD"), (NEW, "v1"), (OLD, "old")])
def test_the_blobs_find_head_tags_and_branches(
    content: str, name: str, repo: Path, tree: Repository
) -> None:
    base = find_base(tree, make_revision(repo, content), None, ["HEAD"])
    assert base.commit == commit(repo, name)
    assert base.how.startswith("its index lines: 1 of 1 files")
    assert not base.guess


def test_the_blobs_find_a_commit_that_only_history_has(repo: Path, tree: Repository) -> None:
    wanted = commit(repo, "v1")
    run_git(repo, "tag", "-d", "v1")
    commit_files(repo, {"other": "2\n"}, "after\n")
    assert find_base(tree, make_revision(repo, NEW), None).commit == wanted


def test_our_own_refs_are_no_base(repo: Path, tree: Repository) -> None:
    """A commit that only refs/patchbot names, such as an applied revision, is not found."""
    hidden = commit_files(repo, {"fs/a.c": "int hidden;\n"}, "hidden\n")
    run_git(repo, "reset", "-q", "--hard", "HEAD^")
    run_git(repo, "update-ref", "refs/patchbot/x/v1", hidden)
    base = find_base(tree, make_revision(repo, "int hidden;\n"), None)
    assert (base.commit, base.guess) == (commit(repo, "HEAD"), True)


def test_a_trailer_that_the_tree_lacks_is_said(repo: Path, tree: Repository) -> None:
    revision = make_revision(repo, NEW, footer=f"base-commit: {'1' * 40}\n")
    base = find_base(tree, revision, None)
    assert base.commit == commit(repo, "v1")
    assert "its base-commit 111111111111 is not in the tree" in base.how


def test_the_catalogue_comes_before_the_guess(repo: Path, tree: Repository) -> None:
    base = find_base(tree, make_revision(repo, "int gone;\n"), None, ["v9", "v1"])
    assert (base.commit, base.how) == (commit(repo, "v1"), "the catalogue says v1")


def test_head_is_a_guess(repo: Path, tree: Repository) -> None:
    base = find_base(tree, make_revision(repo, "int gone;\n"), None)
    assert (base.commit, base.guess) == (commit(repo, "HEAD"), True)
    assert base.how == "HEAD, a guess: 0 of 1 files are as the patches expect"
    without = find_base(tree, make_revision(repo, NEW, blob=False), None)
    assert "no index lines" in without.how


def test_another_projects_patch_is_said(repo: Path, tree: Repository) -> None:
    run_git(repo, "rm", "-q", "fs/a.c")
    run_git(repo, "commit", "-q", "-m", "gone")
    base = find_base(tree, make_revision(repo, "int gone;\n"), None)
    assert "another tree" in base.how


def test_a_tree_without_a_commit(tmp_path: Path, repo: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    run_git(empty, "init", "-q")
    with pytest.raises(TreeError, match="no commit yet"):
        find_base(open_tree(empty), make_revision(repo, NEW), None)


def test_no_tree(tmp_path: Path) -> None:
    for place in (tmp_path / "nothing", tmp_path):
        with pytest.raises(TreeError):
            open_tree(place)
    (tmp_path / "file").write_text("x")
    with pytest.raises(TreeError):
        open_tree(tmp_path / "file")


def test_a_shallow_clone(repo: Path, tmp_path: Path) -> None:
    shallow = tmp_path / "shallow"
    run_git(tmp_path, "clone", "-q", "--depth=1", f"file://{repo}", str(shallow))
    base = find_base(open_tree(shallow), make_revision(repo, NEWEST), None)
    assert not base.guess
