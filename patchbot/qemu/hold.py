"""Windows: stop one thread of a guest at a symbol of its kernel while all others go on.

The thread is known by its vCPU, to which the guest has pinned it; everything else is pinned to the
others. Threads of one vCPU are told apart by their kernel stacks: where a window has several steps,
one thread must reach them in order. Of several windows, each opens while the thread of the one
before stands; that thread goes on when the next one has opened.
"""

from __future__ import annotations

import math
import re
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from patchbot.errors import UsageError
from patchbot.proc import PROCESSES
from patchbot.qemu.arrival import Arrivals
from patchbot.qemu.errors import MachineError
from patchbot.qemu.gdb import TRAP, Stub, StubError
from patchbot.qemu.packets import Stop
from patchbot.qemu.symbols import Place, SymbolMap

_BANNER, _BANNER_TEXT = "linux_banner", b"Linux version "
_SYMBOL = re.compile(r"[A-Za-z_][A-Za-z0-9_.$]*")
_PROCESSOR = re.compile(r"(?:cpu)?(\d{1,4})")
_TICK_S = 0.02
_EXAMPLE = "write it as SYMBOL:THREAD, such as submit_bh:jbd2/* or submit_bh:cpu1"


class WindowNotReached(MachineError):
    """The guest did not come to the symbol in time: nothing was tried, which is no pass."""


