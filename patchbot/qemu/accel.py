"""Which acceleration guests run with: a real guest must print a line, or KVM is not used."""

from __future__ import annotations

import json
import os
import platform
import secrets
from pathlib import Path

from patchbot.errors import PatchbotError
from patchbot.proc import PROCESSES
from patchbot.qemu.boot import find_busybox
from patchbot.qemu.initramfs import Entry, console, folder, pack, program
from patchbot.qemu.machine import Guest, run_guest

KVM = Path("/dev/kvm")
PROBE_S = 6.0
_INIT = b"#!/bin/busybox sh\n/bin/busybox cat /mark\n/bin/busybox reboot -f\n"


def choose_accel(wanted: str, kernel: Path, home: Path, place: Path) -> str:
    """Return "kvm" or "tcg"; for "auto" the probe's answer, which is kept until the next boot.

    `place` is an empty folder for the probe.
    """
    if wanted != "auto":
        return wanted
    if not os.access(KVM, os.R_OK | os.W_OK):
        return "tcg"
    remembered = home / "acceleration.json"
    machine = f"{platform.node()} {_boot_id()}"
    try:
        known = json.loads(remembered.read_text("utf-8"))
        if known.get("machine") == machine and known.get("accel") in ("kvm", "tcg"):
            return str(known["accel"])
    except (OSError, ValueError, AttributeError):
        pass
    found = "kvm" if _prints_a_line(kernel, place) else "tcg"
    remembered.write_text(json.dumps({"machine": machine, "accel": found}), "utf-8")
    return found


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def _prints_a_line(kernel: Path, place: Path) -> bool:
    mark = f"probe-{secrets.token_hex(8)}"
    entries = [folder("bin"), folder("dev"), console(), program("bin/busybox", find_busybox())]
    entries += [program("init", _INIT), Entry("mark", 0o100644, f"{mark}\n".encode())]
    place.mkdir(parents=True, exist_ok=True)
    (place / "initrd").write_bytes(pack(entries))
    try:
        ran = run_guest(Guest(kernel, place / "initrd"), place, accel="kvm", timeout_s=PROBE_S)
    except PatchbotError:
        PROCESSES.check()
        return False
    return mark.encode() in ran.log
