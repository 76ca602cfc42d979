"""The Python engine: calls, memory, intrinsics, and every kind of failure."""

from __future__ import annotations

import pytest
from kernel_sim import ir
from kernel_sim.explore.model import End, Execution, Failure
from kernel_sim.explore.schedule import ScheduleError
from kernel_sim.ir_text import parse_program
from kernel_sim.machine.python_engine import PythonEngine

from tests.support.sim_programs import Operation, make_program

OUT = ir.GLOBALS
HEAD = """\
address setup
address helper
global out 0x10000000 rw "" size 64
global fixed 0x10000040 ro "" size 16 = 6f6f7073
"""


def engine_of(body: str, more: str = "", frame: int = 0, steps: int = 10_000) -> PythonEngine:
    """An engine whose setup is the body, with registers r0..r3 u64, r4..r5 i32, r6 i64."""
    text = f"""{HEAD}function setup "s.c" 1 parameters 0 returns void frame {frame}
registers u64 u64 u64 u64 i32 i32 i64
block 0
r0: u64 = const {OUT} ;2
{body}
{more}"""
    return PythonEngine(parse_program(numbered(text)), check=None, steps=steps)


def numbered(text: str) -> str:
    """Give line 1 to the steps that say none."""
    plain = ("address", "global", "function", "registers", "block", "")
    return "\n".join(
        line if ";" in line or line.split(" ")[0] in plain else f"{line} ;1"
        for line in text.split("\n")
    )


def replay(body: str, more: str = "", frame: int = 0, steps: int = 10_000) -> Execution:
    return engine_of(body, more, frame, steps).replay("-")[0]


def output(body: str, more: str = "", frame: int = 0) -> list[int]:
    """Return the 8 words of `out` after the body, which must end well."""
    engine = engine_of(body, more, frame)
    execution = engine.replay("-")[0]
    assert execution.end is End.DONE, execution
    data = engine.contents("out")
    return [int.from_bytes(data[n : n + 8], "little") for n in range(0, 64, 8)]


def failure(body: str, more: str = "", frame: int = 0) -> tuple[str, str, int]:
    execution = replay(body, more, frame)
    assert execution.failure is not None, execution
    return execution.failure.kind, execution.failure.text, execution.failure.line


def test_unary_operations_wrap() -> None:
    body = """r4: i32 = const -2147483648
r5: i32 = neg r4
r1: u64 = move r5
store r0, r1
r2: u64 = const 8
r0: u64 = add r0, r2
r1: u64 = not r2
store r0, r1
return"""
    assert output(body)[:2] == [2**64 - 2**31, 2**64 - 9]


# ---------------------------------------------------------------- control flow and calls


def test_a_loop_and_a_switch() -> None:
    """The sum of n for n in 1..10 but 3, which counts 100, and 4, which counts nothing."""
    body = """r1: u64 = const 0
r2: u64 = const 1
jump 1
block 1
r3: u64 = const 11
r4: i32 = lt r2, r3
branch r4, 2, 7
block 2
switch r2, 3: 3, 4: 5, 3: 4, *: 4
block 3
r3: u64 = const 100
r1: u64 = add r1, r3
jump 6
block 4
r1: u64 = add r1, r2
jump 5
block 5
jump 6
block 6
r3: u64 = const 1
r2: u64 = add r2, r3
jump 1
block 7
store r0, r1
return"""
    assert output(body)[0] == 55 - 3 - 4 + 100


HELPER = """function helper "h.c" 7 parameters 2 returns i8 frame 16
registers u8 i32 u64 u64 i32 i8 i32
block 0
r2: u64 = slot 0 ;8
r4: i32 = load r2 ;9
r3: u64 = move r0 ;9
r6: i32 = move r3 ;10
r6: i32 = add r6, r1 ;10
r6: i32 = add r6, r4 ;10
store r2, r6 ;11
r5: i8 = move r6 ;12
return r5 ;12
"""


@pytest.mark.parametrize("call", ["call helper(r1, r2, r3)", "call *r0(r1, r2, r3)"])
def test_arguments_and_results_are_converted(call: str) -> None:
    """0x1ff becomes the u8 255, -2 stays, and 253 is the i8 -3; the frame is clear each time."""
    pointer = f"r0: u64 = const {ir.FUNCTIONS + ir.FUNCTION_STRIDE}\n"
    body = f"""r1: u64 = const 0x1ff
r2: u64 = const {2**64 - 2}
r3: u64 = const 9
{pointer}r6: i64 = {call}
{pointer}r6: i64 = {call}
r0: u64 = const {OUT}
store r0, r6
return"""
    assert output(body, HELPER)[0] == 2**64 - 3


