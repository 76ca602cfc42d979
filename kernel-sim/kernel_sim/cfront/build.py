"""Operands and places, and the builder that puts steps into blocks, folding what is constant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kernel_sim.cfront.ctype import (
    BOOL,
    INT,
    Array,
    CType,
    Field,
    Func,
    Int,
    Pointer,
    Struct,
    Untranslatable,
    Void,
    container,
)
from kernel_sim.ir import (
    I32,
    POINTER,
    STACK_SIZE,
    U64,
    Binary,
    Block,
    Branch,
    Const,
    End,
    Intrinsic,
    Jump,
    Load,
    Move,
    Register,
    Slot,
    Step,
    Store,
    Type,
    Unary,
)


@dataclass(frozen=True, slots=True)
class Operand:
    """A value: a constant or a register. For a struct it is the struct's address."""

    ctype: CType
    const: int | None = None
    reg: Register | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """What can be assigned to: a register, or memory at an address, perhaps a bit-field there."""

    ctype: CType
    reg: Register | None = None
    address: Operand | None = None
    bits: Field | None = None


def scalar(ctype: CType) -> Type:
    """Return the type of the register that holds such a value. Raises `Untranslatable`."""
    match ctype:
        case Int(type=type_):
            return type_
        case Pointer() | Array() | Func():
            return POINTER
    raise Untranslatable(f"a value of type {ctype}")


_COMPARE: Final = frozenset({"eq", "ne", "lt", "le", "gt", "ge"})


def fold(op: str, type_: Type, left: int, right: int) -> int | None:
    """Return `left op right` in a type, or None where it has no value. Pure."""
    match op:
        case "add":
            value = left + right
        case "sub":
            value = left - right
        case "mul":
            value = left * right
        case "div" | "mod":
            if right == 0:
                return None
            quotient = abs(left) // abs(right)
            if (left < 0) != (right < 0):
                quotient = -quotient
            value = quotient if op == "div" else left - quotient * right
        case "and":
            value = left & right
        case "or":
            value = left | right
        case "xor":
            value = left ^ right
        case "shl":
            value = left << (right % type_.bits)
        case "shr":
            value = left >> (right % type_.bits)
        case "eq":
            value = int(left == right)
        case "ne":
            value = int(left != right)
        case "lt":
            value = int(left < right)
        case "le":
            value = int(left <= right)
        case "gt":
            value = int(left > right)
        case _:
            value = int(left >= right)
    return value if op in _COMPARE else type_.wrap(value)


