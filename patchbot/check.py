"""`patchbot check`: the rules over files, over a range of commits, or over an applied revision."""

from __future__ import annotations

import difflib
import functools
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchbot_checks import RULES, FolderSources, NotUnderstood, Report, check_files
from patchbot_checks import Finding as Found
from patchbot_checks.program import Program

from patchbot.errors import PatchbotError, UsageError
from patchbot.git import Repository
from patchbot.mail.archive import parse_message_id
from patchbot.model import Severity, Status
from patchbot.static.commits import Checked, check_commits
from patchbot.static.files import collect_files, find_top
from patchbot.static.outcome import OWN_RULES, Told, judge, tell
from patchbot.workers import WORKERS

if TYPE_CHECKING:
    from patchbot.diagnostics import Narrator
    from patchbot.review import Options
    from patchbot.settings import Settings
    from patchbot.store import Store

SCHEMA = "patchbot.check/1"
_MAX_COMMITS = 500
_QUIET_S = 1.0
_MANY_BYTES = 300_000
_NAMED = re.compile(r"(.+):v(\d+(?:\.\d+)*)", re.S)
Rules = tuple[str, ...] | None
Say = Callable[[str], None]
Tick = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Trail:
    """Commits to check, oldest first, on top of a base; `names` are theirs, such as "patch 3"."""

    base: str
    commits: tuple[str, ...]
    names: tuple[str, ...]


