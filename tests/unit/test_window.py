"""Windows of the command line, and what is told of one; without a guest."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbot.cli import main
from patchbot.diagnostics import ExitCode
from patchbot.errors import UsageError
from patchbot.qemu.hold import Asked, Hold, Reached
from patchbot.qemu.scenario import Scenario, load_scenarios
from patchbot.qemu.window import _case, with_hold
from tests.support.git_tree import make_git_tree

BOOT = load_scenarios()["boot"]
PROTECT = load_scenarios()["write-protect/first-page"]


def test_a_plain_scenario_pins_what_is_held() -> None:
    held = with_hold(BOOT, Asked(("submit_bh",), "jbd2/*"))
    assert held.hold is not None
    assert (held.hold.steps, held.hold.processor) == (("submit_bh",), 1)
    assert held.environment["PIN"] == "jbd2/*"
    assert BOOT.key != held.key != with_hold(BOOT, Asked(("submit_bio",), "jbd2/*")).key


def test_a_window_scenario_keeps_its_thread_unless_another_is_named() -> None:
    assert PROTECT.hold is not None
    other = with_hold(PROTECT, Asked(("submit_bio",), "", 1))
    assert other.hold is not None
    assert other.hold.steps == ("submit_bio",)
    assert other.environment["HOLD"] == PROTECT.environment["HOLD"]
    assert "PIN" not in other.environment
    assert with_hold(PROTECT, Asked(("x",), "kworker*")).environment["HOLD"] == "kworker*"
    with pytest.raises(UsageError, match="vCPU 1"):
        with_hold(PROTECT, Asked(("submit_bio",), "", 0))


def test_what_has_no_guest_script_to_stop_has_no_window() -> None:
    crash = Scenario("crash", "", "boot.sh", 10.0, (), kind="crash")
    with pytest.raises(UsageError, match="no place for a window"):
        with_hold(crash, Asked(("submit_bh",), "jbd2/*"))


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
    case = _case(Reached("b", 16, 0.5), Hold(("a", "b")), notes, acts=True)
    assert case.good is good
    assert words in case.why


@pytest.mark.parametrize(
    ("argv", "words"),
    [
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
