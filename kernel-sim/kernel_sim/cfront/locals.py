"""Declarations inside functions, and their initialisers."""

# What a method is for that stands in a base class is said there.
# ruff: noqa: D102

from __future__ import annotations

from tree_sitter import Node

from kernel_sim.cfront.build import Operand, Place, scalar
from kernel_sim.cfront.cleanup import Cleanups
from kernel_sim.cfront.ctype import (
    INT,
    ULONG,
    VOID,
    Array,
    CType,
    Func,
    Struct,
    Untranslatable,
    Void,
    align_of,
    size_of,
)
from kernel_sim.cfront.initialise import is_string
from kernel_sim.cfront.literals import string_for
from kernel_sim.cfront.nodes import field_of
from kernel_sim.cfront.unit import (
    Declared,
    declared_name,
    has_word,
    inner_declarator,
    is_extern,
    is_function,
    text_of,
)
from kernel_sim.ir import Intrinsic


class Locals(Cleanups):
    """Lowers declarations."""

    def _s_type_definition(self, node: Node) -> None:
        base = self.specified(node)
        for declarator in node.children_by_field_name("declarator"):
            self.scopes[-1].types[declared_name(declarator)] = self.declarator(base, declarator)

    def _s_struct_specifier(self, node: Node) -> None:
        name, kind = node.child_by_field_name("name"), node.type.removesuffix("_specifier")
        if node.child_by_field_name("body") is not None or name is None or kind == "enum":
            self.specifier(node)
        elif (kind, text_of(name)) not in self.scopes[-1].tags:
            self.define_local_tag(kind, text_of(name), Struct(text_of(name), kind == "union"))

    _s_union_specifier = _s_struct_specifier
    _s_enum_specifier = _s_struct_specifier

    def _s_declaration(self, node: Node) -> None:
        declarators = node.children_by_field_name("declarator")
        auto = text_of(field_of(node, "type")) == "__auto_type"
        base = VOID if auto else self.specified(node)
        for declarator in declarators:
            if declarator.type == "identifier" and declarator.is_missing:
                continue
            self._local(node, base, declarator, auto)

    def _local(self, node: Node, base: CType, declarator: Node, auto: bool) -> None:
        value = declarator.child_by_field_name("value")
        inner = inner_declarator(declarator) if declarator.type == "init_declarator" else declarator
        assert inner is not None
        name = declared_name(inner)
        found = None
        if auto:
            assert value is not None
            found = self.builder.copy(self.value(value))
            ctype = found.ctype
        else:
            ctype = self.declarator(base, inner)
        if is_function(inner) or isinstance(ctype, Func):
            assert isinstance(ctype, Func)
            self.scopes[-1].functions[name] = ctype
            return
        if is_extern(node):
            return
        if isinstance(ctype, Array) and ctype.count is None and value is not None:
            ctype = Array(ctype.of, self.array_count(ctype.of, value))
        if has_word(node, "static"):
            declared = Declared(node, inner, value)
            self.define(name, self.linker.static_local(self, name, ctype, declared))
            return
        cleanup = self.cleanup_of(node, name)
        if cleanup is not None:
            self.taken.add(name.encode())
        place = self._new_local(name, ctype)
        self.define(name, place)
        if value is not None and found is None and not isinstance(ctype, Array | Struct):
            found = self.value(value) if value.type != "initializer_list" else None
            if found is None:
                items = [child for child in value.named_children if child.type != "comment"]
                found = self.value(items[0]) if items else Operand(INT, const=0)
        if found is not None:
            self.builder.write(place, self.builder.convert(found, ctype))
        elif value is not None:
            self.initialise(place, value)
        if cleanup is not None:
            self.add_cleanup(cleanup, place, declarator)

    def _new_local(self, name: str, ctype: CType) -> Place:
        if isinstance(ctype, Void):
            raise Untranslatable(f"{name} is of type void")
        if isinstance(ctype, Struct | Array) or name.encode() in self.taken:
            size, align = size_of(ctype), align_of(ctype)
            if isinstance(ctype, Array) and ctype.count is None:
                raise Untranslatable(f"{name} is an array without a size")
            return Place(ctype, address=self.builder.slot(max(size, 1), max(align, 1)))
        return Place(ctype, reg=self.builder.variable(scalar(ctype)))

    def initialise(self, place: Place, value: Node) -> None:
        address = place.address
        assert address is not None
        if isinstance(place.ctype, Struct) and value.type != "initializer_list":
            found = self.builder.convert(self.value(value), place.ctype)
            self.builder.write(place, found)
            return
        pieces = list(self.pieces(place.ctype, value))
        size = size_of(place.ctype)
        if size and not (len(pieces) == 1 and is_string(pieces[0].value)):
            words = [Operand(INT, const=0), Operand(ULONG, const=size)]
            regs = [self.builder.reg(one) for one in (address, *words)]
            self.builder.emit(Intrinsic(None, "sim_fill", tuple(regs)))
        for piece in pieces:
            at = self.builder.offset(address, piece.offset, ULONG)
            if isinstance(piece.ctype, Array) and is_string(piece.value):
                self._copy_string(piece.ctype, at, piece.value)
                continue
            found = self.value(piece.value)
            target = Place(piece.ctype, address=at, bits=piece.bits)
            self.builder.write(target, self.builder.convert(found, piece.ctype))

    def _copy_string(self, ctype: Array, at: Operand, value: Node) -> None:
        data = string_for(ctype, value)
        source = Operand(ULONG, const=self.linker.bytes_address(data))
        size = Operand(ULONG, const=len(data))
        regs = tuple(self.builder.reg(one) for one in (at, source, size))
        self.builder.emit(Intrinsic(None, "sim_copy", regs))
