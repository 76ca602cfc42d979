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
                "results": [_result(f, rules) for f in document["findings"]],
            }
        ],
    }


def _rule(name: str, text: str) -> dict[str, Any]:
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
    return {
        "executionSuccessful": not lost and document["functions"] > 0,
        "toolExecutionNotifications": [
            {
                "level": "warning",
                "message": {"text": f"could not be analysed: {each['reason']}"},
                "locations": [_location(each["file"], each["line"], each["function"])],
            }
            for each in lost
        ],
    }


def _location(file: str, line: int, function: str = "") -> dict[str, Any]:
    place: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(file)},
            "region": {"startLine": max(1, line)},
        }
    }
    if function:
        place["logicalLocations"] = [{"name": function, "kind": "function"}]
    return place


def _result(finding: Mapping[str, Any], rules: list[str]) -> dict[str, Any]:
    only = f" (only if {finding['condition']})" if finding["condition"] else ""
    digest = hashlib.sha256(finding["key"].encode()).hexdigest()
    made: dict[str, Any] = {
        "ruleId": finding["rule"],
        "ruleIndex": rules.index(finding["rule"]),
        "level": _LEVELS[finding["severity"]],
        "message": {"text": f"{finding['message']}{only}"},
        "locations": [_location(finding["file"], finding["line"], finding["function"])],
        "partialFingerprints": {"patchbotKey/v1": digest},
    }
    if finding["change"]:
        made["baselineState"] = _STATES[finding["change"]]
    if finding["path"]:
        steps = [
            {
                "location": {
                    **_location(finding["file"], step["line"]),
                    "message": {"text": step["text"]},
                }
            }
            for step in finding["path"]
        ]
        made["codeFlows"] = [{"threadFlows": [{"locations": steps}]}]
    return made
