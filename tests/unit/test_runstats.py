"""The figures of crash runs, counted by hand."""

from __future__ import annotations

import pytest

from patchbot.qemu.runstats import Figures, Run, summarize_runs

CLEAN, FAILED = Run(0, False), Run(0, True)


def _runs(text: str) -> list[Run]:
    """A run for each letter: "." clean, a digit for blocks changed, "x" one that fails as well."""
    words = {".": CLEAN, "x": Run(1, True)}
    return [words.get(letter) or Run(int(letter), False) for letter in text]


def test_runs_between_changes_are_counted_from_one_to_the_next() -> None:
    # changed: the 3rd, 4th, 8th and 9th run, so 3, 1, 4 and 1 apart
    found = summarize_runs(_runs("..12...x1."))
    assert found == Figures(
        runs=10, changed=4, failures=1, most_changes=2, average_between=9 / 4, minimum_between=1,
        maximum_between=4, median_between=2.0,
    )  # fmt: skip
    assert str(found) == (
        "10 runs, 4 with a checksum change (runs between changes: average 2.2, minimum 1, maximum "
        "4, median 2; at most 2 blocks in one run), 1 recovery failures"
    )


def test_without_changes_there_is_nothing_between_them() -> None:
    found = summarize_runs([CLEAN, FAILED])
    assert (found.runs, found.changed, found.failures) == (2, 0, 1)
    assert found.median_between is None
    assert str(found) == "2 runs, 0 with a checksum change, 1 recovery failures"
    assert summarize_runs([]).runs == 0


def test_a_night_of_reboots_gives_the_average_that_was_told_of_it() -> None:
    """1187 runs of which 56 changed are about 20 apart, wherever they lie."""
    runs = [Run(1 if number % 21 == 20 else 0, False) for number in range(1187)]
    found = summarize_runs(iter(runs))
    assert found.changed == 56
    assert found.average_between == pytest.approx(20, abs=1.5)
