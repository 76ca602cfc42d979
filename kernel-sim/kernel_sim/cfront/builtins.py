"""Calls that the compiler or an engine answers, and inline assembly."""

# What a method is for that stands in a base class is said there.
# ruff: noqa: D102

from __future__ import annotations

from typing import Final

from tree_sitter import Node

from kernel_sim.cfront.bits import TAKEN, lower_bits
from kernel_sim.cfront.build import Operand, Place, scalar
from kernel_sim.cfront.ctype import (
    BOOL,
    INT,
    LONG,
    ULONG,
    VOID,
    VOID_POINTER,
    Array,
    Func,
    Int,
    Pointer,
    Untranslatable,
    is_compatible,
)
from kernel_sim.cfront.initialise import Initialisers
from kernel_sim.cfront.linking import Linker
from kernel_sim.cfront.unit import Unit, text_of
from kernel_sim.ir import INTRINSICS, Intrinsic, Unknown

_NOTHING: Final = frozenset(
    {"__builtin_prefetch", "__builtin_ia32_pause", "__builtin_assume", "__sync_synchronize"}
)
_ZERO: Final = frozenset(
    {
        "__builtin_return_address",
        "__builtin_frame_address",
        "__builtin_extract_return_addr",
        "__builtin_has_attribute",
    }
)
_LIBRARY: Final = {
    "memcpy": "sim_copy",
    "memmove": "sim_copy",
    "memset": "sim_fill",
    "memcmp": "sim_compare",
}
_OVERFLOW: Final = {
    "__builtin_add_overflow": "add",
    "__builtin_sub_overflow": "sub",
    "__builtin_mul_overflow": "mul",
}