def test_too_few_arguments_and_wild_calls() -> None:
    direct = "r1: u64 = const 1\ncall helper(r1) ;5\nreturn"
    text = "helper takes 2 arguments, not 1"
    assert failure(direct, HELPER) == ("wild call", text, 5)
    pointer = f"r1: u64 = const {ir.FUNCTIONS + ir.FUNCTION_STRIDE}\ncall *r1(r1) ;5\nreturn"
    assert failure(pointer, HELPER) == ("wild call", text, 5)
    wild = f"r1: u64 = const {ir.FUNCTIONS + 8}\ncall *r1() ;6\nreturn"
    assert failure(wild) == ("wild call", "there is no function at 0x8000008", 6)
    beyond = f"r1: u64 = const {ir.FUNCTIONS + 32}\ncall *r1() ;6\nreturn"
    assert failure(beyond) == ("wild call", "there is no function at 0x8000020", 6)


RECURSION = """function helper "h.c" 7 parameters 1 returns u64 frame 0
registers u64 u64 u64
block 0
branch r0, 1, 2
block 1
r1: u64 = const 1
r2: u64 = sub r0, r1
r1: u64 = call helper(r2)
return r1
block 2
return r0
"""


@pytest.mark.parametrize("call", ["call helper(r1)", "call *r2(r1)"])
def test_recursion_is_bounded(call: str) -> None:
    """setup and helper(n) .. helper(0) are n + 2 open calls; 1000 may be."""
    body = f"r1: u64 = const {{}}\nr2: u64 = const {ir.FUNCTIONS + 16}\n{call}\nreturn"
    assert replay(body.format(998), RECURSION).end is End.DONE
    assert failure(body.format(999), RECURSION) == ("stack overflow", "more than 1000 calls", 7)


def test_locals_are_bounded() -> None:
    assert failure("return", frame=ir.STACK_SIZE + 16)[0] == "stack overflow"
    assert replay("return", frame=ir.STACK_SIZE).end is End.DONE


# ---------------------------------------------------------------- failures


WILD = [
    (f"r1: u64 = const {address}\n{step} ;4", kind, text)
    for address, step, kind, text in [
        (8, "r2: u64 = load r1", "null dereference", "read of 8 bytes at 0x8"),
        (0xFFFF, "store r1, r4", "null dereference", "write of 4 bytes at 0xffff"),
        (0x10000, "r4: i32 = load r1", "wild access", "read of 4 bytes at 0x10000"),
        (OUT + 80, "store r1, r0", "wild access", "write of 8 bytes at 0x10000050"),
        (OUT + 76, "r2: u64 = load r1", "wild access", "read of 8 bytes at 0x1000004c"),
        (2**64 - 8, "r4: i32 = load r1", "wild access", "read of 4 bytes at 0xfffffffffffffff8"),
        (ir.STACKS + 16, "store r1, r4", "wild access", "write of 4 bytes at 0x20000010"),
        (
            OUT + 64,
            "store r1, r4",
            "wild access",
            "write of 4 bytes at 0x10000040, which is read-only",
        ),
    ]
]
OBJECT = """r1: u64 = const 24
r2: u64 = intrinsic sim_alloc(r1)
r2: u64 = add r2, r1
"""
FREE = "r1: u64 = intrinsic sim_alloc(r1)\nintrinsic sim_free(r1)\n"


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        *WILD,
        ("r4: i32 = div r4, r5 ;4", "division by zero", "the divisor is 0"),
        ("r1: u64 = mod r0, r2 ;4", "division by zero", "the divisor is 0"),
        ("intrinsic sim_free(r0) ;4", "bad free", "0x10000000 is no object"),
        (f"r1: u64 = const {OUT + 64}\nintrinsic sim_fail(r1, r1) ;4", "oops", "oops"),
        (
            "r1: u64 = const 1\nintrinsic sim_acquire(r0, r1)\nintrinsic sim_acquire(r0, r1) ;4",
            "deadlock",
            "setup waits for what nobody else can do",
        ),
        (f"{OBJECT}r4: i32 = load r2 ;4", "wild access", "read of 4 bytes at 0x30000018"),
        (f"{FREE}r4: i32 = load r1 ;4", "use after free", "read of 4 bytes at 0x30000000"),
        (
            "r2: u64 = not r2\nintrinsic sim_fill(r0, r1, r2) ;4",
            "wild access",
            "write of 18446744073709551615 bytes at 0x10000000",
        ),
        (f"{FREE}intrinsic sim_free(r1) ;4", "bad free", "0x30000000 was freed before"),
    ],
)
def test_failures_have_their_kind_and_place(body: str, kind: str, text: str) -> None:
    execution = replay(f"{body}\nreturn", frame=16)
    assert execution.failure == Failure(kind, text, 0, "s.c", 4)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('unknown "asm"', "asm"),
        ("call nobody()", "function nobody does not exist"),
        ("call *r3()", "function helper does not exist"),
        ("intrinsic sim_magic(r1)", "intrinsic sim_magic of 1 arguments"),
        ("intrinsic sim_inconclusive(r2)", "oops"),
        ("r1: u64 = intrinsic sim_alloc(r3)", "the heap of thread 0 is full"),
        ("r1: u64 = intrinsic sim_choose(r1)", "sim_choose of 0 values"),
        ("r1: u64 = intrinsic sim_swap(r0, r3, r1)", f"swap of {ir.FUNCTIONS + 16} bytes"),
        ("jump 1\nblock 1\njump 1", "endless: more than 10000 steps"),
        ("unfinished", "a block of setup has no end"),
    ],
)
def test_what_has_no_answer_says_why(body: str, reason: str) -> None:
    head = f"r2: u64 = const 0x10000040\nr3: u64 = const {ir.FUNCTIONS + 16}\n"
    execution = replay(
        head + body + ("\nreturn" if body[0] not in "ju" or body[:3] == "unk" else "")
    )
    assert (execution.end, execution.reason) == (End.INCONCLUSIVE, reason)


