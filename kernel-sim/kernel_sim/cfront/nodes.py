"""Parts of syntax nodes, asked for by name; what is not there does not parse."""

from __future__ import annotations

from typing import Final

from tree_sitter import Node

from kernel_sim.cfront.ctype import Untranslatable
from kernel_sim.cfront.unit import text_of

_HAVE_STATEMENTS: Final = frozenset({
    "compound_statement", "if_statement", "else_clause", "for_statement", "while_statement",
    "do_statement", "labeled_statement", "case_statement",
})  # fmt: skip
"""Statements that go on to check their parts."""


def check_parsed(node: Node) -> None:
    """Raise `Untranslatable` for a statement in which the parser has skipped something.

    Where statements stand inside, theirs are not counted: they are looked at one by one.
    """
    if not node.has_error and not node.is_missing:
        return
    wrong = node.type not in _HAVE_STATEMENTS
    for child in () if wrong or node.type == "compound_statement" else node.children:
        whole = child.type.endswith(("_statement", "else_clause"))
        wrong = wrong or child.is_missing or (child.has_error and not whole)
    if wrong:
        raise Untranslatable(f"does not parse: {text_of(node)[:60]}")


def operator_of(node: Node) -> str:
    """Return the operator of an expression, "" where it has none."""
    found = node.child_by_field_name("operator")
    return found.type if found is not None else ""


def field_of(node: Node, name: str) -> Node:
    """Return a part that has to be there. Raises `Untranslatable`."""
    found = node.child_by_field_name(name)
    if found is None or found.is_missing:
        raise Untranslatable(f"does not parse: {text_of(node)[:60]}")
    return found


def inside(node: Node) -> Node:
    """Return the one thing between brackets. Raises `Untranslatable`."""
    inner = [child for child in node.named_children if child.type != "comment"]
    if len(inner) != 1:
        raise Untranslatable(f"does not parse: {text_of(node)[:60]}")
    return inner[0]


def bare(node: Node) -> Node:
    """Return an expression without the brackets around it."""
    while node.type == "parenthesized_expression":
        inner = inside(node)
        if inner.type == "compound_statement":
            return node
        node = inner
    return node
