"""Expressions to steps."""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import Final

from tree_sitter import Node

from kernel_sim.cfront.build import Builder, Operand, Place, scalar
from kernel_sim.cfront.ctype import (
    BOOL,
    CHAR,
    INT,
    LONG,
    ULONG,
    VOID,
    VOID_POINTER,
    Array,
    CType,
    Field,
    Func,
    Int,
    Pointer,
    Struct,
    Untranslatable,
    Void,
    align_of,
    size_of,
)
from kernel_sim.cfront.declare import Declarations, decay
from kernel_sim.cfront.unit import text_of
from kernel_sim.ir import I32, U32, U64, Call, CallPointer, Type

_OPS: Final = {
    "+": "add", "-": "sub", "*": "mul", "/": "div", "%": "mod", "&": "and", "|": "or", "^": "xor",
    "<<": "shl", ">>": "shr", "==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge",
}  # fmt: skip
_NUMBER = re.compile(r"(0[xX][0-9a-fA-F]+|0[bB][01]+|\d+)([uUlL]*)$")
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]+|[0-7]{1,3}|.)", re.DOTALL)
_SIDE_EFFECT = re.compile(rb"=|\+\+|--|\(")
_ESCAPES: Final = {"n": 10, "t": 9, "r": 13, "0": 0, "a": 7, "b": 8, "f": 12, "v": 11, "e": 27}


