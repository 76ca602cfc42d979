"""Shorter schedules that fail in the same way."""

from __future__ import annotations

from collections.abc import Callable

from kernel_sim.explore.schedule import parse_schedule, render_schedule


def minimise(schedule: str, fails: Callable[[str], bool]) -> str:
    """Return the schedule without the deviations that are not needed, one by one, last first.

    `fails` says whether the program fails by a schedule as it does by the first one. Of the result
    no single deviation can be left out.
    """
    kept = list(parse_schedule(schedule))
    shorter = True
    while shorter:
        shorter = False
        for at in reversed(range(len(kept))):
            tried = kept[:at] + kept[at + 1 :]
            if fails(render_schedule(tried)):
                kept, shorter = tried, True
    return render_schedule(kept)
