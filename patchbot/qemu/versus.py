"""Scenarios on a base and on a revision, side by side within the machine's cores."""

from __future__ import annotations

import concurrent.futures
import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from patchbot.kbuild.image import Image
from patchbot.model import Change
from patchbot.proc import PROCESSES, carried, count_cores
from patchbot.qemu.boot import Outcome, Setting
from patchbot.qemu.compare import Pair
from patchbot.qemu.kept import boot_kept
from patchbot.qemu.machine import SERIAL
from patchbot.qemu.scenario import Scenario

Say = Callable[[str], None]
Watch = Callable[[str, Path], None]
_TICK_S = 0.2


def guests_at_once() -> int:
    """Return how many guests, of two virtual processors each, this machine takes at a time.

    Two at least: a guest waits a good part of its time, for a window, a time-out or its disk.
    """
    return max(2, count_cores() * 3 // 4)


# All revisions of a review share the machine.
_ROOM = threading.BoundedSemaphore(guests_at_once())


def compare_images(
    base: Image | None,
    after: Image,
    scenarios: Sequence[Scenario],
    setting: Setting,
    say: Say = lambda text: None,
    watch: Watch = lambda name, path: None,
) -> list[Pair]:
    """Run scenarios on both images; what is kept is not run again. The order is the scenarios'.

    The images stand for that of `setting`, whose `place` is a folder for all of them. `watch` is
    told where each boot's serial line grows, and then where it is kept: a name, and the file.
    Raises as `boot_kept`.
    """
    executor = concurrent.futures.ThreadPoolExecutor(guests_at_once(), "guest")
    try:
        futures = [
            executor.submit(carried(_compare), base, after, scenario, setting, say, watch)
            for scenario in scenarios
        ]
        todo = set(futures)
        while todo:
            done, todo = concurrent.futures.wait(todo, _TICK_S, concurrent.futures.FIRST_COMPLETED)
            PROCESSES.check()
            for future in done:
                future.result()
        return [future.result() for future in futures]
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _compare(
    base: Image | None,
    after: Image,
    scenario: Scenario,
    setting: Setting,
    say: Say,
    watch: Watch,
) -> Pair:
    """Run one scenario on both; where they differ by chance, try both as often as it asks."""

    def boot(image: Image, name: str, runs: int = 1) -> tuple[Outcome, Path]:
        place = setting.place / scenario.file_name / name
        with _room():
            say(f"{scenario.name} on the {name}")
            watch(f"{scenario.name} on the {name}", place / SERIAL)
            here = replace(setting, image=image, place=place)
            outcome, log = boot_kept(scenario, here, runs=runs)
        watch(f"{scenario.name} on the {name}", log)
        return outcome, log

    two, second = boot(after, "revision")
    one, first = boot(base, "base") if base is not None else (None, None)
    pair = Pair(scenario.name, one, two, (str(first or ""), str(second)))
    if base is None or not scenario.confirm or not _differs(pair):
        return pair
    often = 1 + scenario.confirm
    one, two = boot(base, "base", often)[0], boot(after, "revision", often)[0]
    return replace(pair, base=one, after=two)


@contextlib.contextmanager
def _room() -> Iterator[None]:
    """Wait until there is room for another guest; raises `CancelledError` when stopped."""
    while not _ROOM.acquire(timeout=_TICK_S):
        PROCESSES.check()
    try:
        PROCESSES.check()
        yield
    finally:
        _ROOM.release()


def _differs(pair: Pair) -> bool:
    """Whether only one fails, or the revision fails in a case where the base is good."""
    if pair.base is None or not pair.base.answered or not pair.after.answered:
        return False
    return bool(pair.base.failed) != bool(pair.after.failed) or pair.change is Change.INTRODUCED
