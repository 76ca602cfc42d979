"""The interface in a real terminal, tmux's: the demo from the first start to the way out."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from patchbot.proc import run_program
from tests.support.require import require

_WAIT_S = 60.0


class Terminal:
    """One window of a tmux server of its own, 80 columns by 24 lines."""

    def __init__(self, folder: Path) -> None:
        self._tmux = [str(require("tmux")), "-S", str(folder / "tmux"), "-f", "/dev/null"]
        self.run("new-session", "-d", "-x", "80", "-y", "24", "-c", str(folder), "sh")

    def run(self, *argv: str) -> str:
        done = run_program([*self._tmux, *argv])
        assert done.returncode == 0, done.error_text
        return done.stdout.decode("utf-8")

    def press(self, *keys: str) -> None:
        self.run("send-keys", *keys)

    def screen(self) -> str:
        return self.run("capture-pane", "-p")

    def wait_for(self, text: str) -> str:
        """Return the screen once it has the text."""
        end = time.monotonic() + _WAIT_S
        while text not in (seen := self.screen()):
            assert time.monotonic() < end, f"there is no {text!r} in:\n{seen}"
            time.sleep(0.1)
        return seen


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    opened = Terminal(tmp_path)
    yield opened
    opened.run("kill-server")


def test_the_demo_from_the_first_start_to_the_way_out(terminal: Terminal) -> None:
    terminal.press(f"PS1='rea''dy> '; {sys.executable} -m patchbot", "Enter")
    terminal.wait_for("? keys")
    seen = terminal.wait_for("Nothing is reviewed yet.")
    assert "D  see the demo" in seen
    terminal.press("D")
    terminal.wait_for("The demo's reviews are being made.")
    seen = terminal.wait_for("ext4: keep mapped pages")  # the first of them, of four revisions
    assert "needs work" in seen
    terminal.press("X")
    terminal.wait_for("stopped: patchbot demo")
    terminal.press("l")
    terminal.wait_for("words in title")
    terminal.press("mapped pages still", "Enter")  # another may be done by now
    terminal.wait_for("1 of")
    terminal.press("Enter")
    seen = terminal.wait_for("by Mira Olsen")
    assert [line[:9].strip() for line in seen.splitlines()[3:7]] == ["v1 RFC", "v2", "v3", "v4"]
    terminal.press("k", "h", "h", "h")  # from v4's verdict to v3 simulate
    terminal.wait_for("v3 simulate:")
    terminal.press("Enter")
    terminal.wait_for("write-protect/first-page")
    terminal.press("j", "Enter")
    seen = terminal.wait_for("sim_store(), writer, step")
    assert "the journal cannot" in seen
    assert "\n > " in seen
    total = seen.partition(" of ")[2].partition(",")[0]
    terminal.press("f")  # the whole schedule has as many steps as the short one counts
    terminal.wait_for(f"{total} steps shown")
    terminal.press("q", "q", "q")
    terminal.wait_for("patchbot's demo (D: back)")
    terminal.press("Q")
    seen = terminal.wait_for("ready>")
    assert "patchbot's demo" not in seen  # the terminal shows again what it showed before
    terminal.press("echo shown", "Enter")
    terminal.wait_for("\nshown\n")
    assert "echo shown" in terminal.screen()  # what is typed is seen again
