"""The C programs that guests run: compiled here, static, and kept by their text."""

from __future__ import annotations

import hashlib
import secrets
import shutil
from importlib.resources import files
from pathlib import Path

from patchbot.errors import StoreError
from patchbot.proc import run_program
from patchbot.qemu.errors import MachineError

_FLAGS = ("-static", "-O2", "-std=gnu11", "-Wall", "-Wextra", "-pthread")
_COMPILE_S = 60.0


def program_text(name: str) -> bytes:
    """Return the C text of one of our guest programs, such as "mapped_writer.c"."""
    return (files("patchbot.qemu") / "guests" / name).read_bytes()


def compile_program(name: str, home: Path) -> bytes:
    """Return one of our programs as a static executable, compiled unless it is kept in `home`.

    Raises `MachineError` where there is no compiler or no static C library.
    """
    text = program_text(name)
    key = hashlib.sha256(text + " ".join(_FLAGS).encode()).hexdigest()[:24]
    kept = home / "programs" / key
    if not kept.is_file():
        _compile(name, text, kept)
    return kept.read_bytes()


def _compile(name: str, text: bytes, kept: Path) -> None:
    if shutil.which("gcc") is None:
        raise MachineError("gcc is not installed", hint="apt-get install gcc libc6-dev")
    # Guests that start side by side ask for the same program at once: they share no name, and the
    # text comes through a pipe, so that what comes out does not depend on one either.
    fresh = kept.with_name(f"{kept.name}.{secrets.token_hex(4)}")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        argv = ["gcc", *_FLAGS, "-o", str(fresh), "-x", "c", "-"]
        done = run_program(argv, stdin=text, timeout_s=_COMPILE_S)
        if done.returncode != 0:
            words = done.error_text.splitlines()[-3:]
            hint = "apt-get install libc6-dev (it has the static C library)"
            raise MachineError(f"{name} does not compile: {'; '.join(words)}", hint=hint)
        fresh.replace(kept)
    except OSError as error:
        raise StoreError(f"{kept}: {error.strerror}", hint="free space") from error
    finally:
        fresh.unlink(missing_ok=True)
