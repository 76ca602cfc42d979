"""Compiling for the native engine: the runtime, the parts of programs, programs.

All are kept by their contents: of a program that is like one before, little has to be compiled.

Nothing is started here but by the caller's `Runner`, so that whoever embeds this decides how
programs are run.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import tempfile
import threading
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final, Protocol

from kernel_sim import ir
from kernel_sim.machine.emit import emit

COMMON: Final = (
    "-std=gnu11", "-w", "-fwrapv", "-fno-strict-aliasing", "-fno-pie", "-fno-builtin",
)  # fmt: skip
RUNTIME_FLAGS: Final = ("-O3", *COMMON[:-1])
PROGRAM_FLAGS: Final = ("-O1", *COMMON, "-fno-delete-null-pointer-checks")
LINK_FLAGS: Final = ("-no-pie", "-Wl,-Ttext-segment=0x50000000")
"""Addresses are symbols, so code stands below 2 GiB; it stands behind the simulated memory."""
COMPILE_SECONDS: Final = 300.0
_making: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)


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


@cache
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
        texts = emit(program, setup, check)
        self.folder.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            runtime = pool.submit(self._runtime)
            parts = list(pool.map(self._part, texts.parts))
        objects = [*map(str, parts), str(runtime.result())]
        name = self._hash(texts.tables, *LINK_FLAGS, *objects)
        target = self.folder / f"program-{name}"
        with _making[target]:
            if not target.exists():
                self._link(texts.tables, objects, target)
        return target

    def _part(self, text: str) -> Path:
        """Return the object of a part; one that is used again counts as new."""
        target = self.folder / f"part-{self._hash(text, *PROGRAM_FLAGS, sources()['sim.h'])}.o"
        with _making[target]:
            with contextlib.suppress(FileNotFoundError):
                os.utime(target)
                return target
            with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
                (Path(scratch) / "sim.h").write_text(sources()["sim.h"], "utf-8")
                main = Path(scratch) / "part.c"
                main.write_text(text, "utf-8")
                words = [*PROGRAM_FLAGS, "-c", str(main)]
                self._make(words, Path(scratch) / "part.o", target)
        return target

    def _link(self, tables: str, objects: Sequence[str], target: Path) -> None:
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
            main = Path(scratch) / "tables.s"
            main.write_text(tables, "utf-8")
            self._make([*LINK_FLAGS, str(main), *objects], Path(scratch) / "program", target)

    def _runtime(self) -> Path:
        files = sources()
        target = self.folder / f"runtime-{self._hash(*RUNTIME_FLAGS, *files.values())}.o"
        with _making[target]:
            if target.exists():
                return target
            with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
                self._unpack(Path(scratch))
                names = [name for name in files if name.endswith(".c")]
                parts = [str(Path(scratch) / name) for name in names]
                words = [*RUNTIME_FLAGS, "-r", "-nostdlib", *parts]
                self._make(words, Path(scratch) / "runtime.o", target)
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
