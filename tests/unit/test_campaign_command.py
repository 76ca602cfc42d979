"""What `patchbot campaign` asks for, prints and exits with, without a kernel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import patchbot.campaign
from patchbot.campaign import Asked, find_scenario, worst_of
from patchbot.cli import main
from patchbot.diagnostics import ExitCode
from patchbot.errors import CancelledError, UsageError
from patchbot.kbuild.image import Image
from patchbot.qemu.boot import Setting
from patchbot.qemu.campaign import Campaign, Limits, Result
from patchbot.qemu.captures import plan_of, seeded
from patchbot.qemu.commits import Verified
from patchbot.qemu.scenario import Scenario
from patchbot.qemu.study import Study
from tests.support.git_tree import make_git_tree

Captured = pytest.CaptureFixture[str]
CRASH = find_scenario("crash-images")


def study(points: int, marks: tuple[tuple[int, int, bool], ...], disagreed: int = 0) -> Study:
    changed = sum(changes for _, changes, _ in marks)
    seen = Verified(50, 1000, 5, 20, len(marks), changed, (), 0, 0, "")
    words = tuple(f"after entry {number}: changed" for number, _, _ in marks)
    return Study(seen, points, 0, 4, 0, disagreed, marks, words)


GOOD = Result(1, 2.5, study(100, ()))
BAD = Result(2, 2.5, study(100, ((3, 1, True), (13, 2, False))))
STRANGE = Result(3, 2.5, study(100, (), disagreed=1))
LOST = Result(4, 2.5, error="no end within 60 s")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return make_git_tree(tmp_path / "tree", {"Makefile": "all:\n"})


def plant(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, results: list[Result], *, stop: bool = False
) -> list[Limits]:
    seen: list[Limits] = []

    def run(
        scenario: Scenario, setting: Setting, limits: Limits, *, fresh: bool
    ) -> Iterator[patchbot.campaign.Tally]:
        seen.append(limits)
        for number in range(len(results) + 1):
            campaign = Campaign(results[:number])
            yield patchbot.campaign.Tally(campaign, tmp_path / "x.jsonl", scenario, setting.image)
        if stop:
            raise CancelledError("stopped")

    folder = tmp_path / "image"
    folder.mkdir()
    (folder / "config").write_text("")
    monkeypatch.setattr(patchbot.campaign, "build_for", lambda *args: Image(folder))
    monkeypatch.setattr(patchbot.campaign, "continue_campaign", run)
    return seen


@pytest.mark.parametrize(
    ("results", "code", "worst"),
    [
        ([GOOD], ExitCode.ACCEPT, "good"),
        ([GOOD, BAD], ExitCode.NEEDS_WORK, "failed"),
        ([GOOD, STRANGE], ExitCode.CANNOT_TELL, "no answer"),
        ([LOST], ExitCode.CANNOT_TELL, "no answer"),
        ([GOOD, LOST], ExitCode.CANNOT_TELL, "no answer"),
        ([], ExitCode.CANNOT_TELL, "no answer"),
    ],
)
def test_how_it_ends(
    results: list[Result],
    code: ExitCode,
    worst: str,
    tree: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:
    plant(monkeypatch, tmp_path, results)
    args = ["campaign", "--tree", str(tree), "--accel", "tcg", "--runs", "200", "--json"]
    assert main(args) == code
    document = json.loads(capsys.readouterr().out)
    assert worst_of(document) == worst
    assert document["guests"] == sum(each.study is not None for each in results)


def test_the_figures_are_those_of_the_field(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    limits = plant(monkeypatch, tmp_path, [GOOD, BAD])
    assert main(["campaign", "--tree", str(tree), "--accel", "tcg"]) == ExitCode.NEEDS_WORK
    out, err = capsys.readouterr()
    # 100 runs without a change, then runs 104 and 114 with one: 104 and 10 apart.
    assert "200 runs, 2 with a checksum change" in out
    assert "average 57.0, minimum 10, maximum 104, median 57" in out
    assert "1 recovery failures" in out
    assert "seed 2: after entry 3: changed" in out
    assert "100 crashes, 0 with a change, 0 recovery failures (1 guests)" in err
    assert limits[0].seconds == 600


def test_a_stopped_campaign_prints_its_figures(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    plant(monkeypatch, tmp_path, [GOOD], stop=True)
    args = ["campaign", "--tree", str(tree), "--accel", "tcg", "--minutes", "5"]
    assert main(args) == ExitCode.INTERRUPTED
    assert "100 runs, 0 with a checksum change" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--runs", "0"], "--runs must be more than 0"),
        (["--minutes", "-1"], "--minutes must be"),
        (["--scenario", "boot"], "a campaign can't run 'boot'"),
        (["--rev", "HEAD", "--revision", "x"], "--rev and --revision"),
    ],
)
def test_what_can_not_be(argv: list[str], words: str, tree: Path, capsys: Captured) -> None:
    assert main(["campaign", "--tree", str(tree), *argv]) == ExitCode.USAGE
    assert words in capsys.readouterr().err


def test_a_seed_makes_the_same_choices_and_others_other_ones() -> None:
    assert seeded(CRASH, 7) == seeded(CRASH, 7)
    chosen = {repr(seeded(CRASH, seed).environment) for seed in range(1, 20)}
    assert len(chosen) == 19
    blocks = {seeded(CRASH, seed).disks[0].mkfs[-1] for seed in range(1, 20)}
    assert blocks == {"1024", "4096"}
    assert "mkfs" not in seeded(CRASH, 7).environment
    assert plan_of(CRASH, 3).seed == 3


def test_limits_follow_what_is_asked() -> None:
    def limits(runs: int | None, minutes: float | None) -> Limits:
        return Asked("crash-images", runs, minutes, 2, 5, "tcg", False).limits

    assert limits(50, None) == Limits(50, None, 2, 5)
    assert limits(50, 1.5) == Limits(50, 90.0, 2, 5)
    with pytest.raises(UsageError):
        Asked("x", None, None, -1, 1, "tcg", False).check()
