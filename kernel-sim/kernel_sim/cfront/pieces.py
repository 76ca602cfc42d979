"""Preprocessed text in pieces: what several files include is rewritten, parsed and indexed once.

The files of a kernel include the same headers, and a patched tree has nearly all files of its base.
A piece is what comes from one file between two lines where another one begins; it grows until its
brackets match. Rows of syntax nodes count through all pieces of a collection, so that a row alone
tells where a node was written.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import tree_sitter

from kernel_sim.cfront.bodies import Body, leave_out
from kernel_sim.cfront.casts import cast_names, find_typedefs, mark_casts
from kernel_sim.cfront.plain import make_plain
from kernel_sim.cfront.preprocess import Source
from kernel_sim.cfront.syntax import (
    Declared,
    declarations,
    declared_name,
    has_word,
    is_function,
    parse_part,
)

_TAGGED = re.compile(
    rb"\b(struct|union|enum)\b\s*(?:__attribute__\s*\(\([^{};]*?\)\)\s*)?(\w+)?\s*"
    rb"(?:__attribute__\s*\(\([^{};]*?\)\)\s*)?\{"
)
_ENUMERATOR = re.compile(rb"(?:^|,)\s*([A-Za-z_]\w*)\s*(?==|,|$)")
_Origin = tuple[tuple[int, str, int], ...]
"""For each stretch of lines from one file: its first line in the piece, the path, the line."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable's declaration; several of one name may stand in a file."""

    name: str
    declared: Declared
    is_static: bool
    is_extern: bool


@dataclass(slots=True)
class Index:
    """What a piece declares at file scope, by name; `tags` and `enumerators` are byte positions."""

    functions: dict[str, tree_sitter.Node] = field(default_factory=dict)
    statics: set[str] = field(default_factory=set)
    variables: list[Variable] = field(default_factory=list)
    prototypes: dict[str, Declared] = field(default_factory=dict)
    typedefs: dict[str, Declared] = field(default_factory=dict)
    tags: dict[tuple[str, str], int] = field(default_factory=dict)
    enumerators: dict[str, int] = field(default_factory=dict)
    errors: list[tree_sitter.Node] = field(default_factory=list)


@dataclass(slots=True)
class Piece:
    """A piece in the plain spelling, without most bodies; `first` is its row in the collection.

    `typedefs` are the names that it makes types, `casts` the names in brackets that would be casts
    if they were types.
    """

    first: int
    origin: _Origin
    text: bytes
    bodies: list[Body]
    typedefs: frozenset[bytes]
    casts: frozenset[bytes]
    parsed: dict[frozenset[bytes], Parsed] = field(default_factory=dict)

    def parse(self, types: frozenset[bytes]) -> Parsed:
        """Return it parsed, where these names of types are known."""
        known = self.casts & types
        found = self.parsed.get(known)
        if found is None:
            text = mark_casts(self.text, known)
            root = parse_part(text, self.first)
            found = self.parsed[known] = Parsed(self, root, make_index(root, text))
        return found


@dataclass(frozen=True, slots=True)
class Parsed:
    """A piece as a syntax tree with its index."""

    piece: Piece
    root: tree_sitter.Node
    index: Index


class Pieces:
    """A growing collection of pieces; not safe to use from two threads at once.

    `types` has what stood in each typeof, by its number (see `kernel_sim.cfront.plain`).
    """

    def __init__(self) -> None:
        self.types: list[str] = []
        self._known: dict[tuple[_Origin, str], Piece] = {}
        self._starts: list[int] = []
        self._pieces: list[Piece] = []
        self._rows = 0

    def read(self, source: Source) -> list[Piece]:
        """Return the pieces of a file, in order. Raises `PreprocessError` as `make_plain`."""
        return [self._piece(origin, text) for origin, text in split(source)]

    def add_plain(self, text: str, path: str, line: int) -> Piece:
        """Return a piece of C in the plain spelling that stands at a place in a file."""
        return self._add(((0, path, line),), text, text, [])

    def place(self, row: int) -> tuple[str, int]:
        """Return the path and line (from 1) of a row."""
        piece = self._pieces[bisect.bisect_right(self._starts, row) - 1]
        at = row - piece.first
        for start, path, line in reversed(piece.origin):
            if start <= at:
                return path, line + at - start
        return "<command line>", 0

    def bodies(self, first: int, last: int) -> list[Body]:
        """Return the bodies that were left out of some rows."""
        piece = self._pieces[bisect.bisect_right(self._starts, first) - 1]
        at = bisect.bisect_left(piece.bodies, first, key=lambda body: body.first)
        end = bisect.bisect_right(piece.bodies, last, key=lambda body: body.first)
        return piece.bodies[at:end]

    def _piece(self, origin: _Origin, text: str) -> Piece:
        known = self._known.get((origin, text))
        if known is None:
            outline, bodies = leave_out(text, self._rows)
            plain = make_plain(outline, self.types).text
            known = self._known[origin, text] = self._add(origin, text, plain, bodies)
        return known

    def _add(self, origin: _Origin, text: str, plain: str, bodies: list[Body]) -> Piece:
        raw = plain.encode()
        inner = [make_plain(body.text).text for body in bodies if "typedef" in body.text]
        types = find_typedefs(raw).union(*(find_typedefs(each.encode()) for each in inner))
        piece = Piece(self._rows, origin, raw, bodies, frozenset(types), cast_names(raw))
        self._starts.append(piece.first)
        self._pieces.append(piece)
        self._rows += text.count("\n") + 2
        return piece


