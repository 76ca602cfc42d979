"""Run programs that a patch may influence: inside bubblewrap where that works here.

Inside there is no network, the system is read-only, no home folder is seen, and only the folders
that are named can be written. Where bubblewrap is absent or may not make namespaces, programs run
as they are, and `Sandbox.why_not` says so: whoever reports a result tells it.
"""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from patchbot.errors import ProcessError
from patchbot.proc import Completed, run_program

_SYSTEM = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "opt", "nix")
_CONFIGURATION = ("alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "passwd", "group")
_PROBE_S = 10.0


@dataclass(frozen=True, slots=True)
class Sandbox:
    """How programs are run; `program` is bubblewrap's path, None where it can't be used."""

    program: str | None
    why_not: str = ""

    def wrap(
        self,
        argv: Sequence[str],
        *,
        readable: Sequence[Path],
        writable: Sequence[Path],
        devices: Sequence[Path] = (),
        cwd: Path | None = None,
    ) -> list[str]:
        """Return the command that runs `argv` seeing these folders, all under their own names.

        It starts in `cwd`, which must be seen inside; without a sandbox, the caller sees to that.
        """
        if self.program is None:
            return list(argv)
        binds: list[str] = []
        for option, folders in (("--ro-bind", readable), ("--bind", writable)):
            for folder in folders:
                binds += [option, str(folder), str(folder)]
        for device in devices:
            binds += ["--dev-bind", str(device), str(device)]
        fixed = ["--unshare-all", "--die-with-parent", "--proc", "/proc", "--dev", "/dev"]
        binds += ["--chdir", str(cwd)] if cwd is not None else []
        return [self.program, *fixed, "--tmpfs", "/tmp", *_system(), *binds, "--", *argv]


def _system() -> list[str]:
    binds: list[str] = []
    for name in _SYSTEM:
        path = Path("/", name)
        if path.is_symlink():
            binds += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            binds += ["--ro-bind", str(path), str(path)]
    for name in _CONFIGURATION:
        binds += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    return binds


@functools.cache
def find_sandbox() -> Sandbox:
    """Find bubblewrap, and try once whether it can be used here."""
    program = shutil.which("bwrap")
    if program is None:
        return Sandbox(None, "bubblewrap is not installed (apt-get install bubblewrap)")
    found = Sandbox(program)
    try:
        probe = run_program(
            found.wrap(["true"], readable=(), writable=()),
            env=sandbox_environment(),
            timeout_s=_PROBE_S,
        )
    except ProcessError as error:
        return Sandbox(None, f"bubblewrap does not start: {error}")
    if probe.returncode != 0:
        words = probe.error_text.splitlines()[-1:] or ["no reason given"]
        return Sandbox(None, f"bubblewrap can't be used here: {words[0]}")
    return found


def run_sandboxed(
    argv: Sequence[str],
    *,
    readable: Sequence[Path] = (),
    writable: Sequence[Path] = (),
    cwd: Path | None = None,
    timeout_s: float = 120.0,
    sandbox: Sandbox | None = None,
) -> Completed:
    """Run `argv` in the sandbox with a clean environment; raises as `run_program` does.

    `cwd` must be in a folder that is seen inside.
    """
    used = sandbox or find_sandbox()
    wrapped = used.wrap(argv, readable=readable, writable=writable, cwd=cwd)
    outside = cwd if used.program is None else None
    return run_program(wrapped, env=sandbox_environment(), cwd=outside, timeout_s=timeout_s)


def sandbox_environment() -> dict[str, str]:
    """Return what programs get of the environment: no secrets, no home, one language."""
    path = os.environ.get("PATH", os.defpath)
    return {"PATH": path, "HOME": "/tmp", "LC_ALL": "C", "TZ": "UTC"}
