"""The form between the C front end and both engines: functions as basic blocks of typed steps.

The front end (`kernel_sim.cfront`) makes a `Program`; the engines (`kernel_sim.machine`) run it.
What an engine may assume, and what it must check, stands here, so that both have one meaning:

Values
    A register holds an integer of its type, always in the type's range (a signed 32-bit register
    holds -2**31 .. 2**31-1). Arithmetic wraps at the width of the destination, signed or not, as in
    a kernel built with -fno-strict-overflow. Pointers are unsigned 64-bit integers.

Memory
    Little-endian bytes at the addresses below. Reading or writing outside a live object is a
    failure of kind "wild access" ("null dereference" below 0x10000, "use after free" in freed
    heap). So is a store to a global that is not writable. Both engines use the same addresses.

Calls
    Every function takes and returns whole registers; a call through a pointer looks the address up
    among `Program.addresses`. A call of anything else is a failure of kind "wild call". Too few
    arguments is a failure as well; more than the callee names are dropped (variadic functions).

Visible steps
    Every `Load`, `Store`, and intrinsic that touches memory is an access (address, size, read
    and/or written). Accesses that two threads can race on are what schedules are about; see
    `kernel_sim.explore`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

NULL_END: Final = 0x10000
FUNCTIONS: Final = 0x08000000
FUNCTION_STRIDE: Final = 16
GLOBALS: Final = 0x10000000
STACKS: Final = 0x20000000
STACK_SIZE: Final = 0x10000
HEAPS: Final = 0x30000000
HEAP_SIZE: Final = 0x1000000
"""Where things stand in the simulated memory, in bytes.

Thread n (0 is the one that sets up and checks) has its stack of address-taken locals from
STACKS + n * STACK_SIZE upwards, and its own heap from HEAPS + n * HEAP_SIZE upwards: what a thread
allocates has addresses that depend on its own past alone.
"""
MAX_THREADS: Final = 16


@dataclass(frozen=True, slots=True)
class Type:
    """An integer type of a register or an access: 8, 16, 32 or 64 bits."""

    bits: int
    signed: bool

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return self.bits // 8

    def wrap(self, value: int) -> int:
        """Return the value brought into the type's range."""
        value &= (1 << self.bits) - 1
        if self.signed and value >> (self.bits - 1):
            value -= 1 << self.bits
        return value


I8, I16, I32, I64 = (Type(bits, True) for bits in (8, 16, 32, 64))
U8, U16, U32, U64 = (Type(bits, False) for bits in (8, 16, 32, 64))
POINTER = U64

Register: TypeAlias = int
"""A register of a function: an index into `Function.registers`."""


@dataclass(frozen=True, slots=True)
class Const:
    """dst = value, which is in the range of dst's type."""

    dst: Register
    value: int


@dataclass(frozen=True, slots=True)
class Move:
    """dst = src, converted to dst's type: truncated, or extended by the sign of src's type."""

    dst: Register
    src: Register


@dataclass(frozen=True, slots=True)
class Unary:
    """dst = op src; op is "neg" or "not" (bitwise). dst and src are of one type."""

    dst: Register
    op: str
    src: Register


@dataclass(frozen=True, slots=True)
class Binary:
    """dst = left op right.

    "add" "sub" "mul" "div" "mod" "and" "or" "xor": all three registers are of one type; division
    truncates towards zero as in C, division by zero is a failure of kind "division by zero".
    "shl" "shr": dst and left are of one type, the count is taken modulo the width; "shr" of a
    signed type keeps the sign. "eq" "ne" "lt" "le" "gt" "ge": left and right are of one type, dst
    is I32 and becomes 0 or 1.
    """

    dst: Register
    op: str
    left: Register
    right: Register


@dataclass(frozen=True, slots=True)
class Load:
    """dst = what stands at the address, of dst's type. An access that reads."""

    dst: Register
    address: Register


@dataclass(frozen=True, slots=True)
class Store:
    """Put src at the address, as src's type. An access that writes."""

    address: Register
    src: Register


@dataclass(frozen=True, slots=True)
class Slot:
    """dst = address of this frame's stack memory at an offset in bytes (see `Function.frame`)."""

    dst: Register
    offset: int


@dataclass(frozen=True, slots=True)
class Call:
    """dst = function(args); dst is None where no value is wanted."""

    dst: Register | None
    function: str
    args: tuple[Register, ...]


@dataclass(frozen=True, slots=True)
class CallPointer:
    """dst = (*address)(args)."""

    dst: Register | None
    address: Register
    args: tuple[Register, ...]


