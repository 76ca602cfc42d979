"""The tree that rules look at: files parsed once, functions found where they are defined."""

from __future__ import annotations

import functools
import hashlib
import posixpath
import re
from collections import OrderedDict
from collections.abc import Iterator

from patchbot_checks.csource.expr import Expr
from patchbot_checks.csource.unit import Function, Unit
from patchbot_checks.sources import Sources

_CACHE_UNITS = 400
_MAX_SIBLINGS = 400
_HEAD = re.compile(rb"^(?:[A-Za-z_][^;={}()\n]*?\b)?(\w+)\s*\(", re.M)
_SET_FIELD = re.compile(rb"(?:->|\.)\s*(\w+)\s*=[^=]")
_parsed: OrderedDict[tuple[str, bytes], Unit] = OrderedDict()


def parse_unit(path: str, data: bytes) -> Unit:
    """Return the unit of a file's text; equal texts are parsed once."""
    key = (path, hashlib.blake2b(data, digest_size=16).digest())
    if key in _parsed:
        _parsed.move_to_end(key)
        return _parsed[key]
    unit = Unit(path, data)
    _parsed[key] = unit
    while len(_parsed) > _CACHE_UNITS:
        _parsed.popitem(last=False)
    return unit


@functools.lru_cache(maxsize=2_000)
def _heads_in(data: bytes) -> frozenset[str]:
    return frozenset(m.decode() for m in _HEAD.findall(data))


class Program:
    """A tree of files, read and parsed when they are asked for."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self._units: dict[str, Unit | None] = {}
        self._texts: dict[str, bytes] = {}
        self._folders: dict[str, tuple[str, ...]] = {}
        self._found: dict[tuple[str, str], Function | None] = {}
        self._names: dict[str, frozenset[str]] = {}
        self._listed: dict[str, frozenset[str]] = {}

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, None where there is none."""
        if path not in self._texts:
            data = self.sources.read(path)
            if data is None:
                return None
            self._texts[path] = data
        return self._texts[path]

    def list_folder(self, folder: str) -> frozenset[str]:
        """Return the paths of the files right in a folder."""
        if folder not in self._listed:
            self._listed[folder] = frozenset(self.sources.list_files(folder))
        return self._listed[folder]

    def exists(self, path: str) -> bool:
        """Whether there is such a file; answered from its folder's listing."""
        return path in self.list_folder(posixpath.dirname(path))

    def unit(self, path: str) -> Unit | None:
        """Return a parsed file, None where there is none."""
        if path not in self._units:
            data = self.read(path)
            self._units[path] = parse_unit(path, data) if data is not None else None
        return self._units[path]

    def siblings(self, path: str) -> tuple[str, ...]:
        """Return the C files and headers in a file's folder, itself first."""
        folder = posixpath.dirname(path)
        if folder not in self._folders:
            names = [p for p in sorted(self.list_folder(folder)) if p.endswith((".c", ".h"))]
            self._folders[folder] = tuple(names[:_MAX_SIBLINGS])
        return (path, *(each for each in self._folders[folder] if each != path))

    def find_function(self, name: str, near: str) -> Function | None:
        """Return the definition of a function: in this file, else in this file's folder."""
        if not name:
            return None
        key = (name, near)
        if key not in self._found:
            self._found[key] = next(self._definitions(name, near), None)
        return self._found[key]

    def _heads(self, path: str) -> frozenset[str]:
        """Return the names that may be defined as functions in a file."""
        if path not in self._names:
            self._names[path] = _heads_in(self.read(path) or b"")
        return self._names[path]

    def _definitions(self, name: str, near: str) -> Iterator[Function]:
        for path in self.siblings(near):
            if name not in self._heads(path):
                continue
            unit = self.unit(path)
            function = unit.find(name) if unit is not None else None
            if function is not None and (path == near or not function.static or path[-2:] == ".h"):
                yield function

    def _set_fields(self, path: str) -> frozenset[str]:
        """Return the names of all fields that a file sets somewhere."""
        return _find_set_fields(self.read(path) or b"")

    def installed(self, path: str, fields: frozenset[str]) -> dict[str, set[str]]:
        """Return which functions stand in callback fields: by field, the functions' names.

        Looks at initialisers and assignments in the file and its folder.
        """
        found: dict[str, set[str]] = {}
        for each in self.siblings(path):
            if fields.isdisjoint(self._set_fields(each)):
                continue
            unit = self.unit(each)
            for field, name in _installed(unit) if unit is not None else ():
                if field in fields:
                    found.setdefault(field, set()).add(name)
        return found


@functools.lru_cache(maxsize=2000)
def _find_set_fields(data: bytes) -> frozenset[str]:
    return frozenset(word.decode() for word in _SET_FIELD.findall(data))


def _installed(unit: Unit) -> tuple[tuple[str, str], ...]:
    """Return every (field, function name) that a file puts into a struct."""
    known: tuple[tuple[str, str], ...] | None = unit.__dict__.get("_installed")
    if known is None:
        found = []
        for each in unit.initialisers:
            for field, value in each.fields.items():
                name = _function_name(value)
                if name:
                    found.append((field, name))
        pattern = rb"(?:->|\.)\s*(\w+)\s*=\s*&?([A-Za-z_]\w*)\s*;"
        for match in re.finditer(pattern, unit.data):
            found.append((match.group(1).decode(), match.group(2).decode()))
        known = tuple(found)
        unit.__dict__["_installed"] = known
    return known


def _function_name(value: Expr) -> str:
    value = value.bare
    if value.kind == "unary" and value.op == "&":
        value = value.args[0]
    return value.text if value.kind == "name" else ""
