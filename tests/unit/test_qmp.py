"""QMP's client: answers, events, errors, and a line that is not QMP."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from patchbot.qemu.qmp import Qmp, QmpError, connected_qmp, parse_line
from patchbot.qemu.sockets import GoneError, Line, SilentError

GREETING = {"QMP": {"version": {"qemu": {"major": 7, "minor": 2, "micro": 22}}, "capabilities": []}}
DONE: dict[str, object] = {"return": {}}
EVENT = {"event": "STOP", "timestamp": {"seconds": 1, "microseconds": 2}}


class FakeQmp:
    """Answers each command with the next values of a plan; `asked` is what the client sent."""

    def __init__(self, *plan: Sequence[object] | bytes) -> None:
        self.plan = list(plan)
        self.asked: list[dict[str, object]] = []

    def serve(self, line: socket.socket) -> None:
        with line, line.makefile("rb") as lines, contextlib.suppress(OSError):
            self._say(line)
            for each in lines:
                self.asked.append(json.loads(each))
                if not self.plan:
                    return
                self._say(line)

    def _say(self, line: socket.socket) -> None:
        said = self.plan.pop(0)
        if isinstance(said, bytes):
            line.sendall(said)
            return
        for value in said:
            line.sendall(json.dumps(value).encode() + b"\r\n")


Opener = Callable[..., Qmp]


@pytest.fixture
def opened() -> Iterator[Opener]:
    """Opens a connection to a `FakeQmp`, which has said its greeting where it was asked to."""
    with contextlib.ExitStack() as stack:

        def connect(fake: FakeQmp, timeout_s: float = 5.0) -> Qmp:
            ours, theirs = socket.socketpair()
            player = threading.Thread(target=fake.serve, args=(theirs,), daemon=True)
            player.start()
            stack.callback(player.join)
            qmp = Qmp(Line(ours, "QMP socket"), timeout_s=timeout_s)
            stack.callback(qmp.close)
            return qmp

        yield connect


def test_the_greeting_comes_before_all_commands(opened: Opener) -> None:
    fake = FakeQmp([GREETING], [DONE])
    assert opened(fake).open() == "7.2.22"
    assert fake.asked == [{"execute": "qmp_capabilities"}]


def test_events_between_are_no_answers(opened: Opener) -> None:
    running = {"return": {"status": "paused", "running": False}}
    fake = FakeQmp([GREETING], [EVENT, DONE], [EVENT, EVENT, DONE], [EVENT, running], [DONE])
    qmp = opened(fake)
    qmp.open()
    qmp.stop()
    assert qmp.status() == "paused"
    qmp.cont()
    assert [each["execute"] for each in fake.asked[1:]] == ["stop", "query-status", "cont"]


def test_arguments_are_sent(opened: Opener) -> None:
    fake = FakeQmp([GREETING], [DONE], [{"return": "text"}])
    qmp = opened(fake)
    qmp.open()
    words = {"command-line": "info registers"}
    assert qmp.execute("human-monitor-command", **words) == "text"
    assert fake.asked[-1] == {"execute": "human-monitor-command", "arguments": words}


def test_what_qemu_refuses_is_told_in_its_words(opened: Opener) -> None:
    refusal = {"error": {"class": "CommandNotFound", "desc": "The command foo has not been found"}}
    qmp = opened(FakeQmp([GREETING], [DONE], [refusal]))
    qmp.open()
    with pytest.raises(QmpError, match="refuses foo: The command foo has not been found"):
        qmp.execute("foo")


def test_quit_may_close_the_line_at_once_and_nothing_else_may(opened: Opener) -> None:
    qmp = opened(FakeQmp([GREETING], [DONE]))
    qmp.open()
    qmp.quit()
    qmp = opened(FakeQmp([GREETING], [DONE]))
    qmp.open()
    with pytest.raises(GoneError, match="QMP socket"):
        qmp.stop()


def test_no_answer_in_time(opened: Opener) -> None:
    with pytest.raises(SilentError, match="no answer"):
        opened(FakeQmp([]), 0.05).open()
    with pytest.raises(SilentError, match="no answer"):
        opened(FakeQmp([GREETING], [EVENT]), 0.05).open()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"SSH-2.0\n", "no JSON"),
        (b'["QMP"]\n', "no object"),
        (b"[" * 100_000 + b"\n", "no JSON"),
        (b'{"QMP": 7}\n', "no greeting"),
        (b'{"return": {}}\n', "no greeting"),
        (b"a" * (1 << 20) + b"a", "does not end"),
    ],
)
def test_what_is_not_qmp(opened: Opener, said: bytes, words: str) -> None:
    with pytest.raises(QmpError, match=words):
        opened(FakeQmp(said)).open()


def test_answers_of_another_shape(opened: Opener) -> None:
    qmp = opened(FakeQmp([GREETING], [DONE], [{"return": 3}], [{"walnut": 1}]))
    qmp.open()
    with pytest.raises(QmpError, match="no status"):
        qmp.status()
    with pytest.raises(QmpError, match="walnut"):
        qmp.stop()
    with pytest.raises(QmpError, match="tells no version"):
        opened(FakeQmp([{"QMP": {}}], [DONE])).open()


def test_bytes_of_no_text_are_no_json() -> None:
    with pytest.raises(QmpError, match="no JSON"):
        parse_line(b'{"a": "\xff\xfe"}')


def test_a_socket_of_the_file_system(tmp_path: Path) -> None:
    fake = FakeQmp([GREETING], [DONE], [DONE])
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "qmp.sock"))
        listening.listen()
        threading.Thread(target=lambda: fake.serve(listening.accept()[0]), daemon=True).start()
        with connected_qmp(tmp_path / "qmp.sock") as qmp:
            qmp.cont()
    assert fake.asked[-1] == {"execute": "cont"}
