"""The compiler's functions on the bits of a number, as plain arithmetic without branches.

Both engines run the steps, and what is constant is folded. Where C leaves the result open (the
zeros at an end of 0) it is the width, as with the instructions of current processors.
"""

from __future__ import annotations

from typing import Final

from kernel_sim.cfront.build import Builder, Operand
from kernel_sim.cfront.ctype import INT, Int
from kernel_sim.ir import I32, I64, U16, U32, U64, Type

_WIDTHS: Final = {"": U32, "l": U64, "ll": U64}
_COUNTING: Final = ("ctz", "clz", "ffs", "popcount", "parity", "clrsb")
TAKEN: Final[dict[str, Type]] = {
    **{f"__builtin_{op}{suffix}": type_ for op in _COUNTING for suffix, type_ in _WIDTHS.items()},
    **{f"__builtin_bswap{type_.bits}": type_ for type_ in (U16, U32, U64)},
    "__builtin_abs": I32,
    "__builtin_labs": I64,
    "__builtin_llabs": I64,
}
"""The functions, and the type that each one takes its argument as."""


def lower_bits(builder: Builder, name: str, value: Operand) -> Operand:
    """Return what one of `TAKEN` gives for a value of its type: int, or that type itself."""
    bits = _Bits(builder, TAKEN[name])
    op = name.removeprefix("__builtin_")
    if op.startswith("bswap"):
        return bits.swapped(value)
    if op.endswith("abs"):
        return bits.absolute(value)
    match op.rstrip("l"):
        case "ctz":
            found = bits.trailing(value)
        case "clz":
            found = bits.leading(value)
        case "ffs":
            found = bits.first(value)
        case "popcount":
            found = bits.count(value)
        case "parity":
            found = bits.do("and", bits.count(value), bits.number(1))
        case _:
            found = bits.copies_of_sign(value)
    return builder.convert(found, INT)


class _Bits:
    """Arithmetic on values of one type."""

    def __init__(self, builder: Builder, type_: Type) -> None:
        self._builder = builder
        self._width = type_.bits
        self.do = builder.binary
        self._ctype = Int(type_)

    def number(self, value: int) -> Operand:
        """A constant of the type."""
        return Operand(self._ctype, const=self._ctype.type.wrap(value))

    def _bytes(self, byte: int) -> Operand:
        return self.number(int.from_bytes(bytes([byte]) * 8, "little"))

    def _down(self, value: Operand, by: int) -> Operand:
        return self.do("shr", value, self.number(by))

    def _not(self, value: Operand) -> Operand:
        return self.do("xor", value, self.number(-1))

    def count(self, value: Operand) -> Operand:
        """The bits that are set: added in pairs, in fours, in bytes, then all bytes."""
        pairs = self.do("sub", value, self.do("and", self._down(value, 1), self._bytes(0x55)))
        low = self.do("and", pairs, self._bytes(0x33))
        fours = self.do("add", low, self.do("and", self._down(pairs, 2), self._bytes(0x33)))
        eights = self.do("add", fours, self._down(fours, 4))
        eights = self.do("and", eights, self._bytes(0x0F))
        return self._down(self.do("mul", eights, self._bytes(1)), self._width - 8)

    def trailing(self, value: Operand) -> Operand:
        """The zeros below the lowest bit that is set."""
        below = self.do("and", self._not(value), self.do("sub", value, self.number(1)))
        return self.count(below)

    def leading(self, value: Operand) -> Operand:
        """The zeros above the highest bit that is set."""
        by = 1
        while by < self._width:
            value = self.do("or", value, self._down(value, by))
            by *= 2
        return self.count(self._not(value))

    def first(self, value: Operand) -> Operand:
        """The place of the lowest bit that is set, from 1; 0 for 0."""
        isset = self._builder.convert(self.do("ne", value, self.number(0)), self._ctype)
        place = self.do("add", self.trailing(value), self.number(1))
        return self.do("mul", place, isset)

    def copies_of_sign(self, value: Operand) -> Operand:
        """The bits after the sign that are equal to it."""
        sign = self.do("sub", self.number(0), self._down(value, self._width - 1))
        return self.do("sub", self.leading(self.do("xor", value, sign)), self.number(1))

    def absolute(self, value: Operand) -> Operand:
        """The number without its sign; the lowest one stays what it is."""
        sign = self._down(value, self._width - 1)
        return self.do("sub", self.do("xor", value, sign), sign)

    def swapped(self, value: Operand) -> Operand:
        """The bytes in the other order."""
        found = self.number(0)
        for at in range(0, self._width, 8):
            byte = self.do("and", self._down(value, at), self.number(0xFF))
            byte = self.do("shl", byte, self.number(self._width - 8 - at))
            found = self.do("or", found, byte)
        return found
