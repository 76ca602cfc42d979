"""Small programs for the simulator, made from a list of operations for each thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kernel_sim import ir
from kernel_sim.ir_text import parse_program

Operation = tuple[str, *tuple[int, ...]]
"""What a thread does with 64-bit variables, which are numbers here:

("load", x), ("store", x, value), ("add", x, n): load, add n, store. ("atomic", x, n). ("swap", x,
value). ("acquire", x): wait for bit 0 to be clear, set it. ("release", x): store 0. ("wait", x,
value). ("copy", x, y): x = y in one access. ("choose", n, x): store a chosen value in x.
("expect", x, value): load, and fail if it is another one. ("fail",), ("spin",), ("unknown",).
("free", x): load a pointer and free it. ("poke", x): load a pointer and store to it.
"""
VARIABLES: Final = ir.GLOBALS
KIND, TEXT, NAME = ir.GLOBALS + 0x1000, ir.GLOBALS + 0x1010, ir.GLOBALS + 0x1020


def address_of(variable: int) -> int:
    """Return where a variable stands: each has a location of 8 bytes."""
    return VARIABLES + 8 * variable


_SHAPES: Final = {
    "load": "r1: u64 = load r0",
    "store": "store r0, r1",
    "atomic": "r2: u64 = intrinsic sim_add(r0, r7, r1)",
    "swap": "r2: u64 = intrinsic sim_swap(r0, r7, r1)",
    "acquire": "intrinsic sim_acquire(r0, r8)",
    "release": "store r0, r9",
    "wait": "intrinsic sim_wait(r0, r6, r1)",
    "copy": "intrinsic sim_copy(r0, r1, r7)",
    "fail": "intrinsic sim_fail(r3, r4)",
    "unknown": 'unknown "inline assembly"',
}


def make_program(
    threads: Sequence[Sequence[Operation]],
    check: Sequence[Operation] = (),
    daemons: Sequence[int] = (),
    objects: Sequence[int] = (),
) -> ir.Program:
    """Return a program with a thread for each list; thread n is threads[n - 1].

    `daemons` has numbers of threads. `objects` are variables that setup points at 8 bytes each.
    """
    names = [f"t{number}" for number in range(1, len(threads) + 1)]
    lines = [f"address {name}" for name in names]
    lines += [f'global variables {VARIABLES:#x} rw "" size 128']
    lines += [
        f'global {name} {address:#x} ro "" size 16 = {text.encode().hex()}'
        for name, address, text in (("kind", KIND, "bad"), ("text", TEXT, "seen"), ("n", NAME, "t"))
    ]
    lines += _setup(len(threads), daemons, objects)
    for name, operations in zip([*names, "check"], [*threads, check], strict=True):
        lines += _body(name, operations)
    return parse_program("\n".join(lines))


def _setup(threads: int, daemons: Sequence[int], objects: Sequence[int]) -> list[str]:
    lines = [
        'function setup "t.c" 1 parameters 0 returns void frame 0',
        "registers u64 u64 u64 u64 i32",
        "block 0",
        f"r0: u64 = const {NAME}",
        "r2: u64 = const 8",
    ]
    for variable in objects:
        lines += [
            "r1: u64 = intrinsic sim_alloc(r2)",
            f"r3: u64 = const {address_of(variable)}",
            "store r3, r1",
        ]
    for number in range(threads):
        lines += [
            f"r1: u64 = const {ir.FUNCTIONS + number * ir.FUNCTION_STRIDE}",
            f"r3: u64 = const {int(number + 1 in daemons)}",
            "r4: i32 = intrinsic sim_thread(r0, r1, r2, r3)",
        ]
    return [*lines, "return"]


def _body(name: str, operations: Sequence[Operation]) -> list[str]:
    lines = [
        f'function {name} "{name}.c" 1 parameters 0 returns void frame 0',
        "registers u64 u64 u64 u64 u64 i32 u64 u64 u64 u64",
        "block 0",
        f"r3: u64 = const {KIND}",
        f"r4: u64 = const {TEXT}",
        f"r6: u64 = const {2**64 - 1}",
        "r7: u64 = const 8",
        "r8: u64 = const 1",
        "r9: u64 = const 0",
    ]
    block = 0
    for line, operation in enumerate(operations, 2):
        added, block = _operation(operation, block)
        lines += [text if text.startswith("block") else f"{text} ;{line}" for text in added]
    # Lines belong to steps in order, so the first six get theirs as well.
    return [*_with_lines(lines), "return ;99"]


def _with_lines(lines: list[str]) -> list[str]:
    head = [text if ";" in text or n < 3 else f"{text} ;1" for n, text in enumerate(lines)]
    return [text.removesuffix(" ;1") if text.startswith("block") else text for text in head]


def _operation(operation: Operation, block: int) -> tuple[list[str], int]:
    name, *numbers = operation
    if name == "choose":
        values, variable = numbers
        return [
            f"r1: u64 = const {values}",
            "r5: i32 = intrinsic sim_choose(r1)",
            "r1: u64 = move r5",
            f"r0: u64 = const {address_of(variable)}",
            "store r0, r1",
        ], block
    if name == "spin":
        there = block + 1
        return [
            f"jump {there}",
            f"block {there}",
            f"jump {there}",
            f"block {there + 1}",
        ], there + 1
    lines = [f"r0: u64 = const {address_of(numbers[0])}"] if numbers else []
    if name == "copy":
        lines.append(f"r1: u64 = const {address_of(numbers[1])}")
    elif len(numbers) > 1 and name not in ("add", "expect"):
        lines.append(f"r1: u64 = const {numbers[1]}")
    if name in _SHAPES:
        return [*lines, _SHAPES[name]], block
    lines.append("r1: u64 = load r0")
    if name == "add":
        lines += [f"r2: u64 = const {numbers[1]}", "r1: u64 = add r1, r2", "store r0, r1"]
    elif name == "expect":
        lines += [f"r2: u64 = const {numbers[1]}", "r5: i32 = eq r1, r2"]
        lines += [f"branch r5, {block + 2}, {block + 1}", f"block {block + 1}"]
        lines += [_SHAPES["fail"], f"jump {block + 2}", f"block {block + 2}"]
        block += 2
    else:
        assert name in ("free", "poke"), name
        lines.append("intrinsic sim_free(r1)" if name == "free" else "store r1, r8")
    return lines, block
