"""A client of QEMU's gdb stub: stop a guest at an address, and let single vCPUs go on.

QEMU's threads are vCPUs. Connecting stops the whole guest, and so does any byte that is sent while
it runs, but for the one `+` that acknowledges the last packet; this client therefore sends nothing
between `resume` and the next stop, but for `interrupt`. Closing the socket of a stopped guest
leaves it stopped: call `detach`.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from patchbot.proc import PROCESSES
from patchbot.qemu.errors import MachineError
from patchbot.qemu.packets import Exited, Mark, Reader, Stop, parse_stop, render_packet
from patchbot.qemu.sockets import GoneError, Line, SilentError, connect_unix

TRAP = 5
# Where registers are in the answer to `g`, in bytes, by QEMU's target/i386/gdbstub.c (7.2): 16 of
# 8 bytes, rip, then eflags and six segments of 4 bytes each, then fs_base and gs_base. `p` is not
# used: that stub answers it with nothing until its description in XML was read.
_RSP, _RIP, _GS_BASE = 7 * 8, 16 * 8, 17 * 8 + 7 * 4 + 8
_WORD = 8
_MEMORY_PIECE = 1024
_INTERRUPT = b"\x03"
_MAX_LISTS = 64


class StubError(MachineError):
    """The gdb stub refused a request, or answered with something else."""


@dataclass(frozen=True, slots=True)
class Registers:
    """What is needed of an x86-64 vCPU's registers; `gs_base` is None where the stub has none."""

    rip: int
    rsp: int
    gs_base: int | None


