"""The engine that runs a program as machine code, in a process of its own, search and all.

The process has limits (memory, CPU time, no files, few system calls) and says what it found as one
JSON document. Whatever else it does is a `NativeError`, never a result.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kernel_sim import ir
from kernel_sim.explore.model import (
    DEFAULT_STEPS,
    Bounds,
    Covered,
    End,
    Execution,
    Failure,
    Mode,
    Outcome,
    Ran,
    Result,
)
from kernel_sim.explore.schedule import Replay, ScheduleError
from kernel_sim.machine.compile import Compiler, Finished, NativeError, Runner, run_subprocess
from kernel_sim.machine.runtime import Traced

_NO_BOUND: Final = -1
_MAX_DEPTH: Final = 64
_EXITS: Final = {
    2: "it was given options that it does not know",
    3: "its memory could not be mapped",
    4: "it ran out of memory",
    5: "a global stands outside its area",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Of the process: address space in bytes, seconds of CPU time, seconds on the clock."""

    address_space: int = 8 << 30
    cpu_seconds: int = 3600
    clock_seconds: float = 3600.0


@dataclass(frozen=True, slots=True)
class NativeOutcome:
    """What an exploration gave: as the reference search says it, and three things more.

    `locations` are the shared ones (address / 8); `failures` counts failing executions, which is
    more than one only with `keep_going`. `ran` has the lines that any of the executions came to,
    by the function's name in the program.
    """

    outcome: Outcome
    locations: frozenset[int]
    failures: int
    ran: Ran


class NativeEngine:
    """Explores and replays the schedules of a program.

    `folder` keeps executables; `steps` is the limit of one execution. The constructor compiles; it
    raises `NativeError`, and `ValueError` as `kernel_sim.machine.emit.emit` does.
    """

    def __init__(
        self,
        program: ir.Program,
        folder: Path,
        setup: str = "setup",
        check: str | None = "check",
        steps: int = DEFAULT_STEPS,
        runner: Runner = run_subprocess,
        limits: Limits = Limits(),
        compiler: Compiler | None = None,
    ) -> None:
        self._runner = runner
        self._limits = limits
        self._steps = steps
        self.executable = (compiler or Compiler(folder, runner)).build(program, setup, check)

    def explore(
        self,
        mode: Mode = Mode.NONE,
        bounds: Bounds = Bounds(),  # noqa: B008 -- it is frozen
        shared: Iterable[int] = (),
        jobs: int = 1,
        keep_going: bool = False,
    ) -> NativeOutcome:
        """Run an exploration, as `kernel_sim.explore.search.Search` does, in `jobs` processes.

        Several processes are used in mode `none` without a limit on executions; the counts are
        those of one. Raises `NativeError` where there is no answer.
        """
        words: dict[str, object] = {
            "mode": mode.value,
            "highest": _NO_BOUND if bounds.highest is None else bounds.highest,
            "executions": bounds.executions or 0,
            "seconds": bounds.seconds or 0,
            "shared": ",".join(map(str, sorted(shared))),
            "jobs": jobs,
            "keep_going": int(keep_going),
        }
        return _exploration(self._run(words))

    def explore_randomly(
        self,
        seed: int,
        executions: int,
        depth: int = 3,
        seconds: float | None = None,
        shared: Iterable[int] = (),
    ) -> NativeOutcome:
        """Run random executions, as `kernel_sim.explore.pct.search_randomly` does.

        `seed` is an unsigned number of 64 bits, `depth` 1..64. Raises `ValueError` where they are
        not, and `NativeError` where there is no answer.
        """
        if not (0 <= seed < 1 << 64 and 1 <= depth <= _MAX_DEPTH and executions > 0):
            raise ValueError("a seed of 64 bits, a depth of 1..64, at least one execution")
        words: dict[str, object] = {
            "seed": seed,
            "pct_depth": depth,
            "executions": executions,
            "seconds": seconds or 0,
            "shared": ",".join(map(str, sorted(shared))),
        }
        return _exploration(self._run(words))

    def replay(self, schedule: str) -> tuple[Execution, list[Traced]]:
        """Run the execution of a schedule; returns it with all its accesses and notes.

        Raises `ScheduleError` where the program does not run by the schedule, and `NativeError`.
        """
        Replay(schedule)
        document = self._run({"replay": schedule})
        if "schedule_error" in document:
            raise ScheduleError(_text(document["schedule_error"]))
        try:
            return _execution(document), [_line(line) for line in document["trace"]]
        except (KeyError, TypeError, ValueError) as error:
            raise NativeError(f"the engine's document is not right: {error!r}") from error

    def _run(self, words: dict[str, object]) -> dict[str, Any]:
        limits = self._limits
        words |= {
            "steps": self._steps,
            "address_space": limits.address_space,
            "cpu_seconds": limits.cpu_seconds,
        }
        argv = [str(self.executable), *(f"{name}={value}" for name, value in words.items())]
        return read_document(self._runner(argv, limits.clock_seconds))


