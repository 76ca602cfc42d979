"""Spellings of GNU C declarations that tree-sitter's C grammar does not know, in ones it does."""

from __future__ import annotations

import re

_UNNAMED = re.compile(
    r"(?<=[;{])(\s*(?:(?:const|volatile|signed|unsigned|int|long|short|char|_Bool|bool"
    r"|(?:__)?[us]\d+|__[bl]e\d+|u?int\d+_t)\s*)+):(\s*\d+\s*;)"
)
_EMPTY_MEMBER = re.compile(r";(\s*);(?=\s*\})")
_NEIGHBOURS = re.compile(
    r"(__attribute__\(\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)\)(\s*)__attribute__\(\("
)
_ATTRIBUTE = re.compile(r"__attribute__\(\(")
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\\n]|\\.)*"|[()]')
_ENUM = re.compile(r"enum(?<!\wenum)\s+(__attribute__\(\([^;{}]*?\)\))\s*(\w*\s*\{[^{}]*\})")
_TYPEDEF = re.compile(
    r"(typedef(?<!\wtypedef)\b[^;{}()]*?)(__attribute__\(\((?:[^;{}()]|\([^;{}()]*\))*\)\))([\s*]*\w+)(?=\s*;)"
)
_BOUNDARY = re.compile(r"[;{}()]")
MAX_DECLARATION = 2000
"""Characters from a declaration's start to its attribute; a longer one stays as it is."""


def tidy(text: str) -> str:
    """Name unnamed bit-fields, drop empty members, and bring attributes before declarators.

    `int :3;` becomes `int __unnamed:3;` (several in a structure have one name; a width of 0 keeps
    its meaning). `T x __attribute__((a)) = 1;` becomes `__attribute__((a)) T x  = 1;`, and there
    `cleanup(f)` becomes `cleanup(f, x)`.
    """
    named = _UNNAMED.sub(r"\1 __unnamed:\2", text)
    merged = _NEIGHBOURS.sub(r"\1,\2 ", _EMPTY_MEMBER.sub(r";\1", named))
    return _move_attributes(_TYPEDEF.sub(r"\1\3 \2", _ENUM.sub(r"enum \2 \1", merged)))


def _move_attributes(text: str) -> str:
    parts: list[str] = []
    done = 0
    for found in _ATTRIBUTE.finditer(text):
        end = _closing(text, found.end() - 2)
        start = _start_of_declaration(text, found.start(), done)
        if start is None or not re.compile(r"\s*[=;]").match(text, end):
            continue
        attribute = _name_cleanup(text[found.start() : end], text[start : found.start()])
        parts += [text[done:start], " ", attribute, " "]
        parts += [text[start : found.start()]]
        done = end
    return "".join(parts) + text[done:]


def _name_cleanup(attribute: str, declared: str) -> str:
    """Say in `cleanup(f)` which of the declarators that follow it is for."""
    name = re.search(r"(\w+)(?:\s*\[[^\]]*\])*\s*$", declared)
    if name is None:
        return attribute
    return re.sub(r"\b(_*cleanup_*)\(\s*(\w+)\s*\)", rf"\1(\2, {name[1]})", attribute)


def _start_of_declaration(text: str, at: int, least: int) -> int | None:
    """Where the declaration starts that has an attribute behind a declarator; None for a type's."""
    before = text[max(least, at - MAX_DECLARATION) : at]
    if not re.search(r"[\w\])]\s*$", before) or re.search(r"\btypedef\b[^;{}]*$", before):
        return None
    depth = 0
    for found in reversed(list(_BOUNDARY.finditer(before))):
        depth += {")": 1, "(": -1}.get(found[0], 0)
        if depth < 0 or (depth == 0 and found[0] in ";{}"):
            return at - len(before) + found.end()
    return None


def _closing(text: str, opened: int) -> int:
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(text, opened):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if depth == 0:
            return found.end()
    return len(text)
