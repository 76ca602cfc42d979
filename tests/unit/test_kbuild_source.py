"""A base's files on disk, a series' C laid over them, and the base again afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbot.errors import GitError
from patchbot.git import make_scratch
from patchbot.kbuild.source import SourceFolder, group_of, is_exported, is_laid_over
from patchbot.static.sources import BlobReader, CommitSources
from patchbot.tree import open_tree
from tests.support.git_tree import commit_files, make_git_tree, run_git

FILES = {
    "Makefile": "all:\n",
    "Kconfig": "menu\n",
    "fs/demo/a.c": "int a;\n",
    "fs/demo/Makefile": "obj-y += a.o\n",
    "drivers/walnut/w.c": "int w;\n",
    "drivers/walnut/Kconfig": "config W\n",
    "scripts/tool.c": "int tool;\n",
    "include/linux/a.h": "extern int a;\n",
}


class Made:
    """A repository, a source folder for it, and readers of two commits."""

    def __init__(self, top: Path, later: dict[str, str]) -> None:
        path = make_git_tree(top / "tree", FILES)
        self.base = run_git(path, "rev-parse", "HEAD")
        self.last = commit_files(path, later, "later\n")
        self.tree = open_tree(path)
        self.top = top
        self.folder = top / "source"
        self.source = SourceFolder(self.folder, top / "state.json")

    def export(self, *groups: str) -> None:
        self.source.export(make_scratch(self.tree, self.top / "scratch"), self.base, groups)

    def reader(self, commit: str) -> CommitSources:
        return CommitSources(BlobReader(self.tree), commit)

    def files(self) -> dict[str, str]:
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)): path.read_text() for path in found}


def test_only_what_is_needed_and_asked_for_is_written(tmp_path: Path) -> None:
    made = Made(tmp_path, {})
    made.export("fs")
    assert made.files() == {k: v for k, v in FILES.items() if k != "drivers/walnut/w.c"}
    made.export("drivers/walnut")
    assert made.files() == FILES


def test_c_of_a_series_is_laid_over_and_taken_away_again(tmp_path: Path) -> None:
    later = {
        "fs/demo/a.c": "int changed;\n",
        "fs/demo/new/n.c": "int n;\n",
        "fs/demo/Makefile": "$(shell evil)\n",
        "scripts/tool.c": "int evil;\n",
    }
    made = Made(tmp_path, later)
    made.export("fs", "drivers/walnut")
    made.source.lay_over(sorted(later), made.reader(made.last).read)
    changed = {"fs/demo/a.c": "int changed;\n", "fs/demo/new/n.c": "int n;\n"}
    assert made.files() == FILES | changed
    # As a killed run leaves it: another object, which knows only what stands on the disk.
    SourceFolder(made.folder, tmp_path / "state.json").reset(made.reader(made.base).read)
    assert made.files() == FILES


def test_a_file_that_the_series_removes(tmp_path: Path) -> None:
    made = Made(tmp_path, {})
    run_git(made.tree.top, "rm", "-q", "fs/demo/a.c")
    run_git(made.tree.top, "commit", "-q", "-m", "remove")
    made.export("fs")
    made.source.lay_over(["fs/demo/a.c"], made.reader("HEAD").read)
    assert "fs/demo/a.c" not in made.files()


def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    made = Made(tmp_path, {})
    made.export("fs")
    outside = tmp_path / "outside"
    outside.mkdir()
    (made.folder / "fs" / "link").symlink_to(outside)
    with pytest.raises(GitError, match="leads out of the tree"):
        made.source.lay_over(["fs/link/x.c"], lambda path: b"int x;\n")
    assert list(outside.iterdir()) == []
    (made.folder / "fs" / "y.c").symlink_to(outside / "y.c")
    made.source.lay_over(["fs/y.c"], lambda path: b"int y;\n")
    assert list(outside.iterdir()) == []
    assert (made.folder / "fs" / "y.c").read_text() == "int y;\n"


def test_a_base_without_any_file_of_use(tmp_path: Path) -> None:
    path = make_git_tree(tmp_path / "tree", {"notes.txt": "x"})
    source = SourceFolder(tmp_path / "source", tmp_path / "state.json")
    scratch = make_scratch(open_tree(path), tmp_path / "scratch")
    with pytest.raises(GitError, match="has no files of fs"):
        source.export(scratch, run_git(path, "rev-parse", "HEAD"), ["fs"])


@pytest.mark.parametrize(
    ("path", "group", "used"),
    [
        ("fs/ext4/inode.c", "fs", True),
        ("drivers/gpu/drm/x.h", "drivers/gpu", True),
        ("drivers/x.c", "drivers", True),
        ("init.c", "init.c", True),
        ("tools/objtool/check.c", "tools/objtool", False),
        ("scripts/mod/modpost.c", "scripts", False),
        ("fs/ext4/Makefile", "fs", False),
    ],
)
def test_groups_and_what_is_used(path: str, group: str, used: bool) -> None:
    assert group_of(path) == group
    assert is_laid_over(path) is used


def test_every_kconfig_and_makefile_is_written() -> None:
    for path in ("drivers/a/b/Kconfig.debug", "sound/Makefile", "arch/sparc/Kbuild", "Kconfig"):
        assert is_exported(path, ())
    assert not is_exported("drivers/a/b/c.c", ())
