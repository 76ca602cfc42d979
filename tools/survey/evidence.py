"""What the archive and a newer source say of a revision: was it merged, and was it ever fixed?"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from patchbot.mail.series import series_message_ids
from patchbot.mail.subject import normalise_title, parse_subject
from patchbot.mail.thread import Mails, mail_date
from patchbot.mail.trailers import unquoted
from patchbot.model import Mail, Patch
from patchbot.static.changes import C_SUFFIXES
from tools.survey.archive import Candidate

PRESENT = 0.8
"""How much of what a series adds must stand in the newer source to be proof by itself."""
RELATED = 0.25
"""How much must stand there if only mails about a commit with its title say that it was merged."""
_TELLING_CHARS = 12
_MIN_HASH = 8
_CITED = r"\b([0-9a-f]{7,40})[,:]?\s+\(\s*[\"'](.{4,200}?)[\"']\s*\)"
_CITE = re.compile(_CITED, re.S)
_FIXES = re.compile(
    r"^[ \t]{0,4}Fixes:\s+(?:commit\s+)?([0-9a-f]{6,40})\b(?:\s*\(?[\"'](.{4,200}?)[\"']\s*\)?)?",
    re.S | re.M | re.I,
)
_REVERTS = re.compile(r"^This reverts commit ([0-9a-f]{7,40})\b", re.M)
_REVERT_TITLE = re.compile(r"^revert[: ]+[\"'](.+)[\"']$", re.I)
_UPSTREAM = re.compile(
    r"^(?:\[ ?upstream commit [0-9a-f]{12,40} ?\]|commit [0-9a-f]{12,40} upstream\b)", re.M | re.I
)
_SHORTLOG = re.compile(r"^ {6}(\S.{6,})$", re.M)
_TAKEN = re.compile(
    r"""^(?=\W*[A-Z])\W*(?:(?i:all|both|series|patch(?:es)?)\W+)?(?i:applied|queued|merged)\b
    | (?i:\bt[hn]anks\b[^?]{0,30}\s(?:this\ has\ been\ |i(?:'ve|\ have)\ )?(?:applied|added)\b)
    | (?i:\bi(?:'ve|\ have)?\ (?:applied|merged|queued)\ (?:it|this|them|both|the\ \w+)\b)
    | (?i:\bi(?:'ve|\ have)?\ added\ the\ (?:patch|series)\b)
    | (?i:\balready\ merged\b | \bnow\ queued\ up\b) """,
    re.X,
)
_UNTAKEN = re.compile(
    r"\b(?:if|when|once|after|until|unless|cannot|can't|not|on top of|would|\w+n't)\b|\?", re.I
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a revision is taken as merged (empty: it is not), and what fixed it later."""

    merged: tuple[str, ...]
    fixed_by: tuple[str, ...]


@dataclass(slots=True)
class Cited:
    """What all mails say of commits, by normalised title: cited, in a pull, in a stable tree."""

    merged: dict[str, list[tuple[Mail, str]]] = field(default_factory=lambda: defaultdict(list))
    fixes: dict[str, list[Mail]] = field(default_factory=lambda: defaultdict(list))


def read_citations(mails: Mails) -> Cited:
    """Collect what mails say of commits; a hash without a title gets it from other mails."""
    found = Cited()
    titles: dict[str, str] = {}
    fixed: list[tuple[Mail, str, str]] = []
    for mail in mails:
        for number, title in _CITE.findall(mail.body):
            titles.setdefault(number[:_MIN_HASH], _key(title))
            found.merged[_key(title)].append((mail, "cited with its commit"))
        fixed += [(mail, number, title) for number, title in _find_fixed(mail)]
        for title, how in _find_merged(mail):
            found.merged[_key(title)].append((mail, how))
    for mail, number, title in fixed:
        key = _key(title) if title else titles.get(number[:_MIN_HASH], "")
        found.fixes[key].append(mail)
    return found


def _key(title: str) -> str:
    return normalise_title(" ".join(title.split()))


def _find_fixed(mail: Mail) -> Iterator[tuple[str, str]]:
    """Yield (commit, title or "") of what a mail says it fixes or reverts."""
    yield from _FIXES.findall(mail.body)
    yield from ((number, "") for number in _REVERTS.findall(mail.body))
    subject = parse_subject(mail.subject)
    reverted = _REVERT_TITLE.match(subject.title)
    if reverted and not subject.reply:
        yield "", reverted[1]


def _find_merged(mail: Mail) -> Iterator[tuple[str, str]]:
    subject = parse_subject(mail.subject)
    if subject.reply:
        return
    if _UPSTREAM.search(mail.body):
        yield subject.title, "backported to a stable tree"
    if subject.pull:
        yield from ((title, "in a pull request") for title in _SHORTLOG.findall(mail.body))


def judge_candidate(
    candidate: Candidate, mails: Mails, cited: Cited, newer: Path | None
) -> Evidence:
    """Say whether a revision was merged, and what fixed it later.

    Of a revision that another one followed, only the newer source can say so.
    """
    share = find_share(candidate.revision.patches, newer) if newer is not None else None
    merged: list[str] = []
    if not candidate.superseded:
        merged += _find_taken(candidate, mails)
        if merged or share is None or share >= RELATED:
            merged += _find_cited(candidate, cited)
    if newer is not None and share is not None and share >= PRESENT:
        merged.append(f"{share:.0%} of its lines stand in {newer.name}")
    return Evidence(tuple(dict.fromkeys(merged)), tuple(_find_fixes(candidate, cited)))


def _find_taken(candidate: Candidate, mails: Mails) -> Iterator[str]:
    """Yield what maintainers answered: that they have taken it."""
    own = series_message_ids(candidate.series)
    for message_id in candidate.revision.message_ids:
        for reply in mails.descendants(message_id) if message_id in mails else ():
            if reply.message_id not in own and is_taken(reply.body):
                yield f"{reply.name} has answered that it is applied"


def is_taken(body: str) -> bool:
    """Whether a reply's own words say that the patch was taken into a tree."""
    lines = unquoted(body).split("\n")
    return any(_TAKEN.search(line) and not _UNTAKEN.search(line) for line in lines)


def _find_cited(candidate: Candidate, cited: Cited) -> Iterator[str]:
    """Yield how later mails name the revision's patches as commits, if they name every one."""
    own, begin = series_message_ids(candidate.series), candidate.revision.date
    ways: list[list[str]] = []
    for patch in candidate.revision.patches:
        mails = cited.merged.get(_key(patch.title), ())
        ways.append(
            [
                how
                for mail, how in mails
                if mail.message_id not in own and begin is not None and mail_date(mail) > begin
            ]
        )
    if all(ways):
        yield from dict.fromkeys(how for each in ways for how in each)


def _find_fixes(candidate: Candidate, cited: Cited) -> Iterator[str]:
    own, begin = series_message_ids(candidate.series), candidate.revision.date
    titles: dict[str, None] = {}
    for patch in candidate.revision.patches:
        for mail in cited.fixes.get(_key(patch.title), ()):
            if mail.message_id not in own and begin is not None and mail_date(mail) > begin:
                titles[parse_subject(mail.subject).title] = None
    yield from titles


def find_share(patches: Sequence[Patch], newer: Path) -> float | None:
    """Return how much of what patches add stands in a newer source, None where nothing tells.

    What a series takes away counts where it adds nothing: it must be gone.
    """
    added, removed = _changed_lines(patches)
    texts = {path: _read_lines(newer / path) for path in {path for path, _ in added | removed}}
    if not added:
        gone = [line not in texts[path] for path, line in removed if texts[path]]
        return sum(gone) / len(gone) if gone else None
    return sum(line in texts[path] for path, line in added) / len(added)


def _read_lines(path: Path) -> frozenset[str]:
    try:
        return frozenset(line.strip() for line in path.read_text("utf-8", "replace").split("\n"))
    except OSError:
        return frozenset()


def _changed_lines(patches: Sequence[Patch]) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Return the telling lines that patches leave added, and removed, each with its path."""
    added: set[tuple[str, str]] = set()
    removed: set[tuple[str, str]] = set()
    for patch in patches:
        for path, sign, line in _diff_lines(patch):
            mine, other = (added, removed) if sign == "+" else (removed, added)
            mine.add((path, line))
            other.discard((path, line))
    return added, removed


def _diff_lines(patch: Patch) -> Iterator[tuple[str, str, str]]:
    path = ""
    for line in patch.mail.body.split("\n"):
        if line.startswith("+++ "):
            path = line[4:].split("\t")[0].strip().removeprefix("b/")
        elif line[:1] in ("+", "-") and not line.startswith("--- ") and path.endswith(C_SUFFIXES):
            text = line[1:].strip()
            if len(text) >= _TELLING_CHARS:
                yield path, line[0], text
