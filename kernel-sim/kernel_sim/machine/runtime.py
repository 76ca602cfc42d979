"""The state of an execution in the Python engine: threads, switch points, and what was touched.

What C would call a system call is in `intrinsics`; here is what every access goes through.
A thread runs in a greenlet. Where it is about to make a visible access it asks the guide itself,
and goes on without a switch if it is picked again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from greenlet import getcurrent, greenlet

from kernel_sim.explore.model import CUT, START, Access, Guide, Point, Range
from kernel_sim.machine.memory import REGION_BITS, Memory
from kernel_sim.machine.stop import Cut, Failed, Stop

MASK64: Final = (1 << 64) - 1
MAX_DEPTH: Final = 1000
"""More calls than this open on one thread are a failure of kind "stack overflow"."""

MAX_SIZE: Final = 1 << REGION_BITS
"""No object has more bytes: a larger access is wild, and is not taken apart into locations."""

Site: TypeAlias = tuple[str, str, int]
"""Where a step stands: function, path, line."""
Traced: TypeAlias = tuple[int, str, str, int, str, int, int, int]
"""An access: thread, function, path, line, kind, address, size in bytes, value (unsigned).

An engine that is asked for calls has three more kinds: "call" where a function begins, whose value
is its depth (1: the thread's first), "source" for what the copy or comparison after it reads, and
"preempt" (no place) where the thread could have gone on and the schedule let another one, whose
number is the value.
"""
TOLD_OF_CALLS: Final = frozenset({"call", "source", "preempt"})


@dataclass(slots=True, eq=False)
class Thread:
    """A thread: its greenlet, its next visible access, and what it has touched unseen.

    `holds` tells whether the pending acquire or wait can go on. `count` are the accesses and
    choices made. `log` has what the visible ones read and `history` does not have yet: 0 for an
    access that only writes, bytes for one that reads a range (without them, what a copy brought
    into memory of the thread's own would be forgotten).
    """

    number: int
    name: str = "main"
    daemon: bool = False
    fiber: greenlet | None = None
    pending: Access | None = None
    holds: Callable[[], bool] | None = None
    site: int = 0
    count: int = 0
    reads: set[int] = field(default_factory=set)
    writes: set[int] = field(default_factory=set)
    log: list[int | bytes] = field(default_factory=list)
    history: int = 0


class Runtime:
    """Everything that one execution changes; `begin` brings it back to the start."""

    def __init__(self, memory: Memory, steps: int) -> None:
        self.memory = memory
        self.limit = steps
        self.left = [steps]
        self.trace: list[Traced] | None = None
        self.tells_calls = False
        self.sites: list[Site] = []
        self.stops: frozenset[tuple[int, int]] = frozenset()

    def begin(self, guide: Guide, shared: frozenset[int]) -> None:
        """Start an execution: thread 0 alone, nothing touched."""
        self.memory.reset()
        self.left[0] = self.limit
        self.guide = guide
        self.shared = shared
        self.order = sorted(shared)
        self.thread = Thread(0)
        self.threads = [self.thread]
        self.last = self.thread
        self.concurrent = False
        self.in_setup = True
        self.visible = 0
        self.following: Thread | None = None
        self.stopped: Stop | None = None
        self.hub = getcurrent()

    # ------------------------------------------------------------ accesses

    def access(
        self,
        ranges: tuple[Range, ...],
        site: int,
        holds: Callable[[], bool] | None = None,
        check: bool = True,
    ) -> bool:
        """Be about to make one access: switch if it is visible, then record and check it.

        `holds` makes it an acquire or a wait, which goes on only when that is true. Returns whether
        the access was visible; its value is then to be put into the thread's log.
        """
        thread = self.thread
        thread.site = site
        for part in ranges:
            if part.size > MAX_SIZE:
                self.memory.refuse(part.address, part.size, part.write, site)
        visible = self.concurrent and self._is_visible(thread, ranges)
        if visible or (holds is not None and not holds()):
            self._switch(thread, Access(ranges, holds is not None), holds)
        if self.concurrent:
            self.touch(thread, ranges)
        thread.count += 1
        if check:
            for part in ranges:
                self.memory.check(part.address, part.size, part.write, site)
        return visible

    def _is_visible(self, thread: Thread, ranges: tuple[Range, ...]) -> bool:
        if self.stops and (thread.number, thread.count) in self.stops:
            return True
        for part in ranges:
            start, end = part.address >> 3, (part.address + part.size - 1 >> 3) + 1
            if end - start > 8:
                if any(start <= location < end for location in self.order):
                    return True
            elif any(location in self.shared for location in range(start, end)):
                return True
        return False

    def touch(self, thread: Thread, ranges: tuple[Range, ...]) -> None:
        """Record which locations a thread touches."""
        for part in ranges:
            start, end = part.address >> 3, (part.address + part.size - 1 >> 3) + 1
            (thread.writes if part.write else thread.reads).update(range(start, end))

    def note(self, site: int, kind: str, address: int, size: int, value: int) -> None:
        """Add a line to the trace, if one is wanted."""
        if self.trace is not None:
            function, path, line = self.sites[site]
            number = self.thread.number
            self.trace.append((number, function, path, line, kind, address, size, value))

    # ------------------------------------------------------------ switching

    def _switch(self, thread: Thread, access: Access, holds: Callable[[], bool] | None) -> None:
        if not self.concurrent:
            where = "setup" if self.in_setup else "check"
            raise Failed("deadlock", f"{where} waits for what nobody else can do", thread.site)
        thread.pending = access
        thread.holds = holds
        following = self.pick()
        if following is None:
            self.hub.switch()
        elif following is not thread:
            fiber = following.fiber
            assert fiber is not None, "only threads with a fiber are picked"
            fiber.switch()
        self.thread = thread
        thread.pending = None
        thread.holds = None

    def pick(self) -> Thread | None:
        """Return the thread that goes on; None where the concurrent part has ended well.

        Raises Failed for a deadlock and Cut where the guide says so.
        """
        last = self.last
        enabled = [
            thread
            for thread in self.threads
            if thread.pending is not None and (thread.holds is None or thread.holds())
        ]
        if not enabled:
            self._at_rest()
            return None
        if last in enabled and enabled[0] is not last:
            enabled.remove(last)
            enabled.insert(0, last)
        number = self.guide.pick(self._point(last, enabled))
        if number == CUT:
            raise Cut
        self.last = self.threads[number]
        self.visible += 1
        return self.last

    def _point(self, last: Thread, enabled: list[Thread]) -> Point:
        return Point(
            last.number,
            last.count if last.number else 0,
            tuple(thread.number for thread in enabled),
            self.pending(),
            self.state,
        )

    def pending(self) -> tuple[Access | None, ...]:
        """Return the next access of each thread."""
        return tuple([thread.pending for thread in self.threads])

    def _at_rest(self) -> None:
        waiting = [thread for thread in self.threads if thread.pending is not None]
        stuck = [thread for thread in waiting if not thread.daemon]
        if not stuck:
            return
        texts = []
        for thread in waiting:
            _, path, line = self.sites[thread.site]
            texts.append(f"{thread.name} ({thread.number}) waits at {path}:{line}")
        self.thread = stuck[0]
        raise Failed("deadlock", "; ".join(texts), stuck[0].site)

    # ------------------------------------------------------------ threads

    def create(self, name: str, body: Callable[[], object], daemon: bool) -> Thread:
        """Add a thread that will run `body`; it waits at its start."""
        thread = Thread(len(self.threads), name, daemon, pending=START)
        thread.fiber = greenlet(lambda: self._live(thread, body), self.hub)
        self.threads.append(thread)
        return thread

    def _live(self, thread: Thread, body: Callable[[], object]) -> None:
        """Run a thread from its start to its end, and say who follows."""
        self.thread = thread
        thread.pending = None
        try:
            body()
            self.following = self.pick()
        except Stop as stop:
            self.stopped = stop

    def run_threads(self) -> None:
        """Run the concurrent part; raises Stop where it does not end well."""
        self.in_setup = False
        self.concurrent = True
        self.following = self.pick()
        while self.following is not None:
            fiber = self.following.fiber
            assert fiber is not None, "only threads with a fiber are picked"
            self.following = None
            fiber.switch()
            if self.stopped is not None:
                raise self.stopped
        self.concurrent = False
        self.thread = self.threads[0]

    def kill(self) -> None:
        """End the fibers that have not come to their end."""
        for thread in self.threads:
            if thread.fiber:
                thread.fiber.throw()

    # ------------------------------------------------------------ what an execution gives

    def newly_shared(self) -> frozenset[int]:
        """Return the locations outside the set that two threads touched, one of them writing.

        What a thread was about to touch when the execution ended counts.
        """
        for thread in self.threads:
            if thread.pending is not None:
                self.touch(thread, thread.pending.ranges)
        found: set[int] = set()
        threads = self.threads[1:]
        for place, one in enumerate(threads):
            for other in threads[place + 1 :]:
                found |= one.writes & other.writes
                found |= one.writes & other.reads
                found |= one.reads & other.writes
        return frozenset(found - self.shared)

    def state(self) -> bytes:
        """Return what makes up a state: who ran last, all histories, what shared locations hold.

        What stands elsewhere follows from that: it depends on its thread's history alone.
        """
        parts = [self.last.number.to_bytes(1, "little")]
        for thread in self.threads:
            for seen in thread.log:
                for value in words(seen):
                    thread.history = mix(thread.history, value)
            thread.log.clear()
            parts.append(thread.history.to_bytes(8, "little"))
        parts += map(self.memory.peek, self.order)
        return b"".join(parts)


def mix(history: int, value: int) -> int:
    """Return the 64-bit hash of a history that goes on with a 64-bit value."""
    history = ((history ^ value) + 0x9E3779B97F4A7C15) & MASK64
    history = ((history ^ history >> 30) * 0xBF58476D1CE4E5B9) & MASK64
    history = ((history ^ history >> 27) * 0x94D049BB133111EB) & MASK64
    return history ^ history >> 31


def words(seen: int | bytes) -> list[int]:
    """Return what was read as 64-bit words: one for a number, as many as needed for bytes."""
    if isinstance(seen, int):
        return [seen]
    return [int.from_bytes(seen[n : n + 8], "little") for n in range(0, len(seen), 8)]
