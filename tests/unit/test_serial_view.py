"""Serial logs: which there are, what is decisive, what has the words, and files that grow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from patchbot.qemu.console import find_decisive
from patchbot.tui.tail import Tail
from patchbot.view.matrix import Live
from patchbot.view.serial import LogFile, find_logs, find_words, log_of, read_lines, say_log

LOG = [
    "Linux version 6.1.0",
    "Command line: oops=panic panic_on_warn=1",
    "m12 ok 1 - boots",
    "m12 not ok 2 - files # one is not",
    "[    3.1] m12 not ok 3 - more",
    "somebody says not ok 4",
    "[    3.2][  T12] WARNING: CPU: 0 PID: 9 at fs/ext4/inode.c:3 ext4_nut+0x1/0x2",
    "BUG: kernel NULL pointer dereference",
    "he said BUG: no",
    "[    4.0] Kernel panic - not syncing: Fatal exception",
]


def result(**data: Any) -> dict[str, Any]:
    return {"stage": "smoke", "data": data}


def test_decisive_lines_are_complaints_and_what_is_not_ok() -> None:
    assert find_decisive(LOG) == [3, 4, 6, 7, 9]
    assert find_decisive([]) == []


def test_kept_logs_have_the_names_of_those_that_grew() -> None:
    kept = result(logs={"boot": "/l/1", "flip": "/l/2"}, base_logs={"boot": "/l/3", "flip": ""})
    names = [LogFile("boot on the base", "/l/3"), LogFile("boot on the revision", "/l/1"),
             LogFile("flip on the revision", "/l/2")]  # fmt: skip
    assert find_logs(kept, None, "v1", "smoke") == names
    assert log_of(names, "flip") == 2
    assert log_of(names, "elm") == 0
    assert find_logs(result(), None, "v1", "smoke") == []
    assert find_logs(None, None, "v1", "smoke") == []


def test_logs_of_a_stage_that_runs_are_told() -> None:
    live = Live()
    for name, path in (("flip on the base", "/t/1"), ("boot on\x1b the base", "/t/2"),
                       ("flip on the base", "/kept/1")):  # fmt: skip
        live.take({"event": "log", "label": "v1", "stage": "smoke", "name": name, "path": path})
    found = find_logs(result(logs={"boot": "/l/1"}), live, "v1", "smoke")
    assert found == [
        LogFile("boot on\\x1b the base", "/t/2"),
        LogFile("flip on the base", "/kept/1"),
    ]
    kept = find_logs(result(logs={"boot": "/l/1"}), live, "v2", "smoke")
    assert kept == [LogFile("boot on the revision", "/l/1")]


def test_what_runs_or_waits_is_pending() -> None:
    live = Live(["v1"], ["apply", "static"])
    ended = {"stage": "apply"}
    live.take({"event": "ended", "label": "v1", "result": ended})
    assert live.pending() == {("v1", "static")}


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("OK", []),
        ("ok", [2, 3, 4, 5]),
        ("not ok", [3, 4, 5]),
        ("bug", [7, 8]),
        ("BUG", [7, 8]),
        ("", []),
    ],
)
def test_words_are_found(words: str, found: list[int]) -> None:
    assert find_words(LOG, words) == found


def test_a_line_can_not_command_the_terminal() -> None:
    assert read_lines("a\x1b[2J\r\n\tb") == ["a\\x1b[2J", "    b"]


def test_a_log_is_said() -> None:
    logs = [LogFile("boot on the base", "/1"), LogFile("boot on the revision", "/2")]
    assert say_log(logs, 1, 10, 5, live=False) == (
        "boot on the revision, 2 of 2: 10 lines, 5 decisive"
    )
    assert say_log(logs, 0, 1, 0, live=True) == (
        "boot on the base, 1 of 2: 1 lines, none decisive; followed as it grows"
    )


def test_a_file_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "serial.log"
    tail = Tail(str(path))
    assert tail.read() == (False, [])  # it is not there yet
    path.write_bytes(b"one\ntw")
    assert tail.read() == (False, ["one"])
    assert tail.read_rest() == "tw"
    path.write_bytes(b"one\ntwo\nth\xffree\n")
    assert tail.read() == (False, ["two", "th\ufffdree"])
    path.write_bytes(b"new\n")  # another boot
    assert tail.read() == (True, ["new"])
    path.unlink()
    assert tail.read() == (False, [])


def test_all_of_a_file_that_begins_anew_is_read_as_such(tmp_path: Path) -> None:
    path = tmp_path / "serial.log"
    path.write_bytes(b"one\ntwo\n")
    tail = Tail(str(path))
    assert tail.read_all() == (False, ["one", "two"])
    assert tail.read_all() == (False, [])
    path.write_bytes(b"new\n")
    assert tail.read_all() == (True, ["new"])
