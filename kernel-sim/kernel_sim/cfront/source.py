"""Preprocessed C made ready for the parser: line markers kept aside, GNU forms put in plain words.

tree-sitter's grammar does not know all of GNU C. What it does not know is rewritten here, line for
line, into something that it knows:

- `typeof(...)` becomes a made-up type name; what stood in the brackets is kept in `Source.typeofs`;
- attributes vanish, but for `packed` and `aligned`, which change layouts;
- `__builtin_offsetof` becomes the address of a member at address 0;
- types among arguments (`__builtin_types_compatible_p`, `__builtin_va_arg`) become null pointers;
- `_Static_assert` vanishes, and so does `__extension__`;
- a range of cases becomes a call, `case __case_range(1, 3):`;
- `(name)` before something that can be an operand gets a `const` where `name` is a typedef, which
  makes it a cast for the parser, too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_WORDS = re.compile(
    rb'"(?:[^"\\\n]|\\.)*"'
    rb"|'(?:[^'\\\n]|\\.)*'"
    rb"|\b(?:__typeof_unqual__|typeof_unqual|__typeof__|__typeof|typeof|__attribute__|__attribute"
    rb"|__builtin_offsetof|__builtin_types_compatible_p|__builtin_va_arg|_Static_assert"
    rb"|__extension__|__signed__|__inline__|__inline|__volatile__|__const__|__restrict__|__restrict"
    rb"|__alignof__|__asm__|__asm|_Alignas|_Noreturn|__seg_gs)\b"
)
_PLAIN = {
    b"__extension__": b"",
    b"__signed__": b"signed",
    b"__inline__": b"inline",
    b"__inline": b"inline",
    b"__volatile__": b"volatile",
    b"__const__": b"const",
    b"__restrict__": b"",
    b"__restrict": b"",
    b"__alignof__": b"_Alignof",
    b"__asm__": b"asm",
    b"__asm": b"asm",
    b"_Noreturn": b"",
    b"__seg_gs": b"",
}
_MARKER = re.compile(rb'^#\s*(?:line\s+)?(\d+)\s+"((?:[^"\\]|\\.)*)"[^\n]*$')
_KEPT_ATTRIBUTE = re.compile(rb"\b_*(packed|aligned)_*\b")
TYPEOF = "__typeof_"


@dataclass(slots=True)
class Source:
    """Text for the parser, and for each of its lines, from 0, the file and line it is of."""

    text: bytes
    lines: list[tuple[str, int]]
    typeofs: list[bytes] = field(default_factory=list)


def read_source(preprocessed: bytes, path: str) -> Source:
    """Make a preprocessor's output ready for the parser; `path` is for lines before any marker."""
    lines: list[tuple[str, int]] = []
    out: list[bytes] = []
    at, number = path, 1
    for line in preprocessed.split(b"\n"):
        if line.startswith(b"#"):
            marker = _MARKER.match(line)
            if marker is not None:
                number = int(marker[1]) - 1
                at = marker[2].decode("utf-8", "replace")
            line = b""
        out.append(line)
        lines.append((at, number))
        number += 1
    source = Source(b"", lines)
    text = _rewrite(b"\n".join(out), source.typeofs)
    source.text = _mark_casts(_RANGE.sub(rb"case __case_range(\1,\2):", text), find_typedefs(text))
    return source


_RANGE = re.compile(rb"\bcase\b([^:;{}?]*?)\.\.\.([^:;{}?]*?):")
_TYPEDEF = re.compile(rb"\btypedef\b([^;{]*)([;{])")
_LAST_NAME = re.compile(rb"(\w+)\s*(?:\[[^\]]*\]\s*)*$")
_INNER_NAME = re.compile(rb"\(\s*\*?\s*(\w+)\s*\)\s*\(")
_CAST = re.compile(
    rb'"(?:[^"\\\n]|\\.)*"|'
    rb"(\w+\s*)?\(\s*([A-Za-z_]\w*)\s*\)(?=\s*[-+*&(])"
)
_BRACE = re.compile(rb"[{}]")


def find_typedefs(text: bytes) -> set[bytes]:
    """Return the names that typedefs outside of functions define. Pure."""
    names = set()
    for match in _TYPEDEF.finditer(text):
        body, end = match[1], match.end()
        if match[2] == b"{":
            end = _closing_brace(text, end)
            stop = text.find(b";", end)
            body = text[end:stop]
        inner = _INNER_NAME.search(body)
        last = inner or _LAST_NAME.search(body)
        if inner is None and body.rstrip().endswith(b")"):
            last = _LAST_NAME.search(body[: body.find(b"(")])
        if last is not None:
            names.add(last[1])
    return names


