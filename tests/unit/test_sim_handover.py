"""From schedules to places where a debugger can hold threads, worked out by hand."""

from __future__ import annotations

import pytest
from kernel_sim import ir
from kernel_sim.handover import Place, Stand, _Chains, _find_kept, find_stands
from kernel_sim.ir_text import parse_program
from kernel_sim.machine.python_engine import PythonEngine
from kernel_sim.machine.runtime import Traced

X, Y, Z = 0x10000000, 0x10000040, 0x10000080


def make_function(name: str, path: str, calls: tuple[str, ...] = ()) -> ir.Function:
    steps: list[ir.Step] = [ir.Call(None, each, ()) for each in calls]
    block = ir.Block(steps, [1] * len(steps), ir.Return(None))
    return ir.Function(name, path, 1, 0, None, blocks=[block])


FUNCTIONS = [
    make_function("work", "fs/a.c", ("fs/a.c:once", "fs/a.c:twice", "fs/a.c:twice")),
    *(make_function(f"fs/a.c:{name}", "fs/a.c") for name in ("once", "twice", "taken")),
    make_function("end_io", "fs/a.c"),
    make_function("include/x.h:small", "include/x.h"),
    make_function("instead_of_submit", "<sim>/model/x.c"),
    make_function("sim_disk", "<sim>/model/x.c"),
]
PROGRAM = ir.Program({each.name: each for each in FUNCTIONS}, addresses=["fs/a.c:taken"])


def call(thread: int, function: str, depth: int) -> Traced:
    return (thread, function, "fs/a.c", 1, "call", 0, 0, depth)


def access(thread: int, kind: str, address: int, size: int = 8) -> Traced:
    return (thread, "work", "fs/a.c", 2, kind, address, size, 0)


def preempt(thread: int, other: int) -> Traced:
    return (thread, "", "", 0, "preempt", 0, 0, other)


def test_which_functions_a_compiler_leaves() -> None:
    """Static ones that are called once, and the tree's that the model stands in for: who knows."""
    assert _find_kept(PROGRAM) == {
        "work": True, "fs/a.c:once": False, "fs/a.c:twice": True, "fs/a.c:taken": True,
        "end_io": True, "instead_of_submit": False,
    }  # fmt: skip


TRACE = [
    call(1, "work", 1),
    access(1, "write", Y),
    call(1, "fs/a.c:once", 2),
    access(1, "write", X),
    preempt(1, 2),
    access(2, "read", X + 4, 4),
    access(1, "read", X),
    call(1, "fs/a.c:twice", 2),
    access(1, "write", Z),
    call(1, "fs/a.c:twice", 2),
]


def test_the_place_with_nothing_between_that_matters_comes_first() -> None:
    """Before the preemption stands a write of what thread 2 reads; after it only a read.

    The second arrival at twice() can't be told from the first: nothing lies between.
    """
    assert find_stands(TRACE, PROGRAM) == [
        Stand(
            1, 2, "work",
            (
                Place(("work", "twice"), 0, True),
                Place(("work",), 1, True),
                Place(("work", "once"), 1, False),
            ),
            True,
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("foreign", "conflicts"),
    [
        (access(2, "write", X + 4, 4), 1),
        (access(2, "write", X + 8), 0),
        (access(2, "source", X), 0),
        (access(2, "copy", X + 7, 1), 1),
    ],
)
def test_what_matters_to_another_thread(foreign: Traced, conflicts: int) -> None:
    """After the preemption thread 1 reads the 8 bytes from X before it comes to twice()."""
    trace = [*TRACE[:5], foreign, *TRACE[6:]]
    (stand,) = find_stands(trace, PROGRAM)
    found = {place.steps: place.conflicts for place in stand.places}
    assert found["work", "twice"] == conflicts


def test_a_thread_that_never_goes_on_has_places_before_only() -> None:
    (stand,) = find_stands(TRACE[:6], PROGRAM)
    assert not stand.resumed
    assert [place.steps for place in stand.places] == [("work",), ("work", "once")]


def test_what_the_model_calls_in_a_function_s_stead_is_no_place() -> None:
    """An end of I/O is called by the model's submit(); a booted kernel's thread does not do it."""
    trace = [
        *(call(1, "work", 1), call(1, "instead_of_submit", 2), call(1, "sim_disk", 3)),
        call(1, "end_io", 4),
        *(preempt(1, 2), access(2, "read", X)),
        *(call(1, "end_io", 4), call(1, "fs/a.c:taken", 2)),
    ]
    (stand,) = find_stands(trace, PROGRAM)
    assert [(place.steps, place.kept) for place in stand.places] == [
        (("work", "taken"), True),
        (("work",), True),
        (("work", "submit"), False),
    ]


def test_after_another_preemption_begins_what_can_be_moved() -> None:
    """Thread 1 came to work() before it was preempted for the first time: there is no other."""
    trace = [*TRACE[:6], access(1, "write", Y), preempt(1, 2), access(2, "read", Z)]
    first, second = find_stands(trace, PROGRAM)
    assert first.resumed
    assert second.places == ()


@pytest.mark.parametrize(
    ("names", "number", "chain"),
    [
        ("abac", 1, [1]),
        ("abac", 3, [3]),
        # the second a: the first after the first b
        ("abac", 2, [1, 2]),
        ("aba", 2, [1, 2]),
        ("aa", 1, None),
        # x and a were both there before; y was not
        ("axayaxa", 6, [3, 5, 6]),
        # from y on there are two x, and nothing between
        ("axyxxa", 4, None),
    ],
)
def test_arrivals_are_named_by_what_came_before(
    names: str, number: int, chain: list[int] | None
) -> None:
    assert _Chains(names).find(number, 3) == chain


def test_three_names_are_the_most() -> None:
    assert _Chains("axayaxa").find(6, 2) is None


def test_an_engine_tells_calls_sources_and_preemptions_if_it_is_asked() -> None:
    text = """\
address worker
global name 0x10000040 ro "" size 16 = 6f6f7073
global out 0x10000080 rw "" size 64
function setup "s.c" 1 parameters 0 returns void frame 0
registers u64 u64 u64 i32 i32
block 0
r0: u64 = const 268435520 ;2
r1: u64 = const 134217728 ;2
r2: u64 = const 0 ;2
r3: i32 = const 0 ;2
r4: i32 = intrinsic sim_thread(r0, r1, r2, r3) ;2
r4: i32 = intrinsic sim_thread(r0, r1, r2, r3) ;3
return ;4
function worker "s.c" 10 parameters 1 returns void frame 0
registers u64 u64 u64 u64
block 0
r1: u64 = const 268435584 ;11
r2: u64 = const 268435520 ;11
r3: u64 = const 8 ;11
intrinsic sim_copy(r1, r2, r3) ;12
return ;13
"""
    program = parse_program(text)
    kinds = [row[4] for row in PythonEngine(program, check=None).replay("1@0>2")[1]]
    assert kinds == ["copy", "copy"]
    trace = PythonEngine(program, check=None, calls=True).replay("1@0>2")[1]
    assert [(row[0], row[4], row[5], row[7]) for row in trace] == [
        (0, "call", 0, 1),
        (1, "call", 0, 1),
        (1, "preempt", 0, 2),
        (2, "call", 0, 1),
        (2, "source", 0x10000040, 0),
        (2, "copy", 0x10000080, 0),
        (1, "source", 0x10000040, 0),
        (1, "copy", 0x10000080, 0),
    ]
