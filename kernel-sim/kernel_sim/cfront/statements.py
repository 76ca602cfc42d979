"""Statements to blocks, and a whole function to `kernel_sim.ir.Function`."""

# What a method is for that stands in a base class is said there.
# ruff: noqa: D102

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tree_sitter import Node

from kernel_sim.cfront.build import Builder, Operand, Place, scalar
from kernel_sim.cfront.builtins import Builtins
from kernel_sim.cfront.ctype import (
    INT,
    ULONG,
    VOID,
    Array,
    CType,
    Func,
    Int,
    Pointer,
    Struct,
    Untranslatable,
    Void,
    align_of,
    size_of,
)
from kernel_sim.cfront.declare import Declarations, constant_type, decay
from kernel_sim.cfront.expressions import bare, field_of
from kernel_sim.cfront.initialise import is_string
from kernel_sim.cfront.linking import Linker
from kernel_sim.cfront.unit import (
    Declared,
    Unit,
    declared_name,
    has_word,
    inner_declarator,
    is_extern,
    is_function,
    text_of,
)
from kernel_sim.ir import (
    POINTER,
    Branch,
    Function,
    Intrinsic,
    Jump,
    Return,
    Switch,
    Type,
    Unknown,
)

_TAKEN = re.compile(
    rb"(?:[^\w\]\s&]|\breturn)\s*&(?!&)[\s(]*([A-Za-z_]\w*)|^\s*&[\s(]*([A-Za-z_]\w*)"
)


@dataclass(slots=True)
class Scope:
    """The names of a block."""

    places: dict[str, Place] = field(default_factory=dict)
    functions: dict[str, Func] = field(default_factory=dict)
    types: dict[str, CType] = field(default_factory=dict)
    tags: dict[tuple[str, str], CType] = field(default_factory=dict)
    enumerators: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Switch:
    type: Type
    ctype: CType
    cases: list[tuple[int, int]] = field(default_factory=list)
    default: int | None = None


