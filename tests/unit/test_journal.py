"""Our reader of journals against debugfs, which made them, and e2fsck, which recovers them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from patchbot.qemu.commits import CommitWatch, verify_run
from patchbot.qemu.ext4 import Extent, ImageError, Layout, find_journal
from patchbot.qemu.jbd2 import JournalError, Kind, parse_journal_super
from patchbot.qemu.journal import Image, Journal
from patchbot.qemu.recovery import Recovery, find_recovery
from patchbot.qemu.writelog import WriteLog
from tests.support.journals import (
    FLUSHED,
    Write,
    differences,
    flip_byte,
    journalled,
    make_disk,
    run_debugfs,
    run_e2fsck,
    where_journal_is,
    write_log,
)

SHAPES = {
    "1k-v3": (1024, "3", ()),
    "1k-v2-32bit": (1024, "2", ("-O", "^64bit")),
    "4k-v3-32bit": (4096, "3", ("-O", "^64bit")),
    "4k-v2": (4096, "2", ()),
}
MakeCrashed = Callable[..., "Crashed"]


class Crashed:
    """A disk before and after debugfs wrote transactions to its journal."""

    def __init__(self, folder: Path, shape: str) -> None:
        self.block, self.version, options = SHAPES[shape]
        size = 4 if self.block == 1024 else 16
        self.before = make_disk(
            folder / "before.img", "-b", str(self.block), "-J", f"size={self.block >> 10}",
            *options, size_mb=size,
        )  # fmt: skip
        self.after = folder / "after.img"
        shutil.copy(self.before, self.after)
        self.free = 3000

    def write(self, *commands: str) -> None:
        content = self.after.with_name("content")
        content.write_bytes(b"".join(bytes([65 + i]) * self.block for i in range(3)))
        opened = f"jo -c -v {self.version}"
        run_debugfs(self.after, [opened, *(each.format(content) for each in commands), "jc"])

    def block_at(self, journal_block: int) -> int:
        return where_journal_is(self.after)[journal_block] * self.block


@pytest.fixture
def make_crashed(tmp_path: Path) -> MakeCrashed:
    def make(shape: str = "1k-v3") -> Crashed:
        crashed = Crashed(tmp_path, shape)
        crashed.write(
            "jw -b 3000,3001,3002 {}", "jw -r 3001", "jw -b 3003 {}", "jw -b 3000,3003 {}"
        )
        return crashed

    return make


def _recover(disk: Path) -> Recovery:
    with Image(disk) as image:
        return find_recovery(Journal(image))


def _descriptors(disk: Path) -> list[tuple[int, int, int]]:
    """What our reader finds in the log, in the form in which debugfs says it."""
    with Image(disk) as image:
        journal = Journal(image)
        found = []
        for at in range(1, journal.layout.blocks):
            block = journal.block(at)
            if block is not None and block.kind is Kind.DESCRIPTOR:
                found += [
                    (block.sequence, tag.target, where)
                    for where, tag, _ in journal.check(block, at)
                ]
        return found


@pytest.mark.parametrize("shape", SHAPES)
def test_tags_and_their_blocks_are_those_that_debugfs_lists(
    make_crashed: MakeCrashed, shape: str
) -> None:
    crashed = make_crashed(shape)
    assert _descriptors(crashed.after) == journalled(crashed.after)
    assert len(journalled(crashed.after)) == 6


@pytest.mark.parametrize("shape", SHAPES)
def test_the_journal_is_where_debugfs_says(make_crashed: MakeCrashed, shape: str) -> None:
    crashed = make_crashed(shape)
    with Image(crashed.before) as image:
        layout = find_journal(image.read, image.size)
    blocks = where_journal_is(crashed.before)
    assert [layout.offset_of(b) for b in range(layout.blocks)] == [
        b * crashed.block for b in blocks
    ]
    assert list(layout.touched(blocks[5] * crashed.block, 1)) == [5]
    assert list(layout.touched(0, crashed.block)) == []


@pytest.mark.parametrize("shape", SHAPES)
def test_a_sound_journal_is_recovered(make_crashed: MakeCrashed, shape: str) -> None:
    crashed = make_crashed(shape)
    assert not _recover(crashed.before).needed
    found = _recover(crashed.after)
    assert found.good
    assert found.needed
    assert (found.transactions, found.blocks) == (4, 5)  # one of six was revoked
    assert "checksum" not in run_e2fsck(crashed.after)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("byte", [0, 77, -1])
def test_a_flipped_byte_is_found_where_e2fsck_finds_it(
    make_crashed: MakeCrashed, shape: str, byte: int
) -> None:
    crashed = make_crashed(shape)
    sequence, target, where = journalled(crashed.after)[2]
    flip_byte(crashed.after, crashed.block_at(where) + byte % crashed.block)
    found = _recover(crashed.after)
    assert not found.good
    (wrong,) = found.mismatches
    assert (wrong.sequence, wrong.target, wrong.block) == (sequence, target, where)
    said = re.findall(r"checksum recovering data block (\d+) in log", run_e2fsck(crashed.after))
    assert [int(block) for block in said] == [target]


def test_a_flipped_byte_in_a_revoked_block_hurts_nobody(make_crashed: MakeCrashed) -> None:
    crashed = make_crashed()
    (where,) = [where for _sequence, target, where in journalled(crashed.after) if target == 3001]
    flip_byte(crashed.after, crashed.block_at(where))
    assert _recover(crashed.after).good
    assert "checksum" not in run_e2fsck(crashed.after)


def test_a_block_that_was_written_again_after_its_revoke_counts(make_crashed: MakeCrashed) -> None:
    crashed = make_crashed()
    crashed.write("jw -b 3001 {}")
    where = [where for _sequence, target, where in journalled(crashed.after) if target == 3001]
    flip_byte(crashed.after, crashed.block_at(where[0]))
    assert _recover(crashed.after).good
    flip_byte(crashed.after, crashed.block_at(where[1]))
    assert [wrong.block for wrong in _recover(crashed.after).mismatches] == [where[1]]
    assert run_e2fsck(crashed.after).count("Invalid checksum recovering data block") == 1


def test_what_an_older_run_left_in_the_log_is_not_replayed(make_crashed: MakeCrashed) -> None:
    crashed = make_crashed()
    run_e2fsck(crashed.after)
    assert (_recover(crashed.after).needed, _recover(crashed.after).blocks) == (False, 0)
    crashed.write("jw -b 3000,3001,3002 {}")  # as long as the first was: a header follows
    found = _recover(crashed.after)
    assert (found.transactions, found.blocks) == (1, 3)
    stale = [where for sequence, _t, where in _descriptors(crashed.after) if sequence < 5]
    flip_byte(crashed.after, crashed.block_at(stale[-1]))
    assert _recover(crashed.after).good
    assert "checksum" not in run_e2fsck(crashed.after)


@pytest.mark.parametrize("at", ["descriptor", "revoke", "commit"])
def test_a_damaged_control_block_is_judged_as_e2fsck_does(
    make_crashed: MakeCrashed, at: str
) -> None:
    crashed = make_crashed()
    with Image(crashed.after) as image:
        journal = Journal(image)
        kinds = {b: found.kind.name.lower() for b in range(1, 20) if (found := journal.block(b))}
    where = next(block for block, kind in kinds.items() if kind == at)
    flip_byte(crashed.after, crashed.block_at(where) + 900)
    found = _recover(crashed.after)
    said = run_e2fsck(crashed.after)
    assert found.error
    assert re.search("corrupt|checksum|Bad", said), said


def test_a_journal_without_its_last_commit_ends_before_it(make_crashed: MakeCrashed) -> None:
    crashed = make_crashed()
    last = max(where for *_, where in journalled(crashed.after)) + 1
    with crashed.after.open("r+b") as file:
        file.seek(crashed.block_at(last))
        file.write(bytes(crashed.block))
    found = _recover(crashed.after)
    assert found.good
    assert found.transactions == 3


@pytest.mark.parametrize("shape", SHAPES)
def test_commits_of_a_run_are_held_against_their_tags(
    make_crashed: MakeCrashed, tmp_path: Path, shape: str
) -> None:
    crashed = make_crashed(shape)
    writes = differences(crashed.before, crashed.after, crashed.block)
    log = write_log(tmp_path / "log", [*writes, FLUSHED])
    seen: list[tuple[int, int]] = []
    found = verify_run(crashed.before, log, progress=lambda done, all_: seen.append((done, all_)))
    assert found.good
    assert (found.commits, found.tags, found.mismatched, found.broken) == (4, 6, 0, 0)
    assert found.entries == len(writes) + 1
    assert seen


def test_a_changed_block_is_named_with_the_entries_that_show_it(
    make_crashed: MakeCrashed, tmp_path: Path
) -> None:
    crashed = make_crashed()
    sequence, target, where = journalled(crashed.after)[1]
    changed, described = crashed.block_at(where), crashed.block_at(where - 2)
    flip_byte(crashed.after, changed + 13)
    writes = differences(crashed.before, crashed.after, crashed.block)
    found = verify_run(crashed.before, write_log(tmp_path / "log", writes))
    (wrong,) = found.mismatches
    assert (wrong.sequence, wrong.target, wrong.block) == (sequence, target, where)
    assert writes[wrong.data_entry].offset == changed
    assert writes[wrong.tag_entry].offset == described
    assert (found.hit, found.mismatched, found.good) == (1, 1, False)
    assert wrong.stored != wrong.found
    assert str(target) in str(wrong)


def test_a_change_after_the_commit_is_no_mismatch_of_it(
    make_crashed: MakeCrashed, tmp_path: Path
) -> None:
    crashed = make_crashed()
    writes = differences(crashed.before, crashed.after, crashed.block)
    where = crashed.block_at(journalled(crashed.after)[0][2])
    log = write_log(tmp_path / "log", [*writes, Write(where, b"z" * crashed.block)])
    assert verify_run(crashed.before, log).good


def test_a_commit_is_not_held_against_the_next_transaction(
    make_crashed: MakeCrashed, tmp_path: Path
) -> None:
    crashed = make_crashed()
    writes = differences(crashed.before, crashed.after, crashed.block)
    last = next(w for w in reversed(writes) if w.data[:8] == b"\xc0\x3b\x39\x98\0\0\0\1")
    early = [writes[0], writes[1], last, *(w for w in writes[2:] if w is not last)]
    assert {w.offset for w in early} == {w.offset for w in writes}
    found = verify_run(crashed.before, write_log(tmp_path / "log", early))
    assert (found.commits, found.tags, found.good) == (4, 6, True)


def test_recovery_can_be_asked_for_after_every_entry(
    make_crashed: MakeCrashed, tmp_path: Path
) -> None:
    crashed = make_crashed()
    writes = differences(crashed.before, crashed.after, crashed.block)
    where = crashed.block_at(journalled(crashed.after)[0][2])
    right = next(each for each in writes if each.offset == where)
    writes += [Write(where, b"z" * crashed.block), right, Write(where, b"y" * crashed.block)]
    with (
        Image(crashed.before) as image,
        WriteLog(write_log(tmp_path / "log", writes)) as log,
    ):
        journal = Journal(image, log)
        bad = []
        for entry in log.entries():
            journal.apply(entry)
            bad.append(find_recovery(journal).bad)
    assert bad[-4:] == [0, 1, 0, 1]
    assert not any(bad[:-4])


def test_blocks_that_are_written_together_or_in_parts_count_as_their_bytes(
    make_crashed: MakeCrashed, tmp_path: Path
) -> None:
    crashed = make_crashed()
    writes = differences(crashed.before, crashed.after, crashed.block)
    halves = [
        Write(each.offset + at, each.data[at : at + 512]) for each in writes for at in (0, 512)
    ]
    assert verify_run(crashed.before, write_log(tmp_path / "halves", halves)).tags == 6
    start = writes[0].offset
    end = writes[-1].offset + crashed.block
    whole = Write(start, crashed.after.read_bytes()[start:end])
    log = write_log(tmp_path / "whole", [whole])
    found = verify_run(crashed.before, log)
    assert (found.commits, found.tags, found.good) == (4, 6, True)


def test_a_journal_without_checksums_is_said_to_be_unchecked(
    make_crashed: MakeCrashed, tmp_path: Path
) -> None:
    crashed = make_crashed()
    shutil.copy(crashed.before, crashed.after)
    content = tmp_path / "content"
    run_debugfs(crashed.after, ["jo", f"jw -b 3000 {content}", "jc"])
    writes = differences(crashed.before, crashed.after, crashed.block)
    found = verify_run(crashed.before, write_log(tmp_path / "log", writes))
    assert (found.commits, found.unchecked, found.tags, found.good) == (1, 1, 0, False)


def test_recovery_is_the_same_after_a_log_as_on_the_image_itself(
    make_crashed: MakeCrashed, tmp_path: Path
) -> None:
    crashed = make_crashed()
    flip_byte(crashed.after, crashed.block_at(journalled(crashed.after)[0][2]))
    writes = differences(crashed.before, crashed.after, crashed.block)
    path = write_log(tmp_path / "log", writes)
    with Image(crashed.before) as image, WriteLog(path) as log:
        watch = CommitWatch(Journal(image, log))
        for entry in log.entries():
            watch.apply(entry)
        found = find_recovery(watch.journal)
    on_image = _recover(crashed.after)
    assert found.bad == on_image.bad == 1
    assert found.mismatches[0].found == on_image.mismatches[0].found


def test_a_log_that_goes_round_for_ever_has_no_end(make_crashed: MakeCrashed) -> None:
    crashed = make_crashed()
    descriptor = crashed.after.read_bytes()[crashed.block_at(1) :][:1024]
    only = descriptor[:12] + bytes(1012)  # one tag after the other, none of them the last
    with crashed.after.open("r+b") as file:
        for block in where_journal_is(crashed.after)[1:]:
            file.seek(block * 1024)
            file.write(only)
    assert _recover(crashed.after).error == "the log has no end"


def test_extents_may_lie_anywhere_but_leave_no_gap() -> None:
    layout = Layout(1024, (Extent(0, 100, 3), Extent(3, 50, 2)))
    assert [layout.offset_of(block) // 1024 for block in range(5)] == [100, 101, 102, 50, 51]
    assert list(layout.touched(51 * 1024, 50 * 1024)) == [0, 4]
    assert list(layout.touched(0, 200 * 1024)) == [0, 1, 2, 3, 4]
    with pytest.raises(ImageError):
        layout.offset_of(5)


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (0x438, b"\0\0"),
        (0x45C, b"\0\0"),
        (0x4E0, b"\0\0"),
        (0x418, b"\x20\0"),
        (0x428, b"\1\0\0\0"),
    ],
)
def test_what_is_no_such_file_system_is_refused(
    make_crashed: MakeCrashed, at: int, value: bytes
) -> None:
    crashed = make_crashed()
    with crashed.before.open("r+b") as file:
        file.seek(at)
        file.write(value)
    with Image(crashed.before) as image, pytest.raises(ImageError):
        Journal(image)


@pytest.mark.parametrize("length", [0, 500, 1024, 2000, 40000, 60000])
def test_an_image_that_was_cut_is_refused(
    make_crashed: MakeCrashed, tmp_path: Path, length: int
) -> None:
    crashed = make_crashed()
    cut = tmp_path / "cut.img"
    cut.write_bytes(crashed.after.read_bytes()[:length])
    with Image(cut) as image, pytest.raises(ImageError):
        Journal(image)


@pytest.mark.parametrize(
    ("at", "value"),
    [(0, 1), (4, 3), (0xC, 1000), (0x10, 5000), (0x14, 0), (0x1C, 9999), (0x28, 0x40)],
)
def test_a_journal_superblock_that_lies_is_refused(
    make_crashed: MakeCrashed, at: int, value: int
) -> None:
    crashed = make_crashed()
    data = bytearray(crashed.after.read_bytes()[crashed.block_at(0) :][:1024])
    assert parse_journal_super(bytes(data), 1024).start == 1
    data[at : at + 4] = value.to_bytes(4, "big")
    with pytest.raises(JournalError):
        parse_journal_super(bytes(data), 1024)
