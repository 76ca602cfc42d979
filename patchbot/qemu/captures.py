"""Scenarios of the kind "crash": a guest writes, and all that reached its disk is kept and read.

Nothing is changed in the kernel, and nothing is stopped while it runs: the crashes are tried on the
host afterwards, from the log of the writes.
"""

from __future__ import annotations

import random
from dataclasses import replace

from patchbot.qemu.boot import Outcome, Setting, judge_boot, make_disk, make_guest
from patchbot.qemu.campaign import Capture, study_apart
from patchbot.qemu.commits import Verified, verify_run
from patchbot.qemu.console import Case, End, Told, read_console
from patchbot.qemu.crash import Plan
from patchbot.qemu.errors import MachineError
from patchbot.qemu.machine import Ran, run_guest
from patchbot.qemu.scenario import Scenario
from patchbot.qemu.scratch import copy_sparse
from patchbot.qemu.study import Study
from patchbot.workers import WORKERS


def boot_crash(scenario: Scenario, setting: Setting) -> Outcome:
    """Run the guest, and look at all commits, and at the crashes that the scenario asks for.

    Raises `PatchbotError`.
    """
    capture, told, ran = capture_run(scenario, setting)
    cases: list[Case] = []
    if told.end is End.WHOLE:
        cases = _study(scenario, setting, capture)
    return judge_boot(told, cases, ran.ended, ran.log, ran.seconds)


def capture_run(scenario: Scenario, setting: Setting) -> tuple[Capture, Told, Ran]:
    """Run the guest once; what it left stands in the setting's folder."""
    if not scenario.disks:
        raise MachineError(f"scenario {scenario.name} has no disk whose writes could be read")
    place = setting.place
    disks = [make_disk(place / f"{disk.name}.img", disk) for disk in scenario.disks]
    start, log = place / "start.img", place / "writes.log"
    copy_sparse(disks[0], start)
    log.write_bytes(b"")
    guest, mark = make_guest(scenario, setting, disks)
    guest = replace(guest, write_log=(disks[0], log))
    ran = run_guest(guest, place, accel=setting.accel, timeout_s=scenario.timeout_s)
    told = read_console(ran.log, mark)
    trouble = "; ".join(each.text for each in told.troubles[:3])
    if not trouble and told.end is not End.WHOLE:
        trouble = f"{ran.ended}: {told.reason}" if ran.ended else told.reason
    return Capture(start, log, trouble), told, ran


def seeded(scenario: Scenario, seed: int) -> Scenario:
    """Return the scenario as a seed varies it: one of each of its settings' `choices`."""
    draw = random.Random(f"{seed} choices")
    choices = scenario.settings.get("choices", {})
    chosen = {name: str(draw.choice(values)) for name, values in sorted(choices.items())}
    mkfs = chosen.pop("mkfs", "").split()
    disks = tuple(replace(disk, mkfs=(*disk.mkfs, *mkfs)) for disk in scenario.disks)
    environment = {**scenario.environment, **chosen, "SEED": str(seed)}
    return replace(scenario, environment=environment, disks=disks)


def plan_of(scenario: Scenario, seed: int = 1) -> Plan:
    """Return the crashes that a scenario asks for: its settings `points`, `checked`, `losses`."""
    asked = scenario.settings
    return Plan(
        seed=seed,
        count=int(asked.get("points", 0)),
        checked=int(asked.get("checked", 20)),
        losses=bool(asked.get("losses", False)),
    )


def _study(scenario: Scenario, setting: Setting, capture: Capture) -> list[Case]:
    if scenario.settings.get("judge") == "commits":
        seen = WORKERS.call(verify_run, capture.start_image, capture.log)
        return judge_commits(seen, int(scenario.settings.get("commits", 1)))
    plan = plan_of(scenario)
    return judge_crashes(study_apart(capture.start_image, capture.log, plan, setting.place))


def judge_commits(seen: Verified, wanted: int) -> list[Case]:
    """Return what the commits of a run say. Pure.

    Raises `MachineError` when nothing is wrong with them and they are fewer than `wanted`: that is
    too little to say anything of the kernel.
    """
    why = f"{seen.commits} commits, {seen.tags} checksums, {seen.mismatched} blocks changed"
    good = not (seen.mismatched or seen.broken)
    if good and (seen.commits < wanted or not seen.tags):
        raise MachineError(
            f"the guest made {why}; {wanted} commits are needed",
            hint="the machine may be too busy: run it again",
        )
    first = [str(each) for each in seen.mismatches[:2]]
    broken = [f"{seen.broken} broken control blocks"] if seen.broken else []
    return [Case(good, "bytes on disk are those checksummed", "; ".join([why, *first, *broken]))]


def judge_crashes(study: Study) -> list[Case]:
    """Return what the crashes of a run say. Pure.

    Raises `MachineError` when there were none, and when e2fsck is of another opinion than we are.
    """
    if study.disagreed:
        raise MachineError(
            f"e2fsck and patchbot's reader of the journal differ at {study.disagreed} crashes",
            hint="one of the two is wrong: please report it, with the serial log",
        )
    if not study.points:
        raise MachineError(
            "the guest wrote nothing that a crash could cut short",
            hint="the machine may be too busy: run it again",
        )
    figures = f"{study.points} crashes, {study.checked} of them put before e2fsck"
    words = "; ".join([f"{figures}: recovery fails at {study.failures}", *study.words[:2]])
    damage = f"{study.damaged} of {study.checked} images are damaged after recovery"
    return [
        Case(not study.failures, "recovery", words),
        Case(not study.damaged, "file system after recovery", damage),
    ]
