"""Two revisions compared: a range-diff as git colours it, and what became of the findings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from patchbot.view.lists import one_line
from patchbot.view.reading import Line, one_line_kept
from patchbot.view.rows import Row

_PAIR: Final = re.compile(r" *(?:\d+|-+): +\S+ ([=!<>]) +(?:\d+|-+): ")
_PAIR_STYLES: Final = {"=": "dim", "!": "hunk", "<": "removed", ">": "added"}
_OUTER: Final = {"+": "after", "-": "before"}
_INNER: Final = {"+": "added", "-": "removed", "@": "hunk", "#": "file"}
_KINDS: Final = {
    "new": "new in {to}",
    "gone": "gone from {to}",
    "same": "still there",
    "unknown": "unknown: a stage gave one of the two no answer",
}


def say_range_diff(document: Mapping[str, Any]) -> list[Row]:
    """Return the range-diff of a comparison, or why there is none.

    Colours are told from the text, as git gives them: what stands in the first column behind the
    indentation is the difference of patches, what stands in the second is the patch's own.
    """
    made = document["range_diff"]
    if made["reason"]:
        return [(Line(f"no range-diff: {one_line(made['reason'])}", "warning"),)]
    lines = made["text"].rstrip("\n").split("\n") if made["text"].strip() else []
    head = (Line(one_line(made["command"]), "dim"),)
    return [head, *(_diff_row(line) for line in lines)] if lines else [head, (Line("no patches"),)]


def _diff_row(line: str) -> Row:
    if found := _PAIR.match(line):
        return (Line(one_line_kept(line), _PAIR_STYLES[found[1]]),)
    if not line.startswith("    "):
        return (Line(one_line_kept(line)),)
    line = line[:6] + line[6:].expandtabs(8)
    outer, rest = line[4:5], line[5:]
    if outer not in _OUTER:
        style = _INNER.get(outer, "") or _INNER.get(rest[:1], "")
        return (Line(one_line_kept(line), style),)
    style = _INNER.get(rest[:1], "dim" if outer == "-" else "")
    return (Line("    "), Line(outer, _OUTER[outer]), Line(one_line_kept(rest), style))


def say_findings(document: Mapping[str, Any]) -> list[Line]:
    """Return what became of the findings: new, gone, still there, and what nobody can tell."""
    lines: list[Line] = []
    for kind, words in _KINDS.items():
        found = document["findings"][kind]
        if found or kind in ("new", "gone"):
            head = words.format(to=one_line(document["to"]))
            lines.append(Line(f"{head}: {len(found) or 'none'}", "file"))
            lines += [_finding(each) for each in found]
    return lines + _unanswered(document)


def _finding(finding: Mapping[str, Any]) -> Line:
    place = f" ({finding['file']}:{finding['line']})" if finding["file"] else ""
    change = f", {finding['change']}" if finding["change"] else ""
    head = f"{finding['severity']} {finding['stage']}/{finding['rule']}{change}{place}"
    return Line(f"  {one_line(f'{head}: ' + finding['message'])}", finding["severity"])


def _unanswered(document: Mapping[str, Any]) -> list[Line]:
    one, other = document["from"], document["to"]
    rows: Sequence[Mapping[str, str]] = document["unanswered"]
    lines = [
        Line(f"  {each['stage']}: {one} {each['from']}, {other} {each['to']}", "dim")
        for each in rows
    ]
    return [Line("stages that gave no answer for one of them", "file"), *lines] if lines else []
