"""Run scenarios on images: each kind by its own way, several side by side."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping

from patchbot.errors import StoreError
from patchbot.qemu.boot import Outcome, Setting, boot_plain
from patchbot.qemu.captures import boot_crash
from patchbot.qemu.console import Case
from patchbot.qemu.errors import MachineError
from patchbot.qemu.scenario import Scenario
from patchbot.qemu.window import boot_plain_held, boot_window

Kind = Callable[[Scenario, Setting], Outcome]


def _boot_plain(scenario: Scenario, setting: Setting) -> Outcome:
    return (boot_plain_held if scenario.holds else boot_plain)(scenario, setting)


KINDS: Mapping[str, Kind] = {"plain": _boot_plain, "window": boot_window, "crash": boot_crash}


def run_scenario(scenario: Scenario, setting: Setting) -> Outcome:
    """Run one scenario on one image; its disks and sockets are gone afterwards.

    Raises `PatchbotError` where it could not be tried at all.
    """
    config = (setting.image.folder / "config").read_text("utf-8", "replace")
    missing = scenario.missing_options(config)
    if missing:
        why = f"SKIP the kernel's configuration can't have {', '.join(missing)}"
        return Outcome((Case(True, scenario.name, why),), "", "", b"", 0.0)
    if scenario.kind not in KINDS:
        raise MachineError(f"scenario {scenario.name}: there is no kind {scenario.kind!r}")
    try:
        setting.place.mkdir(parents=True, exist_ok=True)
        return KINDS[scenario.kind](scenario, setting)
    except OSError as error:
        raise StoreError(f"{setting.place}: {error.strerror}", hint="free space") from error
    finally:
        shutil.rmtree(setting.place, ignore_errors=True)
