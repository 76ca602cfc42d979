"""A `Program` as one C file: what the native engine compiles and links with its runtime.

Registers become locals of exact width, blocks become labels, calls become C calls with unsigned
64-bit arguments. Every step that can fail, and every access, carries a site: the number of a place
(function and line) in the table `sim_sites`. The text depends on the program alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from kernel_sim import ir
from kernel_sim.machine.runtime import MAX_DEPTH

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


def emit(program: ir.Program, setup: str = "setup", check: str | None = "check") -> str:
    """Return the C text of a program, for `gcc -fwrapv` and the runtime's `sim.h`.

    `setup` and `check` (None for no check) are functions that take nothing. Raises `ValueError`
    where they do not, where a global does not fit into memory, and for an unknown operation.
    """
    for name in filter(None, (setup, check)):
        if name not in program.functions or program.functions[name].parameters:
            raise ValueError(f"the program has no function {name}()")
    _check_globals(program.globals)
    return _Emitter(program, setup, check).text()


def _check_globals(globals_: Sequence[ir.Global]) -> None:
    end = ir.GLOBALS
    for entry in sorted(globals_, key=lambda entry: entry.address):
        stop = entry.address + len(entry.image)
        if entry.address < ir.GLOBALS or stop > ir.STACKS:
            raise ValueError(f"global {entry.name} does not fit into memory")
        if entry.image and entry.address < end:
            raise ValueError(f"global {entry.name} stands on another one")
        end = max(end, stop)


class _Emitter:
    """Numbers functions and sites, and writes the parts of the file in order."""

    def __init__(self, program: ir.Program, setup: str, check: str | None) -> None:
        self.program = program
        self.ends = {"setup": setup, "check": check}
        self.numbers = {name: number for number, name in enumerate(program.functions)}
        self.sites: dict[tuple[int, int], int] = {}

    def text(self) -> str:
        bodies = [
            line
            for function in self.program.functions.values()
            for line in _FunctionText(self, function).lines()
        ]
        parts = ['#include "sim.h"', *self._prototypes(), *bodies, *self._tables()]
        return "\n".join(parts) + "\n"

    def site(self, function: int, line: int) -> int:
        """The number of a place in the program's source."""
        return self.sites.setdefault((function, line), len(self.sites))

    def _prototypes(self) -> Iterator[str]:
        for function in self.program.functions.values():
            yield _header(self.numbers[function.name], function.parameters) + ";"

    def _tables(self) -> Iterator[str]:
        functions = self.program.functions
        yield "const struct sim_function sim_functions[] = {"
        for number, function in enumerate(functions.values()):
            words = f"{c_string(function.name)}, {c_string(function.path)}, {function.line}"
            yield f"{{{words}, {function.parameters}, (u64 (*)(void))f{number}}},"
        yield "{0}};"
        yield "const struct sim_site sim_sites[] = {"
        yield from (f"{{{function}, {line}}}," for function, line in self.sites)
        yield "{0}};"
        yield from self._global_tables()
        yield "const u32 sim_addresses[] = {"
        yield from (f"{self.numbers.get(name, 'SIM_NONE')}," for name in self.program.addresses)
        yield "0};"
        counts = {
            "function": len(functions),
            "site": len(self.sites),
            "global": len(self.program.globals),
            "address": len(self.program.addresses),
        }
        yield from (f"const u32 sim_{name}_count = {count};" for name, count in counts.items())
        yield f"const u32 sim_depth_limit = {MAX_DEPTH};"
        for role, name in self.ends.items():
            value = "SIM_NONE" if name is None else str(self.numbers[name])
            yield f"const u32 sim_{role} = {value};"

    def _global_tables(self) -> Iterator[str]:
        globals_ = self.program.globals
        images = [item.image.rstrip(b"\0") for item in globals_]
        for number, image in enumerate(images):
            if image:
                yield f"static const u8 image{number}[] = {{{','.join(map(str, image))}}};"
        yield "const struct sim_global sim_globals[] = {"
        for number, (item, image) in enumerate(zip(globals_, images, strict=True)):
            where = f"image{number}" if image else "0"
            size = len(item.image)
            yield f"{{{item.address}u, {size}u, {where}, {len(image)}u, {int(item.writable)}}},"
        yield "{0}};"


