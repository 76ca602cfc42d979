"""Render what `patchbot check` found as SARIF 2.1.0, which code hosts and editors read. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

_LEVELS = {"error": "error", "warning": "warning", "note": "note"}
_STATES = {"introduced": "new", "fixed": "absent", "unchanged": "unchanged"}
_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def render_sarif(
    document: Mapping[str, Any], explanations: Mapping[str, str], version: str
) -> dict[str, Any]:
    """Return the SARIF log of a check document; `explanations` are the rules', by name."""
    rules = sorted({*document["rules"], *(f["rule"] for f in document["findings"])})
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "patchbot",
                        "semanticVersion": version,
                        "rules": [_rule(name, explanations.get(name, "")) for name in rules],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "invocations": [_invocation(document)],
                "results": [
                    _result(f, rules, relative=bool(document["summary"]))
                    for f in document["findings"]
                ],
            }
        ],
    }


def _rule(name: str, text: str) -> dict[str, Any]:
    text = _clean(text)
    summary = text.partition("\n")[0] or name
    return {
        "id": name,
        "shortDescription": {"text": summary},
        "fullDescription": {"text": _first_paragraph(text) or summary},
        "help": {"text": text or summary},
    }


def _first_paragraph(text: str) -> str:
    parts = re.split(r"\n\s*\n", text.strip())
    return " ".join(parts[1].split()) if len(parts) > 1 else ""


def _invocation(document: Mapping[str, Any]) -> dict[str, Any]:
    lost = document["not_understood"]
    passed = bool(document["summary"]) and document["summary"]["status"] == "pass"
    return {
        "executionSuccessful": not lost and (document["functions"] > 0 or passed),
        "toolExecutionNotifications": [
            {
                "level": "warning",
                "message": {"text": _clean(f"could not be analysed: {each['reason']}")},
                "locations": [_location(each["file"], each["line"], each["function"])],
            }
            for each in lost
        ],
    }


def _location(file: str, line: int, function: str = "") -> dict[str, Any]:
    place: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(file)},
            "region": {"startLine": max(1, line)},
        }
    }
    if function:
        place["logicalLocations"] = [{"name": _clean(function), "kind": "function"}]
    return place


def _uri(file: str) -> str:
    """Return a path as a URI: of a whole path with its scheme, of another one relative."""
    path = quote(file.encode("utf-8", "surrogateescape"))
    return f"file://{path}" if file.startswith("/") else path


def _clean(text: str) -> str:
    """Return text without what is no character: bytes of names that are not UTF-8."""
    return text.encode("utf-8", "replace").decode()


def _result(finding: Mapping[str, Any], rules: list[str], *, relative: bool) -> dict[str, Any]:
    only = f", if {finding['condition']}" if finding["condition"] else ""
    digest = hashlib.sha256(finding["key"].encode("utf-8", "surrogateescape")).hexdigest()
    made: dict[str, Any] = {
        "ruleId": finding["rule"],
        "ruleIndex": rules.index(finding["rule"]),
        "level": _LEVELS[finding["severity"]],
        "message": {"text": _clean(f"{finding['message']}{only}")},
        "locations": [_location(finding["file"], finding["line"], finding["function"])],
        "partialFingerprints": {"patchbotKey/v1": digest},
    }
    if relative:
        made["baselineState"] = _STATES[finding["change"] or "introduced"]
    if finding["path"]:
        steps = [
            {
                "location": {
                    **_location(finding["file"], step["line"]),
                    "message": {"text": _clean(step["text"])},
                }
            }
            for step in finding["path"]
        ]
        made["codeFlows"] = [{"threadFlows": [{"locations": steps}]}]
    return made
