"""Functions of a `Program` as Python source.

Registers are locals. A block that is reached from one place is put there; the others are numbered
states of one loop. Parameters come after `d`, the number of calls open; a void function returns 0.
Steps are counted by blocks: entering one counts its steps and its end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from kernel_sim import ir
from kernel_sim.ir_text import ARITHMETIC, COMPARISONS, type_name
from kernel_sim.machine.runtime import MAX_DEPTH, Site

INLINE_DEPTH: Final = 40
_SYMBOLS: Final = {
    "add": "+", "sub": "-", "mul": "*", "and": "&", "or": "|", "xor": "^", "shl": "<<", "shr": ">>",
    "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "div": "//", "mod": "%",
}  # fmt: skip
_STAY_IN_RANGE: Final = frozenset({"and", "or", "xor", "shr"})


def wrapped(text: str, kind: ir.Type) -> str:
    """Return an expression that brings another one into a type's range."""
    mask = (1 << kind.bits) - 1
    if not kind.signed:
        return f"({text}) & {mask:#x}"
    half = 1 << (kind.bits - 1)
    return f"((({text}) & {mask:#x}) ^ {half:#x}) - {half:#x}"


def converted(text: str, source: ir.Type, target: ir.Type) -> str:
    """Return an expression that converts a value of one type to another."""
    if source == target or (source.bits < target.bits and (target.signed or not source.signed)):
        return text
    return wrapped(text, target)


def successors(end: ir.End | None) -> tuple[int, ...]:
    """Return the blocks that may follow, in order, repetitions too."""
    match end:
        case ir.Jump(block):
            return (block,)
        case ir.Branch(_, then, other):
            return (then, other)
        case ir.Switch(_, cases, default):
            return (*(block for _, block in cases), default)
        case _:
            return ()


@dataclass(slots=True)
class Sites:
    """The places of steps, numbered."""

    places: list[Site] = field(default_factory=list)
    _numbers: dict[Site, int] = field(default_factory=dict)

    def number(self, function: ir.Function, line: int) -> int:
        """Return the number of a place in a function."""
        site = (function.name, function.path, line)
        if site not in self._numbers:
            self._numbers[site] = len(self.places)
            self.places.append(site)
        return self._numbers[site]


class Translator:
    """Translates the functions of one program; `tables` are the jump tables of its source.

    With `calls`, every function tells `called` its depth and place when it begins.
    """

    def __init__(self, program: ir.Program, *, calls: bool = False) -> None:
        self.program = program
        self.calls = calls
        self.sites = Sites()
        self.names = {name: f"f{number}" for number, name in enumerate(program.functions)}
        self.tables: dict[str, dict[int, int]] = {}

    def source(self) -> str:
        """Return Python source that defines every function under its name in `names`."""
        lines: list[str] = []
        for function in self.program.functions.values():
            lines += _Body(self, function).lines()
        return "\n".join(lines) + "\n"


