"""What is known of values on a path: integer ranges with holes, for numbers and pointers alike.

Pointers are numbers here: NULL is 0, error pointers are -4095 to -1, all others are positive.
Named constants of unknown value stand for large numbers, a different one for each name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

INFINITE = 1 << 70
MAX_ERRNO = 4095
_ERRNO = re.compile(r"E[A-Z0-9]{2,}\Z|EFSCORRUPTED\Z|EFSBADCRC\Z")
_CONSTANT = re.compile(r"_*[A-Z][A-Z0-9_]{2,}\Z")
_NUMBER = re.compile(r"(-?)(0[xX][0-9a-fA-F]+|0[bB][01]+|\d+)[uUlL]*\Z")
_MAX_HOLES = 6
_FIRST_SYMBOL = 1 << 40
_BITS = {0: 32, 1: 64, 2: 64}
_symbols: dict[str, int] = {"NULL": 0, "false": 0, "true": 1}


@dataclass(frozen=True, slots=True)
class Value:
    """All numbers from `low` to `high` but those in `holes`."""

    low: int = -INFINITE
    high: int = INFINITE
    holes: frozenset[int] = frozenset()

    @property
    def constant(self) -> int | None:
        """The only number it can be, None where there are several."""
        return self.low if self.low == self.high else None

    @property
    def truth(self) -> bool | None:
        """Whether it is nonzero; None where that is not known."""
        if self.low > 0 or self.high < 0 or 0 in self.holes:
            return True
        return False if self.low == self.high == 0 else None

    def can_be(self, number: int) -> bool:
        """Whether it may be this number."""
        return self.low <= number <= self.high and number not in self.holes

    def meet(self, other: Value) -> Value | None:
        """Return what both allow, None for nothing."""
        if not self.holes and not other.holes:
            low, high = max(self.low, other.low), min(self.high, other.high)
            return Value(low, high) if low <= high else None
        low, high = max(self.low, other.low), min(self.high, other.high)
        holes = {h for h in self.holes | other.holes if low <= h <= high}
        while low in holes:
            holes.discard(low)
            low += 1
        while high in holes:
            holes.discard(high)
            high -= 1
        if low > high:
            return None
        return Value(low, high, frozenset(sorted(holes)[:_MAX_HOLES]))

    def join(self, other: Value) -> Value:
        """Return a value that holds both."""
        if self == other:
            return self
        holes = {h for h in self.holes | other.holes if not self.can_be(h) and not other.can_be(h)}
        if not self.can_be(0) and not other.can_be(0):
            holes.add(0)
        low, high = min(self.low, other.low), max(self.high, other.high)
        kept = sorted(h for h in holes if low < h < high)[:_MAX_HOLES]
        return Value(low, high, frozenset(kept))

    def covers(self, other: Value) -> bool:
        """Whether every number of `other` is in this value."""
        if not (self.low <= other.low and other.high <= self.high):
            return False
        return not self.holes or not any(other.can_be(hole) for hole in self.holes)

    def negated(self) -> Value:
        """Return -value."""
        return Value(-self.high, -self.low, frozenset(-h for h in self.holes))


ANY = Value()
ZERO = Value(0, 0)
ONE = Value(1, 1)
NONZERO = Value(holes=frozenset((0,)))
NEGATIVE = Value(high=-1)
NOT_NEGATIVE = Value(low=0)
POSITIVE = Value(low=1)
NOT_POSITIVE = Value(high=0)
TRUTH = Value(0, 1)


def exactly(number: int) -> Value:
    """Return the value that is one number."""
    return Value(number, number)


def anything_but(number: int) -> Value:
    """Return every number but one."""
    return Value(holes=frozenset((number,)))


def parse_number(text: str) -> int | None:
    """Return the number that a C literal is, None where it is none."""
    match = _NUMBER.match(text)
    if match is None:
        return None
    digits = match.group(2)
    if re.match(r"0\d+\Z", digits):
        number = int(digits, 8) if not re.search("[89]", digits) else int(digits)
    else:
        number = int(digits, 0)
    return -number if match.group(1) else number


def is_symbol(number: int) -> bool:
    """Whether a number only stands for a named constant: nothing is known of its size."""
    return _FIRST_SYMBOL <= number < _FIRST_SYMBOL + len(_symbols)


def invert(text: str) -> int | None:
    """Return ~number for a C literal, None where it is none."""
    number = parse_number(text)
    if number is None:
        return None
    suffix = text[len(text.rstrip("uUlL")) :].lower()
    return ~number + ((1 << _BITS[min(2, suffix.count("l"))]) if "u" in suffix else 0)


def constant_of(name: str) -> int | None:
    """Return the number that stands for a named constant, None where a name is not one."""
    if name in _symbols:
        return _symbols[name]
    if _ERRNO.match(name):
        _symbols[name] = 1 + sum(1 for n in _symbols if _ERRNO.match(n)) % MAX_ERRNO
    elif _CONSTANT.match(name):
        _symbols[name] = _FIRST_SYMBOL + len(_symbols)
    else:
        return None
    return _symbols[name]