def test_setup_has_to_be_there() -> None:
    with pytest.raises(ValueError, match=r"no function check\(\)"):
        PythonEngine(parse_program('function setup "" 1 parameters 0 returns void frame 0'))


# ---------------------------------------------------------------- intrinsics


def test_atomic_operations() -> None:
    """A word of 2 bytes goes 0, 0xffff, 3, 7, 6, 9; the bytes above stay."""
    body = "r1: u64 = const 2\n" + "".join(
        f"{setting}\nr3: u64 = intrinsic {name}\nr0: u64 = const {OUT + 8 * n}\nstore r0, r3\n"
        f"r0: u64 = const {OUT}\n"
        for n, (setting, name) in enumerate(
            [
                ("r2: u64 = const 0x5ffff", "sim_swap(r0, r1, r2)"),
                ("r2: u64 = const 4", "sim_add(r0, r1, r2)"),
                ("r2: u64 = const 4", "sim_or(r0, r1, r2)"),
                ("r2: u64 = const 0xfffe", "sim_and(r0, r1, r2)"),
                ("r2: u64 = const 0x10006", "sim_cmpxchg(r0, r1, r2, r1)"),
                ("r2: u64 = const 6", "sim_cmpxchg(r0, r1, r2, r1)"),
            ],
            1,
        )
    )
    assert output(body + "return")[:7] == [2, 0, 3, 3, 7, 6, 2]


def test_ranges() -> None:
    """Bytes 1 2 3 0.. are moved over themselves by one place, compared, and summed."""
    body = f"""r4: i32 = const 0x030201
store r0, r4
r1: u64 = const {OUT + 1}
r2: u64 = const 3
intrinsic sim_copy(r1, r0, r2)
r4: i32 = intrinsic sim_compare(r0, r1, r2)
r6: i64 = move r4
r1: u64 = const {OUT + 8}
store r1, r6
r3: u64 = const 0x1a5
r1: u64 = const {OUT + 16}
intrinsic sim_fill(r1, r3, r2)
r3: u64 = const 0xffffffff
r1: u64 = intrinsic sim_crc32c(r3, r0, r2)
r2: u64 = const {OUT + 24}
store r2, r1
return"""
    # 1 1 2 3; "1 1 2" is less than "1 2 3"; crc32c(01 01 02) by the polynomial, bit by bit.
    crc = 0xFFFFFFFF
    for byte in (1, 1, 2):
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    assert output(body)[:4] == [0x03020101, 2**64 - 1, 0xA5A5A5, crc]


