"""Run the faults of tests/data/sim_kernel_mutants.toml on a kernel tree, and print the score.

    python -m tools.score_sim_mutants TREE --home FOLDER [--only NAME ...] [--step STEP ...]

TREE is a folder of sources that may be changed (a copy). A fault is tried with each step in turn
until one fails. A step is SCENARIO:BOUND, or SCENARIO:BOUND:quick for the first executions only,
in Python. A line of JSON a step goes to standard output, and the score to standard error.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path

from kernel_sim.cfront.errors import TreeError
from kernel_sim.machine.compile import NativeError

from tests.support.kernel_mutant_runs import MutantTree, Run
from tests.support.kernel_mutants import KernelMutant, load_mutants

STEPS = (
    "write-protect/later-page:1:quick",
    "first-store/later-page:0",
    "checkpoint/other-page:0",
    "write-write/journal:0",
    "write-protect/later-page:1",
    "first-store/later-page:1",
    "commit-any-time/journal:1",
    "checkpoint/other-page:1",
    "write-write/journal:1",
    "commit-writeback/journal:1",
)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description="score the seeded faults of a kernel tree")
    parser.add_argument("tree", type=Path)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--step", nargs="*", default=list(STEPS))
    parser.add_argument("--seconds", type=float, default=120)
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # else a fault is left in the tree
    mutants = load_mutants()
    tree = MutantTree(asked.tree, asked.home)
    found = {
        name: _try(tree, mutants[name], asked.step, asked.seconds) for name in asked.only or mutants
    }
    print(f"{sum(found.values())} of {len(found)} caught", file=sys.stderr)


def _try(tree: MutantTree, mutant: KernelMutant, steps: list[str], seconds: float) -> bool:
    """Whether a step fails with the fault."""
    try:
        with tree.changed(mutant):
            return any(_step(tree, mutant.name, step, seconds) for step in steps)
    except (ValueError, TreeError, NativeError) as error:
        _say(mutant.name, error=str(error))
        return False


def _step(tree: MutantTree, name: str, step: str, seconds: float) -> bool:
    scenario, bound, *quick = step.split(":")
    run = tree.explore(scenario, int(bound), 0 if quick else seconds)
    _say(name, **_row(run))
    return run.outcome.failure is not None


def _row(run: Run) -> dict[str, object]:
    failure, outcome = run.outcome.failure, run.outcome
    last = outcome.covered[-1] if outcome.covered else None
    return {
        "scenario": run.scenario, "bound": run.bound, "engine": run.engine, "verdict": run.verdict,
        "failure": f"{failure.text} ({failure.path}:{failure.line})" if failure else "",
        "preemptions": last.bound if failure and last else None,
        "schedule": outcome.schedule, "executions": outcome.executions,
        "complete": outcome.complete, "reasons": list(outcome.reasons)[:3],
        "seconds": run.seconds,
    }  # fmt: skip


def _say(name: str, **values: object) -> None:
    print(json.dumps({"name": name, **values}), flush=True)


if __name__ == "__main__":
    main()
