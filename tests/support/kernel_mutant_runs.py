"""Exploring a real tree with single faults: the tree is parsed once, and a changed file again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from kernel_sim.explore.model import Bounds, Failure, Mode, Outcome
from kernel_sim.explore.search import Search
from kernel_sim.kit import find_kit
from kernel_sim.machine.native_engine import NativeEngine
from kernel_sim.machine.python_engine import PythonEngine
from kernel_sim.program import Built, Sources
from kernel_sim.scenario import load_scenarios

_SCENARIOS = load_scenarios()


class Fault(Protocol):
    """A fault in one file of a tree; `apply` gives its text with it, None where it has no place."""

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def file(self) -> str:
        """Path in the tree."""

    def apply(self, text: str) -> str | None:
        """The changed text of the file."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one search gave: the outcome, how many seconds it took, and with which engine."""

    scenario: str
    bound: int
    engine: str
    outcome: Outcome
    seconds: float

    @property
    def verdict(self) -> str:
        """What the search says, in a word: the kind of failure, "passed", or why neither."""
        if self.outcome.failure is not None:
            return self.outcome.failure.kind
        if self.outcome.reasons:
            return f"inconclusive: {self.outcome.reasons[0]}"
        return "passed" if self.outcome.complete else "not finished"


@dataclass(slots=True)
class MutantTree:
    """A folder with a tree's files, which is changed and restored; `home` keeps headers, programs.

    No file is written in place, so the folder may have hard links to a tree that is kept.
    """

    tree: Path
    home: Path
    sources: Sources = field(init=False)
    _stale: str = ""

    def __post_init__(self) -> None:
        kit = find_kit(lambda path: (self.tree / path).exists())
        self.sources = Sources(self.tree, kit, self.home / "headers")

    @contextmanager
    def changed(self, mutant: Fault) -> Iterator[None]:
        """Have the fault in the tree; raises `ValueError` where it has no place there."""
        path = self.tree / mutant.file
        before = path.read_text("utf-8", "surrogateescape")
        after = mutant.apply(before)
        if after is None:
            raise ValueError(f"{mutant.name}: no such place in {mutant.file}")
        try:
            _write(path, after)
            self._read(mutant.file)
            yield
        finally:
            _write(path, before)
            self._stale = mutant.file

    def _read(self, changed: str = "") -> None:
        """Read what has changed; a file that was restored only if no fault is in it again."""
        for path in {self._stale, changed} - {""}:
            self.sources.read_again(path)
        self._stale = ""

    def build(self, scenario: str) -> Built:
        """The program of a scenario on the tree as it is."""
        if self._stale:
            self._read()
        return self.sources.build(_SCENARIOS[scenario])

    def explore(self, scenario: str, bound: int, seconds: float = 120, few: int = 8) -> Run:
        """Search up to a bound: `few` executions in Python, which spares the compiler, then all.

        Most faults show in the first executions; with no `seconds`, these are all there is.
        """
        start = time.monotonic()
        program = self.build(scenario).program
        bounds = Bounds(bound, executions=None if bound == 0 else few)
        outcome = Search(PythonEngine(program), Mode.DPOR, bounds).explore()
        if outcome.failure is not None or outcome.complete or seconds <= 0:
            return self._run(scenario, bound, "python", outcome, start)
        engine = NativeEngine(program, self.home / "programs")
        try:
            outcome = engine.explore(Mode.DPOR, Bounds(bound, seconds=seconds)).outcome
        finally:
            engine.executable.unlink()
        return self._run(scenario, bound, "native", outcome, start)

    def _run(self, scenario: str, bound: int, engine: str, outcome: Outcome, start: float) -> Run:
        return Run(scenario, bound, engine, outcome, round(time.monotonic() - start, 1))

    def replay(self, scenario: str, schedule: str) -> dict[str, Failure | None]:
        """What both engines say of one schedule."""
        program = self.build(scenario).program
        native = NativeEngine(program, self.home / "programs")
        try:
            theirs = native.replay(schedule)[0].failure
        finally:
            native.executable.unlink()
        return {"python": PythonEngine(program).replay(schedule)[0].failure, "native": theirs}


def _write(path: Path, text: str) -> None:
    aside = path.with_suffix(".new")
    aside.write_text(text, "utf-8", "surrogateescape")
    aside.replace(path)
