"""A gdb stub without a guest: its vCPUs move along a plan, and stop at breakpoints as QEMU's do."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from patchbot.qemu.packets import Mark, Reader, render_packet
from patchbot.qemu.sockets import Line

STACK = 16 << 10
HOME_RSP = 0xFFFF_8880_0010_0F00


@dataclass(frozen=True, slots=True)
class Move:
    """A vCPU comes to an address, on a kernel stack; with `together`, the next move is at once.

    With `behind`, it waits for all moves that stand before it.
    """

    processor: int
    rip: int
    rsp: int = HOME_RSP
    together: bool = False
    behind: bool = False


@dataclass
class FakeStub:
    """Plays `plan`: each move waits until its vCPU may run. `asked` is what the client sent.

    `answers` override what a request is answered with, by its whole text; `vanish_at` closes the
    line at a request, after the answer if one is given here; `raw` is sent on connection instead of
    the stop packet. As on QEMU, a vCPU that goes on from a breakpoint without a step stops there
    once more, and so does a step while the breakpoint is there; a byte that comes while the guest
    runs stops it, and is `lost`, unless it acknowledges the last packet. With
    `resumed_by_another`, the guest is stopped and let go on by somebody else as soon as it runs.
    """

    plan: list[Move] = field(default_factory=list)
    processors: int = 2
    memory: Mapping[int, bytes] = field(default_factory=dict)
    answers: Mapping[str, bytes] = field(default_factory=dict)
    vanish_at: str = ""
    raw: bytes | None = None
    resumed_by_another: bool = False
    when_idle: Callable[[], bytes | None] = lambda: None
    asked: list[str] = field(default_factory=list)
    detached: bool = False
    lost: bytes = b""
    unacknowledged: bool = True

    def __post_init__(self) -> None:
        self.where = [(0x1000 + each, HOME_RSP) for each in range(self.processors)]
        self.breakpoints: set[int] = set()
        self.running: set[int] = set()
        self.chosen = 0
        self.handled = ""
        self.closed = threading.Event()
        self.change = threading.Condition()

    def settle(self, request: str) -> None:
        """Wait until this request, the last one, was played: a resumed guest gives no answer."""
        with self.change:
            assert self.change.wait_for(lambda: self.handled == request, 60.0), self.asked[-3:]

    @contextlib.contextmanager
    def played(self) -> Iterator[Line]:
        """Play in a thread, and lend the client's end of the line."""
        ours, theirs = socket.socketpair()
        player = threading.Thread(target=self.serve, args=(theirs,), daemon=True)
        player.start()
        line = Line(ours, "gdb socket")
        try:
            yield line
        finally:
            line.close()
            player.join()

    def serve(self, line: socket.socket) -> None:
        """Answer on a connected socket until it is closed."""
        reader = Reader()
        with line, contextlib.suppress(OSError):
            line.sendall(self.raw if self.raw is not None else render_packet(b"T02thread:01;"))
            while data := line.recv(4096):
                if not all(self._take(line, reader, bytes((byte,))) for byte in data):
                    break
        self.closed.set()

    def _take(self, line: socket.socket, reader: Reader, byte: bytes) -> bool:
        if self.unacknowledged:
            self.unacknowledged = byte not in (b"+", b"$")
            if byte != b"$":
                return True
        if self.running and byte != b"\x03":
            self.lost += byte
            self.running = set()
            return True
        if byte == b"\x03":
            if self.running:
                self.running = set()
                self._say(line, b"T02thread:01;")
            return True
        texts = [each.decode() for each in reader.feed(byte) if not isinstance(each, Mark)]
        return all(self._play(line, text) for text in texts)

    def _play(self, line: socket.socket, text: str) -> bool:
        self.asked.append(text)
        line.sendall(b"+")
        answer = self.answers.get(text)
        if answer is None and text != self.vanish_at:
            answer = self._answer(text)
        if answer is not None:
            self._say(line, answer)
        if text == self.vanish_at:
            return False
        with self.change:
            self.handled = text
            self.change.notify_all()
        return True

    def _say(self, line: socket.socket, text: bytes) -> None:
        self.unacknowledged = True
        line.sendall(render_packet(text))

    def _answer(self, text: str) -> bytes | None:
        fixed = {"vCont?": b"vCont;c;C;s;S", "qsThreadInfo": b"l", "D": b"OK"}
        if text == "D":
            self.detached, self.running = True, set(range(self.processors))
        if text in fixed:
            return fixed[text]
        if text.startswith("qSupported"):
            return b"PacketSize=1000;vContSupported+"
        if text == "qfThreadInfo":
            return b"m" + b",".join(b"%02x" % (each + 1) for each in range(self.processors))
        return self._act(text)

    def _act(self, text: str) -> bytes | None:
        if match := re.fullmatch(r"([zZ])[01],([0-9a-f]+),1", text):
            change = self.breakpoints.add if match[1] == "Z" else self.breakpoints.discard
            change(int(match[2], 16))
            return b"OK"
        if match := re.fullmatch(r"Hg([0-9a-f]+)", text):
            self.chosen = int(match[1], 16) - 1
            return b"OK"
        if match := re.fullmatch(r"m([0-9a-f]+),([0-9a-f]+)", text):
            return self._read(int(match[1], 16), int(match[2], 16))
        if text == "g":
            return self._registers().hex().encode()
        if text.startswith("vCont;s:"):
            return self._step(int(text[8:], 16) - 1)
        if text.startswith("vCont;c"):
            named = {int(each, 16) - 1 for each in re.findall(r"c:([0-9a-f]+)", text)}
            self.running = named or set(range(self.processors))
            return b"T02thread:01;" if self.resumed_by_another else self._go_on()
        return b""

    def _registers(self) -> bytes:
        rip, rsp = self.where[self.chosen]
        words = [0] * 7 + [rsp] + [0] * 8 + [rip]
        packed = b"".join(word.to_bytes(8, "little") for word in words)
        return packed + bytes(28 + 8) + (0xABC0 + self.chosen).to_bytes(8, "little")

    def _read(self, address: int, length: int) -> bytes:
        for start, data in self.memory.items():
            if start <= address and address + length <= start + len(data):
                return data[address - start : address - start + length].hex().encode()
        return b"E14"

    def _step(self, processor: int) -> bytes:
        rip, rsp = self.where[processor]
        if rip not in self.breakpoints:
            self.where[processor] = (rip + 1, rsp)
        return b"T05thread:%02x;" % (processor + 1)

    def _go_on(self) -> bytes | None:
        for each in sorted(self.running):
            if self.where[each][0] in self.breakpoints:
                return self._stop(each)
        while (number := self._next()) is not None:
            move = self.plan.pop(number)
            self.where[move.processor] = (move.rip, move.rsp)
            if move.together and number < len(self.plan):
                other = self.plan.pop(number)
                self.where[other.processor] = (other.rip, other.rsp)
            if move.rip in self.breakpoints:
                return self._stop(move.processor)
        return self.when_idle()

    def _next(self) -> int | None:
        moves = enumerate(self.plan)
        places = [i for i, m in moves if m.processor in self.running and not (m.behind and i)]
        return places[0] if places else None

    def _stop(self, processor: int) -> bytes:
        self.running = set()
        return b"T05thread:%02x;" % (processor + 1)
