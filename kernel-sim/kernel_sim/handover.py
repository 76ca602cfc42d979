"""From a schedule to places where a debugger can hold the threads of a booted kernel. Pure.

A thread is preempted between two accesses; a debugger holds it where a function begins. The two are
the same for all that happens if no access between them conflicts with one that the others make
while the thread stands; else the number of those that do is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from kernel_sim import ir
from kernel_sim.cfront.linking import MODEL
from kernel_sim.counterexample import READS
from kernel_sim.ledger import SIMULATED, plain_name
from kernel_sim.machine.runtime import Traced

_MAX_STEPS: Final = 3
_NEAR: Final = 200
_MAX_PLACES: Final = 8


@dataclass(frozen=True, slots=True)
class Place:
    """Where a thread can be held: where it comes to the last of `steps`, after the others.

    Each is a function in C, and every step is the first arrival there after the one before, counted
    from the thread's begin. `conflicts` are the accesses that are made earlier or later than in the
    schedule and matter to the others. `kept` is whether a compiler probably leaves all of `steps`
    functions of their own.
    """

    steps: tuple[str, ...]
    conflicts: int
    kept: bool


@dataclass(frozen=True, slots=True)
class Stand:
    """A preemption: `thread` stands in `function` and `other` goes on; `places` has the best first.

    `resumed` is whether `thread` goes on again before the end.
    """

    thread: int
    other: int
    function: str
    places: tuple[Place, ...]
    resumed: bool


@dataclass(frozen=True, slots=True)
class _Entry:
    """A thread comes to a function that may be the kernel's: `at` is the row of the trace."""

    at: int
    name: str
    depth: int
    kept: bool


def find_stands(trace: Sequence[Traced], program: ir.Program) -> list[Stand]:
    """Return the preemptions of an execution whose trace has calls, in order."""
    kept = _find_kept(program)
    return [
        _stand(trace, at, kept)
        for at, row in enumerate(trace)
        if row[4] == "preempt" and row[0]
    ]  # fmt: skip


def _find_kept(program: ir.Program) -> dict[str, bool]:
    """Return the functions that may be a kernel's own, and whether a compiler leaves them so.

    A static one that is called from one place is mostly put there. Of those that the model stands
    in for it is not known.
    """
    uses = Counter(
        step.function
        for function in program.functions.values()
        for block in function.blocks
        for step in block.steps
        if isinstance(step, ir.Call)
    )
    taken = set(program.addresses)
    return {
        key: not key.startswith(MODEL) and (":" not in key or uses[key] > 1 or key in taken)
        for key, function in program.functions.items()
        if key.startswith(MODEL)
        or (function.path.endswith(".c") and not function.path.startswith(SIMULATED))
    }


def _stand(trace: Sequence[Traced], at: int, kept: Mapping[str, bool]) -> Stand:
    thread, other = trace[at][0], trace[at][7]
    end = next((n for n in range(at + 1, len(trace)) if trace[n][0] == thread), len(trace))
    entries = list(_entries(trace, thread, kept))
    near = _near(trace, at, end, entries)
    # A function that is the compiler's to keep is asked for only where it is nearer in this sense.
    near.sort(key=lambda each: (each[1], not entries[each[0]].kept, abs(entries[each[0]].at - at)))
    inside = next((plain_name(row[1]) for row in reversed(trace[:at]) if row[0] == thread), "")
    places = tuple(islice(_places(entries, near), _MAX_PLACES))
    ranked = sorted(places, key=lambda place: (place.conflicts, not place.kept))
    return Stand(thread, other, inside, tuple(ranked), end < len(trace))


def _places(entries: Sequence[_Entry], near: Sequence[tuple[int, int]]) -> Iterator[Place]:
    chains = _Chains([entry.name for entry in entries])
    for number, conflicts in near:
        chain = chains.find(number, _MAX_STEPS)
        if chain is not None:
            chain = _begin_outside(entries, chain)
            good = all(entries[each].kept for each in chain)
            yield Place(tuple(entries[each].name for each in chain), conflicts, good)


