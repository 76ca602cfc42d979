"""Text to read: findings with their evidence, and diffs, as lines with a style each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from patchbot.report.text import clean_text
from patchbot.view.lists import one_line


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text and the word that names its style ("" for plain)."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One finding: a line for the list, and all lines to read; `place` is "file:line" or ""."""

    head: str
    style: str
    place: str
    lines: tuple[Line, ...]


def make_entries(result: Mapping[str, Any]) -> list[Entry]:
    """Return an entry for each finding of a stage's result, in the result's order."""
    return [_entry(each) for each in result["findings"]]


def _entry(finding: Mapping[str, Any]) -> Entry:
    place = f"{finding['file']}:{finding['line']}" if finding["file"] else ""
    change = finding["change"] or ""
    head = " ".join(filter(None, (finding["severity"], finding["rule"], change, place)))
    patch = finding["patch"]
    lines = [Line(each, finding["severity"]) for each in _split(finding["message"])]
    if patch is not None:
        at = f", line {finding['patch_line']} of its diff" if finding["patch_line"] else ""
        lines.append(Line(f"patch {patch}{at}", "dim"))
    lines += [Line("")] if finding["evidence"] else []
    lines += [Line(each) for each in _split(finding["evidence"])]
    return Entry(one_line(head), finding["severity"], place, tuple(lines))


def _split(text: str) -> list[str]:
    return clean_text(text).split("\n") if text else []


def quote_source(text: str, line: int, around: int = 7) -> list[Line]:
    """Return the lines of a file around one of them, numbered from 1; none where it has not got it.

    The line itself is marked.
    """
    lines = text.split("\n")
    if not 0 < line <= len(lines):
        return []
    first = max(1, line - around)
    return [
        Line(
            f"{'>' if number == line else ' '}{number:>6} {one_line_kept(lines[number - 1])}",
            "hunk" if number == line else "",
        )
        for number in range(first, min(len(lines), line + around) + 1)
    ]


def one_line_kept(text: str) -> str:
    """Return one line of source that can't command a terminal; its indentation stays."""
    return clean_text(text.expandtabs(8))


def commit_of(finding: Mapping[str, Any], base: str, commits: Sequence[str]) -> str:
    """Return the commit whose file a finding's line is in: what is fixed was there before."""
    number = finding["patch"] if finding["patch"] is not None else len(commits)
    trail = [base, *commits]
    at = number - 1 if finding["change"] == "fixed" else number
    return trail[max(0, min(at, len(commits)))]


def say_result(result: Mapping[str, Any]) -> list[Line]:
    """Return what stands above the findings: reason, tools, and the command that repeats it."""
    lines = [Line(f"{result['stage']}: {result['status']}", result["status"])]
    lines += [Line(each) for each in _split(result["reason"])]
    tools = ", ".join(f"{name} {version}" for name, version in result["tools"].items())
    lines += [Line(one_line(tools), "dim")] if tools else []
    lines += [Line(one_line(result["repeat"]), "dim")] if result["repeat"] else []
    return lines
