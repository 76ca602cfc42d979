"""Screens at three sizes are as they are kept, with and without colour."""

from __future__ import annotations

import pytest
from rich.segment import Segment

from tests.support.screens import SIZES, Taken, file_of, take_screens

_LEAST_CONTRAST = 60


def colours(segments: list[Segment]) -> set[tuple[int, int, int]]:
    """Return the colours of text that are no shade of grey."""
    styles = [segment.style for segment in segments if segment.style is not None]
    used = [colour for style in styles for colour in (style.color, style.bgcolor) if colour]
    found = {tuple(colour.get_truecolor()) for colour in used}
    return {(red, green, blue) for red, green, blue in found if not red == green == blue}


def faint(segments: list[Segment]) -> list[str]:
    """Return the text that hardly stands out from its background, in shades from 0 to 255."""
    found = []
    for text, style, _ in segments:
        if style is None or style.color is None or style.bgcolor is None or style.color.is_default:
            continue
        shades = [colour.get_truecolor().green for colour in (style.color, style.bgcolor)]
        if any(map(str.isalnum, text)) and abs(shades[0] - shades[1]) < _LEAST_CONTRAST:
            found.append(text)
    return found


def check(taken: dict[tuple[str, tuple[int, int]], Taken]) -> None:
    assert len(taken) == 7 * len(SIZES)
    for (name, size), (text, _) in taken.items():
        assert text == file_of(name, size).read_text("utf-8"), "python -m tests.support.screens"
        assert max(map(len, text.splitlines())) <= size[0]


def test_screens_are_as_they_are_kept() -> None:
    taken = take_screens()
    check(taken)
    assert all(colours(segments) for _, segments in taken.values())


def test_without_colour_they_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    taken = take_screens()
    check(taken)
    assert not any(colours(segments) for _, segments in taken.values())
    for (name, _), (_, segments) in taken.items():
        assert "help" in name or not faint(segments), "help lies over a screen that is dimmed"


@pytest.mark.parametrize("name", ["help", "timeline-help"])
def test_help_needs_no_scrolling_at_80x24(name: str) -> None:
    text = file_of(name, (80, 24)).read_text("utf-8")
    assert "╭" in text
    assert "╰" in text, "its end is in sight"
    assert "▁" not in text, "there is a scroll bar"
