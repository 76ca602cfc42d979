"""Whether changed lines were come to, by hand-made rows and a real history."""

from pathlib import Path
from typing import Any

import pytest
from kernel_sim.ledger import parse_lines, render_lines

from patchbot.model import Status
from patchbot.sim_compare import Pair
from patchbot.sim_reach import Reach, find_places, find_reach, say_reach
from patchbot.stages.simulate import judge_pairs
from patchbot.tree import open_tree
from tests.support.git_tree import make_git_tree, run_git
from tests.unit.test_sim_command import make_row

BEFORE = "int f(int a)\n{\n\ta += 1;\n\ta += 2;\n\treturn a;\n}\n"
AFTER = "int f(int a)\n{\n\ta += 1;\n\tif (a < 0)\n\t\ta = 7;\n\treturn a;\n}\n"


def row_of(*functions: dict[str, str]) -> dict[str, Any]:
    return make_row(ledger={"functions": list(functions)})


def function(path: str, came: str, idle: str) -> dict[str, str]:
    return {"path": path, "came": came, "idle": idle}


@pytest.mark.parametrize(
    ("lines", "text"),
    [((), ""), ((5,), "5"), ((5, 6), "5-6"), ((9, 3, 4, 5), "3-5,9"), ((1, 3), "1,3")],
)
def test_lines_in_short(lines: tuple[int, ...], text: str) -> None:
    assert render_lines(lines) == text
    assert parse_lines(text) == frozenset(lines)


def test_places_are_new_lines_and_those_beside_what_is_gone(tmp_path: Path) -> None:
    files = {"f.c": BEFORE, "gone.c": "a\nb\nc\n", "Makefile": "x\n"}
    top = make_git_tree(tmp_path / "tree", files, "base\n")
    (top / "f.c").write_text(AFTER)
    (top / "gone.c").write_text("a\nc\n")
    (top / "Makefile").write_text("y\n")
    run_git(top, "commit", "-qam", "change")
    places = find_places(open_tree(top), "HEAD~1", "HEAD")
    assert places == {"f.c": {4, 5}, "gone.c": {1, 2}}


def test_a_line_counts_where_one_scenario_came_to_it() -> None:
    places = {"f.c": frozenset({4, 5, 8, 90}), "g.c": frozenset({1})}
    rows = [
        row_of(function("f.c", "3-4", "5-8"), function("h.c", "1", "4-5")),
        row_of(function("f.c", "3,5", "4,6-8"), function("<sim>/g.c", "1", ""))
        | {"failure": {"kind": "BUG", "text": ""}},
        make_row(),
    ]
    reach = find_reach(rows, places)
    # 90 has no code in any program, and g.c is the simulator's own. 5 is come to by what fails.
    assert reach == Reach(code=3, came=2, idle=("f.c:8",), passed=1)
    assert say_reach(reach) == "2 of 3 changed lines ran"
    assert find_reach([], places) == Reach()


@pytest.mark.parametrize(
    ("reach", "status", "words"),
    [
        (Reach(2, 0, ("f.c:4-5",)), Status.SKIPPED, "no scenario comes to a line that is changed"),
        (Reach(2, 1, ("f.c:5",)), Status.SKIPPED, "what comes to changed lines fails on the base"),
        (Reach(2, 1, ("f.c:5",), 1), Status.PASS, "; 1 of 2 changed lines ran, not f.c:5"),
        (Reach(2, 2, (), 1), Status.PASS, ": race/one"),
        (Reach(), Status.PASS, ": race/one"),
    ],
)
def test_a_pass_needs_a_changed_line_that_ran(reach: Reach, status: Status, words: str) -> None:
    pair = Pair(make_row(), make_row(), ("f",), reach=reach)
    said = judge_pairs([pair])
    assert said[0] is status
    assert said[1].startswith(words) if status is Status.SKIPPED else said[1].endswith(words)
