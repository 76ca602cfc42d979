"""Declarations to types: specifiers, declarators, struct bodies, enums, typeof."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from tree_sitter import Node

from kernel_sim.cfront.attributes import (
    MODES,
    attribute_name,
    attributes_of,
    constant_type,
    enum_type,
    only_argument,
)
from kernel_sim.cfront.casts import TYPEOF
from kernel_sim.cfront.ctype import (
    BOOL,
    CHAR,
    INT,
    SIGNED_CHAR,
    ULONG,
    VOID,
    VOID_POINTER,
    Array,
    CType,
    Func,
    Int,
    Member,
    Opaque,
    Pointer,
    Struct,
    Untranslatable,
    align_of,
    lay_out,
)
from kernel_sim.cfront.unit import (
    Declared,
    Unit,
    declared_name,
    inner_declarator,
    text_of,
)
from kernel_sim.ir import I16, I32, I64, U8, U16, U32, U64, Type

_NAMED: Final[dict[str, CType]] = {
    "void": VOID,
    "bool": BOOL,
    "_Bool": BOOL,
    "char": CHAR,
    "int": INT,
    "size_t": ULONG,
    "ssize_t": Int(I64),
    "ptrdiff_t": Int(I64),
    "intptr_t": Int(I64),
    "uintptr_t": ULONG,
    "int8_t": SIGNED_CHAR,
    "int16_t": Int(I16),
    "int32_t": INT,
    "int64_t": Int(I64),
    "uint8_t": Int(U8),
    "uint16_t": Int(U16),
    "uint32_t": Int(U32),
    "uint64_t": ULONG,
    "signed": INT,
    "unsigned": Int(U32),
    "float": Opaque("float", 4),
    "double": Opaque("double", 8),
    "__int128": Opaque("__int128", 16),
    "__int128_t": Opaque("__int128", 16),
    "__uint128_t": Opaque("unsigned __int128", 16),
    "__builtin_va_list": Array(Opaque("va_list", 24), 1),
}
_MOST_ELEMENTS: Final = 1 << 40
"""A bound so that no size overflows."""
UNNAMED: Final = "__unnamed"
"""The name of bit-fields that have none."""


class Declarations:
    """Reads types in the scope of a unit; a function's lowering adds the scopes inside it."""

    _adjusted = 0
    """The declarator of a parameter that is a pointer though it says array: its size may be any
    expression, and says nothing."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit

    @abstractmethod
    def constant(self, node: Node) -> int:
        """Return the value of a constant expression. Raises `Untranslatable`."""

    @abstractmethod
    def type_of(self, node: Node) -> CType:
        """Return the type of an expression without evaluating it. Raises `Untranslatable`."""

    def local_type(self, name: str) -> CType | None:
        """Return a typedef of an inner scope."""
        return None

    def local_tag(self, kind: str, tag: str) -> CType | None:
        """Return a struct, union or enum of an inner scope."""
        return None

    def begun_tag(self, kind: str, tag: str) -> Struct | None:
        """Return a struct that the innermost scope has declared without a body."""
        return None

    def define_local_tag(self, kind: str, tag: str, ctype: CType) -> bool:
        """Take a tag into the innermost scope; False at file scope."""
        return False

    # ------------------------------------------------------------------ names

    def is_type_name(self, name: str) -> bool:
        """Whether an identifier names a type here."""
        return (
            self.local_type(name) is not None
            or name in self.unit.typedefs
            or name in _NAMED
            or name.startswith(TYPEOF)
        )

    def named(self, name: str) -> CType:
        """Return the type that a name stands for. Raises `Untranslatable`."""
        local = self.local_type(name)
        if local is not None:
            return local
        if name.startswith(TYPEOF):
            return self._typeof(int(name[len(TYPEOF) :]))
        known = self.unit.typedef_types.get(name)
        if known is not None:
            return known
        declared = self.unit.typedefs.get(name)
        if declared is None:
            if name in _NAMED:
                return _NAMED[name]
            raise Untranslatable(f"the type {name} is not known")
        ctype = self.aligned(self.file_scope().declared_type(declared), declared.whole)
        self.unit.typedef_types[name] = ctype
        return ctype

    def aligned(self, ctype: CType, whole: Node) -> CType:
        """Return the type of a typedef that may say how it is aligned."""
        _packed, align = self.attributes(whole)
        if not align or align == align_of(ctype):
            return ctype
        if isinstance(ctype, Int):
            return replace(ctype, align=align)
        if isinstance(ctype, Struct):
            members = ctype.members()
            return Struct(ctype.tag, ctype.union, members, ctype.size, align)
        raise Untranslatable(f"a typedef that aligns {ctype} to {align}")

    def file_scope(self) -> Declarations:
        """Return what reads declarations at file scope."""
        return self

    def declared_type(self, declared: Declared) -> CType:
        """Return the type that a declarator gives its name. Raises `Untranslatable`."""
        if declared.whole.has_error:
            raise Untranslatable(f"does not parse: {text_of(declared.whole)[:60]}")
        return self.declarator(self.specified(declared.whole), declared.declarator)

    def _typeof(self, number: int) -> CType:
        node = self.unit.typeof_operand(number)
        if node is None:
            raise Untranslatable(f"typeof({self.unit.types[number][:60]})")
        return self.operand_type(node)

    def operand_type(self, node: Node) -> CType:
        """Return the type that sizeof or _Alignof is asked about."""
        described = node.child_by_field_name("type")
        if described is not None:
            return self.described(described)
        value = node.child_by_field_name("value")
        if value is None:
            raise Untranslatable(f"not understood: {text_of(node)[:60]}")
        inner = value
        while inner.type == "parenthesized_expression" and inner.named_child_count == 1:
            inner = inner.named_children[0]
        named = self._type_looking_like_value(inner)
        return self.type_of(value) if named is None else named

    def _type_looking_like_value(self, node: Node) -> CType | None:
        """Return the type of `T` or `T[2][3]` where T names a type: the parser cannot know."""
        counts = []
        while node.type == "subscript_expression":
            array, index = (node.child_by_field_name(name) for name in ("argument", "index"))
            if array is None or index is None:
                return None
            counts.append(index)
            node = array
        name = text_of(node)
        if node.type != "identifier" or self.is_shadowed(name) or not self.is_type_name(name):
            return None
        ctype = self.named(name)
        for index in counts:
            ctype = Array(ctype, self.constant(index))
        return ctype

    def is_shadowed(self, name: str) -> bool:
        """Whether a variable, function or enumerator inside a function hides a type's name."""
        return False

    # -------------------------------------------------------------- specifiers

    def described(self, node: Node) -> CType:
        """Return the type of a type_descriptor, as in a cast."""
        base = self.specified(node)
        declarator = node.child_by_field_name("declarator")
        return base if declarator is None else self.declarator(base, declarator)

    def specified(self, node: Node) -> CType:
        """Return the type before the declarators of a declaration."""
        found = node.child_by_field_name("type")
        if found is None:
            raise Untranslatable(f"no type: {text_of(node)[:60]}")
        ctype = self.specifier(found)
        if any(child.type == "attribute_specifier" for child in node.children):
            ctype = self._with_mode(ctype, node)
        return ctype

    def _with_mode(self, ctype: CType, node: Node) -> CType:
        """Return a type as an attribute `mode` of its declaration makes it."""
        for one in attributes_of(node):
            if attribute_name(one) != "mode":
                continue
            bits = MODES.get(text_of(only_argument(one)).strip("_"))
            if bits is None or not isinstance(ctype, Int):
                raise Untranslatable(f"the mode {text_of(one)}")
            ctype = Int(Type(bits, ctype.type.signed))
        return ctype

    def specifier(self, node: Node) -> CType:
        """Return the type of one type specifier. Raises `Untranslatable`."""
        match node.type:
            case "primitive_type" | "type_identifier" | "identifier":
                return self.named(text_of(node))
            case "sized_type_specifier":
                return self._sized(text_of(node).split())
            case "struct_specifier" | "union_specifier":
                return self._struct(node)
            case "enum_specifier":
                return self._enum(node)
            case "type_descriptor":
                return self.described(node)
        raise Untranslatable(f"the type {text_of(node)[:60]}")

    def _sized(self, words: list[str]) -> CType:
        unsigned = "unsigned" in words
        if "__int128" in words:
            return _NAMED["__int128"]
        if "double" in words:
            return Opaque("long double", 16)
        if "char" in words:
            return Int(U8) if unsigned else SIGNED_CHAR
        if "short" in words:
            return Int(U16 if unsigned else I16)
        longs = words.count("long")
        if longs:
            return Int(U64 if unsigned else I64, rank=longs - 1)
        return Int(U32 if unsigned else I32)

    def _struct(self, node: Node) -> CType:
        kind = "union" if node.type == "union_specifier" else "struct"
        name = node.child_by_field_name("name")
        tag = text_of(name) if name is not None else ""
        body = node.child_by_field_name("body")
        if body is None:
            return self._tagged(kind, tag)
        known = self.unit.bodies.get(node.id)
        if known is not None:
            return known
        struct = self.begun_tag(kind, tag) or Struct(tag or "(anonymous)", union=kind == "union")
        if tag and not self.define_local_tag(kind, tag, struct):
            return self._tagged(kind, tag)
        struct.complete = lambda: self._read_body(struct, node)
        self.unit.bodies[node.id] = struct
        return struct

    def _tagged(self, kind: str, tag: str) -> Struct:
        local = self.local_tag(kind, tag)
        if isinstance(local, Struct):
            return local
        known = self.unit.structs.get((kind, tag))
        if known is not None:
            return known
        struct = Struct(tag, union=kind == "union")
        self.unit.structs[kind, tag] = struct
        at = self.unit.tags.get((kind, tag))
        if at is not None:
            node = self.unit.specifier_at(at)
            self.unit.bodies[node.id] = struct
            struct.complete = lambda: self.file_scope()._read_body(struct, node)
        return struct

    def _read_body(self, struct: Struct, node: Node) -> None:
        body = node.child_by_field_name("body")
        assert body is not None
        packed, align = self.attributes(node)
        parent = node.parent
        if parent is not None and parent.type in ("declaration", "type_definition"):
            more_packed, more_align = self.attributes(parent)
            packed, align = packed or more_packed, max(align, more_align)
        lay_out(struct, self._members(body), packed=packed, align=align)

    def _members(self, body: Node) -> Iterator[Member]:
        if body.has_error:
            raise Untranslatable(f"the members do not parse: {text_of(body)[:60]}")
        for node in body.named_children:
            if node.type == "field_declaration":
                yield from self._field(node)

    def _field(self, node: Node) -> Iterator[Member]:
        base = self.specified(node)
        packed, align = self.attributes(node)
        children = node.children
        some = False
        for index, child in enumerate(children):
            if node.field_name_for_child(index) != "declarator":
                continue
            some = True
            width = None
            if index + 1 < len(children) and children[index + 1].type == "bitfield_clause":
                width = self.constant(children[index + 1].named_children[0])
            name = declared_name(child).removeprefix(UNNAMED)
            yield Member(name, self.declarator(base, child), width, align, packed)
        if some:
            return
        for child in children:
            if child.type == "bitfield_clause":
                yield Member("", base, self.constant(child.named_children[0]), align, packed)
                return
        if isinstance(base, Struct):
            yield Member("", base, None, align, packed)

    def attributes(self, node: Node) -> tuple[bool, int]:
        """Return (packed, alignment in bytes or 0) of the attributes right under a node."""
        packed, align = False, 0
        for one in attributes_of(node):
            match attribute_name(one):
                case "packed":
                    packed = True
                case "aligned":
                    given = one.type == "call_expression"
                    align = max(align, self.constant(only_argument(one)) if given else 16)
        return packed, align

    def _enum(self, node: Node) -> CType:
        body = node.child_by_field_name("body")
        name = node.child_by_field_name("name")
        if body is None:
            tag = text_of(name) if name is not None else ""
            local = self.local_tag("enum", tag)
            if local is not None:
                return local
            at = self.unit.tags.get(("enum", tag))
            if at is None:
                return Int(U32)
            node = self.unit.specifier_at(at)
            body = node.child_by_field_name("body")
            assert body is not None
        values = self.enum_values(body)
        packed = any(attribute_name(one) == "packed" for one in attributes_of(node))
        return enum_type(list(values.values()), packed)

    def enum_values(self, body: Node) -> dict[str, int]:
        """Return the values of an enum's body, by name."""
        if body.has_error:
            raise Untranslatable(f"the enum does not parse: {text_of(body)[:60]}")
        values: dict[str, int] = {}
        following = 0
        for node in body.named_children:
            if node.type != "enumerator":
                continue
            name = node.child_by_field_name("name")
            value = node.child_by_field_name("value")
            assert name is not None
            if value is not None:
                following = self.constant(value)
            values[text_of(name)] = following
            # Later ones may be told by earlier ones.
            self.define_enumerator(text_of(name), following)
            following += 1
        return values

    def define_enumerator(self, name: str, value: int) -> None:
        """Take an enumerator into scope."""
        self.unit.enum_values[name] = value, constant_type(value)

    def enumerator(self, name: str) -> tuple[int, CType] | None:
        """Return the value and type of an enumerator of the file scope."""
        if name not in self.unit.enum_values and name in self.unit.enumerators:
            node = self.unit.specifier_at(self.unit.enumerators[name])
            body = node.child_by_field_name("body")
            if body is not None:
                self.file_scope().enum_values(body)
        return self.unit.enum_values.get(name)

    # -------------------------------------------------------------- declarators

    def declarator(self, base: CType, node: Node) -> CType:
        """Return the type that a declarator makes of its base. Raises `Untranslatable`."""
        match node.type:
            case "identifier" | "type_identifier" | "field_identifier" | "primitive_type":
                return base
            case "pointer_declarator" | "abstract_pointer_declarator":
                return self._inside(Pointer(base), node)
            case "array_declarator" | "abstract_array_declarator":
                if node.id == self._adjusted:
                    return self._inside(Pointer(base), node)
                size = node.child_by_field_name("size")
                count = None if size is None else self.constant(size)
                if count is not None and not 0 <= count <= _MOST_ELEMENTS:
                    raise Untranslatable(f"an array of {count} elements")
                return self._inside(Array(base, count), node)
            case "abstract_function_declarator" if self._is_name_in_brackets(node):
                return base
            case "function_declarator" | "abstract_function_declarator":
                return self._inside(self._function(base, node), node)
            case "parenthesized_declarator" | "abstract_parenthesized_declarator":
                return self._inside(base, node)
            case "attributed_declarator":
                return self._inside(base, node)
            case "init_declarator":
                return self._inside(base, node)
        raise Untranslatable(f"the declarator {text_of(node)[:60]}")

    def _is_name_in_brackets(self, node: Node) -> bool:
        """Whether the parser took `T (name)`, one parameter, for a function that takes a name."""
        if node.child_by_field_name("declarator") is not None or not node.named_children:
            return False
        inner = node.named_children[0]
        while inner.named_child_count == 1 and inner.type != "type_identifier":
            inner = inner.named_children[0]
        return inner.type == "type_identifier" and not self.is_type_name(text_of(inner))

    def _inside(self, base: CType, node: Node) -> CType:
        inner = inner_declarator(node)
        if inner is None and node.type == "abstract_parenthesized_declarator":
            inner = node.named_children[0]
        return base if inner is None else self.declarator(base, inner)

    def _function(self, returns: CType, node: Node) -> Func:
        parameters = node.child_by_field_name("parameters")
        assert parameters is not None
        types, variadic = [], False
        for child in parameters.named_children:
            if child.type == "variadic_parameter":
                variadic = True
            elif child.type == "parameter_declaration":
                types.append(self.parameter(child))
            elif child.type == "identifier":
                variadic = True
        if types == [VOID]:
            types = []
        return Func(returns, tuple(types), variadic)

    def parameter(self, node: Node) -> CType:
        """Return a parameter's type, arrays and functions as pointers."""
        ctype = self.specified(node)
        declarator = node.child_by_field_name("declarator")
        if declarator is not None:
            kept, self._adjusted = self._adjusted, _innermost(declarator).id
            try:
                ctype = self.declarator(ctype, declarator)
            finally:
                self._adjusted = kept
        return decay(ctype)


def _innermost(declarator: Node) -> Node:
    """Return the part of a declarator that stands next to the name: what the type is first."""
    node, found = declarator, declarator
    while (inner := inner_declarator(node)) is not None:
        if not inner.type.endswith("identifier") and "parenthesized" not in inner.type:
            found = inner
        node = inner
    return found


def decay(ctype: CType) -> CType:
    """Return what an array or a function becomes as a value."""
    match ctype:
        case Array(of=of):
            return Pointer(of)
        case Func():
            return Pointer(ctype)
    return ctype


__all__ = ["VOID_POINTER", "Declarations", "constant_type", "decay"]