class _Body:
    """The source of one function."""

    def __init__(self, owner: Translator, function: ir.Function) -> None:
        self.owner = owner
        self.function = function
        self.registers = function.registers
        ends = (successors(block.end) for block in function.blocks)
        self.entries = Counter(target for targets in ends for target in targets)
        self.heads = [0]
        self._known = {0}

    def site(self, line: int) -> int:
        return self.owner.sites.number(self.function, line)

    # ------------------------------------------------------------ the frame of the function

    def lines(self) -> Iterator[str]:
        function = self.function
        site = self.site(function.line)
        parameters = "".join(f", r{n}" for n in range(function.parameters))
        yield f"def {self.owner.names[function.name]}(d{parameters}):"
        yield f" if d > {MAX_DEPTH}: too_deep({site})"
        yield f" R[{site}] = 1"
        if self.owner.calls:
            yield f" called(d, {site})"
        early = sorted(self._read_early())
        if early:
            yield " " + " = ".join(f"r{n}" for n in early) + " = 0"
        if function.frame:
            yield f" sp = enter({function.frame}, {site})"
        if not function.blocks:
            yield f" unanswered('function {function.name} has no body', {site})"
            return
        yield from self._states()

    def _states(self) -> Iterator[str]:
        bodies: list[tuple[int, list[str]]] = []
        for head in self.heads:
            bodies.append((head, list(self._block(head, 0))))
        if len(bodies) == 1 and not self.entries[0]:
            yield from (f" {line}" for line in bodies[0][1])
            return
        yield " b = 0"
        yield " while True:"
        yield from (f"  {line}" for line in _dispatch(sorted(bodies)))

    def _read_early(self) -> set[int]:
        """Return the registers that some block reads before it has written them."""
        found: set[int] = set()
        for block in self.function.blocks:
            written: set[int] = set()
            for step in block.steps:
                found |= set(_operands(step)) - written
                if not isinstance(step, ir.Store | ir.Unknown) and step.dst is not None:
                    written.add(step.dst)
            found |= set(_end_operands(block.end)) - written
        return {n for n in found if n >= self.function.parameters}

    # ------------------------------------------------------------ blocks

    def _block(self, number: int, depth: int) -> Iterator[str]:
        block = self.function.blocks[number]
        lines = block.lines + [self.function.line] * (len(block.steps) + 1 - len(block.lines))
        yield f"S[0] -= {len(block.steps) + 1}"
        yield f"if S[0] < 0: endless({self.site(lines[0])})"
        for line in dict.fromkeys(lines):
            yield f"R[{self.site(line)}] = 1"
        for step, line in zip(block.steps, lines, strict=False):
            yield from self._step(step, self.site(line))
        yield from self._end(block.end, depth, self.site(lines[len(block.steps)]))

    def _goto(self, target: int, depth: int) -> Iterator[str]:
        if self.entries[target] == 1 and target and depth < INLINE_DEPTH:
            yield from self._block(target, depth + 1)
        else:
            yield f"b = {self._head(target)}"
            yield "continue"

    def _head(self, target: int) -> int:
        if target not in self._known:
            self._known.add(target)
            self.heads.append(target)
        return target

    def _end(self, end: ir.End | None, depth: int, site: int) -> Iterator[str]:
        match end:
            case None:
                yield f"unanswered('a block of {self.function.name} has no end', {site})"
                yield "return 0"
            case ir.Jump(target):
                yield from self._goto(target, depth)
            case ir.Branch(condition, then, other):
                yield f"if r{condition}:"
                yield from (f" {line}" for line in self._goto(then, depth + 1))
                yield from self._goto(other, depth)
            case ir.Switch(value, cases, default):
                yield f"b = {self._table(cases)}.get(r{value}, {self._head(default)})"
                yield "continue"
            case ir.Return(value):
                yield from self._return(value)

    def _table(self, cases: tuple[tuple[int, int], ...]) -> str:
        name = f"t{len(self.owner.tables)}"
        # The first of two equal cases counts, as in a chain of comparisons.
        self.owner.tables[name] = {value: self._head(block) for value, block in reversed(cases)}
        return name

    def _return(self, value: ir.Register | None) -> Iterator[str]:
        if self.function.frame:
            yield f"leave({self.function.frame})"
        returns = self.function.returns
        if value is None or returns is None:
            yield "return 0"
        else:
            yield f"return {converted(f'r{value}', self.registers[value], returns)}"

    # ------------------------------------------------------------ steps

    def _step(self, step: ir.Step, site: int) -> Iterator[str]:
        match step:
            case ir.Const(dst, value):
                yield f"r{dst} = {value}"
            case ir.Move(dst, src):
                yield f"r{dst} = {converted(f'r{src}', self.registers[src], self.registers[dst])}"
            case ir.Unary(dst, op, src):
                yield f"r{dst} = {self._unary(op, src)}"
            case ir.Binary():
                yield from self._binary(step, site)
            case ir.Load(dst, address):
                kind = type_name(self.registers[dst])
                yield f"r{dst} = load_{kind}({self._u64(address)}, {site})"
            case ir.Store(address, src):
                kind = type_name(self.registers[src])
                yield f"store_{kind}({self._u64(address)}, r{src}, {site})"
            case ir.Slot(dst, offset):
                yield f"r{dst} = {converted(f'sp + {offset}', ir.U64, self.registers[dst])}"
            case ir.Unknown(reason):
                yield f"unanswered({reason!r}, {site})"
            case _:
                yield from self._any_call(step, site)

    def _u64(self, register: ir.Register) -> str:
        return converted(f"r{register}", self.registers[register], ir.U64)

    def _unary(self, op: str, src: ir.Register) -> str:
        kind = self.registers[src]
        return wrapped(f"-r{src}" if op == "neg" else f"~r{src}", kind)

    def _binary(self, step: ir.Binary, site: int) -> Iterator[str]:
        kind, op = self.registers[step.left], step.op
        left, right = f"r{step.left}", f"r{step.right}"
        if op in COMPARISONS:
            yield f"r{step.dst} = 1 if {left} {_SYMBOLS[op]} {right} else 0"
            return
        if op in ("div", "mod"):
            yield f"if not {right}: divided({site})"
        if op in ("div", "mod") and kind.signed:
            text = f"{'quotient' if op == 'div' else 'remainder'}({left}, {right})"
        else:
            count = right if op in ARITHMETIC else f"({right} & {kind.bits - 1})"
            text = f"{left} {_SYMBOLS[op]} {count}"
        inside = op in _STAY_IN_RANGE or (op in ("div", "mod") and not kind.signed)
        yield f"r{step.dst} = {text if inside else wrapped(text, kind)}"

    # ------------------------------------------------------------ calls

    def _any_call(self, step: ir.Call | ir.CallPointer | ir.Intrinsic, site: int) -> Iterator[str]:
        args = "".join(f"{self._u64(n)}, " for n in step.args)
        match step:
            case ir.Call(dst, name, given):
                yield from self._call(dst, name, given, site)
            case ir.CallPointer(dst, address, _):
                text = f"call_pointer({self._u64(address)}, d + 1, ({args}), {site})"
                yield self._assigned(dst, text, None)
            case ir.Intrinsic(dst, name, given):
                signature = ir.INTRINSICS.get(name)
                if signature is None or signature.arguments != len(given):
                    yield f"unanswered({f'intrinsic {name} of {len(given)} arguments'!r}, {site})"
                else:
                    yield self._assigned(dst, f"{name}({args}{site})", None)

    def _call(
        self, dst: ir.Register | None, name: str, args: tuple[ir.Register, ...], site: int
    ) -> Iterator[str]:
        callee = self.owner.program.functions.get(name)
        if callee is None:
            yield f"unanswered({f'function {name} does not exist'!r}, {site})"
            return
        if len(args) < callee.parameters:
            text = f"{name} takes {callee.parameters} arguments, not {len(args)}"
            yield f"wild_call({text!r}, {site})"
            return
        passed = "".join(
            f", {converted(f'r{arg}', self.registers[arg], callee.registers[n])}"
            for n, arg in enumerate(args[: callee.parameters])
        )
        yield self._assigned(dst, f"{self.owner.names[name]}(d + 1{passed})", callee.returns)

    def _assigned(self, dst: ir.Register | None, text: str, returns: ir.Type | None) -> str:
        if dst is None:
            return text
        kind = self.registers[dst]
        return f"r{dst} = {converted(text, returns, kind) if returns else wrapped(text, kind)}"


