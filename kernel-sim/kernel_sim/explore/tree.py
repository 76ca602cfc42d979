"""The search tree of one bound: which execution comes next, and what is left out.

The tree is a stack of nodes, one for each point and each choice of the execution that ran last.
To advance, the deepest node that has something left takes it, and all below is dropped. Threads
are numbers, sets of threads are bit masks: a C program can follow this line by line.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kernel_sim.explore import races
from kernel_sim.explore.model import CUT, Access, Mode, Point, conflict
from kernel_sim.explore.schedule import Deviation, render_schedule


class RepeatError(RuntimeError):
    """The engine did not repeat an execution: same answers, another question."""


@dataclass(slots=True)
class Node:
    """A point or a choice on the way of an execution, and what was decided there.

    `thread` and `position` are those of `Point` and of `Guide.choose`. For a choice, `chosen` is
    the value out of `values`. For a point it is a thread; `used` is the number of preemptions
    before it, and the masks say which threads sleep, are to be tried (dpor), and were tried.
    `clock` and `count` belong to the event, the transition that was picked: see `races`.
    """

    thread: int
    position: int
    chosen: int
    values: int = 0
    candidates: tuple[int, ...] = ()
    pending: tuple[Access | None, ...] = ()
    used: int = 0
    sleep: int = 0
    backtrack: int = 0
    done: int = 0
    clock: list[int] = field(default_factory=list)
    count: int = 0

    @property
    def is_choice(self) -> bool:
        """Tell a choice from a point."""
        return self.values > 0

    def cost(self, thread: int) -> int:
        """Return 1 where picking the thread is a preemption, else 0."""
        return int(thread != self.thread and self.candidates[0] == self.thread)

    def access(self) -> Access:
        """Return the access that the picked thread makes."""
        access = self.pending[self.chosen]
        assert access is not None, "an ended thread was picked"
        return access


class Tree:
    """A guide that walks the tree of one bound, depth first."""

    def __init__(self, mode: Mode, bound: int | None) -> None:
        self.mode = mode
        self.bound = bound
        self.sleeping = mode in (Mode.SLEEP, Mode.DPOR) and bound is None
        self.stack: list[Node] = []
        self.refused = False
        self._seen: dict[bytes, int] = {}
        self._depth = 0
        self._used = 0
        self._parent: Node | None = None
        self._growing = False

    # ------------------------------------------------------------ guiding an execution

    def begin(self) -> None:
        """Start an execution: the stack is followed first, then it grows."""
        self._depth = 0
        self._used = 0
        self._parent = None

    def choose(self, thread: int, position: int, values: int) -> int:
        """Return the value that is on the stack, or 0 for a choice that is new."""
        if self._depth == len(self.stack):
            self.stack.append(Node(thread, position, 0, values))
        node = self._follow(thread, position)
        if node.values != values:
            raise RepeatError(f"{thread}@{position}: {values} values, not {node.values}")
        return node.chosen

    def pick(self, point: Point) -> int:
        """Return the thread that is on the stack, or the first that is worth trying, or CUT."""
        if self._depth == len(self.stack) or self._is_between(point):
            node = self._new_node(point)
            if node.chosen == CUT:
                return CUT
            self.stack.insert(self._depth, node)
        node = self._follow(point.last, point.position)
        if node.candidates != point.candidates:
            raise RepeatError(f"{point.last}@{point.position}: other candidates")
        self._used += node.cost(node.chosen)
        self._parent = node
        return node.chosen

    def _is_between(self, point: Point) -> bool:
        """Tell whether a point is new before the next node, since the shared set has grown."""
        node = self.stack[self._depth]
        known = (node.thread, node.position) == (point.last, point.position)
        return self._growing and not known and point.candidates[0] == point.last

    def _follow(self, thread: int, position: int) -> Node:
        node = self.stack[self._depth]
        if (node.thread, node.position) != (thread, position):
            raise RepeatError(f"{thread}@{position} came instead of {node.thread}@{node.position}")
        self._depth += 1
        return node

    def _new_node(self, point: Point) -> Node:
        node = Node(
            point.last,
            point.position,
            CUT,
            candidates=point.candidates,
            pending=point.pending,
            used=self._used,
        )
        if self.mode is Mode.STATES and self._was_seen(point.state()):
            return node
        if self.sleeping and self._parent is not None:
            node.sleep = _inherited(self._parent)
        if self.mode is not Mode.DPOR:
            node.backtrack = mask(node.candidates)
        else:
            node.backtrack = first_of(node.candidates, ~node.sleep)
        node.chosen = self._next(node)
        return node

    def _was_seen(self, state: bytes) -> bool:
        left = 0 if self.bound is None else self.bound - self._used
        if self._seen.get(state, -1) >= left:
            return True
        self._seen[state] = left
        return False

    def _next(self, node: Node) -> int:
        for thread in node.candidates:
            if not (node.backtrack & ~node.done & ~node.sleep) >> thread & 1:
                continue
            if self.bound is not None and node.used + node.cost(thread) > self.bound:
                self.refused = True
                continue
            return thread
        return CUT

    # ------------------------------------------------------------ between executions

    def learn(self, first: int, pending: tuple[Access | None, ...]) -> None:
        """In mode dpor: find the races of the events from stack[first] on, and what they ask for.

        `pending` has the accesses that threads still wait to make, where an execution has ended.
        """
        if self.mode is Mode.DPOR:
            skip = sum(not node.is_choice for node in self.stack[:first])
            events = [node for node in self.stack if not node.is_choice]
            races.add_points(events, skip, pending, self.bound is not None)

    def grow(self, first: int) -> bool:
        """Let the next execution be the last one again, with more shared locations.

        stack[first] is where that one left those before; what came below is forgotten, and the
        points that are new above it get nodes, at which the thread goes on. False where the mode
        has to begin anew. In mode dpor no execution before would have been another one: in none
        of them did two threads touch the locations (what threads wait to do at the end counts),
        so there would have been no race for them, and no other sleeping thread.
        """
        if self.mode is not Mode.DPOR:
            return False
        del self.stack[first + 1 :]
        self._growing = True
        return True

    def advance(self) -> bool:
        """Go to the next execution; False where there is none. The top of the stack is new then."""
        self._growing = False
        while self.stack:
            node = self.stack[-1]
            if node.is_choice:
                node.chosen += 1
                if node.chosen < node.values:
                    return True
            else:
                node.done |= 1 << node.chosen
                node.chosen = self._next(node)
                if node.chosen != CUT:
                    return True
            self.stack.pop()
        return False

    def schedule(self) -> str:
        """Return the execution that ran last as a schedule."""
        return render_schedule(
            Deviation(node.thread, node.position, node.is_choice, node.chosen)
            for node in self.stack
            if node.chosen != (0 if node.is_choice else node.candidates[0])
        )


def mask(threads: tuple[int, ...]) -> int:
    """Return the set of the threads as a bit mask."""
    return sum(1 << thread for thread in threads)


def first_of(threads: tuple[int, ...], allowed: int) -> int:
    """Return the set with the first of the threads that is allowed; empty where none is."""
    for thread in threads:
        if allowed >> thread & 1:
            return 1 << thread
    return 0


def _inherited(parent: Node) -> int:
    """Return which threads still sleep after the parent's transition: those it does not concern."""
    found = 0
    for thread, access in enumerate(parent.pending):
        asleep = (parent.sleep | parent.done) >> thread & 1
        if asleep and access is not None and not conflict(access, parent.access()):
            found |= 1 << thread
    return found
