"""Casts, sizes, _Generic and calls: the rest of the expressions."""

from __future__ import annotations

import re

from tree_sitter import Node

from kernel_sim.cfront.build import Operand, Place, scalar
from kernel_sim.cfront.casts import NoCast, marked_name
from kernel_sim.cfront.ctype import (
    ULONG,
    Func,
    Int,
    Pointer,
    Struct,
    Untranslatable,
    Void,
    align_of,
    is_same,
    size_of,
)
from kernel_sim.cfront.declare import decay
from kernel_sim.cfront.nodes import bare, field_of
from kernel_sim.cfront.operators import Operators
from kernel_sim.cfront.unit import text_of
from kernel_sim.ir import Call, CallPointer

_UNQUALIFIED = re.compile(rb"\b(?:const|volatile|__typeof_\d+)\b|\s+")
"""What two cases of a _Generic may differ in where only the qualifiers of their types do."""
_SIDE_EFFECT = re.compile(rb"=|\+\+|--|\(")


class Expressions(Operators):
    """Lowers expressions."""

    # ------------------------------------------------------------------------ types

    def _x_cast_expression(self, node: Node) -> Operand:
        described = field_of(node, "type")
        name = marked_name(described.text or b"")
        if name is not None and self.is_shadowed(name):
            raise NoCast(name, described.start_byte)
        ctype = self.described(described)
        found = self.value(field_of(node, "value"))
        if isinstance(ctype, Struct) and ctype is not found.ctype:
            return self._union_cast(ctype, found)
        return self.builder.convert(found, ctype)

    def _union_cast(self, ctype: Struct, found: Operand) -> Operand:
        """GNU C: a value as a union that has a member of its type."""
        if isinstance(found.ctype, Struct) and found.ctype.tag == ctype.tag:
            return Operand(ctype, found.const, found.reg)
        for member in ctype.members() if ctype.union else ():
            if member.type == found.ctype:
                address = self.builder.slot(ctype.size, ctype.align)
                self.builder.write(Place(member.type, address=address), found)
                return Operand(ctype, address.const, address.reg)
        raise Untranslatable(f"{found.ctype} as {ctype}")

    def _x_sizeof_expression(self, node: Node) -> Operand:
        return Operand(ULONG, const=size_of(self.operand_type(node)))

    def _x_alignof_expression(self, node: Node) -> Operand:
        return Operand(ULONG, const=align_of(self.operand_type(node)))

    def _x_offsetof_expression(self, node: Node) -> Operand:
        struct = self.described(field_of(node, "type"))
        name = text_of(field_of(node, "member"))
        member = struct.find(name) if isinstance(struct, Struct) else None
        if member is None:
            raise Untranslatable(f"{struct} has no member {name}")
        return Operand(ULONG, const=member.offset)

    def _x_generic_expression(self, node: Node) -> Operand:
        children = [child for child in node.named_children if child.type != "comment"]
        asked = decay(self.type_of(children[0]))
        default: Node | None = None
        chosen: list[Node] = []
        for described, value in zip(children[1::2], children[2::2], strict=False):
            if text_of(described) == "default":
                default = value
            elif is_same(self.described(described), asked):
                chosen.append(value)
        if len({_UNQUALIFIED.sub(b"", value.text or b"") for value in chosen}) > 1:
            raise Untranslatable(f"_Generic with cases for {asked} that differ in qualifiers")
        chosen += [default] if default is not None else []
        if not chosen:
            raise Untranslatable(f"_Generic has no case for {asked}")
        return self.value(chosen[0])

    def _x_extension_expression(self, node: Node) -> Operand:
        return self.raw(node.named_children[0])

    def _x_gnu_asm_expression(self, node: Node) -> Operand:
        return self.lower_assembly(node)

    # ------------------------------------------------------------------------ calls

    def _x_call_expression(self, node: Node) -> Operand:
        function = field_of(node, "function")
        arguments = [
            child for child in field_of(node, "arguments").named_children if child.type != "comment"
        ]
        called = bare(function)
        if called.type == "identifier":
            name = text_of(called)
            if self.find_place(name) is None:
                if self.is_type_name(name) and function.type == "parenthesized_expression":
                    values = [self.value(one) for one in arguments]
                    return self.builder.convert(values[-1], self.named(name))
                return self._named_call(name, arguments)
        target = self.value(function)
        if not isinstance(target.ctype, Pointer) or not isinstance(target.ctype.to, Func):
            raise Untranslatable(f"a call of {target.ctype}: {text_of(function)[:60]}")
        signature = target.ctype.to
        result, regs = self._arguments(signature, arguments)
        dst = self.destination(signature)
        self.builder.emit(CallPointer(dst, self.builder.reg(target), regs))
        return result if result is not None else Operand(signature.returns, reg=dst)

    def _named_call(self, name: str, arguments: list[Node]) -> Operand:
        found = self.lower_builtin(name, arguments)
        if found is not None:
            return found
        signature = self.find_function(name)
        if signature is None:
            raise Untranslatable(f"{name}() is not declared")
        result, regs = self._arguments(signature, arguments)
        dst = self.destination(signature)
        self.builder.emit(Call(dst, self.callee(name), regs))
        return result if result is not None else Operand(signature.returns, reg=dst)

    def destination(self, signature: Func) -> int | None:
        """Return a register for what a call returns, None for nothing or a struct."""
        if isinstance(signature.returns, Void | Struct):
            return None
        return self.builder.new_register(scalar(signature.returns))

    def _arguments(
        self, signature: Func, nodes: list[Node]
    ) -> tuple[Operand | None, tuple[int, ...]]:
        """Return (where a struct comes back, or None) and the registers of all arguments."""
        regs: list[int] = []
        result = None
        if isinstance(signature.returns, Struct):
            size, align = size_of(signature.returns), align_of(signature.returns)
            where = self.builder.slot(max(size, 1), align)
            result = Operand(signature.returns, where.const, where.reg)
            regs.append(self.builder.reg(where))
        for index, node in enumerate(nodes):
            value = self.value(node)
            if index < len(signature.parameters):
                value = self.builder.convert(value, signature.parameters[index])
            elif isinstance(value.ctype, Int):
                value = self.promote(value)
            later = b"".join(other.text or b"" for other in nodes[index + 1 :])
            regs.append(self._argument(value, keep=_SIDE_EFFECT.search(later) is not None))
        return result, tuple(regs)

    def _argument(self, value: Operand, keep: bool) -> int:
        if isinstance(value.ctype, Struct):
            size, align = size_of(value.ctype), align_of(value.ctype)
            address = self.builder.slot(max(size, 1), align)
            self.builder.write(Place(value.ctype, address=address), value)
            return self.builder.reg(address)
        if value.reg is not None and keep:
            # A later argument may change the variable that this one is.
            return self.builder.reg(self.builder.copy(value))
        return self.builder.reg(value)