def _operands(step: ir.Step) -> tuple[ir.Register, ...]:
    match step:
        case ir.Move(_, src) | ir.Unary(_, _, src):
            return (src,)
        case ir.Binary(_, _, left, right):
            return (left, right)
        case ir.Load(_, address):
            return (address,)
        case ir.Store(address, src):
            return (address, src)
        case ir.Call(_, _, args) | ir.Intrinsic(_, _, args):
            return args
        case ir.CallPointer(_, address, args):
            return (address, *args)
        case _:
            return ()


def _end_operands(end: ir.End | None) -> tuple[ir.Register, ...]:
    match end:
        case ir.Branch(register, _, _) | ir.Switch(register, _, _):
            return (register,)
        case ir.Return(value) if value is not None:
            return (value,)
        case _:
            return ()


def _dispatch(bodies: list[tuple[int, list[str]]]) -> Iterator[str]:
    """Choose among bodies by `b`, with a binary tree of comparisons; the bodies are in order."""
    if len(bodies) == 1:
        yield from bodies[0][1]
        return
    middle = len(bodies) // 2
    yield f"if b < {bodies[middle][0]}:"
    yield from (f" {line}" for line in _dispatch(bodies[:middle]))
    yield "else:"
    yield from (f" {line}" for line in _dispatch(bodies[middle:]))
