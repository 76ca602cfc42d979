"""Run one guest: QEMU in a sandbox, its serial line in a file, and an end at the latest in time."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from patchbot.errors import StoreError
from patchbot.proc import PROCESSES, Running
from patchbot.qemu.errors import MachineError
from patchbot.qemu.sockets import Line, connect_unix
from patchbot.sandbox import find_sandbox, sandbox_environment

QEMU = "qemu-system-x86_64"
GDB, QMP, CONTROL = "gdb.sock", "qmp.sock", "control.sock"
SERIAL = "serial.log"
"""The serial line's file, in the guest's folder."""
_TICK_S = 0.05
_MAX_LOG = 16 << 20
_MAX_WRITES = 2 << 30
_PANIC = ("oops=panic", "panic_on_warn=1", "hung_task_panic=1", "panic=-1")


@dataclass(frozen=True, slots=True)
class Guest:
    """What is to be booted; `disks` become virtio block devices in their order.

    `memory_mb` is in MiB. With `fragile`, warnings, oopses and hung tasks end the guest. With
    `attended`, QEMU listens in the guest's folder for a debugger, for QMP, and for lines that the
    guest reads from its second serial port. `write_log` names a disk and a file: every write to
    that disk goes to the file too, in the format of dm-log-writes.
    """

    kernel: Path
    initrd: Path
    disks: tuple[Path, ...] = ()
    memory_mb: int = 256
    processors: int = 2
    append: tuple[str, ...] = ()
    fragile: bool = True
    attended: bool = False
    write_log: tuple[Path, Path] | None = None


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run left: the serial log, seconds, and whether it had to be ended and why."""

    log: bytes
    seconds: float
    ended: str = ""


def command_of(guest: Guest, accel: str, log: Path) -> list[str]:
    """Return QEMU's command line; `accel` is "kvm" or "tcg". Sockets stand beside `log`."""
    # Guests tell their results through /dev/kmsg.
    words = [
        "console=ttyS0",
        "loglevel=7",
        "printk.devkmsg=on",
        *(_PANIC if guest.fragile else ()),
        *guest.append,
    ]
    speed = ["-accel", "kvm", "-cpu", "host"] if accel == "kvm" else _tcg()
    argv = [QEMU, *speed, "-m", str(guest.memory_mb), "-smp", str(guest.processors)]
    argv += ["-nodefaults", "-display", "none", "-no-reboot", "-no-user-config"]
    argv += ["-serial", f"file:{log}", "-kernel", str(guest.kernel), "-initrd", str(guest.initrd)]
    argv += ["-append", " ".join(words)]
    if guest.attended:
        # Relative names: a socket's path may have 107 bytes.
        argv += ["-serial", f"unix:{CONTROL},server=on,wait=off"]
        argv += ["-gdb", f"unix:{GDB},server=on,wait=off"]
        argv += ["-qmp", f"unix:{QMP},server=on,wait=off"]
    for number, disk in enumerate(guest.disks):
        argv += _disk(number, disk, guest.write_log)
    return argv


def _tcg() -> list[str]:
    return ["-accel", "tcg,thread=multi", "-cpu", "max"]


def _disk(number: int, disk: Path, write_log: tuple[Path, Path] | None) -> list[str]:
    """Return one disk's options. Flushes are not waited for: the host does not crash."""
    name = f"disk{number}"
    file = {"driver": "file", "filename": str(disk), "cache.direct": "off", "cache.no-flush": "on"}
    node = {"driver": "raw", **_below("file", file)}
    if write_log is not None and write_log[0] == disk:
        log = {"driver": "file", "filename": str(write_log[1]), "cache.no-flush": "on"}
        node = {"driver": "blklogwrites", **_below("file", node), **_below("log", log)}
    words = ",".join(f"{key}={value}" for key, value in {"node-name": name, **node}.items())
    return ["-blockdev", words, "-device", f"virtio-blk-pci,drive={name}"]


def _below(key: str, options: dict[str, str]) -> dict[str, str]:
    return {f"{key}.{name}": value for name, value in options.items()}


