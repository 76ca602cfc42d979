"""Explore scenarios on a tree: engine, result, counterexample, and what is kept of them."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from kernel_sim.cfront.errors import TreeError as SourceError
from kernel_sim.cfront.pieces import Pieces
from kernel_sim.counterexample import Step, add_texts, find_steps, shorten
from kernel_sim.explore.minimise import minimise
from kernel_sim.explore.model import Bounds, End, Execution, Failure, Mode, Outcome, Ran, Result
from kernel_sim.explore.pct import search_randomly
from kernel_sim.explore.schedule import ScheduleError
from kernel_sim.explore.search import Search
from kernel_sim.kit import Kit
from kernel_sim.ledger import Part, mark_ran, render_lines
from kernel_sim.machine.compile import Finished, NativeError
from kernel_sim.machine.native_engine import Limits, NativeEngine
from kernel_sim.machine.python_engine import PythonEngine
from kernel_sim.machine.runtime import TOLD_OF_CALLS
from kernel_sim.program import Built, Sources
from kernel_sim.scenario import MODEL, Scenario

from patchbot.errors import ProcessError, UsageError
from patchbot.handover import describe_handover
from patchbot.proc import PROCESSES, carried, run_program
from patchbot.sandbox import sandbox_environment
from patchbot.tools.versions import explain_absent

ENGINES: Final = ("auto", "python", "native")
_MODE = Mode.DPOR
_KEPT: Final = {"program-*": 100, "part-*": 2000}
"""So many files of each kind are kept, those used last: 130 kB for a part, 1.2 MB for a program."""
_GRACE_S = 60.0
_OWN = "<sim>/model/"
_PYTHON = threading.Lock()  # its depth of recursion is the process's
_making: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """How far to explore: preemptions (None: any number), seconds a scenario (None: no limit).

    After a bound that was searched to its end, `random` executions go beyond it, by `seed`.
    """

    bound: int | None = 2
    seconds: float | None = None
    engine: str = "auto"
    random: int = 0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """A tree's files in a folder, its kit, and a folder for what may be kept (and deleted).

    `sources` are its parsed files: scenarios on one place share them, and two places what they are
    equal in, where they are given the same `pieces`.
    """

    tree: Path
    kit: Kit
    home: Path
    pieces: Pieces | None = field(default=None, compare=False)
    sources: Sources = field(init=False, compare=False)

    @property
    def can_be_booted(self) -> bool:
        """Whether the tree is a whole kernel: a schedule may be tried on one that is booted."""
        return self.kit.headers == "kernel"

    def __post_init__(self) -> None:
        sources = Sources(self.tree, self.kit, self.home / "headers", pieces=self.pieces)
        object.__setattr__(self, "sources", sources)


def find_folder(home: Path, environ: Mapping[str, str]) -> Path:
    """Return where results and programs are kept: `PATCHBOT_SIMULATOR`, else in the data folder."""
    named = environ.get("PATCHBOT_SIMULATOR")
    return Path(named).expanduser().absolute() if named else home / "simulator"


def choose_engine(name: str) -> str:
    """Return "native" or "python" for what was asked; raises `UsageError` where it can't be had."""
    has_gcc = shutil.which("gcc") is not None
    if name == "native" and not has_gcc:
        raise UsageError(f"--engine native needs gcc: {explain_absent('gcc')}")
    return ("native" if has_gcc else "python") if name == "auto" else name


def run_scenario(place: Place, scenario: Scenario, asked: Asked) -> Row:
    """Build and explore one scenario, and return what came of it as JSON values.

    Whatever stands in the way of an answer makes the result "inconclusive", with the reasons.
    """
    start = time.monotonic()
    engine = choose_engine(asked.engine)
    row = _blank(scenario, engine)
    try:
        built = place.sources.build(scenario)
        row["ledger"] = render_ledger(built)
        _explore(row, built, place, replace(asked, engine=engine), scenario)
    except (SourceError, NativeError, ValueError) as error:
        row |= {"result": Result.INCONCLUSIVE.value, "reasons": [str(error)]}
    row["seconds"] = round(time.monotonic() - start, 2)
    return row


def _blank(scenario: Scenario, engine: str = "") -> Row:
    return {
        "scenario": scenario.name, "summary": scenario.summary, "engine": engine,
        "result": Result.INCONCLUSIVE.value, "reasons": [], "failure": None, "schedule": None,
        "threads": {}, "steps": [], "covered": [], "executions": 0, "complete": False,
        "exhaustive": False, "random": None, "seconds": 0.0, "ledger": None, "handover": None,
    }  # fmt: skip


def without_answer(scenario: Scenario, reason: str) -> Row:
    """Return the row of a scenario that could not be run at all."""
    return _blank(scenario) | {"reasons": [reason]}


def render_ledger(built: Built, ran: Ran | None = None) -> dict[str, Any]:
    """Return what a program is made of as JSON values; `ran` is what was come to."""
    return {
        "functions": [_render_part(part) for part in mark_ran(built.parts, ran or {})],
        "replaced": list(built.replaced),
        "macros": list(built.macros),
        "problems": list(built.problems),
    }


