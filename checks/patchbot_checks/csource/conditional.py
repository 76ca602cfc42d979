"""`#if` groups: their arms, and the text that one configuration keeps.

Two configurations are looked at: one in which every symbol that is asked for is defined, and one
in which none is. Together they see both arms of every plain group.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_LINE = re.compile(rb"^[ \t]*#[ \t]*(ifdef|ifndef|if|elif|else|endif)\b((?:\\\r?\n|[^\n])*)", re.M)
_DEFINED = re.compile(
    r"\bdefined\s*(?:\(\s*\w+\s*\)|\w+)|\bIS_(?:ENABLED|BUILTIN|MODULE|REACHABLE)\s*\(\s*\w+\s*\)"
)
_ALLOWED = re.compile(r"[\s()0-9A-Za-z!<>=&|+\-*/]*\Z")


@dataclass(slots=True)
class _Arm:
    start: int
    end: int
    wanted: tuple[bool, bool]


@dataclass(slots=True)
class Groups:
    """The arms of all groups; each with whether the two configurations want it."""

    arms: list[_Arm] = field(default_factory=list)
    broken: bool = False

    def select(self, code: bytes, *, defined: bool) -> bytes:
        """Blank every arm that a configuration does not want."""
        index = 0 if defined else 1
        unwanted = [arm for arm in self.arms if not arm.wanted[index]]
        if not unwanted:
            return code
        out = bytearray(code)
        done = 0
        for arm in sorted(unwanted, key=lambda arm: (arm.start, -arm.end)):
            start = max(arm.start, done)
            if arm.end > start:
                part = code[start : arm.end]
                out[start : arm.end] = b"\n".join(b" " * len(p) for p in part.split(b"\n"))
                done = arm.end
        return bytes(out)

    def is_inside(self, offset: int) -> bool:
        """Whether an offset lies in an arm that not every configuration has."""
        return any(a.start <= offset < a.end and a.wanted != (True, True) for a in self.arms)

    @property
    def differ(self) -> bool:
        """Whether the two configurations have different texts."""
        return any(arm.wanted[0] != arm.wanted[1] for arm in self.arms)


@dataclass(slots=True)
class _Open:
    start: int
    wanted: tuple[bool, bool]
    taken: list[bool]


def find_groups(code: bytes) -> Groups:
    """Find the arms of all `#if` groups in code without comments."""
    groups = Groups()
    stack: list[_Open] = []
    guard = _find_guard(code)
    for match in _LINE.finditer(code):
        word, rest = match.group(1).decode(), match.group(2).decode("utf-8", "replace")
        if word in ("if", "ifdef", "ifndef"):
            now = _ask(word, rest)
            if match.start() == guard:
                now = (True, True)
            stack.append(_Open(match.end(), now, [now[0], now[1]]))
            continue
        if not stack:
            groups.broken = True
            continue
        top = stack[-1]
        groups.arms.append(_Arm(top.start, match.start(), top.wanted))
        if word == "endif":
            stack.pop()
            continue
        asked = _ask("if", rest) if word == "elif" else (True, True)
        top.wanted = (asked[0] and not top.taken[0], asked[1] and not top.taken[1])
        top.taken = [top.taken[0] or asked[0], top.taken[1] or asked[1]]
        top.start = match.end()
    groups.broken = groups.broken or bool(stack)
    return groups


def _find_guard(code: bytes) -> int:
    """Return the offset of an include guard's #ifndef, -1 where there is none."""
    first = _LINE.search(code)
    if first is None or first.group(1) != b"ifndef" or code[: first.start()].strip():
        return -1
    name = first.group(2).strip()
    after = code[first.end() : first.end() + 400].lstrip()
    return first.start() if re.match(rb"#[ \t]*define[ \t]+" + re.escape(name), after) else -1


def _ask(word: str, rest: str) -> tuple[bool, bool]:
    if word == "ifdef":
        return (True, False)
    if word == "ifndef":
        return (False, True)
    return (_evaluate(rest, defined=True), _evaluate(rest, defined=False))


def _evaluate(text: str, *, defined: bool) -> bool:
    """Evaluate an #if condition; a symbol of unknown value is 1 where defined, else 0."""
    text = _DEFINED.sub("1" if defined else "0", text.replace("\\\n", " "))
    text = re.sub(r"\b(0[xX][0-9a-fA-F]+|\d+)[uUlL]+\b", r"\1", text)
    text = re.sub(r"\b[A-Za-z_]\w*\s*\([^()]*\)", "1" if defined else "0", text)
    text = re.sub(r"\b[A-Za-z_]\w*\b", "1" if defined else "0", text)
    if len(text) > 500 or not _ALLOWED.match(text):
        return defined
    return _Expression(text).value(defined)


class _Expression:
    """A small evaluator of preprocessor conditions: || && ! == != < > <= >= + - and ()."""

    def __init__(self, text: str) -> None:
        self._words = re.findall(
            r"0[xX][0-9a-fA-F]+|\d+|\|\||&&|[=!<>]=|<<|>>|[!<>()+\-*/&|]", text
        )
        self._at = 0

    def value(self, otherwise: bool) -> bool:
        """Return its truth, `otherwise` where it can't be read."""
        try:
            result = self._or()
        except (IndexError, ValueError, ZeroDivisionError, OverflowError, RecursionError):
            return otherwise
        return bool(result) if self._at == len(self._words) else otherwise

    def _peek(self) -> str:
        return self._words[self._at] if self._at < len(self._words) else ""

    def _or(self) -> int:
        left = self._and()
        while self._peek() == "||":
            self._at += 1
            right = self._and()
            left = int(bool(left) or bool(right))
        return left

    def _and(self) -> int:
        left = self._compare()
        while self._peek() == "&&":
            self._at += 1
            right = self._compare()
            left = int(bool(left) and bool(right))
        return left

    def _compare(self) -> int:
        left = self._sum()
        while self._peek() in ("==", "!=", "<", ">", "<=", ">="):
            operator = self._words[self._at]
            self._at += 1
            right = self._sum()
            left = int(
                {
                    "==": left == right, "!=": left != right, "<": left < right,
                    ">": left > right, "<=": left <= right, ">=": left >= right,
                }[operator]
            )  # fmt: skip
        return left

    def _sum(self) -> int:
        left = self._unary()
        while self._peek() in ("+", "-"):
            sign = 1 if self._words[self._at] == "+" else -1
            self._at += 1
            left += sign * self._unary()
        return left

    def _unary(self) -> int:
        word = self._words[self._at]
        self._at += 1
        if word == "!":
            return int(not self._unary())
        if word == "-":
            return -self._unary()
        if word == "(":
            value = self._or()
            if self._words[self._at] != ")":
                raise ValueError(word)
            self._at += 1
            return value
        return int(word, 0) if word.startswith(("0x", "0X")) else int(word)
