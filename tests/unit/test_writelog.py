"""Logs of a disk's writes: whole, cut off anywhere, and full of garbage."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchbot.qemu.writelog import PIECE, Flag, WriteLog, WriteLogError
from tests.support.journals import (
    DISCARD,
    FLUSHED,
    FUA,
    MARK,
    SECTOR,
    Write,
    render_entry,
    render_super,
    write_log,
)

ONE = Write(4096, b"a" * 1024)
TWO = Write(512, b"b" * 512, FUA)


def _read(path: Path) -> tuple[list[tuple[int, int, int, bytes]], str]:
    with WriteLog(path) as log:
        found = [
            (int(e.flags), e.offset, e.length, b"".join(data for _at, data in log.pieces(e)))
            for e in log.entries()
        ]
        return found, log.cut


@pytest.mark.parametrize("sector", [512, 4096])
def test_entries_come_in_order_with_their_bytes(tmp_path: Path, sector: int) -> None:
    first = Write(8 * sector, b"a" * 2 * sector)
    second = Write(sector, b"b" * sector, FUA)
    path = write_log(tmp_path / "log", [first, FLUSHED, second], sector)
    found, cut = _read(path)
    assert found == [
        (0, 8 * sector, 2 * sector, first.data),
        (1, 0, 0, b""),
        (2, sector, sector, second.data),
    ]
    assert cut == ""


def test_a_discard_brings_no_data_and_reads_as_zeros(tmp_path: Path) -> None:
    path = tmp_path / "log"
    discard = render_entry(Write(1024, b"", DISCARD), sectors=4)
    path.write_bytes(render_super(2) + discard + render_entry(ONE))
    found, _cut = _read(path)
    assert found == [(4, 1024, 2048, bytes(2048)), (0, 4096, 1024, ONE.data)]


def test_a_mark_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "log"
    mark = struct.pack("<QQQQ", 0, 0, MARK, 5) + b"hello"
    path.write_bytes(render_super(2) + mark.ljust(SECTOR, b"\0") + render_entry(ONE))
    assert [(flags, length) for flags, _at, length, _data in _read(path)[0]] == [(8, 0), (0, 1024)]


@given(kept=st.integers(0, 4 * SECTOR + 1024 + 512))
def test_a_log_that_was_cut_anywhere_gives_what_is_whole(
    tmp_path_factory: pytest.TempPathFactory, kept: int
) -> None:
    whole = render_super(3) + render_entry(ONE) + render_entry(FLUSHED) + render_entry(TWO)
    ends = [SECTOR, SECTOR * 2 + 1024, SECTOR * 3 + 1024, len(whole)]
    path = tmp_path_factory.mktemp("cut") / "log"
    path.write_bytes(whole[:kept])
    if 0 < kept < 28:
        with pytest.raises(WriteLogError, match="too short"):
            _read(path)
        return
    found, cut = _read(path)
    assert len(found) == sum(end <= kept for end in ends[1:])
    assert bool(cut) == (28 <= kept < len(whole))


def test_a_hole_where_an_entry_was_under_way_ends_the_log(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(render_super(1) + render_entry(ONE) + bytes(4 * SECTOR) + render_entry(TWO))
    found, cut = _read(path)
    assert len(found) == 1
    assert "nothing was written at 2048" in cut


def test_a_hole_among_the_entries_that_were_counted_is_garbage(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(render_super(3) + render_entry(ONE) + bytes(SECTOR) + render_entry(TWO))
    with pytest.raises(WriteLogError, match="entry 1 at 2048 is garbage"):
        _read(path)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((1, 1, 32, 0), "flags 0x20"),
        ((1 << 60, 1, 0, 0), "sectors from"),
        ((1, 1 << 60, 0, 0), "sectors from"),
        ((1, 1, 0, 7), "7 bytes inside"),
        ((1, 0, 0, 0), "does nothing"),
        ((0, 0, MARK, 500), "500 bytes inside"),
    ],
)
def test_garbage_is_an_error_with_its_offset(
    tmp_path: Path, words: tuple[int, int, int, int], said: str
) -> None:
    path = tmp_path / "log"
    bad = struct.pack("<QQQQ", *words).ljust(SECTOR, b"\xff")
    path.write_bytes(render_super(9) + render_entry(ONE) + bad + bytes(SECTOR))
    with pytest.raises(WriteLogError, match=f"at 2048 is garbage.*{said}") as caught:
        _read(path)
    assert caught.value.hint


@pytest.mark.parametrize(
    "head",
    [
        b"\1" * SECTOR,
        render_super(0).replace(b"rhs", b"xxx"),
        struct.pack("<QQQI", 0x6A736677736872, 2, 0, 512),
        struct.pack("<QQQI", 0x6A736677736872, 1, 0, 513),
    ],
)
def test_what_is_no_log_is_refused(tmp_path: Path, head: bytes) -> None:
    path = tmp_path / "log"
    path.write_bytes(head.ljust(SECTOR, b"\0"))
    with pytest.raises(WriteLogError):
        _read(path)
    with pytest.raises(WriteLogError, match="No such file"):
        _read(tmp_path / "absent")


def test_a_huge_entry_is_read_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "log"
    length = 3 * PIECE + SECTOR
    path.write_bytes(render_super(1) + render_entry(Write(0, b""), sectors=length // SECTOR))
    with path.open("r+b") as file:
        file.truncate(2 * SECTOR + length)
    with WriteLog(path) as log:
        (entry,) = log.entries()
        pieces = [(at, len(data)) for at, data in log.pieces(entry)]
        assert pieces == [(0, PIECE), (PIECE, PIECE), (2 * PIECE, PIECE), (3 * PIECE, SECTOR)]
        with pytest.raises(WriteLogError, match="has no bytes"):
            log.read(entry, length, 1)


def test_a_log_that_no_flush_ever_counted_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(bytes(SECTOR) + render_entry(ONE) + render_entry(TWO))
    found, cut = _read(path)
    assert [flags for flags, *_ in found] == [Flag.NONE, Flag.FUA]
    assert cut == ""


@given(st.binary(max_size=3000))
def test_any_bytes_after_a_superblock_end_or_are_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.mktemp("any") / "log"
    path.write_bytes(render_super(2) + data)
    try:
        found, _cut = _read(path)
    except WriteLogError:
        return
    assert sum(SECTOR + len(bytes_) for flags, _at, _n, bytes_ in found if not flags & 4) <= len(
        data
    )
