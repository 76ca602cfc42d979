"""Arithmetic and conversions of the Python engine are those of C, which ctypes knows."""

from __future__ import annotations

import ctypes

import pytest
from kernel_sim import ir
from kernel_sim.explore.model import End
from kernel_sim.ir_text import parse_program, type_name
from kernel_sim.machine.python_engine import PythonEngine

OUT = ir.GLOBALS


C_TYPES = {
    type_name(ir.Type(bits, signed)): getattr(ctypes, f"c_{'' if signed else 'u'}int{bits}")
    for bits in (8, 16, 32, 64)
    for signed in (True, False)
}


def towards_zero(left: int, right: int) -> int:
    return int(abs(left) // abs(right)) * (1 if (left >= 0) == (right >= 0) else -1)


MEANING = {
    "add": lambda a, b, bits: a + b,
    "sub": lambda a, b, bits: a - b,
    "mul": lambda a, b, bits: a * b,
    "div": lambda a, b, bits: towards_zero(a, b),
    "mod": lambda a, b, bits: a - b * towards_zero(a, b),
    "and": lambda a, b, bits: a & b,
    "or": lambda a, b, bits: a | b,
    "xor": lambda a, b, bits: a ^ b,
    "shl": lambda a, b, bits: a << (b % bits),
    "shr": lambda a, b, bits: a >> (b % bits),
}
COMPARE = {
    "eq": int.__eq__,
    "ne": int.__ne__,
    "lt": int.__lt__,
    "le": int.__le__,
    "gt": int.__gt__,
    "ge": int.__ge__,
}


def binary_results(kind: str, op: str, result: str, pairs: list[tuple[int, int]]) -> list[int]:
    """Run one operation on all pairs, storing each result as 8 bytes; return them as i64."""
    steps = "".join(
        f"r1: {kind} = const {a}\nr2: {kind} = const {b}\nr3: {result} = {op} r1, r2\n"
        f"r0: u64 = const {OUT + 8 * n}\nr4: i64 = move r3\nstore r0, r4\n"
        for n, (a, b) in enumerate(pairs)
    )
    text = f"""global out {OUT:#x} rw "" size {8 * len(pairs)}
function setup "" 1 parameters 0 returns void frame 0
registers u64 {kind} {kind} {result} i64
block 0
{steps}return"""
    engine = PythonEngine(parse_program(text), check=None)
    assert engine.replay("-")[0].end is End.DONE
    return [ctypes.c_int64(n).value for n in memoryview(engine.contents("out")).cast("q")]


@pytest.mark.parametrize("kind", C_TYPES)
def test_arithmetic_is_that_of_c(kind: str) -> None:
    bits, c_type = int(kind[1:]), C_TYPES[kind]
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if kind[0] == "i" else (0, 2**bits - 1)
    negative = {-1, -7} if low else set()
    values = sorted({low, low + 1, 0, 1, 2, 7, high // 3, high - 1, high} | negative)
    pairs = [(a, b) for a in values for b in values]
    for op, meaning in MEANING.items():
        used = [(a, b) for a, b in pairs if b or op not in ("div", "mod")]
        wanted = [ctypes.c_int64(c_type(meaning(a, b, bits)).value).value for a, b in used]
        assert binary_results(kind, op, kind, used) == wanted, op
    for op, compare in COMPARE.items():
        assert binary_results(kind, op, "i32", pairs) == [int(compare(a, b)) for a, b in pairs]


@pytest.mark.parametrize(
    ("source", "value", "target", "wanted"),
    [
        ("i8", -1, "u8", 255),
        ("i8", -1, "u64", 2**64 - 1),
        ("u8", 255, "i8", -1),
        ("u8", 255, "i64", 255),
        ("i64", 2**31, "i32", -(2**31)),
        ("u64", 2**64 - 1, "i64", -1),
        ("u32", 2**31, "i64", 2**31),
        ("i32", -5, "u16", 65531),
    ],
)
def test_conversions(source: str, value: int, target: str, wanted: int) -> None:
    text = f"""global out {OUT:#x} rw "" size 8
function setup "" 1 parameters 0 returns void frame 0
registers u64 {source} {target}
block 0
r0: u64 = const {OUT}
r1: {source} = const {value}
r2: {target} = move r1
store r0, r2
return"""
    engine = PythonEngine(parse_program(text), check=None)
    engine.replay("-")
    size = int(target[1:]) // 8
    signed = target[0] == "i"
    assert int.from_bytes(engine.contents("out")[:size], "little", signed=signed) == wanted