def _render_part(part: Part) -> dict[str, Any]:
    return {
        "name": part.name, "path": part.path, "line": part.line, "kind": part.kind.value,
        "reasons": list(part.reasons), "ran": part.ran, "came": render_lines(part.came),
        "idle": render_lines(part.code - part.came),
    }  # fmt: skip


# ---------------------------------------------------------------- exploring


@dataclass(frozen=True, slots=True)
class _Found:
    """What a search gave, the lines that it came to, and the shared locations that it knew."""

    outcome: Outcome
    ran: Ran
    shared: frozenset[int]


def _explore(row: Row, built: Built, place: Place, asked: Asked, scenario: Scenario) -> None:
    start = time.monotonic()
    native = _make_native(built, place, asked) if asked.engine == "native" else None
    found = _explore_bounds(built, native, Bounds(asked.bound, seconds=asked.seconds))
    outcome, ran = found.outcome, found.ran
    beyond = _explore_beyond(built, native, found, asked, time.monotonic() - start)
    if beyond is not None:
        ran = {
            name: ran.get(name, frozenset()) | beyond.ran.get(name, frozenset())
            for name in {*ran, *beyond.ran}
        }
        random = beyond.outcome
        row["random"] = {"executions": random.executions, "seed": asked.seed}
        outcome = replace(
            outcome,
            result=random.result,
            reasons=random.reasons,
            failure=random.failure,
            schedule=random.schedule,
            executions=outcome.executions + random.executions,
        )
    row |= {
        "ledger": render_ledger(built, ran),
        "result": outcome.result.value,
        "reasons": list(outcome.reasons),
        "failure": asdict(outcome.failure) if outcome.failure else None,
        "covered": [asdict(each) for each in outcome.covered],
        "executions": outcome.executions,
        "complete": outcome.complete,
        "exhaustive": outcome.exhaustive,
    }
    if outcome.failure is not None:
        _add_counterexample(row, built, place, outcome, scenario)
    if built.problems:
        row["result"] = Result.INCONCLUSIVE.value
        row["reasons"] = [*row["reasons"], *built.problems]


def _watch(execution: Execution, schedule: str) -> None:
    PROCESSES.check()


def _explore_bounds(built: Built, native: NativeEngine | None, bounds: Bounds) -> _Found:
    if native is not None:
        found = native.explore(_MODE, bounds)
        return _Found(found.outcome, found.ran, found.locations)
    with _PYTHON:
        own = PythonEngine(built.program)
        search = Search(own, _MODE, bounds, watch=_watch)
        outcome = search.explore()
        return _Found(outcome, own.ran(), search.shared)


def _explore_beyond(
    built: Built, native: NativeEngine | None, found: _Found, asked: Asked, spent: float
) -> _Found | None:
    """Run random schedules, where they were asked for and the bound left something to find."""
    before = found.outcome
    left = None if asked.seconds is None else asked.seconds - spent
    done = before.result is not Result.NO_FAILURE or not before.complete or before.exhaustive
    if not asked.random or done or (left is not None and left <= 0):
        return None
    if native is not None:
        more = native.explore_randomly(asked.seed, asked.random, seconds=left, shared=found.shared)
        return _Found(more.outcome, more.ran, more.locations)
    with _PYTHON:
        own = PythonEngine(built.program)
        outcome = search_randomly(
            own, asked.seed, asked.random, seconds=left, shared=found.shared, watch=_watch
        )
        return _Found(outcome, own.ran(), found.shared)


def _make_native(built: Built, place: Place, asked: Asked) -> NativeEngine:
    folder = place.home / "programs"
    folder.mkdir(parents=True, exist_ok=True)
    clock = 3600.0 if asked.seconds is None else asked.seconds + _GRACE_S
    engine = NativeEngine(
        built.program,
        folder,
        runner=carried(run_for_engine),
        limits=Limits(clock_seconds=clock),
    )
    os.utime(engine.executable)
    _drop_old(folder)
    return engine


def run_for_engine(argv: Sequence[str], seconds: float) -> Finished:
    """Run gcc or an explorer, as `kernel_sim.machine.compile.Runner` says."""
    try:
        done = run_program(argv, env=sandbox_environment(), timeout_s=seconds)
    except ProcessError as error:
        raise NativeError(str(error)) from error
    return Finished(done.returncode, done.stdout, done.stderr)


def _drop_old(folder: Path) -> None:
    """Remove all but the files that were used last."""
    for pattern, most in _KEPT.items():
        found = sorted(folder.glob(pattern), key=_used_at, reverse=True)
        for path in found[most:]:
            path.unlink(missing_ok=True)


def _used_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


# ---------------------------------------------------------------- one schedule


