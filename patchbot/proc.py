"""Run other programs: the only module that starts a process.

Every program runs in a session of its own, so that a Ctrl-C reaches patchbot alone, which then
ends the whole group of each program it started.
"""

from __future__ import annotations

import contextlib
import contextvars
import os
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

from patchbot.errors import CancelledError, ProcessError

P = ParamSpec("P")
T = TypeVar("T")
_GRACE_S = 0.5
Running = subprocess.Popen[bytes]


@dataclass(frozen=True, slots=True)
class Completed:
    """What a finished program left: exit code, both outputs, and its run time in seconds."""

    argv: tuple[str, ...]
    returncode: int
    stdout: bytes
    stderr: bytes
    seconds: float

    @property
    def error_text(self) -> str:
        """Its standard error as text, stripped."""
        return self.stderr.decode("utf-8", "replace").strip()


class Scope:
    """One piece of work among others, which can be stopped by itself; see `Processes.inside`."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    @property
    def stopped(self) -> bool:
        """Whether `Processes.stop` was called for it."""
        return self._stopped.is_set()

    def mark_stopped(self) -> None:
        """Let every later check inside it raise; programs that run are not ended by this."""
        self._stopped.set()


_SCOPE: contextvars.ContextVar[Scope | None] = contextvars.ContextVar("scope", default=None)


def carried(call: Callable[P, T]) -> Callable[P, T]:
    """Return a function to hand to another thread: it runs in the scope of who asked for it."""
    context = contextvars.copy_context()

    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return context.copy().run(call, *args, **kwargs)

    return run


class Processes:
    """The programs that run now, so that one call can end them all, or those of one scope."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._live: dict[subprocess.Popen[bytes], Scope | None] = {}
        self._cancelled = threading.Event()
        self._interrupted = False

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` or `interrupt` was called."""
        return self._interrupted or self._cancelled.is_set()

    def live_ids(self) -> list[int]:
        """The process ids of the programs that run now; each leads a group of its own."""
        with self._lock:
            return [process.pid for process in self._live]

    def check(self) -> None:
        """Raise `CancelledError` once `cancel` was called, or `stop` for the scope one is in."""
        scope = _SCOPE.get()
        if self.cancelled or (scope is not None and scope.stopped):
            raise CancelledError("stopped")

    @contextlib.contextmanager
    def inside(self, scope: Scope) -> Iterator[None]:
        """Make what the block starts part of a scope; other threads join it by `carried`."""
        token = _SCOPE.set(scope)
        try:
            yield
        finally:
            _SCOPE.reset(token)

    def stop(self, scope: Scope) -> None:
        """End the programs of a scope, and let what else is inside it end at its next check."""
        scope.mark_stopped()
        with self._lock:
            live = [process for process, owner in self._live.items() if owner is scope]
        _end_all(live)

    @contextlib.contextmanager
    def started(
        self, argv: Sequence[str], env: Mapping[str, str] | None, cwd: Path | None
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Start `argv` with all three streams piped; its group is gone when the block ends."""
        with self._lock:
            self.check()
            process = _start(argv, env, cwd)
            self._live[process] = _SCOPE.get()
        try:
            yield process
        finally:
            _signal_group(process, signal.SIGKILL)
            process.wait()
            _close_streams(process)
            with self._lock:
                self._live.pop(process, None)

    def cancel(self) -> None:
        """End every running program, and start no more."""
        self._cancelled.set()
        with self._lock:
            live = list(self._live)
        _end_all(live)

    def interrupt(self) -> None:
        """Remember a Ctrl-C, for a signal's handler: what swallows its exception is told later."""
        self._interrupted = True

    def reset(self) -> None:
        """Allow programs again after a `cancel`."""
        self._interrupted = False
        self._cancelled.clear()


PROCESSES = Processes()


def _start(
    argv: Sequence[str], env: Mapping[str, str] | None, cwd: Path | None
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(env) if env is not None else None,
            cwd=cwd,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        if cwd is not None and not cwd.is_dir():
            raise ProcessError(f"{argv[0]} can't be started in {cwd}: no such folder") from error
        raise ProcessError(
            f"{argv[0]} is not installed", hint="patchbot doctor says what is missing"
        ) from error
    except (OSError, ValueError) as error:
        raise ProcessError(f"{argv[0]} can't be started: {error}") from error


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal the whole group, also when the program itself has ended and its children have not."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _end_all(live: Sequence[subprocess.Popen[bytes]]) -> None:
    """Ask programs to end, and kill those that do not."""
    for process in live:
        _signal_group(process, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_S
    while time.monotonic() < deadline and any(p.poll() is None for p in live):
        time.sleep(0.02)
    for process in live:
        _signal_group(process, signal.SIGKILL)


def _close_streams(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()


def end_program(process: Running, grace_s: float = 5.0) -> None:
    """Ask a program that was started to end, and kill its group where it does not in time."""
    _signal_group(process, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    _signal_group(process, signal.SIGKILL)


def run_interactively(argv: Sequence[str]) -> int:
    """Run a program on the user's terminal, such as an editor, and return its exit code.

    It stays in this process's group, so that the terminal is its own while it runs; a Ctrl-C is
    for it alone. For the main thread. Raises `ProcessError` where it can't be started.
    """
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        return subprocess.run(list(argv), check=False).returncode
    except FileNotFoundError as error:
        raise ProcessError(f"{argv[0]} is not installed", hint="set EDITOR to another") from error
    except (OSError, ValueError) as error:
        raise ProcessError(f"{argv[0]} can't be started: {error}") from error
    finally:
        signal.signal(signal.SIGINT, before)


def count_cores() -> int:
    """Return how many processors this process may use: a cpuset or taskset may leave it few."""
    return max(1, len(os.sched_getaffinity(0)))


def render_command(argv: Sequence[str]) -> str:
    """Render `argv` as a line to copy into a shell."""
    return shlex.join(argv)


def run_program(
    argv: Sequence[str],
    *,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout_s: float = 120.0,
    processes: Processes | None = None,
) -> Completed:
    """Run `argv` to its end and return both outputs.

    Raises `ProcessError` when the program is missing or takes longer than `timeout_s` seconds,
    and `CancelledError` when it was ended by `Processes.cancel`.
    """
    registry = processes or PROCESSES
    start = time.monotonic()
    with registry.started(argv, env, cwd) as process:
        try:
            stdout, stderr = process.communicate(stdin, timeout=timeout_s)
        except subprocess.TimeoutExpired as error:
            raise ProcessError(
                f"no answer within {timeout_s:g} s from: {render_command(argv)}"
            ) from error
    registry.check()
    seconds = time.monotonic() - start
    return Completed(tuple(argv), process.returncode, stdout, stderr, seconds)
