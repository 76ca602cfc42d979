"""The guide names everything a user can meet; what it must name is read from the code."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from typing import Any

import pytest
from patchbot_checks import RULES

from patchbot import settings
from patchbot.arguments import make_parser
from patchbot.cli import main
from patchbot.diagnostics import ExitCode
from patchbot.model import Severity, Status, VerdictStatus
from patchbot.qemu.scenario import load_scenarios
from patchbot.report.document import render_document
from patchbot.stages.registry import STAGES
from tests.support import ROOT
from tests.support.fakes import make_finding, make_review, passed

GUIDE = (ROOT / "docs" / "guide.md").read_text("utf-8")
HIDDEN = {"--help", "--version"}


def commands() -> dict[str, argparse.ArgumentParser]:
    choices: Any = next(a.choices for a in make_parser()._actions if a.choices)
    return dict(choices)


def options() -> Iterator[tuple[str, str]]:
    for name, parser in commands().items():
        for action in parser._actions:
            for option in action.option_strings:
                if option.startswith("--") and option not in HIDDEN:
                    yield name, option


@pytest.mark.parametrize("name", commands())
def test_every_command_has_a_heading(name: str) -> None:
    assert f"## `patchbot {name}" in GUIDE


@pytest.mark.parametrize(("command", "option"), list(options()))
def test_every_option_is_named(command: str, option: str) -> None:
    assert f"`{option}" in GUIDE or f" {option} " in GUIDE


@pytest.mark.parametrize(
    "word", [*STAGES, *Status, *VerdictStatus, *Severity], ids=lambda word: str(word)
)
def test_every_stage_status_and_verdict_is_named(word: str) -> None:
    assert str(word) in GUIDE


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_listed_with_its_summary(rule: str) -> None:
    assert f"| `{rule}` | {RULES[rule].summary} |" in GUIDE


@pytest.mark.parametrize("scenario", sorted({name.split("/")[0] for name in load_scenarios()}))
def test_every_scenario_has_a_paragraph(scenario: str) -> None:
    section = GUIDE.partition("\n## Scenarios\n")[2].partition("\n## ")[0]
    assert f"\n- `{scenario}` " in section


@pytest.mark.parametrize("code", list(ExitCode))
def test_every_exit_code_is_named(code: ExitCode) -> None:
    assert re.search(rf"\b{code.value}\b", GUIDE)


@pytest.mark.parametrize("key", settings._KNOWN)
def test_every_setting_is_named(key: str) -> None:
    assert re.search(rf"^{key} = ", GUIDE, re.M)


def test_every_environment_variable_is_named() -> None:
    found: set[str] = set()
    for path in (ROOT / "patchbot").rglob("*.py"):
        found.update(re.findall(r"\bPATCHBOT_[A-Z]+\b|\bNO_COLOR\b", path.read_text("utf-8")))
    assert {"PATCHBOT_HOME", "PATCHBOT_LORE", "PATCHBOT_CONFIG", "NO_COLOR"} <= found
    assert not [name for name in found if f"`{name}`" not in GUIDE]


def document_keys() -> set[str]:
    result = passed("apply", findings=(make_finding(),))
    document = render_document(make_review({"v1": [result]}))
    keys = set(document) | set(document["series"])
    revision = document["revisions"][0]
    keys |= set(revision) | set(revision["base"]) | set(revision["verdict"])
    keys |= set(revision["patches"][0]) | set(revision["stages"]["apply"])
    keys |= set(revision["stages"]["apply"]["findings"][0])
    return keys


@pytest.mark.parametrize("key", sorted(document_keys()))
def test_every_field_of_the_document_is_named(key: str) -> None:
    described = GUIDE.partition("## The JSON document")[2].partition("\n## ")[0]
    assert re.search(rf"\b{key}\b", described)


def test_the_two_commands_of_the_readme_exist() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in ("demo", "test"):
        assert f"make {target}" in readme
        assert re.search(rf"^{target}:", makefile, re.M)
    for link in re.findall(r"\]\(([^)#:]+)\)", readme):
        assert (ROOT / link).exists(), link


def test_the_transcript_of_the_readme_is_what_the_demo_prints(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert main(["demo", "--plain"]) == ExitCode.ACCEPT
    printed = capsys.readouterr().out.splitlines()
    readme = (ROOT / "README.md").read_text("utf-8")
    transcript = readme.partition("$ make demo\n")[2].partition("```")[0].splitlines()
    assert len(transcript) > 15
    assert [line for line in transcript if line not in printed] == []
