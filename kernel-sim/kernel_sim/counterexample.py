"""A failing execution for people: one column for each thread, shortened to what matters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from kernel_sim.machine.runtime import Traced

_READS: Final = frozenset({"read", "wait", "compare", "crc32c", "choose"})
_TOLD: Final = frozenset({"acquire", "wait", "copy", "crc32c", "choose", "free"})
_BEFORE, _AFTER, _LAST = 3, 3, 6
_INDENT: Final = 16


@dataclass(frozen=True, slots=True)
class Step:
    """What one thread did on one line; `switch` where another thread ran just before.

    `entered` is true where it was not in this function before; `skipped` is how many steps were
    left out before this one.
    """

    thread: int
    path: str
    line: int
    function: str
    kind: str
    value: int
    entered: bool = False
    switch: bool = False
    skipped: int = 0


def find_steps(trace: Sequence[Traced]) -> list[Step]:
    """Return what is worth telling of an execution, setup left out.

    That is: accesses to locations (8 bytes) that two threads touched, one of them writing; locks,
    waits, copies, checksums, choices and notes; and the first access in a function.
    """
    begin = next((n for n, row in enumerate(trace) if row[0]), 0)
    shared = _shared(trace[begin:])
    steps: list[Step] = []
    inside: dict[int, str] = {}
    last = None
    for thread, function, path, line, kind, address, size, value in trace[begin:]:
        entered = inside.get(thread) != function
        inside[thread] = function
        told = entered or kind in _TOLD or kind.startswith("note: ")
        if not told and shared.isdisjoint(_locations(address, size)):
            continue
        step = Step(thread, path, line, function, kind, value, entered, thread != last)
        last = thread
        if steps and _same_line(steps[-1], step):
            steps[-1] = replace(steps[-1], kind=kind, value=value)
        else:
            steps.append(step)
    return steps


def _same_line(one: Step, other: Step) -> bool:
    same = (one.thread, one.path, one.line) == (other.thread, other.path, other.line)
    return same and not other.kind.startswith("note: ")


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
            if kind not in _READS:
                written.add(location)
    return shared & written


def shorten(steps: Sequence[Step]) -> list[Step]:
    """Keep the steps around switches and the last ones; what follows a gap says how large it is."""
    kept = set(range(max(0, len(steps) - _LAST), len(steps)))
    for at, step in enumerate(steps):
        if step.switch:
            kept.update(range(max(0, at - _BEFORE), min(len(steps), at + _AFTER)))
    found: list[Step] = []
    before = -1
    for at in sorted(kept):
        found.append(replace(steps[at], skipped=at - before - 1))
        before = at
    return found


def render_steps(
    steps: Sequence[Step],
    names: Mapping[int, str],
    text_of: Callable[[str, int], str],
    width: int = 100,
) -> list[str]:
    """Return lines with a column for each thread: what one does stands below its name.

    `text_of` returns the text of a line of a file, "" where it is not to be had. Lines are cut off
    at `width` characters.
    """
    numbers = sorted({step.thread for step in steps})
    columns = {number: place * _INDENT for place, number in enumerate(numbers)}
    head = "".join(f"{names.get(number, str(number)):<{_INDENT}}" for number in numbers)
    lines = [head.rstrip()]
    for step in steps:
        indent = " " * columns[step.thread]
        if step.skipped:
            lines.append(f"{indent}... {step.skipped} more")
        if step.entered:
            lines.append(f"{indent}{step.function}()")
        lines.append(f"{indent}{step.path}:{step.line} {_text(step, text_of)}")
    return [_cut(line, width) for line in lines]


def _text(step: Step, text_of: Callable[[str, int], str]) -> str:
    if step.kind.startswith("note: "):
        return step.kind
    return " ".join(text_of(step.path, step.line).split()) or f"{step.kind} {step.value:#x}"


def _cut(line: str, width: int) -> str:
    return line if len(line) <= width else line[: width - 3] + "..."
