"""Expressions to values: what the scopes supply, the way in, literals and names."""

from __future__ import annotations

from abc import abstractmethod

from tree_sitter import Node

from kernel_sim.cfront.build import Builder, Operand, Place, scalar
from kernel_sim.cfront.ctype import CHAR, INT, VOID_POINTER, Array, CType, Func, Untranslatable
from kernel_sim.cfront.declare import Declarations, decay
from kernel_sim.cfront.literals import number, string_bytes, unescape
from kernel_sim.cfront.nodes import bare, field_of, inside, operator_of
from kernel_sim.cfront.unit import text_of


class Values(Declarations):
    """Lowers expressions into the blocks of `builder`; see the classes built on this."""

    builder: Builder
    is_static = False
    """Whether this is the initialiser of a static variable: its literals are static too."""

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
    def static_literal(self, ctype: CType, node: Node, value: Node) -> Place:
        """Return the place of a compound literal that stands as long as the program runs."""

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
        inner = bare(node)
        if inner.type == "binary_expression":
            op = operator_of(inner)
            if op in ("&&", "||"):
                middle = self.builder.new_block()
                targets = (middle, other) if op == "&&" else (then, middle)
                self.condition(field_of(inner, "left"), *targets)
                self.builder.start(middle)
                self.condition(field_of(inner, "right"), then, other)
                return
        if inner.type == "unary_expression" and operator_of(inner) == "!":
            self.condition(field_of(inner, "argument"), other, then)
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
        inner = inside(node)
        if inner.type == "compound_statement":
            return self.statement_value(inner)
        return self.raw(inner)

    def _x_comma_expression(self, node: Node) -> Operand:
        self.raw(field_of(node, "left"))
        return self.value(field_of(node, "right"))

    # ------------------------------------------------------------------- literals

    def _x_number_literal(self, node: Node) -> Operand:
        text = text_of(node).replace("'", "")
        if text[0] in "-+":
            # The parser takes a sign into the number.
            found = number(text[1:])
            return self.builder.unary("neg", found) if text[0] == "-" else found
        return number(text)

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

    @abstractmethod
    def place_or_none(self, node: Node) -> Place | None:
        """Lower an lvalue, or return None where the expression is none."""
