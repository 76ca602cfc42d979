"""The table of seeded faults by scenarios: what a cell says, and what is not as meant. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from patchbot.model import Change
from patchbot.qemu.boot import Outcome
from patchbot.qemu.compare import Pair
from tests.support.kernel_faults import KernelFault

_WORDS = {Change.INTRODUCED: "caught", Change.FIXED: "fixed"}


@dataclass(frozen=True, slots=True)
class Column:
    """A seeded fault's answers, relative to the stock kernel's; `seconds` of wall time in all."""

    fault: KernelFault
    pairs: Sequence[Pair]
    seconds: float


def word_of(pair: Pair) -> str:
    """Say what one scenario makes of one fault.

    "caught" fails, and not on stock; "as stock" fails on both; "seldom" fails more often than on
    stock, and too seldom to be no accident; "fixed" fails on stock only.
    """
    if pair.after.error or pair.base is None or pair.base.error:
        return "no answer"
    if not pair.after.answered or pair.change is None:
        return "skipped"
    if pair.change in _WORDS:
        return _WORDS[pair.change]
    if pair.is_doubtful:
        return "seldom"
    return "as stock" if pair.after.failed else "good"


def word_of_stock(outcome: Outcome) -> str:
    """Say what a scenario makes of the stock kernel."""
    if outcome.error:
        return "no answer"
    return "fails" if outcome.failed else "good" if outcome.good else "skipped"


def is_of(scenario: str, asked: str) -> bool:
    """Return whether a scenario is the one asked for, or a variant of it."""
    return scenario == asked or scenario.startswith(f"{asked}/")


def find_surprises(
    stock: Mapping[str, Outcome], columns: Sequence[Column], known: Mapping[str, str]
) -> Iterator[str]:
    """Yield what is not as meant, a line each; `known` are the scenarios that stock may fail."""
    for name, outcome in stock.items():
        word = word_of_stock(outcome)
        if word != "good" and not (word == "fails" and name in known):
            yield f"stock, {name}: {word}: {outcome.failed or outcome.error or outcome.why_skipped}"
    for column in columns:
        yield from _surprises_of(column)


def _surprises_of(column: Column) -> Iterator[str]:
    words = {pair.scenario: word_of(pair) for pair in column.pairs}
    for asked in column.fault.caught_by:
        fitting = {name: word for name, word in words.items() if is_of(name, asked)}
        if fitting and "caught" not in fitting.values():
            yield f"{column.fault.name} is not caught by {asked}, which is meant to: {fitting}"
    for name, word in words.items():
        spared = any(is_of(name, each) for each in column.fault.spares)
        if word in ("no answer", "skipped") or (spared and word != "good"):
            yield f"{column.fault.name}, {name}: {word}"


def render_table(stock: Mapping[str, Outcome], columns: Sequence[Column]) -> str:
    """Return a Markdown table, a line a scenario, and below it which column is which fault.

    Bold is a scenario that is meant to see the fault; "5/6" are the runs that failed, of all.
    """
    heads = ["scenario", "s", "stock", *(str(number) for number, _ in enumerate(columns, 1))]
    rows = [heads, ["---"] * len(heads)]
    rows += [_row(name, outcome, columns) for name, outcome in stock.items()]
    rows.append(["seconds for all", "", "", *(f"{each.seconds:.0f}" for each in columns)])
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    return "\n".join([*lines, "", *_legend(columns)]) + "\n"


def _row(name: str, outcome: Outcome, columns: Sequence[Column]) -> list[str]:
    pairs = [{pair.scenario: pair for pair in column.pairs}.get(name) for column in columns]
    seconds = [outcome.seconds, *(pair.after.seconds for pair in pairs if pair is not None)]
    cells = [_cell(pair, column.fault) for pair, column in zip(pairs, columns, strict=True)]
    mean = f"{sum(seconds) / len(seconds):.0f}"
    return [name, mean, word_of_stock(outcome) + _counts(outcome), *cells]


def _cell(pair: Pair | None, fault: KernelFault) -> str:
    if pair is None:
        return ""
    word = word_of(pair)
    meant = any(is_of(pair.scenario, asked) for asked in fault.caught_by)
    return (f"**{word}**" if meant else word) + _counts(pair.after)


def _counts(outcome: Outcome) -> str:
    return f" {outcome.bad_runs}/{outcome.runs}" if outcome.runs > 1 else ""


def _legend(columns: Sequence[Column]) -> list[str]:
    return [
        f"{number}. {column.fault.name}, to be caught by {', '.join(column.fault.caught_by)}"
        for number, column in enumerate(columns, 1)
    ]
