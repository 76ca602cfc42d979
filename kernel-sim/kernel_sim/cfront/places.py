"""Lvalues: members, elements, what pointers point to, compound literals."""

from __future__ import annotations

from abc import abstractmethod

from tree_sitter import Node

from kernel_sim.cfront.build import Operand, Place
from kernel_sim.cfront.ctype import (
    INT,
    ULONG,
    Array,
    Int,
    Pointer,
    Struct,
    Untranslatable,
    align_of,
    size_of,
)
from kernel_sim.cfront.nodes import field_of, inside, operator_of
from kernel_sim.cfront.unit import text_of
from kernel_sim.cfront.values import Values
from kernel_sim.ir import U64


class Places(Values):
    """Lowers what can be assigned to, and what reads it."""

    @abstractmethod
    def advance(self, pointer: Operand, index: Operand, name: str) -> Operand:
        """Return pointer + index (or minus it) elements."""

    def _x_field_expression(self, node: Node) -> Operand:
        return self.builder.read(self.place(node))

    _x_subscript_expression = _x_field_expression

    def place(self, node: Node) -> Place:
        """Lower an lvalue. Raises `Untranslatable` for what is none."""
        found = self.place_or_none(node)
        if found is None:
            raise Untranslatable(f"cannot be assigned to: {text_of(node)[:60]}")
        return found

    def place_or_none(self, node: Node) -> Place | None:
        """Lower an lvalue, or return None where the expression is none."""
        match node.type:
            case "parenthesized_expression":
                inner = inside(node)
                return None if inner.type == "compound_statement" else self.place_or_none(inner)
            case "identifier":
                return self.find_place(text_of(node))
            case "field_expression":
                return self._member(node)
            case "subscript_expression":
                return self._element_place(node)
            case "pointer_expression" if operator_of(node) == "*":
                return self.pointed(self.value(field_of(node, "argument")))
            case "compound_literal_expression":
                return self._literal_place(node)
            case "extension_expression":
                return self.place_or_none(node.named_children[0])
        return None

    def pointed(self, pointer: Operand) -> Place:
        """Return the place that a pointer points to."""
        if not isinstance(pointer.ctype, Pointer):
            raise Untranslatable(f"{pointer.ctype} is not a pointer")
        return Place(pointer.ctype.to, address=Operand(Int(U64), pointer.const, pointer.reg))

    def _member(self, node: Node) -> Place:
        name = text_of(field_of(node, "field"))
        argument = field_of(node, "argument")
        if operator_of(node) == "->":
            base = self.pointed(self.value(argument))
        else:
            found = self.place_or_none(argument)
            if found is None:
                value = self.raw(argument)
                found = Place(value.ctype, address=Operand(ULONG, value.const, value.reg))
            base = found
        return self.member_of(base, name)

    def member_of(self, base: Place, name: str) -> Place:
        """Return the place of a member. Raises `Untranslatable`."""
        if not isinstance(base.ctype, Struct):
            raise Untranslatable(f"{base.ctype} has no members: {name}")
        member = base.ctype.find(name)
        if member is None:
            raise Untranslatable(f"{base.ctype} has no member {name}")
        if base.address is None:
            raise Untranslatable(f"a member of a value: {name}")
        address = self.builder.offset(base.address, member.offset, ULONG)
        bits = member if member.width is not None else None
        return Place(member.type, address=address, bits=bits)

    def _element_place(self, node: Node) -> Place:
        array = self.value(field_of(node, "argument"))
        index = self.value(field_of(node, "index"))
        if isinstance(index.ctype, Pointer):
            array, index = index, array
        return self.pointed(self.advance(array, index, "add"))

    def _literal_place(self, node: Node) -> Place:
        ctype = self.described(field_of(node, "type"))
        value = field_of(node, "value")
        if isinstance(ctype, Array) and ctype.count is None:
            ctype = Array(ctype.of, self.array_count(ctype.of, value))
        if self.is_static:
            return self.static_literal(ctype, node, value)
        if not isinstance(ctype, Struct | Array):
            place = Place(ctype, address=self.builder.slot(size_of(ctype), align_of(ctype)))
            first = [child for child in value.named_children if child.type != "comment"]
            operand = self.value(first[0]) if first else Operand(INT, const=0)
            self.builder.write(place, self.builder.convert(operand, ctype))
            return place
        place = Place(ctype, address=self.builder.slot(size_of(ctype), max(align_of(ctype), 1)))
        self.initialise(place, value)
        return place

    def _x_compound_literal_expression(self, node: Node) -> Operand:
        return self.builder.read(self._literal_place(node))