class Lowering(Builtins):
    """Lowers one function."""

    def __init__(self, unit: Unit, linker: Linker, name: str) -> None:
        super().__init__(unit, linker)
        self.name = name
        self.builder = Builder()
        self.scopes: list[Scope] = [Scope()]
        self.breaks: list[int] = []
        self.continues: list[int] = []
        self.switches: list[_Switch] = []
        self.labels: dict[str, int] = {}
        self.placed: set[str] = set()
        self.taken: set[bytes] = set()
        self.returns: CType = VOID
        self.result: Operand | None = None

    # --------------------------------------------------------------------- scopes

    def file_scope(self) -> Declarations:
        return self.linker.file_scope(self.unit)

    def local_type(self, name: str) -> CType | None:
        return next((s.types[name] for s in reversed(self.scopes) if name in s.types), None)

    def local_tag(self, kind: str, tag: str) -> CType | None:
        key = kind, tag
        return next((s.tags[key] for s in reversed(self.scopes) if key in s.tags), None)

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

    # ------------------------------------------------------------------- functions

    def function(self, node: Node) -> Function:
        """Lower a definition. What cannot be lowered becomes `Unknown` where it stands."""
        path, line = self.unit.place(node)
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
                self._define(name, Place(ctype, address=Operand(ULONG, reg=reg)))
            elif name.encode() in self.taken:
                place = Place(ctype, address=self.builder.slot(size_of(ctype), align_of(ctype)))
                self.builder.write(place, Operand(ctype, reg=reg))
                self._define(name, place)
            else:
                self._define(name, Place(ctype, reg=reg))
        self.hidden = len(self.builder.registers) - count

    def _define(self, name: str, place: Place) -> None:
        self.scopes[-1].places[name] = place

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
        try:
            if node.type == "ERROR" or node.is_missing:
                raise Untranslatable(f"does not parse: {text_of(node)[:60]}")
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
            self.unknown(node, str(error))

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
        self.scopes.append(Scope())
        for child in node.named_children:
            if child.type != "comment":
                self.statement(child)
        self.scopes.pop()

    def statement_value(self, body: Node) -> Operand:
        children = [child for child in body.named_children if child.type != "comment"]
        self.scopes.append(Scope())
        try:
            for child in children[:-1]:
                self.statement(child)
            if not children:
                return Operand(VOID)
            return self._last_value(children[-1])
        finally:
            self.scopes.pop()

    def _last_value(self, node: Node) -> Operand:
        if node.type == "labeled_statement":
            self._label(text_of(field_of(node, "label")))
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
        self.scopes.append(Scope())
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
        self.scopes.pop()

    def _body(self, node: Node, out: int, again: int) -> None:
        self.breaks.append(out)
        self.continues.append(again)
        self.statement(node)
        self.breaks.pop()
        self.continues.pop()

    def _s_break_statement(self, node: Node) -> None:
        self.builder.finish(Jump(self.breaks[-1]))

    def _s_continue_statement(self, node: Node) -> None:
        self.builder.finish(Jump(self.continues[-1]))

    def _s_goto_statement(self, node: Node) -> None:
        label = node.child_by_field_name("label")
        if label is None:
            raise Untranslatable(f"a computed goto: {text_of(node)[:60]}")
        self.builder.finish(Jump(self._label_block(text_of(label))))

    def _label_block(self, label: str) -> int:
        if label not in self.labels:
            self.labels[label] = self.builder.new_block()
        return self.labels[label]

    def _label(self, label: str) -> None:
        self.builder.enter(self._label_block(label))
        self.placed.add(label)

    def _s_labeled_statement(self, node: Node) -> None:
        self._label(text_of(field_of(node, "label")))
        for child in node.named_children[1:]:
            if child.type not in ("comment", "attribute_specifier"):
                self.statement(child)

    def _s_return_statement(self, node: Node) -> None:
        values = [child for child in node.named_children if child.type != "comment"]
        if not values:
            self.builder.finish(Return(None))
            return
        found = self.value(values[0])
        if isinstance(self.returns, Void):
            self.builder.finish(Return(None))
        elif isinstance(self.returns, Struct):
            assert self.result is not None
            self.builder.write(Place(self.returns, address=self.result), found)
            self.builder.finish(Return(None))
        else:
            value = self.builder.convert(found, self.returns)
            self.builder.finish(Return(self.builder.reg(value)))

    def _s_switch_statement(self, node: Node) -> None:
        value = self.promote(self.value(_condition(node)))
        switch = _Switch(scalar(value.ctype), value.ctype)
        head, out = self.builder.current, self.builder.new_block()
        reg = self.builder.reg(value)
        head = self.builder.current
        self.builder.start(self.builder.new_block())
        self.breaks.append(out)
        self.switches.append(switch)
        self.statement(field_of(node, "body"))
        self.switches.pop()
        self.breaks.pop()
        self.builder.enter(out)
        self.builder.start(head)
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
            self._case(self.switches[-1], value, block)
        for child in node.named_children:
            if child.type != "comment" and (value is None or child.id != value.id):
                self.statement(child)

    def _case(self, switch: _Switch, value: Node, block: int) -> None:
        nodes = [value]
        if value.type == "call_expression" and text_of(value).startswith("__case_range"):
            nodes = list(field_of(value, "arguments").named_children)
        first = switch.type.wrap(self.constant(nodes[0]))
        last = switch.type.wrap(self.constant(nodes[-1]))
        if last - first >= 256:
            self._wide_case(switch, first, last, block)
        switch.cases += [(one, block) for one in range(first, last + 1)]

    def _wide_case(self, switch: _Switch, first: int, last: int, block: int) -> None:
        raise Untranslatable(f"a case of {last - first + 1} values")

    # ---------------------------------------------------------------- declarations

    def _s_type_definition(self, node: Node) -> None:
        base = self.specified(node)
        for declarator in node.children_by_field_name("declarator"):
            self.scopes[-1].types[declared_name(declarator)] = self.declarator(base, declarator)

    def _s_struct_specifier(self, node: Node) -> None:
        self.specifier(node)

    _s_union_specifier = _s_struct_specifier
    _s_enum_specifier = _s_struct_specifier

    def _s_declaration(self, node: Node) -> None:
        declarators = node.children_by_field_name("declarator")
        auto = text_of(field_of(node, "type")) == "__auto_type"
        base = VOID if auto else self.specified(node)
        for declarator in declarators:
            if declarator.type == "identifier" and declarator.is_missing:
                continue
            self._local(node, base, declarator, auto)

    def _local(self, node: Node, base: CType, declarator: Node, auto: bool) -> None:
        value = declarator.child_by_field_name("value")
        inner = inner_declarator(declarator) if declarator.type == "init_declarator" else declarator
        assert inner is not None
        name = declared_name(inner)
        found = None
        if auto:
            assert value is not None
            found = self.builder.copy(self.value(value))
            ctype = found.ctype
        else:
            ctype = self.declarator(base, inner)
        if is_function(inner) or isinstance(ctype, Func):
            assert isinstance(ctype, Func)
            self.scopes[-1].functions[name] = ctype
            return
        if is_extern(node):
            return
        if isinstance(ctype, Array) and ctype.count is None and value is not None:
            ctype = Array(ctype.of, self.array_count(ctype.of, value))
        if has_word(node, "static"):
            declared = Declared(node, inner, value)
            self._define(name, self.linker.static_local(self, name, ctype, declared))
            return
        place = self._new_local(name, ctype)
        self._define(name, place)
        if value is not None and found is None and not isinstance(ctype, Array | Struct):
            found = self.value(value) if value.type != "initializer_list" else None
            if found is None:
                items = [child for child in value.named_children if child.type != "comment"]
                found = self.value(items[0]) if items else Operand(INT, const=0)
        if found is not None:
            self.builder.write(place, self.builder.convert(found, ctype))
        elif value is not None:
            self.initialise(place, value)

    def _new_local(self, name: str, ctype: CType) -> Place:
        if isinstance(ctype, Void):
            raise Untranslatable(f"{name} is of type void")
        if isinstance(ctype, Struct | Array) or name.encode() in self.taken:
            size, align = size_of(ctype), align_of(ctype)
            if isinstance(ctype, Array) and ctype.count is None:
                raise Untranslatable(f"{name} is an array without a size")
            return Place(ctype, address=self.builder.slot(max(size, 1), max(align, 1)))
        return Place(ctype, reg=self.builder.variable(scalar(ctype)))

    def initialise(self, place: Place, value: Node) -> None:
        address = place.address
        assert address is not None
        if isinstance(place.ctype, Struct) and value.type != "initializer_list":
            found = self.builder.convert(self.value(value), place.ctype)
            self.builder.write(place, found)
            return
        pieces = list(self.pieces(place.ctype, value))
        size = size_of(place.ctype)
        if size and not (len(pieces) == 1 and is_string(pieces[0].value)):
            words = [Operand(INT, const=0), Operand(ULONG, const=size)]
            regs = [self.builder.reg(one) for one in (address, *words)]
            self.builder.emit(Intrinsic(None, "sim_fill", tuple(regs)))
        for piece in pieces:
            at = self.builder.offset(address, piece.offset, ULONG)
            if isinstance(piece.ctype, Array) and is_string(piece.value):
                self._copy_string(piece.ctype, at, piece.value)
                continue
            found = self.value(piece.value)
            target = Place(piece.ctype, address=at, bits=piece.bits)
            self.builder.write(target, self.builder.convert(found, piece.ctype))

    def _copy_string(self, ctype: Array, at: Operand, value: Node) -> None:
        from kernel_sim.cfront.initialise import string_for

        data = string_for(ctype, value)
        source = Operand(ULONG, const=self.linker.bytes_address(data))
        size = Operand(ULONG, const=len(data))
        regs = tuple(self.builder.reg(one) for one in (at, source, size))
        self.builder.emit(Intrinsic(None, "sim_copy", regs))