class Builder:
    """Blocks under construction. Steps after an end go into a block that nothing reaches."""

    def __init__(self) -> None:
        self.registers: list[Type] = []
        self.blocks: list[Block] = [Block()]
        self.current = 0
        self.line = 0
        self.frame = 0
        self.prelude: list[Step] = []
        """Steps for the entry: a goto may lead past the place where a local is declared."""

    def aside(self) -> Builder:
        """Return a builder whose steps are thrown away, with the same registers so far."""
        other = Builder()
        other.registers = list(self.registers)
        other.line = self.line
        return other

    # ------------------------------------------------------------------- blocks

    def new_register(self, type_: Type) -> Register:
        """Return a fresh register."""
        self.registers.append(type_)
        return len(self.registers) - 1

    def new_block(self) -> int:
        """Return the number of a fresh, empty block."""
        self.blocks.append(Block())
        return len(self.blocks) - 1

    def emit(self, step: Step) -> None:
        """Put a step at the end of the current block."""
        block = self.blocks[self.current]
        if block.end is not None:
            self.current = self.new_block()
            block = self.blocks[self.current]
        block.steps.append(step)
        block.lines.append(self.line)

    def finish(self, end: End) -> None:
        """End the current block, unless it has ended."""
        block = self.blocks[self.current]
        if block.end is None:
            block.end = end
            block.lines.append(self.line)

    @property
    def has_ended(self) -> bool:
        """Whether the current block has its end: what follows is reached by no way yet."""
        return self.blocks[self.current].end is not None

    def enter(self, block: int) -> None:
        """Go on in a block, coming from the current one where that has not ended."""
        self.finish(Jump(block))
        self.current = block

    def start(self, block: int) -> None:
        """Go on in a block that something else jumps to."""
        self.current = block

    def slot(self, size: int, align: int) -> Operand:
        """Return the address of fresh stack memory, as an untyped pointer's value.

        Raises `Untranslatable` for more than a stack holds.
        """
        size = max(size, 1)
        if self.frame + size > STACK_SIZE:
            raise Untranslatable(f"locals of {self.frame + size} bytes")
        self.frame = (self.frame + align - 1) // align * align
        offset = self.frame
        self.frame += size
        reg = self.new_register(POINTER)
        self.prelude.append(Slot(reg, offset))
        return Operand(Int(U64), reg=reg)

    def variable(self, type_: Type) -> Register:
        """Return the register of a local, which begins as 0."""
        reg = self.new_register(type_)
        self.prelude.append(Const(reg, 0))
        return reg

    # ------------------------------------------------------------------- values

    def reg(self, operand: Operand) -> Register:
        """Return a register that holds an operand."""
        if operand.reg is not None:
            return operand.reg
        if operand.const is None:
            raise Untranslatable("a void value is used")
        type_ = POINTER if isinstance(operand.ctype, Struct) else scalar(operand.ctype)
        reg = self.new_register(type_)
        self.emit(Const(reg, type_.wrap(operand.const)))
        return reg

    def copy(self, operand: Operand) -> Operand:
        """Return the value in a register of its own, safe from later assignments."""
        if operand.reg is None or isinstance(operand.ctype, Struct):
            return operand
        reg = self.new_register(self.registers[operand.reg])
        self.emit(Move(reg, operand.reg))
        return Operand(operand.ctype, reg=reg)

    def convert(self, operand: Operand, ctype: CType) -> Operand:
        """Return the operand as another type. Raises `Untranslatable`."""
        if isinstance(ctype, Void):
            return Operand(ctype)
        if isinstance(ctype, Struct) or isinstance(operand.ctype, Struct):
            if isinstance(ctype, Struct) and isinstance(operand.ctype, Struct):
                return operand
            raise Untranslatable(f"{operand.ctype} as {ctype}")
        if isinstance(operand.ctype, Void):
            raise Untranslatable("a void value is used")
        if ctype == BOOL and operand.ctype != BOOL:
            truth = self.binary("ne", operand, Operand(operand.ctype, const=0))
            return self._retype(truth, BOOL)
        found = self._retype(operand, ctype)
        return found if operand.ctype == ctype else self.narrow(found)

    def narrow(self, operand: Operand) -> Operand:
        """Bring a value into the width of its type, where that is one of a wide bit-field."""
        width = operand.ctype.width if isinstance(operand.ctype, Int) else 0
        if not width:
            return operand
        cut = Operand(INT, const=64 - width)
        return self.binary("shr", self.binary("shl", operand, cut), cut)

    def _retype(self, operand: Operand, ctype: CType) -> Operand:
        type_ = scalar(ctype)
        if operand.const is not None:
            return Operand(ctype, const=type_.wrap(operand.const))
        assert operand.reg is not None
        if self.registers[operand.reg] == type_:
            return Operand(ctype, reg=operand.reg)
        reg = self.new_register(type_)
        self.emit(Move(reg, operand.reg))
        return Operand(ctype, reg=reg)

    def binary(self, op: str, left: Operand, right: Operand) -> Operand:
        """Return `left op right`; both are of one type (but the count of a shift)."""
        type_ = scalar(left.ctype)
        ctype = INT if op in _COMPARE else left.ctype
        if left.const is not None and right.const is not None:
            value = fold(op, type_, left.const, right.const)
            if value is not None:
                return Operand(ctype, const=value)
        reg = self.new_register(I32 if op in _COMPARE else type_)
        self.emit(Binary(reg, op, self.reg(left), self.reg(right)))
        return Operand(ctype, reg=reg)

    def unary(self, op: str, operand: Operand) -> Operand:
        """Return `op operand` for "neg" and "not"."""
        type_ = scalar(operand.ctype)
        if operand.const is not None:
            value = -operand.const if op == "neg" else ~operand.const
            return Operand(operand.ctype, const=type_.wrap(value))
        reg = self.new_register(type_)
        self.emit(Unary(reg, op, self.reg(operand)))
        return Operand(operand.ctype, reg=reg)

    def offset(self, address: Operand, by: int, ctype: CType) -> Operand:
        """Return address + by bytes, as a value of `ctype`."""
        raw = Operand(Int(U64), const=address.const, reg=address.reg)
        if by == 0:
            return Operand(ctype, const=raw.const, reg=raw.reg)
        moved = self.binary("add", raw, Operand(Int(U64), const=by % (1 << 64)))
        return Operand(ctype, const=moved.const, reg=moved.reg)

    def branch(self, condition: Operand, then: int, other: int) -> None:
        """End the block by a condition; a constant one is a jump."""
        if condition.const is not None:
            self.finish(Jump(then if condition.const else other))
        else:
            self.finish(Branch(self.reg(condition), then, other))

    # ------------------------------------------------------------------- memory

    def read(self, place: Place) -> Operand:
        """Return the value at a place. A struct's is its address."""
        if place.reg is not None:
            return Operand(place.ctype, reg=place.reg)
        assert place.address is not None
        if isinstance(place.ctype, Struct | Array | Func):
            return Operand(place.ctype, const=place.address.const, reg=place.address.reg)
        if place.bits is not None:
            return self._read_bits(place.address, place.bits)
        reg = self.new_register(scalar(place.ctype))
        self.emit(Load(reg, self.reg(place.address)))
        return Operand(place.ctype, reg=reg)

    def write(self, place: Place, operand: Operand) -> Operand:
        """Assign a value that has the place's type already; return the value as it is there."""
        if place.reg is not None:
            if operand.const is not None:
                type_ = self.registers[place.reg]
                self.emit(Const(place.reg, type_.wrap(operand.const)))
            else:
                self.emit(Move(place.reg, self.reg(operand)))
            return Operand(place.ctype, reg=place.reg)
        assert place.address is not None
        if isinstance(place.ctype, Struct):
            size = Operand(Int(U64), const=place.ctype.size)
            args = (self.reg(place.address), self.reg(operand), self.reg(size))
            if place.ctype.size:
                self.emit(Intrinsic(None, "sim_copy", args))
            return Operand(place.ctype, const=place.address.const, reg=place.address.reg)
        if place.bits is not None:
            return self._write_bits(place.address, place.bits, operand)
        self.emit(Store(self.reg(place.address), self.reg(operand)))
        return operand

    def _unit(self, address: Operand, bits: Field) -> tuple[Operand, CType, int]:
        at, size, first = container(bits)
        moved = self.offset(address, at - bits.offset, Int(U64))
        return moved, Int(Type(size * 8, False)), first

    def _read_bits(self, address: Operand, bits: Field) -> Operand:
        where, unit, first = self._unit(address, bits)
        whole = self.read(Place(unit, address=where))
        width = bits.width or 0
        type_ = scalar(bits.type)
        bits64 = self.convert(whole, Int(U64))
        up = self.binary("shl", bits64, Operand(Int(U64), const=64 - first - width))
        if type_.signed:
            up = self.convert(up, Int(Type(64, True)))
        down = self.binary("shr", up, Operand(Int(U64), const=64 - width))
        return self._retype(down, _promoted(bits.type, width))

    def _write_bits(self, address: Operand, bits: Field, operand: Operand) -> Operand:
        where, unit, first = self._unit(address, bits)
        width = bits.width or 0
        mask = (1 << width) - 1
        wide = Int(U64)
        whole = self.convert(self.read(Place(unit, address=where)), wide)
        hole = Operand(wide, const=~(mask << first) % (1 << 64))
        value = self.binary("and", self.convert(operand, wide), Operand(wide, const=mask))
        value = self.binary("shl", value, Operand(wide, const=first))
        merged = self.binary("or", self.binary("and", whole, hole), value)
        self.write(Place(unit, address=where), self.convert(merged, unit))
        type_ = scalar(bits.type)
        up = self.binary("shl", self.convert(operand, wide), Operand(wide, const=64 - width))
        if type_.signed:
            up = self.convert(up, Int(Type(64, True)))
        down = self.binary("shr", up, Operand(wide, const=64 - width))
        return self._retype(down, _promoted(bits.type, width))


def _promoted(ctype: CType, width: int) -> CType:
    """Return the type of a value from a bit-field, which promotes by its width."""
    type_ = scalar(ctype)
    if ctype == BOOL or width == type_.bits:
        return ctype
    if width < 32:
        return INT
    return Int(Type(32 if width == 32 else 64, type_.signed), width=0 if width == 32 else width)
