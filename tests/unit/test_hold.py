"""Windows: which thread stands where, and what is said when it never gets there."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

from patchbot.errors import UsageError
from patchbot.qemu.errors import MachineError
from patchbot.qemu.gdb import Stub
from patchbot.qemu.hold import (
    Asked,
    HeldTooLong,
    Hold,
    WindowNotReached,
    Windows,
    parse_hold,
)
from patchbot.qemu.sockets import GoneError
from patchbot.qemu.symbols import SymbolError, parse_symbols
from tests.support.fake_stub import HOME_RSP, STACK, FakeStub, Move

FIRST, LAST, TWIN, BANNER = 0x2000, 0x3000, 0x3500, 0x8000
SYMBOLS = parse_symbols(
    "0000000000002000 T walnut_first\n0000000000003000 t walnut_last\n"
    "0000000000003000 t walnut_twin\n0000000000003500 t walnut_twin\n"
    "0000000000008000 D linux_banner\n"
)
MEMORY = {BANNER: b"Linux version 6.1.0 (walnut)\n"}
STEPS = ("walnut_first", "walnut_last")

Armed = Callable[..., Windows]


@pytest.fixture
def armed() -> Iterator[Armed]:
    """Arms windows of a fake stub, which goes on at once."""
    with contextlib.ExitStack() as stack:

        def arm(fake: FakeStub, *holds: Hold) -> Windows:
            fake.memory = fake.memory or MEMORY
            stub = Stub(stack.enter_context(fake.played()), timeout_s=5.0)
            stub.open()
            window = Windows(stub, SYMBOLS, holds)
            window.arm()
            return window

        yield arm


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("submit_bh:jbd2/*", Asked(("submit_bh",), "jbd2/*")),
        ("first>last:jbd2/vda-8", Asked(("first", "last"), "jbd2/vda-8")),
        ("a > b.isra.0 > c:x", Asked(("a", "b.isra.0", "c"), "x")),
        ("submit_bh:1", Asked(("submit_bh",), processor=1)),
        ("submit_bh:cpu3", Asked(("submit_bh",), processor=3)),
        ("submit_bh:kworker/0:1", Asked(("submit_bh",), "kworker/0:1")),
    ],
)
def test_what_the_command_line_asks_for(text: str, asked: Asked) -> None:
    assert parse_hold(text) == asked


@pytest.mark.parametrize(
    "text",
    ["submit_bh", "submit_bh:", ":jbd2/*", "a>:x", ">a:x", "0x12:x", "a b:x", "a:x y", "a>>b:x"],
)
def test_what_names_no_window(text: str) -> None:
    with pytest.raises(UsageError, match="--hold") as caught:
        parse_hold(text)
    assert "SYMBOL:THREAD" in caught.value.hint


def test_the_thread_stands_at_the_last_symbol_and_only_the_others_go_on(armed: Armed) -> None:
    fake = FakeStub([Move(1, FIRST), Move(1, LAST), Move(1, 0x9000), Move(0, 0x9000)])
    reached = armed(fake, Hold(STEPS)).wait()
    fake.settle("vCont;c:01")
    assert (reached.symbol, reached.address) == ("walnut_last", LAST)
    assert fake.where[1] == (LAST, HOME_RSP)
    assert fake.where[0] == (0x9000, HOME_RSP)
    assert fake.running == {0}
    assert fake.breakpoints == set()


def test_the_last_symbol_does_not_count_before_the_first(armed: Armed) -> None:
    fake = FakeStub([Move(1, LAST), Move(1, FIRST), Move(1, 0x2010), Move(1, LAST)])
    armed(fake, Hold(STEPS)).wait()
    assert fake.plan == []


def test_other_vcpus_are_stepped_over_and_counted(armed: Armed) -> None:
    plan = [Move(0, FIRST), Move(0, FIRST), Move(1, FIRST), Move(0, LAST), Move(1, LAST)]
    fake = FakeStub(plan)
    reached = armed(fake, Hold(STEPS)).wait()
    assert reached.seen == (
        "walnut_first on vCPU 01: 2",
        "walnut_first on vCPU 02: 1",
        "walnut_last on vCPU 01: 1",
        "walnut_last on vCPU 02: 1",
    )
    assert fake.where[0] == (LAST + 1, HOME_RSP)
    assert fake.asked.count("vCont;s:01") == 3


def test_two_vcpus_at_once_of_which_one_is_reported(armed: Armed) -> None:
    # The stop names vCPU 0 alone, while vCPU 1 stands at the symbol too.
    fake = FakeStub([Move(0, LAST, together=True), Move(1, LAST)])
    armed(fake, Hold(STEPS[1:])).wait()
    fake.settle("vCont;c:01")
    assert fake.where[1] == (LAST, HOME_RSP)
    assert fake.running == {0}


def test_two_vcpus_at_once_are_both_stepped_over(armed: Armed) -> None:
    fake = FakeStub([Move(0, FIRST, together=True), Move(1, FIRST), Move(1, LAST)])
    reached = armed(fake, Hold(STEPS)).wait()
    assert fake.where[0] == (FIRST + 1, HOME_RSP)
    assert reached.seen[:2] == ("walnut_first on vCPU 01: 1", "walnut_first on vCPU 02: 1")


def test_another_thread_on_the_same_vcpu_is_not_the_one(armed: Armed) -> None:
    other = HOME_RSP + STACK
    plan = [Move(1, FIRST), Move(1, LAST, other), Move(1, LAST, HOME_RSP - 0x100)]
    fake = FakeStub(plan)
    reached = armed(fake, Hold(STEPS)).wait()
    assert fake.where[1] == (LAST, HOME_RSP - 0x100)
    assert "walnut_last on vCPU 02: 2" in reached.seen


def test_a_thread_that_stays_at_the_first_symbol_does_not_hide_the_one(armed: Armed) -> None:
    other = HOME_RSP + STACK
    plan = [Move(1, FIRST, other), Move(1, FIRST), Move(1, FIRST), Move(1, LAST), Move(1, LAST)]
    fake = FakeStub(plan)
    armed(fake, Hold(STEPS)).wait()
    assert fake.where[1] == (LAST, HOME_RSP)
    assert len(fake.plan) == 1


def test_arrivals_of_two_threads_are_not_added_up(armed: Armed) -> None:
    plan = [Move(1, LAST), Move(1, LAST, HOME_RSP + STACK)]
    window = armed(FakeStub(plan), Hold(STEPS[1:], hits=2, reach_s=0.1))
    with pytest.raises(WindowNotReached):
        window.wait()


def test_one_arrival_is_not_two(armed: Armed) -> None:
    plan = [Move(1, FIRST), Move(1, LAST)]
    window = armed(FakeStub(list(plan)), Hold(STEPS, hits=2, reach_s=0.1))
    with pytest.raises(WindowNotReached):
        window.wait()
    fake = FakeStub([*plan, Move(1, LAST, HOME_RSP - 8)])
    armed(fake, Hold(STEPS, hits=2)).wait()
    assert fake.where[1] == (LAST, HOME_RSP - 8)


def test_one_symbol_twice_is_two_arrivals(armed: Armed) -> None:
    window = armed(FakeStub([Move(1, LAST)]), Hold(("walnut_last", "walnut_last"), reach_s=0.1))
    with pytest.raises(WindowNotReached):
        window.wait()


def test_all_places_of_a_name_are_watched(armed: Armed) -> None:
    window = armed(FakeStub([Move(1, TWIN)]), Hold(("walnut_twin",)))
    assert window.wait().address == TWIN
    assert "2 places" in window.places[0].said


def test_the_other_processor_can_be_the_held_one(armed: Armed) -> None:
    fake = FakeStub([Move(1, LAST), Move(2, LAST), Move(0, LAST)], processors=3)
    armed(fake, Hold(STEPS[1:], processor=0)).wait()
    fake.settle("vCont;c:02;c:03")
    assert fake.running == {1, 2}


def test_a_window_that_never_opens_is_an_error_that_says_what_was_seen(armed: Armed) -> None:
    fake = FakeStub([Move(1, FIRST), Move(0, LAST)])
    window = armed(fake, Hold(STEPS, reach_s=0.1))
    with pytest.raises(
        WindowNotReached, match="walnut_first>walnut_last was not reached on vCPU 1"
    ) as caught:
        window.wait()
    assert "walnut_last on vCPU 01: 1" in str(caught.value)
    assert "pinned" in caught.value.hint
    window.release()
    assert fake.running == {0, 1}
    window = armed(FakeStub(), Hold(STEPS, reach_s=0.05))
    with pytest.raises(WindowNotReached, match="seen: nothing"):
        window.wait()


def test_what_others_do_all_the_time_does_not_put_the_end_off(armed: Armed) -> None:
    fake = FakeStub([Move(0, FIRST)] * 1000)
    window = armed(fake, Hold(STEPS, reach_s=0.0))
    fake.settle("vCont;c")
    with pytest.raises(WindowNotReached):
        window.wait()
    assert "vCont;s:01" not in fake.asked


def test_the_window_is_kept_until_something_was_seen_and_then_all_go_on(armed: Armed) -> None:
    fake = FakeStub([Move(1, LAST)])
    window = armed(fake, Hold(STEPS[1:]))
    window.wait()
    fake.settle("vCont;c:01")
    answers = iter([False, False, True])
    assert window.keep(lambda: next(answers)) >= 0
    assert fake.running == {0}
    window.release()
    assert fake.detached
    assert fake.running == {0, 1}


def test_what_never_happens_does_not_keep_the_window_open_for_ever(armed: Armed) -> None:
    fake = FakeStub([Move(1, LAST)])
    window = armed(fake, Hold(STEPS[1:], keep_s=0.05))
    window.wait()
    with pytest.raises(HeldTooLong, match="walnut_last"):
        window.keep(lambda: False)
    window.release()
    assert fake.running == {0, 1}
    assert fake.breakpoints == set()


def test_a_guest_that_stops_by_itself_is_no_window(armed: Armed) -> None:
    window = armed(FakeStub(when_idle=lambda: b"T06thread:01;"), Hold(STEPS))
    with pytest.raises(MachineError, match="signal 6"):
        window.wait()
    fake = FakeStub([Move(1, LAST)], when_idle=lambda: b"T02thread:01;")
    window = armed(fake, Hold(STEPS[1:]))
    window.wait()
    with pytest.raises(MachineError, match="signal 2"):
        window.keep(lambda: False)


def test_a_guest_that_ends(armed: Armed) -> None:
    window = armed(FakeStub(when_idle=lambda: b"W00"), Hold(STEPS))
    with pytest.raises(GoneError):
        window.wait()


def resumes(fake: FakeStub) -> list[str]:
    return [each for each in fake.asked if each.startswith("vCont;c")]


def test_the_first_of_two_threads_stands_until_the_second_does(armed: Armed) -> None:
    # The vCPUs are called 01, 02 and 03.
    fake = FakeStub([Move(1, LAST), Move(1, 0x9000), Move(2, TWIN), Move(0, 0x9000)], processors=3)
    windows = armed(fake, Hold(STEPS[1:]), Hold(("walnut_twin",), processor=2))
    assert (windows.wait().address, windows.wait().address) == (LAST, TWIN)
    fake.settle("vCont;c:01;c:02")
    assert resumes(fake) == ["vCont;c", "vCont;c:01;c:03", "vCont;c:01;c:02"]
    assert fake.where == [(0x9000, HOME_RSP), (0x9000, HOME_RSP), (TWIN, HOME_RSP)]
    assert fake.breakpoints == set()
    windows.release()
    assert fake.running == {0, 1, 2}


def test_what_stands_is_no_arrival_at_the_next_window(armed: Armed) -> None:
    fake = FakeStub([Move(1, LAST), Move(0, LAST), Move(2, LAST)], processors=3)
    windows = armed(fake, Hold(STEPS[1:]), Hold(STEPS[1:], processor=2))
    assert windows.wait().seen == ("walnut_last on vCPU 02: 1",)
    second = windows.wait()
    assert second.seen == ("walnut_last on vCPU 01: 1", "walnut_last on vCPU 03: 1")
    assert second.late == ""


def test_a_thread_goes_on_from_where_the_window_after_next_is_awaited(armed: Armed) -> None:
    # Let go without a step, vCPU 02 would be found at the same symbol once more.
    plan = [Move(1, LAST), Move(2, FIRST), Move(1, 0x9000), Move(1, LAST, behind=True)]
    fake = FakeStub(plan, processors=3)
    holds = [Hold(STEPS[1:]), Hold(STEPS[:1], processor=2), Hold(STEPS[1:])]
    windows = armed(fake, *holds)
    assert [windows.wait().address for _ in holds] == [LAST, FIRST, LAST]
    assert fake.plan == []
    assert resumes(fake)[2] == "vCont;c:01;c:02"


def test_a_thread_that_waits_for_the_held_one_opens_its_window_late(armed: Armed) -> None:
    plan = [
        *(Move(1, LAST), Move(2, FIRST), Move(1, 0x9000), Move(2, LAST, behind=True)),
        Move(1, TWIN, behind=True),
    ]
    fake = FakeStub(plan, processors=3)
    holds = [Hold(STEPS[1:], keep_s=0.05), Hold(STEPS, processor=2), Hold(("walnut_twin",))]
    windows = armed(fake, *holds)
    assert windows.wait().late == ""
    second = windows.wait()
    assert (second.address, second.late) == (LAST, "walnut_first")
    # vCPU 02 went on from where it stood, which is no arrival.
    assert second.seen == ("walnut_first on vCPU 03: 1", "walnut_last on vCPU 03: 1")
    assert windows.wait().late == ""
    fake.settle("vCont;c:01;c:03")
    assert fake.running == {0, 2}


@pytest.mark.parametrize(
    ("keep_s", "reach_s", "plan"),
    [(0.05, 30.0, []), (0.05, 30.0, [Move(2, LAST)]), (30.0, 0.05, [Move(2, FIRST)])],
)
def test_a_second_window_that_was_not_even_begun_is_no_answer(
    armed: Armed, keep_s: float, reach_s: float, plan: list[Move]
) -> None:
    """That something waits for the held thread may be said only of what was under way."""
    fake = FakeStub([Move(1, LAST), *plan], processors=3)
    second = Hold(STEPS, processor=2, reach_s=reach_s)
    windows = armed(fake, Hold(STEPS[1:], keep_s=keep_s), second)
    windows.wait()
    with pytest.raises(WindowNotReached, match="on vCPU 2 while vCPU 1 was held"):
        windows.wait()
    windows.release()
    assert fake.running == {0, 1, 2}


@pytest.mark.parametrize("memory", [{BANNER: b"Walnut version 6.1.0"}, {0: b"nothing there"}])
def test_the_map_of_another_kernel(armed: Armed, memory: dict[int, bytes]) -> None:
    fake = FakeStub(memory=memory)
    with pytest.raises(MachineError, match="kernel") as caught:
        armed(fake, Hold(STEPS))
    assert "nokaslr" in caught.value.hint
    assert not any(each.startswith("Z") for each in fake.asked)


@pytest.mark.parametrize(
    ("hold", "processors", "error", "words"),
    [
        (Hold(("quince",)), 2, SymbolError, "quince"),
        (Hold(STEPS, processor=2), 2, UsageError, "no number 2"),
        (Hold(STEPS, processor=0), 1, UsageError, "single vCPU"),
        (Hold(()), 2, UsageError, "needs a symbol"),
        (Hold(STEPS, hits=0), 2, UsageError, "at least once"),
    ],
)
def test_windows_that_can_not_be(
    armed: Armed, hold: Hold, processors: int, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        armed(FakeStub(processors=processors), hold)
