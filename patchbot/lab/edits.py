"""Edits of a C text by its syntax: replace and delete what a node stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tree_sitter import Node

from patchbot.lab.syntax import Code, stands_alone


@dataclass(frozen=True)
class Edit:
    """Bytes of a text that are replaced."""

    start: int
    end: int
    text: str


def replace(node: Node, new: str) -> Edit:
    """Put other text in a node's place."""
    return Edit(node.start_byte, node.end_byte, new)


def insert(node: Node, new: str) -> Edit:
    """Put text right before a node."""
    return Edit(node.start_byte, node.start_byte, new)


def delete(code: Code, statement: Node) -> Edit:
    """Delete a statement with its line; where it is all of an `if`, an empty one is left."""
    if not stands_alone(statement):
        return replace(statement, ";")
    start, end = statement.start_byte, statement.end_byte
    head = code.data.rfind(b"\n", 0, start) + 1
    tail = code.data.find(b"\n", end)
    if not code.data[head:start].strip() and not code.data[end:tail].strip():
        start, end = head, tail + 1
    return Edit(start, end, "")


def delete_lines(code: Code, first: Node, last: Node) -> Edit:
    """Delete whole lines, from a node's to another's, and the empty lines behind them."""
    start = code.data.rfind(b"\n", 0, first.start_byte) + 1
    end = code.data.find(b"\n", last.end_byte) + 1
    while code.data[end : end + 1] == b"\n":
        end += 1
    return Edit(start, end, "")


def apply(data: bytes, edits: Sequence[Edit]) -> bytes:
    """Apply edits that do not overlap, in the order of the text."""
    made: list[bytes] = []
    old = 0
    for edit in sorted(edits, key=lambda each: (each.start, each.end)):
        assert edit.start >= old, f"edits overlap at byte {edit.start}"
        made += [data[old : edit.start], edit.text.encode()]
        old = edit.end
    return b"".join([*made, data[old:]])
