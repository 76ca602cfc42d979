"""Scenarios of the kind "window": hold a thread at a symbol, let another act, cut the power.

The kernel is the unmodified one: QEMU's gdb stub holds the virtual processor to which the thread
is pinned. The guest says "ready", is told "armed", brings the thread to the symbol, is told "open",
acts, says what became of it, and crashes after the thread was let go. A second boot recovers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from patchbot.errors import CancelledError, PatchbotError, UsageError
from patchbot.qemu.boot import Outcome, Setting, check_disk, judge_boot, make_disk, make_guest
from patchbot.qemu.console import Case, End, read_console
from patchbot.qemu.errors import MachineError
from patchbot.qemu.gdb import connected_stub
from patchbot.qemu.hold import Asked, Hold, Reached, Window, WindowNotReached
from patchbot.qemu.machine import GDB, Live, run_guest, started_guest
from patchbot.qemu.scenario import Scenario
from patchbot.qemu.symbols import SymbolError, SymbolMap, read_symbols

# The held processor does nothing else, and nobody takes its standing for a fault of the kernel's.
HELD = ("nokaslr", "isolcpus=1", "irqaffinity=0", "rcupdate.rcu_cpu_stall_suppress=1")
_SAID = (b" window waits in ", b" window ended after ", b" window unclear: ", b" window failed: ")
_KEEP_S, _SLACK_S = 1.0, 5.0
_DIVIDER = "\n--- the power was cut; what follows is the next boot ---\n"


def boot_window(scenario: Scenario, setting: Setting) -> Outcome:
    """Run a scenario's two boots, and let fsck look at the disks; raises `PatchbotError`."""
    if scenario.hold is None or not scenario.recovery:
        raise MachineError(f"scenario {scenario.name} says not where to hold, or how to recover")
    disks = [make_disk(setting.place / f"{disk.name}.img", disk) for disk in scenario.disks]
    first = _boot_held(scenario, scenario.hold, setting, disks)
    if first.error or first.failed:
        return first
    guest, mark = make_guest(scenario, setting, disks, scenario.recovery)
    ran = run_guest(guest, setting.place, accel=setting.accel, timeout_s=scenario.timeout_s)
    told = read_console(ran.log, mark)
    # A disk whose journal could not be replayed is told by that, and fsck would not replay it.
    recovered = told.end is End.WHOLE and all(case.good for case in told.cases)
    checked = [check_disk(disk) for disk in disks] if recovered else []
    second = judge_boot(told, checked, ran.ended, ran.log, ran.seconds)
    return replace(
        second,
        cases=(*first.cases, *second.cases),
        log=first.log + _DIVIDER.encode() + second.log,
        seconds=first.seconds + second.seconds,
    )


def boot_plain_held(scenario: Scenario, hold: Hold, setting: Setting) -> Outcome:
    """Run a scenario of the kind "plain" with a thread held once, for a while.

    The guest pins the threads that are meant whenever they appear. Raises `PatchbotError`.
    """
    disks = [make_disk(setting.place / f"{disk.name}.img", disk) for disk in scenario.disks]
    outcome = _boot_held(scenario, hold, setting, disks)
    if outcome.error or outcome.failed:
        return outcome
    checked = [check_disk(disk) for disk in disks]
    bad = [f"{case.name}: {case.why}" for case in checked if not case.good]
    return replace(outcome, cases=(*outcome.cases, *checked), failed="; ".join(bad))


def _boot_held(scenario: Scenario, hold: Hold, setting: Setting, disks: list[Path]) -> Outcome:
    """Boot until the crash; the outcome has an error where the window did not open."""
    symbols = read_symbols(setting.image.folder / "symbols")
    try:
        places = [symbols.find(step) for step in hold.steps]
    except SymbolError as error:
        return Outcome((), "", f"{error} ({error.hint})", b"", 0.0)
    guest, mark = make_guest(scenario, setting, disks)
    guest = replace(guest, attended=True, append=(*guest.append, *HELD))
    reached: Reached | None = None
    trouble = ""
    with started_guest(guest, setting.place, accel=setting.accel) as live:
        try:
            reached = _open(live, mark, hold, symbols, scenario)
        except CancelledError:
            raise
        except PatchbotError as error:
            trouble = f"{error} ({error.hint})" if error.hint else str(error)
        ran = live.finish(0.0 if trouble else scenario.timeout_s)
    told = read_console(ran.log, mark)
    acts = scenario.kind == "window"
    cases = [_case(reached, hold, told.notes, acts)] if reached is not None else []
    said = "; ".join(place.said for place in places if place.said)
    cases = [replace(case, why=f"{case.why} ({said})") for case in cases] if said else cases
    outcome = judge_boot(told, cases, ran.ended, ran.log, ran.seconds)
    if outcome.failed and told.end is End.PANIC:
        return outcome
    return replace(outcome, error=trouble) if trouble else outcome


