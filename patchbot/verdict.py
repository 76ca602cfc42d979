"""From stage results to a verdict: a pure function and a table. Nothing else decides.

A verdict says what was examined, and no more: unless the caller asked for particular stages, an
*accept* needs at least one stage that looked at what the change does. That a series applies is
not a reason to merge it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from patchbot.model import Change, Severity, StageResult, Status, Verdict, VerdictStatus

_RANK = {
    VerdictStatus.ACCEPT: 0,
    VerdictStatus.CANNOT_TELL: 1,
    VerdictStatus.NEEDS_WORK: 2,
    VerdictStatus.REJECT: 3,
}
_BY_STATUS: Mapping[Status, VerdictStatus] = MappingProxyType(
    {
        Status.PASS: VerdictStatus.ACCEPT,
        Status.WARN: VerdictStatus.ACCEPT,
        Status.FAIL: VerdictStatus.NEEDS_WORK,
        Status.ERROR: VerdictStatus.CANNOT_TELL,
        Status.INCONCLUSIVE: VerdictStatus.CANNOT_TELL,
        Status.SKIPPED: VerdictStatus.CANNOT_TELL,
    }
)
_ANSWERS = (Status.PASS, Status.WARN, Status.FAIL)
REJECTING_RULES = frozenset({"unsafe-path", "submodule", "nul-byte", "mail-too-large"})


@dataclass(frozen=True, slots=True)
class Policy:
    """What a verdict asks for.

    `required` stages must have run and passed (or warned). `examining` stages look at what the
    change does; when `asked` is false, at least one of them must have passed for an *accept*.
    `by_status` says what each status of a stage means. A stage in `optional` that was skipped,
    for lack of tools or of a whole kernel, takes nothing from the others' answer, unless `asked`.
    """

    required: tuple[str, ...] = ("apply",)
    examining: tuple[str, ...] = ("static", "tools", "simulate", "build", "smoke")
    optional: tuple[str, ...] = ("tools", "simulate", "build", "smoke")
    asked: bool = False
    by_status: Mapping[Status, VerdictStatus] = field(default_factory=lambda: _BY_STATUS)


def decide_verdict(results: Sequence[StageResult], policy: Policy) -> Verdict:
    """Derive the verdict of one revision: the worst that any stage says, and all its reasons."""
    votes: list[tuple[VerdictStatus, str]] = []
    for result in results:
        votes.append((_vote(result, policy), f"{result.stage}: {_words(result)}"))
    present = {result.stage for result in results}
    for name in policy.required:
        if name not in present:
            votes.append((VerdictStatus.CANNOT_TELL, f"{name}: did not run"))
    if not results:
        votes.append((VerdictStatus.CANNOT_TELL, "no stage ran"))
    passed = [r.stage for r in results if r.status in (Status.PASS, Status.WARN)]
    if not policy.asked and not set(passed) & set(policy.examining):
        reason = "no stage that examines what the change does has passed"
        votes.append((VerdictStatus.CANNOT_TELL, reason))
    worst = max((vote for vote, _ in votes), key=_RANK.__getitem__)
    skipped = {f"{r.stage}: {_words(r)}" for r in results if r.status is Status.SKIPPED}
    told = skipped if worst is VerdictStatus.CANNOT_TELL else set()
    reasons = [
        reason
        for vote, reason in votes
        if vote is worst or worst is VerdictStatus.ACCEPT or reason in told
    ]
    answered = [r.stage for r in results if r.status in _ANSWERS]
    return Verdict(worst, tuple(reasons), tuple(answered))


def _vote(result: StageResult, policy: Policy) -> VerdictStatus:
    rejecting = any(
        f.rule in REJECTING_RULES and f.severity is Severity.ERROR for f in result.findings
    )
    if result.status is Status.FAIL and rejecting:
        return VerdictStatus.REJECT
    if result.status is Status.FAIL and _only_old(result):
        return VerdictStatus.CANNOT_TELL
    if result.status is Status.SKIPPED and result.stage in policy.optional and not policy.asked:
        return VerdictStatus.ACCEPT
    return policy.by_status.get(result.status, VerdictStatus.CANNOT_TELL)


def _only_old(result: StageResult) -> bool:
    """Whether every finding of a failed stage is in the base as well."""
    errors = [f for f in result.findings if f.severity is Severity.ERROR]
    return bool(errors) and all(f.change is Change.UNCHANGED for f in errors)


def _words(result: StageResult) -> str:
    return f"{result.status.value}, {result.reason}" if result.reason else result.status.value
