"""Names across files: which definition a name means, where variables stand, what is lowered."""

from __future__ import annotations

import hashlib
import sys
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tree_sitter import Node

from kernel_sim.cfront.build import Builder, Operand, Place
from kernel_sim.cfront.casts import NoCast
from kernel_sim.cfront.ctype import (
    ULONG,
    Array,
    CType,
    Func,
    Int,
    Pointer,
    Struct,
    Untranslatable,
    align_of,
    container,
    size_of,
)
from kernel_sim.cfront.literals import string_for
from kernel_sim.cfront.unit import Declared, Unit, has_word, text_of
from kernel_sim.ir import (
    FUNCTION_STRIDE,
    FUNCTIONS,
    GLOBALS,
    Call,
    Function,
    Global,
    Program,
    Return,
    Type,
    Unknown,
)

if TYPE_CHECKING:
    from kernel_sim.cfront.scopes import Scopes
    from kernel_sim.cfront.statements import Lowering

MODEL = "instead_of_"
_MOST_BYTES = 1 << 24
_DEPTH = 5000
"""Calls of the front end in one another: initialisers that lead from one to the next are deep."""
_THREAD_LOCAL = ("__thread", "_Thread_local", "thread_local")
_MOST_READINGS = 50
_GROWING = (
    "_models", "_statics", "_variables", "_placed", "_bytes", "_keys", "_addresses",
)  # fmt: skip
"""What a linker knows of all its units and of what it has linked."""


@dataclass(slots=True)
class Ledger:
    """What a program is made of: functions by the file they are from, and what is missing.

    `missing` are names that something calls and nothing defines, `broken` initialisers that could
    not be read, by variable.
    """

    functions: dict[str, str] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    broken: dict[str, str] = field(default_factory=dict)


_Thing = tuple[str, str]
"""A function ("f") or a variable ("v") by its name in the program."""


@dataclass(slots=True)
class _Variable:
    address: int
    ctype: CType
    unit: Unit
    declared: Declared
    scope: Scopes | None = None


