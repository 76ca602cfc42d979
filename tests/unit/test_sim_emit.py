"""Texts of functions that are kept: used again where they would be the same, and only there."""

from __future__ import annotations

from dataclasses import replace

from kernel_sim import ir
from kernel_sim.ir_text import parse_program
from kernel_sim.machine.emit import emit
from kernel_sim.machine.tables import symbol

PROGRAM = """
global word 0x10000000 rw "" size 16 = 07
function setup "s.c" 1 parameters 0 returns void frame 0
registers u64 u64
block 0
r0: u64 = const 268435456 ;2
r1: u64 = load r0 ;2
call g(r1) ;3
return ;4
function g "s.c" 7 parameters 1 returns void frame 0
registers u64
block 0
return ;8
"""


def text_of(program: ir.Program) -> str:
    (text,) = emit(program, "setup", None).parts
    return text


def test_an_address_that_is_another_ones_gives_another_text() -> None:
    """What is kept is compared with what the same function has in a program of its own."""
    first = parse_program(PROGRAM)
    before = text_of(first)
    assert f"r0 = (u64)((u64)({symbol('g', 'word')} + 0));" in before
    assert text_of(first) == before
    moved = replace(first, globals=[replace(first.globals[0], address=0x10000100)])
    assert text_of(moved) == text_of(parse_program(PROGRAM.replace("0x10000000", "0x10000100")))
    assert "r0 = (u64)(0x10000000ULL);" in text_of(moved)
    assert text_of(first) == before


def test_a_callee_that_takes_more_gives_another_text() -> None:
    first = parse_program(PROGRAM)
    assert f"{symbol('f', 'g')}((u64)r1);" in text_of(first)
    wider = replace(first.functions["g"], parameters=2, registers=[ir.U64, ir.U64])
    other = replace(first, functions={**first.functions, "g": wider})
    assert "g takes 2 arguments, not 1" in text_of(other)
    alone = replace(first, functions={"setup": first.functions["setup"]})
    assert "function g does not exist" in text_of(alone)
    assert f"{symbol('f', 'g')}((u64)r1);" in text_of(first)
