"""Files of a commit in a folder: regular ones only, and none outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbot.errors import TreeError
from patchbot.exporting import _check_path, export_commit
from patchbot.git import Repository
from patchbot.tree import find_tree
from tests.support.git_tree import make_git_tree, run_git


@pytest.fixture
def tree(tmp_path: Path) -> Repository:
    top = make_git_tree(tmp_path / "tree", {"fs/a.c": "int a;\n", "b c.h": "x\n", "mm/d.c": ""})
    (top / "link.c").symlink_to("/etc/passwd")
    run_git(top, "add", "-A")
    run_git(top, "commit", "-qm", "link")
    (top / "fs/a.c").write_text("not committed\n")
    found = find_tree(top, None)
    assert found is not None
    return found


def test_regular_files_as_they_were_committed(tree: Repository, tmp_path: Path) -> None:
    commit = str(tree.resolve_commit("HEAD"))
    out = tmp_path / "out"
    assert sorted(export_commit(tree, commit, out)) == ["b c.h", "fs/a.c", "mm/d.c"]
    assert (out / "fs/a.c").read_text() == "int a;\n"
    assert not (out / "link.c").is_symlink()
    assert sorted(path.name for path in out.rglob("*") if path.is_file()) == ["a.c", "b c.h", "d.c"]


def test_only_some_folders(tree: Repository, tmp_path: Path) -> None:
    commit = str(tree.resolve_commit("HEAD"))
    assert export_commit(tree, commit, tmp_path / "out", ["fs", "b c.h"]) == ["b c.h", "fs/a.c"]


def test_not_too_much(tree: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patchbot.exporting._MAX_BYTES", 8)
    with pytest.raises(TreeError, match="more than"):
        export_commit(tree, str(tree.resolve_commit("HEAD")), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("path", ["../a", "a/../b", "/a", "a//b", ".git/config", "a/.GIT/x", "."])
def test_paths_that_lead_elsewhere(path: str) -> None:
    with pytest.raises(TreeError, match="is no path"):
        _check_path(path)


def test_paths_that_are_fine() -> None:
    for path in ("a", "a/b.c", ".gitignore", "a/..b"):
        _check_path(path)