class Stub:
    """A connection to a gdb stub; the guest is stopped when it is made."""

    def __init__(self, line: Line, *, timeout_s: float = 10.0) -> None:
        self._line = line
        self._timeout_s = timeout_s
        self._reader = Reader()
        self._packets: deque[bytes] = deque()
        self._acks = True
        self._inserted: dict[int, bytes] = {}
        self._threads: tuple[str, ...] = ()

    @property
    def threads(self) -> tuple[str, ...]:
        """The names of the vCPUs; the place in here is a vCPU's number."""
        return self._threads

    @property
    def inserted(self) -> frozenset[int]:
        """The addresses at which breakpoints are now."""
        return frozenset(self._inserted)

    def open(self) -> None:
        """Agree on the protocol and list the vCPUs; raises `StubError` where a need is not met."""
        self._ask(b"qSupported:vContSupported+")
        if self._ask(b"QStartNoAckMode") == b"OK":
            self._acks = False
        actions = self._ask(b"vCont?").split(b";")
        if not {b"c", b"s"} <= set(actions):
            raise StubError("the gdb stub can't let single vCPUs go on")
        self._threads = self._list_threads()

    def _list_threads(self) -> tuple[str, ...]:
        found: list[str] = []
        answer = self._ask(b"qfThreadInfo")
        for _ in range(_MAX_LISTS):
            if answer == b"l":
                break
            if not re.fullmatch(rb"m[p0-9a-f.]+(,[p0-9a-f.]+)*", answer):
                raise StubError(f"the gdb stub lists no vCPUs: {answer[:40]!r}")
            found += answer[1:].decode("ascii").split(",")
            answer = self._ask(b"qsThreadInfo")
        if not found:
            raise StubError("the gdb stub has no vCPUs")
        return tuple(found)

    def insert(self, address: int) -> None:
        """Put a breakpoint at an address on all vCPUs: a hardware one where that is taken.

        Raises `StubError` where none is, as when a processor's debug registers are used up.
        """
        if address in self._inserted:
            return
        for kind in (b"1", b"0"):
            if self._ask(b"Z%b,%x,1" % (kind, address)) == b"OK":
                self._inserted[address] = kind
                return
        raise StubError(f"there can be no breakpoint at {address:#x}")

    def remove(self, address: int) -> None:
        """Take a breakpoint away again."""
        kind = self._inserted.pop(address, None)
        if kind is not None:
            self._expect_ok(b"z%b,%x,1" % (kind, address))

    def remove_all(self) -> None:
        """Take all breakpoints away."""
        for address in tuple(self._inserted):
            self.remove(address)

    def registers(self, thread: str) -> Registers:
        """Return the registers of a stopped vCPU."""
        self._expect_ok(b"Hg%b" % thread.encode())
        data = self._hex(b"g")
        if len(data) < _RIP + _WORD:
            raise StubError(f"vCPU {thread} has {len(data)} bytes of registers: not x86-64")
        base = _word(data, _GS_BASE) if len(data) >= _GS_BASE + _WORD else None
        return Registers(_word(data, _RIP), _word(data, _RSP), base)

    def memory(self, thread: str, address: int, length: int) -> bytes:
        """Return memory as a stopped vCPU sees it; raises `StubError` where nothing is mapped."""
        self._expect_ok(b"Hg%b" % thread.encode())
        data = bytearray()
        while len(data) < length:
            piece = min(_MEMORY_PIECE, length - len(data))
            got = self._hex(b"m%x,%x" % (address + len(data), piece))
            if len(got) != piece:
                raise StubError(f"memory at {address:#x}: {len(got)} bytes instead of {piece}")
            data += got
        return bytes(data)

    def resume(self, threads: Sequence[str] = ()) -> None:
        """Let vCPUs go on, all of them for none named; what stops them comes from `wait_stop`."""
        actions = b"".join(b";c:%b" % thread.encode() for thread in threads)
        self._send(b"vCont" + (actions or b";c"))

    def step(self, thread: str) -> Stop:
        """Let one vCPU take one instruction while the others stand; returns its stop.

        Where a breakpoint is at that instruction, remove it before.
        """
        self._send(b"vCont;s:%b" % thread.encode())
        return self._stopped(f"after a step of vCPU {thread}")

    def interrupt(self) -> Stop:
        """Stop the running guest; a breakpoint that is hit at the same time is as good a stop."""
        self._line.send(_INTERRUPT)
        return self._stopped("when it was interrupted")

    def wait_stop(
        self, timeout_s: float, watch: Callable[[], None] = PROCESSES.check
    ) -> Stop | None:
        """Return the running guest's next stop, None where there is none within `timeout_s`.

        `watch` is called all the while; what it raises is raised. Raises `GoneError` where the
        guest ends, `StubError` where the guest was not let run.
        """
        text = self._receive(timeout_s, watch)
        if text is None:
            return None
        stop = parse_stop(text)
        if isinstance(stop, Stop):
            return stop
        raise self._ended(stop) if stop else StubError(f"the guest does not go on: {text[:40]!r}")

    def detach(self) -> None:
        """Take all breakpoints away and let all vCPUs run on without this connection.

        Good at any time: a running guest is stopped before, and a stopped one does not mind.
        """
        self._line.send(_INTERRUPT)
        # With an answer, whatever stop there was has been acknowledged: one `+` too many, after the
        # guest goes on, would stop it for good.
        self._ask(b"vCont?")
        self.remove_all()
        self._expect_ok(b"D")

    def close(self) -> None:
        """Close the connection."""
        self._line.close()

    def _stopped(self, when: str) -> Stop:
        stop = self.wait_stop(self._timeout_s)
        if stop is None:
            raise SilentError(f"the guest does not stop {when}")
        return stop

    def _ended(self, how: Exited) -> GoneError:
        return GoneError(f"the guest ended ({how.text})")

    def _hex(self, request: bytes) -> bytes:
        answer = self._ask(request)
        try:
            return bytes.fromhex(answer.decode("ascii"))
        except ValueError as error:
            asked = request.decode("ascii")
            raise StubError(f"the gdb stub answers {asked} with {answer[:40]!r}") from error

    def _expect_ok(self, request: bytes) -> None:
        answer = self._ask(request)
        if answer != b"OK":
            asked = request.decode("ascii")
            raise StubError(f"the gdb stub refuses {asked}: {answer[:40]!r}")

    def _ask(self, request: bytes) -> bytes:
        """Return the answer to a request; stops that were reported before it are passed over."""
        self._send(request)
        deadline = time.monotonic() + self._timeout_s
        while (text := self._receive(deadline - time.monotonic(), PROCESSES.check)) is not None:
            stop = parse_stop(text)
            if isinstance(stop, Exited):
                raise self._ended(stop)
            if stop is None:
                return text
        raise SilentError(f"the gdb stub does not answer {request[:40].decode('ascii')}")

    def _send(self, text: bytes) -> None:
        self._line.send(render_packet(text), self._timeout_s)

    def _receive(self, timeout_s: float, watch: Callable[[], None]) -> bytes | None:
        """Return the next packet's text and acknowledge it, None where none comes in time."""
        deadline = time.monotonic() + timeout_s
        while not self._packets:
            data = self._line.receive(max(0.0, deadline - time.monotonic()), watch)
            if not data:
                return None
            for each in self._reader.feed(data):
                self._take(each)
        return self._packets.popleft()

    def _take(self, each: bytes | Mark) -> None:
        if each is Mark.NACK:
            raise StubError("the gdb stub did not understand a packet")
        if isinstance(each, bytes):
            self._packets.append(each)
            if self._acks:
                # The last packet of a guest that ends may not be taken back: read it all the same.
                with contextlib.suppress(GoneError):
                    self._line.send(Mark.ACK.value.encode(), self._timeout_s)


def _word(data: bytes, offset: int) -> int:
    return int.from_bytes(data[offset : offset + _WORD], "little")


@contextlib.contextmanager
def connected_stub(path: Path, *, timeout_s: float = 10.0) -> Iterator[Stub]:
    """Connect to the gdb stub at a unix socket, which stops the guest, and close it at the end.

    `timeout_s` bounds each answer. Raises `MachineError`.
    """
    stub = Stub(Line(connect_unix(path, timeout_s=timeout_s), "gdb socket"), timeout_s=timeout_s)
    try:
        stub.open()
        yield stub
    finally:
        stub.close()
