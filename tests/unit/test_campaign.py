"""Campaigns over guests' runs that were made up: limits, resuming, errors, figures."""

from __future__ import annotations

import random
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from patchbot.errors import CancelledError, PatchbotError
from patchbot.proc import PROCESSES
from patchbot.qemu.campaign import (
    Campaign,
    Capture,
    Limits,
    Result,
    append_result,
    load_results,
    run_campaign,
)
from patchbot.qemu.commits import Verified
from patchbot.qemu.crash import Plan
from patchbot.qemu.errors import MachineError
from patchbot.qemu.journal import Mismatch
from patchbot.qemu.study import Study

POINTS = 10


def _study(seed: int, changes: tuple[int, ...] = ()) -> Study:
    """A study of ten points; `changes` are the points at which a block had changed."""
    marks = tuple((number, 2, number == 9) for number in changes)
    wrong = tuple(Mismatch(seed, 7, 8, 6, 1, 2, 30, 31) for _ in changes)
    verified = Verified(50, 4096, 5, 90, len(changes), 2 * len(changes), wrong, 0, 0, "")
    return Study(verified, POINTS, 1, 2, 0, 0, marks, tuple("bad" for _ in changes))


class Lab:
    """A boot and a study that give what a test says for each seed."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.record = folder / "place", folder / "record.jsonl"
        self.booted: list[int] = []
        self.plans: list[Plan] = []
        self.errors: dict[int, PatchbotError] = {}
        self.changes: dict[int, tuple[int, ...]] = {}
        self._lock = threading.Lock()

    def boot(self, seed: int, place: Path) -> Capture:
        assert not any(place.iterdir())
        (place / "log").write_text(str(seed))
        with self._lock:
            self.booted.append(seed)
        if seed in self.errors:
            raise self.errors[seed]
        return Capture(place / "start", place / "log")

    def study(self, _start: Path, log: Path, plan: Plan, _place: Path) -> Study:
        seed = int(log.read_text())
        with self._lock:
            self.plans.append(plan)
        return _study(seed, self.changes.get(seed, ()))

    def run(self, limits: Limits) -> Campaign:
        *_, found = run_campaign(
            self.boot, Plan(count=7), self.record, self.folder, limits, self.study
        )
        return found


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def test_seeds_are_run_until_there_are_enough_crashes(lab: Lab) -> None:
    found = lab.run(Limits(points=35))
    assert lab.booted == [1, 2, 3, 4]
    assert [(plan.seed, plan.count) for plan in lab.plans] == [(1, 7), (2, 7), (3, 7), (4, 7)]
    assert (found.points, found.good) == (40, True)
    assert list(lab.folder.iterdir()) == []


def test_no_time_means_nothing_is_run(lab: Lab) -> None:
    found = lab.run(Limits(seconds=0))
    assert lab.booted == []
    assert not found.good


def test_a_campaign_goes_on_where_it_was(lab: Lab) -> None:
    lab.changes = {2: (3, 9)}
    first = lab.run(Limits(points=20))
    assert not first.good
    again = lab.run(Limits(points=30, jobs=2))
    assert sorted(lab.booted)[:3] == [1, 2, 3]
    assert lab.booted.count(1) == lab.booted.count(2) == 1
    assert again.results[:2] == first.results


@pytest.mark.parametrize("torn", ['{"seed": 3, "sec', "\0\0\0", '{"seed": 3}\n', "[]\n"])
def test_a_torn_line_is_left_out_and_hides_nothing(lab: Lab, torn: str) -> None:
    lab.run(Limits(points=20))
    with lab.record.open("a") as file:
        file.write(torn)
    assert [each.seed for each in load_results(lab.record)] == [1, 2]
    lab.run(Limits(points=30))
    assert [each.seed for each in load_results(lab.record)] == [1, 2, 3]
    assert lab.booted == [1, 2, 3]


def test_what_is_stored_is_what_was_found(tmp_path: Path) -> None:
    results = [
        Result(2, 1.5, _study(2, (0, 9)), "WARNING: there"),
        Result(1, 0.5, error="QEMU is not installed"),
    ]
    for result in results:
        append_result(tmp_path / "deep" / "record", result)
    assert load_results(tmp_path / "deep" / "record") == sorted(results, key=lambda r: r.seed)


def test_figures_are_of_crashes_and_of_guests(lab: Lab) -> None:
    lab.changes = {1: (4,), 3: (0, 9)}
    found = lab.run(Limits(points=40))
    crashes, guests = found.crash_figures(), found.guest_figures()
    # crashes changed: the 5th, 21st and 30th of all
    assert (crashes.runs, crashes.changed, crashes.failures) == (40, 3, 1)
    assert (crashes.minimum_between, crashes.median_between, crashes.maximum_between) == (5, 9, 16)
    assert (guests.runs, guests.changed, guests.failures, guests.most_changes) == (4, 2, 1, 4)
    assert guests.average_between == 1.5


def test_an_error_is_kept_and_tried_again_the_next_time(lab: Lab) -> None:
    lab.errors = {2: MachineError("QEMU was killed by signal 9")}
    found = lab.run(Limits(points=20))
    assert [each.error for each in found.results] == ["", "QEMU was killed by signal 9", ""]
    assert not found.good
    lab.errors = {}
    again = lab.run(Limits(points=30))
    assert lab.booted == [1, 2, 3, 2]
    assert again.good


def test_what_fails_each_time_ends_the_campaign(lab: Lab) -> None:
    lab.errors = {seed: MachineError(f"no {seed}") for seed in (2, 4, 5, 6)}
    with pytest.raises(MachineError, match="no 6"):
        lab.run(Limits(points=900))
    assert lab.booted == [1, 2, 3, 4, 5, 6]
    assert list(lab.folder.iterdir()) == []


@pytest.fixture
def uncancelled() -> Iterator[None]:
    yield
    PROCESSES.reset()


@pytest.mark.usefixtures("uncancelled")
def test_a_stop_keeps_what_there_is(lab: Lab) -> None:
    campaign = run_campaign(lab.boot, Plan(), lab.record, lab.folder, Limits(), lab.study)
    for found in campaign:
        if len(found.results) == 3:
            break
    PROCESSES.cancel()
    with pytest.raises(CancelledError):
        next(campaign)
    PROCESSES.reset()
    assert len(load_results(lab.record)) == 3


def test_results_in_any_order_give_the_same_figures(lab: Lab) -> None:
    lab.changes = {seed: (seed,) for seed in range(1, 9)}
    results = lab.run(Limits(points=80)).results
    expected = Campaign(results).crash_figures()
    for seed in range(5):
        mixed, shuffled = Campaign(), list(results)
        random.Random(seed).shuffle(shuffled)
        for each in shuffled:
            mixed.add(each)
        assert mixed.crash_figures() == expected


def test_a_folder_that_was_left_behind_is_emptied(lab: Lab) -> None:
    (lab.folder / "seed1").mkdir(parents=True)
    (lab.folder / "seed1" / "old").write_text("old")
    assert lab.run(Limits(points=1)).points == POINTS
    shutil.rmtree(lab.folder)
