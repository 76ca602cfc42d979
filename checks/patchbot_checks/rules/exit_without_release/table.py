"""What is taken and given back, from the tables of facts, and what leaves it alone."""

from __future__ import annotations

from patchbot_checks.resources import WAYS, Effect, Kind, effects, named
from patchbot_checks.tables import plays

__all__ = ["WAYS", "Effect", "Kind", "effects", "is_neutral", "is_same_object", "named"]


def is_same_object(name: str) -> bool:
    """Whether a call by this name gives the same object each time."""
    return plays(name, "same-object")


def is_neutral(name: str) -> bool:
    """Whether a call by this name leaves a lock that it gets as it is."""
    return plays(name, "leaves-lock")
