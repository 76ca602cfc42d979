"""One file of C: its functions, structs, initialisers, includes and macros."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import tree_sitter_c
from tree_sitter import Language, Parser

from patchbot_checks.csource.expr import Expr, Reader, TooDeepError
from patchbot_checks.csource.graph import Graph, NotUnderstoodError, build_graph, declared_name
from patchbot_checks.csource.text import Include, Macro, Prepared, lex, prepare

if TYPE_CHECKING:
    from tree_sitter import Node as Syntax

MAX_BYTES = 4 << 20
_MIN_LOST_BYTES = 200
MAX_FUNCTION_BYTES = 400_000
_PARSER = Parser(Language(tree_sitter_c.language()))
_HEAD = re.compile(
    rb"^(?![ \t#}/*{])(?!typedef|struct\s+\w+\s*\{|enum|union\s+\w+\s*\{)"
    rb"[^;={}\n]{0,300}?\b(\w+)\s*+\([^;{}]{0,3000}?\)\s*+\{",
    re.M,
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A function's parameter: `ctype` as written, with "*" and "[]" for pointers and arrays."""

    name: str
    ctype: str


@dataclass(eq=False)
class Function:
    """One function definition. `start` and `end` are byte offsets of the whole definition."""

    name: str
    unit: Unit = field(repr=False)
    line: int
    start: int
    end: int
    parameters: tuple[Parameter, ...]
    returns: str
    static: bool
    source: bytes = field(repr=False)
    body: Syntax = field(repr=False)
    reader: Reader = field(repr=False)
    loops: dict[int, str] = field(repr=False)
    defined: bool = True

    @cached_property
    def graph(self) -> Graph:
        """The control-flow graph; raises `NotUnderstoodError`."""
        if self.end - self.start > MAX_FUNCTION_BYTES:
            raise NotUnderstoodError(f"longer than {MAX_FUNCTION_BYTES} bytes", self.line)
        if self.body.has_error:
            bad = _first_error(self.body)
            raise NotUnderstoodError("this is not C that can be parsed", bad)
        return build_graph(self.body, self.reader, self.loops)

    @cached_property
    def words(self) -> frozenset[str]:
        """All identifiers in its text."""
        return frozenset(w.decode() for w in re.findall(rb"[A-Za-z_]\w*", self.source))

    @cached_property
    def locals(self) -> dict[str, str]:
        """The types of its parameters and local variables, by name."""
        found = {p.name: p.ctype for p in self.parameters if p.name}
        for node in self.graph.nodes:
            if node.kind == "declare":
                found.setdefault(node.name, node.ctype)
        return found

    def mentions(self, names: frozenset[str]) -> bool:
        """Whether its text has any of these identifiers."""
        return not names.isdisjoint(self.words)

    @property
    def path(self) -> str:
        """The file it is in."""
        return self.unit.path


@dataclass(frozen=True, slots=True)
class Initialiser:
    """A struct initialiser at file level: `fields` maps a field's name to its value."""

    ctype: str
    name: str
    line: int
    fields: dict[str, Expr]


@dataclass(frozen=True, slots=True)
class Broken:
    """A function, or (with an empty name) a file, that could not be parsed, and why."""

    name: str
    line: int
    reason: str


@dataclass(slots=True)
class _Arm:
    prepared: Prepared
    root: Syntax
    reader: Reader
    defined: bool


