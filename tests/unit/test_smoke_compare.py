"""Boots of a base and a revision: what is introduced, fixed, unchanged, or no answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbot.kbuild.image import Image
from patchbot.model import Change, Severity, Status
from patchbot.qemu import kept
from patchbot.qemu.boot import Outcome
from patchbot.qemu.compare import Pair, find_changes, judge_pairs
from patchbot.qemu.console import Case
from patchbot.qemu.scenario import Scenario, load_scenarios

GOOD = Outcome((Case(True, "data=journal"),), "", "", b"log", 2.0)
BAD = Outcome((Case(False, "data=journal", "lost"),), "data=journal: lost", "", b"log", 2.0)
HUNG = Outcome((), "", "no end within 60 s: the guest said nothing", b"", 60.0)
NOTHING = Outcome((Case(True, "dax", "SKIP no device"),), "", "", b"", 1.0)


def pair(base: Outcome, after: Outcome) -> Pair:
    return Pair("boot", base, after, ("base.log", "after.log"))


@pytest.mark.parametrize(
    ("base", "after", "change", "status"),
    [
        (GOOD, GOOD, Change.UNCHANGED, Status.PASS),
        (GOOD, BAD, Change.INTRODUCED, Status.FAIL),
        (BAD, GOOD, Change.FIXED, Status.PASS),
        (BAD, BAD, Change.UNCHANGED, Status.PASS),
        (GOOD, HUNG, None, Status.ERROR),
        (HUNG, GOOD, None, Status.ERROR),
        (HUNG, HUNG, None, Status.ERROR),
        (NOTHING, NOTHING, Change.UNCHANGED, Status.SKIPPED),
    ],
)
def test_one_scenario(base: Outcome, after: Outcome, change: Change | None, status: Status) -> None:
    one = pair(base, after)
    assert one.change is change
    assert judge_pairs([one])[0] is status


def test_the_worst_of_several_decides_and_all_are_named() -> None:
    status, reason = judge_pairs([pair(GOOD, HUNG), pair(GOOD, BAD), pair(GOOD, GOOD)])
    assert status is Status.FAIL
    assert "no answer, no end within 60 s" in reason
    assert "boot: introduced" in reason
    assert "boot: good, 2.0 s" in reason


def test_nothing_ran() -> None:
    assert judge_pairs([]) == (Status.SKIPPED, "no scenario ran")


def test_findings_name_both_logs_and_weigh_only_what_is_new() -> None:
    (new,) = find_changes([pair(GOOD, BAD)])
    assert (new.severity, new.change) == (Severity.ERROR, Change.INTRODUCED)
    assert "good (base.log)" in new.evidence
    assert "data=journal: lost (after.log)" in new.evidence
    (fixed,) = find_changes([pair(BAD, GOOD)])
    assert (fixed.severity, fixed.change) == (Severity.NOTE, Change.FIXED)
    (left,) = find_changes([pair(BAD, BAD)])
    assert (left.severity, left.change) == (Severity.NOTE, Change.UNCHANGED)
    assert find_changes([pair(GOOD, GOOD), pair(GOOD, HUNG)]) == []


def test_an_outcome_is_kept_for_the_same_kernel_and_scenario_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boots: list[bytes] = []

    def boot(kernel: Path, scenario: Scenario, place: Path, *, accel: str = "tcg") -> Outcome:
        boots.append(kernel.read_bytes())
        return HUNG if kernel.read_bytes() == b"hangs" else BAD

    monkeypatch.setattr(kept, "boot_scenario", boot)
    (scenario,) = [load_scenarios()["boot"]]

    def run(content: bytes, accel: str = "tcg") -> Outcome:
        folder = tmp_path / f"image-{len(content)}"
        folder.mkdir(exist_ok=True)
        (folder / "kernel").write_bytes(content)
        found, log = kept.boot_kept(
            Image(folder), scenario, tmp_path / "place", tmp_path, accel=accel
        )
        assert log.read_bytes() == found.log
        return found

    assert run(b"one") == run(b"one") == BAD
    assert run(b"two!") == BAD
    assert run(b"one", "kvm") == BAD
    assert boots == [b"one", b"two!", b"one"]
    assert run(b"hangs") == run(b"hangs") == HUNG
    assert boots[3:] == [b"hangs", b"hangs"]
