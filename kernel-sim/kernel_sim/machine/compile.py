"""Compiling for the native engine: the runtime once, then each program, kept by their contents.

Nothing is started here but by the caller's `Runner`, so that whoever embeds this decides how
programs are run.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final, Protocol

from kernel_sim import ir
from kernel_sim.machine.emit import emit

COMMON: Final = ("-std=gnu11", "-w", "-fwrapv", "-fno-strict-aliasing", "-fno-builtin")
RUNTIME_FLAGS: Final = ("-O2", *COMMON[:-1])
PROGRAM_FLAGS: Final = ("-O1", *COMMON, "-fno-delete-null-pointer-checks")
COMPILE_SECONDS: Final = 300.0


class NativeError(Exception):
    """The native engine gave no answer; the message says why."""


@dataclass(frozen=True, slots=True)
class Finished:
    """What a program left: its exit code (negative: the signal that ended it), both outputs."""

    returncode: int
    stdout: bytes
    stderr: bytes


class Runner(Protocol):
    """Runs a program to its end; raises `NativeError` after so many seconds on the clock."""

    def __call__(self, argv: Sequence[str], seconds: float) -> Finished:
        """Run `argv` without standard input."""


def run_subprocess(argv: Sequence[str], seconds: float) -> Finished:
    """Run a program, as `Runner` says; also raises `NativeError` where it cannot be started."""
    try:
        done = subprocess.run(
            list(argv), stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise NativeError(f"{argv[0]}: no answer within {seconds:g} s") from error
    except OSError as error:
        raise NativeError(f"{argv[0]} cannot be started: {error.strerror}") from error
    return Finished(done.returncode, done.stdout, done.stderr)


def sources() -> dict[str, str]:
    """Return the runtime's files by name."""
    folder = resources.files("kernel_sim.machine").joinpath("native")
    found = (item for item in folder.iterdir() if item.name.endswith((".c", ".h")))
    return {item.name: item.read_text("utf-8") for item in sorted(found, key=lambda f: f.name)}


@dataclass(frozen=True, slots=True)
class Compiler:
    """Makes executables in `folder`, with `gcc`; `defines` are extra words, such as -DSIM_UCONTEXT.

    A file is named by the hash of all that it was made from, so a file that is there is right.
    """

    folder: Path
    runner: Runner = run_subprocess
    gcc: str = "gcc"
    defines: tuple[str, ...] = ()

    def build(self, program: ir.Program, setup: str, check: str | None) -> Path:
        """Return the executable of a program; raises `NativeError`, and `ValueError` as `emit`."""
        text = emit(program, setup, check)
        name = self._hash(text, *PROGRAM_FLAGS, *sources().values())
        target = self.folder / f"program-{name}"
        if target.exists():
            return target
        runtime = self._runtime()
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
            self._unpack(Path(scratch))
            main = Path(scratch) / "program.c"
            main.write_text(text, "utf-8")
            words = [*PROGRAM_FLAGS, str(main), str(runtime)]
            self._make(words, Path(scratch) / "program", target)
        return target

    def _runtime(self) -> Path:
        files = sources()
        self.folder.mkdir(parents=True, exist_ok=True)
        target = self.folder / f"runtime-{self._hash(*RUNTIME_FLAGS, *files.values())}.o"
        if target.exists():
            return target
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
            self._unpack(Path(scratch))
            whole = Path(scratch) / "runtime.c"
            names = [name for name in files if name.endswith(".c")]
            parts = [str(Path(scratch) / name) for name in names]
            self._make(
                [*RUNTIME_FLAGS, "-r", "-nostdlib", *parts],
                whole.with_suffix(".o"),
                target,
            )
        return target

    def _unpack(self, folder: Path) -> None:
        for name, text in sources().items():
            (folder / name).write_text(text, "utf-8")

    def _make(self, words: Sequence[str], made: Path, target: Path) -> None:
        argv = [self.gcc, *self.defines, *words, "-o", str(made)]
        done = self.runner(argv, COMPILE_SECONDS)
        if done.returncode or not made.exists():
            lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise NativeError(f"gcc failed: {lines[0] if lines else f'exit {done.returncode}'}")
        os.replace(made, target)

    def _hash(self, *parts: str) -> str:
        digest = hashlib.sha256()
        for part in (self.gcc, *self.defines, *parts):
            data = part.encode("utf-8", "replace")
            digest.update(b"%d\0" % len(data) + data)
        return digest.hexdigest()[:32]
