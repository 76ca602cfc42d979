"""The simulator: how fast its engines run, and how much of the search its reductions leave out.

`python -m benchmarks simulator [TREE ...]`: with folders of real trees' sources, these too. No
search takes longer than `PATCHBOT_BENCH_SECONDS` (60) on the clock; one that was cut off says so,
and a ratio that it is part of is a lower limit. Seconds are of processor time. Needs gcc.
"""

from __future__ import annotations

import os
import resource
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kernel_sim import ir
from kernel_sim.explore.model import Bounds, Mode, Outcome
from kernel_sim.explore.search import Search
from kernel_sim.kit import find_kit
from kernel_sim.machine.native_engine import NativeEngine
from kernel_sim.machine.python_engine import PythonEngine
from kernel_sim.program import Sources
from kernel_sim.scenario import load_scenarios

from benchmarks.timing import report, say
from tests.support.sim_trees import demo_trees

LIMIT_S = float(os.environ.get("PATCHBOT_BENCH_SECONDS", "60"))
BOUNDS = (0, 1, 2, 3, None)
FIRST_S = 1.0
"""A known fault is to be found in less."""
FAILING = (
    ("write-protect/first-page", "base"),
    ("write-protect/later-page", "v1"),
    ("checkpoint/other-page", "v3"),
    ("first-store/later-page", "fix"),
)
"""Scenario and revision of each known fault."""
PASSING = (("stable-pages/ordered-write", "fix"), ("write-protect/later-page", "fix"))
"""The first is small enough for every mode and bound; the second is what a review runs."""
_SAME = Bounds(1, executions=60)
Programs = Callable[[str, str], ir.Program]


@dataclass(frozen=True, slots=True)
class Row:
    """One search and the seconds of processor time that it took."""

    mode: Mode
    bound: int | None
    outcome: Outcome
    seconds: float

    @property
    def last(self) -> int:
        """Executions under the last bound that was tried, of the last round."""
        return self.outcome.covered[-1].executions if self.outcome.covered else 0

    @property
    def steps(self) -> int:
        """Steps of the last round."""
        return sum(each.steps for each in self.outcome.covered)

    @property
    def words(self) -> str:
        """What came of it."""
        if self.outcome.failure is not None:
            return self.outcome.failure.kind
        if self.outcome.reasons:
            return f"inconclusive: {self.outcome.reasons[0]}"
        if not self.outcome.complete:
            return "cut off"
        return "all schedules" if self.outcome.exhaustive else "all of the bound"


def run(folder: Path, trees: Sequence[Path] = ()) -> None:
    """Print the tables and the ratios."""
    if shutil.which("gcc") is None:
        say("not measured: gcc is not here: apt-get install gcc")
        return
    folder.mkdir(parents=True, exist_ok=True)
    programs = _demo_programs(folder)
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"simulator; {os.cpu_count()} processors, load {load}, at most {LIMIT_S:g} s a search")
    _engines(programs("write-protect/later-page", "fix"), folder)
    for scenario, revision in FAILING:
        rows = _table(programs(scenario, revision), f"{scenario} {revision}", (3, None), folder)
        _first(rows)
    for scenario, revision in PASSING:
        rows = _table(programs(scenario, revision), f"{scenario} {revision}", BOUNDS, folder)
        _reductions(rows)
    for tree in trees:
        _real(tree, folder)


def _demo_programs(folder: Path) -> Programs:
    trees = demo_trees(folder / "trees")
    kept: dict[str, Sources] = {}

    def program(scenario: str, revision: str) -> ir.Program:
        if revision not in kept:
            kept[revision] = _sources(trees[revision], folder)
        return kept[revision].build(load_scenarios()[scenario]).program

    return program


def _sources(tree: Path, folder: Path) -> Sources:
    return Sources(tree, find_kit(lambda path: (tree / path).exists()), folder / "headers")