def _entries(trace: Sequence[Traced], thread: int, kept: Mapping[str, bool]) -> Iterator[_Entry]:
    """Yield a thread's arrivals at functions that may be the kernel's.

    What the model calls where it stands in for a function (an interrupt's work, a crash that it
    tries) is done elsewhere or not at all by a booted kernel, and is left out.
    """
    model = None
    for at, row in enumerate(trace):
        if row[0] != thread or row[4] != "call":
            continue
        name, depth = row[1], row[7]
        if model is not None and depth > model:
            continue
        model = depth if name.startswith(MODEL) else None
        if name in kept:
            yield _Entry(at, plain_name(name), depth, kept[name])


# ---------------------------------------------------------------- how far from the schedule


def _touched(rows: Sequence[Traced], thread: int) -> dict[int, bool]:
    """Return the bytes that the other threads touch, and whether one writes them."""
    touched: dict[int, bool] = {}
    for row in rows:
        if row[0] != thread:
            writes = row[4] not in READS
            for byte in range(row[5], row[5] + row[6]):
                touched[byte] = touched.get(byte, False) or writes
    return touched


def _conflicts(row: Traced, touched: Mapping[int, bool]) -> bool:
    own = row[4] not in READS
    found = (touched.get(byte) for byte in range(row[5], row[5] + row[6]))
    return any(writes is not None and (own or writes) for writes in found)


def _near(
    trace: Sequence[Traced], at: int, end: int, entries: Sequence[_Entry]
) -> list[tuple[int, int]]:
    """Return the thread's arrivals around a preemption, and how many conflicts lie between.

    Before it they are those since it ran last, after it those until it stops again.
    """
    thread = trace[at][0]
    foreign = _touched(trace[at:end], thread)
    numbers = {entry.at: number for number, entry in enumerate(entries)}
    found: list[tuple[int, int]] = []
    for rows in (range(at - 1, -1, -1), range(end, len(trace))):
        conflicts = seen = 0
        for n in rows:
            if trace[n][0] != thread or seen == _NEAR:
                break
            if n in numbers:
                seen += 1
                found.append((numbers[n], conflicts))
            conflicts += _conflicts(trace[n], foreign)
    return found


# ---------------------------------------------------------------- which arrival it is


class _Chains:
    """Finds arrivals that name one of a thread's: each the first of its name after the one before.

    `names` are those of all arrivals, in order.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self._before: list[int | None] = []
        last: dict[str, int] = {}
        for number, name in enumerate(names):
            self._before.append(last.get(name))
            last[name] = number
        self._found: dict[tuple[int, int], list[int] | None] = {}

    def find(self, number: int, steps: int) -> list[int] | None:
        """Return the shortest chain to an arrival, None where that takes more steps."""
        key = (number, steps)
        if key not in self._found:
            self._found[key] = self._search(number, steps)
        return self._found[key]

    def _search(self, number: int, steps: int) -> list[int] | None:
        before = self._before[number]
        if before is None:
            return [number]
        for fewer in range(1, steps):
            for n in range(number - 1, max(before, number - 1 - _NEAR), -1):
                chain = self.find(n, fewer)
                if chain is not None:
                    return [*chain, number]
        return None


def _begin_outside(entries: Sequence[_Entry], chain: list[int]) -> list[int]:
    """Put the outermost function in front that the thread is in, if a compiler leaves it.

    A booted kernel's thread may have been at the same function before, for something else.
    """
    last = entries[chain[-1]]
    outer: list[int] = []
    for number, entry in enumerate(entries[: chain[-1]]):
        while outer and entries[outer[-1]].depth >= entry.depth:
            outer.pop()
        outer.append(number)
    inside = [n for n in outer if entries[n].depth < last.depth and entries[n].kept]
    if len(chain) == _MAX_STEPS or not inside or inside[0] >= chain[0]:
        return chain
    names = [entry.name for entry in entries]
    longer = [inside[0], *chain]
    return longer if names.index(names[inside[0]]) == inside[0] else chain