class Unit:
    """One parsed file; where `#if` arms differ, once for each of two configurations."""

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.data = data
        self.broken: list[Broken] = []
        self.macros: dict[str, Macro] = {}
        self.includes: list[Include] = []
        self._arms: list[_Arm] = []
        if reason := _refuse(data):
            self.broken.append(Broken("", 1, reason))
            return
        lexed = lex(data)
        if _is_prose(lexed.bare):
            self.broken.append(Broken("", 1, "it has hardly any statement: no C source"))
            return
        self.includes = lexed.includes
        self.macros = {macro.name: macro for macro in lexed.macros}
        if lexed.groups.broken:
            self.broken.append(Broken("", 1, "its #if and #endif do not match"))
        for defined in (True, False) if lexed.groups.differ else (True,):
            prepared = prepare(lexed, defined=defined)
            if self._arms and prepared.text == self._arms[0].prepared.text:
                continue
            root = _PARSER.parse(prepared.text).root_node
            self._arms.append(_Arm(prepared, root, Reader(prepared.text), defined))
            self._note_lost(root)

    def _note_lost(self, root: Syntax) -> None:
        """Note what is outside all functions and no C: unless it is as short as a macro's use."""
        pieces = [root] if root.type == "ERROR" else root.children if root.has_error else []
        for node in pieces:
            if node.type == "ERROR" and node.end_byte - node.start_byte >= _MIN_LOST_BYTES:
                reason = f"{node.end_byte - node.start_byte} bytes from here are no C"
                self.broken.append(Broken("", node.start_point[0] + 1, reason))
                return

    @cached_property
    def functions(self) -> tuple[Function, ...]:
        """All function definitions, in order; one that differs between #if arms stands twice."""
        found: dict[tuple[str, int, bytes], Function] = {}
        for arm in self._arms:
            seen: set[int] = set()
            for node in _definitions(arm.root):
                self._add(found, node, arm, seen)
            self._recover(found, arm, seen)
        return tuple(sorted(found.values(), key=lambda f: (f.start, not f.defined)))

    def find(self, name: str) -> Function | None:
        """Return the function of this name, None where this file defines none."""
        return self._by_name.get(name)

    @cached_property
    def _by_name(self) -> dict[str, Function]:
        found: dict[str, Function] = {}
        for function in self.functions:
            found.setdefault(function.name, function)
        return found

    @cached_property
    def initialisers(self) -> tuple[Initialiser, ...]:
        """The struct initialisers at file level."""
        found: dict[tuple[str, int], Initialiser] = {}
        for arm in self._arms:
            for node in _flat(arm.root):
                if node.type == "declaration" and node.child_by_field_name("declarator"):
                    for each in _initialisers(node, arm.reader):
                        found.setdefault((each.name, each.line), each)
        return tuple(found.values())

    def syntax_roots(self) -> Iterator[tuple[Syntax, Reader]]:
        """Yield each configuration's parse tree with a reader of its text."""
        for arm in self._arms:
            yield arm.root, arm.reader

    def line_of(self, offset: int) -> int:
        """Return the line, from 1, of a byte offset."""
        return self.data.count(b"\n", 0, offset) + 1

    def source_line(self, line: int) -> str:
        """Return the text of a line, from 1, without blanks around it."""
        lines = self._lines
        return lines[line - 1].decode("utf-8", "replace").strip() if 0 < line <= len(lines) else ""

    @cached_property
    def _lines(self) -> list[bytes]:
        return self.data.split(b"\n")

    def _add(
        self,
        found: dict[tuple[str, int, bytes], Function],
        node: Syntax,
        arm: _Arm,
        seen: set[int],
    ) -> None:
        body = node.child_by_field_name("body")
        if body is None or body.type != "compound_statement":
            return
        made = _make_function(self, node, body, arm)
        if made is not None:
            seen.add(body.start_byte)
            found.setdefault((made.name, made.start, made.source), made)

    def _recover(
        self, found: dict[tuple[str, int, bytes], Function], arm: _Arm, seen: set[int]
    ) -> None:
        """Parse what looks like a function, but got lost in the error of another one, by itself."""
        if not arm.root.has_error:
            return
        text = arm.prepared.text
        for match in _HEAD.finditer(text):
            opening = match.end() - 1
            if opening in seen:
                continue
            end = text.find(b"\n}", opening)
            name = match.group(1).decode("utf-8", "replace")
            line = text.count(b"\n", 0, match.start()) + 1
            if end < 0:
                self.broken.append(Broken(name, line, "its end was not found"))
                continue
            blanks = b"\n" * text.count(b"\n", 0, match.start())
            pad = match.start() - len(blanks)
            alone = b" " * max(0, pad) + blanks + text[match.start() : end + 2]
            if pad < 0:
                continue
            root = _PARSER.parse(alone).root_node
            nodes = list(_definitions(root))
            reader = Reader(alone)
            before = len(found)
            for node in nodes:
                self._add(found, node, _Arm(arm.prepared, root, reader, arm.defined), seen)
            if len(found) == before and not nodes:
                self.broken.append(Broken(name, line, "this is not C that can be parsed"))


