"""Boots of a base and a revision: what is introduced, fixed, unchanged, or no answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from patchbot.kbuild.image import Image
from patchbot.model import Change, Severity, Status
from patchbot.qemu import kept
from patchbot.qemu.boot import Outcome, Setting
from patchbot.qemu.compare import Pair, find_changes, judge_pairs
from patchbot.qemu.console import Case
from patchbot.qemu.scenario import Scenario, load_scenarios
from patchbot.qemu.versus import compare_images
from patchbot.stages.smoke import SmokeStage
from tests.support.fakes import make_request, make_revision, passed

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
        (NOTHING, NOTHING, None, Status.SKIPPED),
    ],
)
def test_one_scenario(base: Outcome, after: Outcome, change: Change | None, status: Status) -> None:
    one = pair(base, after)
    assert one.change is change
    assert judge_pairs([one])[0] is status


def test_the_worst_of_several_decides_and_all_are_named() -> None:
    status, reason = judge_pairs([pair(GOOD, HUNG), pair(GOOD, BAD), pair(GOOD, GOOD)])
    assert status is Status.FAIL
    assert reason == (
        "introduced: boot; no answer: boot (no end within 60 s: the guest said nothing); 1 good"
    )
    assert judge_pairs([pair(BAD, BAD), pair(BAD, GOOD), pair(GOOD, GOOD), pair(GOOD, GOOD)]) == (
        Status.PASS, "fixed: boot; fails as on the base: boot; 2 good"
    )  # fmt: skip


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


def test_what_fails_further_than_the_base_is_introduced() -> None:
    base = Outcome((Case(True, "map"), Case(False, "flag", "x")), "flag: x", "", b"", 1.0)
    worse = Outcome((Case(False, "map", "y"),), "map: y", "", b"", 1.0)
    assert pair(base, worse).change is Change.INTRODUCED
    # What the base did not come to is no case of its own.
    assert pair(worse, base).change is Change.UNCHANGED


@pytest.fixture
def images(tmp_path: Path) -> Callable[[bytes], Image]:
    def make(content: bytes) -> Image:
        folder = tmp_path / f"image-{content.decode()}"
        folder.mkdir(exist_ok=True)
        (folder / "kernel").write_bytes(content)
        return Image(folder)

    return make


class Boots:
    """Guests that give planned outcomes, by their kernel's content; the last one stays."""

    def __init__(self, **plan: list[Outcome]) -> None:
        self.plan = plan
        self.seen: list[str] = []

    def run(self, scenario: Scenario, setting: Setting) -> Outcome:
        name = setting.image.kernel.read_text()
        self.seen.append(name)
        outcomes = self.plan[name]
        return outcomes.pop(0) if len(outcomes) > 1 else outcomes[0]


BOOT = load_scenarios()["boot"]
Images = Callable[[bytes], Image]


def test_an_outcome_is_kept_for_the_same_kernel_and_scenario_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, images: Images
) -> None:
    boots = Boots(one=[BAD], two=[BAD], hangs=[HUNG])
    monkeypatch.setattr(kept, "run_scenario", boots.run)

    def run(content: bytes, accel: str = "tcg") -> Outcome:
        setting = Setting(images(content), tmp_path / "place", tmp_path, accel)
        found, log = kept.boot_kept(BOOT, setting)
        assert log.read_bytes() == found.log
        return found

    bad = replace(BAD, bad_runs=1)
    assert run(b"one") == run(b"one") == bad
    assert run(b"two") == bad
    assert run(b"one", "kvm") == bad
    assert boots.seen == ["one", "two", "one"]
    assert run(b"hangs") == run(b"hangs") == HUNG
    assert boots.seen[3:] == ["hangs", "hangs"]


ALL = {"base": 6, "after": 6}
# Both fail, each in what the other can: which of them it is hangs on chance.
ONE_WAY = Outcome((Case(False, "a", "lost"), Case(True, "b")), "a: lost", "", b"log", 2.0)
OTHER_WAY = Outcome((Case(True, "a"), Case(False, "b", "lost")), "b: lost", "", b"log", 2.0)


