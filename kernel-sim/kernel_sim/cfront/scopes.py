"""The names inside a function, block by block."""

# What a method is for that stands in a base class is said there.
# ruff: noqa: D102

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tree_sitter import Node

from kernel_sim.cfront.attributes import constant_type
from kernel_sim.cfront.build import Builder, Operand, Place
from kernel_sim.cfront.builtins import Builtins
from kernel_sim.cfront.ctype import ULONG, Array, CType, Func, Int, Struct
from kernel_sim.cfront.declare import Declarations
from kernel_sim.cfront.linking import Linker
from kernel_sim.cfront.unit import Unit
from kernel_sim.ir import Type

if TYPE_CHECKING:
    from kernel_sim.cfront.cleanup import Cleanup


@dataclass(slots=True)
class Scope:
    """The names of a block."""

    places: dict[str, Place] = field(default_factory=dict)
    functions: dict[str, Func] = field(default_factory=dict)
    types: dict[str, CType] = field(default_factory=dict)
    tags: dict[tuple[str, str], CType] = field(default_factory=dict)
    enumerators: dict[str, int] = field(default_factory=dict)
    node: int = 0
    """The id of the block's node; 0 for the parameters."""
    cleanups: list[Cleanup] = field(default_factory=list)


class Scopes(Builtins):
    """Knows the names of the blocks around; the last of `scopes` is the innermost."""

    def __init__(self, unit: Unit, linker: Linker, name: str) -> None:
        super().__init__(unit, linker)
        self.name = name
        self.builder = Builder()
        self.scopes: list[Scope] = [Scope()]
        self.taken: set[bytes] = set()
        """Names of locals whose address is taken: they stand in memory."""

    @abstractmethod
    def statement(self, node: Node) -> None:
        """Lower a statement; what cannot be lowered is an `Unknown` step in its place."""

    def file_scope(self) -> Declarations:
        return self.linker.file_scope(self.unit)

    def local_type(self, name: str) -> CType | None:
        return next((s.types[name] for s in reversed(self.scopes) if name in s.types), None)

    def static_literal(self, ctype: CType, node: Node, value: Node) -> Place:
        return self.linker.static_literal(self, ctype, node, value)

    def is_shadowed(self, name: str) -> bool:
        for scope in reversed(self.scopes):
            if name in scope.places or name in scope.functions or name in scope.enumerators:
                return True
            if name in scope.types:
                return False
        return False

    def local_tag(self, kind: str, tag: str) -> CType | None:
        key = kind, tag
        return next((s.tags[key] for s in reversed(self.scopes) if key in s.tags), None)

    def begun_tag(self, kind: str, tag: str) -> Struct | None:
        found = self.scopes[-1].tags.get((kind, tag)) if self.scopes else None
        begun = isinstance(found, Struct) and found.fields is None and found.complete is None
        return found if isinstance(found, Struct) and begun else None

    def define_local_tag(self, kind: str, tag: str, ctype: CType) -> bool:
        self.scopes[-1].tags[kind, tag] = ctype
        return True

    def define_enumerator(self, name: str, value: int) -> None:
        self.scopes[-1].enumerators[name] = value

    def lookup_enumerator(self, name: str) -> tuple[int, CType] | None:
        for scope in reversed(self.scopes):
            if name in scope.enumerators:
                return scope.enumerators[name], constant_type(scope.enumerators[name])
        return self.enumerator(name)

    def find_place(self, name: str) -> Place | None:
        for scope in reversed(self.scopes):
            if name in scope.places:
                return scope.places[name]
            if name in scope.functions or name in scope.enumerators:
                return None
        if name in ("__func__", "__FUNCTION__", "__PRETTY_FUNCTION__"):
            data = self.name.rpartition(":")[2].encode()
            address = Operand(ULONG, const=self.string_address(data))
            return Place(Array(Int(Type(8, True)), len(data) + 1), address=address)
        return self.linker.variable(name, self.unit)

    def find_function(self, name: str) -> Func | None:
        for scope in reversed(self.scopes):
            if name in scope.functions:
                return scope.functions[name]
        return self.linker.function_type(name, self.unit)

    def define(self, name: str, place: Place) -> None:
        """Take a variable into the innermost scope."""
        self.scopes[-1].places[name] = place
