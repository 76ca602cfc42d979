"""`patchbot check`: the rules over files, over a range of commits, or over an applied revision."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patchbot_checks import RULES, FolderSources, Report, check_files

from patchbot.errors import PatchbotError, UsageError
from patchbot.git import Repository
from patchbot.model import Finding, Severity
from patchbot.stages.static import judge, make_findings
from patchbot.static.changes import C_SUFFIXES
from patchbot.static.commits import check_commits

SCHEMA = "patchbot.check/1"
MAX_FILES = 5000
_MAX_COMMITS = 500


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """What a user asked for; see `patchbot check --help`. `rules` is None for all."""

    paths: tuple[Path, ...]
    rules: tuple[str, ...] | None


def find_rules(names: Sequence[str]) -> tuple[str, ...] | None:
    """Return the names of rules, None for all; raises `UsageError` for an unknown one."""
    for name in names:
        if name not in RULES:
            close = difflib.get_close_matches(name, RULES, 3, 0.5)
            hint = f"did you mean {' or '.join(close)}?" if close else f"there are: {_all_rules()}"
            raise UsageError(f"there is no rule {name!r}", hint=hint)
    return tuple(names) or None


def _all_rules() -> str:
    return ", ".join(RULES)


def explain(name: str) -> str:
    """Return the whole explanation of a rule; raises `UsageError` for an unknown one."""
    find_rules([name])
    return f"{name}\n\n{RULES[name].explanation}\n"


def check_paths(
    options: CheckOptions, say: Callable[[str], None], tick: Callable[[], None]
) -> dict[str, Any]:
    """Check files and folders as they are; raises `PatchbotError` where one is not there."""
    files = _collect(options.paths)
    top = _top_of(files)
    sources = FolderSources(top)
    reports: list[Report] = []
    names = [str(path.relative_to(top)) for path in files]
    for number, name in enumerate(names, 1):
        if number % 20 == 1:
            say(f"checking {name} ({number} of {len(names)})")
        reports.append(check_files(sources, [name], options.rules, tick=tick))
    return _document_of_files(reports, top, options.rules)


def _collect(paths: Sequence[Path]) -> list[Path]:
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            for folder, folders, names in os.walk(path):
                folders[:] = sorted(f for f in folders if not f.startswith("."))
                inside = [Path(folder, n) for n in sorted(names) if n.endswith(C_SUFFIXES)]
                found.update((each.absolute(), None) for each in inside if each.is_file())
        elif path.is_file():
            found[path.absolute()] = None
        else:
            raise PatchbotError(f"{path}: no such file or folder", hint="name a C file or a folder")
    if not found:
        raise PatchbotError(
            f"no C file in {', '.join(map(str, paths))}", hint="files end in .c or .h"
        )
    if len(found) > MAX_FILES:
        raise PatchbotError(
            f"{len(found)} files are more than {MAX_FILES}", hint="name the folder that matters"
        )
    return [Path(os.path.realpath(path)) for path in found]


def _top_of(files: Sequence[Path]) -> Path:
    """Return the folder that paths are relative to: the top of a git tree, else what is shared."""
    shared = Path(os.path.commonpath([path.parent for path in files]))
    for each in (shared, *shared.parents):
        if (each / ".git").exists():
            return each
    return shared


def _document_of_files(
    reports: Sequence[Report], top: Path, rules: tuple[str, ...] | None
) -> dict[str, Any]:
    here = Path.cwd()

    def shown(path: str) -> str:
        whole = top / path
        return str(whole.relative_to(here)) if whole.is_relative_to(here) else str(whole)

    findings = [
        {
            "rule": f.rule, "severity": f.severity.value, "file": shown(f.file), "line": f.line,
            "function": f.function, "message": f.message, "condition": f.condition,
            "key": f.key, "change": None, "patch": None,
            "path": [{"line": step.line, "text": step.text} for step in f.steps],
        }
        for report in reports
        for f in report.findings
    ]  # fmt: skip
    lost = [
        {"file": shown(n.file), "line": n.line, "function": n.function, "reason": n.reason}
        for report in reports
        for n in report.not_understood
    ]
    return {
        "schema": SCHEMA,
        "rules": list(rules or RULES),
        "files": [shown(path) for report in reports for path in report.files],
        "functions": sum(report.functions for report in reports),
        "findings": findings,
        "not_understood": lost,
        "summary": None,
    }


def check_range(
    tree: Repository, text: str, rules: tuple[str, ...] | None, tick: Callable[[], None]
) -> dict[str, Any]:
    """Check the commits of A..B, relative to A; raises `UsageError` for what is no range."""
    first, dots, last = text.partition("..")
    if not dots or last.startswith("."):
        raise UsageError(f"{text!r} is no range", hint="such as --range v6.12..HEAD")
    base, end = tree.resolve_commit(first or "HEAD"), tree.resolve_commit(last or "HEAD")
    for name, commit in ((first, base), (last, end)):
        if commit is None:
            raise UsageError(f"{tree.top} has no commit {name!r}", hint="see git log there")
    assert base is not None
    assert end is not None
    listed = tree.run("rev-list", "--reverse", "--first-parent", f"{base}..{end}", check=True)
    commits = listed.stdout.decode().split()
    if not commits:
        raise UsageError(f"there is no commit in {text}", hint="the older commit comes first")
    if len(commits) > _MAX_COMMITS:
        raise UsageError(f"{len(commits)} commits are more than {_MAX_COMMITS}")
    return check_commits_of(tree, base, commits, rules, tick)


def check_commits_of(
    tree: Repository,
    base: str,
    commits: Sequence[str],
    rules: tuple[str, ...] | None,
    tick: Callable[[], None],
) -> dict[str, Any]:
    """Check commits on top of a base, and return the document; raises `GitError`."""
    checked = check_commits(tree, base, commits, rules, tick=tick)
    numbers = list(range(1, len(commits) + 1))
    findings = make_findings(checked, numbers, {})
    status, reason = judge(checked)
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "rules": list(checked.rules or rules or RULES),
        "files": list(checked.files),
        "functions": checked.functions,
        "findings": [_of_model(f, commits) for f in findings if f.rule != "not-understood"],
        "not_understood": [
            {"file": n.file, "line": n.line, "function": n.function, "reason": n.reason}
            for n in checked.lost_here
        ],
        "summary": {"status": status.value, "reason": reason, "base": base, "commits": [*commits]},
    }
    return document


def _of_model(finding: Finding, commits: Sequence[str]) -> dict[str, Any]:
    steps = [line.split(":", 2) for line in finding.evidence.split("\n") if line.count(":") >= 2]
    return {
        "rule": finding.rule, "severity": finding.severity.value, "file": finding.file,
        "line": finding.line, "function": "", "message": finding.message, "condition": "",
        "key": f"{finding.rule}|{finding.file}|{finding.message}",
        "change": finding.change.value if finding.change else None,
        "patch": finding.patch,
        "commit": commits[finding.patch - 1] if finding.patch else None,
        "path": [{"line": int(s[1]), "text": s[2].strip()} for s in steps if s[1].isdigit()],
    }  # fmt: skip


def worst(document: dict[str, Any]) -> Severity | None:
    """Return the weight of the worst finding that is not older than the change."""
    found = {
        f["severity"] for f in document["findings"] if f["change"] not in ("fixed", "unchanged")
    }
    return next((s for s in Severity if s.value in found), None)
