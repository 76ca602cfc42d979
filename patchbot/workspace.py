"""Folders that live as long as one run, and locks between runs.

Beside a run's folder stands a file that the run keeps locked. Whoever starts next removes the
folders whose lock is free: what a killed run left behind goes with the next start.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from patchbot.errors import StoreError
from patchbot.proc import PROCESSES

_OWNER = ".lock"
_TRY_AGAIN_S = 0.05


@contextlib.contextmanager
def run_folder(home: Path, *, keep: bool = False) -> Iterator[Path]:
    """Make this run's folder below `home`/tmp, and remove it in the end unless `keep`.

    Raises `StoreError` where it can't be made.
    """
    parent = home / "tmp"
    folder = parent / f"run-{os.getpid()}-{secrets.token_hex(4)}"
    owner: TextIO | None = None
    try:
        with _undisturbed(), _explained(folder):
            parent.mkdir(parents=True, exist_ok=True)
            sweep_folders(parent)
            owner = _own(folder)
            folder.mkdir()
        yield folder
    finally:
        with _undisturbed():
            if keep and folder.is_dir():
                folder.rename(kept_name(folder))
            _remove(folder)
            if owner is not None:
                owner.close()


def kept_name(folder: Path) -> Path:
    """Return where a run's folder stands after the run, when it is kept."""
    return folder.parent.parent / folder.name.replace("run-", "kept-", 1)


@contextlib.contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{folder}: {error.strerror}", hint="free space, or set PATCHBOT_HOME to another folder"
        ) from error


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Put off Ctrl-C and a request to end until the block is done."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _own(folder: Path) -> TextIO:
    """Make and lock the file that says that a folder's run is alive.

    Somebody who sweeps may remove the file between its making and its locking: then again.
    """
    path = _owner_path(folder)
    while True:
        owner = path.open("a")
        fcntl.flock(owner, fcntl.LOCK_EX)
        if path.exists() and os.path.samestat(os.fstat(owner.fileno()), path.stat()):
            return owner
        owner.close()


def _owner_path(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}{_OWNER}")


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        _owner_path(folder).unlink()


def sweep_folders(parent: Path) -> list[Path]:
    """Remove the folders of runs that are gone; returns them."""
    removed = []
    for path in parent.glob(f"run-*{_OWNER}"):
        folder = path.with_name(path.name.removesuffix(_OWNER))
        try:
            owner = path.open("a")
        except OSError:
            continue
        with owner:
            if _try_lock(owner):
                _remove(folder)
                removed.append(folder)
    return removed


def make_lock(home: Path, name: str) -> Callable[[Callable[[], None]], None]:
    """Return a function that runs a call while no other patchbot runs one under the same name.

    Waiting for the other one ends with `CancelledError` when this run is stopped.
    """
    folder = home / "locks"
    path = folder / f"{hashlib.sha256(name.encode()).hexdigest()[:24]}.lock"

    def locked(call: Callable[[], None]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("a") as handle:
            while not _try_lock(handle):
                PROCESSES.check()
                time.sleep(_TRY_AGAIN_S)
            call()

    return locked


def _try_lock(handle: TextIO) -> bool:
    """Lock an open file if nobody else has it locked."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
