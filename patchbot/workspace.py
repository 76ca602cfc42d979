"""Folders that live as long as one run, and locks between runs.

A run's folder holds a file that the run keeps locked. Whoever starts next removes the folders
whose lock is free: what a killed run left behind goes with the next start.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from patchbot.errors import StoreError
from patchbot.proc import PROCESSES

_OWNER = "owner.lock"
_TRY_AGAIN_S = 0.05


@contextlib.contextmanager
def run_folder(home: Path, *, keep: bool = False) -> Iterator[Path]:
    """Make this run's folder below `home`/tmp, and remove it in the end unless `keep`.

    Raises `StoreError` where it can't be made.
    """
    parent = home / "tmp"
    folder = parent / f"run-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        sweep_folders(parent)
        folder.mkdir()
        owner = (folder / _OWNER).open("w")
        fcntl.flock(owner, fcntl.LOCK_EX)
    except OSError as error:
        raise StoreError(
            f"{folder}: {error.strerror}", hint="free space, or set PATCHBOT_HOME to another folder"
        ) from error
    try:
        yield folder
    finally:
        if keep:
            folder.rename(parent.parent / folder.name.replace("run-", "kept-"))
        else:
            shutil.rmtree(folder, ignore_errors=True)
        owner.close()


def sweep_folders(parent: Path) -> list[Path]:
    """Remove the folders of runs that are gone; returns them."""
    removed = []
    for folder in parent.glob("run-*"):
        try:
            owner = (folder / _OWNER).open("a")
        except OSError:
            continue
        with owner:
            if not _try_lock(owner):
                continue
            shutil.rmtree(folder, ignore_errors=True)
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
