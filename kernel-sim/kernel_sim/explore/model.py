"""What the search and an engine say to one another, and what an exploration gives.

An engine runs one execution at a time (`Engine.run`). Wherever a thread has to be picked or a
choice has a value, it asks the `Guide` that it was given; all knowledge of what was tried before
is the guide's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple, Protocol, TypeAlias

CUT: Final = -1
"""What a guide answers instead of a thread: do not go on with this execution."""
DEFAULT_STEPS: Final = 2_000_000
Ran: TypeAlias = Mapping[str, frozenset[int]]
"""The lines of each function, by its name in the program, that some execution came to.

A line counts when a run of steps that has one of it was begun. Functions that were never called are
not there; that a line is one of the function's own first.
"""


class Mode(Enum):
    """How much of the search is left out; see decision 0008."""

    NONE = "none"
    SLEEP = "sleep"
    DPOR = "dpor"
    STATES = "states"


class Range(NamedTuple):
    """Bytes that an access touches: address, size in bytes, and whether it writes them."""

    address: int
    size: int
    write: bool


class Access(NamedTuple):
    """A visible access that a thread is about to make; `blocking` for an acquire or a wait."""

    ranges: tuple[Range, ...] = ()
    blocking: bool = False


START: Final = Access()
"""The pending access of a thread that has not run yet: it conflicts with nothing."""


def conflict(one: Access, other: Access) -> bool:
    """Tell whether two accesses overlap in bytes that one of them writes."""
    for a in one.ranges:
        for b in other.ranges:
            if (
                (a.write or b.write)
                and a.address < b.address + b.size
                and b.address < a.address + a.size
            ):
                return True
    return False


class Point(NamedTuple):
    """Where the next thread is picked; made before each transition.

    `last` ran last and has made `position` accesses and choices since it was created (0 and 0
    right after setup). `candidates` are the enabled threads, `last` first if it is one of them, the
    others by number; never empty. `pending` has the next access of each thread by number, None
    where it has ended or never was. `state` computes what the mode `states` compares.
    """

    last: int
    position: int
    candidates: tuple[int, ...]
    pending: tuple[Access | None, ...]
    state: Callable[[], bytes]


class Guide(Protocol):
    """Decides where an execution leaves something open."""

    def pick(self, point: Point) -> int:
        """Return the candidate that goes on, or CUT."""

    def choose(self, thread: int, position: int, values: int) -> int:
        """Return 0..values-1, which `sim_choose` of a thread gives after `position` accesses."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong: kind and text, the thread, and the place in the source ("" and 0: none)."""

    kind: str
    text: str
    thread: int
    path: str
    line: int


class End(Enum):
    """How an execution ended."""

    DONE = "done"
    FAILURE = "failure"
    INCONCLUSIVE = "inconclusive"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution: how it ended and what it did.

    `steps` and `visible` are counts. `shared` has the locations (address / 8) outside the given set
    that two threads touched, one writing. `pending` has the next access of each thread at the end.
    """

    end: End
    failure: Failure | None = None
    reason: str = ""
    steps: int = 0
    visible: int = 0
    shared: frozenset[int] = frozenset()
    pending: tuple[Access | None, ...] = ()


class Engine(Protocol):
    """Runs executions; the same answers of the guide give the same execution."""

    def run(self, guide: Guide, shared: frozenset[int]) -> Execution:
        """Run one execution whose visible accesses are those to the locations in `shared`."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many preemptions (0..highest in turn, or None: any number at once), and when to stop.

    `executions` counts those of all rounds, `seconds` is time on the clock.
    """

    highest: int | None = 2
    executions: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Covered:
    """What the searches under one bound did (the last round only), as counts.

    `pruned` are the executions that a reduction cut short, and are among `executions`. `steps` and
    `visible` (accesses and thread starts) count what was run, replayed prefixes too. `complete`:
    everything under the bound was run; `refused`: something was left out for the bound alone.
    """

    bound: int | None
    executions: int = 0
    pruned: int = 0
    steps: int = 0
    visible: int = 0
    complete: bool = False
    refused: bool = False


class Result(Enum):
    """What an exploration says."""

    FAILURE = "failure"
    NO_FAILURE = "no failure"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result, the first failure with its schedule, the reasons of an inconclusive one, counts.

    `covered` has an entry for each bound; `rounds`, `shared` (locations) and `executions` (of all
    rounds) count. `complete` is False where a limit ended the search: then "no failure" means no
    failure in so many executions, and nothing more. `exhaustive`: no bound left anything out.
    """

    result: Result
    failure: Failure | None
    schedule: str | None
    reasons: tuple[str, ...]
    covered: tuple[Covered, ...]
    rounds: int
    shared: int
    executions: int
    complete: bool

    @property
    def exhaustive(self) -> bool:
        """Tell whether every schedule was covered, whatever its preemptions."""
        return self.complete and bool(self.covered) and not self.covered[-1].refused