class Patiently:
    """Says what is being done, at most once a second, and nothing in the first."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._last = time.monotonic()

    def say(self, text: str) -> None:
        """Say it, unless something was said just now."""
        if time.monotonic() - self._last >= _QUIET_S:
            self._say(text)
            self._last = time.monotonic()


def find_rules(names: Sequence[str]) -> Rules:
    """Return the names of rules, None for all; raises `UsageError` for an unknown one."""
    for name in names:
        _require(name, tuple(RULES))
    return tuple(dict.fromkeys(names)) or None


def _require(name: str, known: Sequence[str]) -> None:
    if name not in known:
        close = difflib.get_close_matches(name, known, 3, 0.5)
        hint = f"did you mean {' or '.join(close)}?" if close else f"there are: {', '.join(known)}"
        raise UsageError(f"there is no rule {name!r}", hint=hint)


def explanations() -> dict[str, str]:
    """Return the whole explanation of every rule, and of what patchbot itself finds, by name."""
    return {name: rule.explanation for name, rule in RULES.items()} | OWN_RULES


def explain(name: str) -> str:
    """Return the whole explanation of a rule; raises `UsageError` for an unknown one."""
    known = explanations()
    _require(name, tuple(known))
    return f"{name}\n\n{known[name].rstrip()}\n"


def check_paths(paths: Sequence[Path], rules: Rules, say: Say, tick: Tick) -> dict[str, Any]:
    """Check files and folders as they are; raises `PatchbotError` where one is not there."""
    files = collect_files(paths)
    top = find_top(files)
    names = [str(path.relative_to(top)) for path in files]
    progress = Patiently(say)
    reports: list[Report] = []
    sizes = {name: path.stat().st_size for name, path in zip(names, files, strict=True)}
    for report in _check_each(sizes, top, rules, tick):
        reports.append(report)
        progress.say(f"checked {report.files[0]} ({len(reports)} of {len(files)})")
    order = {name: number for number, name in enumerate(names)}
    reports.sort(key=lambda report: order[report.files[0]])
    return _document_of_files(reports, top, rules)


def _check_each(sizes: Mapping[str, int], top: Path, rules: Rules, tick: Tick) -> Iterator[Report]:
    """Check files by their sizes: many or large ones in several processes, the largest first."""
    if len(sizes) == 1 or sum(sizes.values()) < _MANY_BYTES:
        program = Program(FolderSources(top))
        for name in sizes:
            yield check_files(program.sources, [name], rules, tick=tick, program=program)
    else:
        check = functools.partial(_check_one, str(top), rules)
        yield from WORKERS.map(check, sorted(sizes, key=lambda name: -sizes[name]))


_programs: dict[str, Program] = {}


def _check_one(top: str, rules: Rules, name: str) -> Report:
    """Check one file in a worker process, which keeps what it read of the tree."""
    program = _programs.setdefault(top, Program(FolderSources(Path(top))))
    return check_files(program.sources, [name], rules, program=program)


def _document_of_files(reports: Sequence[Report], top: Path, rules: Rules) -> dict[str, Any]:
    here = Path.cwd()

    def shown(path: str) -> str:
        whole = top / path
        return str(whole.relative_to(here)) if whole.is_relative_to(here) else str(whole)

    rows = [_row(found) for report in reports for found in report.findings]
    lost = [_lost_row(each) for report in reports for each in report.not_understood]
    for row in (*rows, *lost):
        row["file"] = shown(row["file"])
    return {
        "schema": SCHEMA,
        "rules": list(rules or RULES),
        "files": [shown(path) for report in reports for path in report.files],
        "functions": sum(report.functions for report in reports),
        "findings": rows,
        "not_understood": lost,
        "summary": None,
    }


def _row(found: Found, told: Told | None = None, trail: Trail | None = None) -> dict[str, Any]:
    at = told.commit if told else None
    return {
        "rule": found.rule,
        "severity": (told.severity if told else found.severity).value,
        "file": found.file, "line": found.line, "function": found.function,
        "message": found.message, "condition": found.condition, "key": found.key,
        "change": told.change.value if told and told.change else None,
        "patch": at, "commit": trail.commits[at - 1] if trail and at else None,
        "path": [{"line": step.line, "text": step.text} for step in found.steps],
    }  # fmt: skip


def _lost_row(lost: NotUnderstood, between: str = "") -> dict[str, Any]:
    reason = f"{lost.reason}{between}"
    return {"file": lost.file, "line": lost.line, "function": lost.function, "reason": reason}


def find_range(tree: Repository, text: str) -> Trail:
    """Return the commits of A..B, which is what git log lists; raises `UsageError`.

    Their base is the first one's parent: A itself, or where B's branch left A's.
    """
    first, dots, last = text.partition("..")
    if not dots or last.startswith("."):
        raise UsageError(f"{text!r} is no range", hint="such as --range v6.12..HEAD")
    for name in (first or "HEAD", last or "HEAD"):
        if tree.resolve_commit(name) is None:
            raise UsageError(f"{tree.top} has no commit {name!r}", hint="see git log there")
    ends = [str(tree.resolve_commit(name or "HEAD")) for name in (first, last)]
    listed = tree.run("rev-list", "--reverse", "--first-parent", f"{ends[0]}..{ends[1]}")
    commits = tuple(listed.stdout.decode().split())
    if not commits:
        raise UsageError(f"there is no commit in {text}", hint="the older commit comes first")
    if len(commits) > _MAX_COMMITS:
        raise UsageError(
            f"{len(commits)} commits are more than {_MAX_COMMITS}", hint="choose a shorter range"
        )
    base = tree.resolve_commit(f"{commits[0]}^")
    if base is None:
        raise UsageError(
            f"{commits[0][:12]} has no parent to compare with",
            hint=f"leave it out: --range {commits[0][:12]}..{last or 'HEAD'}",
        )
    return Trail(base, commits, tuple(f"commit {each[:12]}" for each in commits))


def split_revision(text: str) -> tuple[str, str | None]:
    """Return the message-id and the revision ("4" of "<id>:v4"), None where none is named."""
    match = _NAMED.fullmatch(text)
    return (match[1], match[2]) if match else (text, None)


def find_revision(
    tree: Repository, text: str, options: Options, settings: Settings, narrator: Narrator
) -> Trail:
    """Return the commits of a revision such as "<id>:v4"; applies it where that was not done yet.

    No review is kept of it. Raises a `PatchbotError` where it can't be had or does not apply.
    """
    from patchbot.report.document import render_document
    from patchbot.review import run_review
    from patchbot.store import Store
    from patchbot.workspace import run_folder

    name, label = split_revision(text)
    store = Store(settings.home)
    try:
        anew = label is None or options.base is not None or options.lore is not None
        known = None if anew else _find_applied(store, tree, name, f"v{label}")
        if known is not None:
            return known
        asked = replace(options, targets=(name,), revision=label or "latest")
        with narrator.working(), run_folder(settings.home, keep=False) as folder:
            review = run_review(asked, settings, store, narrator, folder)
        return _make_trail(render_document(review)["revisions"][-1])
    finally:
        store.close()


def _find_applied(store: Store, tree: Repository, name: str, label: str) -> Trail | None:
    """Return the commits of a revision in a kept review, if its ref still stands."""
    kept = store.find_review(parse_message_id(name)[0] if "@" in name else name)
    for revision in kept.document["revisions"] if kept else ():
        data = revision["stages"].get("apply", {}).get("data", {})
        commits = data.get("commits")
        if revision["label"] == label and commits:
            applied = tree.resolve_commit(str(data.get("ref"))) == commits[-1]
            return _make_trail(revision) if applied else None
    return None


def _make_trail(revision: dict[str, Any]) -> Trail:
    """Return the commits of a revision in a review document; raises `PatchbotError` for none."""
    applied = revision["stages"]["apply"]
    data = applied["data"]
    if not data.get("commits"):
        raise PatchbotError(
            f"{revision['label']} is not applied: {applied['reason']}",
            hint="patchbot apply says more; --base names another commit to apply it to",
        )
    names = tuple(f"patch {patch['number']}" for patch in revision["patches"])
    return Trail(str(data["base"]), tuple(data["commits"]), names)


def check_trail(
    tree: Repository, trail: Trail, rules: Rules, say: Say, tick: Tick
) -> dict[str, Any]:
    """Check commits on top of a base, and return the document; raises `GitError`."""
    progress = Patiently(say)

    def begun(number: int) -> None:
        what = trail.names[number - 1] if number else "the base"
        progress.say(f"checking {what} ({number} of {len(trail.commits)} done)")

    checked = check_commits(tree, trail.base, trail.commits, rules, tick=tick, begun=begun)
    return _document_of_commits(checked, trail, rules)


def _document_of_commits(checked: Checked, trail: Trail, rules: Rules) -> dict[str, Any]:
    status, reason = judge(checked)
    lost = [_lost_row(each) for each in checked.lost_here]
    for spell in checked.lost_between:
        names = trail.names[spell.touched - 1], trail.names[(spell.until or 1) - 1]
        lost.append(_lost_row(spell.what, f" (from {names[0]} to before {names[1]})"))
    return {
        "schema": SCHEMA,
        "rules": list(checked.rules or rules or RULES),
        "files": list(checked.files),
        "functions": checked.functions,
        "findings": [_row(told.found, told, trail) for told in tell(checked.tracked, trail.names)],
        "not_understood": lost,
        "summary": {
            "status": status.value,
            "reason": reason,
            "base": trail.base,
            "commits": list(trail.commits),
        },
    }


def is_answered(document: dict[str, Any]) -> bool:
    """Whether something was checked, and all of it could be analysed."""
    if document["summary"]:
        return document["summary"]["status"] in (Status.PASS, Status.WARN, Status.FAIL)
    return bool(document["functions"]) and not document["not_understood"]


def worst(document: dict[str, Any]) -> Severity | None:
    """Return the weight of the worst finding that is not older than the change."""
    found = {
        f["severity"] for f in document["findings"] if f["change"] not in ("fixed", "unchanged")
    }
    return next((s for s in Severity if s.value in found), None)
