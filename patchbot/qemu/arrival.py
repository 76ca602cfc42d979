"""How far the threads of one vCPU have come towards a window. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from patchbot.qemu.symbols import Place

# Kernel stacks stand at multiples of their size: THREAD_SIZE without KASAN, in
# arch/x86/include/asm/page_64_types.h (v5.9, v6.1, v6.12).
_STACK_BYTES = 16 << 10


class Arrivals:
    """Which of a window's steps each thread has passed; threads are told apart by their stacks.

    `places` are the steps in order; the window opens at the `hits`-th time that one thread comes to
    the last of them, all others passed.
    """

    def __init__(self, places: Sequence[Place], hits: int) -> None:
        self._places = tuple(places)
        self._hits = hits
        self._passed: Counter[int] = Counter()

    @property
    def places(self) -> tuple[Place, ...]:
        """Where the steps are in this kernel."""
        return self._places

    @property
    def awaited(self) -> frozenset[int]:
        """The addresses where some thread is awaited, and the first symbol's for all others."""
        steps = {0, *map(self._after, self._passed.values())}
        return frozenset(each for step in steps for each in self._places[step].addresses)

    @property
    def farthest(self) -> str:
        """The last symbol that some thread has passed; empty where none has passed any."""
        passed = max(self._passed.values(), default=0)
        return self._places[min(passed, len(self._places)) - 1].symbol if passed else ""

    def opens(self, address: int, rsp: int) -> bool:
        """Note that a thread came to an address; return whether the window opens there."""
        stack = rsp // _STACK_BYTES
        if address in self._places[self._after(self._passed[stack])].addresses:
            self._passed[stack] += 1
        return self._passed[stack] == len(self._places) - 1 + self._hits

    def name(self, address: int) -> str:
        """Return the symbol at an address, empty where it is none of the steps."""
        return next((each.symbol for each in self._places if address in each.addresses), "")

    def _after(self, passed: int) -> int:
        return min(passed, len(self._places) - 1)