@dataclass(slots=True)
class Live:
    """A guest that runs; `finish` waits for its end."""

    process: Running
    folder: Path
    log_file: Path
    write_log: Path | None = None
    _start: float = field(default_factory=time.monotonic)
    _control: Line | None = None

    @property
    def is_over(self) -> bool:
        """Whether the guest has ended."""
        return self.process.poll() is not None

    def read_log(self) -> bytes:
        """Return what the guest wrote on its serial line until now."""
        with self.log_file.open("rb") as file:
            return file.read(_MAX_LOG)

    def wait_for(self, text: bytes, timeout_s: float) -> bool:
        """Wait until the guest writes `text`; False where it ends, or the time, before that."""
        deadline = time.monotonic() + timeout_s
        while True:
            over = self.is_over
            if text in self.read_log():
                return True
            if over or time.monotonic() > deadline:
                return False
            self._tick()

    def tell(self, line: str) -> None:
        """Send the guest a line on its second serial port; raises `MachineError`."""
        if self._control is None:
            self._control = Line(connect_unix(self.folder / CONTROL), "control line")
        self._control.send(f"{line}\n".encode())

    def finish(self, timeout_s: float) -> Ran:
        """Wait for the guest's end, at most until `timeout_s` seconds after its start."""
        ended = ""
        while not self.is_over and not ended:
            self._tick()
            if time.monotonic() - self._start > timeout_s:
                ended = f"no end within {timeout_s:g} s"
            elif _size(self.log_file) > _MAX_LOG:
                ended = f"it wrote more than {_MAX_LOG >> 20} MiB"
            elif self.write_log is not None and _size(self.write_log) > _MAX_WRITES:
                ended = f"it wrote more than {_MAX_WRITES >> 20} MiB to its disk"
        PROCESSES.check()
        if not ended and self.process.returncode:
            raise MachineError(self._why())
        return Ran(self.read_log(), time.monotonic() - self._start, ended)

    def _why(self) -> str:
        stream, code = self.process.stderr, self.process.returncode
        words = stream.read().decode("utf-8", "replace").strip() if stream else ""
        how = f"was killed by signal {-code}" if code < 0 else f"ended with {code}"
        return f"QEMU {how}{': ' + words[-300:] if words else ''}"

    def close(self) -> None:
        """Close what was opened to the guest."""
        if self._control is not None:
            self._control.close()

    def _tick(self) -> None:
        PROCESSES.check()
        time.sleep(_TICK_S)


def run_guest(guest: Guest, folder: Path, *, accel: str = "tcg", timeout_s: float = 60.0) -> Ran:
    """Boot a guest and wait for its end; the log is what it wrote until then, whatever ended it.

    Disks must stand in `folder`, which QEMU may write. Raises `MachineError` where QEMU is absent
    or refuses to start, `CancelledError` when stopped.
    """
    with started_guest(guest, folder, accel=accel) as live:
        return live.finish(timeout_s)


@contextlib.contextmanager
def started_guest(guest: Guest, folder: Path, *, accel: str = "tcg") -> Iterator[Live]:
    """Boot a guest, lend it, and end it; see `run_guest`."""
    if shutil.which(QEMU) is None:
        raise MachineError(f"{QEMU} is not installed", hint="apt-get install qemu-system-x86")
    log = folder / SERIAL
    argv = command_of(guest, accel, log)
    sandbox = find_sandbox()
    wrapped = sandbox.wrap(
        argv, readable=[guest.kernel.parent, guest.initrd.parent], writable=[folder],
        devices=[Path("/dev/kvm")] if accel == "kvm" else [], cwd=folder,
    )  # fmt: skip
    if sandbox.program is None and (setpriv := shutil.which("setpriv")) is not None:
        wrapped = [setpriv, "--pdeathsig", "KILL", *wrapped]
    try:
        log.write_bytes(b"")
        for name in (GDB, QMP, CONTROL):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{log}: {error.strerror}", hint="free space") from error
    cwd = folder if sandbox.program is None else None
    with PROCESSES.started(wrapped, sandbox_environment(), cwd) as process:
        live = Live(process, folder, log, guest.write_log[1] if guest.write_log else None)
        try:
            yield live
        finally:
            live.close()


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