def _closing_brace(text: bytes, at: int) -> int:
    depth = 1
    for match in _BRACE.finditer(text, at):
        depth += 1 if match[0] == b"{" else -1
        if depth == 0:
            return match.end()
    return len(text)


def _mark_casts(text: bytes, typedefs: set[bytes]) -> bytes:
    def mark(match: re.Match[bytes]) -> bytes:
        before, name = match[1] or b"", match[2]
        if name is None:
            return match[0]
        is_call = before.strip() not in (b"", b"return", b"case")
        if (name not in typedefs and not name.startswith(TYPEOF.encode())) or is_call:
            return match[0]
        return before + b"(const " + name + b")"

    return _CAST.sub(mark, text)


def _rewrite(text: bytes, typeofs: list[bytes]) -> bytes:
    out: list[bytes] = []
    done = 0
    for match in _WORDS.finditer(text):
        if match.start() < done:
            continue
        word = match[0]
        if word[:1] in b"\"'":
            continue
        new, end = _replace(text, word, match.end(), typeofs)
        out += [text[done : match.start()], new]
        done = end
    out.append(text[done:])
    return b"".join(out)


def _replace(text: bytes, word: bytes, end: int, typeofs: list[bytes]) -> tuple[bytes, int]:
    plain = _PLAIN.get(word)
    if plain is not None:
        return plain, end
    start, stop = _brackets(text, end)
    if stop == start:
        return word, end
    inside = text[start + 1 : stop - 1]
    newlines = b"\n" * text.count(b"\n", end, stop)
    if word.startswith((b"__typeof", b"typeof")):
        typeofs.append(_rewrite(inside, typeofs))
        return f"{TYPEOF}{len(typeofs) - 1} ".encode() + newlines, stop
    if word.startswith(b"__attribute"):
        return _attributes(inside) + newlines, stop
    if word == b"_Alignas":
        return b"__attribute__((aligned(" + inside + b")))" + newlines, stop
    if word == b"_Static_assert":
        return newlines, stop
    return _builtin(word, split_arguments(_rewrite(inside, typeofs))) + newlines, stop


def _attributes(inside: bytes) -> bytes:
    """Keep what changes a layout, of `(a, b(c))`."""
    kept = []
    for one in split_arguments(inside.strip()[1:-1]):
        match = _KEPT_ATTRIBUTE.match(one.strip())
        if match is not None:
            kept.append(match[1] + one.strip()[match.end() :])
    return b" __attribute__((" + b", ".join(kept) + b"))" if kept else b" "


def _builtin(word: bytes, arguments: list[bytes]) -> bytes:
    if len(arguments) != 2:
        return word + b"(" + b",".join(arguments) + b")"
    one, two = (argument.replace(b"\n", b" ").strip() for argument in arguments)
    if word == b"__builtin_offsetof":
        return b"((unsigned long)&((" + one + b" *)0)->" + two + b")"
    if word == b"__builtin_va_arg":
        return b"__builtin_va_arg(" + one + b", (" + two + b" *)0)"
    return b"__builtin_types_compatible_p((" + one + b" *)0, (" + two + b" *)0)"


def split_arguments(text: bytes) -> list[bytes]:
    """Split at the commas that are in no brackets and no string."""
    parts, depth, start = [], 0, 0
    for match in re.finditer(rb'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|[(){}\[\],]', text):
        token = match[0]
        if token in b"([{":
            depth += 1
        elif token in b")]}":
            depth -= 1
        elif token == b"," and depth == 0:
            parts.append(text[start : match.start()])
            start = match.end()
    parts.append(text[start:])
    return parts


_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|[()]')


def _brackets(text: bytes, at: int) -> tuple[int, int]:
    """Return (position of the opening bracket, position after its end), or the same twice."""
    start = at
    while start < len(text) and text[start : start + 1].isspace():
        start += 1
    if text[start : start + 1] != b"(":
        return at, at
    depth = 0
    for match in _BRACKET.finditer(text, start):
        if match[0] == b"(":
            depth += 1
        elif match[0] == b")":
            depth -= 1
            if depth == 0:
                return start, match.end()
    return at, at