class Expressions(Declarations):
    """Lowers expressions into the blocks of `builder`."""

    builder: Builder

    # ------------------------------------------------- what the scopes around supply

    @abstractmethod
    def find_place(self, name: str) -> Place | None:
        """Return where a variable stands, or None where there is none of that name."""

    @abstractmethod
    def find_function(self, name: str) -> Func | None:
        """Return the type of a function that is declared here, or None."""

    @abstractmethod
    def function_address(self, name: str) -> int:
        """Return a function's address."""

    @abstractmethod
    def callee(self, name: str) -> str:
        """Return the name in the program of a function that is called by its name here."""

    @abstractmethod
    def string_address(self, data: bytes) -> int:
        """Return the address of a string's bytes, which end with a zero."""

    @abstractmethod
    def statement_value(self, body: Node) -> Operand:
        """Lower the inside of `({ ... })` and return its value."""

    @abstractmethod
    def initialise(self, place: Place, value: Node) -> None:
        """Lower an initialiser in braces, or a string, into memory."""

    @abstractmethod
    def lower_builtin(self, name: str, arguments: list[Node]) -> Operand | None:
        """Lower a call of something that the compiler or an engine supplies, or return None."""

    @abstractmethod
    def lower_assembly(self, node: Node) -> Operand:
        """Lower inline assembly."""

    @abstractmethod
    def array_count(self, of: CType, value: Node) -> int:
        """Return how many elements an initialiser of an array [] has."""

    def lookup_enumerator(self, name: str) -> tuple[int, CType] | None:
        """Return the value and type of an enumerator in scope."""
        return self.enumerator(name)

    # ----------------------------------------------------------------- entry points

    def constant(self, node: Node) -> int:
        """Return the value of a constant expression. Raises `Untranslatable`."""
        kept, self.builder = self.builder, self.builder.aside()
        try:
            found = self.value(node)
        finally:
            self.builder = kept
        if found.const is None:
            raise Untranslatable(f"not a constant: {text_of(node)[:60]}")
        return found.const

    def type_of(self, node: Node) -> CType:
        """Return the type of an expression, arrays and functions as such."""
        kept, self.builder = self.builder, self.builder.aside()
        try:
            place = self.place_or_none(node)
            return place.ctype if place is not None else self.raw(node).ctype
        finally:
            self.builder = kept

    def value(self, node: Node) -> Operand:
        """Lower an expression to a value; arrays and functions become pointers."""
        found = self.raw(node)
        if isinstance(found.ctype, Array | Func):
            return Operand(decay(found.ctype), const=found.const, reg=found.reg)
        return found

    def condition(self, node: Node, then: int, other: int) -> None:
        """Lower a condition into jumps to two blocks."""
        inner = _bare(node)
        if inner.type == "binary_expression":
            op = _operator(inner)
            if op in ("&&", "||"):
                middle = self.builder.new_block()
                targets = (middle, other) if op == "&&" else (then, middle)
                self.condition(_field(inner, "left"), *targets)
                self.builder.start(middle)
                self.condition(_field(inner, "right"), then, other)
                return
        if inner.type == "unary_expression" and _operator(inner) == "!":
            self.condition(_field(inner, "argument"), other, then)
            return
        found = self.value(inner)
        scalar(found.ctype)
        self.builder.branch(found, then, other)

    # ------------------------------------------------------------------- dispatch

    def raw(self, node: Node) -> Operand:
        """Lower an expression; arrays and functions keep their types. Raises `Untranslatable`."""
        lower = getattr(self, f"_x_{node.type}", None)
        if node.type == "ERROR" or node.is_missing:
            raise Untranslatable(f"does not parse: {text_of(node)[:60]}")
        if lower is None:
            raise Untranslatable(f"{node.type.replace('_', ' ')}: {text_of(node)[:60]}")
        found: Operand = lower(node)
        return found

    def _x_parenthesized_expression(self, node: Node) -> Operand:
        inner = _inside(node)
        if inner.type == "compound_statement":
            return self.statement_value(inner)
        return self.raw(inner)

    def _x_comma_expression(self, node: Node) -> Operand:
        self.raw(_field(node, "left"))
        return self.value(_field(node, "right"))

    # ------------------------------------------------------------------- literals

    def _x_number_literal(self, node: Node) -> Operand:
        text = text_of(node).replace("'", "")
        if text[0] in "-+":
            # The parser takes a sign into the number.
            found = self._literal(text[1:])
            return self.builder.unary("neg", found) if text[0] == "-" else found
        return self._literal(text)

    def _literal(self, text: str) -> Operand:
        match = _NUMBER.match(text)
        if match is None:
            raise Untranslatable(f"the number {text}")
        digits, suffix = match[1], match[2].lower()
        if digits[:2].lower() == "0b":
            value = int(digits[2:], 2)
        elif digits.startswith("0") and len(digits) > 1 and digits[1] not in "xX":
            value = int(digits, 8)
        else:
            value = int(digits, 0)
        return Operand(_literal_type(value, suffix, digits[0] == "0"), const=value)

    def _x_char_literal(self, node: Node) -> Operand:
        data = unescape(text_of(node).lstrip("Lu")[1:-1])
        value = data[0] if data else 0
        return Operand(INT, const=value - 256 if value > 127 else value)

    def _x_string_literal(self, node: Node) -> Operand:
        data = string_bytes(node)
        return Operand(Array(CHAR, len(data) + 1), const=self.string_address(data))

    def _x_concatenated_string(self, node: Node) -> Operand:
        return self._x_string_literal(node)

    def _x_true(self, node: Node) -> Operand:
        return Operand(INT, const=1)

    def _x_false(self, node: Node) -> Operand:
        return Operand(INT, const=0)

    def _x_null(self, node: Node) -> Operand:
        return Operand(VOID_POINTER, const=0)

    # ------------------------------------------------------------- names and places

    def _x_identifier(self, node: Node) -> Operand:
        name = text_of(node)
        place = self.find_place(name)
        if place is not None:
            return self.builder.read(place)
        known = self.lookup_enumerator(name)
        if known is not None:
            return Operand(known[1], const=known[0])
        function = self.find_function(name)
        if function is not None:
            return Operand(function, const=self.function_address(name))
        raise Untranslatable(f"{name} is not declared")

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
                inner = _inside(node)
                return None if inner.type == "compound_statement" else self.place_or_none(inner)
            case "identifier":
                return self.find_place(text_of(node))
            case "field_expression":
                return self._member(node)
            case "subscript_expression":
                return self._element_place(node)
            case "pointer_expression" if _operator(node) == "*":
                return self.pointed(self.value(_field(node, "argument")))
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
        name = text_of(_field(node, "field"))
        argument = _field(node, "argument")
        if _operator(node) == "->":
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
        array = self.value(_field(node, "argument"))
        index = self.value(_field(node, "index"))
        if isinstance(index.ctype, Pointer):
            array, index = index, array
        return self.pointed(self.advance(array, index, "add"))

    def _literal_place(self, node: Node) -> Place:
        ctype = self.described(_field(node, "type"))
        value = _field(node, "value")
        if isinstance(ctype, Array) and ctype.count is None:
            ctype = Array(ctype.of, self.array_count(ctype.of, value))
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

    # ------------------------------------------------------------------- operators

    def _x_pointer_expression(self, node: Node) -> Operand:
        argument = _field(node, "argument")
        if _operator(node) == "*":
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
        op = _operator(node)
        operand = self.value(_field(node, "argument"))
        if op == "!":
            zero = Operand(operand.ctype, const=0)
            return self.builder.binary("eq", operand, zero)
        operand = self.promote(operand)
        if op == "+":
            return operand
        return self.builder.unary("neg" if op == "-" else "not", operand)

    def _x_binary_expression(self, node: Node) -> Operand:
        op = _operator(node)
        if op in ("&&", "||"):
            return self._logical(node, op)
        left = self.value(_field(node, "left"))
        return self.arithmetic(op, left, self.value(_field(node, "right")))

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
            return self.builder.binary(name, left, right)
        common = common_type(left.ctype, right.ctype)
        return self.builder.binary(
            name, self.builder.convert(left, common), self.builder.convert(right, common)
        )

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
        left = self.value(_field(node, "left"))
        scalar(left.ctype)
        if left.const is not None:
            if bool(left.const) == (op == "||"):
                return Operand(INT, const=int(op == "||"))
            right = self.value(_field(node, "right"))
            return self.builder.binary("ne", right, Operand(right.ctype, const=0))
        result = self.builder.new_register(I32)
        then, other, done = (self.builder.new_block() for _ in range(3))
        first = (then, done) if op == "&&" else (done, then)
        self._set(result, int(op == "||"))
        self.builder.branch(left, *first)
        self.builder.start(then)
        right = self.value(_field(node, "right"))
        truth = self.builder.binary("ne", right, Operand(right.ctype, const=0))
        self.builder.write(Place(INT, reg=result), truth)
        self.builder.enter(other)
        self.builder.enter(done)
        return Operand(INT, reg=result)

    def _set(self, register: int, value: int) -> None:
        self.builder.write(Place(INT, reg=register), Operand(INT, const=value))

    def _x_conditional_expression(self, node: Node) -> Operand:
        condition = self.value(_field(node, "condition"))
        consequence = node.child_by_field_name("consequence")
        alternative = _field(node, "alternative")
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
        op = _operator(node)
        left, right = _field(node, "left"), _field(node, "right")
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
        place = self.place(_field(node, "argument"))
        one = Operand(INT, const=1)
        op = _operator(node)[0]
        if node.children[0].type in ("++", "--"):
            return self._update(place, op, one)
        old = self.builder.copy(self.builder.read(place))
        new = self.arithmetic(op, old, one)
        self.builder.write(place, self.builder.convert(new, place.ctype))
        return old

    # ------------------------------------------------------------------------ types

    def _x_cast_expression(self, node: Node) -> Operand:
        ctype = self.described(_field(node, "type"))
        found = self.value(_field(node, "value"))
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
        struct = self.described(_field(node, "type"))
        name = text_of(_field(node, "member"))
        member = struct.find(name) if isinstance(struct, Struct) else None
        if member is None:
            raise Untranslatable(f"{struct} has no member {name}")
        return Operand(ULONG, const=member.offset)

    def _x_generic_expression(self, node: Node) -> Operand:
        children = [child for child in node.named_children if child.type != "comment"]
        asked = decay(self.type_of(children[0]))
        default = None
        for described, value in zip(children[1::2], children[2::2], strict=False):
            if text_of(described) == "default":
                default = value
            elif self.described(described) == asked:
                return self.value(value)
        if default is None:
            raise Untranslatable(f"_Generic has no case for {asked}")
        return self.value(default)

    def _x_extension_expression(self, node: Node) -> Operand:
        return self.raw(node.named_children[0])

    def _x_gnu_asm_expression(self, node: Node) -> Operand:
        return self.lower_assembly(node)

    # ------------------------------------------------------------------------ calls

    def _x_call_expression(self, node: Node) -> Operand:
        function = _field(node, "function")
        arguments = [
            child for child in _field(node, "arguments").named_children if child.type != "comment"
        ]
        bare = _bare(function)
        if bare.type == "identifier":
            name = text_of(bare)
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
        dst = self._destination(signature)
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
        dst = self._destination(signature)
        self.builder.emit(Call(dst, self.callee(name), regs))
        return result if result is not None else Operand(signature.returns, reg=dst)

    def _destination(self, signature: Func) -> int | None:
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


