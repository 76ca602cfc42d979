"""Crashes from a log of writes: what e2fsck and our reader say, and what a cache may lose."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from patchbot.errors import CancelledError, StoreError
from patchbot.proc import PROCESSES, Completed
from patchbot.qemu import crash
from patchbot.qemu.crash import Crashes, Plan, Point, crash_points
from patchbot.qemu.errors import MachineError
from patchbot.qemu.fsck import judge_fsck
from patchbot.qemu.journal import Image
from patchbot.qemu.runstats import summarize_runs
from patchbot.qemu.scratch import copy_sparse
from patchbot.qemu.study import study_run
from patchbot.qemu.writelog import WriteLogError
from tests.support.journals import (
    FLUSHED,
    FUA,
    Write,
    differences,
    find_program,
    make_disk,
    run_debugfs,
    write_log,
)

BLOCK = 1024
EVERY = Plan(count=0, checked=0, confirmed=0)


class Case:
    """A disk, and the writes of two transactions: for each its blocks, and then its commit."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        find_program("e2fsck")
        self.start = make_disk(folder / "start.img", "-b", "1024", "-J", "size=1")
        content = folder / "content"
        content.write_bytes(b"".join(bytes([65 + i]) * BLOCK for i in range(3)))
        steps = [self.start]
        for number, command in enumerate(("jw -b 3000,3001,3002", "jw -b 3000,3003")):
            steps.append(folder / f"step{number}.img")
            shutil.copy(steps[-2], steps[-1])
            run_debugfs(steps[-1], ["jo -c -v 3", f"{command} {content}", "jc"])
        pairs = itertools.pairwise(steps)
        self.first, self.second = (differences(a, b, BLOCK) for a, b in pairs)
        self.place = folder / "place"
        self.place.mkdir()

    def log(self, *writes: Write) -> Path:
        return write_log(self.folder / "log", writes)

    def safe(self) -> list[Write]:
        """Both transactions as a right kernel writes them: flushed before and after commits."""
        found: list[Write] = []
        for writes in (self.first, self.second):
            found += [*writes[:-1], FLUSHED, writes[-1], FLUSHED]
        return found

    def changed(self) -> list[Write]:
        """The same, with a block of the first transaction that is not what its tag says."""
        found = self.safe()
        assert found[3].data[:1] == b"A"
        found[3] = Write(found[3].offset, b"x" + found[3].data[1:])
        return found

    def points(self, plan: Plan, *writes: Write) -> list[Point]:
        return list(crash_points(self.start, self.log(*writes), plan, self.place))


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


@pytest.fixture
def stopped() -> Iterator[None]:
    PROCESSES.cancel()
    yield
    PROCESSES.reset()


def test_a_crash_of_a_right_kernel_is_recovered_wherever_it_happens(case: Case) -> None:
    writes = case.safe()
    points = case.points(Plan(checked=99), *writes)
    assert [point.entry for point in points] == list(range(len(writes)))
    assert all(point.good and point.agreed and point.checked for point in points)
    transactions = [point.recovery.transactions for point in points]
    assert transactions == sorted(transactions)
    assert set(transactions) == {0, 1, 2}


def test_recovery_fails_from_the_commit_of_a_changed_block_on(case: Case) -> None:
    writes = case.changed()
    committed = len(case.first)  # its entry: a flush stands before it
    points = case.points(Plan(checked=99), *writes)
    assert [point.entry for point in points if not point.good] == [
        each for each in range(len(writes)) if each >= committed
    ]
    assert all(point.agreed for point in points)
    assert [point.entry for point in points if point.changes] == [committed]
    bad = points[-1]
    assert bad.checked is not None
    assert bad.checked.targets == tuple(each.target for each in bad.recovery.mismatches)
    assert "checksum" in bad.checked.failed
    assert f"after entry {bad.entry}: transaction 1" in str(bad)


def test_e2fsck_sees_a_sample_and_the_first_bad_points(case: Case) -> None:
    points = case.points(Plan(seed=3, checked=2, confirmed=4), *case.changed())
    asked = [point for point in points if point.checked is not None]
    assert 4 <= len(asked) <= 6
    assert sum(not point.recovery.good for point in asked) >= 4


