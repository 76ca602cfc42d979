"""Worker processes: answers, errors, a worker that dies, Ctrl-C, and nothing left behind."""

from __future__ import annotations

import operator
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from patchbot.errors import CancelledError
from patchbot.proc import PROCESSES
from patchbot.workers import WorkerError, Workers


@pytest.fixture
def workers() -> Iterator[Workers]:
    made = Workers(2)
    yield made
    made.end()


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_until_gone(pids: list[int]) -> list[int]:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and any(map(is_alive, pids)):
        time.sleep(0.05)
    return [pid for pid in pids if is_alive(pid)]


def test_answers_come_from_other_processes_and_in_order(workers: Workers) -> None:
    assert workers.call(os.getpid) != os.getpid()
    assert list(workers.map(len, ["abc", "", "a"])) == [3, 0, 1]


def test_what_a_function_raises(workers: Workers) -> None:
    with pytest.raises(ZeroDivisionError):
        workers.call(operator.truediv, 1, 0)
    assert workers.call(operator.add, 1, 2) == 3


def test_a_worker_that_dies_is_an_error_and_the_next_call_works(workers: Workers) -> None:
    with pytest.raises(WorkerError, match="ended without an answer"):
        workers.call(os._exit, 1)
    assert workers.call(operator.add, 1, 2) == 3


def test_stopping_ends_the_workers_whatever_they_do(workers: Workers) -> None:
    pid = workers.call(os.getpid)
    timer = threading.Timer(0.3, PROCESSES.cancel)
    timer.start()
    try:
        with pytest.raises(CancelledError):
            workers.call(time.sleep, 60)
    finally:
        timer.join()
        PROCESSES.reset()
    assert wait_until_gone([pid]) == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_worker_outlives_a_killed_patchbot(number: signal.Signals) -> None:
    script = (
        "import os, time\n"
        "from patchbot.workers import Workers\n"
        "if __name__ == '__main__':\n"
        "    workers = Workers(2)\n"
        "    print(workers.call(os.getpid), flush=True)\n"
        "    workers.call(time.sleep, 60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        pid = int(child.stdout.readline())
        time.sleep(0.3)
        child.send_signal(number)
    assert wait_until_gone([pid]) == []
