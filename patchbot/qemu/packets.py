"""Packets of the GDB remote serial protocol, from and to bytes. Pure.

The protocol is described in GDB's manual, appendix "Remote Protocol". A packet is `$`, its text,
`#` and two hexadecimal digits: the sum of the text's bytes, modulo 256.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from patchbot.qemu.errors import MachineError

_ESCAPE = 0x7D
_FLIP = 0x20
_REPEAT = 0x2A
_MAX_PACKET = 1 << 20
_STOP = re.compile(r"[ST](?P<signal>[0-9a-f]{2})(?P<pairs>.*)", re.DOTALL)
_THREAD = re.compile(r"(?:^|;)thread:(?P<thread>[p0-9a-f.]+)(?:;|$)")


class PacketError(MachineError):
    """What came on the line is not the protocol."""

    def __init__(self, message: str) -> None:
        super().__init__(message, hint="is this QEMU's gdb socket, and is nobody else on it?")


class Mark(enum.Enum):
    """What stands between packets."""

    ACK = "+"
    NACK = "-"


@dataclass(frozen=True, slots=True)
class Stop:
    """The guest stopped: a signal's number as GDB counts them, and the thread, "" if unsaid."""

    signal: int
    thread: str = ""


@dataclass(frozen=True, slots=True)
class Exited:
    """The guest is over; `text` is the packet."""

    text: str


def render_packet(text: bytes) -> bytes:
    """Return the packet that carries `text`."""
    body = bytearray()
    for byte in text:
        body += bytes((_ESCAPE, byte ^ _FLIP)) if byte in b"$#}*" else bytes((byte,))
    return b"$%b#%02x" % (bytes(body), sum(body) % 256)


def parse_body(body: bytes) -> bytes:
    """Return the text of a packet's body: escapes undone, repeated bytes written out.

    Raises `PacketError` for an escape or a repetition that lacks what it refers to.
    """
    text = bytearray()
    rest = iter(body)
    for byte in rest:
        if byte in (_ESCAPE, _REPEAT):
            following = next(rest, None)
            if following is None or (byte == _REPEAT and (not text or following < 29)):
                raise PacketError(f"a packet is cut short: {bytes(body[-20:])!r}")
            text += bytes((following ^ _FLIP,)) if byte == _ESCAPE else text[-1:] * (following - 29)
        else:
            text.append(byte)
        if len(text) > _MAX_PACKET:
            raise PacketError("a packet does not end")
    return bytes(text)


def parse_stop(text: bytes) -> Stop | Exited | None:
    """Return what a stop reply says, None where `text` is another answer."""
    words = text.decode("ascii", "replace")
    if words[:1] in ("W", "X"):
        return Exited(words)
    match = _STOP.fullmatch(words)
    if match is None:
        return None
    thread = _THREAD.search(match["pairs"])
    return Stop(int(match["signal"], 16), thread["thread"] if thread is not None else "")


class Reader:
    """Takes bytes as they come and gives whole packets."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[bytes | Mark]:
        """Return the texts of the packets that are complete now, and the marks between them.

        Raises `PacketError` for a wrong sum, for bytes outside packets, and for a packet that
        grows over 1 MiB.
        """
        self._held += data
        found: list[bytes | Mark] = []
        while (each := self._next()) is not None:
            found.append(each)
        if len(self._held) > _MAX_PACKET:
            raise PacketError("a packet does not end")
        return found

    def _next(self) -> bytes | Mark | None:
        if not self._held:
            return None
        if bytes(self._held[:1]) in (b"+", b"-"):
            return Mark(chr(self._held.pop(0)))
        if self._held[:1] != b"$":
            raise PacketError(f"garbage on the line: {bytes(self._held[:20])!r}")
        end = self._held.find(b"#")
        if end < 0 or len(self._held) < end + 3:
            return None
        body, digits = bytes(self._held[1:end]), bytes(self._held[end + 1 : end + 3])
        del self._held[: end + 3]
        if digits.lower() != b"%02x" % (sum(body) % 256):
            raise PacketError(f"the sum of a packet is wrong: {body[:20]!r}")
        return parse_body(body)
