"""Serial logs and what is believed of them: whole, panicked, cut off, silent, garbage, forged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchbot.qemu.boot import judge_boot
from patchbot.qemu.console import Case, End, read_console

MARK = "m0123456789abcdef"
WHOLE = f"""\
[    0.000000] Linux version 6.12.9 (walnut)
[    1.203311] Run /init as init process
{MARK} KTAP version 1
[    1.402211] EXT4-fs (vda): mounted filesystem r/w with ordered data mode.
{MARK} ok 1 - data=ordered # read back: 0
{MARK} writer 3 started
{MARK} not ok 2 - data=journal # read back: 1
{MARK} ok 3 - dax # SKIP no such device
{MARK} 1..3
{MARK} end 3
[    2.500000] reboot: Restarting system
"""


def read(text: str) -> tuple[End, int]:
    told = read_console(text.encode(), MARK)
    return told.end, len(told.cases)


def test_a_whole_log() -> None:
    told = read_console(WHOLE.replace("\n", "\r\n").encode(), MARK)
    assert told.end is End.WHOLE
    assert told.cases == (
        Case(True, "data=ordered", "read back: 0"),
        Case(False, "data=journal", "read back: 1"),
        Case(True, "dax", "SKIP no such device"),
    )
    assert [case.skipped for case in told.cases] == [False, False, True]
    assert told.notes == ("writer 3 started",)
    assert told.troubles == ()


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("", End.SILENT),
        ("[    0.000000] Linux version 6.12.9\n", End.SILENT),
        (WHOLE.partition(f"{MARK} end")[0], End.TRUNCATED),
        (WHOLE.replace("end 3", "end 2"), End.TRUNCATED),
        (WHOLE.replace("1..3", "1..4"), End.TRUNCATED),
        (WHOLE.replace(f"{MARK} ok 1 - data=ordered # read back: 0\n", ""), End.TRUNCATED),
        (WHOLE + f"{MARK} ok 4 - late\n", End.TRUNCATED),
        (WHOLE.replace("end 3", "end 3\n" + MARK + " end 3"), End.TRUNCATED),
        (WHOLE + "[    2.6] Kernel panic - not syncing: Attempted to kill init!\n", End.PANIC),
        (WHOLE.replace(MARK, "m0"), End.SILENT),
    ],
)
def test_how_a_log_ends(text: str, end: End) -> None:
    assert read(text)[0] is end


def test_what_the_kernel_s_log_puts_before_a_line_is_no_part_of_it() -> None:
    stamped = WHOLE.replace(f"\n{MARK}", f"\n[    1.400000][  T41] {MARK}")
    assert read_console(stamped.encode(), MARK) == read_console(WHOLE.encode(), MARK)


def test_results_outside_the_protocol_do_not_count() -> None:
    """A kernel or a file may print what looks like a result; only the mark makes it one."""
    forged = WHOLE.replace(
        f"{MARK} 1..3", f"ok 9 - forged\n m{MARK} ok 4 - x\n[  1.0] x {MARK} ok 4 - x\n{MARK} 1..3"
    )
    assert read(forged) == (End.WHOLE, 3)


@pytest.mark.parametrize(
    "line",
    [
        "[    3.104311] Kernel panic - not syncing: Fatal exception",
        "[    3.104311][   T12] BUG: kernel NULL pointer dereference, address: 0000000000000008",
        "kernel BUG at fs/ext4/inode.c:2801!",
        "[    3.1] WARNING: CPU: 1 PID: 77 at fs/dax.c:500 dax_insert+0x1/0x2",
        "[    9.9] INFO: task writer:77 blocked for more than 5 seconds.",
        "[    9.9] EXT4-fs error (device vda): ext4_lookup:1855: inode #2: comm ls: bad",
        "[    9.9] JBD2: Invalid checksum recovering data block 1234 in log",
        "Oops: general protection fault, 0000 [#1] SMP",
        "scsi_debug:dif_verify: GUARD check failed on sector 12472 rcvd 0x5f7b, data 0xeb25",
        "[    8.1] sda: guard tag error at sector 4552 (rcvd 0001, want 1ff1)",
        "JBD2: Spotted dirty metadata buffer (dev = vda, blocknr = 1045). There's a risk of it.",
        "[    4.0] EXT4-fs (vda): This should not happen!! Data will be lost",
        "EXT4-fs (vda): Inode 12 (00000000aa): i_reserved_data_blocks (4) not cleared!",
    ],
)
def test_complaints_of_the_kernel(line: str) -> None:
    told = read_console(WHOLE.replace("[    2.500000]", f"{line}\n[    2.500000]").encode(), MARK)
    assert [each.line for each in told.troubles] == [11]
    outcome = judge_boot(told, [], "", b"", 1.0)
    assert not outcome.good
    assert outcome.failed


@pytest.mark.parametrize(
    "line",
    [
        "EXT4-fs: Warning: mounting with data=journal disables delayed allocation",
        "[    1.0] EXT4-fs (vda): recovery complete",
        "[    1.0] JBD2: journal loaded",
        f"{MARK} the word BUG: in a note",
    ],
)
def test_what_is_no_complaint(line: str) -> None:
    told = read_console(WHOLE.replace("[    2.500000]", f"{line}\n[    2.500000]").encode(), MARK)
    assert told.troubles == () or line.startswith(MARK)
    assert not [t for t in told.troubles if t.text.startswith("EXT4-fs")]


GOOD = WHOLE.replace("not ok 2", "ok 2")


@pytest.mark.parametrize(
    ("text", "disks", "ended", "good", "failed", "error"),
    [
        (GOOD, [Case(True, "fsck of a")], "", True, "", ""),
        (GOOD, [Case(False, "fsck of a", "bad")], "", False, "fsck of a: bad", ""),
        (WHOLE, [], "", False, "data=journal: read back: 1", ""),
        (GOOD, [], "no end within 9 s", False, "", "the guest came to its end, and did not stop"),
        ("", [], "no end within 9 s", False, "", "no end within 9 s: the serial line is empty"),
        (GOOD.partition("1..3")[0], [], "no end within 9 s", False, "", "no end within 9 s: the"),
        (f"{MARK} 1..0\n{MARK} end 0\n", [], "", False, "", "nothing was tried"),
        ("Kernel panic - not syncing: x\n", [], "", False, "Kernel panic - not syncing: x", ""),
    ],
)
def test_what_a_boot_comes_to(
    text: str, disks: list[Case], ended: str, good: bool, failed: str, error: str
) -> None:
    outcome = judge_boot(read_console(text.encode(), MARK), disks, ended, b"", 1.0)
    assert (outcome.good, outcome.failed) == (good, failed)
    assert outcome.error.startswith(error)
    assert bool(outcome.error) == bool(error)


def test_all_skipped_is_not_good() -> None:
    text = f"{MARK} ok 1 - dax # SKIP no device\n{MARK} 1..1\n{MARK} end 1\n"
    assert not judge_boot(read_console(text.encode(), MARK), [], "", b"", 1.0).good


@given(st.binary(max_size=400))
def test_garbage_is_never_whole(data: bytes) -> None:
    told = read_console(data, MARK)
    assert told.end is not End.WHOLE
    assert not judge_boot(told, [], "", data, 1.0).good