# ------------------------------------------------------------------------- pure parts


def common_type(one: CType, two: CType) -> CType:
    """Return the type of the usual arithmetic conversions; both are promoted already."""
    if not isinstance(one, Int) or not isinstance(two, Int):
        raise Untranslatable(f"{one} and {two} in one sum")
    if one.type.bits != two.type.bits:
        return one if one.type.bits > two.type.bits else two
    rank = max(one.rank, two.rank)
    unsigned = not one.type.signed or not two.type.signed
    return Int(Type(one.type.bits, not unsigned), rank=rank)


def _literal_type(value: int, suffix: str, other_base: bool) -> CType:
    unsigned, longs = "u" in suffix, suffix.count("l")
    rank = max(longs - 1, 0)
    if not longs:
        if not unsigned and value < 1 << 31:
            return INT
        if value < 1 << 32 and (unsigned or other_base):
            return Int(U32)
    if not unsigned and value < 1 << 63:
        return Int(Type(64, True), rank=rank)
    return Int(U64, rank=rank)


def _is_null(operand: Operand) -> bool:
    return operand.const == 0 and operand.ctype == VOID_POINTER


def unescape(text: str) -> bytes:
    """Return the bytes of the inside of a string or character literal."""
    out = bytearray()
    done = 0
    for match in _ESCAPE.finditer(text):
        out += text[done : match.start()].encode()
        code = match[1]
        if code[0] == "x":
            out.append(int(code[1:], 16) & 255)
        elif code[0] in "01234567":
            out.append(int(code, 8) & 255)
        elif code != "\n":
            out.append(_ESCAPES.get(code, ord(code) & 255))
        done = match.end()
    return bytes(out + text[done:].encode())


def string_bytes(node: Node) -> bytes:
    """Return the bytes of a string literal, or of several in a row, without the final zero."""
    if node.type == "concatenated_string":
        parts = [string_bytes(child) for child in node.named_children if "string" in child.type]
        return b"".join(parts)
    text = text_of(node)
    return unescape(text[text.index('"') + 1 : text.rindex('"')])


def _operator(node: Node) -> str:
    found = node.child_by_field_name("operator")
    return found.type if found is not None else ""


def _field(node: Node, name: str) -> Node:
    found = node.child_by_field_name(name)
    if found is None or found.is_missing:
        raise Untranslatable(f"does not parse: {text_of(node)[:60]}")
    return found


def _inside(node: Node) -> Node:
    inner = [child for child in node.named_children if child.type != "comment"]
    if len(inner) != 1:
        raise Untranslatable(f"does not parse: {text_of(node)[:60]}")
    return inner[0]


def _bare(node: Node) -> Node:
    while node.type == "parenthesized_expression":
        inner = _inside(node)
        if inner.type == "compound_statement":
            return node
        node = inner
    return node


field_of = _field
operator_of = _operator
bare = _bare
__all__ = ["BOOL", "Expressions", "Field", "bare", "common_type", "field_of", "operator_of"]
