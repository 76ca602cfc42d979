"""Which functions a commit can have changed the findings of: itself, or by what they use."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from patchbot_checks import NotUnderstood
from patchbot_checks.csource.unit import Function, Unit
from patchbot_checks.program import parse_unit

from patchbot.static.changes import C_SUFFIXES, FileChange
from patchbot.static.sources import CommitSources

_WORD = re.compile(r"[A-Za-z_]\w*")
_DEFINE = re.compile(r"#\s*define\s+(\w+)")
_INCLUDE = re.compile(r"#\s*include\b")
_NOT_NAMED = ("function_definition", "parameter_list")
_MANY = 30
_COMMON = 0.1


def find_affected(
    before: CommitSources,
    after: CommitSources,
    changes: Mapping[str, FileChange],
    paths: Iterable[str],
) -> frozenset[str]:
    """Return the names of functions whose text changed, or that use anything that did.

    A word that changed outside all functions counts for every function that has it, unless so many
    have it (`inode`, `err`) that it says nothing.
    """
    units = {path: unit for path in paths if (unit := read_unit(after, path)) is not None}
    functions = [f for unit in units.values() for f in unit.functions]
    names: set[str] = set()
    loose: set[str] = set()
    for path, change in changes.items():
        if path.endswith(C_SUFFIXES):
            old = read_unit(before, change.before) if change.before else None
            names |= _changed_functions(old, units.get(path) or read_unit(after, path))
            loose |= _words_outside(old, units.get(path) or read_unit(after, path), change)
    names |= loose - _common(functions)
    return frozenset(_close(names, functions))


def read_unit(sources: CommitSources, path: str) -> Unit | None:
    """Return a parsed file of a commit, None where there is none."""
    data = sources.read(path)
    return parse_unit(path, data) if data is not None else None


def find_spans(
    sources: CommitSources, lost: Sequence[NotUnderstood]
) -> dict[tuple[str, str], list[tuple[int, int]]]:
    """Return the first and last lines of each thing that was lost; a last line of 0 is the end."""
    return {
        (each.file, each.function): _spans(read_unit(sources, each.file), each) for each in lost
    }


def _spans(unit: Unit | None, lost: NotUnderstood) -> list[tuple[int, int]]:
    if unit is None or not lost.function:
        return [(1, 0)]
    whole = [
        (unit.line_of(f.start), unit.line_of(f.end))
        for f in unit.functions
        if f.name == lost.function
    ]
    if whole:
        return whole
    starts = [unit.line_of(f.start) for f in unit.functions] + [b.line for b in unit.broken]
    following = [line for line in starts if line > lost.line]
    return [(lost.line, min(following) - 1 if following else 0)]


def _changed_functions(before: Unit | None, after: Unit | None) -> set[str]:
    old, new = (_texts(unit) for unit in (before, after))
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}


def _texts(unit: Unit | None) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for function in unit.functions if unit is not None else ():
        found.setdefault(function.name, []).append(function.source)
    return found


def _words_outside(before: Unit | None, after: Unit | None, change: FileChange) -> set[str]:
    """Return what is named on changed lines that are in no function."""
    words: set[str] = set()
    for side, unit in ((0, before), (2, after)):
        if unit is None:
            continue
        inside = [(f.line, unit.line_of(f.end)) for f in unit.functions]
        lines = {
            line
            for hunk in change.hunks
            for line in range(hunk[side], hunk[side] + hunk[side + 1])
            if not any(first <= line <= last for first, last in inside)
        }
        if lines:
            words |= _named_by_code(unit, lines) | _named_by_directives(unit, lines)
    return words


def _named_by_code(unit: Unit, lines: set[int]) -> set[str]:
    """Return the identifiers on lines of declarations: not types, not a prototype's parameters."""
    found: set[str] = set()
    for root, reader in unit.syntax_roots():
        pending = [root]
        while pending:
            node = pending.pop()
            first, last = node.start_point[0] + 1, node.end_point[0] + 1
            if node.type in _NOT_NAMED or lines.isdisjoint(range(first, last + 1)):
                continue
            if node.type in ("identifier", "field_identifier"):
                found.add(reader.text(node))
            pending += node.children
    return found


def _named_by_directives(unit: Unit, lines: set[int]) -> set[str]:
    """Return the macros that are defined on lines, and the words of conditions on them."""
    found: set[str] = set()
    for line in lines:
        first = line
        while first > 1 and unit.source_line(first - 1).endswith("\\"):
            first -= 1
        text = unit.source_line(first)
        if (define := _DEFINE.match(text)) is not None:
            found.add(define[1])
        elif text.startswith("#") and not _INCLUDE.match(text):
            found.update(_WORD.findall(text))
    return found


def _common(functions: list[Function]) -> set[str]:
    """Return the words that so many functions have that they tell nothing."""
    if len(functions) < _MANY:
        return set()
    counts = Counter(word for function in functions for word in function.words)
    return {word for word, count in counts.items() if count > _COMMON * len(functions)}


def _close(names: set[str], functions: list[Function]) -> set[str]:
    """Add every function that mentions one of the names, and so on."""
    new = set(names)
    while new:
        users = {f.name for f in functions if f.name not in names and not f.words.isdisjoint(new)}
        names |= users
        new = users
    return names


def find_changed_names(
    before: CommitSources, after: CommitSources, changes: Mapping[str, FileChange]
) -> frozenset[str]:
    """Return the names of functions whose text changed, came or went, and of macros likewise."""
    names: set[str] = set()
    for path, change in changes.items():
        if not path.endswith(C_SUFFIXES):
            continue
        sides = (
            read_unit(before, change.before) if change.before else None,
            read_unit(after, path),
        )
        names |= _changed_functions(*sides)
        for side, unit in zip((0, 2), sides, strict=True):
            lines = {
                n for hunk in change.hunks for n in range(hunk[side], hunk[side] + hunk[side + 1])
            }
            names |= _macros_on(unit, lines) if unit is not None else set()
    return frozenset(names)


def _macros_on(unit: Unit, lines: set[int]) -> set[str]:
    """Return the macros whose definitions have one of the lines."""
    found: set[str] = set()
    for line in lines:
        first = line
        while first > 1 and unit.source_line(first - 1).endswith("\\"):
            first -= 1
        if (define := _DEFINE.match(unit.source_line(first))) is not None:
            found.add(define[1])
    return found