def _condition(node: Node) -> Node:
    condition = field_of(node, "condition")
    return bare(condition)


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


def prune(function: Function) -> None:
    """Drop the blocks that nothing reaches, and number the others anew. Changes the function."""
    reached: list[int] = []
    seen = {0}
    waiting = [0]
    while waiting:
        number = waiting.pop()
        reached.append(number)
        for following in successors(function, number):
            if following not in seen:
                seen.add(following)
                waiting.append(following)
    reached.sort()
    new = {old: index for index, old in enumerate(reached)}
    blocks = [function.blocks[old] for old in reached]
    for block in blocks:
        match block.end:
            case Jump(to):
                block.end = Jump(new[to])
            case Branch(condition, then, other):
                block.end = Branch(condition, new[then], new[other])
            case Switch(value, cases, default):
                block.end = Switch(value, tuple((one, new[to]) for one, to in cases), new[default])
            case _:
                pass
    function.blocks = blocks


def successors(function: Function, number: int) -> tuple[int, ...]:
    """Return the blocks that a block can go on to."""
    match function.blocks[number].end:
        case Jump(to):
            return (to,)
        case Branch(_, then, other):
            return then, other
        case Switch(_, cases, default):
            return (*(to for _, to in cases), default)
    return ()


__all__ = ["Lowering", "Pointer", "decay", "prune", "successors"]
