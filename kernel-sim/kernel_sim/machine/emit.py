"""A `Program` as C and assembler: what the native engine compiles and links with its runtime.

Registers become locals of exact width, blocks become labels, calls become C calls with unsigned
64-bit arguments. Every step that can fail, and every access, carries a site: the number of a place
(function and line) in the table `sim_sites`.

Functions are written in parts, by the file that they are from, each for a compiler run of its own.
A part names functions, sites and addresses by symbols, whose values `kernel_sim.machine.tables`
gives: so its text stays as it is when another part changes, and its object can be kept.
"""

from __future__ import annotations

import bisect
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from kernel_sim import ir
from kernel_sim.machine.runtime import MAX_DEPTH
from kernel_sim.machine.tables import c_string, name_globals, render_tables, symbol

_OPERATORS: Final = {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "and": "&",
    "or": "|",
    "xor": "^",
    "eq": "==",
    "ne": "!=",
    "lt": "<",
    "le": "<=",
    "gt": ">",
    "ge": ">=",
}


_HEADER_PARTS: Final = 8
"""In so many parts go the functions of headers."""
_MODEL: Final = "<sim>/model/"


@dataclass(frozen=True, slots=True)
class Emitted:
    """C texts for `gcc -fwrapv` and the runtime's `sim.h`, and an assembler text with tables."""

    parts: tuple[str, ...]
    tables: str


def emit(program: ir.Program, setup: str = "setup", check: str | None = "check") -> Emitted:
    """Return the texts of a program.

    `setup` and `check` (None for no check) are functions that take nothing. Raises `ValueError`
    where they do not, where a global does not fit into memory, and for an unknown operation.
    """
    for name in filter(None, (setup, check)):
        if name not in program.functions or program.functions[name].parameters:
            raise ValueError(f"the program has no function {name}()")
    _check_globals(program.globals)
    addresses = _Addresses(program)
    texts = [_text_of(program, addresses, each) for each in program.functions.values()]
    groups: dict[str, list[_FunctionText]] = {}
    for text in texts:
        groups.setdefault(_part_of(text.function.path), []).append(text)
    parts = tuple(_part(program, group) for _, group in sorted(groups.items()))
    sites = {text.function.name: list(text.lines_seen) for text in texts}
    return Emitted(parts, render_tables(program, sites, {"setup": setup, "check": check}))


def _check_globals(globals_: Sequence[ir.Global]) -> None:
    end = ir.GLOBALS
    for entry in sorted(globals_, key=lambda entry: entry.address):
        stop = entry.address + len(entry.image)
        if entry.address < ir.GLOBALS or stop > ir.STACKS:
            raise ValueError(f"global {entry.name} does not fit into memory")
        if entry.image and entry.address < end:
            raise ValueError(f"global {entry.name} stands on another one")
        end = max(end, stop)


def _part_of(path: str) -> str:
    if path.endswith(".c") or path.startswith(_MODEL):
        return path  # what scenarios include is not together with what they share
    return f"{zlib.crc32(path.encode()) % _HEADER_PARTS}"


def _part(program: ir.Program, group: Sequence[_FunctionText]) -> str:
    # By name: in what order functions are reached changes with the tree.
    group = sorted(group, key=lambda text: text.function.name)
    bodies = [line for text in group for line in text.lines]
    symbols = sorted(set().union(*(text.symbols for text in group)))
    # Weak, so that nothing is concluded from two of them being different objects.
    known = (f"extern const u8 {name}[] __attribute__((weak));" for name in symbols)
    called = sorted({text.function.name for text in group}.union(*(t.called for t in group)))
    headers = (f"{_header(program.functions[name])};" for name in called)
    return "\n".join(['#include "sim.h"', *known, *headers, *bodies, ""])


def _header(function: ir.Function) -> str:
    names = ", ".join(f"u64 a{index}" for index in range(function.parameters)) or "void"
    return f"__attribute__((noinline)) u64 {symbol('f', function.name)}({names})"


class _Addresses:
    """Finds the symbols of addresses among constants.

    A number that is an address by chance gets a symbol too: its value is the same.
    """

    def __init__(self, program: ir.Program) -> None:
        named = sorted(zip(program.globals, name_globals(program), strict=True), key=_address)
        self.starts = [entry.address for entry, _ in named]
        self.ends = [entry.address + len(entry.image) + _BEHIND for entry, _ in named]
        self.names = [name for _, name in named]
        self.functions = [symbol("a", name) for name in program.addresses]

    def find(self, value: int) -> tuple[str, int] | None:
        """Return a symbol and what has to be added to it, or None."""
        if ir.GLOBALS <= value < ir.STACKS:
            at = bisect.bisect_right(self.starts, value) - 1
            if at >= 0 and value < self.ends[at]:
                return self.names[at], value - self.starts[at]
        number, rest = divmod(value - ir.FUNCTIONS, ir.FUNCTION_STRIDE)
        if rest == 0 and 0 <= number < len(self.functions):
            return self.functions[number], 0
        return None


