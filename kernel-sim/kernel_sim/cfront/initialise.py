"""Initialisers: which bytes of an object each value in the braces is for."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace

from tree_sitter import Node

from kernel_sim.cfront.ctype import (
    Array,
    CType,
    Field,
    Int,
    Struct,
    Untranslatable,
    size_of,
)
from kernel_sim.cfront.expressions import Expressions
from kernel_sim.cfront.literals import string_bytes
from kernel_sim.cfront.nodes import field_of
from kernel_sim.cfront.unit import text_of

_MOST_ELEMENTS = 1 << 16


@dataclass(frozen=True, slots=True)
class Piece:
    """A value and the member or element that it is for, by its offset in bytes."""

    offset: int
    ctype: CType
    value: Node
    bits: Field | None = None


class Initialisers(Expressions):
    """Takes initialisers apart."""

    def pieces(self, ctype: CType, value: Node) -> Iterator[Piece]:
        """Return every value of an initialiser with its place. Later ones win over earlier ones.

        Raises `Untranslatable`.
        """
        if value.type != "initializer_list":
            yield Piece(0, ctype, value)
            return
        items = deque(child for child in value.named_children if child.type != "comment")
        if isinstance(ctype, Array) and len(items) == 1 and is_string(items[0]):
            yield Piece(0, ctype, items[0])
        elif isinstance(ctype, Struct | Array):
            yield from self._fill(ctype, 0, items, braces=True)
        elif items:
            yield from self.pieces(ctype, items[0])

    def array_count(self, of: CType, value: Node) -> int:
        """Return how many elements the initialiser of an array [] has."""
        if value.type == "initializer_list" and isinstance(of, Int) and of.type.bits == 8:
            items = [child for child in value.named_children if child.type != "comment"]
            value = items[0] if len(items) == 1 and is_string(items[0]) else value
        if is_string(value):
            return len(string_bytes(value)) + 1
        size = max(size_of(of), 1)
        last = 0
        for piece in self.pieces(Array(of, None), value):
            last = max(last, piece.offset // size + 1)
        return last

    def _fill(
        self,
        ctype: CType,
        offset: int,
        items: deque[Node],
        *,
        braces: bool,
        first: tuple[list[Node], Node] | None = None,
    ) -> Iterator[Piece]:
        """Use up items for the members of a struct or array, in their order or as designated.

        `first` are the designators and the value that lead into it, from outside.
        """
        position = 0
        if first is not None:
            position = yield from self._designated(ctype, offset, *first, items)
        while items:
            item = items[0]
            if item.type in ("initializer_pair", "ERROR"):
                if not braces:
                    return
                if item.type == "ERROR":
                    raise Untranslatable(f"does not parse: {text_of(item)[:60]}")
                items.popleft()
                pair = _designators(item), field_of(item, "value")
                position = yield from self._designated(ctype, offset, *pair, items)
                continue
            slot = _slot(ctype, offset, position)
            position += 1
            if slot is not None:
                yield from self._one(slot, items)
            elif braces:
                items.popleft()
            else:
                return

    def _one(self, slot: Slot, items: deque[Node]) -> Iterator[Piece]:
        """Use up what initialises one member: its own braces, one value, or several values."""
        item = items[0]
        if item.type == "initializer_list":
            items.popleft()
            for piece in self.pieces(slot.ctype, item):
                yield replace(
                    piece, offset=piece.offset + slot.offset, bits=piece.bits or slot.bits
                )
        elif isinstance(slot.ctype, Array) and is_string(item) and size_of(slot.ctype.of) == 1:
            items.popleft()
            yield Piece(slot.offset, slot.ctype, item)
        elif isinstance(slot.ctype, Array) or (
            isinstance(slot.ctype, Struct) and not isinstance(self.type_of(item), Struct)
        ):
            if isinstance(slot.ctype, Struct) and not slot.ctype.members():
                return
            yield from self._fill(slot.ctype, slot.offset, items, braces=False)
        else:
            items.popleft()
            yield Piece(slot.offset, slot.ctype, item, slot.bits)

    def _designated(
        self, ctype: CType, offset: int, designators: list[Node], value: Node, items: deque[Node]
    ) -> Generator[Piece, None, int]:
        """Yield what a designated value is for; what follows in `items` goes on after it.

        Returns the position of the member or element after it.
        """
        first, last, slot = self._designate(ctype, offset, designators[0])
        rest = designators[1:]
        if isinstance(ctype, Struct) and not ctype.members()[first].name:
            # A member of an anonymous struct: what follows goes on inside that.
            inner = ctype.members()[first]
            slot, rest = Slot(offset + inner.offset, inner.type), designators
        for index in range(first, last + 1):
            at = slot
            if isinstance(ctype, Array):
                at = Slot(offset + index * size_of(ctype.of), ctype.of)
            following = items if index == last else deque[Node]()
            if rest:
                pair = rest, value
                yield from self._fill(at.ctype, at.offset, following, braces=False, first=pair)
            else:
                following.appendleft(value)
                yield from self._one(at, following)
        return last + 1

    def _designate(self, ctype: CType, offset: int, node: Node) -> tuple[int, int, Slot]:
        """Return (first position, last position, the first's slot) that a designator names."""
        if node.type in ("field_designator", "field_identifier"):
            name = text_of(node).lstrip(". \t\n")
            if not isinstance(ctype, Struct):
                raise Untranslatable(f"{ctype} has no members")
            member = ctype.find(name)
            if member is None:
                raise Untranslatable(f"{ctype} has no member {name}")
            position = _position(ctype, name)
            bits = member if member.width is not None else None
            return position, position, Slot(offset + member.offset, member.type, bits)
        if not isinstance(ctype, Array):
            raise Untranslatable(f"{ctype} has no elements")
        if node.type == "subscript_range_designator":
            first = self.constant(field_of(node, "start"))
            last = self.constant(field_of(node, "end"))
        else:
            first = last = self.constant(node.named_children[0])
        if not 0 <= first <= last < _MOST_ELEMENTS:
            raise Untranslatable(f"the element {text_of(node)}")
        return first, last, Slot(offset + first * size_of(ctype.of), ctype.of)


@dataclass(frozen=True, slots=True)
class Slot:
    """A member or element that waits for its value."""

    offset: int
    ctype: CType
    bits: Field | None = None


def _slot(ctype: CType, offset: int, position: int) -> Slot | None:
    """Return the member or element at a position, or None where there is none."""
    if isinstance(ctype, Array):
        if ctype.count is not None and position >= ctype.count:
            return None
        if position >= _MOST_ELEMENTS:
            raise Untranslatable(f"an initialiser of more than {_MOST_ELEMENTS} elements")
        return Slot(offset + position * size_of(ctype.of), ctype.of)
    if not isinstance(ctype, Struct):
        return Slot(offset, ctype) if position == 0 else None
    members = ctype.members()[:1] if ctype.union else ctype.members()
    if position >= len(members):
        return None
    member = members[position]
    bits = member if member.width is not None else None
    return Slot(offset + member.offset, member.type, bits)


def _designators(pair: Node) -> list[Node]:
    found = pair.children_by_field_name("designator")
    if not found:
        found = [child for child in pair.named_children if "designator" in child.type]
    if not found and pair.named_children[0].type == "field_identifier":
        found = [pair.named_children[0]]
    if not found:
        raise Untranslatable(f"does not parse: {text_of(pair)[:60]}")
    return found


def _position(struct: Struct, name: str) -> int:
    for position, member in enumerate(struct.members()):
        if member.name == name:
            return position
        if not member.name and isinstance(member.type, Struct) and member.type.find(name):
            return position
    return 0


def is_string(node: Node) -> bool:
    """Whether a node is a string, or several in a row."""
    return node.type in ("string_literal", "concatenated_string")
