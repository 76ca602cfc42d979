"""`patchbot tree import`: from a package or a folder, twice, and with what is no kernel."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from patchbot.cli import main
from patchbot.diagnostics import ExitCode
from patchbot.importing import find_import, import_archive, name_import
from patchbot.proc import PROCESSES
from tests.support.git_tree import run_git

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def fresh_processes() -> Iterator[None]:
    yield
    PROCESSES.reset()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    top = tmp_path / "linux-9.9"
    (top / "fs").mkdir(parents=True)
    for name in ("Makefile", "Kconfig", "fs/x.c"):
        (top / name).write_text(f"{name}\n")
    (top / "fs" / "run").write_text("#!/bin/sh\n")
    (top / "fs" / "run").chmod(0o755)
    (top / "fs" / "link").symlink_to("x.c")
    (top / "fs" / "away").symlink_to("..")
    return top


@pytest.fixture
def archive(folder: Path) -> Path:
    path = folder.with_name("linux-9.9.tar.xz")
    with tarfile.open(path, "w:xz") as out:
        out.add(folder, folder.name)
    return path


def test_a_package(archive: Path, tmp_path: Path, capsys: Captured) -> None:
    os.chdir(tmp_path)
    assert main(["tree", "import", str(archive)]) == ExitCode.ACCEPT
    captured = capsys.readouterr()
    assert captured.out == "linux-9.9.git\n"
    assert "6 files, one commit" in captured.err
    assert run_git(tmp_path / "linux-9.9.git", "show", "HEAD:fs/x.c") == "fs/x.c"


def test_a_second_time_says_so(
    archive: Path, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    into = tmp_path / "deep" / "tree.git"
    args = ["tree", "import", str(archive), str(into)]
    assert main(args) == ExitCode.ACCEPT
    capsys.readouterr()
    monkeypatch.setattr("patchbot.tree_command.import_archive", None)
    assert main(args) == ExitCode.ACCEPT
    captured = capsys.readouterr()
    assert captured.out == f"{into}\n"
    assert "before: 6 files" in captured.err
    os.utime(archive, (1, 1))
    assert main(args) == ExitCode.COULD_NOT_RUN
    assert "was not made of" in capsys.readouterr().err


def test_a_folder_gives_the_tree_of_its_package(
    folder: Path, archive: Path, tmp_path: Path
) -> None:
    trees = []
    for number, source in enumerate((folder, archive)):
        into = tmp_path / f"tree-{number}"
        assert main(["tree", "import", str(source), str(into)]) == ExitCode.ACCEPT
        trees.append(run_git(into, "rev-parse", "HEAD^{tree}"))
    assert trees[0] == trees[1]
    assert main(["tree", "import", str(folder), str(tmp_path / "tree-0")]) == ExitCode.ACCEPT


def test_what_is_no_source(folder: Path, tmp_path: Path, capsys: Captured) -> None:
    into = str(tmp_path / "tree")
    assert main(["tree", "import", str(tmp_path / "gone"), into]) == ExitCode.USAGE
    assert "no such file" in capsys.readouterr().err
    (folder / "Kconfig").unlink()
    assert main(["tree", "import", str(folder), into]) == ExitCode.COULD_NOT_RUN
    assert "has no Kconfig at its top" in capsys.readouterr().err
    (folder / ".git").mkdir()
    assert main(["tree", "import", str(folder), into]) == ExitCode.COULD_NOT_RUN
    assert "--tree" in capsys.readouterr().err
    assert sorted(each.name for each in tmp_path.iterdir()) == ["linux-9.9"]


def test_a_place_that_can_not_be_written(archive: Path, tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "file").write_text("x")
    code = main(["tree", "import", str(archive), str(tmp_path / "file" / "tree")])
    assert code == ExitCode.COULD_NOT_RUN
    assert f"{tmp_path}/file/tree: File exists" in capsys.readouterr().err


def test_what_a_killed_run_left_is_removed(archive: Path, tmp_path: Path) -> None:
    gone, mine = tmp_path / "t.git.part-999999999", tmp_path / f"t.git.part-{os.getppid()}"
    for each in (gone, mine):
        each.mkdir()
    import_archive(archive, tmp_path / "t.git")
    assert not gone.exists()
    assert mine.exists()


def test_only_its_own_record_counts(archive: Path, tmp_path: Path) -> None:
    assert find_import(archive, tmp_path) is None
    (tmp_path / "patchbot-import.json").write_text("[]")
    assert find_import(archive, tmp_path) is None


@pytest.mark.parametrize(
    "name", ["linux-6.1.tar.xz", "linux-6.1.tgz", "linux-6.1.tar", "linux-6.1"]
)
def test_names(name: str, tmp_path: Path) -> None:
    assert name_import(tmp_path / name) == "linux-6.1.git"