def read_document(finished: Finished) -> dict[str, Any]:
    """Return the document that the process wrote; raises `NativeError` with what is wrong."""
    if finished.returncode < 0:
        raise NativeError(f"the engine was ended by signal {-finished.returncode}")
    if finished.returncode in _EXITS:
        raise NativeError(f"the engine gave up: {_EXITS[finished.returncode]}")
    try:
        document = json.loads(finished.stdout)
    except ValueError as error:
        raise NativeError("the engine wrote no JSON document") from error
    if not isinstance(document, dict):
        raise NativeError("the engine's document is no object")
    if "error" in document:
        raise NativeError(str(document["error"]))
    if finished.returncode:
        raise NativeError(f"the engine ended with code {finished.returncode}")
    return document


def _exploration(document: dict[str, Any]) -> NativeOutcome:
    try:
        failure = _failure(document)
        reasons = tuple(_text(reason) for reason in document["reasons"])
        covered = tuple(_covered(*row) for row in document["covered"])
        locations = frozenset(map(int, document["shared"]))
        outcome = Outcome(
            _result(failure, reasons),
            failure,
            str(document["schedule"]) if failure else None,
            reasons,
            covered,
            int(document["rounds"]),
            len(locations),
            int(document["executions"]),
            document["complete"] is True,
        )
        ran = {_text(name): frozenset(map(int, lines)) for name, *lines in document["ran"]}
        return NativeOutcome(outcome, locations, int(document["failures"]), ran)
    except (KeyError, TypeError, ValueError) as error:
        raise NativeError(f"the engine's document is not right: {error!r}") from error


def _result(failure: Failure | None, reasons: tuple[str, ...]) -> Result:
    if failure is not None:
        return Result.FAILURE
    return Result.INCONCLUSIVE if reasons else Result.NO_FAILURE


def _covered(
    bound: int,
    executions: int,
    pruned: int,
    steps: int,
    visible: int,
    complete: int,
    refused: int,
) -> Covered:
    own = None if bound == _NO_BOUND else bound
    return Covered(own, executions, pruned, steps, visible, bool(complete), bool(refused))


def _execution(document: dict[str, Any]) -> Execution:
    return Execution(
        End(document["end"]),
        _failure(document),
        _text(document["reason"]),
        int(document["steps"]),
        int(document["visible"]),
    )


def _failure(document: dict[str, Any]) -> Failure | None:
    if "failure" not in document:
        return None
    kind, text, thread, path, line = document["failure"]
    return Failure(_text(kind), _text(text), int(thread), _text(path), int(line))


def _line(row: list[Any]) -> Traced:
    thread, function, path, line, kind, address, size, value = row
    return thread, _text(function), _text(path), line, _text(kind), address, size, value


def _text(value: object) -> str:
    """The text whose UTF-8 bytes the engine wrote as code points."""
    return str(value).encode("latin-1").decode("utf-8", "backslashreplace")