# ------------------------------------------------------------------- cutting up


def split(source: Source) -> Iterator[tuple[_Origin, str]]:
    """Yield the pieces of a text with their origins; all lines of it, in order. Pure."""
    lines = source.text.split("\n")
    marks = list(zip(source.starts, source.paths, source.lines, strict=True))
    bounds = [n for n in range(1, len(marks)) if marks[n][1] != marks[n - 1][1]]
    ends = [*(marks[n][0] for n in bounds), len(lines)]
    first = begun = 0
    for end, after in zip(ends, [*bounds, len(marks)], strict=True):
        text = "\n".join(lines[first:end])
        if end == len(lines) or _is_whole(text):
            yield _origin(marks[begun:after], first), text
            first, begun = end, after


def _origin(marks: list[tuple[int, str, int]], first: int) -> _Origin:
    return tuple((start - first, path, line) for start, path, line in marks)


def _is_whole(text: str) -> bool:
    end = text.rstrip()[-1:]
    return end in ("", ";", "}") and all(text.count(a) == text.count(b) for a, b in ("{}", "()"))


# -------------------------------------------------------------------- indexing


def make_index(root: tree_sitter.Node, text: bytes) -> Index:
    """Return what a syntax tree declares at file scope."""
    index = Index()
    spans: list[tuple[int, int]] = []
    for node in declarations(root):
        kind = node.type
        if kind == "function_definition":
            spans.append((node.start_byte, node.end_byte))
            _add_function(index, node)
        elif kind == "declaration":
            _add_declaration(index, node)
        elif kind == "type_definition":
            for declarator in node.children_by_field_name("declarator"):
                name = declared_name(declarator)
                if name:
                    index.typedefs[name] = Declared(node, declarator)
        elif kind == "ERROR":
            index.errors.append(node)
    _add_tags(index, text, spans)
    return index


def _add_function(index: Index, node: tree_sitter.Node) -> None:
    name = declared_name(node.child_by_field_name("declarator"))
    if not name:
        return
    index.functions[name] = node
    (index.statics.add if has_word(node, "static") else index.statics.discard)(name)


def _add_declaration(index: Index, node: tree_sitter.Node) -> None:
    static, extern = has_word(node, "static"), has_word(node, "extern")
    for declarator in node.children_by_field_name("declarator"):
        value = None
        inner = declarator
        if declarator.type == "init_declarator":
            value = declarator.child_by_field_name("value")
            inner = declarator.child_by_field_name("declarator") or declarator
        name = declared_name(inner)
        if not name:
            continue
        declared = Declared(node, inner, value)
        if is_function(inner):
            index.prototypes[name] = declared
        else:
            index.variables.append(Variable(name, declared, static, extern))


def _add_tags(index: Index, text: bytes, spans: list[tuple[int, int]]) -> None:
    starts = [start for start, _ in spans]
    for match in _TAGGED.finditer(text):
        at = bisect.bisect_right(starts, match.start()) - 1
        if at >= 0 and match.start() < spans[at][1] and b"{" in text[starts[at] : match.start()]:
            continue
        kind = match[1].decode()
        if match[2] and match[2] != b"__attribute__":
            index.tags[kind, match[2].decode()] = match.start()
        if kind == "enum":
            end = text.find(b"}", match.end())
            for one in _ENUMERATOR.finditer(text[match.end() : end]):
                index.enumerators[one[1].decode()] = match.start()
