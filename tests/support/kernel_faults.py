"""Faults seeded into a real kernel, each with the scenario that is meant to see it.

They are made by syntax, as the lab's and the rules' seeds are: by what a function calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from patchbot.lab.faults import list_from_zero, protect_nothing, return_early

Change = Callable[[Mapping[str, bytes]], dict[str, bytes]]


@dataclass(frozen=True, slots=True)
class KernelFault:
    """A change of files that brings a fault, and the scenarios that must fail with it.

    `spares` are scenarios that must not: they tell that it is this fault, and not any.
    """

    name: str
    change: Change
    caught_by: tuple[str, ...]
    spares: tuple[str, ...] = ()


FAULTS = (
    KernelFault(
        "range-start-0",
        list_from_zero,
        ("write-protect/later-page", "write-protect/tail-page", "commit-verify/large-blocks"),
        ("write-protect/first-page",),
    ),
    KernelFault(
        "early-return",
        return_early,
        ("write-protect/first-page", "write-protect/journal-flag"),
    ),
    KernelFault(
        "protects-nothing",
        protect_nothing,
        ("write-protect/first-page", "write-protect/small-blocks", "crash-images"),
    ),
)
