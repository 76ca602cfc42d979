"""Operators with C's conversions, and assignments."""

from __future__ import annotations

from typing import Final

from tree_sitter import Node

from kernel_sim.cfront.build import Operand, Place, scalar
from kernel_sim.cfront.ctype import (
    INT,
    LONG,
    ULONG,
    VOID,
    VOID_POINTER,
    Array,
    CType,
    Func,
    Int,
    Pointer,
    Struct,
    Untranslatable,
    Void,
    size_of,
)
from kernel_sim.cfront.nodes import field_of, operator_of
from kernel_sim.cfront.places import Places
from kernel_sim.cfront.unit import text_of
from kernel_sim.ir import I32, U64, Type

_OPS: Final = {
    "+": "add", "-": "sub", "*": "mul", "/": "div", "%": "mod", "&": "and", "|": "or", "^": "xor",
    "<<": "shl", ">>": "shr", "==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge",
}  # fmt: skip


class Operators(Places):
    """Lowers operators."""

    def _x_pointer_expression(self, node: Node) -> Operand:
        argument = field_of(node, "argument")
        if operator_of(node) == "*":
            pointer = self.value(argument)
            if isinstance(pointer.ctype, Pointer) and isinstance(pointer.ctype.to, Func):
                return Operand(pointer.ctype.to, pointer.const, pointer.reg)
            return self.builder.read(self.pointed(pointer))
        place = self.place_or_none(argument)
        if place is None:
            found = self.raw(argument)
            if isinstance(found.ctype, Func | Array):
                return Operand(Pointer(found.ctype), found.const, found.reg)
            raise Untranslatable(f"the address of {text_of(argument)[:60]}")
        if place.address is None or place.bits is not None:
            raise Untranslatable(f"the address of {text_of(argument)[:60]}")
        return Operand(Pointer(place.ctype), place.address.const, place.address.reg)

    def _x_unary_expression(self, node: Node) -> Operand:
        op = operator_of(node)
        operand = self.value(field_of(node, "argument"))
        if op == "!":
            zero = Operand(operand.ctype, const=0)
            return self.builder.binary("eq", operand, zero)
        operand = self.promote(operand)
        if op == "+":
            return operand
        return self.builder.narrow(self.builder.unary("neg" if op == "-" else "not", operand))

    def _x_binary_expression(self, node: Node) -> Operand:
        op = operator_of(node)
        if op in ("&&", "||"):
            return self._logical(node, op)
        left = self.value(field_of(node, "left"))
        return self.arithmetic(op, left, self.value(field_of(node, "right")))

    def arithmetic(self, op: str, left: Operand, right: Operand) -> Operand:
        """Return `left op right` with C's conversions. Raises `Untranslatable`."""
        name = _OPS.get(op)
        if name is None:
            raise Untranslatable(f"the operator {op}")
        pointers = isinstance(left.ctype, Pointer), isinstance(right.ctype, Pointer)
        if any(pointers) and name in ("add", "sub"):
            return self._pointer_sum(name, left, right)
        if any(pointers):
            left, right = self.builder.convert(left, ULONG), self.builder.convert(right, ULONG)
            return self.builder.binary(name, left, right)
        left, right = self.promote(left), self.promote(right)
        if name in ("shl", "shr"):
            return self.builder.narrow(self.builder.binary(name, left, right))
        common = common_type(left.ctype, right.ctype)
        one, two = (self.builder.convert(each, common) for each in (left, right))
        return self.builder.narrow(self.builder.binary(name, one, two))

    def _pointer_sum(self, name: str, left: Operand, right: Operand) -> Operand:
        if isinstance(left.ctype, Pointer) and isinstance(right.ctype, Pointer):
            size = Operand(LONG, const=size_of(left.ctype.to))
            one, two = (self.builder.convert(one, LONG) for one in (left, right))
            bytes_ = self.builder.binary("sub", one, two)
            return bytes_ if size.const == 1 else self.builder.binary("div", bytes_, size)
        if isinstance(right.ctype, Pointer):
            left, right = right, left
        return self.advance(left, right, name)

    def advance(self, pointer: Operand, index: Operand, name: str) -> Operand:
        """Return pointer + index (or minus it) elements."""
        if not isinstance(pointer.ctype, Pointer):
            raise Untranslatable(f"{pointer.ctype} is not a pointer")
        size = size_of(pointer.ctype.to)
        wide = self.builder.convert(self.promote(index), ULONG)
        if size != 1:
            wide = self.builder.binary("mul", wide, Operand(ULONG, const=size))
        raw = Operand(ULONG, pointer.const, pointer.reg)
        moved = self.builder.binary(name, raw, wide)
        return Operand(pointer.ctype, moved.const, moved.reg)

    def promote(self, operand: Operand) -> Operand:
        """Return the operand after the integer promotions. Raises `Untranslatable`."""
        if not isinstance(operand.ctype, Int):
            if isinstance(operand.ctype, Pointer):
                return operand
            raise Untranslatable(f"a number of type {operand.ctype}")
        if operand.ctype.type.bits < 32:
            return self.builder.convert(operand, INT)
        return operand

    def _logical(self, node: Node, op: str) -> Operand:
        left = self.value(field_of(node, "left"))
        scalar(left.ctype)
        if left.const is not None:
            if bool(left.const) == (op == "||"):
                return Operand(INT, const=int(op == "||"))
            right = self.value(field_of(node, "right"))
            return self.builder.binary("ne", right, Operand(right.ctype, const=0))
        result = self.builder.new_register(I32)
        then, other, done = (self.builder.new_block() for _ in range(3))
        first = (then, done) if op == "&&" else (done, then)
        self._set(result, int(op == "||"))
        self.builder.branch(left, *first)
        self.builder.start(then)
        right = self.value(field_of(node, "right"))
        truth = self.builder.binary("ne", right, Operand(right.ctype, const=0))
        self.builder.write(Place(INT, reg=result), truth)
        self.builder.enter(other)
        self.builder.enter(done)
        return Operand(INT, reg=result)

    def _set(self, register: int, value: int) -> None:
        self.builder.write(Place(INT, reg=register), Operand(INT, const=value))

    def _x_conditional_expression(self, node: Node) -> Operand:
        condition = self.value(field_of(node, "condition"))
        consequence = node.child_by_field_name("consequence")
        alternative = field_of(node, "alternative")
        if condition.const is not None:
            return self._chosen(condition, consequence, alternative)
        then, other, done = (self.builder.new_block() for _ in range(3))
        self.builder.branch(condition, then, other)
        self.builder.start(then)
        one = condition if consequence is None else self.value(consequence)
        end_one = self.builder.current
        self.builder.start(other)
        two = self.value(alternative)
        ctype = self._either(one, two)
        result = None
        if not isinstance(ctype, Void):
            type_ = U64 if isinstance(ctype, Struct) else scalar(ctype)
            result = self.builder.new_register(type_)
        self._settle(result, two, ctype)
        self.builder.enter(done)
        self.builder.start(end_one)
        self._settle(result, one, ctype)
        self.builder.enter(done)
        return Operand(ctype, reg=result)

    def _settle(self, result: int | None, operand: Operand, ctype: CType) -> None:
        if result is None:
            return
        found = self.builder.convert(operand, ctype)
        if isinstance(ctype, Struct):
            found = Operand(ULONG, found.const, found.reg)
            self.builder.write(Place(ULONG, reg=result), found)
        else:
            self.builder.write(Place(ctype, reg=result), found)

    def _chosen(self, condition: Operand, consequence: Node | None, other: Node) -> Operand:
        """Of a condition that is constant only one leg is lowered; the type is that of both."""
        if consequence is None:
            return condition if condition.const else self.value(other)
        taken, left = (consequence, other) if condition.const else (other, consequence)
        found = self.value(taken)
        kept, self.builder = self.builder, self.builder.aside()
        try:
            ctype = self._either(found, self.value(left))
        finally:
            self.builder = kept
        return found if isinstance(ctype, Struct) else self.builder.convert(found, ctype)

    def _either(self, one: Operand, two: Operand) -> CType:
        """Return the type of `c ? one : two`."""
        a, b = one.ctype, two.ctype
        if isinstance(a, Void) or isinstance(b, Void):
            return VOID
        if isinstance(a, Pointer) and isinstance(b, Pointer):
            if _is_null(one):
                return b
            if _is_null(two):
                return a
            return a if isinstance(a.to, Void) or not isinstance(b.to, Void) else b
        if isinstance(a, Pointer):
            return a
        if isinstance(b, Pointer):
            return b
        if isinstance(a, Struct):
            return a
        return common_type(self.promote(one).ctype, self.promote(two).ctype)

    # ------------------------------------------------------------------ assignments

    def _x_assignment_expression(self, node: Node) -> Operand:
        op = operator_of(node)
        left, right = field_of(node, "left"), field_of(node, "right")
        if op == "=":
            value = self.value(right)
            place = self.place(left)
            return self.builder.write(place, self.builder.convert(value, place.ctype))
        value = self.value(right)
        place = self.place(left)
        return self._update(place, op[:-1], value)

    def _update(self, place: Place, op: str, value: Operand) -> Operand:
        old = self.builder.read(place)
        new = self.arithmetic(op, old, value)
        return self.builder.write(place, self.builder.convert(new, place.ctype))

    def _x_update_expression(self, node: Node) -> Operand:
        place = self.place(field_of(node, "argument"))
        one = Operand(INT, const=1)
        op = operator_of(node)[0]
        if node.children[0].type in ("++", "--"):
            return self._update(place, op, one)
        old = self.builder.copy(self.builder.read(place))
        new = self.arithmetic(op, old, one)
        self.builder.write(place, self.builder.convert(new, place.ctype))
        return old


def common_type(one: CType, two: CType) -> CType:
    """Return the type of the usual arithmetic conversions; both are promoted already."""
    if not isinstance(one, Int) or not isinstance(two, Int):
        raise Untranslatable(f"{one} and {two} in one sum")
    bits = [each.width or each.type.bits for each in (one, two)]
    if bits[0] != bits[1]:
        return one if bits[0] > bits[1] else two
    rank = max(one.rank, two.rank)
    unsigned = not one.type.signed or not two.type.signed
    return Int(Type(one.type.bits, not unsigned), rank=rank, width=one.width)


def _is_null(operand: Operand) -> bool:
    return operand.const == 0 and operand.ctype == VOID_POINTER