def test_objects_are_cleared_apart_and_never_reused() -> None:
    """0 bytes are 1; each takes its size up to 16, and 16 more."""
    body = "".join(
        f"r1: u64 = const {size}\nr2: u64 = intrinsic sim_alloc(r1)\n{then}"
        f"r0: u64 = const {OUT + 8 * n}\nstore r0, r2\n"
        for n, (size, then) in enumerate([(0, "intrinsic sim_free(r2)\n"), (17, ""), (16, "")])
    )
    heap = ir.HEAPS
    assert output(body + "return")[:3] == [heap, heap + 32, heap + 80]


# ---------------------------------------------------------------- threads and replays


def test_a_trace_has_every_access() -> None:
    threads: list[list[Operation]] = [[("store", 0, 5), ("choose", 3, 1)], [("atomic", 0, 2)]]
    execution, trace = PythonEngine(make_program(threads)).replay("1@0>2,1@1=2")
    assert execution.end is End.DONE
    assert trace == [
        (2, "t2", "t2.c", 2, "add", OUT, 8, 2),
        (1, "t1", "t1.c", 2, "write", OUT, 8, 5),
        (1, "t1", "t1.c", 3, "choose", 0, 0, 2),
        (1, "t1", "t1.c", 3, "write", OUT + 8, 8, 2),
    ]


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ("1@7>2", "did not come to 1@7>2"),
        ("0@0>3", "thread 3 cannot go on at 0@0"),
        ("1@1=3", "there is no value 3 at 1@1"),
        ("1@1=1,1@1=2", "two deviations"),
        ("1>2", "'1>2' is no deviation"),
        ("", "'' is no deviation"),
    ],
)
def test_a_schedule_that_does_not_fit_is_an_error(schedule: str, message: str) -> None:
    threads: list[list[Operation]] = [[("store", 0, 5), ("choose", 3, 1)], [("atomic", 0, 2)]]
    engine = PythonEngine(make_program(threads))
    with pytest.raises(ScheduleError, match=message):
        engine.replay(schedule)
    assert engine.replay("-")[0].end is End.DONE


def test_freeing_races_with_use() -> None:
    """Thread 1 stores to the object that 2 frees: 2 first is a use after free."""
    engine = PythonEngine(make_program([[("poke", 0)], [("free", 0)]], objects=[0]))
    assert engine.replay("-")[0].end is End.DONE
    failure = engine.replay("0@0>2")[0].failure
    assert failure == Failure("use after free", "write of 8 bytes at 0x30000000", 1, "t1.c", 2)


@pytest.mark.parametrize("place", ["helper", "check"])
def test_threads_are_created_by_setup_alone(place: str) -> None:
    create = f"""registers u64 u64 u64 u64 i32
block 0
r0: u64 = const {OUT}
r1: u64 = const {ir.FUNCTIONS + 16}
r4: i32 = intrinsic sim_thread(r0, r1, r2, r3)
return"""
    parts = [HEAD]
    for name in ("setup", "helper", "check"):
        body = create if name in ("setup", place) else "registers\nblock 0\nreturn"
        parts.append(f'function {name} "" 1 parameters 0 returns void frame 0\n{body}\n')
    execution = PythonEngine(parse_program("".join(parts))).replay("-")[0]
    assert (execution.end, execution.reason) == (End.INCONCLUSIVE, "sim_thread outside setup")


def test_choices_in_a_row_have_places_of_their_own() -> None:
    """The values 1 and 2, of 2 and 3: thread 0 has made no access, but the first choice."""
    body = f"""r1: u64 = const 2
r2: u64 = intrinsic sim_choose(r1)
r1: u64 = const 3
r3: u64 = intrinsic sim_choose(r1)
store r0, r2
r0: u64 = const {OUT + 8}
store r0, r3
return"""
    engine = engine_of(body)
    execution, trace = engine.replay("0@0=1,0@1=2")
    assert execution.end is End.DONE
    assert [access[-1] for access in trace] == [1, 2, 1, 2]


def test_a_register_that_was_never_written_is_zero() -> None:
    """The branch on r4 goes to block 2, which stores 7."""
    body = """r1: u64 = const 7
branch r4, 1, 2
block 1
return
block 2
store r0, r1
return"""
    assert output(body)[0] == 7


def test_a_frame_is_dead_after_its_function() -> None:
    helper = """function helper "h.c" 7 parameters 0 returns u64 frame 16
registers u64
block 0
r0: u64 = slot 8
return r0
"""
    body = "r1: u64 = call helper()\nr4: i32 = load r1 ;4\nreturn"
    assert failure(body, helper) == ("wild access", "read of 4 bytes at 0x20000008", 4)
