"""The table of seeded faults by scenarios: every word a cell can say, and what is not as meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from patchbot.qemu.boot import Outcome
from patchbot.qemu.compare import Pair
from patchbot.qemu.console import Case
from tests.support.kernel_faults import KernelFault
from tools.matrix_table import Column, find_surprises, render_table, word_of

GOOD = Outcome((Case(True, "page"),), "", "", b"", 2.0)
BAD = Outcome((Case(False, "page", "lost"),), "page: lost", "", b"", 4.0)
HUNG = Outcome((), "", "no end within 60 s", b"", 60.0)
NOTHING = Outcome((Case(True, "page", "SKIP no device"),), "", "", b"", 1.0)
SAME = KernelFault("same", dict, ("race",), ("boot",))


def often(bad: int, runs: int) -> Outcome:
    return replace(BAD if bad else GOOD, runs=runs, bad_runs=bad)


def column(after: Mapping[str, Outcome], fault: KernelFault = SAME, base: Outcome = GOOD) -> Column:
    pairs = [Pair(name, base, each, ("", "")) for name, each in after.items()]
    return Column(fault, pairs, 61.4)


@pytest.mark.parametrize(
    ("base", "after", "word"),
    [
        (GOOD, BAD, "caught"),
        (GOOD, GOOD, "good"),
        (BAD, BAD, "as stock"),
        (BAD, GOOD, "fixed"),
        (GOOD, HUNG, "no answer"),
        (HUNG, BAD, "no answer"),
        (None, BAD, "no answer"),
        (NOTHING, NOTHING, "skipped"),
        # Of 12 runs 5 fail, all on one side: 6 of the 792 ways, below 2 %. Of 4: 15 of 495, above.
        (often(0, 6), often(5, 6), "caught"),
        (often(0, 6), often(4, 6), "seldom"),
        (often(5, 6), often(0, 6), "fixed"),
        (often(3, 6), often(3, 6), "as stock"),
        (often(0, 6), often(0, 6), "good"),
        (often(5, 6), often(1, 1), "as stock"),
    ],
)
def test_what_a_cell_says(base: Outcome | None, after: Outcome, word: str) -> None:
    assert word_of(Pair("race/alone", base, after, ("", ""))) == word


def test_nothing_is_surprising_where_all_is_as_meant() -> None:
    seen = column({"race/alone": GOOD, "race/kept": BAD, "boot": GOOD, "other": BAD})
    stock = {"boot": GOOD, "race/kept": BAD}
    assert list(find_surprises(stock, [seen], {"race/kept": "known"})) == []


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ({"race/alone": GOOD, "race/kept": GOOD}, "same is not caught by race, which is meant to"),
        ({"race/alone": BAD, "boot": BAD}, "same, boot: caught"),
        ({"race/alone": BAD, "other": HUNG}, "same, other: no answer"),
        ({"race/alone": BAD, "other": NOTHING}, "same, other: skipped"),
        # A name is not that of a variant because it begins alike.
        ({"race/alone": BAD, "boot-again": BAD}, ""),
        # What was not asked for is not missed.
        ({"other": GOOD}, ""),
    ],
)
def test_what_is_not_as_meant_is_told(after: Mapping[str, Outcome], said: str) -> None:
    found = list(find_surprises({}, [column(after)], {}))
    assert [line[: len(said)] for line in found] == ([said] if said else [])


def test_what_fails_too_seldom_to_tell_is_not_caught() -> None:
    seldom = column({"race/alone": often(4, 6)}, base=often(0, 6))
    (line,) = find_surprises({}, [seldom], {})
    assert line == "same is not caught by race, which is meant to: {'race/alone': 'seldom'}"


@pytest.mark.parametrize(("outcome", "said"), [(BAD, "fails: page: lost"), (HUNG, "no answer")])
def test_stock_may_fail_only_what_it_is_known_to_fail(outcome: Outcome, said: str) -> None:
    (line,) = find_surprises({"boot": outcome}, [], {"race": "known"})
    assert line.startswith(f"stock, boot: {said}")


def test_known_to_fail_is_no_excuse_for_no_answer() -> None:
    assert len(list(find_surprises({"boot": HUNG}, [], {"boot": "known"}))) == 1


def test_the_table() -> None:
    other = KernelFault("other", dict, ("boot",))
    columns = [
        Column(SAME, [Pair("race/kept", GOOD, often(5, 6), ("", ""))], 61.4),
        column({"boot": BAD, "race/kept": GOOD}, other),
    ]
    columns[0] = replace(columns[0], pairs=[replace(columns[0].pairs[0], base=often(0, 6))])
    stock = {"boot": GOOD, "race/kept": often(0, 6)}
    # Seconds: boot (2 + 4) / 2; race/kept (2 + 4 + 2) / 3, the fault that lacks boot not counted.
    assert render_table(stock, columns) == (
        "| scenario        | s   | stock    | 1              | 2          |\n"
        "| ---             | --- | ---      | ---            | ---        |\n"
        "| boot            | 3   | good     |                | **caught** |\n"
        "| race/kept       | 3   | good 0/6 | **caught** 5/6 | good       |\n"
        "| seconds for all |     |          | 61             | 61         |\n"
        "\n"
        "1. same, to be caught by race\n"
        "2. other, to be caught by boot\n"
    )
