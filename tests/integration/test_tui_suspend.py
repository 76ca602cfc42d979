"""Ctrl-Z puts the interface aside, as it does with other programs on a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from patchbot.tui.app import PatchbotApp
from tests.support.tui import drive


def test_ctrl_z_suspends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pressed: list[str] = []
    monkeypatch.setattr(
        PatchbotApp, "action_suspend_process", lambda app: pressed.append("suspended")
    )

    async def journey(pilot: Pilot[None], app: PatchbotApp) -> None:
        await pilot.press("ctrl+z")
        assert pressed == ["suspended"]
        await pilot.press("a", "ctrl+z")  # while something is typed, too
        assert pressed == ["suspended"] * 2

    drive(tmp_path, journey)