def test_a_seed_gives_the_same_points_and_another_seed_others(case: Case) -> None:
    writes = case.safe() * 4

    def chosen(seed: int) -> list[int]:
        points = case.points(Plan(seed=seed, count=7, checked=0), *writes)
        return [point.entry for point in points]

    assert chosen(1) == chosen(1) == sorted(chosen(1))
    assert len(chosen(1)) == 7
    assert chosen(1) != chosen(2)


def test_only_writes_after_the_last_flush_are_lost(case: Case) -> None:
    writes = case.safe()
    kept = [Write(each.offset, each.data, FUA) for each in case.first]
    lost_sets = set()
    for seed in range(6):
        plan = Plan(seed=seed, checked=0, losses=True)
        for point in case.points(plan, *writes, *kept):
            flushed = [n for n, each in enumerate(writes[: point.entry + 1]) if each.flags]
            assert all(number > max(flushed, default=-1) for number in point.lost)
            assert all(number < len(writes) for number in point.lost)
            assert point.good
            lost_sets.add(point.lost)
        again = [point.lost for point in case.points(plan, *writes)]
        assert again == [point.lost for point in case.points(plan, *writes)]
    assert max(len(lost) for lost in lost_sets) > 2


def test_a_commit_that_nothing_was_flushed_before_is_caught_by_losses_alone(case: Case) -> None:
    writes = [*case.first, FLUSHED]
    assert all(point.good for point in case.points(EVERY, *writes))
    plans = [Plan(seed=seed, checked=0, confirmed=2, losses=True) for seed in range(20)]
    points = [point for plan in plans for point in case.points(plan, *writes)]
    bad = [point for point in points if not point.good]
    assert bad
    assert all(point.agreed for point in points)
    assert all(len(case.first) - 1 not in point.lost for point in bad)  # the commit was kept


def test_a_point_without_losses_is_what_it_would_be_anyway(case: Case) -> None:
    away = [Write(3500 * BLOCK, bytes([number]) * BLOCK) for number in range(20)]
    writes = [each for pair in zip(case.first, away, strict=False) for each in pair] + away
    expected = [point.recovery for point in case.points(EVERY, *writes)]
    assert len(set(expected)) > 1
    whole = 0
    for seed in range(20):
        for point in case.points(Plan(seed=seed, checked=0, confirmed=0, losses=True), *writes):
            if not point.lost:
                whole += 1
                assert point.recovery == expected[point.entry]
    assert whole


def test_a_file_system_that_no_longer_asks_for_recovery_gets_none(case: Case) -> None:
    head = bytearray(next(each.data for each in case.first if each.offset == BLOCK))
    head[0x60] &= ~4
    points = case.points(EVERY, *case.safe(), Write(BLOCK, bytes(head)), FLUSHED)
    assert [point.recovery.needed for point in points[-3:]] == [True, False, False]


def test_the_image_of_a_crash_has_the_writes_that_were_not_lost(case: Case) -> None:
    writes = [*case.first, FLUSHED, *case.second]
    expected = bytearray(case.start.read_bytes())
    lost = frozenset({len(case.first) + 2, len(writes) - 1})
    for number, each in enumerate(writes):
        if number not in lost:
            expected[each.offset : each.offset + len(each.data)] = each.data
    with Crashes(case.start, case.log(*writes), EVERY, case.place) as crashes:
        for _point in crashes.points():
            pass
        assert crashes.image(lost).read_bytes() == expected


def test_a_cache_is_not_larger_than_a_cache(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crash, "_CACHE_ENTRIES", 2)
    for seed in range(5):
        points = case.points(Plan(seed=seed, checked=0, losses=True), *case.first)
        assert all(number > point.entry - 2 for point in points for number in point.lost)


