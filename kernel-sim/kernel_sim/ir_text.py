"""A `Program` as text that people can read and write: one function, block, step a line.

    address worker
    global counter 0x10000000 rw "fs/a.c" size 8 = 05
    function add "fs/a.c" 10 parameters 2 returns i32 frame 0
      registers i32 i32 i32
      block 0
        r2: i32 = add r0, r1 ;11
        return r2 ;12

The number after ";" is the line in the function's file. An image is written without the zeros at
its end. Names that are not plain words, paths and reasons are JSON strings. "#" starts a comment
line. `parse_program(render_program(program)) == program`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

from kernel_sim import ir

UNARY: Final = frozenset({"neg", "not"})
ARITHMETIC: Final = frozenset({"add", "sub", "mul", "div", "mod", "and", "or", "xor"})
SHIFTS: Final = frozenset({"shl", "shr"})
COMPARISONS: Final = frozenset({"eq", "ne", "lt", "le", "gt", "ge"})
BINARY: Final = ARITHMETIC | SHIFTS | COMPARISONS
TYPES: Final = {
    f"{'i' if signed else 'u'}{bits}": ir.Type(bits, signed)
    for bits in (8, 16, 32, 64)
    for signed in (True, False)
}

_WORD = re.compile(r"[A-Za-z_.$@][\w.$@]*", re.ASCII)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?[\w.$@]+|[^\s]')
_T = TypeVar("_T")


class TextError(ValueError):
    """The text is no program, or the program has no text; the message has the line."""


def type_name(kind: ir.Type) -> str:
    """Name a type: `i32` for a signed 32-bit integer."""
    return f"{'i' if kind.signed else 'u'}{kind.bits}"


# ---------------------------------------------------------------- rendering


def render_program(program: ir.Program) -> str:
    """Return the program as text, ending in a newline; raises TextError if it cannot be exact."""
    lines = [f"address {_name(name)}" for name in program.addresses]
    lines += [_global(entry) for entry in program.globals]
    for key, function in program.functions.items():
        if key != function.name:
            raise TextError(f"function {function.name} is filed as {key}")
        lines += _function(function)
    return "".join(f"{line}\n" for line in lines)


def _name(text: str) -> str:
    return text if _WORD.fullmatch(text) else json.dumps(text)


def _global(entry: ir.Global) -> str:
    access = "rw" if entry.writable else "ro"
    start = entry.image.rstrip(b"\0").hex()
    head = f"global {_name(entry.name)} {entry.address:#x} {access} {json.dumps(entry.path)}"
    return f"{head} size {len(entry.image)}" + (f" = {start}" if start else "")


def _function(function: ir.Function) -> Iterator[str]:
    returns = type_name(function.returns) if function.returns else "void"
    head = f"function {_name(function.name)} {json.dumps(function.path)} {function.line}"
    yield (
        f"{head} parameters {function.parameters} returns {returns} frame {function.frame}"
        + (" variadic" if function.variadic else "")
    )
    yield " ".join(["  registers", *map(type_name, function.registers)])
    for number, block in enumerate(function.blocks):
        yield f"  block {number}"
        texts = [_step(step, function) for step in block.steps] + [_end(block.end)]
        if len(block.lines) > len(texts):
            raise TextError(f"{function.name}: block {number} has more lines than steps")
        for place, text in enumerate(texts):
            yield f"    {text}" + (f" ;{block.lines[place]}" if place < len(block.lines) else "")


def _result(dst: ir.Register | None, function: ir.Function) -> str:
    if dst is None:
        return ""
    if not 0 <= dst < len(function.registers):
        raise TextError(f"{function.name}: there is no register {dst}")
    return f"r{dst}: {type_name(function.registers[dst])} = "


def _list(registers: tuple[ir.Register, ...]) -> str:
    return ", ".join(f"r{register}" for register in registers)


def _step(step: ir.Step, function: ir.Function) -> str:
    match step:
        case ir.Store(address, src):
            return f"store r{address}, r{src}"
        case ir.Unknown(reason):
            return f"unknown {json.dumps(reason)}"
        case _:
            return _result(step.dst, function) + _operation(step)


def _operation(
    step: ir.Const
    | ir.Move
    | ir.Unary
    | ir.Binary
    | ir.Load
    | ir.Slot
    | ir.Call
    | ir.CallPointer
    | ir.Intrinsic,
) -> str:
    match step:
        case ir.Const(_, value):
            return f"const {value}"
        case ir.Move(_, src):
            return f"move r{src}"
        case ir.Unary(_, op, src):
            return f"{op} r{src}"
        case ir.Binary(_, op, left, right):
            return f"{op} r{left}, r{right}"
        case ir.Load(_, address):
            return f"load r{address}"
        case ir.Slot(_, offset):
            return f"slot {offset}"
        case ir.Call(_, name, args):
            return f"call {_name(name)}({_list(args)})"
        case ir.CallPointer(_, address, args):
            return f"call *r{address}({_list(args)})"
        case ir.Intrinsic(_, name, args):
            return f"intrinsic {_name(name)}({_list(args)})"


def _end(end: ir.End | None) -> str:
    match end:
        case None:
            return "unfinished"
        case ir.Jump(block):
            return f"jump {block}"
        case ir.Branch(condition, then, other):
            return f"branch r{condition}, {then}, {other}"
        case ir.Switch(value, cases, default):
            return f"switch r{value}, " + "".join(f"{v}: {b}, " for v, b in cases) + f"*: {default}"
        case ir.Return(None):
            return "return"
        case ir.Return(value):
            return f"return r{value}"


# ---------------------------------------------------------------- parsing


@dataclass(slots=True)
class _Line:
    """The tokens of one line, taken from the front."""

    number: int
    tokens: list[str]
    place: int = 0

    def error(self, text: str) -> TextError:
        return TextError(f"line {self.number}: {text}")

    def peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        if not token:
            raise self.error("the line ends too early")
        self.place += 1
        return token

    def expect(self, *wanted: str) -> None:
        for word in wanted:
            token = self.take()
            if token != word:
                raise self.error(f"{word!r} expected, not {token!r}")

    def accept(self, word: str) -> bool:
        if self.peek() != word:
            return False
        self.place += 1
        return True

    def convert(self, function: Callable[[str], _T], what: str) -> _T:
        token = self.take()
        try:
            return function(token)
        except (ValueError, KeyError, TypeError):
            raise self.error(f"{token!r} is no {what}") from None

    def integer(self) -> int:
        return self.convert(lambda token: int(token, 0), "number")

    def register(self) -> ir.Register:
        return self.convert(_register_number, "register")

    def kind(self) -> ir.Type:
        return self.convert(TYPES.__getitem__, "type")

    def string(self) -> str:
        return self.convert(_unquote, "string")

    def name(self) -> str:
        return self.string() if self.peek().startswith('"') else self.take()

    def registers(self) -> tuple[ir.Register, ...]:
        found: list[ir.Register] = []
        self.expect("(")
        while not self.accept(")"):
            if found:
                self.expect(",")
            found.append(self.register())
        return tuple(found)

    def close(self) -> None:
        if self.peek():
            raise self.error(f"{self.peek()!r} was not expected")


def _register_number(token: str) -> int:
    if not re.fullmatch(r"r\d+", token, re.ASCII):
        raise ValueError(token)
    return int(token[1:])


def _unquote(token: str) -> str:
    text = json.loads(token)
    if not isinstance(text, str):
        raise ValueError(token)
    return text


def parse_program(text: str) -> ir.Program:
    """Return the program that the text describes; raises TextError where it is none."""
    program = ir.Program()
    function: ir.Function | None = None
    for number, raw in enumerate(text.split("\n"), 1):
        line = _Line(number, _TOKEN.findall(raw))
        head = line.peek()
        if head in ("", "#"):
            continue
        if head == "function":
            function = _parse_function(line)
            if function.name in program.functions:
                raise line.error(f"function {function.name} stands there twice")
            program.functions[function.name] = function
        elif head == "address":
            line.expect("address")
            program.addresses.append(line.name())
        elif head == "global":
            program.globals.append(_parse_global(line))
        elif function is None:
            raise line.error(f"{head!r} outside a function")
        else:
            _parse_body(line, function)
        line.close()
    return program


def _parse_global(line: _Line) -> ir.Global:
    line.expect("global")
    name, address, access = line.name(), line.integer(), line.take()
    if access not in ("rw", "ro"):
        raise line.error(f"'rw' or 'ro' expected, not {access!r}")
    path = line.string()
    line.expect("size")
    size = line.integer()
    start = line.convert(bytes.fromhex, "image") if line.accept("=") else b""
    if size < len(start):
        raise line.error("the image is longer than its size")
    return ir.Global(name, address, start.ljust(size, b"\0"), path, access == "rw")


def _parse_function(line: _Line) -> ir.Function:
    line.expect("function")
    name, path, number = line.name(), line.string(), line.integer()
    line.expect("parameters")
    parameters = line.integer()
    line.expect("returns")
    returns = None if line.accept("void") else line.kind()
    line.expect("frame")
    frame = line.integer()
    return ir.Function(
        name, path, number, parameters, returns, line.accept("variadic"), frame=frame
    )


def _parse_body(line: _Line, function: ir.Function) -> None:
    if line.accept("registers"):
        while line.peek():
            function.registers.append(line.kind())
    elif line.accept("block"):
        if line.integer() != len(function.blocks):
            raise line.error(f"block {len(function.blocks)} expected")
        function.blocks.append(ir.Block())
    elif not function.blocks:
        raise line.error("a step before the first block")
    else:
        _parse_line(line, function)


def _parse_line(line: _Line, function: ir.Function) -> None:
    block = function.blocks[-1]
    if block.end is not None:
        raise line.error("a step after the block's end")
    head = line.peek()
    if head in _ENDS:
        line.take()
        block.end = _ENDS[head](line)
    elif head != "unfinished":
        block.steps.append(_parse_step(line, function))
    else:
        line.take()
    if line.accept(";"):
        is_step = head != "unfinished" and head not in _ENDS
        if len(block.lines) != len(block.steps) - is_step:
            raise line.error("a line number after a step without one")
        block.lines.append(line.integer())


def _parse_switch(line: _Line) -> ir.Switch:
    value = line.register()
    cases: list[tuple[int, int]] = []
    line.expect(",")
    while not line.accept("*"):
        case = line.integer()
        line.expect(":")
        cases.append((case, line.integer()))
        line.expect(",")
    line.expect(":")
    return ir.Switch(value, tuple(cases), line.integer())


def _parse_branch(line: _Line) -> ir.Branch:
    condition = line.register()
    line.expect(",")
    then = line.integer()
    line.expect(",")
    return ir.Branch(condition, then, line.integer())


def _parse_return(line: _Line) -> ir.Return:
    return ir.Return(line.register() if line.peek() not in ("", ";") else None)


_ENDS: dict[str, Callable[[_Line], ir.End]] = {
    "jump": lambda line: ir.Jump(line.integer()),
    "branch": _parse_branch,
    "switch": _parse_switch,
    "return": _parse_return,
}


def _parse_step(line: _Line, function: ir.Function) -> ir.Step:
    word = line.take()
    if word == "store":
        address = line.register()
        line.expect(",")
        return ir.Store(address, line.register())
    if word == "unknown":
        return ir.Unknown(line.string())
    if word in ("call", "intrinsic"):
        return _parse_call(line, word, None)
    line.place -= 1
    return _parse_value(line, _parse_result(line, function))


def _parse_result(line: _Line, function: ir.Function) -> ir.Register:
    dst = line.register()
    line.expect(":")
    kind = line.kind()
    if dst >= len(function.registers) or function.registers[dst] != kind:
        raise line.error(f"r{dst} is no register of type {type_name(kind)}")
    line.expect("=")
    return dst


def _parse_call(line: _Line, word: str, dst: ir.Register | None) -> ir.Step:
    if word == "intrinsic":
        return ir.Intrinsic(dst, line.name(), line.registers())
    if line.accept("*"):
        return ir.CallPointer(dst, line.register(), line.registers())
    return ir.Call(dst, line.name(), line.registers())


def _parse_value(line: _Line, dst: ir.Register) -> ir.Step:
    word = line.take()
    if word in ("call", "intrinsic"):
        return _parse_call(line, word, dst)
    if word == "const":
        return ir.Const(dst, line.integer())
    if word == "slot":
        return ir.Slot(dst, line.integer())
    if word not in BINARY | UNARY | {"move", "load"}:
        raise line.error(f"{word!r} is no operation")
    first = line.register()
    if word in BINARY:
        line.expect(",")
        return ir.Binary(dst, word, first, line.register())
    if word in UNARY:
        return ir.Unary(dst, word, first)
    return ir.Move(dst, first) if word == "move" else ir.Load(dst, first)
