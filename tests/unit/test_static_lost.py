"""What can't be understood is followed: since when, by whose doing, and what it hides."""

from __future__ import annotations

import pytest
from patchbot_checks import Finding, NotUnderstood, Severity

from patchbot.static.changes import FileChange
from patchbot.static.lost import LostStep, follow_lost
from patchbot.static.relative import Step, track_findings

PATH = "fs/walnut.c"
Hunk = tuple[int, int, int, int]


def lost(line: int = 10, name: str = "f", file: str = PATH) -> NotUnderstood:
    return NotUnderstood(file, line, name, "lost")


def changed(*hunks: Hunk, path: str = PATH, before: str | None = PATH) -> dict[str, FileChange]:
    return {path: FileChange(path, before, list(hunks))}


def step(
    number: int, *what: NotUnderstood, changes: dict[str, FileChange] | None = None
) -> LostStep:
    spans = {(each.file, each.function): [(10, 20)] for each in what if each.function}
    return LostStep(number, changes or {}, what, spans)


def spells(*steps: LostStep) -> list[tuple[str, int, int | None]]:
    return [(each.what.function, each.touched, each.until) for each in follow_lost(steps)]


def test_what_nobody_touched_is_the_bases() -> None:
    elsewhere = changed((30, 1, 30, 1))
    assert spells(step(0, lost()), step(1, lost(), changes=elsewhere)) == [("f", 0, None)]


@pytest.mark.parametrize(
    ("hunk", "touched"),
    [
        ((10, 1, 10, 1), 1),  # its first line
        ((15, 0, 16, 2), 1),  # lines added inside
        ((20, 1, 20, 1), 1),  # its last line
        ((15, 3, 14, 0), 1),  # lines gone inside
        ((9, 1, 9, 1), 0),  # the line above
        ((21, 1, 21, 1), 0),  # the line below
        ((8, 2, 9, 0), 0),  # lines gone above
        ((21, 2, 20, 0), 0),  # lines gone below
    ],
)
def test_a_change_inside_counts(hunk: Hunk, touched: int) -> None:
    assert spells(step(0, lost()), step(1, lost(), changes=changed(hunk))) == [("f", touched, None)]


def test_an_early_change_is_not_forgotten() -> None:
    steps = [
        step(0, lost()),
        step(1, lost(), changes=changed((12, 1, 12, 1))),
        step(2, lost(), changes=changed((40, 1, 40, 1))),
    ]
    assert spells(*steps) == [("f", 1, None)]


def test_what_a_commit_makes_so_and_a_later_one_repairs() -> None:
    assert spells(step(0), step(1), step(2, lost()), step(3), step(4, lost())) == [
        ("f", 2, 3), ("f", 4, None),
    ]  # fmt: skip


def test_a_renamed_file_is_the_same() -> None:
    renamed = changed(path="fs/pecan.c")
    assert spells(step(0, lost()), step(1, lost(file="fs/pecan.c"), changes=renamed)) == [
        ("f", 0, None)
    ]


def test_any_change_of_a_lost_file_counts() -> None:
    whole = lost(1, "")
    assert spells(step(0, whole), step(1, whole, changes=changed((99, 1, 99, 1)))) == [
        ("", 1, None)
    ]


def found(line: int, file: str = PATH, rule: str = "walnut") -> Finding:
    return Finding(rule, Severity.ERROR, file, line, "f", "bad", (), "", f"{rule}|{file}|f")


def ends(*steps: Step) -> list[tuple[int, int | None, int, bool]]:
    return [(t.brought, t.removed, t.finding.line, t.hidden) for t in track_findings(steps)]


GONE = frozenset({(PATH, "f")})


def test_a_finding_that_is_out_of_sight_is_not_fixed() -> None:
    down = changed((1, 0, 2, 5))
    assert ends(Step(0, {}, [found(10)]), Step(1, down, [], GONE)) == [(0, None, 15, True)]
    whole = frozenset({(PATH, "")})
    assert ends(Step(0, {}, [found(10)]), Step(1, {}, [], whole)) == [(0, None, 10, True)]


def test_in_sight_again_it_is_the_same() -> None:
    steps = [Step(0, {}, [found(10)]), Step(1, {}, [], GONE), Step(2, {}, [], GONE)]
    assert ends(*steps, Step(3, {}, [found(10)])) == [(0, None, 10, False)]
    assert ends(*steps, Step(3, {}, [])) == [(0, 3, 10, False)]


def test_a_renamed_file_out_of_sight() -> None:
    steps = [
        Step(0, {}, [found(10)]),
        Step(1, changed(path="fs/pecan.c"), [], frozenset({("fs/pecan.c", "f")})),
        Step(2, {}, [found(10, "fs/pecan.c")]),
    ]
    assert ends(*steps) == [(0, None, 10, False)]


def test_another_rule_sees_a_function_that_was_lost_before_and_after() -> None:
    """The one rule that lost it says nothing of what another one found in it, and finds no more."""
    steps = [Step(0, {}, [found(10)], GONE), Step(1, {}, [], GONE)]
    assert ends(*steps) == [(0, 1, 10, False)]


def test_a_deleted_file_hides_nothing() -> None:
    assert ends(Step(0, {}, [found(10)], GONE), Step(1, changed(), [])) == [(0, 1, 10, False)]
