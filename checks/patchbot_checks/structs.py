"""The types of a struct's fields, from its definition in the tree."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from patchbot_checks.csource.expr import Expr, Reader
from patchbot_checks.csource.graph import declared_name
from patchbot_checks.csource.unit import Function, Unit
from patchbot_checks.program import Program

if TYPE_CHECKING:
    from tree_sitter import Node as Syntax

_STRUCT = re.compile(r"(?:const |volatile )*(?:struct|union) (\w+)")
_MAX_HEADERS = 200
_ROOTS = ("include/linux", "include/uapi/linux")


def struct_name(ctype: str) -> str:
    """Return the name of the struct that a type, or a pointer to it, is about; "" for none."""
    match = _STRUCT.match(ctype)
    return match.group(1) if match else ""


def type_of(program: Program, unit: Unit, function: Function, expr: Expr) -> str:
    """Return the type of a variable, a field at any depth, or a call; "" where it is not known."""
    expr = expr.bare
    if expr.kind == "name":
        return function.locals.get(expr.text, "")
    if expr.kind == "call" and expr.op:
        callee = program.find_function(expr.op, unit.path)
        return callee.returns if callee is not None else ""
    if expr.kind != "field":
        return ""
    base = type_of(program, unit, function, expr.args[0])
    name = struct_name(base) or _named_by(program, unit, base)
    return field_types(program, unit, name).get(expr.op, "") if name else ""


def _named_by(program: Program, unit: Unit, ctype: str) -> str:
    """Return the struct that a name such as journal_t stands for, "" where that is not found."""
    match = re.match(r"(?:const )?(\w+)_t\b", ctype)
    if match is None:
        return ""
    typedef = re.compile(rb"^typedef struct (\w+)\s+\*?%s_t;" % match[1].encode(), re.M)
    for path in _places(program, unit, match[1]):
        found = typedef.search(program.read(path) or b"")
        if found is not None:
            return found[1].decode()
    return ""


def field_types(program: Program, unit: Unit, name: str) -> dict[str, str]:
    """Return the fields of a struct with their types, bit-fields as "unsigned int:3".

    Looks in the file, its folder's headers, what it includes, and headers of a like name.
    """
    cache: dict[tuple[str, str], dict[str, str]] = program.__dict__.setdefault("_structs", {})
    key = (unit.path, name)
    if key not in cache:
        cache[key] = {}
        for path in _places(program, unit, name):
            data = program.read(path)
            if data is None or not re.search(rb"\bstruct\s+%s\s*\{" % name.encode(), data):
                continue
            found = program.unit(path)
            fields = dict(_fields(found, name)) if found is not None else {}
            if fields:
                cache[key] = fields
                break
    return cache[key]


def _places(program: Program, unit: Unit, name: str) -> Iterator[str]:
    seen: set[str] = set()
    for path in _candidates(program, unit, name):
        if path not in seen and len(seen) < _MAX_HEADERS:
            seen.add(path)
            yield path


def _candidates(program: Program, unit: Unit, name: str) -> Iterator[str]:
    yield unit.path
    folder = posixpath.dirname(unit.path)
    yield from (p for p in program.siblings(unit.path) if p.endswith(".h"))
    words = [word for word in name.split("_") if len(word) > 2]
    for root in _ROOTS:
        for path in sorted(program.list_folder(root)):
            stem = posixpath.basename(path).removesuffix(".h")
            if stem in words or stem == name or name.startswith(f"{stem.replace('-', '_')}_"):
                yield path
    for include in unit.includes:
        if not include.system:
            yield posixpath.normpath(posixpath.join(folder, include.path))
        for root in ("include", "include/uapi"):
            yield f"{root}/{include.path}"


def _fields(unit: Unit, name: str) -> Iterator[tuple[str, str]]:
    for root, reader in unit.syntax_roots():
        todo = list(root.children)
        while todo:
            node = todo.pop()
            if node.type in ("struct_specifier", "union_specifier"):
                named = node.child_by_field_name("name")
                body = node.child_by_field_name("body")
                if named is not None and body is not None and reader.text(named) == name:
                    yield from _of_body(body, reader)
                    return
            if node.type in ("declaration", "type_definition", "preproc_if", "ERROR"):
                todo += node.children


def _of_body(body: Syntax, reader: Reader) -> Iterator[tuple[str, str]]:
    for node in body.named_children:
        if node.type != "field_declaration":
            continue
        kind = node.child_by_field_name("type")
        inner = kind.child_by_field_name("body") if kind is not None else None
        declarators = node.children_by_field_name("declarator")
        if inner is not None and not declarators:
            yield from _of_body(inner, reader)  # an anonymous struct or union
        ctype = reader.text(kind) if kind is not None else ""
        bits = next((c for c in node.children if c.type == "bitfield_clause"), None)
        width = reader.text(bits).replace(" ", "") if bits is not None else ""
        for declarator in declarators:
            field, suffix = declared_name(declarator, reader)
            if field:
                yield field, f"{ctype} {suffix}".strip() + width
