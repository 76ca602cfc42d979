"""The file scope of a unit: declarations and constants outside of functions."""

# What a method is for that stands in a base class is said there.
# ruff: noqa: D102

from __future__ import annotations

from kernel_sim.cfront.attributes import constant_type
from kernel_sim.cfront.ctype import CType
from kernel_sim.cfront.declare import Declarations
from kernel_sim.cfront.linking import Linker
from kernel_sim.cfront.scopes import Scope
from kernel_sim.cfront.statements import Lowering
from kernel_sim.cfront.unit import Unit


class FileScope(Lowering):
    """Reads what stands outside of functions; it has no scopes of its own."""

    def __init__(self, unit: Unit, linker: Linker) -> None:
        super().__init__(unit, linker, unit.name)
        self.scopes: list[Scope] = []

    def file_scope(self) -> Declarations:
        return self

    def define_local_tag(self, kind: str, tag: str, ctype: CType) -> bool:
        return False

    def define_enumerator(self, name: str, value: int) -> None:
        self.unit.enum_values[name] = value, constant_type(value)
