"""Print what `patchbot check` found: as compilers do, with the path to each finding below it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from patchbot.report.text import clean_text

_STYLES = {"error": "bold red", "warning": "yellow", "note": "dim"}
_MAX_LOST = 20


def print_found(console: Console, document: Mapping[str, Any]) -> None:
    """Print the findings of a check document, what could not be analysed, and one summary line."""
    for finding in document["findings"]:
        _print_one(console, finding)
    lost = document["not_understood"]
    for each in lost[:_MAX_LOST]:
        what = f"{each['function']}()" if each["function"] else "the file"
        line = f"{each['file']}:{each['line']}: not analysed: {what}: {each['reason']}"
        console.print(Text(clean_text(line), "magenta"), soft_wrap=True)
    if len(lost) > _MAX_LOST:
        console.print(Text(f"... and {len(lost) - _MAX_LOST} more that were not analysed"))
    console.print(Text(clean_text(_summary(document))), soft_wrap=True)


def _print_one(console: Console, finding: Mapping[str, Any]) -> None:
    where = f"{finding['function']}(): " if finding["function"] else ""
    only = f", if {finding['condition']}" if finding["condition"] else ""
    change = finding["change"] or ""
    if finding["change"] and finding.get("commit"):
        change += f" by {finding['commit'][:12]}"
    head = Text(clean_text(f"{finding['file']}:{finding['line']}: "))
    head.append(finding["severity"], _STYLES[finding["severity"]])
    words = f": {where}{finding['message']}{only} [{finding['rule']}]"
    head.append(clean_text(words + (f" ({change})" if change else "")))
    console.print(head, soft_wrap=True)
    for step in finding["path"]:
        text = clean_text(f"    {step['line']}: {step['text']}")
        console.print(Text(text, "dim"), soft_wrap=True)


def _summary(document: Mapping[str, Any]) -> str:
    if document["summary"]:
        return f"{document['summary']['status']}: {document['summary']['reason']}"
    counts = Counter(f["severity"] for f in document["findings"])
    found = (
        ", ".join(f"{n} {name}{'s' * (n != 1)}" for name, n in counts.items()) or "nothing found"
    )
    lost = len(document["not_understood"])
    missed = f", {lost} not analysed" if lost else ""
    return (
        f"{len(document['rules'])} rules, {len(document['files'])} files,"
        f" {document['functions']} functions: {found}{missed}"
    )
