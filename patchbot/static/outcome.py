"""What the findings over some commits come to: a status with its reason, and each thing to tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from patchbot_checks import Finding as Found
from patchbot_checks import Severity as FoundSeverity

from patchbot.model import Change, Severity, Status
from patchbot.static.commits import Checked
from patchbot.static.relative import Tracked

NOT_BISECT_CLEAN = "not-bisect-clean"
NOT_UNDERSTOOD = "not-understood"
OWN_RULES = {
    NOT_BISECT_CLEAN: """\
One patch of a series brings what a later one takes away again.

The end of the series is right, but the commits between have the fault: who bisects another bug may
land on one of them, and who picks a part of the series for a stable tree gets the fault alone.

Use instead: move the correction into the patch that brings the fault (git rebase --autosquash).
""",
    NOT_UNDERSTOOD: """\
A file or function could not be analysed.

It is neither clean nor faulty: nobody looked. Findings that were in it before count as still there.
Where a patch made it so, or changed it while it was so, the whole answer is inconclusive.

Use instead: see the reason. Code that no C parser takes is often damaged, or needs a macro that the
rules do not know.
""",
}


@dataclass(frozen=True, slots=True)
class Told:
    """One thing to tell of commits: what was found, how it changed, and by which commit.

    `commit` counts from 1; None for what is left as the base has it. `first` is the finding as the
    commit that brought it had it.
    """

    found: Found
    first: Found
    severity: Severity
    change: Change | None
    commit: int | None


def judge(checked: Checked) -> tuple[Status, str]:
    """Return the status of what was checked, and its reason."""
    if not checked.files:
        return Status.SKIPPED, "no C file is changed"
    new = [t.finding.severity.value for t in checked.tracked if t.brought and t.removed is None]
    passing = sum(1 for t in checked.tracked if t.brought and t.removed is not None)
    reason = f"{_scope(checked)}: {', '.join(_results(checked, len(new), passing))}"
    if "error" in new:
        return Status.FAIL, reason
    nothing = not checked.functions and not checked.gone
    if checked.lost_here or checked.lost_between or nothing:
        return Status.INCONCLUSIVE, reason
    return (Status.WARN if "warning" in new or passing else Status.PASS), reason


def _scope(checked: Checked) -> str:
    files = _count(len(checked.files), "file")
    others = f" ({checked.others} that are no C left out)" if checked.others else ""
    functions = _count(checked.functions, "function")
    if checked.looked < checked.functions:
        functions = f"{checked.looked} of {functions}"
    return f"{_count(len(checked.rules), 'rule')} on {files}{others}, {functions}"


def _results(checked: Checked, new: int, passing: int) -> list[str]:
    old = [t for t in checked.tracked if not t.brought]
    left = sum(1 for t in old if t.removed is None)
    words = [f"{new} introduced" if new else "nothing introduced"]
    words += [f"{len(old) - left} fixed"] * (len(old) > left)
    words += [f"{left} left"] * bool(left)
    words += [f"{passing} between the patches only"] * bool(passing)
    words += [f"{len(checked.lost_here)} not understood"] * bool(checked.lost_here)
    between = len(checked.lost_between)
    return words + [f"{between} not understood between the patches"] * bool(between)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def tell(tracked: Sequence[Tracked], names: Sequence[str]) -> list[Told]:
    """Return all that is to be told: the introduced first, then fixed, then left, by commit.

    `names` are the commits' names in a sentence, such as "patch 3".
    """
    return sorted(_each(tracked, names), key=_order)


def _each(tracked: Sequence[Tracked], names: Sequence[str]) -> Iterator[Told]:
    for each in tracked:
        found, first = each.finding, each.as_brought
        if each.brought and each.removed:
            passing = _passing(each, names)
            yield Told(passing, passing, Severity.WARNING, None, each.brought)
        elif each.removed:
            yield Told(found, first, Severity.NOTE, Change.FIXED, each.removed)
        elif each.brought:
            severity = Severity(found.severity.value)
            yield Told(found, first, severity, Change.INTRODUCED, each.brought)
        else:
            yield Told(found, first, Severity.NOTE, Change.UNCHANGED, None)


def _passing(each: Tracked, names: Sequence[str]) -> Found:
    found = each.as_brought
    bringer, remover = names[each.brought - 1], names[(each.removed or 1) - 1]
    told = f"{bringer} brings what {remover} takes away again"
    return replace(
        found,
        rule=NOT_BISECT_CLEAN,
        severity=FoundSeverity.WARNING,
        message=f"{told} ({found.rule}): {found.message}",
        key=f"{NOT_BISECT_CLEAN}|{found.key}",
    )


def _order(told: Told) -> tuple[int, int, str, int]:
    ranks = {Change.INTRODUCED: 0, None: 1, Change.FIXED: 2, Change.UNCHANGED: 3}
    return ranks[told.change], told.commit or 0, told.found.file, told.found.line
