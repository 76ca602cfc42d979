"""The guest program that stores through mappings, tried here on a file of this machine's."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

import pytest

from patchbot.qemu.programs import compile_program
from tests.support.require import require


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require("gcc")
    home = tmp_path_factory.mktemp("home")
    path = home / "mapped_writer"
    path.write_bytes(compile_program("mapped_writer.c", home))
    path.chmod(0o755)
    return path


def _run(program: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [str(program), "-f", str(folder / "data"), "-k", str(folder / "sync"), *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60)


def test_it_stores_to_all_of_a_file_and_commits(program: Path, tmp_path: Path) -> None:
    done = _run(program, tmp_path, "-p", "3", "-t", "100", "-m", "600", "-y", "1", "-n", "1")
    assert done.returncode == 0, done.stderr
    line = r"stores (\d+) joins (\d+) writes \d+ commits (\d+) syncs \d+\n"
    counts = re.fullmatch(line, done.stdout)
    assert counts is not None
    assert all(int(count) > 0 for count in counts.groups())
    data = (tmp_path / "data").read_bytes()
    assert len(data) == 2 * 4096 + 100
    for page in (data[:4096], data[4096:8192], data[8192:]):
        assert page.strip(b"a")
    assert (tmp_path / "sync.0").stat().st_size


def test_it_goes_on_until_so_many_commits_were_forced(program: Path, tmp_path: Path) -> None:
    enough = _run(program, tmp_path, "-p", "1", "-w", "1", "-m", "700", "-u", "2")
    assert int(enough.stdout.split()[7]) >= 2
    start = time.monotonic()
    never = _run(program, tmp_path, "-p", "1", "-w", "1", "-m", "100", "-u", "1000000")
    assert never.returncode == 0, never.stderr
    assert time.monotonic() - start >= 0.8


@pytest.mark.parametrize(
    ("words", "code"),
    [(["-p", "0"], 2), (["-p", "x"], 2), (["-t", "4096"], 2), (["-w", "99"], 2), (["extra"], 2)],
)
def test_options_that_make_no_sense_are_refused(
    program: Path, tmp_path: Path, words: list[str], code: int
) -> None:
    done = _run(program, tmp_path, *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("mapped_writer: ")


def test_what_can_not_be_written_is_said(program: Path, tmp_path: Path) -> None:
    done = _run(program, tmp_path / "absent", "-m", "100")
    assert done.returncode == 1
    assert "No such file" in done.stderr


def test_a_worker_that_fails_is_a_failure(program: Path, tmp_path: Path) -> None:
    (tmp_path / "sync.0").mkdir()
    done = _run(program, tmp_path, "-p", "2", "-m", "100")
    assert done.returncode == 1
    assert "sync.0: Is a directory" in done.stderr
