"""Edits of C by tree-sitter: find a place by its structure, and change it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from patchbot_checks.csource.unit import Function, Unit

if TYPE_CHECKING:
    from tree_sitter import Node


@dataclass(frozen=True, slots=True)
class Seed:
    """One fault in one file: its whole text, where the fault is, and what was done."""

    rule: str
    variant: str
    path: str
    text: bytes
    line: int
    function: str


@dataclass(frozen=True, slots=True)
class Place:
    """A piece of a file that can be replaced."""

    unit: Unit
    function: Function | None
    start: int
    end: int

    @property
    def source(self) -> str:
        """The text of the piece."""
        return self.unit.data[self.start : self.end].decode()

    def replaced(self, rule: str, variant: str, text: str) -> Seed:
        """Return the fault that stands where this piece stood; lines below do not move."""
        lost = self.unit.data.count(b"\n", self.start, self.end)
        made = text + "\n" * max(0, lost - text.count("\n"))
        data = self.unit.data[: self.start] + made.encode() + self.unit.data[self.end :]
        name = self.function.name if self.function else ""
        return Seed(rule, variant, self.unit.path, data, self.unit.line_of(self.start), name)


def nodes(function: Function, *kinds: str) -> Iterator[Node]:
    """Yield the syntax nodes of some kinds in a function, in order."""
    todo = [function.body]
    while todo:
        node = todo.pop()
        if node.type in kinds:
            yield node
        todo += reversed(node.children)


def place(function: Function, node: Node) -> Place:
    """Return a syntax node as a place."""
    return Place(function.unit, function, node.start_byte, node.end_byte)


def name_of(function: Function, call: Node) -> str:
    """Return the name of the function that a call calls."""
    named = call.child_by_field_name("function")
    return function.reader.text(named) if named is not None and named.type == "identifier" else ""


def calls(function: Function, *names: str) -> Iterator[Node]:
    """Yield the calls of some functions."""
    for node in nodes(function, "call_expression"):
        if name_of(function, node) in names:
            yield node


def arguments(call: Node) -> list[Node]:
    """Return the arguments of a call."""
    listed = call.child_by_field_name("arguments")
    return [n for n in listed.named_children if n.type != "comment"] if listed is not None else []


def statement_of(node: Node) -> Node | None:
    """Return the expression statement that is only this call; None where it is part of more."""
    above = node.parent
    return above if above is not None and above.type == "expression_statement" else None


def next_sibling(node: Node) -> Node | None:
    """Return the statement after a statement."""
    after = node.next_named_sibling
    while after is not None and after.type == "comment":
        after = after.next_named_sibling
    return after
