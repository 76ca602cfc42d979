"""Run one guest: QEMU in a sandbox, its serial line in a file, and an end at the latest in time."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from patchbot.errors import PatchbotError, StoreError
from patchbot.proc import PROCESSES
from patchbot.sandbox import find_sandbox, sandbox_environment

QEMU = "qemu-system-x86_64"
_TICK_S = 0.05
_MAX_LOG = 16 << 20
_PANIC = ("oops=panic", "panic_on_warn=1", "hung_task_panic=1", "panic=-1")


class MachineError(PatchbotError):
    """QEMU can't be run."""


@dataclass(frozen=True, slots=True)
class Guest:
    """What is to be booted; `disks` become virtio block devices in their order.

    `memory_mb` is in MiB. With `fragile`, warnings, oopses and hung tasks end the guest.
    """

    kernel: Path
    initrd: Path
    disks: tuple[Path, ...] = ()
    memory_mb: int = 256
    processors: int = 2
    append: tuple[str, ...] = ()
    fragile: bool = True


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run left: the serial log, seconds, and whether it had to be ended and why."""

    log: bytes
    seconds: float
    ended: str = ""


def command_of(guest: Guest, accel: str, log: Path) -> list[str]:
    """Return QEMU's command line; `accel` is "kvm" or "tcg"."""
    words = ["console=ttyS0", "loglevel=7", *(_PANIC if guest.fragile else ()), *guest.append]
    speed = ["-accel", "kvm", "-cpu", "host"] if accel == "kvm" else _tcg()
    argv = [QEMU, *speed, "-m", str(guest.memory_mb), "-smp", str(guest.processors)]
    argv += ["-nodefaults", "-display", "none", "-no-reboot", "-no-user-config"]
    argv += ["-serial", f"file:{log}", "-kernel", str(guest.kernel), "-initrd", str(guest.initrd)]
    argv += ["-append", " ".join(words)]
    for disk in guest.disks:
        argv += ["-drive", f"file={disk},format=raw,if=virtio,cache=unsafe"]
    return argv


def _tcg() -> list[str]:
    return ["-accel", "tcg,thread=multi", "-cpu", "max"]


def run_guest(guest: Guest, folder: Path, *, accel: str = "tcg", timeout_s: float = 60.0) -> Ran:
    """Boot a guest and wait for its end; the log is what it wrote until then, whatever ended it.

    Disks must stand in `folder`, which QEMU may write. Raises `MachineError` where QEMU is absent
    or refuses to start, `CancelledError` when stopped.
    """
    if shutil.which(QEMU) is None:
        raise MachineError(f"{QEMU} is not installed", hint="apt-get install qemu-system-x86")
    log = folder / "serial.log"
    argv = command_of(guest, accel, log)
    sandbox = find_sandbox()
    wrapped = sandbox.wrap(
        argv, readable=[guest.kernel.parent, guest.initrd.parent], writable=[folder],
        devices=[Path("/dev/kvm")] if accel == "kvm" else [],
    )  # fmt: skip
    if sandbox.program is None and (setpriv := shutil.which("setpriv")) is not None:
        wrapped = [setpriv, "--pdeathsig", "KILL", *wrapped]
    try:
        log.write_bytes(b"")
    except OSError as error:
        raise StoreError(f"{log}: {error.strerror}", hint="free space") from error
    return _wait(wrapped, log, timeout_s)


def _wait(argv: Sequence[str], log: Path, timeout_s: float) -> Ran:
    start = time.monotonic()
    ended = ""
    with PROCESSES.started(argv, sandbox_environment(), None) as process:
        while process.poll() is None and not ended:
            PROCESSES.check()
            time.sleep(_TICK_S)
            if time.monotonic() - start > timeout_s:
                ended = f"no end within {timeout_s:g} s"
            elif _size(log) > _MAX_LOG:
                ended = f"it wrote more than {_MAX_LOG >> 20} MiB"
        if not ended and process.returncode:
            words = process.stderr.read().decode("utf-8", "replace") if process.stderr else ""
            raise MachineError(f"QEMU ended with {process.returncode}: {words.strip()[-300:]}")
    return Ran(log.read_bytes()[:_MAX_LOG], time.monotonic() - start, ended)


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