class Builtins(Initialisers):
    """Knows the compiler's functions and the engine's."""

    def __init__(self, unit: Unit, linker: Linker) -> None:
        super().__init__(unit)
        self.linker = linker

    def function_address(self, name: str) -> int:
        return self.linker.function_address(name, self.unit)

    def callee(self, name: str) -> str:
        return self.linker.function_key(name, self.unit)

    def string_address(self, data: bytes) -> int:
        return self.linker.bytes_address(data + b"\0")

    def lower_builtin(self, name: str, arguments: list[Node]) -> Operand | None:
        if name in INTRINSICS:
            return self._intrinsic(name, [self.value(one) for one in arguments])
        if name in TAKEN:
            if len(arguments) != 1:
                raise Untranslatable(f"{name}() takes 1 argument")
            value = self.builder.convert(self.value(arguments[0]), Int(TAKEN[name]))
            return lower_bits(self.builder, name, value)
        bare = name.removeprefix("__builtin_")
        if bare in _LIBRARY and not self.linker.defines(name, self.unit):
            values = [self.value(one) for one in arguments]
            found = self._intrinsic(_LIBRARY[bare], values)
            return found if bare == "memcmp" else self.builder.convert(values[0], VOID_POINTER)
        if not name.startswith(("__builtin_", "__sync_")):
            return None
        return self._compiler(name, arguments)

    def _intrinsic(self, name: str, values: list[Operand]) -> Operand:
        signature = INTRINSICS[name]
        if len(values) != signature.arguments:
            raise Untranslatable(f"{name}() takes {signature.arguments} arguments")
        regs = tuple(self.builder.reg(self.builder.convert(one, ULONG)) for one in values)
        if signature.returns is None:
            self.builder.emit(Intrinsic(None, name, regs))
            return Operand(VOID)
        dst = self.builder.new_register(signature.returns)
        self.builder.emit(Intrinsic(dst, name, regs))
        return Operand(Int(signature.returns), reg=dst)

    def _compiler(self, name: str, arguments: list[Node]) -> Operand | None:
        match name.removeprefix("__builtin_"):
            case "expect" | "expect_with_probability" | "assume_aligned":
                value = self.value(arguments[0])
                return self.builder.convert(value, LONG) if "expect" in name else value
            case "constant_p":
                kept = self._aside(arguments[0])
                return Operand(INT, const=int(kept is not None and kept.const is not None))
            case "choose_expr":
                return self.raw(arguments[1 if self.constant(arguments[0]) else 2])
            case "types_compatible_p":
                one, two = (self.operand_type(each) for each in arguments)
                return Operand(INT, const=int(is_compatible(one, two)))
            case "offsetof":
                return self._offset_of(*arguments)
            case "object_size" | "dynamic_object_size":
                return Operand(ULONG, const=(1 << 64) - 1)
            case "unreachable" | "trap":
                self.builder.emit(Unknown(f"{name}() is reached"))
                return Operand(VOID)
            case "add_overflow" | "sub_overflow" | "mul_overflow":
                return self._overflow(name, arguments)
            case "huge_val" | "inf" | "nan":
                raise Untranslatable("floating point")
        if name in _NOTHING:
            for each in arguments:
                self.raw(each)
            return Operand(VOID)
        if name in _ZERO:
            return Operand(VOID_POINTER, const=0)
        if self.linker.function_type(name, self.unit) is not None:
            return None
        raise Untranslatable(f"{name}()")

    def _offset_of(self, described: Node, path: Node) -> Operand:
        """The plain spelling is `__builtin_offsetof(sizeof(T), &path)`."""
        start = Place(self.operand_type(described), address=Operand(ULONG, const=0))
        place = self._along(start, path.child_by_field_name("argument") or path)
        assert place.address is not None
        if place.bits is not None:
            raise Untranslatable(f"the offset of a bit-field: {text_of(path)}")
        return self.builder.convert(place.address, ULONG)

    def _along(self, start: Place, path: Node) -> Place:
        """Return the place that `a.b[1]` means inside another one."""
        if path.type == "identifier":
            return self.member_of(start, text_of(path))
        inner = path.child_by_field_name("argument")
        if inner is None:
            raise Untranslatable(f"not a path of members: {text_of(path)}")
        base = self._along(start, inner)
        field = path.child_by_field_name("field")
        if field is not None:
            return self.member_of(base, text_of(field))
        index = path.child_by_field_name("index")
        if index is None or not isinstance(base.ctype, Array) or base.address is None:
            raise Untranslatable(f"not a path of members: {text_of(path)}")
        first = Operand(Pointer(base.ctype.of), base.address.const, base.address.reg)
        return self.pointed(self.advance(first, self.value(index), "add"))

    def _aside(self, node: Node) -> Operand | None:
        """Lower an expression whose steps are thrown away."""
        kept = self.builder
        self.builder = type(kept)()
        self.builder.registers = list(kept.registers)
        try:
            return self.value(node)
        except Untranslatable:
            return None
        finally:
            self.builder = kept

    def _overflow(self, name: str, arguments: list[Node]) -> Operand:
        """The exact result in 128 bits, and whether it is not what the type of the place holds."""
        left, right = self.value(arguments[0]), self.value(arguments[1])
        target = self.value(arguments[2])
        if not isinstance(target.ctype, Pointer) or not isinstance(target.ctype.to, Int):
            raise Untranslatable(f"{name}()")
        for each in (left, right):
            if not isinstance(each.ctype, Int):
                raise Untranslatable(f"{name}() of {left.ctype} and {right.ctype}")
        exact = self._product if _OVERFLOW[name] == "mul" else self._sum
        low, high, lost = exact(_OVERFLOW[name], left, right)
        place = Place(target.ctype.to, address=Operand(ULONG, target.const, target.reg))
        kept = self.builder.copy(self.builder.convert(low, place.ctype))
        self.builder.write(place, kept)
        words = self._words(kept)
        for got, want in zip(words, (low, high), strict=True):
            lost = self.builder.binary("or", lost, self.builder.binary("ne", got, want))
        return self.builder.convert(lost, BOOL)

    def _words(self, operand: Operand) -> tuple[Operand, Operand]:
        """Return a number's lower and upper 64 bits."""
        low = self.builder.convert(operand, ULONG)
        if not scalar(operand.ctype).signed:
            return low, Operand(ULONG, const=0)
        wide = self.builder.convert(operand, LONG)
        high = self.builder.binary("shr", wide, Operand(LONG, const=63))
        return low, self.builder.convert(high, ULONG)

    def _sum(self, op: str, left: Operand, right: Operand) -> tuple[Operand, Operand, Operand]:
        """Return (lower bits, upper bits, 0) of left + right or left - right."""
        binary = self.builder.binary
        (one, one_up), (two, two_up) = self._words(left), self._words(right)
        low = binary(op, one, two)
        carry = binary("lt", low, one) if op == "add" else binary("lt", one, two)
        high = binary(op, binary(op, one_up, two_up), self.builder.convert(carry, ULONG))
        return low, high, Operand(INT, const=0)

    def _product(self, op: str, left: Operand, right: Operand) -> tuple[Operand, Operand, Operand]:
        """Return (lower bits, upper bits, whether the upper bits are not known but not 0)."""
        types = [scalar(one.ctype) for one in (left, right)]
        one, two = self.builder.convert(left, ULONG), self.builder.convert(right, ULONG)
        low, none = self.builder.binary(op, one, two), Operand(INT, const=0)
        if not any(type_.signed for type_ in types):
            return low, Operand(ULONG, const=0), self._too_much(low, one, two)
        if any(type_.bits > 32 for type_ in types):
            raise Untranslatable(f"the overflow of {left.ctype} times {right.ctype}")
        return *self._words(self.builder.convert(low, LONG)), none

    def _too_much(self, product: Operand, one: Operand, two: Operand) -> Operand:
        """Return whether a product of unsigned numbers was cut to 64 bits."""
        binary, zero = self.builder.binary, Operand(ULONG, const=0)
        none = binary("eq", one, zero)
        divisor = binary("or", one, self.builder.convert(none, ULONG))
        wrong = binary("ne", binary("div", product, divisor), two)
        return binary("and", wrong, binary("eq", none, Operand(INT, const=0)))

    def lower_assembly(self, node: Node) -> Operand:
        """Empty assembly is a barrier to the compiler, or hands a value through; else unknown."""
        code = node.child_by_field_name("assembly_code")
        if code is None or text_of(code).strip('" \n\t') or "string" not in code.type:
            raise Untranslatable(f"inline assembly: {text_of(node)[:60]}")
        outputs, inputs = _operands(node, "output"), _operands(node, "input")
        for constraint, value in outputs:
            if "+" in constraint:
                continue
            sources = [given for mark, given in inputs if mark.strip('"').isdigit()]
            if len(outputs) != 1 or len(sources) != 1:
                raise Untranslatable(f"inline assembly: {text_of(node)[:60]}")
            place = self.place(value)
            found = self.builder.convert(self.value(sources[0]), place.ctype)
            self.builder.write(place, found)
        return Operand(VOID)

    def pointer_to(self, name: str, signature: Func) -> Operand:
        """Return a function's address as a value."""
        return Operand(Pointer(signature), const=self.function_address(name))


def _operands(node: Node, kind: str) -> list[tuple[str, Node]]:
    listed = node.child_by_field_name(f"{kind}_operands")
    found = []
    for child in listed.named_children if listed is not None else ():
        constraint = child.child_by_field_name("constraint")
        value = child.child_by_field_name("value")
        if constraint is not None and value is not None:
            found.append((text_of(constraint), value))
    return found
