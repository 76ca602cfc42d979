"""A revision's boots against the base's: what it fixes, introduces, or leaves as it was. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from patchbot.model import Change, Finding, Severity, Status
from patchbot.qemu.boot import Outcome


@dataclass(frozen=True, slots=True)
class Pair:
    """One scenario on the base and on the revision; `logs` say where their serial lines are."""

    scenario: str
    base: Outcome
    after: Outcome
    logs: tuple[str, str]

    @property
    def change(self) -> Change | None:
        """How the scenario's answer changed; None where one of the two gave no answer."""
        if self.base.error or self.after.error:
            return None
        if bool(self.base.failed) == bool(self.after.failed):
            return Change.UNCHANGED
        return Change.INTRODUCED if self.after.failed else Change.FIXED


def judge_pairs(pairs: Sequence[Pair]) -> tuple[Status, str]:
    """Return the status of some scenarios, and the reason."""
    words = "; ".join(_words(pair) for pair in pairs)
    changes = [pair.change for pair in pairs]
    if Change.INTRODUCED in changes:
        return Status.FAIL, words
    if any(pair.after.error or pair.base.error for pair in pairs):
        return Status.ERROR, words
    if not any(pair.after.good or pair.after.failed for pair in pairs):
        return Status.SKIPPED, words or "no scenario ran"
    return Status.PASS, words


def _words(pair: Pair) -> str:
    if pair.after.error:
        return f"{pair.scenario}: no answer, {pair.after.error}"
    if pair.base.error:
        return f"{pair.scenario}: no answer on the base, {pair.base.error}"
    if pair.change is Change.UNCHANGED:
        how = "fails as on the base" if pair.after.failed else "good"
        return f"{pair.scenario}: {how}, {pair.after.seconds:.1f} s"
    return f"{pair.scenario}: {pair.change}"


def find_changes(pairs: Sequence[Pair]) -> list[Finding]:
    """Return a finding for every scenario that is not good before and after."""
    return [found for pair in pairs if (found := _finding(pair)) is not None]


def _finding(pair: Pair) -> Finding | None:
    failed = pair.after.failed or pair.base.failed
    if pair.change is None or not failed:
        return None
    introduced = pair.change is Change.INTRODUCED
    evidence = [f"base: {pair.base.failed or 'good'} ({pair.logs[0]})"]
    evidence.append(f"with the patches: {pair.after.failed or 'good'} ({pair.logs[1]})")
    return Finding(
        rule=pair.scenario,
        severity=Severity.ERROR if introduced else Severity.NOTE,
        message=failed,
        evidence="\n".join(evidence),
        change=pair.change,
    )