def _add_counterexample(
    row: Row, built: Built, place: Place, outcome: Outcome, scenario: Scenario
) -> None:
    """Replay the failure on the reference engine, shorten its schedule, and tell its steps."""
    assert outcome.failure is not None
    assert outcome.schedule is not None
    with _PYTHON:
        engine = PythonEngine(built.program, calls=place.can_be_booted)
        if not _fails(engine, outcome.schedule, outcome.failure):
            words = f"the engines differ on the schedule {outcome.schedule}"
            row |= {"result": Result.INCONCLUSIVE.value, "reasons": [words]}
            return
        failure = outcome.failure
        schedule = minimise(outcome.schedule, lambda tried: _fails(engine, tried, failure))
        row["schedule"] = schedule
        row |= _replay(row, engine, built, place, scenario, short=True)[1]


def _fails(engine: PythonEngine, schedule: str, failure: Failure) -> bool:
    PROCESSES.check()
    try:
        found = engine.replay(schedule)[0].failure
    except ScheduleError:
        return False
    return found is not None and (found.kind, found.text) == (failure.kind, failure.text)


def _replay(
    row: Row, engine: PythonEngine, built: Built, place: Place, scenario: Scenario, *, short: bool
) -> tuple[Execution, Row]:
    """Run a row's schedule once more, and return what there is to tell of it."""
    execution, trace = engine.replay(row["schedule"])
    steps = find_steps([each for each in trace if each[4] not in TOLD_OF_CALLS])
    steps = add_texts(shorten(steps) if short else steps, _reader(place.tree))
    names = engine.thread_names()
    handover = None
    if execution.failure is not None and place.can_be_booted:
        handover = describe_handover(row["schedule"], trace, built.program, scenario, names)
    return execution, {
        "failure": asdict(execution.failure) if execution.failure else None,
        "threads": {str(number): name for number, name in names.items()},
        "steps": [asdict(step) for step in steps],
        "handover": handover,
    }


def replay_scenario(place: Place, scenario: Scenario, schedule: str, *, short: bool) -> Row:
    """Run one schedule of a scenario on the reference engine, and return a row as `run_scenario`.

    Raises `UsageError` where the text is no schedule, or the program does not run by it.
    """
    row = _blank(scenario, "python")
    try:
        built = place.sources.build(scenario)
        with _PYTHON:
            engine = PythonEngine(built.program, calls=place.can_be_booted)
            row["schedule"] = schedule
            execution, told = _replay(row, engine, built, place, scenario, short=short)
            row |= told
            row["ledger"] = render_ledger(built, engine.ran())
    except ScheduleError as error:
        raise UsageError(f"--replay: {error}", hint="is it a schedule of this commit?") from error
    except (SourceError, ValueError) as error:
        return row | {"reasons": [str(error)]}
    results = {End.DONE: Result.NO_FAILURE, End.FAILURE: Result.FAILURE}
    row["result"] = results.get(execution.end, Result.INCONCLUSIVE).value
    row["reasons"] = [each for each in (execution.reason, *built.problems) if each]
    row |= {"executions": 1}
    if built.problems:
        row["result"] = Result.INCONCLUSIVE.value
    return row


def _reader(tree: Path) -> Callable[[str, int], str]:
    @functools.cache
    def lines(path: str) -> list[str]:
        top = MODEL if path.startswith(_OWN) else tree
        try:
            return (top / path.removeprefix(_OWN)).read_text("utf-8", "replace").split("\n")
        except OSError:
            return []

    def text_of(path: str, line: int) -> str:
        known = lines(path)
        return known[line - 1] if 0 < line <= len(known) else ""

    return text_of


def read_steps(row: Mapping[str, Any]) -> list[Step]:
    """Return a row's steps as they were."""
    return [Step(**step) for step in row["steps"]]


# ---------------------------------------------------------------- what is kept


def run_kept(
    tree_id: str, scenario: Scenario, asked: Asked, home: Path, place: Callable[[], Place]
) -> Row:
    """Return a kept result for a tree of git's, else run the scenario and keep what it gives.

    Kept are failures and searches that came to their end; `place` is called where one has to run.
    """
    key = result_key(tree_id, scenario, asked)
    path = home / "results" / f"{key}.json"
    with _making[key]:
        try:
            row: Row = json.loads(path.read_text("utf-8"))
            return row
        except (OSError, ValueError):
            row = run_scenario(place(), scenario, asked)
        if row["result"] == Result.FAILURE.value or row["complete"]:
            _keep(path, json.dumps(row))
    return row


def _keep(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
    aside.write_text(text, "utf-8")
    aside.replace(path)


def result_key(tree_id: str, scenario: Scenario, asked: Asked) -> str:
    """Return a hash of all that a result depends on."""
    parts = (
        tree_id, scenario.name, sorted(scenario.defines.items()),
        scenario.source.read_text("utf-8"),
        asked.bound, asked.seconds, choose_engine(asked.engine), _MODE.value, hash_simulator(),
        asked.random, asked.seed,
    )  # fmt: skip
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:40]


@functools.cache
def hash_simulator() -> str:
    """Return a hash of the simulator and its model: another version may find other things."""
    top = Path(str(files("kernel_sim")))
    wanted = (".py", ".c", ".h", ".toml", ".config")
    digest = hashlib.sha256()
    for path in sorted(top.rglob("*")):
        name = path.relative_to(top).as_posix()
        if path.suffix in wanted and not name.startswith("kernel/"):
            digest.update(name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
