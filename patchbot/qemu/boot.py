"""Boot one kernel for one scenario: disks, initramfs, the run, fsck, and what came of it."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from patchbot.errors import PatchbotError
from patchbot.proc import run_program
from patchbot.qemu.console import Case, End, Told, read_console
from patchbot.qemu.initramfs import Entry, console, folder, pack, program
from patchbot.qemu.machine import Guest, MachineError, run_guest
from patchbot.qemu.scenario import Disk, Scenario

_FSCK_S = 60.0
_CLEAN = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one boot of a scenario came to.

    `cases` are the guest's and fsck's; they may be believed only where `error` is empty. `log` is
    the serial line. `failed` is what is wrong with the kernel, in words, empty where nothing is.
    """

    cases: tuple[Case, ...]
    failed: str
    error: str
    log: bytes
    seconds: float

    @property
    def good(self) -> bool:
        """Whether all that was tried went well, and something was."""
        return not self.failed and not self.error and any(not case.skipped for case in self.cases)


def find_busybox() -> bytes:
    """Return a static busybox; raises `MachineError` where there is none."""
    path = shutil.which("busybox")
    hint = "apt-get install busybox-static"
    if path is None:
        raise MachineError("busybox is not installed", hint=hint)
    data = Path(path).read_bytes()
    if b"/ld-linux" in data or b"/ld-musl" in data:
        raise MachineError(f"{path} needs libraries, a guest has none", hint=hint)
    return data


def boot_scenario(kernel: Path, scenario: Scenario, place: Path, *, accel: str = "tcg") -> Outcome:
    """Run a scenario on a kernel, in the empty folder `place`; raises `PatchbotError`."""
    mark = f"m{secrets.token_hex(8)}"
    disks = [_make_disk(place / f"{disk.name}.img", disk) for disk in scenario.disks]
    initrd = place / "initrd"
    initrd.write_bytes(_pack(scenario, mark))
    guest = Guest(kernel, initrd, tuple(disks), scenario.memory_mb)
    ran = run_guest(guest, place, accel=accel, timeout_s=scenario.timeout_s)
    told = read_console(ran.log, mark)
    checked = [_check_disk(disk) for disk in disks] if told.end is End.WHOLE else []
    return judge_boot(told, checked, ran.ended, ran.log, ran.seconds)


def judge_boot(
    told: Told, checked: Sequence[Case], ended: str, log: bytes, seconds: float
) -> Outcome:
    """Say what a boot came to, from what the log tells and what fsck says of the disks. Pure."""
    cases = (*told.cases, *checked)
    troubles = [trouble.text for trouble in told.troubles]
    bad = [f"{case.name}: {case.why}" for case in cases if not case.good and not case.skipped]
    failed = "; ".join([*troubles[:3], *bad])
    error = ""
    if told.end is End.PANIC:
        failed = failed or told.reason
    elif told.end is not End.WHOLE:
        error = f"{ended}: {told.reason}" if ended else told.reason
    elif ended:
        error = f"the guest came to its end, and did not stop: {ended}"
    elif not cases:
        error = "nothing was tried"
    return Outcome(cases, failed, error, log, seconds)


def _make_disk(path: Path, disk: Disk) -> Path:
    with path.open("wb") as file:
        file.truncate(disk.size_mb << 20)
    mkfs = _find("mke2fs")
    done = run_program([mkfs, "-q", "-F", *disk.mkfs, str(path)], timeout_s=_FSCK_S)
    if done.returncode != 0:
        raise PatchbotError(f"mke2fs failed: {done.error_text}")
    return path


def _check_disk(path: Path) -> Case:
    """Let fsck look at a disk that was unmounted: it must find nothing at all."""
    done = run_program([_find("e2fsck"), "-fn", str(path)], timeout_s=_FSCK_S)
    text = done.stdout.decode("utf-8", "replace").strip().splitlines()
    why = "clean" if done.returncode == _CLEAN else "; ".join(text[-3:])
    return Case(done.returncode == _CLEAN, f"fsck of {path.stem}", why)


def _find(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        raise MachineError(f"{name} is not installed", hint="apt-get install e2fsprogs")
    return found


def _pack(scenario: Scenario, mark: str) -> bytes:
    first = (files("patchbot.qemu") / "guests" / "init.sh").read_bytes()
    return pack(
        [
            folder("bin"),
            folder("dev"),
            console(),
            program("bin/busybox", find_busybox()),
            program("init", first),
            program("scenario.sh", scenario.script),
            Entry("mark", 0o100644, f"{mark}\n".encode()),
        ]
    )
