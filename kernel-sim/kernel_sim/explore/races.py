"""Which races an execution has, and where the search has to go back for them (mode dpor).

An *event* is a transition that was run; `count` numbers those of a thread from 1. An event happens
before a later one if they are of one thread or conflict, and so on along chains. `clock[t]` of an
event is the number of events of thread t that happen before it or are it.

An event e and a later access p of another thread T *race* if they conflict and no other event
stands between them in that order. Where p is an acquire or a wait, e may only have let p through:
to put p before e may be impossible, while putting it before an earlier conflicting event is not.
So for such p every conflicting event races that does not happen before T's own previous event.

Without a bound, the threads that can come first on the way to "p before e" are its *initials*; if
none of them is to be tried at e's point, one is added (source sets; Abdulla, Aronis, Jonsson,
Sagonas, 2014). With a bound, all conflicting events race, T itself is added, and the same at the
point where e's thread was last switched to, where a switch costs no preemption more (Coons,
Musuvathi, McKinley, 2013). Where T is not enabled at a point, all its candidates are added.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernel_sim.explore.model import Access, conflict

if TYPE_CHECKING:
    from kernel_sim.explore.tree import Node


def add_points(
    events: list[Node], first: int, pending: tuple[Access | None, ...], bounded: bool
) -> None:
    """Find the races of events[first:] and of the pending accesses; widen `backtrack` of nodes."""
    for number in range(first, len(events)):
        node = events[number]
        node.count, base = _previous(events, number, node.chosen)
        node.clock = _joined(events, number, node.access(), base)
        node.clock[node.chosen] = node.count
        _widen(events, number, node.chosen, node.access(), base, bounded)
    for thread, access in enumerate(pending):
        if access is not None:
            base = _previous(events, len(events), thread)[1]
            _widen(events, len(events), thread, access, base, bounded)


def _previous(events: list[Node], end: int, thread: int) -> tuple[int, list[int]]:
    """Return the count that the thread's event at `end` has, and the clock of the one before."""
    for number in range(end - 1, -1, -1):
        if events[number].chosen == thread:
            return events[number].count + 1, events[number].clock
    return 1, [0] * _threads(events)


def _threads(events: list[Node]) -> int:
    return len(events[0].pending) if events else 0


def _joined(events: list[Node], end: int, access: Access, base: list[int]) -> list[int]:
    """Return the clock of an access made after events[:end] by a thread whose clock was `base`."""
    clock = list(base)
    for number in range(end - 1, -1, -1):
        event = events[number]
        if clock[event.chosen] < event.count and conflict(event.access(), access):
            clock = list(map(max, clock, event.clock))
    return clock


def _widen(
    events: list[Node], end: int, thread: int, access: Access, base: list[int], bounded: bool
) -> None:
    """Go through the races of an access of `thread` that is (or would be) events[end]."""
    clock = list(base)
    for number in range(end - 1, -1, -1):
        event = events[number]
        if event.chosen == thread or clock[event.chosen] >= event.count:
            continue
        if not conflict(event.access(), access):
            continue
        if bounded:
            _add_bounded(events, number, thread)
        else:
            _add_source(events, number, end, thread, access, base)
        if not bounded and not access.blocking:
            clock = list(map(max, clock, event.clock))


def _add_bounded(events: list[Node], number: int, thread: int) -> None:
    _add_thread(events[number], thread)
    while number > 0 and events[number - 1].chosen == events[number].chosen:
        number -= 1
    _add_thread(events[number], thread)


def _add_thread(node: Node, thread: int) -> None:
    if thread in node.candidates:
        node.backtrack |= 1 << thread
    else:
        _add_all(node)


def _add_all(node: Node) -> None:
    for thread in node.candidates:
        node.backtrack |= 1 << thread


def _add_source(
    events: list[Node], number: int, end: int, thread: int, access: Access, base: list[int]
) -> None:
    node = events[number]
    initials = _initials(events, number, end, thread, _joined(events, end, access, base))
    if initials & (node.backtrack | node.sleep | node.done):
        return
    for candidate in node.candidates:
        if initials >> candidate & 1:
            node.backtrack |= 1 << candidate
            return
    _add_all(node)


def _initials(events: list[Node], number: int, end: int, thread: int, clock: list[int]) -> int:
    """Return the threads that may come first among what is not after events[number].

    That is the events between it and `end` that do not happen after it, and then the access itself,
    of `thread` and with `clock` (what happens before it).
    """
    event = events[number]
    others = [
        other for other in events[number + 1 : end] if other.clock[event.chosen] < event.count
    ]
    found = seen = 0
    for place, other in enumerate(others):
        if not seen >> other.chosen & 1 and _is_first(others[:place], other.clock):
            found |= 1 << other.chosen
        seen |= 1 << other.chosen
    if not seen >> thread & 1 and _is_first(others, clock):
        found |= 1 << thread
    return found


def _is_first(earlier: list[Node], clock: list[int]) -> bool:
    return all(clock[event.chosen] < event.count for event in earlier)
