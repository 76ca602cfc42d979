"""Measure and print ratios."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable


def measure(call: Callable[[int], object], rounds: int = 5) -> float:
    """Return the median run time of `call` in seconds; it is told the round, from 0."""
    seconds = []
    for number in range(rounds):
        start = time.perf_counter()
        call(number)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def say(text: str) -> None:
    """Tell on standard error what is being measured."""
    print(text, file=sys.stderr, flush=True)


def report(what: str, ours: float, against: str, theirs: float) -> None:
    """Print one ratio: how many times longer the other takes."""
    print(f"{what:<34} {ours:8.3f} s   {against:<34} {theirs:8.3f} s   {theirs / ours:7.2f} x")
