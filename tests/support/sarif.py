"""What a SARIF 2.1.0 log of patchbot's may look like, after the standard's own schema."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.support.schema import Check, each, exactly, is_a, like, one_of

_URI = re.compile(r"(?:file:///)?[A-Za-z0-9_.~/%-]+")
_TEXT = exactly({"text": is_a(str)})


def check_sarif(log: Any) -> list[str]:
    """Return what is wrong with a SARIF log, one line a fault; nothing where it is right."""
    return _LOG(log, "log") or _contradictions(log)


def _at_least(value: int) -> Check:
    return lambda it, where: [] if type(it) is int and it >= value else [f"{where}: {it!r}"]


def _with(needed: Mapping[str, Check], optional: Mapping[str, Check]) -> Check:
    """An object with the needed keys, and perhaps the others."""

    def check(value: Any, where: str) -> list[str]:
        there = {name: inner for name, inner in optional.items() if name in value}
        return exactly({**needed, **there})(value, where)

    return check


_PLACE = exactly(
    {
        "artifactLocation": exactly({"uri": like(_URI)}),
        "region": exactly({"startLine": _at_least(1)}),
    }
)
_LOCATION = _with(
    {"physicalLocation": _PLACE},
    {
        "message": _TEXT,
        "logicalLocations": each(exactly({"name": is_a(str), "kind": one_of("function")}), 1),
    },
)
_STEP = exactly({"location": _LOCATION})
_FLOW = exactly({"threadFlows": each(exactly({"locations": each(_STEP, 1)}), 1)})
_RESULT = _with(
    {
        "ruleId": is_a(str),
        "ruleIndex": _at_least(0),
        "level": one_of("error", "warning", "note"),
        "message": _TEXT,
        "locations": each(_LOCATION, 1),
        "partialFingerprints": exactly({"patchbotKey/v1": like(re.compile(r"[0-9a-f]{64}"))}),
    },
    {
        "baselineState": one_of("new", "absent", "unchanged"),
        "codeFlows": each(_FLOW, 1),
    },
)
_NOTIFICATION = exactly(
    {"level": one_of("warning"), "message": _TEXT, "locations": each(_LOCATION, 1)}
)
_RULE = exactly(
    {"id": is_a(str), "shortDescription": _TEXT, "fullDescription": _TEXT, "help": _TEXT}
)
_DRIVER = exactly(
    {
        "name": one_of("patchbot"),
        "semanticVersion": like(re.compile(r"\d+\.\d+\.\d+\S*")),
        "rules": each(_RULE, 1),
    }
)
_RUN = exactly(
    {
        "tool": exactly({"driver": _DRIVER}),
        "columnKind": one_of("unicodeCodePoints", "utf16CodeUnits"),
        "invocations": each(
            exactly(
                {
                    "executionSuccessful": is_a(bool),
                    "toolExecutionNotifications": each(_NOTIFICATION),
                }
            ),
            1,
        ),
        "results": each(_RESULT),
    }
)
_LOG = exactly(
    {
        "$schema": like(re.compile(r"https://\S+sarif-schema-2\.1\.0\.json")),
        "version": one_of("2.1.0"),
        "runs": each(_RUN, 1),
    }
)


def _contradictions(log: Any) -> list[str]:
    """What types can't say: rules are named once and are those of the results; states agree."""
    wrong: list[str] = []
    for run in log["runs"]:
        names = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
        if len(set(names)) != len(names):
            wrong.append(f"rules repeat: {names}")
        for result in run["results"]:
            if names[result["ruleIndex"] : result["ruleIndex"] + 1] != [result["ruleId"]]:
                wrong.append(f"{result['ruleId']} is not rule {result['ruleIndex']}")
        if len({"baselineState" in result for result in run["results"]}) > 1:
            wrong.append("some results have a baselineState, and some do not")
    return wrong
