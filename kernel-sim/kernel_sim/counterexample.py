"""A failing execution for people: one column for each thread, shortened to what matters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from kernel_sim.ledger import plain_name
from kernel_sim.machine.runtime import Traced

READS: Final = frozenset({"read", "wait", "compare", "source", "crc32c", "choose"})
"""Kinds of accesses that do not write."""

_TOLD: Final = frozenset({"acquire", "wait", "copy", "crc32c", "choose", "free"})
_BEFORE, _AFTER, _LAST, _SMALL = 4, 8, 6, 2
_INDENT: Final = 16


@dataclass(frozen=True, slots=True)
class Step:
    """What one thread did on one line; `switch` where another thread ran just before.

    `kind` is that of the access, "enter" where the thread was not in this function before, or
    begins with "note: ". `skipped` is how many steps were left out before this one; `text` is the
    line of the source, where it is known.
    """

    thread: int
    path: str
    line: int
    function: str
    kind: str
    value: int
    switch: bool = False
    skipped: int = 0
    text: str = ""


def find_steps(trace: Sequence[Traced]) -> list[Step]:
    """Return what is worth telling of an execution, setup left out.

    That is: accesses to locations (8 bytes) that two threads touched, one of them writing; locks,
    waits, copies, checksums, choices and notes; and where a thread comes to another function.
    """
    begin = next((n for n, row in enumerate(trace) if row[0]), 0)
    shared = _shared(trace[begin:])
    steps: list[Step] = []
    inside: dict[int, str] = {}
    for thread, function, path, line, kind, address, size, value in trace[begin:]:
        name = plain_name(function)
        if inside.get(thread) != function:
            _add(steps, Step(thread, path, line, name, "enter", 0))
        inside[thread] = function
        told = kind in _TOLD or kind.startswith("note: ")
        if told or not shared.isdisjoint(_locations(address, size)):
            _add(steps, Step(thread, path, line, name, kind, value))
    return steps


def _add(steps: list[Step], step: Step) -> None:
    """Append a step, or put it in the place of another access on the same line."""
    last = steps[-1] if steps else None
    if last is not None and _same_line(last, step):
        steps[-1] = replace(step, switch=last.switch)
    else:
        switch = last is not None and last.thread != step.thread
        steps.append(replace(step, switch=switch))


def _same_line(one: Step, other: Step) -> bool:
    same = (one.thread, one.path, one.line) == (other.thread, other.path, other.line)
    return same and one.kind != "enter" and other.kind != "enter" and "note: " not in other.kind


def _locations(address: int, size: int) -> range:
    return range(address >> 3, (address + size - 1 >> 3) + 1) if size else range(0)


def _shared(trace: Sequence[Traced]) -> set[int]:
    touched: dict[int, int] = {}
    written: set[int] = set()
    shared: set[int] = set()
    for thread, _, _, _, kind, address, size, _ in trace:
        for location in _locations(address, size) if thread else ():
            other = touched.setdefault(location, thread)
            if other != thread:
                shared.add(location)
            if kind not in READS:
                written.add(location)
    return shared & written


def shorten(steps: Sequence[Step]) -> list[Step]:
    """Keep the steps around switches and the last ones; what follows a gap says how large it is.

    Gaps of one or two steps are filled: the note would be as long.
    """
    kept = set(range(max(0, len(steps) - _LAST), len(steps)))
    for at, step in enumerate(steps):
        if step.switch:
            kept.update(range(max(0, at - _BEFORE), min(len(steps), at + _AFTER)))
    found: list[Step] = []
    before = -1
    for at in sorted(kept):
        small = at - before - 1 <= _SMALL
        found += steps[before + 1 : at + 1] if small else _after_gap(steps[at], at - before - 1)
        before = at
    return found


def _after_gap(step: Step, skipped: int) -> list[Step]:
    return [replace(step, skipped=skipped)]


def add_texts(steps: Sequence[Step], text_of: Callable[[str, int], str]) -> list[Step]:
    """Return the steps with the text of their lines; `text_of` returns it by path and line."""
    return [replace(step, text=" ".join(text_of(step.path, step.line).split())) for step in steps]


def render_steps(steps: Sequence[Step], names: Mapping[int, str], width: int = 100) -> list[str]:
    """Return lines with a column for each thread: what one does stands below its name.

    Lines are cut off at `width` characters.
    """
    numbers = sorted({step.thread for step in steps})
    columns = {number: place * _INDENT for place, number in enumerate(numbers)}
    head = "".join(f"{names.get(number, str(number)):<{_INDENT}}" for number in numbers)
    lines = [head.rstrip()]
    for step in steps:
        indent = " " * columns[step.thread]
        if step.skipped:
            lines.append(f"{indent}... {step.skipped} steps more")
        lines.append(f"{indent}{step.path}:{step.line} {_words(step)}")
    return [_cut(line, width) for line in lines]


def _words(step: Step) -> str:
    if step.kind == "enter":
        return f"{step.function}()"
    if step.kind.startswith("note: "):
        return step.kind
    return step.text or f"{step.kind} {step.value:#x}"


def _cut(line: str, width: int) -> str:
    return line if len(line) <= width else line[: width - 3] + "..."
