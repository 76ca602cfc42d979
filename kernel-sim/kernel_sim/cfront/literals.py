"""Numbers, characters and strings as C spells them."""

from __future__ import annotations

import re
from typing import Final

from tree_sitter import Node

from kernel_sim.cfront.build import Operand
from kernel_sim.cfront.ctype import INT, Array, CType, Int, Untranslatable
from kernel_sim.cfront.unit import text_of
from kernel_sim.ir import U32, U64, Type

_NUMBER = re.compile(r"(0[xX][0-9a-fA-F]+|0[bB][01]+|\d+)([uUlL]*)$")
_MOST_DIGITS: Final = 100
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]+|[0-7]{1,3}|.)", re.DOTALL)
_ESCAPES: Final = {"n": 10, "t": 9, "r": 13, "0": 0, "a": 7, "b": 8, "f": 12, "v": 11, "e": 27}


def number(text: str) -> Operand:
    """Return the value of a number without its sign. Raises `Untranslatable`."""
    match = _NUMBER.match(text)
    if match is None or len(text) > _MOST_DIGITS:
        raise Untranslatable(f"the number {text[:60]}")
    digits, suffix = match[1], match[2].lower()
    if digits[:2].lower() == "0b":
        value = int(digits[2:], 2)
    elif digits.startswith("0") and len(digits) > 1 and digits[1] not in "xX":
        value = int(digits, 8)
    else:
        value = int(digits, 0)
    return Operand(_literal_type(value, suffix, digits[0] == "0"), const=value)


def _literal_type(value: int, suffix: str, other_base: bool) -> CType:
    unsigned, longs = "u" in suffix, suffix.count("l")
    rank = max(longs - 1, 0)
    if not longs:
        if not unsigned and value < 1 << 31:
            return INT
        if value < 1 << 32 and (unsigned or other_base):
            return Int(U32)
    if not unsigned and value < 1 << 63:
        return Int(Type(64, True), rank=rank)
    return Int(U64, rank=rank)


def unescape(text: str) -> bytes:
    """Return the bytes of the inside of a string or character literal."""
    out = bytearray()
    done = 0
    for match in _ESCAPE.finditer(text):
        out += text[done : match.start()].encode()
        code = match[1]
        if code[0] == "x":
            out.append(int(code[1:], 16) & 255)
        elif code[0] in "01234567":
            out.append(int(code, 8) & 255)
        elif code != "\n":
            out.append(_ESCAPES.get(code, ord(code) & 255))
        done = match.end()
    return bytes(out + text[done:].encode())


def string_bytes(node: Node) -> bytes:
    """Return the bytes of a string literal, or of several in a row, without the final zero."""
    if node.type == "concatenated_string":
        parts = [string_bytes(child) for child in node.named_children if "string" in child.type]
        return b"".join(parts)
    text = text_of(node)
    return unescape(text[text.index('"') + 1 : text.rindex('"')])


def string_for(ctype: Array, node: Node) -> bytes:
    """Return the bytes of a string that initialises an array, cut or filled to its size."""
    if not isinstance(ctype.of, Int) or ctype.of.type.bits != 8:
        raise Untranslatable(f"a string for {ctype}")
    data = string_bytes(node) + b"\0"
    count = len(data) if ctype.count is None else ctype.count
    return data[:count].ljust(count, b"\0")
