"""The flat memory of a program: globals, stacks and heaps at the addresses of `kernel_sim.ir`.

Memory is cut into regions of 16 MiB, by the upper bits of the address. A region has its bytes and,
for each byte, what may be done with it.
"""

from __future__ import annotations

from typing import Final, NoReturn

from kernel_sim import ir
from kernel_sim.machine.stop import Failed, Unanswered

REGION_BITS: Final = 24
OFFSET_MASK: Final = (1 << REGION_BITS) - 1
REGIONS: Final = (ir.HEAPS >> REGION_BITS) + ir.MAX_THREADS
STACK_REGION: Final = ir.STACKS >> REGION_BITS
DEAD, LIVE, READ_ONLY, FREED = range(4)
MAX_STRING: Final = 4096

_AS_WRITABLE: Final = bytes((DEAD, LIVE, LIVE, FREED)) + bytes(range(4, 256))


class Memory:
    """Bytes and their liveness; `data` and `live` have a bytearray for each region.

    The constructor raises ValueError for a global outside its area or on top of another one.
    """

    def __init__(self, entries: list[ir.Global]) -> None:
        self.data = [bytearray() for _ in range(REGIONS)]
        self.live = [bytearray() for _ in range(REGIONS)]
        self._tops = [0] * ir.MAX_THREADS
        self._highest = [0] * ir.MAX_THREADS
        self._heaps: list[dict[int, int]] = [{} for _ in range(ir.MAX_THREADS)]
        for entry in entries:
            self._place(entry)
        self._images = {n: bytes(data) for n, data in enumerate(self.data) if data}
        stacks = ir.MAX_THREADS * ir.STACK_SIZE
        self.data[STACK_REGION] = bytearray(stacks)
        self.live[STACK_REGION] = bytearray(stacks)

    def _place(self, entry: ir.Global) -> None:
        end = entry.address + len(entry.image)
        region, start = entry.address >> REGION_BITS, entry.address & OFFSET_MASK
        if not ir.GLOBALS <= entry.address <= end <= ir.STACKS or (
            entry.image and (end - 1) >> REGION_BITS != region
        ):
            raise ValueError(f"global {entry.name} does not fit into memory")
        if not entry.image:
            return
        stop = start + len(entry.image)
        data, live = self.data[region], self.live[region]
        data.extend(bytes(max(0, stop - len(data))))
        live.extend(bytes(max(0, stop - len(live))))
        if any(live[start:stop]):
            raise ValueError(f"global {entry.name} stands on another one")
        data[start:stop] = entry.image
        live[start:stop] = bytes([LIVE if entry.writable else READ_ONLY]) * len(entry.image)

    def reset(self) -> None:
        """Bring back the state before an execution."""
        for region, image in self._images.items():
            self.data[region][:] = image
        for thread in range(ir.MAX_THREADS):
            if self._highest[thread]:
                base = thread * ir.STACK_SIZE
                self.data[STACK_REGION][base : base + self._highest[thread]] = bytes(
                    self._highest[thread]
                )
                self.live[STACK_REGION][base : base + self._highest[thread]] = bytes(
                    self._highest[thread]
                )
                self._tops[thread] = self._highest[thread] = 0
            if self._heaps[thread]:
                region = (ir.HEAPS >> REGION_BITS) + thread
                self.data[region].clear()
                self.live[region].clear()
                self._heaps[thread].clear()

    # ------------------------------------------------------------ checks

    def is_valid(self, address: int, size: int, write: bool) -> bool:
        """Tell whether all bytes are live, and may be written if that is wanted."""
        if not 0 <= address < REGIONS << REGION_BITS:
            return False
        start = address & OFFSET_MASK
        live = self.live[address >> REGION_BITS][start : start + size]
        if not write:
            live = live.translate(_AS_WRITABLE)
        return len(live) == size == live.count(LIVE)

    def check(self, address: int, size: int, write: bool, site: int) -> None:
        """Raise Failed where `is_valid` says no."""
        if not self.is_valid(address, size, write):
            self.refuse(address, size, write, site)

    def refuse(self, address: int, size: int, write: bool, site: int) -> NoReturn:
        """Raise Failed for an access that is not valid, with the kind that it deserves."""
        text = f"{'write' if write else 'read'} of {size} bytes at {address:#x}"
        if address < ir.NULL_END:
            raise Failed("null dereference", text, site)
        live = b""
        if address < REGIONS << REGION_BITS:
            start = address & OFFSET_MASK
            live = bytes(self.live[address >> REGION_BITS][start : start + size])
        if FREED in live:
            raise Failed("use after free", text, site)
        if write and self.is_valid(address, size, False):
            text += ", which is read-only"
        raise Failed("wild access", text, site)

    # ------------------------------------------------------------ bytes

    def read(self, address: int, size: int) -> bytes:
        """Return bytes whose validity was checked."""
        start = address & OFFSET_MASK
        return bytes(self.data[address >> REGION_BITS][start : start + size])

    def write(self, address: int, data: bytes) -> None:
        """Put bytes whose validity was checked."""
        start = address & OFFSET_MASK
        self.data[address >> REGION_BITS][start : start + len(data)] = data

    def peek(self, location: int) -> bytes:
        """Return the 8 bytes of a location (address / 8), fewer where there is no memory."""
        address = location << 3
        return self.read(address, 8) if address < REGIONS << REGION_BITS else b""

    def string(self, address: int, site: int) -> str:
        """Return the C string at an address; raises Failed where it is not in live memory."""
        found = bytearray()
        while len(found) < MAX_STRING:
            self.check(address + len(found), 1, False, site)
            byte = self.read(address + len(found), 1)
            if byte == b"\0":
                break
            found += byte
        return found.decode("utf-8", "backslashreplace")

    # ------------------------------------------------------------ stacks and heaps

    def enter(self, thread: int, size: int, site: int) -> int:
        """Make a cleared frame of a multiple of 16 bytes on a thread's stack; its address."""
        top = self._tops[thread]
        if top + size > ir.STACK_SIZE:
            raise Failed("stack overflow", f"more than {ir.STACK_SIZE} bytes of locals", site)
        start = thread * ir.STACK_SIZE + top
        self.data[STACK_REGION][start : start + size] = bytes(size)
        self.live[STACK_REGION][start : start + size] = b"\1" * size
        self._tops[thread] = top + size
        self._highest[thread] = max(self._highest[thread], top + size)
        return ir.STACKS + start

    def leave(self, thread: int, size: int) -> None:
        """Give the last frame back."""
        self._tops[thread] -= size
        start = thread * ir.STACK_SIZE + self._tops[thread]
        self.live[STACK_REGION][start : start + size] = bytes(size)

    def allocate(self, thread: int, size: int) -> int:
        """Return the address of new zeroed memory; raises Unanswered where the heap is full."""
        size = max(size, 1)
        region = (ir.HEAPS >> REGION_BITS) + thread
        data, live = self.data[region], self.live[region]
        room = -(-size // 16) * 16 + 16
        if len(data) + room > ir.HEAP_SIZE:
            raise Unanswered(f"the heap of thread {thread} is full")
        start = len(data)
        data.extend(bytes(room))
        live.extend(b"\1" * size + bytes(room - size))
        address = ir.HEAPS + thread * ir.HEAP_SIZE + start
        self._heaps[thread][address] = size
        return address

    def object_size(self, address: int) -> int | None:
        """Return the bytes that were asked for at an address, freed since or not, else None."""
        thread = (address - ir.HEAPS) // ir.HEAP_SIZE
        return self._heaps[thread].get(address) if 0 <= thread < ir.MAX_THREADS else None

    def release(self, address: int, size: int) -> None:
        """Mark an object as freed."""
        start = address & OFFSET_MASK
        self.live[address >> REGION_BITS][start : start + size] = bytes([FREED]) * size
