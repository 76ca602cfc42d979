"""Every rule against the fixtures beside it, and every fixture against every rule.

A fixture marks the exact lines on which findings are expected, with the rule's name:

    page_range(inode, 0, len);  /* expect: range-start-not-page-offset */

`/* expect-note: ... */`, `/* expect-warning: ... */` say the severity (`expect` is an error), and
`/* expect-if: ... */` a finding that holds on a condition only. `/* not-understood */` marks the
first line of a function that can't be analysed. A fixture is one file, fs/demo/<its name>, or
several: a line `/* file: fs/demo/other.c */` begins the next.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from patchbot_checks import RULES, MemorySources, Report, check_files

from tests.support import ROOT

FOLDER = ROOT / "checks" / "patchbot_checks" / "rules"
FIXTURES = sorted(FOLDER.glob("*/*.c"))
_EXPECT = re.compile(r"/\*\s*expect(-note|-warning|-if)?:\s*([\w-]+)\s*\*/")
_FILE = re.compile(r"^/\* file: (\S+) \*/\n", re.M)
_UNKNOWN = "/* not-understood */"


def split(path: Path) -> dict[str, str]:
    """The files of a fixture, by path."""
    text = path.read_text("utf-8")
    parts = _FILE.split(text)
    files = {f"fs/demo/{path.name}": parts[0]} if parts[0].strip() else {}
    files.update(zip(parts[1::2], parts[2::2], strict=True))
    return files


def expected(files: dict[str, str]) -> list[tuple[str, int, str, str]]:
    found = []
    for path, text in files.items():
        for number, line in enumerate(text.split("\n"), 1):
            for kind, rule in _EXPECT.findall(line):
                found.append((path, number, rule, kind.lstrip("-") or "error"))
    return sorted(found)


def check(files: dict[str, str]) -> Report:
    sources = MemorySources({path: text.encode() for path, text in files.items()})
    return check_files(sources, sorted(p for p in files if p.endswith((".c", ".h"))))


def outcome(report: Report) -> list[tuple[str, int, str, str]]:
    return sorted(
        (f.file, f.line, f.rule, "if" if f.condition else f.severity.value) for f in report.findings
    )


def rule_folders() -> Iterator[Path]:
    return (path for path in sorted(FOLDER.iterdir()) if (path / "rule.py").exists())


def test_there_are_rules() -> None:
    assert RULES
    assert FIXTURES


@pytest.mark.parametrize("path", FIXTURES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_fixture(path: Path) -> None:
    files = split(path)
    report = check(files)
    assert outcome(report) == expected(files)
    unknown = sorted((n.file, n.line) for n in report.not_understood)
    marked = sorted(
        (name, number)
        for name, text in files.items()
        for number, line in enumerate(text.split("\n"), 1)
        if _UNKNOWN in line
    )
    assert unknown == marked
    assert report.functions > 0


@pytest.mark.parametrize("path", FIXTURES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_fixture_is_named_for_what_it_shows(path: Path) -> None:
    name = path.parent.name.replace("_", "-")
    rules = {rule for _, _, rule, _ in expected(split(path))}
    assert path.stem.startswith(("bad_", "good_"))
    assert (name in rules) == path.stem.startswith("bad_")


@pytest.mark.parametrize("folder", list(rule_folders()), ids=lambda p: p.name)
def test_rule_has_fixtures_and_an_explanation(folder: Path) -> None:
    assert len(list(folder.glob("bad_*.c"))) >= 3, "several spellings of each fault"
    assert len(list(folder.glob("good_*.c"))) >= 2
    rule = RULES[folder.name.replace("_", "-")]
    assert rule.summary
    for heading in ("Why it is bad", "Example", "Use instead", "References"):
        assert f"\n{heading}\n" in rule.explanation, heading


@pytest.mark.parametrize("path", FIXTURES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_findings_survive_other_names_and_another_layout(path: Path) -> None:
    """Local names and white space decide nothing."""
    files = split(path)
    whole = "\n".join(files.values())
    renamed = {name: rename_locals(text, whole) for name, text in files.items()}
    assert outcome(check(renamed)) == expected(files)
    spread = {name: re.sub(r"(?m)^\t+", "    ", text) for name, text in files.items()}
    assert outcome(check(spread)) == expected(files)


def rename_locals(text: str, whole: str) -> str:
    """Give every plain local variable another name: what is declared as `type [*]name [=,;]`."""
    pattern = (
        r"(?m)^\t+(?!return|goto)(?:static |const |unsigned |struct )*\w+ \**(\w+)(?: = [^;]*)?;"
    )
    names = {name for name in re.findall(pattern, text) if len(name) > 1 or name in "nei"}
    fields = set(re.findall(r"(?:->|\.)\s*(\w+)", whole))
    for name in sorted(names - fields):
        text = re.sub(rf"(?<!struct )(?<![\w.>]){name}\b(?!\s*\()", f"zz_{name}", text)
    return text


def test_rules_name_no_series() -> None:
    """No message-id, subject or author of a known series stands in a rule or a fact."""
    for path in sorted(FOLDER.parent.rglob("*")):
        if path.suffix in (".py", ".toml"):
            assert not re.search(r"\b\d{8}[.-][\w.-]+@", path.read_text("utf-8")), path
