"""One preprocessed file, and where everything that it declares stands."""

from __future__ import annotations

import tree_sitter

from kernel_sim.cfront.bodies import Body, put_back
from kernel_sim.cfront.casts import BUILT_IN, NoCast, mark_casts, without_cast
from kernel_sim.cfront.ctype import CType, Struct, Untranslatable
from kernel_sim.cfront.errors import PreprocessError
from kernel_sim.cfront.pieces import Parsed, Pieces, Variable
from kernel_sim.cfront.plain import make_plain
from kernel_sim.cfront.preprocess import Source
from kernel_sim.cfront.syntax import (
    Declared,
    declared_name,
    has_word,
    inner_declarator,
    is_extern,
    is_function,
    parse,
    parse_part,
    text_of,
)

__all__ = [
    "Declared",
    "Unit",
    "declared_name",
    "has_word",
    "inner_declarator",
    "is_extern",
    "is_function",
    "parse",
    "text_of",
]

Spot = tuple[Parsed, int]
"""A byte position in a piece."""


class Unit:
    """A preprocessed file with an index of its file scope.

    `extra` is C in the plain spelling that stands after the file's own text. `pieces` may be shared
    by units. Raises `PreprocessError` where brackets do not match. Bodies of functions are parsed
    when `definition` asks for them.

    `functions`, `variables`, `prototypes` and `typedefs` go from names to where they are declared;
    for a variable the declaration with an initialiser wins, then one that is not extern. `statics`
    are the names of functions that are static.
    """

    def __init__(self, source: Source, extra: str = "", pieces: Pieces | None = None) -> None:
        self.name = source.path
        self._pieces = Pieces() if pieces is None else pieces
        self.types = self._pieces.types
        self.functions: dict[str, tree_sitter.Node] = {}
        self.statics: set[str] = set()
        self.variables: dict[str, Declared] = {}
        self.hidden: set[str] = set()
        """Names of `variables` that are static, or declared here only."""
        self.prototypes: dict[str, Declared] = {}
        self.typedefs: dict[str, Declared] = {}
        self.tags: dict[tuple[str, str], Spot] = {}
        self.enumerators: dict[str, Spot] = {}
        self.enum_values: dict[str, tuple[int, CType]] = {}
        self.structs: dict[tuple[str, str], Struct] = {}
        self.bodies: dict[int, Struct] = {}
        self.typedef_types: dict[str, CType] = {}
        self.errors: list[tuple[str, int]] = []
        self._typeofs: dict[int, tree_sitter.Node | None] = {}
        self._definitions: dict[int, tree_sitter.Node] = {}
        self._kept: list[tree_sitter.Node] = []
        """All that was parsed again: the ids of nodes stay different."""
        self._read(source, extra)

    def place(self, node: tree_sitter.Node) -> tuple[str, int]:
        """Return (path, line) of a node in the file that it was written in."""
        return self._pieces.place(node.start_point.row)

    def specifier_at(self, spot: Spot) -> tree_sitter.Node:
        """Return the struct, union or enum specifier that begins at a place."""
        parsed, position = spot
        node = parsed.root.descendant_for_byte_range(position, position + 1)
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

    # ------------------------------------------------------------------- functions

    def definition(self, node: tree_sitter.Node) -> tree_sitter.Node:
        """Return one of `functions` with its whole body. Raises `Untranslatable`."""
        found = self._definitions.get(node.id)
        if found is None:
            bodies = self._bodies_of(node)
            found = self._parse_whole(node, bodies) if bodies else node
            self._definitions[node.id] = found
        return found

    def written(self, node: tree_sitter.Node) -> str:
        """Return the text of one of `functions` as the preprocessor has written its body."""
        bodies = [(body, body.text) for body in self._bodies_of(node)]
        return put_back(text_of(node), node.start_point.row, bodies)

    def without_cast(self, node: tree_sitter.Node, found: NoCast) -> tree_sitter.Node:
        """Read a function again without a mark; lines stay as they are. Raises `Untranslatable`."""
        text = without_cast(node.text or b"", found.start - node.start_byte, found.name)
        if text is None:
            raise Untranslatable(f"the variable {found.name} has the name of a type")
        return self._parse_function(text, node.start_point.row)

    def _bodies_of(self, node: tree_sitter.Node) -> list[Body]:
        return self._pieces.bodies(node.start_point.row, node.end_point.row)

    def _parse_whole(self, node: tree_sitter.Node, bodies: list[Body]) -> tree_sitter.Node:
        try:
            found = [(body, make_plain(body.text, self.types).text) for body in bodies]
        except PreprocessError as error:
            raise Untranslatable(str(error)) from error
        marked = [(body, mark_casts(text.encode(), self._casts).decode()) for body, text in found]
        text = put_back(text_of(node), node.start_point.row, marked)
        return self._parse_function(text.encode(), node.start_point.row)

    def _parse_function(self, text: bytes, row: int) -> tree_sitter.Node:
        root = parse_part(text, row)
        self._kept.append(root)
        for child in root.children:
            if child.type == "function_definition":
                return child
        raise Untranslatable("the function does not parse")

    # -------------------------------------------------------------------- indexing

    def _read(self, source: Source, extra: str) -> None:
        pieces = self._pieces.read(source)
        if extra:
            path, line = source.origin(source.text.count("\n") + 1)
            pieces.append(self._pieces.add_plain(extra, path, line))
        self._casts = BUILT_IN.union(*(piece.typedefs for piece in pieces))
        """Names that may be types: what stands in brackets before a sign is then a cast."""
        for piece in pieces:
            self._add(piece.parse(self._casts))

    def _add(self, parsed: Parsed) -> None:
        index = parsed.index
        self.statics.difference_update(index.functions)
        self.functions.update(index.functions)
        self.statics |= index.statics
        self.prototypes.update(index.prototypes)
        self.typedefs.update(index.typedefs)
        self.tags.update((key, (parsed, at)) for key, at in index.tags.items())
        self.enumerators.update((name, (parsed, at)) for name, at in index.enumerators.items())
        self.errors += [self.place(node) for node in index.errors]
        for variable in index.variables:
            self._add_variable(variable)

    def _add_variable(self, variable: Variable) -> None:
        name, declared = variable.name, variable.declared
        known = self.variables.get(name)
        if known is not None and (
            known.value is not None or (declared.value is None and variable.is_extern)
        ):
            return
        self.variables[name] = declared
        hidden = variable.is_static or variable.is_extern
        (self.hidden.add if hidden else self.hidden.discard)(name)
