"""Attributes of declarations, and what the values of an enum make of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tree_sitter import Node

from kernel_sim.cfront.ctype import INT, ULONG, CType, Int, Untranslatable
from kernel_sim.cfront.unit import text_of
from kernel_sim.ir import I64, U32, Type

MODES: Final = {
    "QI": 8, "byte": 8, "HI": 16, "SI": 32, "DI": 64, "word": 64, "pointer": 64,
}  # fmt: skip
"""Bits of the machine's modes, by their names without underscores."""


def attributes_of(node: Node) -> Iterator[Node]:
    """Yield the attributes right under a node: identifiers and calls."""
    for child in node.children:
        if child.type == "attribute_specifier":
            for listed in child.named_children:
                if listed.type == "argument_list":
                    yield from listed.named_children


def attribute_name(node: Node) -> str:
    """Return an attribute's name without the underscores around it."""
    function = node.child_by_field_name("function")
    name = text_of(node if function is None else function)
    return name.removeprefix("__").removesuffix("__")


def only_argument(node: Node) -> Node:
    """Return the argument of an attribute that takes one. Raises `Untranslatable`."""
    arguments = node.child_by_field_name("arguments")
    if arguments is None or arguments.named_child_count != 1:
        raise Untranslatable(f"the attribute {text_of(node)[:60]}")
    return arguments.named_children[0]


def constant_type(value: int) -> CType:
    """Return the type of an enumerator: int where it fits."""
    if -(1 << 31) <= value < 1 << 31:
        return INT
    if 0 <= value < 1 << 32:
        return Int(U32)
    return ULONG if value >= 1 << 63 else Int(I64)


def enum_type(values: list[int], packed: bool) -> CType:
    """Return the type of an enum from its values, as gcc chooses it."""
    low, high = min(values, default=0), max(values, default=0)
    for bits in (8, 16) if packed else ():
        type_ = Type(bits, low < 0)
        if type_.wrap(low) == low and type_.wrap(high) == high:
            return Int(type_)
    if low < 0:
        return INT if low >= -(1 << 31) and high < 1 << 31 else Int(I64)
    return Int(U32) if high < 1 << 32 else ULONG
