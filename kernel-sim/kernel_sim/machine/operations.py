"""What generated Python calls: loads, stores and intrinsics, as functions of one runtime.

Arguments and results are unsigned 64-bit integers but for loads and stores, which are of their
type. The last argument is always the site.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final

from crc32c import crc32c

from kernel_sim import ir
from kernel_sim.explore.model import Range
from kernel_sim.ir_text import TYPES
from kernel_sim.machine.memory import OFFSET_MASK, REGION_BITS, REGIONS
from kernel_sim.machine.runtime import MASK64, Runtime
from kernel_sim.machine.stop import Failed, Unanswered

_END: Final = REGIONS << REGION_BITS
_CODES: Final = {8: "b", 16: "h", 32: "i", 64: "q"}
_SIZES: Final = (1, 2, 4, 8)


def load_of(runtime: Runtime, kind: ir.Type) -> Callable[[int, int], int]:
    """Return load(address, site) for a type."""
    code = _CODES[kind.bits]
    unpack = struct.Struct("<" + (code if kind.signed else code.upper())).unpack_from
    size, mask, good = kind.size, (1 << kind.bits) - 1, b"\1" * kind.size
    data, live = runtime.memory.data, runtime.memory.live

    def load(address: int, site: int) -> int:
        thread = runtime.thread
        visible = False
        location = address >> 3
        if runtime.concurrent and (
            location in runtime.shared or runtime.stops or address + size - 1 >> 3 != location
        ):
            visible = runtime.access((Range(address, size, False),), site)
        else:
            thread.count += 1
            if runtime.concurrent:
                thread.reads.add(location)
            start = address & OFFSET_MASK
            if address >= _END or live[address >> REGION_BITS][start : start + size] != good:
                runtime.memory.check(address, size, False, site)
        value: int = unpack(data[address >> REGION_BITS], address & OFFSET_MASK)[0]
        if visible:
            thread.log.append(value & mask)
        if runtime.trace is not None:
            runtime.note(site, "read", address, size, value & mask)
        return value

    return load


def store_of(runtime: Runtime, kind: ir.Type) -> Callable[[int, int, int], None]:
    """Return store(address, value, site) for a type."""
    code = _CODES[kind.bits]
    pack = struct.Struct("<" + (code if kind.signed else code.upper())).pack_into
    size, mask, good = kind.size, (1 << kind.bits) - 1, b"\1" * kind.size
    data, live = runtime.memory.data, runtime.memory.live

    def store(address: int, value: int, site: int) -> None:
        thread = runtime.thread
        location = address >> 3
        if runtime.concurrent and (
            location in runtime.shared or runtime.stops or address + size - 1 >> 3 != location
        ):
            if runtime.access((Range(address, size, True),), site):
                thread.log.append(0)
        else:
            thread.count += 1
            if runtime.concurrent:
                thread.writes.add(location)
            start = address & OFFSET_MASK
            if address >= _END or live[address >> REGION_BITS][start : start + size] != good:
                runtime.memory.check(address, size, True, site)
        pack(data[address >> REGION_BITS], address & OFFSET_MASK, value)
        if runtime.trace is not None:
            runtime.note(site, "write", address, size, value & mask)

    return store


class Operations:
    """The intrinsics; methods of the names in `ir.INTRINSICS`."""

    def __init__(self, runtime: Runtime, start: Callable[[int, int, int], Callable[[], int]]):
        """`start(address, argument, site)` gives what runs a function in a thread."""
        self._runtime = runtime
        self._memory = runtime.memory
        self._start = start

    def namespace(self) -> dict[str, Any]:
        """Return everything that generated code calls, by name."""
        names: dict[str, Any] = {name: getattr(self, name) for name in ir.INTRINSICS}
        for name, kind in TYPES.items():
            names[f"load_{name}"] = load_of(self._runtime, kind)
            names[f"store_{name}"] = store_of(self._runtime, kind)
        return names

    # ------------------------------------------------------------ helpers

    def _number(self, address: int, size: int) -> int:
        return int.from_bytes(self._memory.read(address, size), "little")

    def _put(self, address: int, size: int, value: int) -> None:
        bits = 8 * size
        self._memory.write(address, (value & (1 << bits) - 1).to_bytes(size, "little"))

    def _finish(
        self,
        visible: bool,
        site: int,
        kind: str,
        address: int,
        size: int,
        value: int,
        seen: int | bytes,
    ) -> None:
        """Log what a visible access has read (0 where nothing), and trace the access."""
        if visible:
            self._runtime.thread.log.append(seen)
        self._runtime.note(site, kind, address, size, value)

    def _note_source(self, address: int, size: int, site: int) -> None:
        """Trace the other range of an access, which it reads."""
        if self._runtime.tells_calls:
            self._runtime.note(site, "source", address, size, 0)

    def _update(
        self,
        kind: str,
        address: int,
        size: int,
        change: Callable[[int], int],
        site: int,
    ) -> tuple[int, int]:
        """Change a word in one access; return the old and the new value."""
        if size not in _SIZES:
            raise Unanswered(f"{kind} of {size} bytes")
        visible = self._runtime.access((Range(address, size, True),), site)
        old = self._number(address, size)
        new = change(old) & (1 << 8 * size) - 1
        self._put(address, size, new)
        self._finish(visible, site, kind, address, size, new, old)
        return old, new

    # ------------------------------------------------------------ memory and threads

    def sim_alloc(self, size: int, site: int) -> int:
        """Allocate on the running thread's heap."""
        return self._memory.allocate(self._runtime.thread.number, size)

    def sim_free(self, address: int, site: int) -> int:
        """End an object: an access that writes all of it."""
        if not address:
            return 0
        size = self._memory.object_size(address)
        if size is None:
            raise Failed("bad free", f"{address:#x} is no object", site)
        visible = self._runtime.access((Range(address, size, True),), site, check=False)
        if not self._memory.is_valid(address, size, True):
            raise Failed("bad free", f"{address:#x} was freed before", site)
        self._memory.release(address, size)
        self._finish(visible, site, "free", address, size, 0, 0)
        return 0

    def sim_thread(self, name: int, function: int, argument: int, daemon: int, site: int) -> int:
        """Create a thread; only setup may."""
        runtime = self._runtime
        if not runtime.in_setup:
            raise Unanswered("sim_thread outside setup")
        if len(runtime.threads) == ir.MAX_THREADS:
            raise Unanswered(f"more than {ir.MAX_THREADS} threads")
        text = self._memory.string(name, site)
        return runtime.create(text, self._start(function, argument, site), bool(daemon)).number

    def sim_self(self, site: int) -> int:
        """Return the running thread's number."""
        return self._runtime.thread.number

    # ------------------------------------------------------------ waiting

    def sim_acquire(self, address: int, bits: int, site: int) -> int:
        """Wait until no bit is set, then set all."""
        memory = self._memory

        def holds() -> bool:
            return not memory.is_valid(address, 8, True) or not self._number(address, 8) & bits

        visible = self._runtime.access((Range(address, 8, True),), site, holds)
        old = self._number(address, 8)
        self._put(address, 8, old | bits)
        self._finish(visible, site, "acquire", address, 8, old | bits, old)
        return 0

    def sim_wait(self, address: int, bits: int, want: int, site: int) -> int:
        """Wait for bits of 64."""
        return self._wait(address, 8, bits, want, site)

    def sim_wait32(self, address: int, bits: int, want: int, site: int) -> int:
        """Wait for bits of 32."""
        low = 0xFFFFFFFF
        return self._wait(address, 4, bits & low, want & low, site)

    def _wait(self, address: int, size: int, bits: int, want: int, site: int) -> int:
        memory = self._memory

        def holds() -> bool:
            if not memory.is_valid(address, size, False):
                return True
            return self._number(address, size) & bits == want

        visible = self._runtime.access((Range(address, size, False),), site, holds)
        value = self._number(address, size)
        self._finish(visible, site, "wait", address, size, value, value)
        return 0

    # ------------------------------------------------------------ atomic operations

    def sim_swap(self, address: int, size: int, new: int, site: int) -> int:
        """Store, and return the old value."""
        return self._update("swap", address, size, lambda old: new, site)[0]

    def sim_cmpxchg(self, address: int, size: int, old: int, new: int, site: int) -> int:
        """Store if the old value is met; return what stood there."""
        want = old & (1 << 8 * size) - 1 if size in _SIZES else old
        return self._update(
            "cmpxchg", address, size, lambda value: new if value == want else value, site
        )[0]

    def sim_add(self, address: int, size: int, delta: int, site: int) -> int:
        """Add, and return the new value."""
        return self._update("add", address, size, lambda old: old + delta, site)[1]

    def sim_or(self, address: int, size: int, bits: int, site: int) -> int:
        """Set bits, and return the old value."""
        return self._update("or", address, size, lambda old: old | bits, site)[0]

    def sim_and(self, address: int, size: int, bits: int, site: int) -> int:
        """Keep bits, and return the old value."""
        return self._update("and", address, size, lambda old: old & bits, site)[0]

    # ------------------------------------------------------------ ranges

    def sim_copy(self, to: int, source: int, size: int, site: int) -> int:
        """Copy bytes, as memmove does."""
        if size:
            ranges = (Range(source, size, False), Range(to, size, True))
            visible = self._runtime.access(ranges, site)
            data = self._memory.read(source, size)
            self._memory.write(to, data)
            self._note_source(source, size, site)
            self._finish(visible, site, "copy", to, size, 0, data)
        return 0

    def sim_fill(self, to: int, byte: int, size: int, site: int) -> int:
        """Set bytes."""
        if size:
            visible = self._runtime.access((Range(to, size, True),), site)
            self._memory.write(to, bytes([byte & 255]) * size)
            self._finish(visible, site, "fill", to, size, byte & 255, 0)
        return 0

    def sim_compare(self, a: int, b: int, size: int, site: int) -> int:
        """Return -1, 0 or 1 (as unsigned 64 bits), as memcmp does."""
        if not size:
            return 0
        visible = self._runtime.access((Range(a, size, False), Range(b, size, False)), site)
        left, right = self._memory.read(a, size), self._memory.read(b, size)
        value = ((left > right) - (left < right)) & MASK64
        self._note_source(b, size, site)
        self._finish(visible, site, "compare", a, size, value, left + right)
        return value

    def sim_crc32c(self, crc: int, address: int, size: int, site: int) -> int:
        """Return the checksum going on from `crc`; the package inverts at both ends, we do not."""
        low = 0xFFFFFFFF
        if not size:
            return crc & low
        visible = self._runtime.access((Range(address, size, False),), site)
        data = self._memory.read(address, size)
        value = crc32c(data, crc & low ^ low) ^ low
        self._finish(visible, site, "crc32c", address, size, value, data)
        return value

    # ------------------------------------------------------------ the exploration

    def sim_choose(self, values: int, site: int) -> int:
        """Let the guide choose; it counts as a place of the thread, not as an access."""
        runtime = self._runtime
        thread = runtime.thread
        if not 0 < values <= 0x7FFFFFFF:
            raise Unanswered(f"sim_choose of {values} values")
        value = runtime.guide.choose(thread.number, thread.count, values)
        thread.count += 1
        thread.log.append(value)
        runtime.note(site, "choose", 0, 0, value)
        return value

    def sim_fail(self, kind: int, text: int, site: int) -> int:
        """End the execution with a failure of the program's own."""
        raise Failed(self._memory.string(kind, site), self._memory.string(text, site), site)

    def sim_inconclusive(self, reason: int, site: int) -> int:
        """End the execution without an answer."""
        raise Unanswered(self._memory.string(reason, site))

    def sim_note(self, text: int, value: int, site: int) -> int:
        """Put a line into the trace, as kind "note: text"."""
        if self._runtime.trace is not None:
            self._runtime.note(site, f"note: {self._memory.string(text, site)}", 0, 0, value)
        return 0
