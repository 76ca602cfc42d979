"""A client of QMP, QEMU's own control line: JSON, one value a line.

`stop` and `cont` act on all vCPUs: what a window holds by the gdb stub goes on with `cont`.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from patchbot.qemu.errors import MachineError
from patchbot.qemu.sockets import GoneError, Line, SilentError, connect_unix

_MAX_LINE = 1 << 20
_HINT = "is this QEMU's QMP socket, and is nobody else on it?"


class QmpError(MachineError):
    """QMP refused a command, or what came on the line is not QMP."""


class Qmp:
    """A connection to QMP; events are passed over."""

    def __init__(self, line: Line, *, timeout_s: float = 10.0) -> None:
        self._line = line
        self._timeout_s = timeout_s
        self._held = b""

    def open(self) -> str:
        """Read the greeting and agree on nothing more; returns QEMU's version, such as "7.2.22"."""
        greeting = self._value(time.monotonic() + self._timeout_s).get("QMP")
        if not isinstance(greeting, dict):
            raise QmpError("there is no greeting", hint=_HINT)
        self.execute("qmp_capabilities")
        return _version(greeting)

    def execute(self, command: str, **arguments: object) -> object:
        """Run a command and return its answer; raises `QmpError` with QEMU's words if it fails."""
        request: dict[str, object] = {"execute": command}
        if arguments:
            request["arguments"] = arguments
        self._line.send(json.dumps(request).encode() + b"\n", self._timeout_s)
        deadline = time.monotonic() + self._timeout_s
        while True:
            value = self._value(deadline)
            if "error" in value:
                raise QmpError(f"QEMU refuses {command}: {_words(value['error'])}")
            if "return" in value:
                return value["return"]
            if "event" not in value:
                raise QmpError(f"QMP answers {command} with {str(value)[:60]}", hint=_HINT)

    def stop(self) -> None:
        """Stop all vCPUs and have all that was written to disks in their files."""
        self.execute("stop")

    def cont(self) -> None:
        """Let all vCPUs go on."""
        self.execute("cont")

    def status(self) -> str:
        """Return what the guest does, such as "running", "paused" or "shutdown"."""
        answer = self.execute("query-status")
        if not isinstance(answer, dict) or not isinstance(answer.get("status"), str):
            raise QmpError(f"QMP tells no status: {str(answer)[:60]}", hint=_HINT)
        return str(answer["status"])

    def quit(self) -> None:
        """End QEMU; that it closes the line before it answers is as good."""
        with contextlib.suppress(GoneError):
            self.execute("quit")

    def close(self) -> None:
        """Close the connection."""
        self._line.close()

    def _value(self, deadline: float) -> Mapping[str, object]:
        """Return the next line's value; raises `SilentError` where none comes until `deadline`."""
        while b"\n" not in self._held:
            data = self._line.receive(max(0.0, deadline - time.monotonic()))
            if not data:
                raise SilentError(f"QMP gives no answer within {self._timeout_s:g} s")
            self._held += data
            if len(self._held) > _MAX_LINE:
                raise QmpError("a line of QMP does not end", hint=_HINT)
        line, _, self._held = self._held.partition(b"\n")
        return parse_line(line)


def parse_line(line: bytes) -> Mapping[str, object]:
    """Return the object of one line; raises `QmpError` for anything else. Pure."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise QmpError(f"QMP wrote no JSON: {line[:60]!r}", hint=_HINT) from error
    if not isinstance(value, dict):
        raise QmpError(f"QMP wrote no object: {line[:60]!r}", hint=_HINT)
    return value


def _version(greeting: Mapping[str, object]) -> str:
    version = greeting.get("version")
    numbers = version.get("qemu") if isinstance(version, dict) else None
    if not isinstance(numbers, dict):
        raise QmpError("the greeting tells no version", hint=_HINT)
    return ".".join(str(numbers.get(each, 0)) for each in ("major", "minor", "micro"))


def _words(error: object) -> str:
    if isinstance(error, dict) and isinstance(error.get("desc"), str):
        return str(error["desc"])
    return str(error)[:200]


@contextlib.contextmanager
def connected_qmp(path: Path, *, timeout_s: float = 10.0) -> Iterator[Qmp]:
    """Connect to QMP at a unix socket, and close it at the end; raises `MachineError`."""
    qmp = Qmp(Line(connect_unix(path, timeout_s=timeout_s), "QMP socket"), timeout_s=timeout_s)
    try:
        qmp.open()
        yield qmp
    finally:
        qmp.close()
