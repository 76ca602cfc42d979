"""Folders of runs: made, removed, swept after a kill, and never taken from a living run."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from patchbot.errors import CancelledError, StoreError
from patchbot.proc import PROCESSES
from patchbot.workspace import kept_folder, kept_name, make_lock, run_folder, sweep_folders


def test_a_folder_lives_as_long_as_the_run(tmp_path: Path) -> None:
    with run_folder(tmp_path) as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "file").write_text("x")
        assert sweep_folders(folder.parent) == []
        assert folder.is_dir()
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_failing_run_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), run_folder(tmp_path):
        raise KeyboardInterrupt
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_kept_folder(tmp_path: Path) -> None:
    with run_folder(tmp_path, keep=True) as folder:
        (folder / "file").write_text("x")
    assert (kept_name(folder) / "file").read_text() == "x"
    assert list((tmp_path / "tmp").iterdir()) == []


def test_the_folder_of_a_dead_run_goes_with_the_next_start(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        with run_folder(tmp_path):
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert len(list((tmp_path / "tmp").glob("run-*"))) == 2
    with run_folder(tmp_path) as folder:
        left = {path.name for path in (tmp_path / "tmp").iterdir()}
        assert left == {folder.name, f"{folder.name}.lock"}


def test_many_runs_at_once(tmp_path: Path) -> None:
    """Everybody sweeps while everybody else starts; no living folder is lost."""
    lost: list[Path] = []

    def run() -> None:
        for _ in range(30):
            with run_folder(tmp_path) as folder:
                if not folder.is_dir():
                    lost.append(folder)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lost == []
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_home_that_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("x")
    with pytest.raises(StoreError, match="home"), run_folder(tmp_path / "home"):
        pass


def test_a_lock_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    inside: list[int] = []
    seen: list[int] = []

    def call() -> None:
        inside.append(1)
        seen.append(len(inside))
        inside.pop()

    def run() -> None:
        locked = make_lock(tmp_path, "tree")
        for _ in range(20):
            locked(call)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [1] * 80


def test_waiting_for_a_lock_can_be_stopped(tmp_path: Path) -> None:
    one, two = make_lock(tmp_path, "tree"), make_lock(tmp_path, "tree")
    timer = threading.Timer(0.2, PROCESSES.cancel)

    def inner() -> None:
        timer.start()
        with pytest.raises(CancelledError):
            two(lambda: None)

    try:
        one(inner)
    finally:
        PROCESSES.reset()


def test_kept_folders_are_few_and_the_one_in_use_stays(tmp_path: Path) -> None:
    with kept_folder(tmp_path, "kbuild", "used all the time", 2) as first:
        (first / "file").write_text("x")
        os.utime(first, (1, 1))
        for key in ("a", "b", "c"):
            with kept_folder(tmp_path, "kbuild", key, 2) as folder:
                last = folder
        left = {path for path in (tmp_path / "kbuild").iterdir() if path.is_dir()}
        assert {first, last} <= left
        assert len(left) <= 3
        assert (first / "file").read_text() == "x"
    with kept_folder(tmp_path, "kbuild", "c", 1) as folder:
        assert folder == last
        assert [path for path in (tmp_path / "kbuild").iterdir() if path.is_dir()] == [last]


def test_a_kept_folder_has_one_user_at_a_time(tmp_path: Path) -> None:
    events: list[str] = []

    def use() -> None:
        with kept_folder(tmp_path, "kbuild", "one", 2):
            events.append("second")

    with kept_folder(tmp_path, "kbuild", "one", 2):
        thread = threading.Thread(target=use)
        thread.start()
        thread.join(0.3)
        events.append("first")
    thread.join()
    assert events == ["first", "second"]


def test_waiting_for_a_kept_folder_can_be_stopped(tmp_path: Path) -> None:
    with kept_folder(tmp_path, "kbuild", "one", 2):
        PROCESSES.cancel()
        try:
            with pytest.raises(CancelledError), kept_folder(tmp_path, "kbuild", "one", 2):
                pytest.fail("two users at once")
        finally:
            PROCESSES.reset()
