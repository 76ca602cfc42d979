"""Boot one kernel for one scenario: disks, initramfs, the run, fsck, and what came of it."""

from __future__ import annotations

import secrets
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from patchbot.errors import PatchbotError
from patchbot.kbuild.image import Image
from patchbot.proc import run_program
from patchbot.qemu.console import Case, End, Told, read_console
from patchbot.qemu.errors import MachineError
from patchbot.qemu.fsck import find_e2fs
from patchbot.qemu.initramfs import Entry, console, folder, pack, program
from patchbot.qemu.machine import Guest, run_guest
from patchbot.qemu.programs import compile_program
from patchbot.qemu.scenario import Disk, Scenario, guest_text
from patchbot.sandbox import run_sandboxed

_FSCK_S = 60.0
_CLEAN = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one boot of a scenario came to.

    `cases` are the guest's and fsck's; they may be believed only where `error` is empty. `log` is
    the serial line. `failed` is what is wrong with the kernel, in words, empty where nothing is.
    `runs` is how often it was tried, `bad_runs` how often it failed; where it ever did, all else
    is that of a bad run.
    """

    cases: tuple[Case, ...]
    failed: str
    error: str
    log: bytes
    seconds: float
    runs: int = 1
    bad_runs: int = 0

    @property
    def good(self) -> bool:
        """Whether all that was tried went well, and something was."""
        return not self.failed and not self.error and any(not case.skipped for case in self.cases)

    @property
    def answered(self) -> bool:
        """Whether it says something of the kernel: good or bad."""
        return self.good or bool(self.failed and not self.error)

    @property
    def failing(self) -> set[str]:
        """The names of the cases that failed."""
        return {case.name for case in self.cases if not case.good and not case.skipped}

    @property
    def why_skipped(self) -> str:
        """What was said of the cases that could not be tried."""
        return "; ".join(case.why.partition(" ")[2] for case in self.cases if case.skipped)


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and how a scenario is run: `place` is an empty folder, `home` patchbot's data folder.

    `accel` is "kvm" or "tcg".
    """

    image: Image
    place: Path
    home: Path
    accel: str = "tcg"


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


def boot_plain(scenario: Scenario, setting: Setting) -> Outcome:
    """Boot, let the guest's script come to its end, and let fsck look at the disks.

    Raises `PatchbotError`.
    """
    place = setting.place
    disks = [make_disk(place / f"{disk.name}.img", disk) for disk in scenario.disks]
    guest, mark = make_guest(scenario, setting, disks)
    ran = run_guest(guest, place, accel=setting.accel, timeout_s=scenario.timeout_s)
    told = read_console(ran.log, mark)
    # A disk on which nothing was tried says nothing.
    tried = told.end is End.WHOLE and not all(case.skipped for case in told.cases)
    checked = [check_disk(disk) for disk in disks] if tried else []
    return judge_boot(told, checked, ran.ended, ran.log, ran.seconds)


def make_guest(
    scenario: Scenario, setting: Setting, disks: Sequence[Path], script: str = ""
) -> tuple[Guest, str]:
    """Return a guest that runs the scenario's script, or another, and the word of its lines."""
    mark = f"m{secrets.token_hex(8)}"
    initrd = setting.place / f"{mark}.initrd"
    initrd.write_bytes(_pack(scenario, guest_text(script or scenario.guest), mark, setting.home))
    guest = Guest(
        kernel=setting.image.kernel,
        initrd=initrd,
        disks=tuple(disks),
        memory_mb=scenario.memory_mb,
        append=scenario.append,
        fragile=scenario.fragile,
    )
    return guest, mark


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


def make_disk(path: Path, disk: Disk) -> Path:
    """Make a scenario's disk as a file; raises `PatchbotError`."""
    with path.open("wb") as file:
        file.truncate(disk.size_mb << 20)
    mkfs = find_e2fs("mke2fs")
    done = run_program([mkfs, "-q", "-F", *disk.mkfs, str(path)], timeout_s=_FSCK_S)
    if done.returncode != 0:
        raise PatchbotError(f"mke2fs failed: {done.error_text}")
    return path


def check_disk(path: Path) -> Case:
    """Let fsck look at a disk that was unmounted: it must find nothing at all."""
    argv = [find_e2fs("e2fsck"), "-fn", str(path)]
    done = run_sandboxed(argv, readable=[path.parent], timeout_s=_FSCK_S)
    text = done.stdout.decode("utf-8", "replace").strip().splitlines()
    why = "clean" if done.returncode == _CLEAN else "; ".join(text[-3:])
    return Case(done.returncode == _CLEAN, f"fsck of {path.stem}", why)


def _pack(scenario: Scenario, script: bytes, mark: str, home: Path) -> bytes:
    programs = [
        program(f"bin/{name.removesuffix('.c')}", compile_program(name, home))
        for name in scenario.programs
    ]
    words = [f"{key}={shlex.quote(value)}\n" for key, value in scenario.environment.items()]
    return pack(
        [
            folder("bin"),
            folder("dev"),
            console(),
            program("bin/busybox", find_busybox()),
            *programs,
            program("init", guest_text("init.sh")),
            program("scenario.sh", script),
            Entry("environment", 0o100644, "".join(words).encode()),
            Entry("mark", 0o100644, f"{mark}\n".encode()),
        ]
    )
