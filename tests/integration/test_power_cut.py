"""Patchbot and every git it started die at the same moment, as when the power fails."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from patchbot.demo import make_base_repository
from tests.integration.test_kill import arguments, comparable, start
from tests.support.cli import run_cli
from tests.support.git_tree import run_git, tree_state

CUTS = 20
SEED = 5911


def descendants(top: int) -> list[int]:
    """The ids of all processes below `top`, whatever their session."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry.name))
    found = [top]
    for each in found:
        found += children.get(each, [])
    return found[1:]


def cut_power(process: subprocess.Popen[bytes]) -> int:
    """Kill a process and all below it, none of which goes on meanwhile; returns how many."""
    process.send_signal(signal.SIGSTOP)
    below = descendants(process.pid)
    for each in [*below, process.pid]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)
    process.wait()
    return len(below)


@pytest.mark.slow
def test_the_power_fails(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    make_base_repository(tree)
    begin = time.monotonic()
    expected = comparable(run_cli(*arguments(tree)).document)
    whole_s = time.monotonic() - begin
    before = tree_state(tree)
    choose = random.Random(SEED)
    killed = 0
    for number in range(CUTS):
        if number % 4 == 0:  # every ref is deleted or made anew in the runs that follow
            run_git(tree, "pack-refs", "--all")
            before = tree_state(tree)
        process = start(tree)
        time.sleep(choose.uniform(0.4, 1.0) * whole_s)
        killed += cut_power(process)
        assert tree_state(tree) == before
    assert killed > 0
    again = run_cli(*arguments(tree))
    assert comparable(again.document) == expected
    assert tree_state(tree) == before
    assert list((Path(os.environ["PATCHBOT_HOME"]) / "tmp").iterdir()) == []
    assert run_git(tree, "fsck", "--no-dangling") == ""
