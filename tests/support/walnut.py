"""A rule that needs no kernel: inside functions it flags words, in place of all real rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import pytest
from patchbot_checks import Finding, NotUnderstood, Report, Severity, Sources, Step

import patchbot.check
import patchbot.static.commits

_HEAD = re.compile(r"^\w[\w *]*?(\w+)\(.*\)$")
_SEVERITIES = {"WALNUT": Severity.ERROR, "PECAN": Severity.WARNING, "ALMOND": Severity.NOTE}


def function(name: str, *lines: str) -> str:
    """A C function with these lines, one statement each."""
    return "".join([f"int {name}(void)\n{{\n", *(f"\t{line}\n" for line in lines), "}\n\n"])


def check_walnuts(
    sources: Sources,
    paths: Sequence[str],
    rules: Sequence[str] | None = None,
    *,
    functions: Callable[[str, str], bool] | None = None,
    tick: Callable[[], None] = lambda: None,
    program: object = None,
) -> Report:
    """In place of `check_files`: WALNUT is an error, PECAN a warning, ALMOND a note.

    A function with LOST is not understood, neither is a file with NUL. "if" behind a word is a
    condition.
    """
    found: list[Finding] = []
    lost: list[NotUnderstood] = []
    counted = 0
    for path in paths:
        tick()
        data = sources.read(path)
        if data is None or b"\0" in data:
            lost.append(NotUnderstood(path, 1, "", "no C"))
            continue
        for name, at, lines in _functions(data.decode()):
            counted += 1
            if functions is not None and not functions(path, name):
                continue
            if any("LOST" in line for line in lines):
                lost.append(NotUnderstood(path, at, name, "lost"))
                continue
            found += _flag(path, name, at, lines)
    ordered = sorted(found, key=lambda each: (each.file, each.line))
    return Report(tuple(ordered), tuple(lost), tuple(paths), counted, ("walnut",))


def _functions(text: str) -> Iterator[tuple[str, int, list[str]]]:
    lines = text.split("\n")
    for at, line in enumerate(lines, 1):
        match = _HEAD.match(line)
        if match and lines[at : at + 1] == ["{"]:
            yield match[1], at, lines[at - 1 : lines.index("}", at)]


def _flag(path: str, name: str, at: int, lines: Sequence[str]) -> Iterator[Finding]:
    for line, text in enumerate(lines, at):
        for word, severity in _SEVERITIES.items():
            if word in text:
                steps = (Step(at, f"{name} begins"), Step(line, word))
                condition = "it is ripe" if "if" in text else ""
                message, key = f"a {word.lower()}", f"walnut|{path}|{name}|{word}"
                yield Finding("walnut", severity, path, line, name, message, steps, condition, key)


def plant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the static stage and `patchbot check` use this rule alone."""
    monkeypatch.setattr(patchbot.static.commits, "check_files", check_walnuts)
    monkeypatch.setattr(patchbot.check, "check_files", check_walnuts)
    monkeypatch.setattr(patchbot.static.commits, "_bases", {})
