"""Killed at any moment, patchbot leaves the tree as it was, and the next run answers the same."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from patchbot.demo import find_mbox, make_base_repository
from tests.support import ROOT
from tests.support.cli import run_cli
from tests.support.git_tree import run_git, tree_fingerprint

MBOXES = [find_mbox(f"page-protect-v{n}.mbox") for n in (1, 2, 3)]
KILLS = 50
SEED = 20261121


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    make_base_repository(tmp_path / "tree")
    return tmp_path / "tree"


def arguments(tree: Path) -> list[str]:
    return ["review", *map(str, MBOXES), "--tree", str(tree), "--plain", "--json", "--no-cache"]


def start(tree: Path) -> subprocess.Popen[bytes]:
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "kernel-sim")])}
    return subprocess.Popen(
        [sys.executable, "-m", "patchbot", *arguments(tree)],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def comparable(document: Any) -> Any:
    """The document without what differs from run to run."""
    for revision in document["revisions"]:
        for result in revision["stages"].values():
            result.pop("seconds")
    return document


def living_children(session: int) -> list[int]:
    """The processes whose group leader is gone but that still run git for patchbot."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            environ = (entry / "environ").read_bytes()
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if f"PATCHBOT_HOME={os.environ['PATCHBOT_HOME']}\0".encode() in environ and state != "Z":
            found.append(int(entry.name))
    return [pid for pid in found if pid not in (os.getpid(), session)]


@pytest.mark.slow
def test_killed_fifty_times(tree: Path) -> None:
    expected = comparable(run_cli(*arguments(tree)).document)
    whole_s = run_cli(*arguments(tree)).seconds
    before = tree_fingerprint(tree)
    choose = random.Random(SEED)
    killed = 0
    for _ in range(4 * KILLS):
        if killed == KILLS:
            break
        process = start(tree)
        time.sleep(choose.uniform(0.05, 0.95) * whole_s)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            killed += 1
        process.wait()
        assert tree_fingerprint(tree) == before
    assert killed == KILLS
    again = run_cli(*arguments(tree))
    assert comparable(again.document) == expected
    assert tree_fingerprint(tree) == before
    home = Path(os.environ["PATCHBOT_HOME"])
    assert list((home / "tmp").iterdir()) == []
    assert run_git(tree, "fsck", "--no-dangling") == ""


def test_a_stale_lock_of_a_killed_run_is_no_obstacle(tree: Path) -> None:
    first = run_cli(*arguments(tree)).document
    ref = first["revisions"][0]["stages"]["apply"]["data"]["ref"]
    run_git(tree, "update-ref", "-d", ref)
    lock = tree / ".git" / f"{ref}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()
    assert comparable(run_cli(*arguments(tree)).document) == comparable(first)
    assert not lock.exists()


@pytest.mark.parametrize("part", [0.3, 0.5, 0.7, 0.8, 0.9])
def test_interrupted(part: float, tree: Path) -> None:
    """Ctrl-C ends it at once, and leaves no process and no folder behind."""
    whole_s = run_cli(*arguments(tree)).seconds
    before = tree_fingerprint(tree)
    process = start(tree)
    time.sleep(part * whole_s)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=10) in (0, 1, 3, 130, -signal.SIGINT)
    assert tree_fingerprint(tree) == before
    assert living_children(process.pid) == []
    folder = Path(os.environ["PATCHBOT_HOME"]) / "tmp"
    assert not folder.exists() or list(folder.iterdir()) == []
