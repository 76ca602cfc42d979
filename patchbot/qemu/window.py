"""Scenarios of the kind "window": hold a thread at a symbol, let another act, cut the power.

The kernel is the unmodified one: QEMU's gdb stub holds the virtual processor to which the thread
is pinned. The guest says "ready", is told "armed", brings the thread to the symbol, is told "open",
acts, says what became of it, and crashes after the thread was let go. A second boot recovers. Where
several windows follow one another, the guest is told "held" for each that is not the last.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from patchbot.errors import CancelledError, PatchbotError, UsageError
from patchbot.qemu.boot import Outcome, Setting, check_disk, judge_boot, make_disk, make_guest
from patchbot.qemu.console import Case, End, read_console
from patchbot.qemu.errors import MachineError
from patchbot.qemu.gdb import connected_stub
from patchbot.qemu.hold import Asked, Hold, Reached, WindowNotReached, Windows
from patchbot.qemu.machine import GDB, Guest, Live, run_guest, started_guest
from patchbot.qemu.scenario import Scenario
from patchbot.qemu.symbols import SymbolError, SymbolMap, read_symbols

# The held processor does nothing else, and nobody takes its standing for a fault of the kernel's.
_HELD = ("nokaslr", "irqaffinity=0", "rcupdate.rcu_cpu_stall_suppress=1")
_SAID = (b" window waits in ", b" window ended after ", b" window unclear: ", b" window failed: ")
_KEEP_S, _SLACK_S = 1.0, 5.0
# A thread that waits for 5 s is a hung task: waiting for the held one must not count as that.
_MEANWHILE_S = 3.0
_DIVIDER = "\n--- the power was cut; what follows is the next boot ---\n"


def boot_window(scenario: Scenario, setting: Setting) -> Outcome:
    """Run a scenario's two boots, and let fsck look at the disks; raises `PatchbotError`."""
    if not scenario.holds or not scenario.recovery:
        raise MachineError(f"scenario {scenario.name} says not where to hold, or how to recover")
    disks = [make_disk(setting.place / f"{disk.name}.img", disk) for disk in scenario.disks]
    first = _boot_held(scenario, setting, disks)
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


def boot_plain_held(scenario: Scenario, setting: Setting) -> Outcome:
    """Run a scenario of the kind "plain" with threads held once each, for a while.

    The guest pins the threads that are meant whenever they appear. Raises `PatchbotError`.
    """
    disks = [make_disk(setting.place / f"{disk.name}.img", disk) for disk in scenario.disks]
    outcome = _boot_held(scenario, setting, disks)
    if outcome.error or outcome.failed:
        return outcome
    checked = [check_disk(disk) for disk in disks]
    bad = [f"{case.name}: {case.why}" for case in checked if not case.good]
    return replace(outcome, cases=(*outcome.cases, *checked), failed="; ".join(bad))


def _boot_held(scenario: Scenario, setting: Setting, disks: list[Path]) -> Outcome:
    """Boot until the crash; the outcome has an error where a window did not open."""
    symbols = read_symbols(setting.image.folder / "symbols")
    try:
        places = [symbols.find(step) for hold in scenario.holds for step in hold.steps]
    except SymbolError as error:
        return Outcome((), "", f"{error} ({error.hint})", b"", 0.0)
    guest, mark = make_guest(scenario, setting, disks)
    reached: list[Reached] = []
    trouble = ""
    with started_guest(_attended(guest, scenario), setting.place, accel=setting.accel) as live:
        try:
            reached = _open(live, mark, symbols, scenario)
        except CancelledError:
            raise
        except PatchbotError as error:
            trouble = f"{error} ({error.hint})" if error.hint else str(error)
        ran = live.finish(0.0 if trouble else scenario.timeout_s)
    told = read_console(ran.log, mark)
    cases = [_case(reached, scenario, told.notes)] if reached else []
    said = "; ".join(place.said for place in places if place.said)
    cases = [replace(case, why=f"{case.why} ({said})") for case in cases] if said else cases
    outcome = judge_boot(told, cases, ran.ended, ran.log, ran.seconds)
    if outcome.failed and told.end is End.PANIC:
        return outcome
    return replace(outcome, error=trouble) if trouble else outcome


def _attended(guest: Guest, scenario: Scenario) -> Guest:
    """Return the guest with a vCPU for each thread that is held, and one for all others."""
    last = max(1, *(hold.processor for hold in scenario.holds))
    alone = ",".join(str(number) for number in range(1, last + 1))
    append = (*guest.append, *_HELD, f"isolcpus={alone}")
    return replace(guest, attended=True, processors=last + 1, append=append)


