"""Screens of the interface as text, kept in tests/data/screens: `python -m tests.support.screens`.

A kept file is what a terminal shows, without the footer (whose keys Textual lays out) and blanks at
the lines' ends. Who writes them anew reads them before they are committed.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from rich.segment import Segment
from textual.pilot import Pilot

from patchbot.tui.app import PatchbotApp
from tests.support import ROOT
from tests.support.tui import drive, keep_review, screen_text, stage_result, until

Size = tuple[int, int]
Taken = tuple[str, list[Segment]]
FOLDER = ROOT / "tests" / "data" / "screens"
SIZES = ((80, 24), (120, 40), (250, 60))
_TITLE = "ext4: keep the pages of a journalled file clean while they are under the commit's write"
_LOG = "Linux version 6.1\nEXT4-fs (vda): mounted\nm1 ok 1 - boots\nm1 not ok 2 - files # one\n"


def make_home(top: Path) -> Path:
    """Keep two reviews: one that fails in several ways, and one that is accepted."""
    log = top / "serial.log"
    log.write_text(_LOG)
    stages = {
        "apply": stage_result("apply", status="pass", reason="3 patches applied"),
        "static": stage_result("static", findings=[_finding("walnut-leak", file="fs/ext4/nut.c")]),
        "simulate": _simulated(),
        "smoke": stage_result(
            "smoke", seconds=61.0, findings=[_finding("boot")], data={"logs": {"boot": str(log)}}
        ),
    }
    home = top / "home"
    keep_review(home, stages, slug="fails", title=_TITLE, message_ids=["1"])
    accepted = {"apply": stages["apply"]}
    keep_review(home, accepted, slug="good", title="jbd2: drop a word", message_ids=["2"])
    return home


def _finding(rule: str, **more: Any) -> dict[str, Any]:
    return {
        "rule": rule, "severity": "error", "message": "it is left behind on this path",
        "file": None, "line": 42, "patch": 1, "patch_line": 7, "evidence": "one\ntwo",
        "change": "introduced",
    } | more  # fmt: skip


def _simulated() -> dict[str, Any]:
    def step(thread: int, line: int, text: str, *, switch: bool = False) -> dict[str, Any]:
        return {
            "thread": thread, "path": "fs/ext4/nut.c", "line": line, "function": "crack",
            "kind": "write", "value": 0, "switch": switch, "skipped": 9 if line == 1 else 0,
            "text": text,
        }  # fmt: skip

    row = {
        "scenario": "nuts", "commit": "0" * 40, "schedule": "1@4>2",
        "threads": {"1": "commit", "2": "writer"},
        "failure": {"kind": "assert", "text": "the nut is open", "path": "", "line": 0},
        "steps": [
            step(1, 1, "if (!nut->open)"), step(2, 5, "nut->open = 1;", switch=True),
            step(1, 2, "crack(nut);", switch=True),
        ],
    }  # fmt: skip
    data = {"scenarios": {"nuts": {"counterexample": row}}}
    return stage_result("simulate", seconds=2.0, findings=[_finding("nuts", line=None)], data=data)


def take_screens() -> dict[tuple[str, Size], Taken]:
    """Return each screen at each size, by name and size: its text, and its segments."""
    taken: dict[tuple[str, Size], Taken] = {}

    async def journey(pilot: Pilot[None], app: PatchbotApp) -> None:
        await until(pilot, lambda: "drop a word" in screen_text(app))
        for name, keys, sign in _STEPS:
            await pilot.press(*keys)
            await until(pilot, partial(_shows, app, sign))
            for size in SIZES:
                await pilot.resize_terminal(*size)
                await _settle(pilot, app)
                strips = app.screen._compositor.render_strips()
                segments = [segment for strip in strips for segment in strip]
                taken[name, size] = (_without_footer(app, screen_text(app)), segments)

    with tempfile.TemporaryDirectory() as top:
        drive(make_home(Path(top)), journey, SIZES[0])
    return taken


async def _settle(pilot: Pilot[None], app: PatchbotApp) -> None:
    """Wait until nothing changes any more."""
    before = ""
    while before != (before := screen_text(app)):
        await pilot.pause(0.02)


_STEPS = (
    ("list", (), "cannot tell"),
    ("help", ("question_mark",), "leave patchbot"),
    ("series", ("escape", "j", "enter"), "nothing looked at it"),
    ("serial", ("h", "L"), "4 lines, 1 decisive"),
    ("static", ("q", "h", "h", "enter"), "line 7 of its diff"),
    ("timeline", ("q", "l", "enter", "t"), "step 11 of 12"),
    ("timeline-help", ("question_mark",), "every step"),
)
"""The name of each screen, the keys from the one before, and what is seen when it is there."""


def _shows(app: PatchbotApp, sign: str) -> bool:
    return sign in screen_text(app)


def _without_footer(app: PatchbotApp, text: str) -> str:
    from textual.widgets import Footer

    lines = text.split("\n")
    footers = [each for screen in app.screen_stack for each in screen.query(Footer)]
    return "\n".join(lines[: len(lines) - bool(footers)]).rstrip() + "\n"


def file_of(name: str, size: Size) -> Path:
    """Return the kept file of a screen at a size."""
    return FOLDER / f"{name}-{size[0]}x{size[1]}.txt"


def main() -> None:
    """Write all kept files anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for (name, size), (text, _) in take_screens().items():
        file_of(name, size).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
