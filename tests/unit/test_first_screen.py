"""The list that is painted before the interface has loaded."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len

from patchbot.store import Store, Summary
from patchbot.tui import first
from patchbot.tui.first import make_screen, render_rows
from patchbot.tui.state import State, write_state
from tests.support.tui import keep_review


def summary(title: str, **more: object) -> Summary:
    values = {
        "slug": "s", "at": 0.0, "author": "Ada Walnut", "revisions": 3, "label": "v2",
        "message_id": "1", "date": "", "verdict": "needs work", "trailers": {"R": 2},
    }  # fmt: skip
    return Summary(title=title, **(values | more))  # type: ignore[arg-type]


def test_rows_stand_in_columns_of_cells() -> None:
    # 80 less 44 for the others, 10 for five gaps and 1 in front leave 25.
    head, row = render_rows([summary("count the halves of a walnut")], 80, 7200.0)
    assert head == (
        " verdict      newest   title                      author        trailers  age   "
    )
    assert row == (
        " needs work   v2 of 3  count the halves of a wal  Ada Walnut    R:2       2 h   "
    )
    assert render_rows([], 80, 0.0) == []


def test_what_is_in_a_mail_can_not_command_the_terminal() -> None:
    (_, row) = render_rows([summary("a\x1b[2J\x07b\n日本", author="\x9bx")], 120, 0.0)
    assert "\x1b" not in row
    assert "\x9b" not in row
    assert "a\\x1b[2J\\x07b 日本" in row
    assert cell_len(row) == 120


@pytest.mark.parametrize("size", [(80, 24), (20, 5), (250, 60)])
def test_the_screen_is_full_and_no_more(tmp_path: Path, size: tuple[int, int]) -> None:
    columns, lines = size
    for number in range(30):
        name = f"series-{number}"
        keep_review(tmp_path, {}, slug=name, title=f"nut {name}", message_ids=[name])
    screen = make_screen(tmp_path, columns, lines)
    assert len(screen) == lines
    assert {cell_len(line) for line in screen} == {columns}
    assert screen[0].startswith(" patchbot: 30 series"[:columns])
    assert screen[-1].strip() == "starting"
    assert "series-29" in screen[2] or columns == 20  # the newest first; it is cut off at 20


def test_limit_and_sort_are_those_of_the_last_time(tmp_path: Path) -> None:
    for name in ("hazel", "pecan", "acorn"):
        keep_review(tmp_path, {}, slug=name, title=f"{name} title", message_ids=[name])
    write_state(tmp_path, State(sort="title", limit="-hazel"))
    screen = make_screen(tmp_path, 100, 6)
    assert screen[0].strip() == "patchbot: 2 of 3 series, by title, limited to '-hazel'"
    assert ["acorn" in screen[2], "pecan" in screen[3]] == [True, True]


def test_a_store_that_is_absent_or_locked_is_the_interface_s_to_explain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = [" patchbot".ljust(40), " " * 40, " starting".ljust(40)]
    assert make_screen(tmp_path, 40, 3) == empty
    assert not (tmp_path / "patchbot.db").exists()
    Store(tmp_path).close()
    other = sqlite3.connect(tmp_path / "patchbot.db", isolation_level=None)
    other.execute("PRAGMA journal_mode=DELETE")
    other.execute("BEGIN EXCLUSIVE")
    assert make_screen(tmp_path, 40, 3) == empty
    other.close()
    (tmp_path / "patchbot.db").write_bytes(b"no store at all" * 99)
    assert make_screen(tmp_path, 40, 3) == empty


def test_it_loads_no_textual() -> None:
    assert first.__name__ in sys.modules
    from patchbot.proc import run_program

    code = "import sys, patchbot.cli, patchbot.tui.first, patchbot.tui.start\n"
    code += "sys.exit(any(name.partition('.')[0] == 'textual' for name in sys.modules))"
    assert run_program([sys.executable, "-c", code]).returncode == 0
