"""C types with their sizes and layouts, as gcc lays them out for 64-bit Linux."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from kernel_sim.ir import I32, I64, U8, U64, Type

POINTER_BYTES: Final = 8


class Untranslatable(Exception):
    """C that the front end does not understand; the words say what, and are shown to people."""


@dataclass(frozen=True, slots=True)
class Void:
    """The type void."""

    def __str__(self) -> str:
        return "void"


@dataclass(frozen=True, slots=True)
class Int:
    """An integer type, an enum, or _Bool (`boolean`)."""

    type: Type
    boolean: bool = False
    rank: int = 0
    """Tells long from long long, which are of one size: 1 for long long; -1 for signed char."""
    width: int = 0
    """Bits of a value from a bit-field of 33 to 63: gcc computes in so many."""
    align: int = field(default=0, compare=False)
    """Bytes, where a typedef says so; else 0."""

    def __str__(self) -> str:
        if self.boolean:
            return "_Bool"
        return f"{'' if self.type.signed else 'unsigned '}int{self.type.bits}"


@dataclass(frozen=True, slots=True)
class Opaque:
    """A type with a size whose values we do not compute with: floating point, 128-bit integers."""

    name: str
    size: int

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Pointer:
    """A pointer."""

    to: CType

    def __str__(self) -> str:
        return f"{self.to} *"


@dataclass(frozen=True, slots=True)
class Array:
    """An array; `count` is None where the size is not known ([] at the end of a struct, extern)."""

    of: CType
    count: int | None

    def __str__(self) -> str:
        return f"{self.of}[{'' if self.count is None else self.count}]"


@dataclass(frozen=True, slots=True)
class Func:
    """A function's type."""

    returns: CType
    parameters: tuple[CType, ...]
    variadic: bool = False

    def __str__(self) -> str:
        return f"{self.returns} ({', '.join(map(str, self.parameters))})"


@dataclass(frozen=True, slots=True)
class Field:
    """A member: where it begins in bytes, and for a bit-field its first bit there and its width."""

    name: str
    type: CType
    offset: int
    bit: int = 0
    width: int | None = None


@dataclass(eq=False, slots=True)
class Struct:
    """A struct or union, compared by identity; `fields` is None while it is only declared."""

    tag: str
    union: bool = False
    fields: list[Field] | None = None
    size: int = 0
    align: int = 1
    complete: Callable[[], None] | None = None
    """Reads the body where that has not been done yet."""

    def __str__(self) -> str:
        return f"{'union' if self.union else 'struct'} {self.tag}"

    def members(self) -> list[Field]:
        """Return the fields. Raises `Untranslatable` for a struct whose body is nowhere."""
        if self.fields is None and self.complete is not None:
            read, self.complete = self.complete, None
            read()
        if self.fields is None:
            raise Untranslatable(f"the members of {self} are not known")
        return self.fields

    def find(self, name: str) -> Field | None:
        """Return a member by name, also one inside an anonymous struct or union."""
        for member in self.members():
            if member.name == name:
                return member
            if not member.name and isinstance(member.type, Struct):
                inner = member.type.find(name)
                if inner is not None:
                    at = member.offset + inner.offset
                    return Field(name, inner.type, at, inner.bit, inner.width)
        return None


def is_same(one: CType, other: CType) -> bool:
    """Whether two types are one, also where each is of another file: structs go by their tags."""
    match one, other:
        case (Pointer(), Pointer()):
            return is_same(one.to, other.to)
        case (Struct(), Struct()) if one.tag != "(anonymous)":
            return (one.tag, one.union) == (other.tag, other.union)
    return one == other


CType: TypeAlias = Void | Int | Opaque | Pointer | Array | Func | Struct

VOID: Final = Void()
BOOL: Final = Int(U8, boolean=True)
INT: Final = Int(I32)
LONG: Final = Int(I64)
ULONG: Final = Int(U64)
CHAR: Final = Int(Type(8, True))
SIGNED_CHAR: Final = Int(Type(8, True), rank=-1)
VOID_POINTER: Final = Pointer(VOID)