def _open(live: Live, mark: str, hold: Hold, symbols: SymbolMap, scenario: Scenario) -> Reached:
    """Open the window for as long as the guest needs to act in it, or for the time that is said."""
    acts = scenario.kind == "window"
    ready = f"{mark} window ready" if acts else f"{mark} KTAP"
    if not live.wait_for(ready.encode(), scenario.timeout_s):
        raise MachineError("the guest did not become ready for the window")
    if scenario.settings.get("opened_by"):
        return _open_by_log(live, hold, str(scenario.settings["opened_by"]))
    with connected_stub(live.folder / GDB) as stub:
        window = Window(stub, symbols, replace(hold, keep_s=hold.keep_s + _SLACK_S))
        window.arm()
        if acts:
            live.tell("armed")
        try:
            reached = window.wait()
        except PatchbotError:
            stub.detach()
            raise
        if acts:
            live.tell("open")
        window.keep(_until(live, mark, hold, acts=acts))
        window.release()
    return reached


def _open_by_log(live: Live, hold: Hold, text: str) -> Reached:
    """Let a kernel that was changed to wait in the window say when it does."""
    start = time.monotonic()
    live.tell("armed")
    if not live.wait_for(text.encode(), hold.reach_s):
        raise WindowNotReached(f"the kernel did not say {text!r} within {hold.reach_s:g} s")
    live.tell("open")
    return Reached(text, 0, time.monotonic() - start)


def _until(live: Live, mark: str, hold: Hold, *, acts: bool) -> Callable[[], bool]:
    """Return what says that a window was open for long enough."""
    said = [mark.encode() + each for each in _SAID]
    end = time.monotonic() + hold.keep_s

    def is_enough() -> bool:
        if live.is_over:
            return True
        if not acts:
            return time.monotonic() > end
        log = live.read_log()
        return any(each in log for each in said)

    return is_enough


def _case(reached: Reached, hold: Hold, notes: Sequence[str], acts: bool) -> Case:
    """Say what became of the store; whether that was right is for the recovery to show."""
    where = f"{' > '.join(hold.steps)} on vCPU {hold.processor}"
    if not acts:
        why = f"{where} was reached after {reached.seconds:.1f} s and held for {hold.keep_s:g} s"
        return Case(True, "window", why)
    said = [note.removeprefix("window ") for note in notes]
    what = next((each for each in said if each.startswith(("waits", "ended", "unclear"))), "")
    why = f"{what or 'nothing was told'}, while {where} was held"
    return Case(bool(what) and not what.startswith("unclear"), "window", why)


def with_hold(scenario: Scenario, asked: Asked) -> Scenario:
    """Return the scenario with a window of the command line's; raises `UsageError`."""
    if scenario.kind not in ("plain", "window"):
        raise UsageError(f"{scenario.name} has no place for a window", hint="choose another")
    known = scenario.hold or Hold(asked.steps, keep_s=_KEEP_S)
    processor = known.processor if asked.processor is None else asked.processor
    if processor != known.processor and scenario.kind == "window":
        raise UsageError(f"{scenario.name} pins what is held to vCPU {known.processor}")
    name = asked.thread or scenario.environment.get("HOLD", "")
    environment = {**scenario.environment, "HOLD": name}
    if scenario.kind != "window":
        environment["PIN"] = name
    return replace(
        scenario,
        hold=replace(known, steps=asked.steps, processor=processor),
        environment=environment,
    )
