"""The text form of programs: what is written is what is read."""

from __future__ import annotations

import pytest
from kernel_sim import ir
from kernel_sim.ir_text import TextError, parse_program, render_program

TEXT = """\
address worker
address "odd name"
global counter 0x10000000 rw "fs/a.c" size 8 = 05
global .zero 0x10000010 ro "" size 4096
function worker "fs/a.c" 10 parameters 1 returns i32 frame 16
  registers u64 i32 u64 i32
  block 0
    r1: i32 = const -5 ;11
    r3: i32 = move r0 ;11
    r3: i32 = neg r1 ;12
    r3: i32 = add r1, r3 ;12
    r1: i32 = load r0 ;13
    store r0, r1 ;13
    r2: u64 = slot 8 ;14
    r1: i32 = call worker(r0) ;14
    call "odd name"(r0, r1) ;15
    call *r2() ;16
    r2: u64 = intrinsic sim_alloc(r0) ;17
    intrinsic sim_free(r2) ;18
    unknown "asm goto; \\"x\\"" ;19
    switch r1, -1: 1, 7: 2, *: 1 ;20
  block 1
    branch r1, 1, 2 ;21
  block 2
    jump 3 ;22
  block 3
    return r1 ;23
function "odd name" "" 0 parameters 0 returns void frame 0 variadic
  registers
  block 0
    return
"""


def test_the_text_comes_back() -> None:
    assert render_program(parse_program(TEXT)) == TEXT


def test_every_kind_of_step_is_read() -> None:
    block = parse_program(TEXT).functions["worker"].blocks[0]
    assert block.steps == [
        ir.Const(1, -5),
        ir.Move(3, 0),
        ir.Unary(3, "neg", 1),
        ir.Binary(3, "add", 1, 3),
        ir.Load(1, 0),
        ir.Store(0, 1),
        ir.Slot(2, 8),
        ir.Call(1, "worker", (0,)),
        ir.Call(None, "odd name", (0, 1)),
        ir.CallPointer(None, 2, ()),
        ir.Intrinsic(2, "sim_alloc", (0,)),
        ir.Intrinsic(None, "sim_free", (2,)),
        ir.Unknown('asm goto; "x"'),
    ]
    assert block.end == ir.Switch(1, ((-1, 1), (7, 2)), 1)
    assert block.lines == [11, 11, 12, 12, 13, 13, 14, 14, 15, 16, 17, 18, 19, 20]


def test_globals_and_heads_are_read() -> None:
    program = parse_program(TEXT)
    assert program.globals == [
        ir.Global("counter", 0x10000000, b"\5" + bytes(7), "fs/a.c"),
        ir.Global(".zero", 0x10000010, bytes(4096), "", False),
    ]
    assert program.addresses == ["worker", "odd name"]
    worker, odd = program.functions.values()
    assert (worker.parameters, worker.returns, worker.frame) == (1, ir.I32, 16)
    assert (odd.variadic, odd.returns, odd.blocks) == (
        True,
        None,
        [ir.Block([], [], ir.Return(None))],
    )


def test_a_program_under_construction_comes_back() -> None:
    blocks = [ir.Block([ir.Const(0, 1)], [3])]
    program = ir.Program({"f": ir.Function("f", "", 1, 0, None, registers=[ir.U8], blocks=blocks)})
    assert parse_program(render_program(program)) == program


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("r1: i32 = const -5", "r1: i64 = const -5", "line 8: r1 is no register of type i64"),
        ("const -5", "const five", "line 8: 'five' is no number"),
        ("= neg r1", "= sqrt r1", "line 10: 'sqrt' is no operation"),
        ("block 1", "block 2", "line 22: block 1 expected"),
        ("jump 3 ;22", "jump 3 4", "line 25: '4' was not expected"),
        ("store r0, r1", "store r0", "line 13: ',' expected, not ';'"),
        ("= load r0 ;13", "= load", "line 12: the line ends too early"),
        ("const -5 ;11", "const -5", "line 9: a line number after a step without one"),
        ("size 8 = 05", "size 0 = 05", "line 3: the image is longer than its size"),
    ],
)
def test_an_error_has_its_line(old: str, new: str, message: str) -> None:
    with pytest.raises(TextError, match=f"^{message}$"):
        parse_program(TEXT.replace(old, new, 1))


def test_what_cannot_be_exact_is_refused() -> None:
    function = ir.Function("f", "", 1, 0, None, blocks=[ir.Block([], [1, 2], ir.Return(None))])
    with pytest.raises(TextError, match="more lines than steps"):
        render_program(ir.Program({"f": function}))
    with pytest.raises(TextError, match="is filed as g"):
        render_program(ir.Program({"g": function}))
