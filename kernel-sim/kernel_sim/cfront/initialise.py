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
        if is_string(value):
            return len(string_bytes(value)) + 1
        size = max(size_of(of), 1)
        last = 0
        for piece in self.pieces(Array(of, None), value):
            last = max(last, piece.offset // size + 1)
        return last

    def _fill(
        self, ctype: CType, offset: int, items: deque[Node], *, braces: bool
    ) -> Iterator[Piece]:
        """Use up items for the members of a struct or array, in their order or as designated."""
        slots = self._slots(ctype, offset)
        position = 0
        while items:
            item = items[0]
            if item.type in ("initializer_pair", "ERROR"):
                if not braces:
                    return
                if item.type == "ERROR":
                    raise Untranslatable(f"does not parse: {text_of(item)[:60]}")
                items.popleft()
                position = yield from self._designated(ctype, offset, item)
                continue
            if position >= len(slots):
                if isinstance(ctype, Array) and ctype.count is None:
                    slots.append(Slot(offset + position * size_of(ctype.of), ctype.of))
                else:
                    if braces:
                        items.popleft()
                        continue
                    return
            slot = slots[position]
            position += 1
            yield from self._one(slot, items)

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

    def _designated(self, ctype: CType, offset: int, pair: Node) -> Generator[Piece, None, int]:
        designators = pair.children_by_field_name("designator")
        if not designators:
            designators = [child for child in pair.named_children if "designator" in child.type]
        if not designators and pair.named_children[0].type == "field_identifier":
            designators = [pair.named_children[0]]
        value = field_of(pair, "value")
        first, last, slot = self._designate(ctype, offset, designators[0])
        for index in range(first, last + 1):
            at = slot
            if isinstance(ctype, Array):
                at = Slot(offset + index * size_of(ctype.of), ctype.of)
            for designator in designators[1:]:
                _, _, at = self._designate(at.ctype, at.offset, designator)
            yield from self._one(at, deque([value]))
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

    def _slots(self, ctype: CType, offset: int) -> list[Slot]:
        if isinstance(ctype, Array):
            size = size_of(ctype.of)
            count = min(ctype.count or 0, _MOST_ELEMENTS)
            return [Slot(offset + index * size, ctype.of) for index in range(count)]
        if not isinstance(ctype, Struct):
            return [Slot(offset, ctype)]
        slots = [
            Slot(offset + member.offset, member.type, member if member.width is not None else None)
            for member in ctype.members()
        ]
        return slots[:1] if ctype.union else slots


@dataclass(frozen=True, slots=True)
class Slot:
    """A member or element that waits for its value."""

    offset: int
    ctype: CType
    bits: Field | None = None


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
