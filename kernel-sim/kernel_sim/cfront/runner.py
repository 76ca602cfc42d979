"""gcc as a preprocessor, within limits: of a file of unknown contents, nothing is believed."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from kernel_sim.cfront.errors import PreprocessError
from kernel_sim.cfront.fallback import run_pcpp

SECONDS = 20
MEMORY = 1 << 30
MAX_TEXT = 64 << 20
"""Limits of one run: seconds of processor time and of waiting, bytes of memory, bytes written."""
_LIMITED = (
    f"ulimit -t {SECONDS} && ulimit -v {MEMORY >> 10} && ulimit -f {MAX_TEXT >> 9} && ulimit -c 0"
    ' && exec "$@"'
)


def has_gcc() -> bool:
    """Whether gcc is to be had."""
    return shutil.which("gcc") is not None


def run_preprocessor(arguments: list[str], file: Path, tree: Path) -> str:
    """The text, with line markers, that gcc makes of a file, or pcpp where gcc is absent.

    Raises PreprocessError for a file that does not preprocess.
    """
    return (run_gcc if has_gcc() else run_pcpp)(arguments, file, tree)


def run_gcc(arguments: list[str], file: Path, tree: Path) -> str:
    """The text, with line markers, that `gcc -E` makes of a file; nothing is compiled or run.

    Raises PreprocessError with gcc's first error, or with the limit that was met.
    """
    command = ["gcc", "-E", "-nostdinc", "-std=gnu11", "-w", "-fmax-include-depth=100"]
    command += [f"-fmacro-prefix-map={tree}/=", *arguments, str(file)]
    name = file.relative_to(tree).as_posix() if file.is_relative_to(tree) else file.name
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        code = _run(command, out.fileno(), err.fileno(), name)
        said = _read(err.fileno(), 1 << 16)
        if code != 0:
            raise PreprocessError(_explain(said, code, name, tree))
        return _read(out.fileno(), MAX_TEXT)


def _run(command: list[str], out: int, err: int, name: str) -> int:
    """The exit code of a command that runs under the limits, in a process group of its own."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
    process = subprocess.Popen(
        ["/bin/sh", "-c", _LIMITED, "sh", *command],
        stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment, process_group=0,
    )  # fmt: skip
    try:
        return process.wait(SECONDS)
    except subprocess.TimeoutExpired:
        raise PreprocessError(f"{name}: not preprocessed within {SECONDS} s") from None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _read(descriptor: int, most: int) -> str:
    os.lseek(descriptor, 0, os.SEEK_SET)
    with os.fdopen(os.dup(descriptor), "rb") as stream:
        return stream.read(most).decode("utf-8", "replace")


def _explain(said: str, code: int, name: str, tree: Path) -> str:
    """gcc's first error as one line, with paths of the tree."""
    for line in said.splitlines():
        matched = re.match(r"(.*?):(\d+):(?:\d+:)? (?:fatal )?error: (.*)", line)
        if matched:
            path = matched[1].removeprefix(f"{tree}/")
            return f"{path}:{matched[2]}: {matched[3][:200]}"
    for line in said.splitlines():
        if "error:" in line or "memory" in line:
            return f"{name}: {line.strip()[:200].replace(f'{tree}/', '')}"
    return f"{name}: gcc ended with {code}, beyond a limit of time, memory or text"
