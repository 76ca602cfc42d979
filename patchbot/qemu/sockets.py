"""Unix sockets of a guest: connected whatever their path's length, read in time."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

from patchbot.proc import PROCESSES
from patchbot.qemu.errors import MachineError

_TICK_S = 0.05
_LEAST_S = 0.001
_PIECE = 1 << 16


class GoneError(MachineError):
    """QEMU went away while it was talked to: it was killed, or the guest ended."""


class SilentError(MachineError):
    """QEMU gave no answer in time."""


def connect_unix(path: Path, *, timeout_s: float = 10.0) -> socket.socket:
    """Connect to a unix socket, which may take `timeout_s` seconds to appear.

    The path may be longer than the 107 bytes that an address holds; its last part may not.
    Raises `SilentError` where nobody listens there in time.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return _connect(path)
        except (FileNotFoundError, ConnectionRefusedError) as error:
            if time.monotonic() > deadline:
                raise SilentError(
                    f"QEMU did not open {path} within {timeout_s:g} s: {error.strerror}",
                    hint="look at QEMU's own words: it may have refused an option",
                ) from error
        except OSError as error:
            raise MachineError(f"{path} can't be connected: {error}") from error
        PROCESSES.check()
        time.sleep(_TICK_S)


def _connect(path: Path) -> socket.socket:
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        line.connect(f"/proc/self/fd/{folder}/{path.name}")
    except OSError:
        line.close()
        raise
    finally:
        os.close(folder)
    return line


class Line:
    """A socket on which all is sent whole and everything has a time-out."""

    def __init__(self, line: socket.socket, name: str) -> None:
        self._line = line
        self._name = name

    def send(self, data: bytes, timeout_s: float = 10.0) -> None:
        """Send all of `data`; raises `GoneError` and `SilentError`."""
        try:
            self._line.settimeout(timeout_s)
            self._line.sendall(data)
        except TimeoutError as error:
            raise SilentError(f"QEMU does not read from its {self._name}") from error
        except OSError as error:
            raise self._gone() from error

    def receive(self, timeout_s: float, watch: Callable[[], None] = PROCESSES.check) -> bytes:
        """Return what has come, empty where that is nothing within `timeout_s` seconds.

        `watch` is called about every 50 ms; what it raises is raised. Raises `GoneError` where
        the other side is closed.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            watch()
            data = self._read(min(_TICK_S, deadline - time.monotonic()))
            if data or time.monotonic() >= deadline:
                return data

    def close(self) -> None:
        """Close the socket; may be called again."""
        self._line.close()

    def _read(self, timeout_s: float) -> bytes:
        try:
            self._line.settimeout(max(_LEAST_S, timeout_s))
            data = self._line.recv(_PIECE)
        except TimeoutError:
            return b""
        except OSError as error:
            raise self._gone() from error
        if not data:
            raise self._gone()
        return data

    def _gone(self) -> GoneError:
        return GoneError(f"QEMU went away from its {self._name}: it was killed, or the guest ended")
