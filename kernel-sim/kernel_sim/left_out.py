"""Which lines of a file the simulator's configuration leaves out, by the file's text alone.

Conditions on CONFIG_ macros and on what the compiler defines are decided; what another condition
comes to depends on other files, and its lines count as "unsure".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from kernel_sim.cfront.command import PREDEFINED
from kernel_sim.cfront.generated import read_config
from kernel_sim.cfront.headers import CONFIG
from kernel_sim.kit import Kit

_DIRECTIVE = re.compile(r"\s*#\s*(if|ifdef|ifndef|elif|else|endif|define)\b(.*)", re.S)
_COMMENT = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?(?:\*/|\Z)', re.S)
_TOKEN = re.compile(r"\s*(?:(\w+)|(&&|\|\||[!()]))")
_ENABLED: Final = ("IS_ENABLED", "IS_BUILTIN", "IS_REACHABLE", "IS_MODULE")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Lines that are not compiled, from `first` to `last` (from 1), or may not be: not `sure`."""

    first: int
    last: int
    sure: bool


@dataclass(slots=True)
class _Level:
    """An #if: whether its current part is compiled, one before it was, and what is around it."""

    now: bool | None
    before: bool | None
    around: bool | None


def config_of(kit: Kit) -> dict[str, str]:
    """Return the macros that a kit's trees are compiled with, as far as files may ask for them."""
    own = read_config(CONFIG.read_text()) if kit.headers == "kernel" else {}
    return {**own, **kit.macros}


def find_left_out(text: str, config: Mapping[str, str]) -> list[LeftOut]:
    """Return the lines of a C file that a configuration leaves out, or may, in order. Pure.

    Directives and lines without code are in none of them.
    """
    lines = _COMMENT.sub(_blank, text).split("\n")
    return _Reader(lines, config).read()


def _blank(found: re.Match[str]) -> str:
    """A comment's line breaks; strings stay."""
    return found[0] if found[0][0] == '"' else " " + "\n" * found[0].count("\n")


@dataclass(slots=True)
class _Reader:
    lines: list[str]
    config: Mapping[str, str]
    levels: list[_Level] = field(default_factory=list)
    found: list[LeftOut] = field(default_factory=list)

    def read(self) -> list[LeftOut]:
        at = 0
        guard = _guard(self.lines)
        while at < len(self.lines):
            end = at
            while self.lines[end].endswith("\\") and end + 1 < len(self.lines):
                end += 1
            whole = " ".join(line.removesuffix("\\") for line in self.lines[at : end + 1])
            matched = _DIRECTIVE.match(whole)
            if matched is not None and matched[1] != "define":
                self._turn(matched[1], matched[2].strip(), is_guard=at == guard)
            else:
                for line in range(at, end + 1):
                    self._line(line)
            at = end + 1
        return self.found

    def _turn(self, word: str, rest: str, *, is_guard: bool) -> None:
        """Take a directive: with its condition, what is around it counts."""
        if word in ("if", "ifdef", "ifndef"):
            around = self.levels[-1].now if self.levels else True
            holds = True if is_guard else self._holds(word, rest)
            self.levels.append(_Level(_and(around, holds), holds, around))
        elif word == "endif":
            if self.levels:
                self.levels.pop()
        elif self.levels:
            top = self.levels[-1]
            holds = True if word == "else" else self._holds("if", rest)
            top.now = _and(top.around, _and(_not(top.before), holds))
            top.before = _not(_and(_not(top.before), _not(holds)))

    def _line(self, at: int) -> None:
        now = self.levels[-1].now if self.levels else True
        if now is True or not self.lines[at].strip():
            return
        last = self.found[-1] if self.found else None
        blank = last is not None and not any(map(str.strip, self.lines[last.last : at]))
        if last is not None and blank and last.sure == (now is False):
            self.found[-1] = LeftOut(last.first, at + 1, last.sure)
        else:
            self.found.append(LeftOut(at + 1, at + 1, now is False))

    def _holds(self, word: str, rest: str) -> bool | None:
        if word != "if":
            found = self._defined(rest.split()[0] if rest.split() else "")
            return found if word == "ifdef" else _not(found)
        return _Condition(self, rest).value()

    def _defined(self, name: str) -> bool | None:
        if name in self.config or name in PREDEFINED:
            return True
        return False if name.startswith("CONFIG_") else None

    def call(self, name: str, argument: str) -> bool | None:
        """What `defined` or one of the macros of <linux/kconfig.h> says of a name."""
        if name == "defined":
            return self._defined(argument)
        return name != "IS_MODULE" and self.config.get(argument) == "y"


class _Condition:
    """A condition of !, &&, ||, brackets, numbers, defined and IS_ENABLED; of others, unsure."""

    def __init__(self, reader: _Reader, text: str) -> None:
        self._reader = reader
        self._tokens: list[str] = []
        at, text = 0, text.rstrip()
        while at < len(text):
            matched = _TOKEN.match(text, at)
            self._tokens.append("?" if matched is None else matched[1] or matched[2])
            at = at + 1 if matched is None else matched.end()

    def value(self) -> bool | None:
        """What it comes to. Whatever is not understood makes the whole of it unsure."""
        found = self._either()
        return None if self._tokens else found

    def _take(self, token: str) -> bool:
        if self._tokens and self._tokens[0] == token:
            self._tokens.pop(0)
            return True
        return False

    def _either(self) -> bool | None:
        found = self._both()
        while self._take("||"):
            found = _not(_and(_not(found), _not(self._both())))
        return found

    def _both(self) -> bool | None:
        found = self._one()
        while self._take("&&"):
            found = _and(found, self._one())
        return found

    def _one(self) -> bool | None:
        if self._take("!"):
            return _not(self._one())
        if self._take("("):
            found = self._either()
            return found if self._take(")") else None
        name = self._tokens.pop(0) if self._tokens else ""
        if name == "defined" or name in _ENABLED:
            bracket = self._take("(")
            argument = self._tokens.pop(0) if self._tokens else ""
            return self._reader.call(name, argument) if not bracket or self._take(")") else None
        if name.isdigit():
            return int(name) != 0
        return False if self._reader.call("defined", name) is False else None


def _guard(lines: list[str]) -> int:
    """The line of a header's #ifndef X that a #define X follows, and nothing but blanks before."""
    code = [at for at, line in enumerate(lines) if line.strip()][:2]
    found = [_DIRECTIVE.match(lines[at]) for at in code]
    if len(found) < 2 or found[0] is None or found[1] is None:
        return -1
    words = [each[2].split()[:1] for each in found if each is not None]
    same = words[0] == words[1] and (found[0][1], found[1][1]) == ("ifndef", "define")
    return code[0] if same else -1


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value


def _and(one: bool | None, other: bool | None) -> bool | None:
    if one is False or other is False:
        return False
    return True if one and other else None
