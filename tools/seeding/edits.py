"""Edits of a C text by its syntax: delete, replace, wrap, insert, swap.

A section sign in new text marks a line at which the fault may be reported; it is taken out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tree_sitter import Node

from patchbot.lab.edits import Edit, delete, replace
from tools.seeding.code import Call, Code, stands_alone, text

__all__ = [
    "MARK",
    "Edit",
    "apply",
    "delete",
    "insert_after",
    "insert_before",
    "move_before",
    "replace",
    "replace_argument",
    "start_of_body",
    "wrap",
]

MARK = "§"


def replace_argument(call: Call, place: int, new: str) -> Edit:
    """Put another argument in a call, marking its line."""
    return replace(call.args[place], MARK + new)


def wrap(code: Code, statement: Node, head: str) -> Edit:
    """Put a statement under a head such as `if (...)`, in braces, and mark it."""
    tabs = code.indent(statement)
    return replace(statement, f"{head} {{\n{tabs}\t{MARK}{text(statement)}\n{tabs}}}")


def insert_before(code: Code, statement: Node, new: str) -> Edit:
    """Put lines before a statement; braces are made where it is all of an `if`."""
    tabs = code.indent(statement)
    lines = f"\n{tabs}".join(new.split("\n"))
    if stands_alone(statement):
        return Edit(statement.start_byte, statement.start_byte, f"{lines}\n{tabs}")
    return replace(statement, f"{{ {lines}\n{tabs}{text(statement)} }}")


def insert_after(code: Code, statement: Node, new: str) -> Edit:
    """Put lines behind a statement; braces are made where it is all of an `if`."""
    tabs = code.indent(statement)
    lines = f"\n{tabs}".join(new.split("\n"))
    if stands_alone(statement):
        return Edit(statement.end_byte, statement.end_byte, f"\n{tabs}{lines}")
    return replace(statement, f"{{ {text(statement)}\n{tabs}{lines} }}")


def start_of_body(body: Node) -> Node:
    """Return the first statement of a function's body behind its declarations."""
    inside = [each for each in body.named_children if each.type != "comment"]
    first = next((each for each in inside if each.type != "declaration"), None)
    return first if first is not None else inside[-1]


def move_before(code: Code, moved: Node, place: Node, mark: bool = True) -> list[Edit]:
    """Move a statement before another one, marking where it goes."""
    sign = MARK if mark else ""
    return [delete(code, moved), insert_before(code, place, sign + text(moved))]


def apply(
    data: bytes, edits: Sequence[Edit], at: Iterable[Node] = ()
) -> tuple[bytes, tuple[int, ...]]:
    """Apply edits that do not overlap; returns the text, and the lines of marks and of nodes."""
    ordered = sorted(edits, key=lambda e: (e.start, e.end))
    made: list[bytes] = []
    lines: set[int] = set()
    old = 0
    moved: list[tuple[int, int]] = [(0, 0)]
    size = newlines = 0
    for edit in ordered:
        assert edit.start >= old, f"edits overlap at byte {edit.start}"
        kept = data[old : edit.start]
        made.append(kept)
        newlines += kept.count(b"\n")
        pieces = edit.text.split(MARK)
        for number, piece in enumerate(pieces):
            made.append(piece.encode())
            newlines += piece.count("\n")
            if number < len(pieces) - 1:
                lines.add(newlines + 1)
        size = len("".join(pieces).encode()) - (edit.end - edit.start)
        moved.append((edit.end, moved[-1][1] + size))
        old = edit.end
    made.append(data[old:])
    whole = b"".join(made)
    for node in at:
        shift = [by for end, by in moved if end <= node.start_byte][-1]
        lines.add(whole.count(b"\n", 0, node.start_byte + shift) + 1)
    return whole, tuple(sorted(lines))
