"""Statements to blocks, and a whole function to `kernel_sim.ir.Function`."""

# What a method is for that stands in a base class is said there.
# ruff: noqa: D102

from __future__ import annotations

import re
from typing import Any

from tree_sitter import Node

from kernel_sim.cfront.blocks import prune
from kernel_sim.cfront.build import Operand, Place, scalar
from kernel_sim.cfront.control import Control
from kernel_sim.cfront.ctype import (
    ULONG,
    VOID,
    Func,
    Struct,
    Untranslatable,
    Void,
    align_of,
    size_of,
)
from kernel_sim.cfront.nodes import check_parsed, field_of
from kernel_sim.cfront.scopes import Scope
from kernel_sim.cfront.unit import declared_name, inner_declarator, text_of
from kernel_sim.ir import POINTER, Function, Return, Unknown

_TAKEN = re.compile(
    rb"(?:[^\w\]\s&]|\breturn)\s*&(?!&)[\s(]*([A-Za-z_]\w*)|^\s*&[\s(]*([A-Za-z_]\w*)"
)


class Lowering(Control):
    """Lowers one function."""

    # ------------------------------------------------------------------- functions

    def function(self, node: Node) -> Function:
        """Lower a definition. What cannot be lowered becomes `Unknown` where it stands."""
        path, line = self.unit.place(node)
        self.whole = node
        signature = self.linker.definition_type(self.unit, node)
        made = Function(self.name, path, line, 0, None, variadic=signature.variadic)
        self.taken = {one or two for one, two in _TAKEN.findall(node.text or b"")}
        self.returns = signature.returns
        self.builder.line = line
        if isinstance(signature.returns, Struct):
            self.result = Operand(ULONG, reg=self.builder.new_register(POINTER))
        elif not isinstance(signature.returns, Void):
            made.returns = scalar(signature.returns)
        self._parameters(node, signature)
        made.parameters = len(self.builder.registers) - self.hidden
        body = node.child_by_field_name("body")
        assert body is not None
        self.statement(body)
        self._at_end()
        self._finish(made)
        return made

    hidden = 0

    def _parameters(self, node: Node, signature: Func) -> None:
        names = [declared_name(one) for one in _parameter_declarators(node)]
        regs = []
        for ctype in signature.parameters:
            type_ = POINTER if isinstance(ctype, Struct) else scalar(ctype)
            regs.append(self.builder.new_register(type_))
        count = len(self.builder.registers)
        for name, ctype, reg in zip(names, signature.parameters, regs, strict=False):
            if isinstance(ctype, Struct):
                self.define(name, Place(ctype, address=Operand(ULONG, reg=reg)))
            elif name.encode() in self.taken:
                place = Place(ctype, address=self.builder.slot(size_of(ctype), align_of(ctype)))
                self.builder.write(place, Operand(ctype, reg=reg))
                self.define(name, place)
            else:
                self.define(name, Place(ctype, reg=reg))
        self.hidden = len(self.builder.registers) - count

    def _at_end(self) -> None:
        if self.builder.blocks[self.builder.current].end is not None:
            return
        if isinstance(self.returns, Void | Struct):
            self.builder.finish(Return(None))
        else:
            # Falling off the end is allowed where nobody uses the value.
            zero = self.builder.reg(Operand(self.returns, const=0))
            self.builder.finish(Return(zero))

    def _finish(self, made: Function) -> None:
        builder = self.builder
        for label, block in self.labels.items():
            if label not in self.placed:
                builder.start(block)
                builder.emit(Unknown(f"the label {label} is not there"))
                builder.finish(Return(None))
        first = builder.blocks[0]
        first.steps[:0] = builder.prelude
        first.lines[:0] = [made.line] * len(builder.prelude)
        made.registers = builder.registers
        made.frame = (builder.frame + 15) // 16 * 16
        made.blocks = builder.blocks
        prune(made)

    # ------------------------------------------------------------------ statements

    def statement(self, node: Node) -> None:
        """Lower a statement; what cannot be lowered is an `Unknown` step in its place."""
        self.builder.line = self.unit.place(node)[1]
        lower = getattr(self, f"_s_{node.type}", None)
        open_ = [len(one) for one in self._stacks()]
        try:
            check_parsed(node)
            if lower is not None:
                lower(node)
            elif node.type.endswith("_expression") or node.type in (
                "identifier",
                "call_expression",
            ):
                self.raw(node)
            else:
                raise Untranslatable(f"{node.type.replace('_', ' ')}: {text_of(node)[:60]}")
        except Untranslatable as error:
            for stack, length in zip(self._stacks(), open_, strict=True):
                del stack[length:]
            self.unknown(node, str(error))

    def _stacks(self) -> tuple[list[Any], ...]:
        return self.scopes, self.breaks, self.continues, self.switches

    def unknown(self, node: Node, reason: str) -> None:
        """Put a step here that ends inconclusive, with where it stands."""
        path, line = self.unit.place(node)
        self.builder.emit(Unknown(f"{path}:{line}: {reason}"))
        self._rescue(node)

    def _rescue(self, node: Node) -> None:
        """Labels and cases inside what was given up still have to lead somewhere."""
        if node.type in ("labeled_statement", "compound_statement"):
            for child in node.named_children:
                if child.type == "labeled_statement":
                    label = text_of(field_of(child, "label"))
                    if label not in self.placed:
                        self.statement(child)

    def _s_compound_statement(self, node: Node) -> None:
        self.scopes.append(Scope(node=node.id))
        for child in node.named_children:
            if child.type != "comment":
                self.statement(child)
        self.end_scope()

    def statement_value(self, body: Node) -> Operand:
        children = [child for child in body.named_children if child.type != "comment"]
        self.scopes.append(Scope(node=body.id))
        depth = len(self.scopes)
        try:
            for child in children[:-1]:
                self.statement(child)
            found = self._last_value(children[-1]) if children else Operand(VOID)
            if self.scopes[-1].cleanups:
                found = self._kept(found)
                self.leave(depth - 1)
            return found
        finally:
            del self.scopes[depth - 1 :]

    def _kept(self, operand: Operand) -> Operand:
        """Return a value where what runs at the end of its block cannot change it."""
        if not isinstance(operand.ctype, Struct):
            return self.builder.copy(operand)
        address = self.builder.slot(size_of(operand.ctype), align_of(operand.ctype))
        return self.builder.write(Place(operand.ctype, address=address), operand)

    def _last_value(self, node: Node) -> Operand:
        if node.type == "labeled_statement":
            self.label(text_of(field_of(node, "label")))
            node = [child for child in node.named_children if child.type != "comment"][-1]
        self.builder.line = self.unit.place(node)[1]
        if node.type == "expression_statement" and node.named_children:
            inner = [child for child in node.named_children if child.type != "comment"]
            return self.value(inner[0])
        self.statement(node)
        return Operand(VOID)

    def _s_expression_statement(self, node: Node) -> None:
        for child in node.named_children:
            if child.type != "comment":
                self.raw(child)


def _parameter_declarators(node: Node) -> list[Node | None]:
    declarator = node.child_by_field_name("declarator")
    while declarator is not None:
        if declarator.type == "function_declarator":
            inner = declarator.child_by_field_name("declarator")
            if inner is not None and inner.type == "identifier":
                parameters = field_of(declarator, "parameters")
                return [
                    child.child_by_field_name("declarator")
                    for child in parameters.named_children
                    if child.type == "parameter_declaration"
                ]
        declarator = inner_declarator(declarator)
    return []