_BEHIND: Final = 8
"""Bytes behind a variable that are named by it: pointers may point there."""


def _address(named: tuple[ir.Global, str]) -> int:
    return named[0].address


class _FunctionText:
    """The C text of one function, and what it names.

    `constants` and `parameters` are what was found out about its constants and what it calls.
    """

    def __init__(self, program: ir.Program, addresses: _Addresses, function: ir.Function) -> None:
        self.program = program
        self.addresses = addresses
        self.function = function
        self.sites = symbol("s", function.name)
        self.lines_seen: dict[int, int] = {}
        self.symbols = {self.sites}
        self.called: set[str] = set()
        self.constants: dict[int, tuple[str, int] | None] = {}
        self.parameters: dict[str, int | None] = {}
        self.lines = tuple(self._lines())
        del self.program, self.addresses  # a text that is kept keeps none of them

    def fits(self, program: ir.Program, addresses: _Addresses) -> bool:
        """Tell whether the text would be the same in this program."""
        return all(
            found == addresses.find(value) for value, found in self.constants.items()
        ) and all(wanted == _parameters(program, name) for name, wanted in self.parameters.items())

    def _lines(self) -> Iterator[str]:
        function = self.function
        yield _header(function)
        yield "{"
        for number, register in enumerate(function.registers):
            start = f"({c_type(register)})a{number}" if number < function.parameters else "0"
            yield f"{c_type(register)} r{number} = {start};"
        entry = self.site(function.line)
        yield f"if (unlikely(++sim_depth > {MAX_DEPTH}u)) sim_too_deep({entry});"
        yield f"sim_ran[{entry}] = 1;"
        if function.frame:
            yield f"u64 frame = sim_frame({function.frame}, {entry});"
        for number, block in enumerate(function.blocks):
            yield from self._block(number, block)
        if not function.blocks:
            text = f"function {function.name} has no body"
            yield f"sim_unknown({c_string(text)}, {entry});"
        yield "}"

    def site(self, line: int) -> str:
        number = self.lines_seen.setdefault(line, len(self.lines_seen))
        return f"(u32)(u64)({self.sites} + {number})"

    def _block(self, number: int, block: ir.Block) -> Iterator[str]:
        lines = [*block.lines, *[self.function.line] * (len(block.steps) + 1 - len(block.lines))]
        yield f"b{number}:;"
        count, first = len(block.steps) + 1, self.site(lines[0])
        yield f"if (unlikely((sim_steps += {count}) > sim_step_limit)) sim_endless({first});"
        for line in dict.fromkeys(lines):
            yield f"sim_ran[{self.site(line)}] = 1;"
        for step, line in zip(block.steps, lines, strict=False):
            yield self._step(step, self.site(line))
        yield from self._end(block.end, self.site(lines[len(block.steps)]))

    def _step(self, step: ir.Step, site: str) -> str:
        match step:
            case ir.Const(dst, value):
                return self._set(dst, self._constant(value))
            case ir.Move(dst, src):
                return self._set(dst, f"r{src}")
            case ir.Unary(dst, op, src):
                return self._set(dst, f"{ {'neg': '0 -', 'not': '~'}[op] } r{src}")
            case ir.Binary(dst, op, left, right):
                return self._set(dst, self._binary(op, left, right, site))
            case ir.Load(dst, address):
                bits = self.function.registers[dst].bits
                return self._set(dst, f"sim_load{bits}(r{address}, {site})")
            case ir.Store(address, src):
                bits = self.function.registers[src].bits
                return f"sim_store{bits}(r{address}, r{src}, {site});"
            case ir.Slot(dst, offset):
                base = "frame" if self.function.frame else "sim_stack_next"
                return self._set(dst, f"{base} + {offset}")
            case ir.Unknown(reason):
                return f"sim_unknown({c_string(reason)}, {site});"
        return self._calls(step, site)

    def _calls(self, step: ir.Step, site: str) -> str:
        match step:
            case ir.Call(dst, name, args):
                return self._direct(dst, name, args, site)
            case ir.CallPointer(dst, address, args):
                types = ", ".join(["u64"] * len(args)) or "void"
                callee = f"((u64 (*)({types}))sim_callee(r{address}, {len(args)}, {site}))"
                return self._result(dst, f"{callee}({_arguments(args)})")
            case ir.Intrinsic(dst, name, args):
                return self._intrinsic(dst, name, args, site)
        raise ValueError(f"{self.function.name}: a step that the engine does not know: {step}")

    def _direct(self, dst: int | None, name: str, args: Sequence[int], site: str) -> str:
        wanted = self.parameters[name] = _parameters(self.program, name)
        if wanted is None:
            return f"sim_unknown({c_string(f'function {name} does not exist')}, {site});"
        if len(args) < wanted:
            text = f"{name} takes {wanted} arguments, not {len(args)}"
            return f'sim_failure("wild call", {c_string(text)}, {site});'
        self.called.add(name)
        return self._result(dst, f"{symbol('f', name)}({_arguments(args[:wanted])})")

    def _intrinsic(self, dst: int | None, name: str, args: Sequence[int], site: str) -> str:
        signature = ir.INTRINSICS.get(name)
        if signature is None or signature.arguments != len(args):
            text = f"intrinsic {name} of {len(args)} arguments"
            return f"sim_unknown({c_string(text)}, {site});"
        words = ", ".join([*(f"(u64)r{arg}" for arg in args), site])
        return self._result(dst, f"{name}({words})")

    def _result(self, dst: int | None, value: str) -> str:
        return f"{value};" if dst is None else self._set(dst, value)

    def _set(self, dst: int, value: str) -> str:
        return f"r{dst} = ({c_type(self.function.registers[dst])})({value});"

    def _constant(self, value: int) -> str:
        found = self.constants[value] = self.addresses.find(value)
        if found is None:
            return _literal(value)
        name, offset = found
        self.symbols.add(name)
        return f"(u64)({name} + {offset})"

    def _binary(self, op: str, left: int, right: int, site: str) -> str:
        kind = self.function.registers[left]
        if op in ("div", "mod"):
            return f"sim_{op}_{c_type(kind)}(r{left}, r{right}, {site})"
        if op in ("shl", "shr"):
            sign = "<<" if op == "shl" else ">>"
            return f"r{left} {sign} (r{right} & {kind.bits - 1})"
        if op == "mul" and kind.bits < 32:
            return f"(u32)r{left} * (u32)r{right}"
        if op not in _OPERATORS:
            raise ValueError(f"{self.function.name}: no operation {op}")
        return f"r{left} {_OPERATORS[op]} r{right}"

    def _end(self, end: ir.End | None, site: str) -> Iterator[str]:
        match end:
            case None:
                text = f"a block of {self.function.name} has no end"
                yield f"sim_unknown({c_string(text)}, {site});"
            case ir.Jump(block):
                yield f"goto b{block};"
            case ir.Branch(condition, then, other):
                yield f"if (r{condition}) goto b{then}; else goto b{other};"
            case ir.Switch(value, cases, default):
                yield f"switch (r{value}) {{"
                kind = c_type(self.function.registers[value])
                for case, block in dict(reversed(cases)).items():
                    yield f"case ({kind}){_literal(case)}: goto b{block};"
                yield f"default: goto b{default};}}"
            case ir.Return(value):
                yield from self._return(value)

    def _return(self, value: int | None) -> Iterator[str]:
        if self.function.frame:
            yield f"sim_unframe(frame, {self.function.frame});"
        yield "sim_depth--;"
        kind = self.function.returns
        result = "0" if value is None or kind is None else f"(u64)({c_type(kind)})r{value}"
        yield f"return {result};"


def _parameters(program: ir.Program, name: str) -> int | None:
    function = program.functions.get(name)
    return None if function is None else function.parameters


_KEPT: Final = 10_000
_texts: dict[int, _FunctionText] = {}
"""By the function's id: programs of one tree have most of their functions in common."""


def _text_of(program: ir.Program, addresses: _Addresses, function: ir.Function) -> _FunctionText:
    kept = _texts.get(id(function))
    if kept is not None and kept.function is function and kept.fits(program, addresses):
        return kept
    if len(_texts) >= _KEPT:
        _texts.clear()
    text = _texts[id(function)] = _FunctionText(program, addresses, function)
    return text


def c_type(kind: ir.Type) -> str:
    """The name that `sim.h` gives to a type: u8 .. i64."""
    return f"{'i' if kind.signed else 'u'}{kind.bits}"


def _literal(value: int) -> str:
    return f"{value & (1 << 64) - 1:#x}ULL"


def _arguments(args: Sequence[int]) -> str:
    return ", ".join(f"(u64)r{arg}" for arg in args)