@dataclass(frozen=True, slots=True)
class Intrinsic:
    """dst = an operation that the engine supplies; names and meanings stand in `INTRINSICS`."""

    dst: Register | None
    name: str
    args: tuple[Register, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that the front end could not translate: whoever reaches it ends inconclusive."""

    reason: str


@dataclass(frozen=True, slots=True)
class Jump:
    """Go to a block."""

    block: int


@dataclass(frozen=True, slots=True)
class Branch:
    """Go to one of two blocks, by whether the condition is not 0."""

    condition: Register
    then: int
    other: int


@dataclass(frozen=True, slots=True)
class Switch:
    """Go to the block of the case whose value (in range of the register's type) is met."""

    value: Register
    cases: tuple[tuple[int, int], ...]
    default: int


@dataclass(frozen=True, slots=True)
class Return:
    """Leave the function; value is None in a void function."""

    value: Register | None


Step: TypeAlias = (
    Const | Move | Unary | Binary | Load | Store | Slot | Call | CallPointer | Intrinsic | Unknown
)
End: TypeAlias = Jump | Branch | Switch | Return


@dataclass(slots=True)
class Block:
    """Steps and what ends them; `lines` has the line of the source for each step, and the end's."""

    steps: list[Step] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    end: End | None = None
    """None only while the front end is at work."""


@dataclass(slots=True)
class Function:
    """A function: block 0 is its entry; parameter n arrives in register n.

    `frame` is the size in bytes of its address-taken locals, a multiple of 16: both engines clear
    it on entry, so that runs repeat. `path` is the file that its lines are lines of, relative to
    the tree's top.
    """

    name: str
    path: str
    line: int
    parameters: int
    returns: Type | None
    variadic: bool = False
    registers: list[Type] = field(default_factory=list)
    frame: int = 0
    blocks: list[Block] = field(default_factory=list)


@dataclass(slots=True)
class Global:
    """A variable: its address and the bytes it starts with (addresses inside already resolved)."""

    name: str
    address: int
    image: bytes
    path: str = ""
    writable: bool = True


@dataclass(slots=True)
class Program:
    """Everything that runs.

    `addresses` has, in order, the functions whose address is taken: the n-th stands at
    FUNCTIONS + n * FUNCTION_STRIDE. Functions that are called and not here do not exist: the front
    end has put `Unknown` in their place.
    """

    functions: dict[str, Function] = field(default_factory=dict)
    globals: list[Global] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)

    def address_of(self, name: str) -> int:
        """The address of a function in `addresses`."""
        return FUNCTIONS + self.addresses.index(name) * FUNCTION_STRIDE


@dataclass(frozen=True, slots=True)
class Signature:
    """An intrinsic: how many arguments, and the type of what it returns."""

    arguments: int
    returns: Type | None
    meaning: str


INTRINSICS: Final[dict[str, Signature]] = {
    "sim_alloc": Signature(1, U64, "bytes: zeroed, 16-aligned, never reused; 0 is 1"),
    "sim_free": Signature(1, None, "ends a sim_alloc; else failure 'bad free'; 0: nothing"),
    "sim_thread": Signature(
        4, I32, "name (C string), function, its one argument, daemon?: number of the new thread"
    ),
    "sim_self": Signature(0, I32, "number of the running thread; 0 sets up and checks"),
    "sim_acquire": Signature(2, None, "u64 *word, mask: wait until no bit of mask is set, set all"),
    "sim_wait": Signature(3, None, "u64 *word, mask, want: wait until (*word & mask) == want"),
    "sim_wait32": Signature(3, None, "u32 *word, mask, want: wait until (*word & mask) == want"),
    "sim_swap": Signature(3, U64, "address, size, new: store, return the old, in one access"),
    "sim_cmpxchg": Signature(4, U64, "address, size, old, new: the old value"),
    "sim_add": Signature(3, U64, "address, size, delta: return the new value"),
    "sim_or": Signature(3, U64, "address, size, mask: return the old value"),
    "sim_and": Signature(3, U64, "address, size, mask: return the old value"),
    "sim_copy": Signature(3, None, "to, from, size: one access that reads and writes ranges"),
    "sim_fill": Signature(3, None, "to, byte, size: one access"),
    "sim_compare": Signature(3, I32, "a, b, size: -1, 0, 1; one access, reads both"),
    "sim_crc32c": Signature(3, U32, "crc, address, size: one access; no inversion of its own"),
    "sim_choose": Signature(1, I32, "n: every value 0..n-1 is explored; not an access"),
    "sim_fail": Signature(2, None, "kind, text (C strings): ends the execution"),
    "sim_inconclusive": Signature(1, None, "reason (C string): ends it without an answer"),
    "sim_note": Signature(2, None, "text (C string), value: a line in the trace"),
}
