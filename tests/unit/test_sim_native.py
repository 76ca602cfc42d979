"""The native engine: its counts, failures and traces are right, and those of the reference."""

from __future__ import annotations

import random

import pytest
from kernel_sim import ir
from kernel_sim.explore.model import Bounds, Covered, End, Failure, Mode, Outcome, Result
from kernel_sim.explore.pct import search_randomly
from kernel_sim.explore.schedule import ScheduleError
from kernel_sim.explore.search import Search
from kernel_sim.ir_text import parse_program
from kernel_sim.machine.compile import Compiler
from kernel_sim.machine.native_engine import NativeEngine
from kernel_sim.machine.python_engine import PythonEngine

from tests.support.require import require
from tests.support.sim_native import native_engine, native_folder
from tests.support.sim_programs import Operation, make_program

TWO_EACH: list[list[Operation]] = [[("load", 0), ("store", 0, 1)]] * 2
"""Two threads of 3 transitions: the start, the load, the store."""
LOST_UPDATE: list[list[Operation]] = [[("add", 0, 1)], [("add", 0, 1)]]
FREE = Bounds(highest=None)
STEPS = 100_000


def one_thread(body: str, more: str = "") -> ir.Program:
    """A program whose setup does `body`, in file s.c, and whose check does nothing."""
    return parse_program(
        'global word 0x10000000 rw "" size 16 = 07\n'
        'global fixed 0x10000010 ro "" size 16 = 6b\n'
        'function setup "s.c" 1 parameters 0 returns void frame 0\n'
        "registers u64 u64 u64 i32\nblock 0\n"
        f"{body}\nreturn ;90\n"
        'function check "s.c" 91 parameters 0 returns void frame 0\n'
        f"registers\nblock 0\nreturn ;92\n{more}"
    )


def outcome_of(program: ir.Program) -> Outcome:
    """The outcome, which must be that of the Python engine."""
    native = native_engine(program, STEPS).explore().outcome
    assert native == Search(PythonEngine(program, steps=STEPS)).explore()
    return native


# ---------------------------------------------------------------- counts


