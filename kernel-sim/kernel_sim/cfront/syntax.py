"""Parsing C, and what a declaration declares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import tree_sitter
import tree_sitter_c

_LANGUAGE = tree_sitter.Language(tree_sitter_c.language())
_PARSER = tree_sitter.Parser(_LANGUAGE)
_PARTS = tree_sitter.Parser(_LANGUAGE)


@dataclass(frozen=True, slots=True)
class Declared:
    """A declarator and the declaration that it is part of."""

    whole: tree_sitter.Node
    declarator: tree_sitter.Node
    value: tree_sitter.Node | None = None


def parse(text: bytes) -> tree_sitter.Node:
    """Parse C; the caller looks for errors in what it uses."""
    return _PARSER.parse(text).root_node


def parse_part(text: bytes, row: int) -> tree_sitter.Node:
    """Parse C whose first line is a given one of a longer text, from 0."""
    start, end = tree_sitter.Point(row, 0), tree_sitter.Point(row + text.count(b"\n") + 1, 0)
    _PARTS.included_ranges = [tree_sitter.Range(start, end, 0, len(text))]
    return _PARTS.parse(text).root_node


def text_of(node: tree_sitter.Node) -> str:
    """The source text of a node."""
    return (node.text or b"").decode("utf-8", "replace")


def declarations(root: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    """Yield what stands at file scope, also inside `extern "C"`."""
    for node in root.children:
        if node.type == "linkage_specification":
            body = node.child_by_field_name("body")
            yield from body.children if body is not None else ()
        else:
            yield node


def is_extern(node: tree_sitter.Node) -> bool:
    """Whether a declaration says extern."""
    return has_word(node, "extern")


def has_word(node: tree_sitter.Node, word: str) -> bool:
    """Whether a declaration has a storage class of this name."""
    return any(
        child.type == "storage_class_specifier" and text_of(child) == word
        for child in node.children
    )


def is_function(declarator: tree_sitter.Node | None) -> bool:
    """Whether a declarator declares a function (not a pointer to one)."""
    node = declarator
    while node is not None:
        if node.type in ("function_declarator", "abstract_function_declarator"):
            inner = node.child_by_field_name("declarator")
            while inner is not None and inner.type == "parenthesized_declarator":
                inner = inner.named_child(0)
            return inner is not None and inner.type == "identifier"
        node = inner_declarator(node)
    return False


def inner_declarator(node: tree_sitter.Node) -> tree_sitter.Node | None:
    """Return the declarator inside a declarator, or None."""
    found = node.child_by_field_name("declarator")
    if found is None and node.type in ("parenthesized_declarator", "attributed_declarator"):
        for child in node.named_children:
            if child.type not in ("attribute_specifier", "ms_call_modifier"):
                return child
    return found


def declared_name(declarator: tree_sitter.Node | None) -> str:
    """Return the name that a declarator is about, "" where it has none."""
    node = declarator
    while node is not None:
        if node.type in ("identifier", "type_identifier", "field_identifier", "primitive_type"):
            return text_of(node)
        inner = inner_declarator(node)
        if inner is None and node.type == "abstract_function_declarator":
            return _name_in_brackets(node)
        node = inner
    return ""


def _name_in_brackets(node: tree_sitter.Node) -> str:
    """Return the name that the parser took for a parameter's type: that of `void (name)(int)`."""
    while node.named_child_count == 1:
        node = node.named_children[0]
    return text_of(node) if node.type == "type_identifier" else ""