def test_damage_that_recovery_leaves_is_not_good(case: Case) -> None:
    with Image(case.start) as image:
        bitmap = int.from_bytes(image.read(2 * BLOCK, 4), "little") * BLOCK  # the first group's
    writes = [*case.safe(), Write(bitmap, bytes(BLOCK))]
    study = study_run(case.start, case.log(*writes), Plan(checked=99), case.place)
    assert study.damaged == 1
    assert (study.failures, study.disagreed, study.good) == (0, 0, False)
    assert study.words[0].startswith(f"after entry {len(writes) - 1}: ")


def test_a_study_counts_what_its_points_say(case: Case) -> None:
    writes = case.changed()
    told: list[tuple[int, int]] = []
    study = study_run(
        case.start, case.log(*writes), Plan(checked=1, confirmed=2), case.place,
        lambda done, total: told.append((done, total)),
    )  # fmt: skip
    committed = len(case.first)
    failures = len(writes) - committed
    assert (study.points, study.failures, study.disagreed) == (len(writes), failures, 0)
    assert study.marks[0] == (committed, 1, True)
    assert (study.verified.mismatched, study.verified.commits, study.good) == (1, 2, False)
    figures = summarize_runs(study.runs())
    assert (figures.runs, figures.changed, figures.failures) == (len(writes), 1, failures)
    assert figures.average_between == committed + 1
    assert told[-1] == (len(writes), len(writes))
    clean = study_run(case.start, case.log(*case.safe()), Plan(checked=1), case.place)
    assert clean.good
    assert not clean.marks


def test_a_log_of_another_disk_is_refused(case: Case) -> None:
    with pytest.raises(WriteLogError, match="to a disk of"):
        case.points(Plan(checked=99), Write(4 << 20, bytes(BLOCK)), FLUSHED)


def test_a_disk_that_e2fsck_gives_up_on_is_damaged(case: Case) -> None:
    for offset in (BLOCK, 2 * BLOCK):  # the superblock, a group descriptor
        (point,) = case.points(Plan(checked=1), Write(offset, b"\xff" * BLOCK))
        assert point.agreed
        assert not point.good


@pytest.mark.usefixtures("stopped")
def test_a_stop_is_heard(case: Case) -> None:
    with pytest.raises(CancelledError):
        case.points(EVERY, *case.safe())


def test_no_room_for_an_image_is_said(case: Case) -> None:
    with pytest.raises(StoreError, match="No such file"):
        list(crash_points(case.start, case.log(), EVERY, case.folder / "absent"))


def test_a_copy_keeps_content_and_holes(tmp_path: Path) -> None:
    source = tmp_path / "source"
    with source.open("wb") as file:
        file.truncate(64 << 20)
        file.seek(10 << 20)
        file.write(b"here")
    copy_sparse(source, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == source.read_bytes()
    assert (tmp_path / "copy").stat().st_blocks * 512 < 4 << 20


RECOVERED = """disk: recovering journal
Pass 1: Checking inodes, blocks, and sizes
Free blocks count wrong (13295, counted=13229).
Fix? yes

disk: ***** FILE SYSTEM WAS MODIFIED *****
"""


def _answer(text: str, code: int = 1, error: bytes = b"") -> Completed:
    return Completed(("e2fsck",), code, text.encode(), error, 0.1)


def test_lazy_counters_are_no_damage_and_everything_else_is() -> None:
    assert judge_fsck(_answer(RECOVERED)).good
    damaged = judge_fsck(_answer(RECOVERED + "Inode 12, i_blocks is 8, should be 0.  Fix? yes\n"))
    assert damaged.repairs == ("Inode 12, i_blocks is 8, should be 0.  Fix? yes",)
    group = "Free blocks count wrong for group #0 (24, counted=23).\nFix? yes\n"
    assert judge_fsck(_answer(group)).repairs == (group.splitlines()[0],)


def test_what_e2fsck_says_of_a_failed_recovery_is_kept() -> None:
    text = "JBD2: Invalid checksum recovering data block 77 in log\n"
    found = judge_fsck(_answer("", 1, text.encode() * 2))
    assert found.targets == (77, 77)
    assert found.failed
    with pytest.raises(MachineError, match="ended with 8"):
        judge_fsck(_answer("", 8, b"can't open it"))