class HeldTooLong(MachineError):
    """What was waited for did not happen while the window was open."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Where a thread is stopped: at the `hits`-th time that it reaches the last of `steps`.

    `processor` is the vCPU that the thread is pinned to.
    `reach_s` bounds the time until the window opens, `keep_s` how long it stays open, in seconds:
    where another window follows, until that one opens.
    """

    steps: tuple[str, ...]
    processor: int = 1
    hits: int = 1
    reach_s: float = 30.0
    keep_s: float = 20.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A window as the command line names it.

    `thread` is a pattern for the name of the thread that the guest must pin to a vCPU, such as
    "jbd2/*"; it is empty where the vCPU itself is named by `processor`.
    """

    steps: tuple[str, ...]
    thread: str = ""
    processor: int | None = None


@dataclass(frozen=True, slots=True)
class Reached:
    """An open window: where, after how many seconds, and in words how often what was hit.

    `late` is empty, unless the thread of the window before had to go on first: then it is the last
    symbol that this window's thread had passed until then.
    """

    symbol: str
    address: int
    seconds: float
    seen: tuple[str, ...] = ()
    late: str = ""


def parse_hold(text: str) -> Asked:
    """Read `SYMBOL:THREAD` or `SYMBOL>SYMBOL:THREAD`; raises `UsageError`. Pure.

    THREAD is a pattern for a thread's name, or a vCPU: "1" or "cpu1".
    """
    symbols, colon, thread = text.partition(":")
    steps = tuple(step.strip() for step in symbols.split(">"))
    thread = thread.strip()
    if not colon or not thread or re.search(r"\s", thread):
        raise UsageError(f"--hold {text}: no thread is named", hint=_EXAMPLE)
    for step in steps:
        if not _SYMBOL.fullmatch(step):
            raise UsageError(f"--hold {text}: {step!r} is no symbol", hint=_EXAMPLE)
    number = _PROCESSOR.fullmatch(thread)
    return Asked(steps, processor=int(number[1])) if number is not None else Asked(steps, thread)


class Windows:
    """The windows of a guest, in order: `arm`, `wait` for each, `keep` the last, then `release`."""

    def __init__(self, stub: Stub, symbols: SymbolMap, holds: Sequence[Hold]) -> None:
        """Look the symbols up; raises `SymbolError`, and `UsageError` for a vCPU that is not."""
        _check_holds(holds, len(stub.threads))
        self._stub = stub
        self._symbols = symbols
        self._ahead = deque((hold, _arrivals(hold, symbols)) for hold in holds)
        self._places = tuple(place for _, each in self._ahead for place in each.places)
        self._hold, self._arrivals = self._ahead.popleft()
        self._held = ""
        self._held_until = math.inf
        self._late = ""
        self._seen: Counter[str] = Counter()

    @property
    def places(self) -> tuple[Place, ...]:
        """Where all steps are in this kernel; their `said` is worth telling."""
        return self._places

    def arm(self) -> None:
        """Watch the first window's first symbol and let the stopped guest go on.

        Raises `MachineError` where the symbols are another kernel's.
        """
        self._check_kernel()
        self._go_on()

    def wait(self, watch: Callable[[], None] = PROCESSES.check) -> Reached:
        """Wait until the next window is open: its thread stands, and the other vCPUs go on.

        Raises `WindowNotReached`, and `GoneError` where the guest ends.
        """
        start = time.monotonic()
        while True:
            self._next_stop(start, watch)
            standing = self._standing()
            address = standing.get(self._thread)
            if address is not None and self._arrivals.opens(address, self._stack_pointer()):
                return self._opened(address, time.monotonic() - start)
            self._leave(tuple(standing))
            self._go_on()

    def keep(self, until: Callable[[], bool], watch: Callable[[], None] = PROCESSES.check) -> float:
        """Keep the open window until `until` is true; returns for how many seconds it was kept.

        Raises `HeldTooLong`, and `MachineError` where the guest stops for another reason.
        """
        start = time.monotonic()
        while not until():
            stop = self._stub.wait_stop(_TICK_S, watch)
            if stop is not None:
                raise _stopped_otherwise(stop)
            if time.monotonic() - start > self._hold.keep_s:
                raise HeldTooLong(
                    f"nothing came of the window at {self._hold.steps[-1]} "
                    f"within {self._hold.keep_s:g} s",
                    hint="does the other side need an interrupt, or an answer of the held vCPU?",
                )
        return time.monotonic() - start

    def release(self) -> None:
        """Let the threads and all else go on without breakpoints; raises `MachineError`."""
        self._stub.detach()

    @property
    def _thread(self) -> str:
        return self._stub.threads[self._hold.processor]

    @property
    def _held_number(self) -> int:
        return self._stub.threads.index(self._held)

    def _check_kernel(self) -> None:
        """Read the banner where System.map has it: a wrong address is never hit, or in another."""
        address = self._symbols.address(_BANNER)
        if address is None:
            return
        hint = "boot with nokaslr, wait for the guest's first line, and take this image's map"
        try:
            text = self._stub.memory(self._thread, address, len(_BANNER_TEXT))
        except StubError as error:
            raise MachineError(
                f"the kernel is not where its map says: {error}", hint=hint
            ) from error
        if text != _BANNER_TEXT:
            raise MachineError("the symbols are not those of the running kernel", hint=hint)

    def _go_on(self) -> None:
        """Watch where threads are awaited, and let all go on but what is held."""
        for address in sorted(self._arrivals.awaited):
            self._stub.insert(address)
        others = [each for each in self._stub.threads if each != self._held]
        self._stub.resume(others if self._held else ())

    def _next_stop(self, start: float, watch: Callable[[], None]) -> None:
        while True:
            end = start + self._hold.reach_s
            left = min(end, self._held_until) - time.monotonic()
            # What others reach all the time may not put the end off.
            stop = self._stub.wait_stop(left, watch) if left > 0 else None
            if stop is not None and stop.signal != TRAP:
                raise _stopped_otherwise(stop)
            if stop is not None:
                return
            if end <= self._held_until:
                raise self._not_reached()
            self._let_go()

    def _let_go(self) -> None:
        """Let the held thread go on, whose time is over before the next window has opened."""
        if not self._arrivals.farthest:
            raise self._not_reached()
        self._late = self._arrivals.farthest
        self._stub.interrupt()
        self._leave((self._held,))
        self._held, self._held_until = "", math.inf
        self._go_on()

    def _stack_pointer(self) -> int:
        return self._stub.registers(self._thread).rsp

    def _standing(self) -> dict[str, int]:
        """Return the vCPUs that came to breakpoints, and where, and count them.

        Each vCPU is asked: two can have stopped at once, and only one is reported.
        """
        found: dict[str, int] = {}
        for thread in self._stub.threads:
            address = self._stub.registers(thread).rip
            if address in self._stub.inserted and thread != self._held:
                found[thread] = address
                self._seen[f"{self._arrivals.name(address)} on vCPU {thread}"] += 1
        return found

    def _leave(self, threads: Sequence[str]) -> None:
        """Let vCPUs take one instruction, one after the other, while there are no breakpoints."""
        if threads:
            self._stub.remove_all()
        for thread in threads:
            self._stub.step(thread)

    def _opened(self, address: int, seconds: float) -> Reached:
        reached = Reached(self._hold.steps[-1], address, seconds, self._words(), self._late)
        self._stub.remove_all()
        thread = self._thread
        if self._held and self._held != thread:
            self._stub.step(self._held)
        self._held, self._late = thread, ""
        if self._ahead:
            self._held_until = time.monotonic() + self._hold.keep_s
            self._hold, self._arrivals = self._ahead.popleft()
            self._seen.clear()
            self._go_on()
        else:
            self._stub.resume([each for each in self._stub.threads if each != thread])
        return reached

    def _words(self) -> tuple[str, ...]:
        return tuple(f"{where}: {count}" for where, count in self._seen.items())

    def _not_reached(self) -> WindowNotReached:
        bound = f"within {self._hold.reach_s:g} s"
        when = f"while vCPU {self._held_number} was held" if self._held else bound
        return WindowNotReached(
            f"{'>'.join(self._hold.steps)} was not reached on vCPU {self._hold.processor} "
            f"{when} (seen: {'; '.join(self._words()) or 'nothing'})",
            hint="is the thread pinned to that vCPU, and does the guest make it run?",
        )


def _check_holds(holds: Sequence[Hold], processors: int) -> None:
    if not holds or any(not hold.steps or hold.hits < 1 for hold in holds):
        raise UsageError("a window needs a symbol, and to be reached at least once")
    for hold in holds:
        if not 0 <= hold.processor < processors:
            raise UsageError(
                f"the guest has {processors} vCPUs, there is no number {hold.processor}"
            )
    if processors < 2:
        raise UsageError("with a single vCPU nothing goes on while a thread is held")


def _arrivals(hold: Hold, symbols: SymbolMap) -> Arrivals:
    return Arrivals([symbols.find(step) for step in hold.steps], hold.hits)


def _stopped_otherwise(stop: Stop) -> MachineError:
    return MachineError(
        f"the guest stopped with signal {stop.signal} instead of at a symbol",
        hint="it may have panicked, or something else (QMP) stopped it",
    )
