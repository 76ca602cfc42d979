"""The survey: every candidate, what speaks for it, and what the checks say of it on each tree."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from patchbot.mail.thread import Mails
from patchbot.model import Status
from tools.survey.archive import Candidate, Window, find_candidates
from tools.survey.check import Introduced, Outcome, Tree, try_revision
from tools.survey.evidence import Evidence, judge_candidate, read_citations

NEVER_FIXED = "merged, never fixed"
FIXED = "merged, fixed later"
NOT_MERGED = "not known to be merged"
GROUPS = (NEVER_FIXED, FIXED, NOT_MERGED)

Place = tuple[str, str, str, str]
"""Of a finding: its series' title, the tree, the rule, and the function."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a person who read the code says of a finding: `judgement` is "true" or "false"."""

    judgement: str
    reason: str


@dataclass(frozen=True, slots=True)
class Surveyed:
    """One candidate that applies to at least one tree."""

    candidate: Candidate
    evidence: Evidence
    outcomes: tuple[Outcome, ...]

    @property
    def group(self) -> str:
        """Which of `GROUPS` it is in."""
        if not self.evidence.merged:
            return NOT_MERGED
        return FIXED if self.evidence.fixed_by else NEVER_FIXED

    @property
    def title(self) -> str:
        """The revision's title."""
        return self.candidate.revision.title

    def findings(self) -> Iterator[tuple[Place, Introduced]]:
        """Yield every finding with its place."""
        for outcome in self.outcomes:
            for found in outcome.findings:
                yield (self.title, outcome.tree, found.rule, found.function), found

    @property
    def failed(self) -> bool:
        """Whether the static stage fails it on any tree."""
        return any(outcome.status is Status.FAIL for outcome in self.outcomes)


def run_survey(
    mails: Mails,
    window: Window,
    trees: Sequence[Tree],
    folder: Path,
    newer: Path | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Iterator[Surveyed | Candidate]:
    """Yield each candidate: surveyed, or as it is where it applies to no tree.

    Scratch repositories are made in `folder`, which the caller removes; the trees stay as they are.
    """
    say("reading what mails say of commits")
    cited = read_citations(mails)
    say("building the series")
    for candidate in find_candidates(mails, window):
        tried = [try_revision(candidate.revision, t, folder / "scratch", say) for t in trees]
        outcomes = tuple(each for each in tried if each is not None)
        if outcomes:
            evidence = judge_candidate(candidate, mails, cited, newer)
            yield Surveyed(candidate, evidence, outcomes)
        else:
            yield candidate


def read_judged(path: Path) -> Mapping[Place, Judged]:
    """Read a file of judged findings; raises `OSError`, `KeyError` or `TOMLDecodeError`."""
    table = tomllib.loads(path.read_text("utf-8"))
    return {
        (each["subject"], tree, each["rule"], each["function"]): Judged(
            each["judgement"], " ".join(each["reason"].split())
        )
        for each in table.get("finding", ())
        for tree in each["trees"]
    }
