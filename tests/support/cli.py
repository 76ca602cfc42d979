"""Run patchbot's command line in a process of its own, as a user does."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import ROOT

_MODULE = "import runpy; runpy.run_module('patchbot', run_name='__main__', alter_sys=True)"
_PROGRESS = ("reading ", "looking up the thread of ", "searching for ", "looking for its base")
_WAIT_S = 60.0

NO_NETWORK = """
import os, sys
def _ban(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.bind"):
        os.write(2, f"NETWORK {event} {args}\\n".encode())
        os._exit(99)
sys.addaudithook(_ban)
"""
"""Ends the process with code 99 as soon as it asks for a host or a connection."""

NO_SUCH_HOST = """
import socket
def _unknown(host, *args, **kwargs):
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
socket.getaddrinfo = _unknown
"""
"""Every host name is unknown, and no name server is asked."""

PEAK_MEMORY = """
import atexit, re
def _peak():
    found = re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())
    with open("peak-kib", "w") as out:
        out.write(found[1])
atexit.register(_peak)
"""
"""Leaves the most memory that the process held, in KiB, in the file peak-kib where it stood."""


@dataclass(frozen=True)
class Ran:
    """What a finished patchbot left: exit code, both outputs as text, and its run time."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def document(self) -> Any:
        """The one JSON document on standard output; anything else there is an error."""
        return json.loads(self.out)

    @property
    def failure(self) -> str:
        """The one line that says why it could not run.

        Nothing may stand on standard output, and nothing on standard error but progress, that
        line, and at most one line with the way out.
        """
        assert self.out == "", self.out
        lines = [line for line in self.err.splitlines() if not _is_progress(line)]
        assert 1 <= len(lines) <= 2, self.err
        assert lines[0].startswith("patchbot: "), self.err
        assert all(line.startswith("  ") and line.strip() for line in lines[1:]), self.err
        return lines[0].removeprefix("patchbot: ")

    @property
    def hint(self) -> str:
        """The way out that stands below the failure, "" for none."""
        last = self.err.splitlines()[-1:]
        return "".join(line.strip() for line in last if line.startswith("  "))


def run_cli(
    *args: str | Path,
    env: Mapping[str, str | None] | None = None,
    stdin: bytes = b"",
    timeout: float = _WAIT_S,
    cwd: Path | None = None,
    prelude: str = "",
) -> Ran:
    """Run ``patchbot ARGS`` to its end; ``prelude`` is Python that runs before it.

    ``env`` is added to this process's environment; None as a value removes a variable.
    """
    start = time.monotonic()
    done = subprocess.run(
        _command(args, prelude),
        input=stdin,
        env=_environment(env),
        cwd=cwd,
        capture_output=True,
        timeout=timeout,
        check=False,
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    assert "Traceback" not in err, err
    return Ran(done.returncode, out, err, time.monotonic() - start)


def interrupt_cli(*args: str | Path, when: str, env: Mapping[str, str | None] | None = None) -> Ran:
    """Run ``patchbot ARGS``, send SIGINT once a line with ``when`` came; times from then on."""
    process = subprocess.Popen(
        _command(args, ""),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=_environment(env),
        start_new_session=True,
    )
    try:
        assert process.stderr is not None
        seen = b""
        while when.encode() not in seen:
            line = process.stderr.readline()
            assert line, seen
            seen += line
        time.sleep(0.3)
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=_WAIT_S)
        return Ran(process.returncode, out.decode(), err.decode(), time.monotonic() - start)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def run_on_terminal(*args: str | Path, env: Mapping[str, str | None] | None = None) -> Ran:
    """Run ``patchbot ARGS`` with standard output and error on one terminal; all is in ``out``."""
    start = time.monotonic()
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        _command(args, ""),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env=_environment({"TERM": "xterm-256color", "COLUMNS": "120", **(env or {})}),
        start_new_session=True,
    ) as process:
        os.close(theirs)
        seen = b""
        while chunk := _read_terminal(ours):
            seen += chunk
        os.close(ours)
        code = process.wait(_WAIT_S)
    return Ran(code, seen.decode(), "", time.monotonic() - start)


def write_config(text: str) -> None:
    """Write patchbot's configuration file of this test."""
    path = Path(os.environ["XDG_CONFIG_HOME"]) / "patchbot" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _read_terminal(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # the other side is closed
        return b""


def _command(args: Sequence[str | Path], prelude: str) -> list[str]:
    words = [str(arg) for arg in args]
    if prelude:
        return [sys.executable, "-c", f"{prelude}\n{_MODULE}", *words]
    return [sys.executable, "-m", "patchbot", *words]


def _environment(extra: Mapping[str, str | None] | None) -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), str(ROOT / "kernel-sim")])
    wanted = {**os.environ, "PYTHONPATH": path, **(extra or {})}
    return {name: value for name, value in wanted.items() if value is not None}


def _is_progress(line: str) -> bool:
    return line.startswith(_PROGRESS)