def _refuse(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        return f"larger than {MAX_BYTES >> 20} MiB"
    if b"\0" in data:
        return "it holds NUL bytes: no C source"
    return ""


def _is_prose(bare: bytes) -> bool:
    """Whether a long text has next to no semicolons, commas and braces: it would parse slowly."""
    words = len(bare) - bare.count(b" ") - bare.count(b"\n") - bare.count(b"\t")
    return words > 50_000 and sum(bare.count(c) for c in (b";", b",", b"{")) * 1000 < words


def _flat(root: Syntax) -> Iterator[Syntax]:
    """Yield the nodes at file level, also those inside errors and `extern "C"` blocks."""
    for node in root.children:
        if node.type in ("ERROR", "linkage_specification", "declaration_list"):
            yield from _flat(node)
        else:
            yield node


def _definitions(root: Syntax) -> Iterator[Syntax]:
    for node in _flat(root):
        if node.type == "function_definition":
            yield node


def _make_function(unit: Unit, node: Syntax, body: Syntax, arm: _Arm) -> Function | None:
    reader = arm.reader
    declarator = node.child_by_field_name("declarator")
    stars = ""
    while declarator is not None and declarator.type != "function_declarator":
        stars += "*" if declarator.type == "pointer_declarator" else ""
        declarator = declarator.child_by_field_name("declarator")
    if declarator is None:
        return None
    named = declarator.child_by_field_name("declarator")
    name = reader.text(named) if named is not None else ""
    if not name.isidentifier():
        return None
    ctype = node.child_by_field_name("type")
    returns = (reader.text(ctype) if ctype is not None else "") + stars
    static = any(
        c.type == "storage_class_specifier" and reader.text(c) == "static" for c in node.children
    )
    source = arm.prepared.text[node.start_byte : node.end_byte]
    return Function(
        name, unit, node.start_point[0] + 1, node.start_byte, node.end_byte,
        _parameters(declarator, reader), returns, static, source, body, reader,
        dict(arm.prepared.loops), arm.defined,
    )  # fmt: skip


def _parameters(declarator: Syntax, reader: Reader) -> tuple[Parameter, ...]:
    listed = declarator.child_by_field_name("parameters")
    found = []
    for child in listed.named_children if listed is not None else ():
        if child.type != "parameter_declaration":
            continue
        kind = child.child_by_field_name("type")
        ctype = reader.text(kind) if kind is not None else ""
        inner = child.child_by_field_name("declarator")
        name, suffix = declared_name(inner, reader) if inner is not None else ("", "")
        if ctype != "void" or suffix:
            found.append(Parameter(name, f"{ctype} {suffix}".strip()))
    return tuple(found)


def _initialisers(node: Syntax, reader: Reader) -> Iterator[Initialiser]:
    kind = node.child_by_field_name("type")
    for child in node.children_by_field_name("declarator"):
        value = child.child_by_field_name("value") if child.type == "init_declarator" else None
        if value is None or value.type != "initializer_list":
            continue
        name, _ = declared_name(child, reader)
        try:
            read = reader.read(value)
        except TooDeepError:
            continue
        fields = {each.op: each.args[0] for each in read.args if each.kind == "pair" and each.op}
        ctype = reader.text(kind) if kind is not None else ""
        yield Initialiser(ctype, name, child.start_point[0] + 1, fields)


def _first_error(node: Syntax) -> int:
    while True:
        for child in node.children:
            if child.type == "ERROR" or child.is_missing:
                return child.start_point[0] + 1
            if child.has_error:
                node = child
                break
        else:
            return node.start_point[0] + 1
