"""Windows: stop one thread of a guest at a symbol of its kernel while all others go on.

The thread is known by its vCPU, to which the guest has pinned it; everything else is pinned to the
others. Threads of one vCPU are told apart by their kernel stacks: where a window has several steps,
one thread must reach them in order.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from patchbot.errors import UsageError
from patchbot.proc import PROCESSES
from patchbot.qemu.errors import MachineError
from patchbot.qemu.gdb import TRAP, Stub, StubError
from patchbot.qemu.packets import Stop
from patchbot.qemu.symbols import Place, SymbolMap

# Kernel stacks stand at multiples of their size: THREAD_SIZE without KASAN, in
# arch/x86/include/asm/page_64_types.h (v5.9, v6.1, v6.12).
_STACK_BYTES = 16 << 10
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
    `reach_s` bounds the time until the window opens, `keep_s` how long it stays open, in seconds.
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
    """An open window: where, after how many seconds, and in words how often what was hit."""

    symbol: str
    address: int
    seconds: float
    seen: tuple[str, ...] = ()


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


class Window:
    """One window of a guest; `arm`, `wait`, `keep`, and at the end `release` in any case."""

    def __init__(self, stub: Stub, symbols: SymbolMap, hold: Hold) -> None:
        """Look the symbols up; raises `SymbolError`, and `UsageError` for a vCPU that is not."""
        if not hold.steps or hold.hits < 1:
            raise UsageError("a window needs a symbol, and to be reached at least once")
        if not 0 <= hold.processor < len(stub.threads):
            raise UsageError(
                f"the guest has {len(stub.threads)} vCPUs, there is no number {hold.processor}"
            )
        if len(stub.threads) < 2:
            raise UsageError("with a single vCPU nothing goes on while a thread is held")
        self._stub = stub
        self._hold = hold
        self._symbols = symbols
        self._places = tuple(symbols.find(step) for step in hold.steps)
        self._thread = stub.threads[hold.processor]
        self._others = tuple(each for each in stub.threads if each != self._thread)
        self._seen: Counter[str] = Counter()
        self._passed: Counter[int] = Counter()

    @property
    def places(self) -> tuple[Place, ...]:
        """Where the steps are in this kernel; their `said` is worth telling."""
        return self._places

    def arm(self) -> None:
        """Watch the first symbol and let the stopped guest go on.

        Raises `MachineError` where the symbols are another kernel's.
        """
        self._check_kernel()
        self._watch()
        self._stub.resume()

    def wait(self, watch: Callable[[], None] = PROCESSES.check) -> Reached:
        """Wait until the window is open: the thread stands, and the other vCPUs go on.

        Raises `WindowNotReached`, and `GoneError` where the guest ends.
        """
        start = time.monotonic()
        while True:
            self._next_stop(start, watch)
            standing = self._standing()
            address = standing.get(self._thread)
            if address is not None and self._is_there(address):
                return self._opened(address, time.monotonic() - start)
            if standing:
                self._leave(tuple(standing))
            self._stub.resume()

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
        """Let the thread and all else go on without breakpoints; raises `MachineError`."""
        self._stub.detach()

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

    def _watch(self) -> None:
        """Put breakpoints where some thread is awaited, and at the first symbol for all others."""
        for step in {0, *map(self._step_after, self._passed.values())}:
            for address in self._places[step].addresses:
                self._stub.insert(address)

    def _step_after(self, passed: int) -> int:
        return min(passed, len(self._places) - 1)

    def _next_stop(self, start: float, watch: Callable[[], None]) -> None:
        left = self._hold.reach_s - (time.monotonic() - start)
        # What others reach all the time may not put the end off.
        stop = self._stub.wait_stop(left, watch) if left > 0 else None
        if stop is None:
            raise self._not_reached()
        if stop.signal != TRAP:
            raise _stopped_otherwise(stop)

    def _standing(self) -> dict[str, int]:
        """Return the vCPUs that stand at breakpoints, and where, and count them.

        Each vCPU is asked: two can have stopped at once, and only one is reported.
        """
        found: dict[str, int] = {}
        for thread in self._stub.threads:
            address = self._stub.registers(thread).rip
            if address in self._stub.inserted:
                found[thread] = address
                self._seen[f"{self._name(address)} on vCPU {thread}"] += 1
        return found

    def _name(self, address: int) -> str:
        return next(each.symbol for each in self._places if address in each.addresses)

    def _is_there(self, address: int) -> bool:
        """Note that the vCPU's thread came to a step; return whether the window opens there."""
        stack = self._stub.registers(self._thread).rsp // _STACK_BYTES
        step = self._step_after(self._passed[stack])
        if address in self._places[step].addresses:
            self._passed[stack] += 1
        return self._passed[stack] == len(self._places) - 1 + self._hold.hits

    def _leave(self, threads: Sequence[str]) -> None:
        """Let vCPUs take one instruction, one after the other, while there are no breakpoints."""
        self._stub.remove_all()
        for thread in threads:
            self._stub.step(thread)
        self._watch()

    def _opened(self, address: int, seconds: float) -> Reached:
        self._stub.remove_all()
        self._stub.resume(self._others)
        return Reached(self._hold.steps[-1], address, seconds, self._words())

    def _words(self) -> tuple[str, ...]:
        return tuple(f"{where}: {count}" for where, count in self._seen.items())

    def _not_reached(self) -> WindowNotReached:
        return WindowNotReached(
            f"{'>'.join(self._hold.steps)} was not reached on vCPU {self._hold.processor} within "
            f"{self._hold.reach_s:g} s (seen: {'; '.join(self._words()) or 'nothing'})",
            hint="is the thread pinned to that vCPU, and does the guest make it run?",
        )


def _stopped_otherwise(stop: Stop) -> MachineError:
    return MachineError(
        f"the guest stopped with signal {stop.signal} instead of at a symbol",
        hint="it may have panicked, or something else (QMP) stopped it",
    )
