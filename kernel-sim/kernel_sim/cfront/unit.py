"""One preprocessed file, and where everything that it declares stands."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator
from dataclasses import dataclass

import tree_sitter
import tree_sitter_c

from kernel_sim.cfront.casts import BUILT_IN, NoCast, find_typedefs, mark_casts, without_cast
from kernel_sim.cfront.ctype import CType, Struct, Untranslatable
from kernel_sim.cfront.plain import make_plain
from kernel_sim.cfront.preprocess import Source

_PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_c.language()))
_TAGGED = re.compile(
    rb"\b(struct|union|enum)\b\s*(?:__attribute__\s*\(\([^{};]*?\)\)\s*)?(\w+)?\s*"
    rb"(?:__attribute__\s*\(\([^{};]*?\)\)\s*)?\{"
)
_ENUMERATOR = re.compile(rb"(?:^|,)\s*([A-Za-z_]\w*)\s*(?==|,|$)")


@dataclass(frozen=True, slots=True)
class Declared:
    """A declarator and the declaration that it is part of."""

    whole: tree_sitter.Node
    declarator: tree_sitter.Node
    value: tree_sitter.Node | None = None


def parse(text: bytes) -> tree_sitter.Node:
    """Parse C; the caller looks for errors in what it uses."""
    return _PARSER.parse(text).root_node


def text_of(node: tree_sitter.Node) -> str:
    """The source text of a node."""
    return (node.text or b"").decode("utf-8", "replace")


class Unit:
    """A preprocessed file with an index of its file scope.

    `extra` is C in the plain spelling that stands after the file's own text. Raises
    `PreprocessError` where brackets do not match.

    `functions`, `variables`, `prototypes` and `typedefs` go from names to where they are declared;
    for a variable the declaration with an initialiser wins, then one that is not extern.
    """

    def __init__(self, source: Source, extra: str = "") -> None:
        self.name = source.path
        self.source = source
        plain = make_plain(source.text)
        raw = plain.text.encode()
        self._casts = find_typedefs(raw) | BUILT_IN
        """Names that may be types: what stands in brackets before a sign is then a cast."""
        self.text = mark_casts(raw, self._casts) + b"\n" + extra.encode()
        self.types = plain.types
        self.root = parse(self.text)
        self.functions: dict[str, tree_sitter.Node] = {}
        self.variables: dict[str, Declared] = {}
        self.prototypes: dict[str, Declared] = {}
        self.typedefs: dict[str, Declared] = {}
        self.tags: dict[tuple[str, str], int] = {}
        self.enumerators: dict[str, int] = {}
        self.enum_values: dict[str, tuple[int, CType]] = {}
        self.structs: dict[tuple[str, str], Struct] = {}
        self.bodies: dict[int, Struct] = {}
        self.typedef_types: dict[str, CType] = {}
        self.errors: list[tuple[str, int]] = []
        self._typeofs: dict[int, tree_sitter.Node | None] = {}
        self._index()

    def place(self, node: tree_sitter.Node) -> tuple[str, int]:
        """Return (path, line) of a node in the file that it was written in."""
        return self.source.origin(node.start_point.row)

    def specifier_at(self, position: int) -> tree_sitter.Node:
        """Return the struct, union or enum specifier that begins at a byte."""
        node = self.root.descendant_for_byte_range(position, position + 1)
        assert node is not None
        assert node.parent is not None
        return node.parent

    def typeof_operand(self, number: int) -> tree_sitter.Node | None:
        """Return the operand of the n-th typeof as a sizeof, None where it does not parse."""
        if number not in self._typeofs:
            text = f"int x = sizeof({self.types[number]});".encode()
            root = parse(mark_casts(text, self._casts))
            node = root.descendant_for_byte_range(8, 9)
            while node is not None and node.type != "sizeof_expression":
                node = node.parent
            self._typeofs[number] = None if root.has_error else node
        return self._typeofs[number]

    def without_cast(self, node: tree_sitter.Node, found: NoCast) -> tree_sitter.Node:
        """Read a function again without a mark; lines stay as they are. Raises `Untranslatable`."""
        text = without_cast(node.text or b"", found.start - node.start_byte, found.name)
        if text is None:
            raise Untranslatable(f"the variable {found.name} has the name of a type")
        again = parse(b"\n" * node.start_point.row + text)
        return next(child for child in again.children if child.type == "function_definition")

    def _index(self) -> None:
        spans: list[tuple[int, int]] = []
        for node in _declarations(self.root):
            kind = node.type
            if kind == "function_definition":
                spans.append((node.start_byte, node.end_byte))
                name = _declared_name(node.child_by_field_name("declarator"))
                if name:
                    self.functions[name] = node
            elif kind == "declaration":
                self._declaration(node)
            elif kind == "type_definition":
                for declarator in node.children_by_field_name("declarator"):
                    name = _declared_name(declarator)
                    if name:
                        self.typedefs[name] = Declared(node, declarator)
            elif kind == "ERROR":
                self.errors.append(self.place(node))
        self._index_tags(spans)

    def _declaration(self, node: tree_sitter.Node) -> None:
        for declarator in node.children_by_field_name("declarator"):
            value = None
            inner = declarator
            if declarator.type == "init_declarator":
                value = declarator.child_by_field_name("value")
                inner = declarator.child_by_field_name("declarator") or declarator
            name = _declared_name(inner)
            if not name:
                continue
            declared = Declared(node, inner, value)
            if is_function(inner):
                self.prototypes[name] = declared
            elif name not in self.variables or value is not None or not is_extern(node):
                if name in self.variables and self.variables[name].value is not None:
                    continue
                self.variables[name] = declared

    def _index_tags(self, spans: list[tuple[int, int]]) -> None:
        starts = [start for start, _ in spans]
        text = self.text
        for match in _TAGGED.finditer(text):
            at = bisect.bisect_right(starts, match.start()) - 1
            if (
                at >= 0
                and match.start() < spans[at][1]
                and b"{" in text[starts[at] : match.start()]
            ):
                continue
            kind = match[1].decode()
            if match[2] and match[2] != b"__attribute__":
                self.tags[kind, match[2].decode()] = match.start()
            if kind == "enum":
                end = text.find(b"}", match.end())
                for one in _ENUMERATOR.finditer(text[match.end() : end]):
                    self.enumerators[one[1].decode()] = match.start()


def _declarations(root: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    for node in root.children:
        if node.type == "linkage_specification":
            body = node.child_by_field_name("body")
            yield from body.children if body is not None else ()
        else:
            yield node


def is_extern(node: tree_sitter.Node) -> bool:
    """Whether a declaration says extern."""
    return has_word(node, "extern")


def has_word(node: tree_sitter.Node, word: str) -> bool:
    """Whether a declaration has a storage class of this name."""
    return any(
        child.type == "storage_class_specifier" and text_of(child) == word
        for child in node.children
    )


def is_function(declarator: tree_sitter.Node | None) -> bool:
    """Whether a declarator declares a function (not a pointer to one)."""
    node = declarator
    while node is not None:
        if node.type in ("function_declarator", "abstract_function_declarator"):
            inner = node.child_by_field_name("declarator")
            while inner is not None and inner.type == "parenthesized_declarator":
                inner = inner.named_child(0)
            return inner is not None and inner.type == "identifier"
        node = _inner(node)
    return False


def _inner(node: tree_sitter.Node) -> tree_sitter.Node | None:
    found = node.child_by_field_name("declarator")
    if found is None and node.type in ("parenthesized_declarator", "attributed_declarator"):
        for child in node.named_children:
            if child.type not in ("attribute_specifier", "ms_call_modifier"):
                return child
    return found


def _declared_name(declarator: tree_sitter.Node | None) -> str:
    node = declarator
    while node is not None:
        if node.type in ("identifier", "type_identifier", "field_identifier", "primitive_type"):
            return text_of(node)
        node = _inner(node)
    return ""


declared_name = _declared_name
inner_declarator = _inner
