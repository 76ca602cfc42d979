"""The values of constant expressions, with C's types."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass

from patchbot_checks.csource.expr import Expr
from patchbot_checks.csource.values import parse_number
from patchbot_checks.facts import load
from patchbot_checks.facts.model import Integer, Limit

_SUFFIX = re.compile(r"[uUlL]*\Z")
_MAX_SHIFT = 64


@dataclass(frozen=True, slots=True)
class Kind:
    """An integer type."""

    bits: int
    signed: bool

    @property
    def low(self) -> int:
        """The least number."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        """The greatest number."""
        return (1 << (self.bits - self.signed)) - 1

    def wrap(self, number: int) -> int:
        """Return what becomes of a number in this type."""
        number &= (1 << self.bits) - 1
        return number - (1 << self.bits) if number > self.high else number


@dataclass(frozen=True, slots=True)
class Constant:
    """A number with its type."""

    number: int
    kind: Kind


@functools.cache
def _kinds() -> dict[str, Kind]:
    types = load("integers.toml").of(Integer)
    return {name: Kind(each.bits, each.signed) for each in types for name in each.names}


@functools.cache
def _limits() -> dict[str, int]:
    limits: dict[str, int] = {}
    for each in load("integers.toml").of(Limit):
        limits.update(each.values)
        limits.update({name: (1 << bits) - 1 for name, bits in each.all_ones.items()})
    return limits


def kind_of(ctype: str) -> Kind | None:
    """Return the integer type of this name ("unsigned int:3" is a bit-field), None for others."""
    name, _, width = ctype.partition(":")
    words = [w for w in name.split() if w not in ("const", "volatile", "static", "register")]
    kind = _kinds().get(" ".join(words))
    if kind is not None and width:
        return Kind(int(width), kind.signed) if width.isdigit() and int(width) else None
    return kind


def evaluate(expr: Expr, lookup: Callable[[str], Expr | None]) -> Constant | None:
    """Return the value of a constant expression; `lookup` gives the body of a macro."""
    if expr.kind == "number":
        return _literal(expr.text)
    if expr.kind == "name":
        limit = _limits().get(expr.text)
        if limit is not None:
            return Constant(limit, _least(limit, unsigned=limit > (1 << 63) - 1))
        body = lookup(expr.text)
        return evaluate(body, lambda _: None) if body is not None else None
    if expr.kind == "cast":
        inner, kind = evaluate(expr.args[0], lookup), kind_of(expr.op)
        return Constant(kind.wrap(inner.number), kind) if inner and kind else None
    if expr.kind == "unary" and expr.op in ("-", "~"):
        inner = evaluate(expr.args[0], lookup)
        if inner is None:
            return None
        number = -inner.number if expr.op == "-" else ~inner.number
        return Constant(inner.kind.wrap(number), inner.kind)
    if expr.kind == "binary":
        left, right = (evaluate(a, lookup) for a in expr.args)
        return _binary(expr.op, left, right) if left and right else None
    return None


def _literal(text: str) -> Constant | None:
    number = parse_number(text)
    if number is None:
        return None
    found = _SUFFIX.search(text)
    suffix = found.group().lower() if found and not text.lower().startswith("0x") else ""
    if text.lower().startswith("0x"):
        suffix = re.sub(r"^0x[0-9a-f]*", "", text.lower())
    kind = _least(number, unsigned="u" in suffix, wide="l" in suffix, hexa="0x" in text.lower())
    return Constant(number, kind)


def _least(number: int, *, unsigned: bool, wide: bool = False, hexa: bool = False) -> Kind:
    """Return the first of C's types that holds a number."""
    for bits in (64,) if wide else (32, 64):
        for signed in (False,) if unsigned else (True, False) if hexa else (True,):
            kind = Kind(bits, signed)
            if kind.low <= number <= kind.high:
                return kind
    return Kind(64, False)


def _binary(op: str, left: Constant, right: Constant) -> Constant | None:
    kind = left.kind if op in ("<<", ">>") else _common(left.kind, right.kind)
    a, b = left.number, right.number
    if op in ("<<", ">>") and not 0 <= b < _MAX_SHIFT:
        return None
    if op in ("/", "%") and b == 0:
        return None
    results: dict[str, Callable[[], int]] = {
        "+": lambda: a + b, "-": lambda: a - b, "*": lambda: a * b, "|": lambda: a | b,
        "&": lambda: a & b, "^": lambda: a ^ b, "<<": lambda: a << b, ">>": lambda: a >> b,
        "/": lambda: a // b, "%": lambda: a % b,
    }  # fmt: skip
    return Constant(kind.wrap(results[op]()), kind) if op in results else None


def _common(a: Kind, b: Kind) -> Kind:
    if a.bits != b.bits:
        return a if a.bits > b.bits else b
    return a if not a.signed else b


def fits(constant: Constant, kind: Kind) -> bool:
    """Whether a type holds a constant as it is meant.

    All bits set, and -1, are meant as such for unsigned types of any width; an error number or
    another negative one is, where its bits are not lost.
    """
    number = constant.number
    if kind.signed:
        return kind.low <= number <= kind.high
    if number < 0:
        return number >= -(1 << (kind.bits - 1)) or (kind.bits == 1 and number == -1)
    all_ones = number & (number + 1) == 0 and number > 1 and not constant.kind.signed
    return number <= kind.high or all_ones
