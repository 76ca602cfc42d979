"""C expressions as small values with a canonical text.

Two expressions that mean the same by their form have the same text: blanks, brackets, casts,
`likely()` and the like are gone, and `(*p).f` is `p->f`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node as Syntax

TRANSPARENT = frozenset({"likely", "unlikely", "__builtin_expect", "READ_ONCE", "data_race"})
"""Calls that stand for their first argument."""

_WORD = re.compile(r"[A-Za-z_]\w*")
_MAX_DEPTH = 120
_TYPE_NAME = re.compile(
    rb"\(\s*(\w+_t|[us](?:8|16|32|64)|__[us](?:8|16|32|64)|__[bl]e(?:16|32|64))\s*\)\Z"
)


@dataclass(slots=True, eq=False)
class Expr:
    """One expression.

    `kind`: name, number, string, call, field, index, unary, binary, assign, update, cast, sizeof,
    choice (?:), comma, list ({...}), block (a statement expression), type, other. `op` is the
    operator, the field's name, the called function's name ("" for a pointer) or a cast's type.
    `args` are the operands; of a call, the arguments. `line` counts from 1, `offset` in bytes.
    """

    kind: str
    text: str
    op: str = ""
    args: tuple[Expr, ...] = ()
    line: int = 0
    offset: int = 0
    function: Expr | None = None
    syntax: Syntax | None = None
    names: frozenset[str] = field(default=frozenset())

    def walk(self) -> Iterator[Expr]:
        """Yield this expression and all inside it, outermost first."""
        yield self
        for each in self.args:
            yield from each.walk()

    def calls(self) -> Iterator[Expr]:
        """Yield the calls in it."""
        return (each for each in self.walk() if each.kind == "call")

    @property
    def root(self) -> str:
        """The variable that an access such as `a->b[i].c` starts from, "" where there is none."""
        each = self
        while each.kind in ("field", "index", "cast") or (
            each.kind == "unary" and each.op in ("*", "&")
        ):
            each = each.args[0]
        return each.text if each.kind == "name" else ""

    @property
    def bare(self) -> Expr:
        """The expression inside casts."""
        each = self
        while each.kind == "cast":
            each = each.args[0]
        return each

    def __repr__(self) -> str:
        return f"<{self.kind} {self.text}>"


def words_of(text: str) -> frozenset[str]:
    """Return the identifiers in a canonical text."""
    return frozenset(_WORD.findall(text))


def make_name(name: str, line: int = 0, offset: int = 0) -> Expr:
    """Return the expression that is one name."""
    return Expr("name", name, name, line=line, offset=offset, names=frozenset((name,)))


class TooDeepError(Exception):
    """An expression or statement is nested too deeply to be understood."""


class Reader:
    """Builds expressions from a parse tree over one text."""

    def __init__(self, text: bytes) -> None:
        self._text = text

    def text(self, node: Syntax) -> str:
        """Return a node's source text with its white space squeezed."""
        raw = self._text[node.start_byte : node.end_byte].decode("utf-8", "replace")
        return raw if raw.isidentifier() else " ".join(raw.split())

    def read(self, node: Syntax, depth: int = 0) -> Expr:
        """Return the expression of a node; raises `TooDeepError`."""
        if depth > _MAX_DEPTH:
            raise TooDeepError
        made = self._read(node, depth)
        made.line = made.line or node.start_point[0] + 1
        made.offset = made.offset or node.start_byte
        if made.syntax is None:
            made.syntax = node
        if not made.names and made.args:
            names = made.args[0].names.union(*(a.names for a in made.args[1:]))
            made.names = names | made.function.names if made.function else names
        return made

    def _read(self, node: Syntax, depth: int) -> Expr:
        kind = node.type
        if kind in ("identifier", "true", "false", "null", "type_identifier", "field_identifier"):
            name = self.text(node)
            return make_name(name, node.start_point[0] + 1, node.start_byte)
        if kind == "number_literal":
            return Expr("number", self.text(node))
        if kind == "char_literal":
            return Expr("number", self.text(node))
        if kind in ("string_literal", "concatenated_string"):
            return Expr("string", '"…"')
        if kind == "parenthesized_expression":
            inner = [c for c in node.named_children if c.type != "comment"]
            if len(inner) == 1 and inner[0].type == "compound_statement":
                return Expr("block", f"({{{node.start_byte}}})", syntax=inner[0])
            return self.read(inner[0], depth + 1) if inner else Expr("other", "()")
        handler = getattr(self, f"_read_{kind}", None)
        if handler is not None:
            made: Expr = handler(node, depth + 1)
            return made
        if kind == "compound_statement":
            return Expr("block", f"({{{node.start_byte}}})", syntax=node)
        args = tuple(self.read(c, depth + 1) for c in node.named_children if c.type != "comment")
        return Expr("other", self.text(node)[:200], kind, args)

    def _field(self, node: Syntax, name: str) -> Syntax:
        found = node.child_by_field_name(name)
        if found is None:
            raise TooDeepError
        return found

    def _read_field_expression(self, node: Syntax, depth: int) -> Expr:
        base = self.read(self._field(node, "argument"), depth)
        name = self.text(self._field(node, "field"))
        arrow = self._text[node.start_byte : node.end_byte].find(b"->") >= 0 and any(
            c.type == "->" for c in node.children
        )
        if arrow and base.kind == "unary" and base.op == "&":  # (&x)->f
            base, arrow = base.args[0], False
        elif not arrow and base.kind == "unary" and base.op == "*":  # (*p).f
            base, arrow = base.args[0], True
        sign = "->" if arrow else "."
        return Expr("field", f"{base.text}{sign}{name}", name, (base,))

    def _read_subscript_expression(self, node: Syntax, depth: int) -> Expr:
        base = self.read(self._field(node, "argument"), depth)
        index = self.read(self._field(node, "index"), depth)
        return Expr("index", f"{base.text}[{index.text}]", "[]", (base, index))

    def _read_call_expression(self, node: Syntax, depth: int) -> Expr:
        listed = self._field(node, "arguments")
        kind = self._cast_type(self._field(node, "function"))
        if kind:  # (u64)(x), which the parser takes for a call
            inner = self.read(next(c for c in listed.named_children if c.type != "comment"), depth)
            return Expr("cast", inner.text, kind, (inner,), names=inner.names)
        callee = self.read(self._field(node, "function"), depth)
        args = tuple(self.read(c, depth) for c in listed.named_children if c.type != "comment")
        name = callee.text if callee.kind == "name" else ""
        if name in TRANSPARENT and args:
            return args[0]
        text = f"{callee.text}({', '.join(a.text for a in args)})"
        pointer = None if name else callee
        names = frozenset((name,)) if name else callee.names
        names = names.union(*(a.names for a in args))
        made = Expr("call", text, name, args, names=names)
        made.function = pointer
        return made

    def _read_pointer_expression(self, node: Syntax, depth: int) -> Expr:
        sign = self.text(node.children[0])
        inner = self.read(self._field(node, "argument"), depth)
        if inner.kind == "unary" and {sign, inner.op} == {"*", "&"}:
            return inner.args[0]
        return Expr("unary", f"{sign}{inner.text}", sign, (inner,))

    def _read_unary_expression(self, node: Syntax, depth: int) -> Expr:
        sign = self.text(self._field(node, "operator"))
        inner = self.read(self._field(node, "argument"), depth)
        if sign == "+":
            return inner
        if sign == "-" and inner.kind == "number":
            return Expr("number", f"-{inner.text}")
        return Expr("unary", f"{sign}{inner.text}", sign, (inner,))

    def _read_binary_expression(self, node: Syntax, depth: int) -> Expr:
        sign = self.text(self._field(node, "operator"))
        kind = self._cast_type(self._field(node, "left")) if sign in ("-", "&", "*", "+") else ""
        if kind:  # (loff_t)-1, which the parser takes for a subtraction
            return self._read_hidden_cast(node, kind, sign, depth)
        left = self.read(self._field(node, "left"), depth)
        right = self.read(self._field(node, "right"), depth)
        if sign in ("==", "!=") and left.kind == "number" and right.kind != "number":
            left, right = right, left
        return Expr("binary", f"({left.text} {sign} {right.text})", sign, (left, right))

    def _cast_type(self, node: Syntax) -> str:
        """Return the type's name where a bracketed name is the head of a cast, else ""."""
        if node.type != "parenthesized_expression":
            return ""
        match = _TYPE_NAME.match(self._text[node.start_byte : node.end_byte])
        return match.group(1).decode() if match else ""

    def _read_hidden_cast(self, node: Syntax, kind: str, sign: str, depth: int) -> Expr:
        inner = self.read(self._field(node, "right"), depth)
        if sign == "-" and inner.kind == "number":
            inner = Expr("number", f"-{inner.text}")
        elif sign != "+":
            inner = Expr("unary", f"{sign}{inner.text}", sign, (inner,), names=inner.names)
        return Expr("cast", inner.text, kind, (inner,), names=inner.names)

    def _read_assignment_expression(self, node: Syntax, depth: int) -> Expr:
        sign = self.text(self._field(node, "operator"))
        left = self.read(self._field(node, "left"), depth)
        right = self.read(self._field(node, "right"), depth)
        return Expr("assign", f"({left.text} {sign} {right.text})", sign, (left, right))

    def _read_update_expression(self, node: Syntax, depth: int) -> Expr:
        sign = self.text(self._field(node, "operator"))
        inner = self.read(self._field(node, "argument"), depth)
        return Expr("update", f"({inner.text}{sign})", sign, (inner,))

    def _read_cast_expression(self, node: Syntax, depth: int) -> Expr:
        inner = self.read(self._field(node, "value"), depth)
        kind = self.text(self._field(node, "type"))
        return Expr("cast", inner.text, kind, (inner,))

    def _read_conditional_expression(self, node: Syntax, depth: int) -> Expr:
        condition = self.read(self._field(node, "condition"), depth)
        chosen = node.child_by_field_name("consequence")
        first = self.read(chosen, depth) if chosen is not None else condition
        second = self.read(self._field(node, "alternative"), depth)
        text = f"({condition.text} ? {first.text} : {second.text})"
        return Expr("choice", text, "?:", (condition, first, second))

    def _read_comma_expression(self, node: Syntax, depth: int) -> Expr:
        left = self.read(self._field(node, "left"), depth)
        right = self.read(self._field(node, "right"), depth)
        return Expr("comma", f"({left.text}, {right.text})", ",", (left, right))

    def _read_sizeof_expression(self, node: Syntax, depth: int) -> Expr:
        return Expr("sizeof", self.text(node))

    def _read_offsetof_expression(self, node: Syntax, depth: int) -> Expr:
        return Expr("sizeof", self.text(node))

    def _read_type_descriptor(self, node: Syntax, depth: int) -> Expr:
        return Expr("type", self.text(node))

    def _read_initializer_list(self, node: Syntax, depth: int) -> Expr:
        args = []
        for child in node.named_children:
            if child.type == "initializer_pair":
                value = child.child_by_field_name("value")
                name = next((c for c in child.named_children if c.type == "field_designator"), None)
                if value is not None:
                    inner = self.read(value, depth)
                    label = self.text(name).lstrip(". ") if name is not None else ""
                    args.append(Expr("pair", f".{label} = {inner.text}", label, (inner,),
                                     line=child.start_point[0] + 1, offset=child.start_byte,
                                     names=inner.names))  # fmt: skip
            elif child.type != "comment":
                args.append(self.read(child, depth))
        return Expr("list", "{…}", "{}", tuple(args))

    def _read_compound_literal_expression(self, node: Syntax, depth: int) -> Expr:
        value = self.read(self._field(node, "value"), depth)
        return Expr("cast", value.text, self.text(self._field(node, "type")), (value,))
