"""A git tree made of an archive: the files as they are, the same commit again, and nothing left."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from patchbot.errors import CancelledError, TreeError
from patchbot.importing import import_archive
from patchbot.proc import PROCESSES
from tests.support.git_tree import run_git

FILES = {
    "Makefile": (b"all:\n", 0o644),
    "scripts/run me.sh": (b"#!/bin/sh\n", 0o755),
    'odd "name"\\x': (b"\0\xff", 0o644),
    "empty": (b"", 0o644),
}


def make_archive(path: Path, mode: str = "w:xz") -> Path:
    with tarfile.open(path, mode) as out:
        for name, (data, bits) in FILES.items():
            info = tarfile.TarInfo(f"linux-9.9/{name}")
            info.size, info.mode = len(data), bits
            out.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("linux-9.9/link")
        link.type, link.linkname = tarfile.SYMTYPE, "Makefile"
        out.addfile(link)
        for bad in ("linux-9.9/../../evil", "linux-9.9/.git/config"):
            info = tarfile.TarInfo(bad)
            info.size = 1
            out.addfile(info, io.BytesIO(b"x"))
    return path


@pytest.mark.parametrize("mode", ["w:xz", "w:gz", "w"])
def test_the_files_are_there_with_their_modes(tmp_path: Path, mode: str) -> None:
    made = import_archive(make_archive(tmp_path / "linux.tar", mode), tmp_path / "tree")
    assert made.files == 5
    listed = run_git(made.repository, "ls-tree", "-r", "-z", made.commit).split("\0")
    modes = {entry.partition("\t")[2]: entry[:6] for entry in listed if entry}
    assert modes == {
        "Makefile": "100644", "scripts/run me.sh": "100755", 'odd "name"\\x': "100644",
        "empty": "100644", "link": "120000",
    }  # fmt: skip
    assert run_git(made.repository, "cat-file", "-p", f"{made.commit}:link") == "Makefile"
    assert run_git(made.repository, "rev-parse", "master") == made.commit


def test_the_same_archive_gives_the_same_commit(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "linux.tar.xz")
    one, two = (import_archive(archive, tmp_path / name) for name in ("a", "b"))
    assert one.commit == two.commit
    other = import_archive(archive, tmp_path / "c", wanted=lambda path: path == "Makefile")
    assert other.files == 1
    assert other.commit != one.commit


@pytest.mark.parametrize("content", [b"", b"no archive", b"\xfd7zXZ\0broken"])
def test_an_archive_that_can_not_be_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.tar.xz").write_bytes(content)
    with pytest.raises(TreeError, match=r"x\.tar\.xz"):
        import_archive(tmp_path / "x.tar.xz", tmp_path / "tree")
    assert not (tmp_path / "tree").exists()


def test_a_truncated_archive_leaves_nothing(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "x.tar.xz")
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    with pytest.raises(TreeError):
        import_archive(archive, tmp_path / "tree")
    assert not (tmp_path / "tree").exists()


def test_stopped_in_the_middle(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "x.tar.xz")
    try:
        with pytest.raises(CancelledError):
            import_archive(archive, tmp_path / "t", tick=lambda count, share: PROCESSES.cancel())
    finally:
        PROCESSES.reset()
    assert not (tmp_path / "t").exists()


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    with pytest.raises(TreeError, match="is there already"):
        import_archive(make_archive(tmp_path / "x.tar.xz"), tmp_path / "tree")
    assert (tmp_path / "tree").is_dir()
