"""SARIF of a check document: the standard's structure, and what of the document stands where."""

from __future__ import annotations

import json
from typing import Any

import pytest

from patchbot.report.sarif import render_sarif
from tests.support.sarif import check_sarif

TEXTS = {"walnut": "A walnut is left in.\n\nIt rolls\naway.\n\nUse instead: a hazelnut.\n"}


def finding(**more: Any) -> dict[str, Any]:
    row = {
        "rule": "walnut", "severity": "error", "file": "fs/a.c", "line": 7, "function": "f",
        "message": "a walnut", "condition": "", "key": "walnut|fs/a.c|f|1", "change": None,
        "patch": None, "commit": None, "path": [],
    }  # fmt: skip
    return row | more


def document(*findings: dict[str, Any], **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "schema": "patchbot.check/1", "rules": ["walnut"], "files": ["fs/a.c"], "functions": 3,
        "findings": list(findings), "not_understood": [], "summary": None,
    }  # fmt: skip
    return made | more


def render(*findings: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The one run of a log that is right, as JSON carries it."""
    log = json.loads(json.dumps(render_sarif(document(*findings, **more), TEXTS, "1.2.3")))
    assert check_sarif(log) == []
    (run,) = log["runs"]
    assert isinstance(run, dict)
    return run


SUMMARY = {"status": "fail", "reason": "1 introduced", "base": "0", "commits": ["1"]}


def test_a_rule_brings_its_explanation() -> None:
    (rule,) = render()["tool"]["driver"]["rules"]
    assert rule == {
        "id": "walnut",
        "shortDescription": {"text": "A walnut is left in."},
        "fullDescription": {"text": "It rolls away."},
        "help": {"text": TEXTS["walnut"]},
    }


def test_a_rule_without_a_text_has_its_name() -> None:
    rules = {r["id"]: r for r in render(finding(rule="pecan"))["tool"]["driver"]["rules"]}
    assert set(rules) == {"walnut", "pecan"}
    assert rules["pecan"]["help"] == {"text": "pecan"}


def test_a_finding_with_its_path() -> None:
    path = [{"line": 5, "text": "f begins"}, {"line": 7, "text": "WALNUT"}]
    (result,) = render(finding(path=path, condition="it is ripe"))["results"]
    assert (result["ruleId"], result["level"]) == ("walnut", "error")
    assert result["message"] == {"text": "a walnut, if it is ripe"}
    place = result["locations"][0]
    assert place["physicalLocation"]["artifactLocation"] == {"uri": "fs/a.c"}
    assert place["physicalLocation"]["region"] == {"startLine": 7}
    assert place["logicalLocations"] == [{"name": "f", "kind": "function"}]
    steps = result["codeFlows"][0]["threadFlows"][0]["locations"]
    told = [
        (s["location"]["physicalLocation"]["region"]["startLine"], s["location"]["message"]["text"])
        for s in steps
    ]
    assert told == [(5, "f begins"), (7, "WALNUT")]
    assert "baselineState" not in result


def test_a_fingerprint_is_the_keys_and_not_the_lines() -> None:
    one, moved, other = render(finding(), finding(line=90), finding(key="walnut|fs/a.c|f|2"))[
        "results"
    ]
    assert one["partialFingerprints"] == moved["partialFingerprints"]
    assert one["partialFingerprints"] != other["partialFingerprints"]


@pytest.mark.parametrize(
    ("change", "state"),
    [("introduced", "new"), ("fixed", "absent"), ("unchanged", "unchanged"), (None, "new")],
)
def test_the_state_against_the_base(change: str | None, state: str) -> None:
    (result,) = render(finding(change=change), summary=SUMMARY)["results"]
    assert result["baselineState"] == state


def test_what_was_not_understood() -> None:
    lost = {"file": "fs/a.c", "line": 3, "function": "f", "reason": "too deep"}
    run = render(not_understood=[lost])
    (invocation,) = run["invocations"]
    assert not invocation["executionSuccessful"]
    (note,) = invocation["toolExecutionNotifications"]
    assert note["message"] == {"text": "could not be analysed: too deep"}
    assert note["locations"][0]["logicalLocations"][0]["name"] == "f"


def test_nothing_checked_is_no_success() -> None:
    assert render()["invocations"][0]["executionSuccessful"]
    assert not render(functions=0)["invocations"][0]["executionSuccessful"]
    skipped = SUMMARY | {"status": "skipped"}
    assert not render(functions=0, summary=skipped)["invocations"][0]["executionSuccessful"]


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("fs/a b#c.c", "fs/a%20b%23c.c"),
        ("/tmp/a.c", "file:///tmp/a.c"),
        ("fs/\udcff.c", "fs/%FF.c"),
        ("fs/ä.c", "fs/%C3%A4.c"),
    ],
)
def test_any_file_name_is_a_uri(file: str, uri: str) -> None:
    (result,) = render(finding(file=file, message=f"in {file}", key=f"walnut|{file}"))["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri
    result["message"]["text"].encode("utf-8")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda log: log.update(version="2.0.0"),
        lambda log: log["runs"][0]["results"][0].update(ruleIndex=1),
        lambda log: log["runs"][0]["results"][0].update(level="fatal"),
        lambda log: log["runs"][0]["results"][0].pop("message"),
        lambda log: log["runs"][0]["results"][0].update(baselineState="old"),
        lambda log: log["runs"][0]["results"].append(
            log["runs"][0]["results"][0] | {"baselineState": "new"}
        ),
        lambda log: log["runs"][0]["invocations"][0].pop("executionSuccessful"),
    ],
)
def test_the_schema_here_finds_faults(spoil: Any) -> None:
    log = render_sarif(document(finding()), TEXTS, "1.2.3")
    spoil(log)
    assert check_sarif(log)
