"""The gdb stub's client: packets, and what it does against a stub that is well or badly behaved."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchbot.errors import CancelledError
from patchbot.proc import PROCESSES
from patchbot.qemu.errors import MachineError
from patchbot.qemu.gdb import Stub, StubError, connected_stub
from patchbot.qemu.packets import (
    Exited,
    Mark,
    PacketError,
    Reader,
    Stop,
    parse_body,
    parse_stop,
    render_packet,
)
from patchbot.qemu.sockets import GoneError, Line, SilentError, connect_unix
from tests.support.fake_stub import HOME_RSP, FakeStub, Move

Opener = Callable[[FakeStub], Stub]


@pytest.fixture
def opened() -> Iterator[Opener]:
    with contextlib.ExitStack() as stack:

        def connect(fake: FakeStub) -> Stub:
            stub = Stub(stack.enter_context(fake.played()), timeout_s=5.0)
            stub.open()
            return stub

        yield connect


def test_packets_as_the_manual_writes_them() -> None:
    assert render_packet(b"OK") == b"$OK#9a"
    assert render_packet(b"") == b"$#00"
    assert render_packet(b"a}b") == b"$a}]b#" + b"%02x" % (sum(b"a}]b") % 256)
    # "0* " stands for "0000": a character, and 0x20 - 29 = 3 more of it.
    assert parse_body(b"0* ") == b"0000"


@given(st.lists(st.binary(max_size=40), max_size=6), st.integers(1, 7))
def test_what_is_sent_comes_out_in_whatever_pieces(texts: list[bytes], piece: int) -> None:
    stream = b"+".join(render_packet(text) for text in texts)
    reader, found = Reader(), []
    for start in range(0, len(stream), piece):
        found += reader.feed(stream[start : start + piece])
    assert [each for each in found if each is not Mark.ACK] == texts


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"HTTP/1.1 400", "garbage"),
        (b"$OK#9b", "sum"),
        (b"$OK#zz", "sum"),
        (b"$a}#de", "cut short"),
        (b"$*#2a", "cut short"),
        (b"$0*\x1c#76", "cut short"),
        (b"$" + b"a" * (1 << 20) + b"a", "does not end"),
    ],
)
def test_what_is_no_packet_is_an_error(data: bytes, words: str) -> None:
    with pytest.raises(PacketError, match=words):
        Reader().feed(data)


def test_repetitions_can_not_fill_the_memory() -> None:
    bomb = b"0" + b"*~" * (1 << 15)
    with pytest.raises(PacketError, match="does not end"):
        parse_body(bomb)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        (b"T05thread:01;", Stop(5, "01")),
        (b"T02thread:p01.02;", Stop(2, "p01.02")),
        (b"T05watch:ffff8880;thread:0a;", Stop(5, "0a")),
        (b"S0b", Stop(11)),
        (b"W00", Exited("W00")),
        (b"X09", Exited("X09")),
        (b"OK", None),
        (b"E22", None),
        (b"", None),
    ],
)
def test_stop_replies(text: bytes, meaning: Stop | Exited | None) -> None:
    assert parse_stop(text) == meaning


def test_the_stop_that_comes_unasked_is_no_answer(opened: Opener) -> None:
    stub = opened(FakeStub())
    assert stub.threads == ("01", "02")


def test_a_breakpoint_stops_and_a_step_leaves_it(opened: Opener) -> None:
    fake = FakeStub([Move(1, 0x2000)])
    stub = opened(fake)
    stub.insert(0x2000)
    stub.resume()
    assert stub.wait_stop(5.0) == Stop(5, "02")
    registers = stub.registers("02")
    assert (registers.rip, registers.rsp, registers.gs_base) == (0x2000, HOME_RSP, 0xABC1)
    stub.remove(0x2000)
    stub.step("02")
    assert stub.registers("02").rip == 0x2001
    assert stub.registers("01").rip == 0x1000


def test_only_the_named_vcpus_go_on(opened: Opener) -> None:
    fake = FakeStub([Move(1, 0x2000), Move(0, 0x3000)])
    stub = opened(fake)
    stub.insert(0x2000)
    stub.insert(0x3000)
    stub.resume(["01"])
    assert stub.wait_stop(5.0) == Stop(5, "01")
    assert "vCont;c:01" in fake.asked


def test_nothing_is_sent_while_the_guest_runs_for_that_would_stop_it(opened: Opener) -> None:
    fake = FakeStub()
    stub = opened(fake)
    stub.resume()
    assert stub.wait_stop(0.05) is None
    assert stub.interrupt() == Stop(2, "01")
    assert fake.lost == b""


def test_software_breakpoints_where_hardware_ones_are_refused(opened: Opener) -> None:
    fake = FakeStub(answers={"Z1,2000,1": b""})
    stub = opened(fake)
    stub.insert(0x2000)
    stub.remove(0x2000)
    assert fake.asked[-2:] == ["Z0,2000,1", "z0,2000,1"]
    fake = FakeStub(answers={"Z1,2000,1": b"E22", "Z0,2000,1": b"E22"})
    with pytest.raises(StubError, match="no breakpoint at 0x2000"):
        opened(fake).insert(0x2000)


def test_memory_is_read_in_pieces_that_a_packet_holds(opened: Opener) -> None:
    data = bytes(range(256)) * 40
    fake = FakeStub(memory={0x8000: data})
    assert opened(fake).memory("01", 0x8000, len(data)) == data
    sizes = [int(each.split(",")[1], 16) for each in fake.asked if each.startswith("m")]
    assert sum(sizes) == len(data)
    assert max(sizes) * 2 + 4 < 4096


def test_memory_that_is_not_mapped(opened: Opener) -> None:
    with pytest.raises(StubError, match="m9000,4"):
        opened(FakeStub()).memory("01", 0x9000, 4)


def test_detaching_stops_takes_breakpoints_away_and_lets_all_go_on(opened: Opener) -> None:
    fake = FakeStub()
    stub = opened(fake)
    stub.insert(0x2000)
    stub.resume()
    stub.detach()
    assert fake.detached
    assert fake.breakpoints == set()
    assert fake.running == {0, 1}


def test_detaching_from_a_guest_that_another_stopped_and_let_go_on(opened: Opener) -> None:
    fake = FakeStub(resumed_by_another=True)
    stub = opened(fake)
    stub.insert(0x2000)
    stub.resume()
    assert stub.wait_stop(5.0) == Stop(2, "01")
    stub.detach()
    assert fake.detached
    assert fake.lost == b""


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"vCont?": b""}, "single vCPUs"),
        ({"qfThreadInfo": b"l"}, "no vCPUs"),
        ({"qfThreadInfo": b"E01"}, "lists no vCPUs"),
    ],
)
def test_a_stub_that_lacks_what_is_needed(
    opened: Opener, answers: dict[str, bytes], words: str
) -> None:
    with pytest.raises(StubError, match=words):
        opened(FakeStub(answers=answers))


def test_a_list_of_vcpus_without_an_end_has_an_end(opened: Opener) -> None:
    fake = FakeStub(answers={"qsThreadInfo": b"m01"})
    assert len(opened(fake).threads) < 1000


def test_a_guest_that_does_not_go_on(opened: Opener) -> None:
    stub = opened(FakeStub(answers={"vCont;c": b"E22"}))
    stub.resume()
    with pytest.raises(StubError, match="does not go on: b'E22'"):
        stub.wait_stop(5.0)


def test_a_guest_that_ends_says_so_though_nobody_takes_the_answer(opened: Opener) -> None:
    fake = FakeStub(answers={"vCont;c": b"W00"}, vanish_at="vCont;c")
    stub = opened(fake)
    stub.resume()
    assert fake.closed.wait(60.0)
    with pytest.raises(GoneError, match="W00"):
        stub.wait_stop(5.0)


@pytest.mark.parametrize("request_text", ["vCont?", "qfThreadInfo", "qsThreadInfo"])
def test_a_stub_that_vanishes(opened: Opener, request_text: str) -> None:
    with pytest.raises(GoneError, match="went away"):
        opened(FakeStub(vanish_at=request_text))


def test_a_stub_that_says_nothing() -> None:
    ours, theirs = socket.socketpair()
    with theirs, pytest.raises(SilentError, match="qSupported"):
        Stub(Line(ours, "gdb socket"), timeout_s=0.05).open()
    ours.close()


def test_another_program_on_the_socket(opened: Opener) -> None:
    with pytest.raises(PacketError, match="garbage"):
        opened(FakeStub(raw=b"SSH-2.0-OpenSSH\r\n"))


def test_a_stub_that_asks_again_and_again(opened: Opener) -> None:
    with pytest.raises(StubError, match="did not understand"):
        opened(FakeStub(raw=b"-"))


def test_a_cancelled_review_waits_for_no_guest(opened: Opener) -> None:
    stub = opened(FakeStub())
    stub.resume()
    PROCESSES.interrupt()
    try:
        with pytest.raises(CancelledError):
            stub.wait_stop(60.0)
    finally:
        PROCESSES.reset()


def test_a_path_that_no_address_holds(tmp_path: Path) -> None:
    folder = tmp_path / ("a" * 120)
    folder.mkdir()
    fake = FakeStub()
    with socket.socket(socket.AF_UNIX) as listening:
        opened_folder = os.open(folder, os.O_PATH)
        listening.bind(f"/proc/self/fd/{opened_folder}/gdb.sock")
        os.close(opened_folder)
        listening.listen()
        threading.Thread(target=lambda: fake.serve(listening.accept()[0]), daemon=True).start()
        with connected_stub(folder / "gdb.sock") as stub:
            assert len(stub.threads) == 2


def test_a_socket_that_never_appears(tmp_path: Path) -> None:
    with pytest.raises(SilentError, match="did not open"):
        connect_unix(tmp_path / "gdb.sock", timeout_s=0.1)
    with pytest.raises(SilentError):
        connect_unix(tmp_path / "no" / "gdb.sock", timeout_s=0.0)
    opened = [path.resolve() for path in Path("/proc/self/fd").iterdir()]
    assert tmp_path not in opened


def test_a_name_that_is_too_long_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="can't be connected"):
        connect_unix(tmp_path / ("a" * 120), timeout_s=0.1)
