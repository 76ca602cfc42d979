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


@contextlib.contextmanager
def kept_folder(home: Path, kind: str, key: str, keep: int) -> Iterator[Path]:
    """Lend a folder that outlives the run, to one user at a time; makes it where it is not there.

    Of the folders of one kind, the `keep` that were used last stay; the others are removed unless
    somebody uses them. Raises `StoreError`, and `CancelledError` when stopped while waiting.
    """
    parent = home / kind
    folder = parent / hashlib.sha256(key.encode()).hexdigest()[:16]
    with _explained(folder):
        parent.mkdir(parents=True, exist_ok=True)
        owner = _owner_path(folder).open("a")
    with owner:
        while not _try_lock(owner):
            PROCESSES.check()
            time.sleep(_TRY_AGAIN_S)
        with _explained(folder):
            folder.mkdir(exist_ok=True)
            os.utime(folder)
            _drop_unused(parent, folder, keep)
        yield folder


def _drop_unused(parent: Path, used: Path, keep: int) -> None:
    """Remove all but the newest folders; the files that lock them stay, as somebody may wait."""
    others = [each for each in parent.iterdir() if each.is_dir() and each != used]
    others.sort(key=lambda each: each.stat().st_mtime, reverse=True)
    for each in others[max(0, keep - 1) :]:
        with _owner_path(each).open("a") as owner:
            if _try_lock(owner):
                shutil.rmtree(each, ignore_errors=True)


def _try_lock(handle: TextIO) -> bool:
    """Lock an open file if nobody else has it locked."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