class Linker:
    """Lowers the functions that are asked for, and all that they can call by name.

    Of several definitions of a name that is not static the one in the first unit counts: put the
    tree under review before or after the model, as is wanted. A function `instead_of_NAME` of any
    unit stands in for NAME wherever that is called, static ones in headers too.
    """

    def __init__(self, units: Sequence[Unit]) -> None:
        self.units = list(units)
        self._models: dict[str, tuple[Unit, Node]] = {}
        self._statics: dict[str, Unit] = {}
        self.ledger = Ledger()
        self.program = Program()
        self._scopes: dict[int, Any] = {}
        self._functions: dict[str, Unit] = {}
        self._variables: dict[str, Unit] = {}
        self._placed: dict[str, _Variable] = {}
        self._bytes: dict[bytes, int] = {}
        self._keys: dict[str, tuple[Unit, Node]] = {}
        self._addresses: dict[str, int] = {}
        self._next = GLOBALS
        self._uses: dict[_Thing, set[_Thing]] = {}
        self._user: _Thing | None = None
        for unit in units:
            self._index(unit)

    def _index(self, unit: Unit) -> None:
        for name, node in unit.functions.items():
            if name.startswith(MODEL):
                self._models.setdefault(name.removeprefix(MODEL), (unit, node))
            elif name not in unit.statics:
                self._functions.setdefault(name, unit)
            elif unit.place(node)[0] == unit.name:
                self._statics.setdefault(name, unit)
        for name in unit.variables.keys() - unit.hidden:
            value = unit.variables[name].value
            known = self._variables.get(name)
            if known is None or known.variables[name].value is None is not value:
                self._variables[name] = unit

    def extend(self, unit: Unit) -> Linker | None:
        """Return a linker of one unit more, which goes on from what was linked here.

        That unit's definitions come first. None where it defines something that was used here
        already: then all has to be linked anew.
        """
        known = {*self._keys, *self.ledger.missing, *self._placed, *self._variables}
        open_names = (unit.functions.keys() - unit.statics) | (unit.variables.keys() - unit.hidden)
        if known & open_names or any(name.startswith(MODEL) for name in unit.functions):
            return None
        other = Linker([unit])
        other.units += self.units
        other._functions = {**self._functions, **other._functions}
        for name in _GROWING:
            getattr(other, name).update(getattr(self, name))
        other._uses = {user: set(things) for user, things in self._uses.items()}
        other._next = self._next
        ledger, program = self.ledger, self.program
        other.ledger = Ledger(dict(ledger.functions), set(ledger.missing), dict(ledger.broken))
        other.program.functions.update(program.functions)
        other.program.globals += program.globals
        return other

    def reach(self, roots: Iterable[str]) -> tuple[set[str], set[str]]:
        """Return the functions and the variables of the program that some functions can reach."""
        found: set[_Thing] = {("f", name) for name in roots}
        waiting = list(found)
        while waiting:
            more = self._uses.get(waiting.pop(), set()) - found
            found |= more
            waiting += more
        functions = {name for kind, name in found if kind == "f"}
        return functions, {name for kind, name in found if kind == "v"}

    # -------------------------------------------------------------------- lowering

    def link(self, roots: Iterable[str]) -> Program:
        """Lower functions by name, and whatever they reach; return the program so far."""
        from kernel_sim.cfront.statements import Lowering

        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(max(limit, _DEPTH))
        try:
            return self._link(roots, Lowering)
        finally:
            sys.setrecursionlimit(limit)

    def _link(self, roots: Iterable[str], lowering: type[Lowering]) -> Program:
        waiting = deque(self.function_key(name, self.units[0]) for name in roots)
        while waiting:
            key = waiting.popleft()
            if key in self.program.functions:
                continue
            self._user = "f", key
            made = self._lower(key, lowering)
            self._user = None
            self.program.functions[key] = made
            callees = _callees(made)
            self._uses.setdefault(("f", key), set()).update(("f", callee) for callee in callees)
            waiting.extend(callees)
            waiting.extend(one for one in self._addresses if one not in self.program.functions)
        self.program.addresses = list(self._addresses)
        self.program.globals.sort(key=lambda one: one.address)
        return self.program

    def _lower(self, key: str, lowering: Callable[[Unit, Linker, str], Lowering]) -> Function:
        found = self._keys.get(key)
        if found is None:
            self.ledger.missing.add(key)
            return _stub(key, f"{key}() is not in the tree or the model")
        unit, node = found
        path, line = unit.place(node)
        self.ledger.functions[key] = path
        try:
            return self._lower_node(key, unit, node, lowering)
        except Untranslatable as error:
            return _stub(key, f"{path}:{line}: {error}")
        except RecursionError:
            return _stub(key, f"{path}:{line}: {key}() is nested too deeply")

    def _lower_node(
        self, key: str, unit: Unit, node: Node, lowering: Callable[[Unit, Linker, str], Lowering]
    ) -> Function:
        """Lower a definition; a variable with a type's name is only seen on the way."""
        node = unit.definition(node)
        for _ in range(_MOST_READINGS):
            try:
                return lowering(unit, self, key).function(node)
            except NoCast as found:
                node = unit.without_cast(node, found)
        raise Untranslatable("too many variables have names of types")

    def file_scope(self, unit: Unit) -> Lowering:
        """Return what reads declarations at a unit's file scope."""
        found = self._scopes.get(id(unit))
        if found is None:
            found = self._scopes[id(unit)] = _file_scope(unit, self)
        scope: Lowering = found
        return scope

    # ------------------------------------------------------------------- functions

    def defines(self, name: str, unit: Unit) -> bool:
        """Whether a function of this name has a body that this unit can call."""
        return name in unit.functions or name in self._functions

    def function_key(self, name: str, unit: Unit) -> str:
        """Return the name in the program of the function that a name means in a unit."""
        model = self._models.get(name)
        if model is not None:
            self._keys.setdefault(MODEL + name, model)
            return MODEL + name
        node = unit.functions.get(name)
        if node is None and name not in self._functions and name in self._statics:
            # The model may call what a file keeps to itself.
            unit = self._statics[name]
            node = unit.functions[name]
        if node is None or name not in unit.statics:
            owner = self._functions.get(name)
            if owner is not None:
                self._keys.setdefault(name, (owner, owner.functions[name]))
                return name
            if node is None:
                return name
        # The same static function of a header, in two units, is one.
        path, _line = unit.place(node)
        key = f"{path}:{name}"
        known = self._keys.setdefault(key, (unit, node))
        if known[1].id != node.id and known[0].written(known[1]) != unit.written(node):
            key = f"{key}:{hashlib.sha256(unit.written(node).encode()).hexdigest()[:8]}"
            self._keys.setdefault(key, (unit, node))
        return key

    def function_type(self, name: str, unit: Unit) -> Func | None:
        """Return the type of a function that is declared in a unit, or None."""
        node = unit.functions.get(name)
        if node is not None:
            return self.definition_type(unit, node)
        declared = unit.prototypes.get(name)
        if declared is not None:
            found = self.file_scope(unit).declared_type(declared)
            return found if isinstance(found, Func) else None
        return None

    def definition_type(self, unit: Unit, node: Node) -> Func:
        """Return the type of a function definition."""
        scope = self.file_scope(unit)
        declarator = node.child_by_field_name("declarator")
        assert declarator is not None
        if declarator.has_error:
            raise Untranslatable(f"does not parse: {text_of(declarator)[:60]}")
        found = scope.declarator(scope.specified(node), declarator)
        if not isinstance(found, Func):
            raise Untranslatable(f"not a function: {text_of(declarator)[:60]}")
        return found

    def function_address(self, name: str, unit: Unit) -> int:
        """Return the address of a function; it will be lowered."""
        key = self.function_key(name, unit)
        self._use("f", key)
        if key not in self._addresses:
            self._addresses[key] = FUNCTIONS + len(self._addresses) * FUNCTION_STRIDE
        return self._addresses[key]

    def _use(self, kind: str, key: str) -> None:
        if self._user is not None:
            self._uses.setdefault(self._user, set()).add((kind, key))

    # ------------------------------------------------------------------- variables

    def variable(self, name: str, unit: Unit) -> Place | None:
        """Return the place of a variable of file scope, or None where there is none."""
        declared = unit.variables.get(name)
        if declared is None:
            return None
        key, owner = name, unit
        if has_word(declared.whole, "static"):
            key = f"{unit.place(declared.whole)[0]}:{name}"
        else:
            owner = self._variables.get(name, unit)
            if name not in self._variables:
                raise Untranslatable(f"the variable {name} is defined nowhere")
        return self._place(key, owner, owner.variables[name])

    def _place(self, key: str, unit: Unit, declared: Declared) -> Place:
        self._use("v", key)
        found = self._placed.get(key)
        if found is None:
            if any(has_word(declared.whole, word) for word in _THREAD_LOCAL):
                raise Untranslatable(f"the thread-local variable {key}")
            scope = self.file_scope(unit)
            ctype = scope.declared_type(declared)
            if isinstance(ctype, Array) and ctype.count is None and declared.value is not None:
                ctype = Array(ctype.of, scope.array_count(ctype.of, declared.value))
            found = self._new_variable(key, ctype, unit, declared, None)
        self._check_image(key)
        return Place(found.ctype, address=Operand(ULONG, const=found.address))

    def static_local(self, scope: Scopes, name: str, ctype: CType, declared: Declared) -> Place:
        """Return the place of a static variable inside a function."""
        path, line = scope.unit.place(declared.declarator)
        return self._static(f"{scope.name}:{path}:{line}:{name}", ctype, declared, scope, name)

    def static_literal(self, scope: Scopes, ctype: CType, node: Node, value: Node) -> Place:
        """Return the place of a compound literal in the initialiser of a static variable."""
        path, line = scope.unit.place(node)
        key = f"{scope.name}:{path}:{line}:literal:{node.start_byte}"
        return self._static(key, ctype, Declared(node, node, value), scope)

    def _static(
        self, key: str, ctype: CType, declared: Declared, scope: Scopes, name: str = ""
    ) -> Place:
        self._use("v", key)
        found = self._placed.get(key)
        if found is None:
            found = self._new_variable(key, ctype, scope.unit, declared, scope, name)
        self._check_image(key)
        return Place(found.ctype, address=Operand(ULONG, const=found.address))

    def _new_variable(
        self,
        key: str,
        ctype: CType,
        unit: Unit,
        declared: Declared,
        scope: Scopes | None,
        name: str = "",
    ) -> _Variable:
        _packed, asked = self.file_scope(unit).attributes(declared.whole)
        address = self._take(max(size_of(ctype), 1), max(align_of(ctype), asked, 1))
        found = _Variable(address, ctype, unit, declared, scope)
        self._placed[key] = found
        if scope is not None and name:
            # Its own initialiser may name it.
            scope.scopes[-1].places[name] = Place(ctype, address=Operand(ULONG, const=address))
        before, self._user = self._user, ("v", key)
        try:
            self._make_image(key, found)
        finally:
            self._user = before
        return found

    def _check_image(self, key: str) -> None:
        """Whoever uses a variable whose initialiser was not understood ends inconclusive."""
        if key in self.ledger.broken:
            raise Untranslatable(f"the initialiser of {key}: {self.ledger.broken[key]}")

    def _take(self, size: int, align: int) -> int:
        if size > _MOST_BYTES:
            raise Untranslatable(f"a variable of {size} bytes")
        # Eight bytes between two variables: a step past the end of one is seen.
        self._next = (self._next + max(align, 16) - 1) // max(align, 16) * max(align, 16)
        address = self._next
        self._next += size + 8
        return address

    def bytes_address(self, data: bytes) -> int:
        """Return the address of constant bytes, such as a string's."""
        address = self._bytes.get(data)
        if address is None:
            address = self._bytes[data] = self._take(len(data), 1)
            self.program.globals.append(Global("", address, data, writable=False))
        return address

    def _make_image(self, key: str, variable: _Variable) -> None:
        image = bytearray(max(size_of(variable.ctype), 1))
        path, _line = variable.unit.place(variable.declared.whole)
        if variable.declared.value is not None:
            scope = variable.scope or self.file_scope(variable.unit)
            try:
                self._fill(image, scope, variable.ctype, variable.declared.value)
            except Untranslatable as error:
                self.ledger.broken[key] = str(error)
        self.program.globals.append(Global(key, variable.address, bytes(image), path))

    def _fill(self, image: bytearray, scope: Scopes, ctype: CType, value: Node) -> None:
        for piece in scope.pieces(ctype, value):
            data = self._encode(scope, piece.ctype, piece.value)
            if piece.bits is None:
                image[piece.offset : piece.offset + len(data)] = data
                continue
            at, size, first = container(piece.bits)
            at += piece.offset - piece.bits.offset
            mask = ((1 << (piece.bits.width or 0)) - 1) << first
            old = int.from_bytes(image[at : at + size], "little")
            new = (int.from_bytes(data, "little") << first) & mask
            image[at : at + size] = (old & ~mask | new).to_bytes(size, "little")

    def _encode(self, scope: Scopes, ctype: CType, value: Node) -> bytes:
        from kernel_sim.cfront.initialise import is_string

        if isinstance(ctype, Array) and is_string(value):
            return string_for(ctype, value)
        if value.type == "compound_literal_expression" or (
            value.type == "parenthesized_expression" and isinstance(ctype, Struct)
        ):
            while value.type == "parenthesized_expression":
                value = value.named_children[0]
            inner = value.child_by_field_name("value")
            if inner is not None and isinstance(ctype, Struct | Array):
                image = bytearray(size_of(ctype))
                self._fill(image, scope, ctype, inner)
                return bytes(image)
        kept, scope.builder = scope.builder, Builder()
        scope.is_static, before = True, scope.is_static
        try:
            found = scope.builder.convert(scope.value(value), ctype)
        finally:
            scope.builder, scope.is_static = kept, before
        if found.const is None or not isinstance(ctype, Int | Pointer):
            raise Untranslatable(f"not a constant: {text_of(value)[:60]}")
        size = size_of(ctype)
        return Type(size * 8, False).wrap(found.const).to_bytes(size, "little")


def _file_scope(unit: Unit, linker: Linker) -> Lowering:
    from kernel_sim.cfront.filescope import FileScope

    return FileScope(unit, linker)


def _callees(function: Function) -> list[str]:
    return [
        step.function for block in function.blocks for step in block.steps if isinstance(step, Call)
    ]


def _stub(name: str, reason: str) -> Function:
    from kernel_sim.ir import U64, Block

    block = Block([Unknown(reason)], [0, 0], Return(None))
    return Function(name, "", 0, 0, U64, variadic=True, blocks=[block])
