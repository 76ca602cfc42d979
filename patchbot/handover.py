"""A counterexample of the simulator as windows of a booted kernel: the command that tries it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Any

from kernel_sim import ir
from kernel_sim.explore.schedule import parse_schedule
from kernel_sim.handover import Stand, find_stands
from kernel_sim.machine.runtime import Traced
from kernel_sim.scenario import Scenario

from patchbot.proc import render_command

Row = dict[str, Any]
_HEAD = "try it on a booted kernel: "


def describe_handover(
    schedule: str,
    trace: Sequence[Traced],
    program: ir.Program,
    scenario: Scenario,
    names: Mapping[int, str],
) -> Row:
    """Return, as JSON values, where each preempted thread of an execution could be held.

    `trace` has calls. `names` are the threads' by number. `left_out` are the deviations of the
    schedule that are no preemptions.
    """
    booted = scenario.booted
    stands = find_stands(trace, program)
    return {
        "scenario": booted.scenario if booted else "",
        "holds": [_hold(each, names, booted.threads if booted else {}) for each in stands],
        "left_out": list(_left_out(schedule, stands)),
        "checked": False,
    }


def _hold(stand: Stand, names: Mapping[int, str], threads: Mapping[str, str]) -> Row:
    name = names.get(stand.thread, str(stand.thread))
    return {
        "thread": name,
        "other": names.get(stand.other, str(stand.other)),
        "pattern": threads.get(name, ""),
        "function": stand.function,
        "places": [asdict(place) | {"steps": list(place.steps)} for place in stand.places],
    }


def _left_out(schedule: str, stands: Sequence[Stand]) -> Iterator[str]:
    left = [(each.thread, each.other) for each in stands]
    for each in parse_schedule(schedule):
        if each.choice:
            yield f"{each}, what a choice gives"
        elif left and left[0] == (each.thread, each.value):
            left.pop(0)
        elif not each.thread:
            yield f"{each}, which thread begins"
        else:
            yield f"{each}, who goes on where a thread waits or has ended"


def check_functions(handover: Row, is_function: Callable[[str], bool]) -> Row:
    """Return a hand-over with only those places whose functions a built kernel has."""
    holds = [
        hold | {"places": [p for p in hold["places"] if all(map(is_function, p["steps"]))]}
        for hold in handover["holds"]
    ]
    return handover | {"holds": holds, "checked": True}


# ---------------------------------------------------------------- text


def render_handover(handover: Row | None, tree: str, commit: str) -> list[str]:
    """Return the command that tries a counterexample, and what it does otherwise; else why none."""
    if handover is None:
        return []
    obstacles = list(_obstacles(handover))
    if obstacles:
        return [f"{_HEAD}no command, {'; '.join(obstacles)}"]
    return [_HEAD + _command(handover, tree, commit), *(f"  {each}" for each in _told(handover))]


def _obstacles(handover: Row) -> Iterator[str]:
    holds = handover["holds"]
    if not handover["scenario"]:
        yield "no scenario of `patchbot smoke` does the same"
        return
    if not holds:
        yield "the schedule stops no thread"
    for name in dict.fromkeys(hold["thread"] for hold in holds if not hold["pattern"]):
        yield f"in {handover['scenario']} nothing can be held that is like the thread {name}"
    for hold in holds:
        if not hold["places"]:
            what = "function of this kernel" if handover["checked"] else "function"
            yield f"{hold['thread']} stands in {hold['function']}(), near no {what} to hold it at"
    for one, other in pairwise(holds):
        if one["thread"] == other["thread"]:
            yield f"{one['thread']} is stopped twice in a row"


def _command(handover: Row, tree: str, commit: str) -> str:
    argv = ["patchbot", "smoke", "--tree", tree, "--rev", commit[:12]]
    argv += ["--scenario", handover["scenario"]]
    for hold in handover["holds"]:
        argv += ["--hold", f"{'>'.join(hold['places'][0]['steps'])}:{hold['pattern']}"]
    return render_command(argv)


def _told(handover: Row) -> Iterator[str]:
    """Yield what the command does otherwise than the schedule."""
    for hold in handover["holds"]:
        yield _say_place(hold)
    for one, other in pairwise(handover["holds"]):
        if one["thread"] != other["other"]:
            yield (
                f"when {other['thread']} stands, {one['thread']} goes on; "
                f"in the schedule {other['other']} does"
            )
    yield from (f"not handed over: {each}" for each in handover["left_out"])
    if not handover["checked"]:
        yield "no image of this commit is kept: whether these are functions of its own is a guess"


def _say_place(hold: Row) -> str:
    place = hold["places"][0]
    where = f"{hold['thread']} is held at {place['steps'][-1]}()"
    if hold["function"] != place["steps"][-1]:
        where += f", not in {hold['function']}()"
    count = place["conflicts"]
    if not count:
        return f"{where}: the same for the others"
    return f"{where}: {count} of its accesses that matter to the others are on the other side"
