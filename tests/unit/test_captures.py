"""What the log of a run's writes says of the kernel, and when it says nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from patchbot.qemu.captures import judge_commits, judge_crashes
from patchbot.qemu.commits import Verified
from patchbot.qemu.errors import MachineError
from patchbot.qemu.study import Study

_GOOD = Verified(
    entries=900,
    log_bytes=1 << 20,
    commits=12,
    tags=300,
    hit=0,
    mismatched=0,
    mismatches=(),
    broken=0,
    unchecked=0,
    cut="",
)
_STUDY = Study(
    verified=_GOOD,
    points=40,
    lossy=0,
    checked=4,
    damaged=0,
    disagreed=0,
    marks=(),
    words=(),
)


def test_enough_good_commits_are_good() -> None:
    [case] = judge_commits(_GOOD, 12)
    assert case.good
    assert "12 commits, 300 checksums" in case.why


@pytest.mark.parametrize("seen", [replace(_GOOD, commits=11), replace(_GOOD, tags=0)])
def test_too_few_commits_are_no_answer(seen: Verified) -> None:
    with pytest.raises(MachineError, match="12 commits are needed"):
        judge_commits(seen, 12)


@pytest.mark.parametrize("seen", [{"mismatched": 1}, {"broken": 1}])
def test_a_change_is_a_change_among_few_commits_too(seen: dict[str, int]) -> None:
    [case] = judge_commits(replace(_GOOD, commits=2, **seen), 12)
    assert not case.good


def test_crashes_are_judged() -> None:
    assert all(case.good for case in judge_crashes(_STUDY))
    failing = judge_crashes(replace(_STUDY, marks=((3, 1, True), (4, 0, False))))
    assert [case.good for case in failing] == [False, True]
    damaged = judge_crashes(replace(_STUDY, damaged=1))
    assert [case.good for case in damaged] == [True, False]


@pytest.mark.parametrize("change", [{"points": 0}, {"disagreed": 1}])
def test_no_crash_or_two_opinions_are_no_answer(change: dict[str, int]) -> None:
    with pytest.raises(MachineError):
        judge_crashes(replace(_STUDY, **change))