def size_of(ctype: CType) -> int:
    """Return sizeof in bytes; void and functions are 1, as in GNU C. Raises `Untranslatable`."""
    match ctype:
        case Int(type=scalar):
            return scalar.size
        case Opaque(size=size):
            return size
        case Pointer():
            return POINTER_BYTES
        case Array(of=of, count=count):
            return size_of(of) * (count or 0)
        case Struct():
            ctype.members()
            return ctype.size
        case Void() | Func():
            return 1


def align_of(ctype: CType) -> int:
    """Return the alignment in bytes. Raises `Untranslatable`."""
    match ctype:
        case Array(of=of):
            return align_of(of)
        case Struct():
            ctype.members()
            return ctype.align
        case Int(align=align) if align:
            return align
        case _:
            return size_of(ctype)


@dataclass(frozen=True, slots=True)
class Member:
    """A member as it is declared, before it has its place."""

    name: str
    type: CType
    width: int | None = None
    align: int = 0
    packed: bool = False


@dataclass(slots=True)
class _Layout:
    union: bool
    packed: bool
    bits: int = 0
    size: int = 0
    align: int = 1
    fields: list[Field] = field(default_factory=list)

    def add(self, member: Member) -> None:
        packed = self.packed or member.packed
        align = max(1 if packed else align_of(member.type), member.align)
        if self.union:
            self.bits = 0
        if member.width is not None:
            self._add_bits(member, member.width, align, packed)
        else:
            self.bits = _up(self.bits, align * 8)
            self.fields.append(Field(member.name, member.type, self.bits // 8))
            self.bits += size_of(member.type) * 8
            self.align = max(self.align, align)
        self.size = max(self.size, (self.bits + 7) // 8)

    def _add_bits(self, member: Member, width: int, align: int, packed: bool) -> None:
        unit = size_of(member.type) * 8
        if width == 0:
            self.bits = _up(self.bits, unit)
            return
        # A bit-field does not cross a boundary of its type's size.
        if not packed and self.bits // unit != (self.bits + width - 1) // unit:
            self.bits = _up(self.bits, unit)
        if member.align:
            self.bits = _up(self.bits, member.align * 8)
        if member.name:
            at, bit = divmod(self.bits, 8)
            self.fields.append(Field(member.name, member.type, at, bit, width))
            self.align = max(self.align, align)
        self.bits += width


def lay_out(struct: Struct, members: Iterator[Member], *, packed: bool, align: int) -> None:
    """Give every member its place, and the struct its size and alignment."""
    layout = _Layout(struct.union, packed)
    for member in members:
        layout.add(member)
    struct.align = max(layout.align, align)
    struct.size = _up(layout.size, struct.align)
    struct.fields = layout.fields


def container(member: Field) -> tuple[int, int, int]:
    """Return (offset, bytes, first bit) of the smallest aligned unit that holds a bit-field.

    Neighbours that are not part of the bit-field are left alone where that is possible.
    """
    first = member.offset * 8 + member.bit
    last = first + (member.width or 0) - 1
    for size in (1, 2, 4, 8):
        if first // (size * 8) == last // (size * 8):
            at = first // (size * 8) * size
            return at, size, first - at * 8
    raise Untranslatable(f"the bit-field {member.name} crosses eight bytes")


def is_compatible(one: CType, two: CType) -> bool:
    """Whether two types are the same, as __builtin_types_compatible_p sees them."""
    match one, two:
        case Pointer(to=a), Pointer(to=b):
            return is_compatible(a, b)
        case Array(of=a, count=n), Array(of=b, count=m):
            return (n is None or m is None or n == m) and is_compatible(a, b)
        case Func(), Func():
            return len(one.parameters) == len(two.parameters) and all(
                is_compatible(a, b)
                for a, b in zip(
                    (one.returns, *one.parameters), (two.returns, *two.parameters), strict=True
                )
            )
        case _:
            return one == two


def _up(value: int, step: int) -> int:
    return (value + step - 1) // step * step