def _header(number: int, parameters: int) -> str:
    names = ", ".join(f"u64 a{index}" for index in range(parameters)) or "void"
    return f"static __attribute__((noinline)) u64 f{number}({names})"


class _FunctionText:
    """The C text of one function."""

    def __init__(self, owner: _Emitter, function: ir.Function) -> None:
        self.owner = owner
        self.function = function
        self.number = owner.numbers[function.name]

    def lines(self) -> Iterator[str]:
        function = self.function
        yield _header(self.number, function.parameters)
        yield "{"
        for number, register in enumerate(function.registers):
            start = f"({c_type(register)})a{number}" if number < function.parameters else "0"
            yield f"{c_type(register)} r{number} = {start};"
        entry = self.site(function.line)
        yield f"if (unlikely(++sim_depth > {MAX_DEPTH}u)) sim_too_deep({entry});"
        if function.frame:
            yield f"u64 frame = sim_frame({function.frame}, {entry});"
        for number, block in enumerate(function.blocks):
            yield from self._block(number, block)
        if not function.blocks:
            text = f"function {function.name} has no body"
            yield f"sim_unknown({c_string(text)}, {entry});"
        yield "}"

    def site(self, line: int) -> int:
        return self.owner.site(self.number, line)

    def _block(self, number: int, block: ir.Block) -> Iterator[str]:
        lines = [*block.lines, *[self.function.line] * (len(block.steps) + 1 - len(block.lines))]
        yield f"b{number}:;"
        count, first = len(block.steps) + 1, self.site(lines[0])
        yield f"if (unlikely((sim_steps += {count}) > sim_step_limit)) sim_endless({first});"
        for step, line in zip(block.steps, lines, strict=False):
            yield self._step(step, self.site(line))
        yield from self._end(block.end, self.site(lines[len(block.steps)]))

    def _step(self, step: ir.Step, site: int) -> str:
        match step:
            case ir.Const(dst, value):
                return self._set(dst, _literal(value))
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

    def _calls(self, step: ir.Step, site: int) -> str:
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

    def _direct(self, dst: int | None, name: str, args: Sequence[int], site: int) -> str:
        if name not in self.owner.numbers:
            return f"sim_unknown({c_string(f'function {name} does not exist')}, {site});"
        wanted = self.owner.program.functions[name].parameters
        if len(args) < wanted:
            text = f"{name} takes {wanted} arguments, not {len(args)}"
            return f'sim_failure("wild call", {c_string(text)}, {site});'
        return self._result(dst, f"f{self.owner.numbers[name]}({_arguments(args[:wanted])})")

    def _intrinsic(self, dst: int | None, name: str, args: Sequence[int], site: int) -> str:
        signature = ir.INTRINSICS.get(name)
        if signature is None or signature.arguments != len(args):
            text = f"intrinsic {name} of {len(args)} arguments"
            return f"sim_unknown({c_string(text)}, {site});"
        words = ", ".join([*(f"(u64)r{arg}" for arg in args), str(site)])
        return self._result(dst, f"{name}({words})")

    def _result(self, dst: int | None, value: str) -> str:
        return f"{value};" if dst is None else self._set(dst, value)

    def _set(self, dst: int, value: str) -> str:
        return f"r{dst} = ({c_type(self.function.registers[dst])})({value});"

    def _binary(self, op: str, left: int, right: int, site: int) -> str:
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

    def _end(self, end: ir.End | None, site: int) -> Iterator[str]:
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


def c_type(kind: ir.Type) -> str:
    """The name that `sim.h` gives to a type: u8 .. i64."""
    return f"{'i' if kind.signed else 'u'}{kind.bits}"


def c_string(text: str) -> str:
    """A C string literal of the text's UTF-8 bytes, whatever they are."""
    safe = "".join(
        chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\?' else f"\\{byte:03o}"
        for byte in text.encode("utf-8", "replace")
    )
    return f'"{safe}"'


def _literal(value: int) -> str:
    return f"{value & (1 << 64) - 1:#x}ULL"


def _arguments(args: Sequence[int]) -> str:
    return ", ".join(f"(u64)r{arg}" for arg in args)
