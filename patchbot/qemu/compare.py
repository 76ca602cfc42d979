"""A revision's boots against the base's: what it fixes, introduces, or leaves as it was. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from patchbot.model import Change, Finding, Severity, Status
from patchbot.qemu.boot import Outcome

_ORDER = (
    "introduced", "fixed", "no answer", "no answer on the base", "fails as on the base", "skipped",
    "good",
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
        if bool(self.base.failed) != bool(self.after.failed):
            return Change.INTRODUCED if self.after.failed else Change.FIXED
        # Both fail: what was good on the base and is not any more is new all the same.
        worse = self.after.failing & {case.name for case in self.base.cases if case.good}
        return Change.INTRODUCED if worse else Change.UNCHANGED


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
    return Status.PASS, words


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
        return pair.change.value, pair.scenario
    return ("fails as on the base" if pair.after.failed else "good"), pair.scenario


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
    often = f" in {outcome.runs} runs" if outcome.runs > 1 else ""
    return outcome.failed or f"good{often}"
