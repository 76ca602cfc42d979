"""Conditions, loops, switches and jumps."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field

from tree_sitter import Node

from kernel_sim.cfront.build import Operand, Place, scalar
from kernel_sim.cfront.ctype import VOID, CType, Struct, Untranslatable, Void
from kernel_sim.cfront.linking import Linker
from kernel_sim.cfront.locals import Locals
from kernel_sim.cfront.nodes import bare, field_of
from kernel_sim.cfront.scopes import Scope
from kernel_sim.cfront.unit import Unit, text_of
from kernel_sim.ir import Jump, Return, Switch, Type


@dataclass(slots=True)
class _Switch:
    type: Type
    ctype: CType
    cases: list[tuple[int, int]] = field(default_factory=list)
    broken: str = ""
    """What about its cases is not understood: then nobody can say where it leads."""
    default: int | None = None


class Control(Locals):
    """Lowers what leads from block to block."""

    def __init__(self, unit: Unit, linker: Linker, name: str) -> None:
        super().__init__(unit, linker, name)
        self.breaks: list[tuple[int, int]] = []
        """Where a break leads, and how many scopes are open there; continue likewise."""
        self.continues: list[tuple[int, int]] = []
        self.switches: list[_Switch] = []
        self.labels: dict[str, int] = {}
        self.placed: set[str] = set()
        self.returns: CType = VOID
        self.result: Operand | None = None

    def _s_if_statement(self, node: Node) -> None:
        alternative = node.child_by_field_name("alternative")
        then, other, done = (self.builder.new_block() for _ in range(3))
        self.condition(_condition(node), then, other if alternative is not None else done)
        self.builder.start(then)
        self.statement(field_of(node, "consequence"))
        self.builder.finish(Jump(done))
        if alternative is not None:
            self.builder.start(other)
            for child in alternative.named_children:
                if child.type != "comment":
                    self.statement(child)
            self.builder.finish(Jump(done))
        self.builder.start(done)

    def _s_while_statement(self, node: Node) -> None:
        top, body, done = (self.builder.new_block() for _ in range(3))
        self.builder.enter(top)
        self.condition(_condition(node), body, done)
        self.builder.start(body)
        self._body(field_of(node, "body"), done, top)
        self.builder.finish(Jump(top))
        self.builder.start(done)

    def _s_do_statement(self, node: Node) -> None:
        body, test, done = (self.builder.new_block() for _ in range(3))
        self.builder.enter(body)
        self._body(field_of(node, "body"), done, test)
        self.builder.enter(test)
        self.condition(_condition(node), body, done)
        self.builder.start(done)

    def _s_for_statement(self, node: Node) -> None:
        self.scopes.append(Scope(node=node.id))
        first = node.child_by_field_name("initializer")
        if first is not None:
            self.statement(first)
        test, body, step, done = (self.builder.new_block() for _ in range(4))
        self.builder.enter(test)
        condition = node.child_by_field_name("condition")
        if condition is not None:
            self.condition(condition, body, done)
        self.builder.enter(body)
        self._body(field_of(node, "body"), done, step)
        self.builder.enter(step)
        update = node.child_by_field_name("update")
        if update is not None:
            self.raw(update)
        self.builder.finish(Jump(test))
        self.builder.start(done)
        self.end_scope()

    def _body(self, node: Node, out: int, again: int) -> None:
        self.breaks.append((out, len(self.scopes)))
        self.continues.append((again, len(self.scopes)))
        self.statement(node)
        self.breaks.pop()
        self.continues.pop()

    def _s_break_statement(self, node: Node) -> None:
        self._jump_out(self.breaks, "break")

    def _s_continue_statement(self, node: Node) -> None:
        self._jump_out(self.continues, "continue")

    @abstractmethod
    def unknown(self, node: Node, reason: str) -> None:
        """Put a step here that ends inconclusive, with where it stands."""

    def _jump_out(self, targets: list[tuple[int, int]], word: str) -> None:
        if not targets:
            raise Untranslatable(f"a {word} outside of a loop")
        block, depth = targets[-1]
        self.leave(depth)
        self.builder.finish(Jump(block))

    def _s_goto_statement(self, node: Node) -> None:
        label = node.child_by_field_name("label")
        if label is None:
            raise Untranslatable(f"a computed goto: {text_of(node)[:60]}")
        self.leave_for(text_of(label))
        self.builder.finish(Jump(self._label_block(text_of(label))))

    def _label_block(self, label: str) -> int:
        if label not in self.labels:
            self.labels[label] = self.builder.new_block()
        return self.labels[label]

    def label(self, label: str) -> None:
        """Begin the block of a label here."""
        self.builder.enter(self._label_block(label))
        self.placed.add(label)

    def _s_labeled_statement(self, node: Node) -> None:
        self.label(text_of(field_of(node, "label")))
        for child in node.named_children[1:]:
            if child.type not in ("comment", "attribute_specifier"):
                self.statement(child)

    def _s_return_statement(self, node: Node) -> None:
        values = [child for child in node.named_children if child.type != "comment"]
        if not values:
            self.leave(0)
            self.builder.finish(Return(None))
            return
        found = self.value(values[0])
        if isinstance(self.returns, Void):
            self.leave(0)
            self.builder.finish(Return(None))
        elif isinstance(self.returns, Struct):
            assert self.result is not None
            self.builder.write(Place(self.returns, address=self.result), found)
            self.leave(0)
            self.builder.finish(Return(None))
        else:
            value = self.builder.convert(found, self.returns)
            if self.cleans_up:
                value = self.builder.copy(value)
                self.leave(0)
            self.builder.finish(Return(self.builder.reg(value)))

    def _s_switch_statement(self, node: Node) -> None:
        value = self.promote(self.value(_condition(node)))
        switch = _Switch(scalar(value.ctype), value.ctype)
        head, out = self.builder.current, self.builder.new_block()
        reg = self.builder.reg(value)
        head = self.builder.current
        self.builder.start(self.builder.new_block())
        self.breaks.append((out, len(self.scopes)))
        self.switches.append(switch)
        self.statement(field_of(node, "body"))
        self.switches.pop()
        self.breaks.pop()
        self.builder.enter(out)
        self.builder.start(head)
        if switch.broken:
            self.unknown(node, switch.broken)
        default = out if switch.default is None else switch.default
        self.builder.finish(Switch(reg, tuple(switch.cases), default))
        self.builder.start(out)

    def _s_case_statement(self, node: Node) -> None:
        if not self.switches:
            raise Untranslatable("a case outside of a switch")
        block = self.builder.new_block()
        self.builder.enter(block)
        value = node.child_by_field_name("value")
        if value is None:
            self.switches[-1].default = block
        else:
            try:
                self._case(self.switches[-1], value, block)
            except Untranslatable as error:
                self.switches[-1].broken = str(error)
        for child in node.named_children:
            if child.type != "comment" and (value is None or child.id != value.id):
                self.statement(child)

    def _case(self, switch: _Switch, value: Node, block: int) -> None:
        nodes = [value]
        if value.type == "call_expression" and text_of(value).startswith("__case_range"):
            nodes = list(field_of(value, "arguments").named_children)
        values = [self.constant(one) for one in nodes]
        first, last = (switch.type.wrap(one) for one in (values[0], values[-1]))
        if len(nodes) > 1 and [first, last] != values:
            raise Untranslatable(f"a case range that {switch.ctype} does not hold")
        if last - first >= 256:
            raise Untranslatable(f"a case of {last - first + 1} values")
        switch.cases += [(one, block) for one in range(first, last + 1)]


def _condition(node: Node) -> Node:
    condition = field_of(node, "condition")
    return bare(condition)