def _engines(program: ir.Program, folder: Path) -> None:
    """The same search with both engines: the first executions with at most one preemption."""
    say("running both engines")
    native = _search(NativeEngine(program, folder / "programs"), Mode.DPOR, _SAME)
    start = _spent()
    outcome = Search(PythonEngine(program), Mode.DPOR, _SAME).explore()
    python = Row(Mode.DPOR, 1, outcome, _spent() - start)
    if python.outcome != native.outcome:
        raise SystemExit(f"the engines differ: {python.outcome} {native.outcome}")
    for name, row in (("native", native), ("Python", python)):
        rate = row.outcome.executions / row.seconds
        steps = row.steps / max(1, sum(each.executions for each in row.outcome.covered))
        print(f"{name:<8} {rate:10,.0f} executions/s {rate * steps:14,.0f} steps/s")
    report("native engine", native.seconds, "Python engine, same search", python.seconds)


def _spent() -> float:
    """Seconds of processor time so far, of this process and those that it has waited for."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, who))


def _search(engine: NativeEngine, mode: Mode, bounds: Bounds) -> Row:
    start = _spent()
    outcome = engine.explore(mode, bounds).outcome
    return Row(mode, bounds.highest, outcome, _spent() - start)


def _table(
    program: ir.Program, title: str, bounds: Sequence[int | None], folder: Path
) -> list[Row]:
    """Each mode under each bound; after one that was cut off, its higher bounds are left out."""
    say(f"searching {title}")
    engine = NativeEngine(program, folder / "programs")
    print(f"\n{title}\n  mode    bound  under it   of all rounds    seconds  result")
    rows = []
    for mode in Mode:
        given = [bound for bound in bounds if mode is not Mode.SLEEP or bound is None]
        spent = False
        for bound in given:
            if spent and bound is not None:
                continue
            row = _search(engine, mode, Bounds(bound, seconds=LIMIT_S))
            _print(row)
            rows.append(row)
            spent = row.outcome.failure is None and not row.outcome.complete
    return rows


def _print(row: Row) -> None:
    bound = "any" if row.bound is None else row.bound
    executions = f"{row.last:9,} {row.outcome.executions:15,}"
    print(f"  {row.mode.value:<6} {bound!s:>6} {executions} {row.seconds:10.2f}  {row.words}")


def _first(rows: Sequence[Row]) -> None:
    """How soon a review's own search comes to the fault."""
    row = next(row for row in rows if (row.mode, row.bound) == (Mode.DPOR, 3))
    if row.outcome.failure is None:
        print("  not found")
    else:
        print(f"  found in {row.seconds:.2f} s; {FIRST_S / max(row.seconds, 0.01):.1f} x goal")


def _reductions(rows: Sequence[Row]) -> None:
    """Executions without a reduction, for each that dpor needs, where that one finished."""
    found = {(row.mode, row.bound): row for row in rows}
    for bound in BOUNDS:
        plain, ours = found.get((Mode.NONE, bound)), found.get((Mode.DPOR, bound))
        if plain is None or ours is None or not ours.outcome.complete:
            continue
        what = "any number" if bound is None else str(bound)
        more = "" if plain.outcome.complete else "more than "
        ratio = f"{more}{plain.last / ours.last:.1f} x"
        print(f"  {what} preemptions: none {plain.last:,}, dpor {ours.last:,} executions: {ratio}")


def _real(tree: Path, folder: Path) -> None:
    """A real tree: parsing, linking, compiling, and what a review explores."""
    say(f"reading {tree}")
    sources = _sources(tree, folder)
    scenario = load_scenarios()["write-protect/later-page"]
    start = _spent()
    built = sources.build(scenario)
    read = _spent()
    program = sources.build(scenario).program
    linked = _spent()
    NativeEngine(program, folder / "programs")
    made = _spent()
    print(f"\n{tree.name}: {len(built.program.functions)} functions,", end=" ")
    print(f"read {read - start:.1f} s, linked again {linked - read:.1f} s,", end=" ")
    print(f"compiled {made - linked:.1f} s")
    _engines(program, folder)
    _reductions(_table(program, f"{scenario.name} {tree.name}", (0, 1, 2, None), folder))