@pytest.mark.parametrize(
    ("plan", "change", "doubtful", "seen"),
    [
        # Chances by hand: of 12 runs, 6 bad ones all on one side: 1 in C(12, 6) = 924.
        ({"base": [GOOD], "after": [BAD]}, Change.INTRODUCED, False, ALL),
        ({"base": [BAD], "after": [GOOD]}, Change.FIXED, False, ALL),
        # 5 bad ones, all of them in the 6 of one side: C(6, 5) / C(12, 5) = 6 in 792.
        ({"base": [GOOD], "after": [BAD] * 5 + [GOOD]}, Change.INTRODUCED, False, ALL),
        # 4 of 4: C(6, 4) / C(12, 4) = 15 in 495, which is more than 2 %.
        ({"base": [GOOD], "after": [BAD] * 4 + [GOOD]}, Change.UNCHANGED, True, ALL),
        ({"base": [GOOD], "after": [BAD, GOOD]}, Change.UNCHANGED, True, ALL),
        ({"base": [GOOD] * 5 + [BAD], "after": [BAD, GOOD]}, Change.UNCHANGED, False, ALL),
        ({"base": [BAD, GOOD], "after": [GOOD]}, Change.UNCHANGED, False, ALL),
        ({"base": [GOOD], "after": [GOOD]}, Change.UNCHANGED, False, {"base": 1, "after": 1}),
        ({"base": [GOOD, HUNG], "after": [BAD]}, None, False, {"base": 2, "after": 6}),
        ({"base": [ONE_WAY], "after": [OTHER_WAY]}, Change.UNCHANGED, False, ALL),
        ({"base": [ONE_WAY], "after": [ONE_WAY]}, Change.UNCHANGED, False, {"base": 1, "after": 1}),
    ],
)
def test_what_hangs_on_chance_is_tried_again_before_it_counts(
    plan: dict[str, list[Outcome]],
    change: Change | None,
    doubtful: bool,
    seen: dict[str, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    images: Images,
) -> None:
    boots = Boots(**plan)
    monkeypatch.setattr(kept, "run_scenario", boots.run)
    after = images(b"after")
    setting = Setting(after, tmp_path / "place", tmp_path)
    chancy = replace(BOOT, confirm=5)
    (found,) = compare_images(images(b"base"), after, [chancy], setting)
    assert (found.change, found.is_doubtful) == (change, doubtful)
    assert {name: boots.seen.count(name) for name in plan} == seen
    if doubtful:
        status, reason = judge_pairs([found])
        assert status is Status.WARN
        assert reason.startswith("fails, too seldom to tell: boot (")
    # All is kept: nobody boots again.
    if change is not None:
        assert compare_images(images(b"base"), after, [chancy], setting) == [found]
        assert len(boots.seen) == sum(seen.values())


def test_where_each_boot_s_log_is_is_told_while_and_after_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, images: Images
) -> None:
    monkeypatch.setattr(kept, "run_scenario", Boots(base=[GOOD], after=[GOOD]).run)
    after, told = images(b"after"), list[tuple[str, Path]]()
    setting = Setting(after, tmp_path / "place", tmp_path)
    watch = lambda name, path: told.append((name, path))  # noqa: E731
    (pair,) = compare_images(images(b"base"), after, [BOOT], setting, watch=watch)
    assert told == [
        ("boot on the revision", tmp_path / "place" / "boot" / "revision" / "serial.log"),
        ("boot on the revision", Path(pair.logs[1])),
        ("boot on the base", tmp_path / "place" / "boot" / "base" / "serial.log"),
        ("boot on the base", Path(pair.logs[0])),
    ]


def test_one_bad_run_is_not_more_often_than_five_of_six() -> None:
    """An earlier revision had the base tried again; this one fails at once, as the base does."""
    base = replace(BAD, runs=6, bad_runs=5)
    once = pair(base, replace(BAD, bad_runs=1))
    assert (once.change, once.is_doubtful) == (Change.UNCHANGED, False)
    assert judge_pairs([once]) == (Status.PASS, "fails as on the base: boot")
    often = pair(base, replace(BAD, runs=6, bad_runs=6))
    assert (often.change, often.is_doubtful) == (Change.UNCHANGED, True)


def test_scenarios_without_an_answer_are_skipped_by_name() -> None:
    status, reason = judge_pairs([pair(NOTHING, NOTHING), pair(GOOD, GOOD)])
    assert status is Status.PASS
    assert reason == "skipped: boot (no device); 1 good"


def test_one_image_of_two_revisions_is_two_results() -> None:
    """The last image that builds may be that of an earlier patch, which the result says."""

    def key(patches: int) -> str | None:
        data = {"image": "/i", "base_image": "/b", "patch": 2}
        earlier = {"build": passed("build", data=data)}
        revision = make_revision(patches=patches)
        return SmokeStage().key(replace(make_request(), revision=revision, earlier=earlier))

    assert key(2) == key(2)
    assert key(2) != key(3)