def test_counts_worked_out_by_hand() -> None:
    # Orders of 111 and 222. No preemption: 111222, 222111. One: left after 1 or 2 transitions,
    # by either thread: 4 more. Two: 1.2.1.2 with 1 or 2 in each of the first parts, either first:
    # 8 more. Three: 1 2.1.2 1 with 2 ways to part the 2s, either first: 4 more. All: 20 = 6!/3!3!.
    native = native_engine(make_program(TWO_EACH))
    outcome = native.explore(bounds=Bounds(highest=3)).outcome
    assert [covered.executions for covered in outcome.covered] == [2, 6, 14, 18]
    assert [covered.visible for covered in outcome.covered] == [12, 36, 84, 108]
    assert native.explore(bounds=FREE).outcome.covered[0].executions == 20
    # One execution more showed that the variable is shared.
    assert (outcome.rounds, outcome.shared, outcome.executions) == (2, 1, 41)
    assert native.explore(bounds=FREE).locations == {ir.GLOBALS // 8}


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("bound", [0, 1, 2, None])
@pytest.mark.parametrize(
    "threads",
    [
        [[("add", 0, 1), ("add", 1, 1)], [("add", 1, 1), ("add", 0, 1)]],
        [[("acquire", 0), ("release", 0)]] * 3,
        [[("store", 0, 1), ("store", 0, 0)], [("acquire", 0), ("load", 1)], [("wait", 0, 1)]],
    ],
)
def test_the_counts_are_those_of_the_reference(
    mode: Mode, bound: int | None, threads: list[list[Operation]]
) -> None:
    program = make_program(threads)
    bounds = Bounds(highest=bound)
    expected = Search(PythonEngine(program), mode, bounds).explore()
    assert native_engine(program).explore(mode, bounds).outcome == expected


def random_operations(rng: random.Random, most: int) -> list[Operation]:
    x, y = rng.randrange(3), rng.randrange(3)
    known: list[Operation] = [
        ("load", x), ("store", x, y), ("add", x, 1), ("atomic", x, 2), ("swap", x, y),
        ("acquire", x), ("release", x), ("wait", x, y), ("copy", x, y), ("choose", y + 1, x),
        ("expect", x, y), ("free", 5), ("poke", 5), ("unknown",),
    ]  # fmt: skip
    return [rng.choice(known), *(random_operations(rng, most - 1) if most > 1 else [])]


@pytest.mark.parametrize("seed", range(8))
def test_random_programs_give_what_the_reference_gives(seed: int) -> None:
    rng = random.Random(seed)
    threads = [random_operations(rng, rng.randrange(1, 4)) for _ in range(2 + seed % 2)]
    program = make_program(threads, daemons=[2] if seed % 4 == 3 else [], objects=[5])
    native = native_engine(program)
    python = PythonEngine(program)
    for mode in Mode:
        for bounds in (Bounds(1, executions=300), Bounds(None, executions=300)):
            search = Search(python, mode, bounds, keep_going=seed % 2 == 0)
            expected = search.explore()
            got = native.explore(mode, bounds, keep_going=seed % 2 == 0)
            assert got.outcome == expected
            assert got.failures == len(search.failures)
            if expected.schedule is not None:
                assert native.replay(expected.schedule)[1] == python.replay(expected.schedule)[1]


@pytest.mark.parametrize("bound", [0, 1, 2, None])
@pytest.mark.parametrize(
    "threads",
    [
        [[("add", 0, 1), ("add", 1, 1)], [("add", 1, 1), ("add", 0, 1)]],
        [[("add", 0, 1)], [("add", 0, 1), ("expect", 0, 2)]],
        # The first execution is well, the next (choice 1) fails: before anything was refused.
        [[("add", 0, 1)], [("add", 0, 1), ("choose", 2, 4), ("expect", 4, 0)]],
        [[("choose", 2, 0), ("unknown",)], [("add", 0, 1), ("choose", 3, 1)], [("load", 1)]],
    ],
)
def test_several_processes_count_as_one(threads: list[list[Operation]], bound: int | None) -> None:
    native = native_engine(make_program(threads))
    bounds = Bounds(highest=bound)
    assert native.explore(bounds=bounds, jobs=3) == native.explore(bounds=bounds)


def test_the_other_fibers_give_the_same() -> None:
    require("gcc")
    program = make_program(TWO_EACH)
    compiler = Compiler(native_folder(), defines=("-DSIM_UCONTEXT",))
    portable = NativeEngine(program, native_folder(), compiler=compiler)
    assert portable.explore(bounds=FREE) == native_engine(program).explore(bounds=FREE)
    assert portable.executable != native_engine(program).executable


def test_limits_end_a_search_that_is_then_not_complete() -> None:
    outcome = native_engine(make_program(TWO_EACH)).explore(bounds=Bounds(None, 5)).outcome
    assert outcome.covered == (Covered(None, 4, 0, *_sums(outcome), False, False),)
    assert (outcome.result, outcome.complete, outcome.executions) == (Result.NO_FAILURE, False, 5)


def _sums(outcome: Outcome) -> tuple[int, int]:
    return outcome.covered[0].steps, outcome.covered[0].visible


# ---------------------------------------------------------------- failures, traces


def test_a_lost_update_takes_one_preemption() -> None:
    program = make_program(LOST_UPDATE, check=[("expect", 0, 2)])
    native = native_engine(program)
    outcome = native.explore().outcome
    assert outcome.failure == Failure("bad", "seen", 0, "check.c", 2)
    # Bound 0: both orders are well. Bound 1: thread 1 has loaded (1 access) when 2 goes on.
    assert outcome.covered[0].executions == 2
    assert outcome.schedule == "1@1>2"
    execution, trace = native.replay("1@1>2")
    assert execution.end is End.FAILURE
    variable = ir.GLOBALS
    assert [(line[0], line[4], line[5], line[6], line[7]) for line in trace if line[0]] == [
        (1, "read", variable, 8, 0),
        (2, "read", variable, 8, 0),
        (2, "write", variable, 8, 1),
        (1, "write", variable, 8, 1),
    ]
    assert trace[0][:4] == (1, "t1", "t1.c", 2)
    assert trace == PythonEngine(program).replay("1@1>2")[1]


@pytest.mark.parametrize("schedule", ["1@9>2", "1@1>7", "1@1>2,2@0=1"])
def test_a_schedule_that_does_not_fit_is_told(schedule: str) -> None:
    with pytest.raises(ScheduleError):
        native_engine(make_program(LOST_UPDATE)).replay(schedule)


def test_locks_taken_in_two_orders_end_in_deadlock() -> None:
    give: list[Operation] = [("release", 0), ("release", 1)]
    program = make_program(
        [[("acquire", 0), ("acquire", 1), *give], [("acquire", 1), ("acquire", 0), *give]],
    )
    outcome = outcome_of(program)
    text = "t (1) waits at t1.c:3; t (2) waits at t2.c:3"
    assert outcome.failure == Failure("deadlock", text, 1, "t1.c", 3)


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        ("r0: u64 = const 8 ;2\nr1: u64 = load r0 ;3",
         ("null dereference", "read of 8 bytes at 0x8", 3)),
        ("r0: u64 = const 65536 ;2\nstore r0, r1 ;3",
         ("wild access", "write of 8 bytes at 0x10000", 3)),
        ("r0: u64 = const -1 ;2\nr1: u64 = load r0 ;3",
         ("wild access", "read of 8 bytes at 0xffffffffffffffff", 3)),
        ("r0: u64 = const 268435484 ;2\nr1: u64 = load r0 ;3",  # 4 bytes before the end
         ("wild access", "read of 8 bytes at 0x1000001c", 3)),
        ("r0: u64 = const 268435472 ;2\nstore r0, r1 ;3",
         ("wild access", "write of 8 bytes at 0x10000010, which is read-only", 3)),
        ("r0: u64 = const 134217728 ;2\ncall *r0() ;3",
         ("wild call", "there is no function at 0x8000000", 3)),
        ("r3: i32 = const 0 ;2\nr3: i32 = div r3, r3 ;3",
         ("division by zero", "the divisor is 0", 3)),
        ("r0: u64 = const 24 ;2\nr1: u64 = intrinsic sim_alloc(r0) ;2\n"
         "intrinsic sim_free(r1) ;2\nr0: u64 = load r1 ;3",
         ("use after free", "read of 8 bytes at 0x30000000", 3)),
        ("r0: u64 = const 24 ;2\nr1: u64 = intrinsic sim_alloc(r0) ;2\n"
         "intrinsic sim_free(r1) ;2\nintrinsic sim_free(r1) ;3",
         ("bad free", "0x30000000 was freed before", 3)),
        ("r0: u64 = const 268435456 ;2\nintrinsic sim_free(r0) ;3",
         ("bad free", "0x10000000 is no object", 3)),
        ("r0: u64 = const 268435456 ;2\nr1: u64 = const 1 ;2\n"
         "intrinsic sim_acquire(r0, r1) ;3",
         ("deadlock", "setup waits for what nobody else can do", 3)),
        ("r0: u64 = const 268435456 ;2\nr1: u64 = const 16777217 ;2\n"
         "intrinsic sim_fill(r0, r1, r1) ;3",
         ("wild access", "write of 16777217 bytes at 0x10000000", 3)),
        ("r0: u64 = const 268435456 ;2\nr1: u64 = const 18446744073709551615 ;2\n"
         "intrinsic sim_copy(r0, r0, r1) ;3",
         ("wild access", "read of 18446744073709551615 bytes at 0x10000000", 3)),
        ("r0: u64 = const 268435472 ;2\nintrinsic sim_fail(r0, r0) ;3", ("k", "k", 3)),
        ("call deep() ;3", ("stack overflow", "more than 1000 calls", 95)),
        ("call wide() ;3", ("stack overflow", "more than 65536 bytes of locals", 97)),
    ],
)  # fmt: skip
def test_failures(body: str, failure: tuple[str, str, int]) -> None:
    more = (
        'function deep "s.c" 95 parameters 0 returns void frame 0\n'
        "registers\nblock 0\ncall deep() ;96\nreturn ;96\n"
        'function wide "s.c" 97 parameters 0 returns void frame 4096\n'
        "registers\nblock 0\ncall wide() ;98\nreturn ;98\n"
    )
    kind, text, line = failure
    body = body.replace("const -1", f"const {2**64 - 1}")
    assert outcome_of(one_thread(body, more)).failure == Failure(kind, text, 0, "s.c", line)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("jump 1 ;2\nblock 1\njump 1 ;3\nblock 2", "endless: more than 100000 steps"),
        ('unknown "asm \\"x\\"" ;2', 'asm "x"'),
        ("r0: u64 = const 16777216 ;2\nr1: u64 = intrinsic sim_alloc(r0) ;2",
         "the heap of thread 0 is full"),
        ("r0: u64 = const 18446744073709551615 ;2\nr1: u64 = intrinsic sim_alloc(r0) ;2",
         "the heap of thread 0 is full"),
        ("r0: u64 = const 3 ;2\nr1: u64 = intrinsic sim_swap(r0, r0, r0) ;2", "swap of 3 bytes"),
        ("r0: u64 = const 0 ;2\nr3: i32 = intrinsic sim_choose(r0) ;2", "sim_choose of 0 values"),
        ("r0: u64 = const 268435472 ;2\nintrinsic sim_inconclusive(r0) ;3", "k"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_inconclusive(body: str, reason: str) -> None:
    outcome = outcome_of(one_thread(body))
    assert (outcome.result, outcome.reasons) == (Result.INCONCLUSIVE, (reason,))


# ---------------------------------------------------------------- arithmetic

EDGES = (0, 1, 2, 7, 63, 127, 128, 255, 2**15, 2**31, 2**63 - 1, 2**63, 2**64 - 1)
OPERATIONS = ("add", "sub", "mul", "div", "mod", "and", "or", "xor", "shl", "shr")
COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")


@pytest.mark.parametrize("kind", [ir.I8, ir.U8, ir.I16, ir.U16, ir.I32, ir.U32, ir.I64, ir.U64])
def test_arithmetic_at_the_edges_of_a_type(kind: ir.Type) -> None:
    values = sorted({kind.wrap(value) for value in EDGES})
    steps: list[ir.Step] = []
    expected: list[int] = []
    for left in values:
        for right in values:
            for op in OPERATIONS + COMPARISONS:
                if op in ("div", "mod") and not right:
                    continue
                dst = 2 if op in OPERATIONS else 3
                steps += [ir.Const(0, left), ir.Const(1, right), ir.Binary(dst, op, 0, 1)]
                steps += [ir.Move(4, dst), ir.Intrinsic(None, "sim_note", (5, 4))]
                expected.append(reference(op, left, right, kind) & 2**64 - 1)
    registers = [kind, kind, kind, ir.I32, ir.U64, ir.U64]
    steps = [ir.Const(5, ir.GLOBALS), *steps]
    block = ir.Block(steps, [], ir.Return(None))
    setup = ir.Function("setup", "s.c", 1, 0, None, registers=registers, blocks=[block])
    program = ir.Program({"setup": setup}, [ir.Global("n", ir.GLOBALS, b"n\0")])
    require("gcc")
    trace = NativeEngine(program, native_folder(), check=None).replay("-")[1]
    assert [line[7] for line in trace] == expected


def reference(op: str, left: int, right: int, kind: ir.Type) -> int:
    """What C computes, in whole numbers and then wrapped."""
    size = abs(left) // abs(right) if right else 0
    quotient = size if (left < 0) == (right < 0) else -size
    count = right % kind.bits
    results = {
        "add": left + right, "sub": left - right, "mul": left * right, "div": quotient,
        "mod": left - right * quotient, "and": left & right, "or": left | right,
        "xor": left ^ right, "shl": left << count, "shr": left >> count,
    }  # fmt: skip
    if op in results:
        return kind.wrap(results[op])
    return int({
        "eq": left == right, "ne": left != right, "lt": left < right,
        "le": left <= right, "gt": left > right, "ge": left >= right,
    }[op])  # fmt: skip


# ---------------------------------------------------------------- intrinsics

CRC_OF_123456789: int = 0xE3069283  # the check value of CRC-32C, inverted at both ends


@pytest.mark.parametrize(
    ("call", "result", "word"),
    # The word holds 0xff00000000000007; r0 is its address, r1..r3 the arguments that follow.
    [
        ("sim_add r0 8 5", 0xFF0000000000000C, 0xFF0000000000000C),
        ("sim_add r0 1 255", 6, 0xFF00000000000006),
        ("sim_or r0 2 24", 7, 0xFF0000000000001F),
        ("sim_and r0 8 3", 0xFF00000000000007, 3),
        ("sim_swap r0 4 4294967295", 7, 0xFF000000FFFFFFFF),
        ("sim_cmpxchg r0 1 263 9", 7, 0xFF00000000000009),
        ("sim_cmpxchg r0 8 7 9", 0xFF00000000000007, 0xFF00000000000007),
        ("sim_compare r0 r0 8", 0, 0xFF00000000000007),
        ("sim_compare r0 r7 8", 2**64 - 1, 0xFF00000000000007),
        ("sim_compare r7 r0 8", 1, 0xFF00000000000007),
        ("sim_fill r0 511 2", 0, 0xFF0000000000FFFF),
        ("sim_copy r0 r7 2", 0, 0xFF00000000003231),
        ("sim_crc32c 4294967295 r7 9", CRC_OF_123456789 ^ 0xFFFFFFFF, 0xFF00000000000007),
        ("sim_acquire r0 8", 0, 0xFF0000000000000F),
        ("sim_wait r0 3 3", 0, 0xFF00000000000007),
        ("sim_wait32 r0 4294967295 7", 0, 0xFF00000000000007),
        ("sim_self", 0, 0xFF00000000000007),
        ("sim_alloc 40", ir.HEAPS, 0xFF00000000000007),
    ],
)
def test_what_intrinsics_give(call: str, result: int, word: int) -> None:
    name, *words = call.split()
    args = [text if text.startswith("r") else f"r{1 + n}" for n, text in enumerate(words)]
    loads = [
        f"r{1 + n}: u64 = const {text}" for n, text in enumerate(words) if not text.startswith("r")
    ]
    void = ir.INTRINSICS[name].returns is None
    program = parse_program(
        f'global word {ir.GLOBALS:#x} rw "" size 8 = 07000000000000ff\n'
        f'global digits {ir.GLOBALS + 16:#x} ro "" size 16 = {b"123456789".hex()}\n'
        'function setup "s.c" 1 parameters 0 returns void frame 0\n'
        "registers u64 u64 u64 u64 u64 u64 i64 u64\nblock 0\n"
        f"r0: u64 = const {ir.GLOBALS}\nr7: u64 = const {ir.GLOBALS + 16}\n"
        + "".join(f"{line}\n" for line in loads)
        + f"{'' if void else 'r6: i64 = '}intrinsic {name}({', '.join(args)})\n"
        "r5: u64 = move r6\nintrinsic sim_note(r7, r5)\n"
        "r5: u64 = load r0\nintrinsic sim_note(r7, r5)\nreturn\n"
    )
    require("gcc")
    trace = NativeEngine(program, native_folder(), check=None).replay("-")[1]
    assert [line[7] for line in trace if line[4].startswith("note")] == [result, word]
    assert trace == PythonEngine(program, check=None).replay("-")[1]


def test_frames_are_clear_and_calls_through_pointers_convert() -> None:
    # twice(n): reads its slot, which is 0 each time, then fills it; returns n as a signed byte,
    # plus what it read. Called directly with 3, and through a pointer with 0x1fe, which is -2.
    program = parse_program(
        "address twice\n"
        f'global text {ir.GLOBALS:#x} ro "" size 8 = 74\n'
        'function setup "s.c" 1 parameters 0 returns void frame 0\n'
        "registers u64 i64 u64 u64\nblock 0\n"
        f"r0: u64 = const {ir.GLOBALS}\n"
        "r2: u64 = const 3\nr1: i64 = call twice(r2)\nr3: u64 = move r1\n"
        "intrinsic sim_note(r0, r3)\n"
        f"r3: u64 = const {ir.FUNCTIONS}\nr2: u64 = const 510\nr1: i64 = call *r3(r2, r0)\n"
        "r3: u64 = move r1\nintrinsic sim_note(r0, r3)\nreturn\n"
        'function twice "s.c" 9 parameters 1 returns i64 frame 16\n'
        "registers i8 u64 i64 i64 i64\nblock 0\n"
        "r1: u64 = slot 8\nr2: i64 = load r1\nr3: i64 = const 77\nstore r1, r3\n"
        "r4: i64 = move r0\nr2: i64 = add r2, r4\nreturn r2\n"
    )
    require("gcc")
    trace = NativeEngine(program, native_folder(), check=None).replay("-")[1]
    assert [line[7] for line in trace if line[4] == "note: t"] == [3, 2**64 - 2]
    assert [line[5] for line in trace if line[4] == "write"] == [ir.STACKS + 8] * 2
    assert trace == PythonEngine(program, check=None).replay("-")[1]


@pytest.mark.parametrize("depth", [1, 3])
def test_random_schedules_are_those_of_the_reference(depth: int) -> None:
    program = make_program([[("add", 0, 1), ("choose", 2, 3), ("expect", 0, 2)], [("add", 0, 1)]])
    native, python = native_engine(program), PythonEngine(program)
    for seed in range(10):
        expected = search_randomly(python, seed, 20, depth)
        assert native.explore_randomly(seed, 20, depth).outcome == expected
    with pytest.raises(ValueError, match=r"a depth of 1\.\.64"):
        native.explore_randomly(0, 20, 65)


LATE = """\
global x 0x10000000 rw "" size 8
global name 0x10000010 ro "" size 8 = 74
address writer
address reader
function setup "s.c" 1 parameters 0 returns void frame 0
registers u64 u64 u64 u64
block 0
r0: u64 = const 268435472
r1: u64 = const 134217728
r3: u64 = intrinsic sim_thread(r0, r1, r2, r2)
r1: u64 = const 134217744
r3: u64 = intrinsic sim_thread(r0, r1, r2, r2)
return
function writer "s.c" 3 parameters 1 returns u64 frame 0
registers u64 u64 u64
block 0
r1: u64 = const 268435456
r2: u64 = const 1
store r1, r2
r2: u64 = const 0
store r1, r2
return r2
function reader "s.c" 5 parameters 1 returns u64 frame 0
registers u64 u64
block 0
r1: u64 = const 268435456
r1: u64 = load r1
branch r1, 1, 2
block 1
call seen() ;6
jump 2
block 2
return r1
function seen "s.c" 7 parameters 0 returns void frame 0
registers u64
block 0
return
function never "s.c" 9 parameters 0 returns void frame 0
registers u64
block 0
call seen()
return
function check "s.c" 10 parameters 0 returns void frame 0
registers
block 0
return
"""


def test_what_ran_is_of_all_executions_and_no_more() -> None:
    # seen() needs a preemption between the two stores; nobody calls never().
    program = parse_program(LATE)
    always = {"setup": {1}, "check": {10}, "writer": {3}, "reader": {5}}
    for bound, expected in [(0, always), (1, always | {"reader": {5, 6}, "seen": {7}})]:
        python = PythonEngine(program)
        Search(python, Mode.NONE, Bounds(bound)).explore()
        assert python.ran() == expected
        assert native_engine(program).explore(bounds=Bounds(bound)).ran == expected
        assert native_engine(program).explore(bounds=Bounds(bound), jobs=3).ran == expected
