"""Windows of the command line, and what is told of one; without a guest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from patchbot.cli import main
from patchbot.diagnostics import ExitCode
from patchbot.errors import UsageError
from patchbot.qemu.hold import Asked, Hold, Reached
from patchbot.qemu.machine import Guest
from patchbot.qemu.scenario import Scenario, load_scenarios
from patchbot.qemu.window import _attended, _case, with_holds
from tests.support.git_tree import make_git_tree

BOOT = load_scenarios()["boot"]
PROTECT = load_scenarios()["write-protect/first-page"]


def test_a_plain_scenario_pins_what_is_held() -> None:
    held = with_holds(BOOT, [Asked(("submit_bh",), "jbd2/*")])
    assert held.holds == (Hold(("submit_bh",), processor=1, keep_s=1.0),)
    assert held.environment["PIN"] == "jbd2/*"
    assert BOOT.key != held.key != with_holds(BOOT, [Asked(("submit_bio",), "jbd2/*")]).key


def test_each_thread_has_a_processor_and_all_but_the_last_stand_for_3_s() -> None:
    asked = [Asked(("a",), "writer"), Asked(("b",), "jbd2/*"), Asked(("c",), "writer")]
    held = with_holds(BOOT, asked)
    assert held.holds == (
        Hold(("a",), processor=1, keep_s=3.0),
        Hold(("b",), processor=2, keep_s=3.0),
        Hold(("c",), processor=1, keep_s=1.0),
    )
    assert held.environment["PIN"] == held.environment["HOLD"] == "writer jbd2/*"


@pytest.mark.parametrize(
    ("asked", "processors", "pinned"),
    [
        ([Asked(("a",), processor=1), Asked(("b",), "x*")], [1, 2], "- x*"),
        ([Asked(("a",), "x*"), Asked(("b",), processor=3)], [1, 3], "x* - -"),
        ([Asked(("a",), processor=0)], [0], ""),
    ],
)
def test_processors_that_are_named_are_not_given_to_threads(
    asked: list[Asked], processors: list[int], pinned: str
) -> None:
    held = with_holds(BOOT, asked)
    assert [hold.processor for hold in held.holds] == processors
    assert held.environment["PIN"] == pinned


def test_a_window_scenario_keeps_its_thread_unless_another_is_named() -> None:
    other = with_holds(PROTECT, [Asked(("submit_bio",), "", 1)])
    assert other.holds == (replace(PROTECT.holds[0], steps=("submit_bio",)),)
    assert other.environment["HOLD"] == PROTECT.environment["HOLD"]
    assert "PIN" not in other.environment
    assert with_holds(PROTECT, [Asked(("x",), "kworker*")]).environment["HOLD"] == "kworker*"
    for wrong in (0, 2):
        with pytest.raises(UsageError, match=r"vCPU 1$"):
            with_holds(PROTECT, [Asked(("submit_bio",), "", wrong)])


def test_a_variant_has_windows_of_its_own() -> None:
    first = load_scenarios()["write-protect/first-store"]
    assert [hold.processor for hold in first.holds] == [1, 2]
    assert [hold.steps[-1] for hold in first.holds] == ["fault_dirty_shared_page", "submit_bh"]
    assert first.environment["HOLD"].split() == ["store_in_window", "jbd2/vda-*"]
    # What waits for the first of them must not be taken for a hung task, after 5 s.
    assert first.holds[0].keep_s < 5
    both = with_holds(first, [Asked(("x",), "", 2), Asked(("y",), "kworker*")])
    assert both.environment["HOLD"] == "kworker* jbd2/vda-*"
    assert [hold.processor for hold in both.holds] == [2, 1]


def test_a_guest_has_a_processor_for_each_that_is_held() -> None:
    guest = Guest(Path("kernel"), Path("initrd"), append=("quiet",))
    one = _attended(guest, PROTECT)
    assert (one.processors, one.attended, one.append[-1]) == (2, True, "isolcpus=1")
    two = _attended(guest, load_scenarios()["write-protect/first-store"])
    assert (two.processors, two.append[0], two.append[-1]) == (3, "quiet", "isolcpus=1,2")


def test_what_has_no_guest_script_to_stop_has_no_window() -> None:
    crash = Scenario("crash", "", "boot.sh", 10.0, (), kind="crash")
    with pytest.raises(UsageError, match="no place for a window"):
        with_holds(crash, [Asked(("submit_bh",), "jbd2/*")])


@pytest.mark.parametrize(
    ("notes", "good", "words"),
    [
        (["window ready", "window waits in do_it"], True, "waits in do_it, while a > b on vCPU 1"),
        (["window ended after 40 us"], True, "ended after 40 us"),
        (["window unclear: no end after 500 ms, state R"], False, "unclear"),
        (["window ready"], False, "nothing was told"),
    ],
)
def test_what_became_of_the_store_is_told(notes: list[str], good: bool, words: str) -> None:
    case = _case([Reached("b", 16, 0.5)], replace(PROTECT, holds=(Hold(("a", "b")),)), notes)
    assert case.good is good
    assert words in case.why


def test_windows_one_after_another_are_told_in_order() -> None:
    two = (Hold(("a",)), Hold(("b", "c"), processor=2, keep_s=1.0))
    reached = [Reached("a", 16, 0.5), Reached("c", 32, 0.25)]
    case = _case(reached, replace(BOOT, holds=two), [])
    assert case.why == "a on vCPU 1, then b > c on vCPU 2 was reached after 0.8 s and held for 1 s"
    late = [reached[0], replace(reached[1], late="b")]
    notes = ["window ended after 3 us"]
    case = _case(late, replace(PROTECT, holds=two), notes)
    assert case.good
    assert case.why == (
        "ended after 3 us, while a on vCPU 1, then b > c on vCPU 2 (not before the other went on: "
        "until then it came past b) was held"
    )


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--hold", "a:x", "--hold", "b:x", "--scenario", "boot"], "comes to no other place"),
        (["--hold", "submit_bh:jbd2/*"], "--hold needs a --scenario"),
        (["--hold", "submit_bh", "--scenario", "boot"], "no thread is named"),
        (["--hold", "1+1:cpu1", "--scenario", "boot"], "is no symbol"),
    ],
)
def test_what_can_not_be_held(
    argv: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = make_git_tree(tmp_path / "tree", {"Makefile": "all:\n"})
    assert main(["smoke", "--tree", str(tree), *argv]) == ExitCode.USAGE
    assert words in capsys.readouterr().err