def _open(live: Live, mark: str, symbols: SymbolMap, scenario: Scenario) -> list[Reached]:
    """Open the windows, the last for as long as the guest acts in it, or for what is said."""
    acts = scenario.kind == "window"
    ready = f"{mark} window ready" if acts else f"{mark} KTAP"
    if not live.wait_for(ready.encode(), scenario.timeout_s):
        raise MachineError("the guest did not become ready for the window")
    if scenario.settings.get("opened_by"):
        return _open_by_log(live, scenario.holds[-1], str(scenario.settings["opened_by"]))
    with connected_stub(live.folder / GDB) as stub:
        last = scenario.holds[-1]
        slack = replace(last, keep_s=last.keep_s + _SLACK_S)
        windows = Windows(stub, symbols, (*scenario.holds[:-1], slack))
        windows.arm()
        say: Callable[[str], None] = live.tell if acts else _say_nothing
        say("armed")
        try:
            reached = _wait_for_all(windows, len(scenario.holds), say)
        except PatchbotError:
            stub.detach()
            raise
        windows.keep(_until(live, mark, last, acts=acts))
        windows.release()
    return reached


def _say_nothing(line: str) -> None:
    """Say nothing: the guest's program does not listen."""


def _wait_for_all(windows: Windows, count: int, say: Callable[[str], None]) -> list[Reached]:
    reached: list[Reached] = []
    for left in reversed(range(count)):
        reached.append(windows.wait())
        say("held" if left else "open")
    return reached


def _open_by_log(live: Live, hold: Hold, text: str) -> list[Reached]:
    """Let a kernel that was changed to wait in the window say when it does."""
    start = time.monotonic()
    live.tell("armed")
    if not live.wait_for(text.encode(), hold.reach_s):
        raise WindowNotReached(f"the kernel did not say {text!r} within {hold.reach_s:g} s")
    live.tell("open")
    return [Reached(text, 0, time.monotonic() - start)]


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


def _case(reached: Sequence[Reached], scenario: Scenario, notes: Sequence[str]) -> Case:
    """Say what became of the store; whether that was right is for the recovery to show."""
    # A kernel that waits by itself opens one window.
    told = list(zip(scenario.holds[-len(reached) :], reached, strict=True))
    where = ", then ".join(_words(hold, each) for hold, each in told)
    if scenario.kind != "window":
        seconds, kept = sum(each.seconds for each in reached), scenario.holds[-1].keep_s
        why = f"{where} was reached after {seconds:.1f} s and held for {kept:g} s"
        return Case(True, "window", why)
    said = [note.removeprefix("window ") for note in notes]
    what = next((each for each in said if each.startswith(("waits", "ended", "unclear"))), "")
    why = f"{what or 'nothing was told'}, while {where} was held"
    return Case(bool(what) and not what.startswith("unclear"), "window", why)


def _words(hold: Hold, reached: Reached) -> str:
    words = f"{' > '.join(hold.steps)} on vCPU {hold.processor}"
    if reached.late:
        words += f" (not before the other went on: until then it came past {reached.late})"
    return words


def with_holds(scenario: Scenario, asked: Sequence[Asked]) -> Scenario:
    """Return the scenario with windows of the command line's; raises `UsageError`.

    Each thread that is named gets a vCPU for itself, from 1 on.
    """
    if scenario.kind not in ("plain", "window"):
        raise UsageError(f"{scenario.name} has no place for a window", hint="choose another")
    if any(_is_one(a, b) for a, b in itertools.pairwise(asked)):
        raise UsageError(
            "--hold: a thread that stands comes to no other place", hint="join the symbols with >"
        )
    known = scenario.environment.get("HOLD", "").split()
    wrong = [n for each in asked if (n := each.processor) is not None and not 0 < n <= len(known)]
    if wrong and scenario.kind == "window":
        raise UsageError(f"{scenario.name} pins what is held to vCPU {_count_up(len(known))}")
    pinned = _give_processors(asked, known)
    numbers = [n if (n := each.processor) is not None else pinned.index(each.thread) + 1
               for each in asked]  # fmt: skip
    last = scenario.holds[-1] if scenario.holds else Hold((), keep_s=_KEEP_S)
    holds = [replace(last, steps=each.steps, processor=number, keep_s=_MEANWHILE_S)
             for each, number in zip(asked, numbers, strict=True)]  # fmt: skip
    names = " ".join(pinned)
    environment = {**scenario.environment, "HOLD": names}
    if scenario.kind != "window":
        environment["PIN"] = names
    return replace(
        scenario,
        holds=(*holds[:-1], replace(holds[-1], keep_s=last.keep_s)),
        environment=environment,
    )


def _is_one(one: Asked, other: Asked) -> bool:
    return (one.thread, one.processor) == (other.thread, other.processor)


def _give_processors(asked: Sequence[Asked], known: Sequence[str]) -> list[str]:
    """Return the patterns of the threads to pin to vCPU 1, 2 and so on; "-" is no thread's name."""
    taken = {each.processor for each in asked if each.processor is not None}
    names = list(dict.fromkeys(each.thread for each in asked if each.thread))
    pinned: list[str] = []
    while names or len(pinned) < max(taken, default=0):
        number = len(pinned) + 1
        if number in taken or not names:
            pinned.append(known[number - 1] if number <= len(known) else "-")
        else:
            pinned.append(names.pop(0))
    return pinned


def _count_up(count: int) -> str:
    return " or ".join(str(number) for number in range(1, count + 1))
