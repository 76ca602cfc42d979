"""A revision's boots against the base's: what it fixes, introduces, or leaves as it was. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from patchbot.model import Change, Finding, Severity, Status
from patchbot.qemu.boot import Outcome

_SIGNIFICANT = 0.02
_ORDER = (
    "introduced", "fixed", "no answer", "no answer on the base", "fails, too seldom to tell",
    "fails as on the base", "skipped", "good",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pair:
    """One scenario on the base and on the revision; `logs` say where their serial lines are.

    `base` is None where there is nothing to compare with.
    """

    scenario: str
    base: Outcome | None
    after: Outcome
    logs: tuple[str, str]

    @property
    def change(self) -> Change | None:
        """How the scenario's answer changed; None where one of the two gave no answer."""
        if self.base is None or not self.base.answered or not self.after.answered:
            return None
        if self.base.runs > 1 and self.after.runs > 1:
            return self._by_count(self.base, self.after)
        if bool(self.base.failed) != bool(self.after.failed):
            return Change.INTRODUCED if self.after.failed else Change.FIXED
        # Both fail: what was good on the base and is not any more is new all the same.
        worse = self.after.failing & {case.name for case in self.base.cases if case.good}
        return Change.INTRODUCED if worse else Change.UNCHANGED

    @property
    def is_doubtful(self) -> bool:
        """Whether it failed more often than on the base, and too seldom to be no accident.

        A single run says nothing of how often: what fails at once on both is as on the base.
        """
        if self.change is not Change.UNCHANGED or self.base is None:
            return False
        if self.base.runs == 1 or self.after.runs == 1:
            return False
        return self.after.bad_runs * self.base.runs > self.base.bad_runs * self.after.runs

    def _by_count(self, base: Outcome, after: Outcome) -> Change:
        """Tell a change from chance: by Fisher's exact test, on one side."""
        more = chance_of(after.bad_runs, after.runs, base.bad_runs, base.runs)
        less = chance_of(base.bad_runs, base.runs, after.bad_runs, after.runs)
        if more < _SIGNIFICANT:
            return Change.INTRODUCED
        return Change.FIXED if less < _SIGNIFICANT else Change.UNCHANGED


def chance_of(bad: int, runs: int, other_bad: int, other_runs: int) -> float:
    """Return how likely `bad` of `runs` or more would be, were both equally likely to fail.

    Fisher's exact test; `other_bad` of `other_runs` failed on the other side.
    """
    all_bad, everything = bad + other_bad, runs + other_runs
    ways = math.comb(everything, all_bad)
    return (
        sum(
            math.comb(runs, many) * math.comb(other_runs, all_bad - many)
            for many in range(bad, min(runs, all_bad) + 1)
        )
        / ways
    )


def judge_pairs(pairs: Sequence[Pair]) -> tuple[Status, str]:
    """Return the status of some scenarios, and the reason."""
    words = summarize_pairs(pairs)
    changes = [pair.change for pair in pairs]
    if Change.INTRODUCED in changes:
        return Status.FAIL, words
    if any(pair.after.error or (pair.base and pair.base.error) for pair in pairs):
        return Status.ERROR, words
    if not any(pair.after.good or pair.after.failed for pair in pairs):
        return Status.SKIPPED, words or "no scenario ran"
    doubtful = any(pair.is_doubtful for pair in pairs)
    return Status.WARN if doubtful else Status.PASS, words


def summarize_pairs(pairs: Sequence[Pair]) -> str:
    """Say in a line how scenarios went, what changed first."""
    groups: dict[str, list[str]] = {}
    for pair in pairs:
        how, name = _words(pair)
        groups.setdefault(how, []).append(name)
    told = [f"{how}: {', '.join(groups[how])}" for how in _ORDER if how in groups and how != "good"]
    return "; ".join([*told, *([f"{len(groups['good'])} good"] if "good" in groups else [])])


def _words(pair: Pair) -> tuple[str, str]:
    if pair.after.error:
        return "no answer", f"{pair.scenario} ({pair.after.error})"
    if pair.base is not None and pair.base.error:
        return "no answer on the base", f"{pair.scenario} ({pair.base.error})"
    if not pair.after.answered:
        return "skipped", f"{pair.scenario} ({pair.after.why_skipped})"
    if pair.change in (Change.INTRODUCED, Change.FIXED):
        return pair.change.value, pair.scenario + _counts(pair)
    if pair.is_doubtful:
        return "fails, too seldom to tell", pair.scenario + _counts(pair)
    return ("fails as on the base" if pair.after.failed else "good"), pair.scenario


def _counts(pair: Pair) -> str:
    if pair.base is None or pair.after.runs == 1:
        return ""
    after, base = pair.after, pair.base
    return f" ({after.bad_runs} of {after.runs} runs, base {base.bad_runs} of {base.runs})"


def find_changes(pairs: Sequence[Pair]) -> list[Finding]:
    """Return a finding for every scenario that is not good before and after."""
    return [found for pair in pairs if (found := _finding(pair)) is not None]


def _finding(pair: Pair) -> Finding | None:
    before = pair.base.failed if pair.base is not None else ""
    failed = pair.after.failed or before
    if pair.change is None or not failed:
        return None
    introduced = pair.change is Change.INTRODUCED
    evidence = [f"base: {_told(pair.base)} ({pair.logs[0]})"]
    evidence.append(f"with the patches: {_told(pair.after)} ({pair.logs[1]})")
    return Finding(
        rule=pair.scenario,
        severity=Severity.ERROR if introduced else Severity.NOTE,
        message=failed,
        evidence="\n".join(evidence),
        change=pair.change,
    )


def _told(outcome: Outcome | None) -> str:
    if outcome is None:
        return "not run"
    if outcome.runs == 1:
        return outcome.failed or "good"
    often = f"{outcome.bad_runs} of {outcome.runs} runs failed"
    return f"{often}: {outcome.failed}" if outcome.failed else often
