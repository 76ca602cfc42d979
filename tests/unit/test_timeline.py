"""The timeline of a counterexample: steps, columns, decisive ones; worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from patchbot.view.matrix import Cell
from patchbot.view.timeline import (
    Timeline,
    find_counterexample,
    make_rows,
    make_timeline,
    next_mark,
    room_for,
    say_moment,
)


def step(thread: int, kind: str, *, switch: bool = False, **more: Any) -> dict[str, Any]:
    return {
        "thread": thread, "path": "fs/nut.c", "line": 7, "function": "crack", "kind": kind,
        "value": 31, "switch": switch, "skipped": 0, "text": "nut->open = 1;",
    } | more  # fmt: skip


def row(schedule: str = "1@40>3,3@9=1", **more: Any) -> dict[str, Any]:
    """Thread 1 is preempted by 3 (the schedule says so), which ends; 1 goes on, and fails."""
    return {
        "scenario": "nuts", "commit": "c" * 40, "schedule": schedule,
        "threads": {"0": "main", "1": "commit", "3": "wri\x1bter"},
        "failure": {"kind": "assert", "text": "the nut\nis open", "path": "fs/nut.c", "line": 7},
        "steps": [
            step(1, "enter", skipped=40),
            step(1, "read", text=""),
            step(3, "write", switch=True),
            step(3, "note: cracked\n"),
            step(1, "write", switch=True, skipped=3),
        ],
    } | more  # fmt: skip


def test_steps_stand_in_the_columns_of_their_threads() -> None:
    timeline = make_timeline(row())
    assert timeline.failure == "assert: the nut is open"
    assert timeline.columns == ("commit", "wri\\x1bter")  # main has no step here
    # 40 were left out before the first, 3 before the last.
    assert [(each.number, each.column) for each in timeline.moments] == [
        (41, 0), (42, 0), (43, 1), (44, 1), (48, 0),
    ]  # fmt: skip
    assert [each.words for each in timeline.moments] == [
        "crack()", "read 0x1f", "nut->open = 1;", "note: cracked", "nut->open = 1;",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("schedule", "decisive"),
    [
        ("1@40>3,3@9=1", (2,)),      # the switch back from 3 to 1 is not the schedule's
        ("1@40>3,3@12>1", (2, 4)),
        ("3@12>1", (4,)),
        ("1@40=3", ()), ("-", ()), ("what?", ()),
    ],
)  # fmt: skip
def test_decisive_is_what_the_schedule_says(schedule: str, decisive: tuple[int, ...]) -> None:
    assert make_timeline(row(schedule)).decisive == decisive


def test_a_row_has_a_number_and_one_cell_that_is_not_empty() -> None:
    assert make_rows(make_timeline(row()), 9) == [
        (Cell(" +41", "dim"), Cell("crack()"), Cell("")),
        (Cell("  42", "dim"), Cell("read 0x1f"), Cell("")),
        (Cell("> 43", "hunk"), Cell(""), Cell("nut->ope…", "hunk")),
        (Cell("  44", "dim"), Cell(""), Cell("note: cr…")),
        (Cell("!+48", "error"), Cell("nut->ope…", "error"), Cell("")),
    ]


@pytest.mark.parametrize(
    ("width", "columns", "room"), [(80, 2, 34), (80, 3, 22), (20, 4, 8), (80, 0, 71)]
)
def test_columns_share_the_width(width: int, columns: int, room: int) -> None:
    assert room_for(width, columns) == room  # (80 - 7) // 2 - 2, ...


@pytest.mark.parametrize(
    ("at", "by", "to"), [(0, 1, 2), (2, 1, 5), (5, 1, 2), (5, -1, 2), (2, -1, 5), (9, -1, 5)]
)
def test_marks_are_gone_round(at: int, by: int, to: int) -> None:
    assert next_mark((2, 5), at, by) == to
    assert next_mark((), at, by) == at


def test_a_step_is_said() -> None:
    timeline = make_timeline(row())
    assert say_moment(timeline, 2) == (
        "fs/nut.c:7 crack(), wri\\x1bter, step 43 of 48, as the schedule says"
    )
    assert say_moment(timeline, 4) == (
        "fs/nut.c:7 crack(), commit, step 48 of 48, 3 steps left out before it"
    )


def test_a_counterexample_is_found_by_its_scenario() -> None:
    scenarios: dict[str, Any] = {"nuts": {"counterexample": row()}, "oak": {"counterexample": None}}
    scenarios |= {"old": {}, "none": {"counterexample": row(steps=[])}}
    kept = {"data": {"scenarios": scenarios}}
    assert find_counterexample(kept, "nuts") == row()
    for name in ("oak", "old", "none", "elm"):
        assert find_counterexample(kept, name) is None
    assert find_counterexample({"data": {}}, "nuts") is None


def test_a_run_that_does_not_fail_has_a_timeline_too() -> None:
    timeline = make_timeline(row(failure=None, threads={}))
    assert (timeline.failure, timeline.columns) == ("no failure", ("1", "3"))
    assert isinstance(timeline, Timeline)
