"""What could not be understood, over the commits of a series: since when, by whose doing. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from patchbot_checks import NotUnderstood

from patchbot.static.changes import FileChange, find_renames

Where = tuple[str, str]
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class LostStep:
    """One commit (0 is the base): what changed to it, and what of it could not be understood.

    `spans` are the first and last lines of each (path, function); an end of 0 is that of the file.
    """

    number: int
    changes: Mapping[str, FileChange]
    lost: Sequence[NotUnderstood]
    spans: Mapping[Where, Sequence[Span]] = field(default_factory=dict)


@dataclass(slots=True)
class Spell:
    """A file or function, as long as it could not be understood.

    `touched` is the first commit that made it so, or changed it while it was so; 0 for none.
    `until` is the commit that has it understood again, or gone; None for none.
    """

    what: NotUnderstood
    touched: int
    until: int | None = None


def follow_lost(steps: Sequence[LostStep]) -> list[Spell]:
    """Follow each thing that could not be understood, from its first commit to its last."""
    spells: list[Spell] = []
    for step in steps:
        renames = find_renames(step.changes)
        alive = [spell for spell in spells if spell.until is None]
        known = {move_where(spell.what, renames): spell for spell in alive}
        for each in step.lost:
            spell = known.pop((each.file, each.function), None)
            if spell is None:
                spells.append(Spell(each, step.number))
                continue
            spell.what = each
            if not spell.touched and _is_touched(each, step):
                spell.touched = step.number
        for spell in known.values():
            spell.until = step.number
    return spells


def move_where(lost: NotUnderstood, renames: Mapping[str, str]) -> Where:
    """Return the path and function of what was lost, after files were renamed."""
    return renames.get(lost.file, lost.file), lost.function


def _is_touched(lost: NotUnderstood, step: LostStep) -> bool:
    change = step.changes.get(lost.file)
    spans = step.spans.get((lost.file, lost.function), [(1, 0)])
    return change is not None and any(change.touches(first, last) for first, last in spans)
