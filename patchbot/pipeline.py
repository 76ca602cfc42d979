"""Run stages over revisions: in order of need, side by side, resumable, and stoppable."""

from __future__ import annotations

import concurrent.futures
import json
import queue
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from patchbot.errors import CancelledError, PatchbotError, StoreError
from patchbot.model import CRASHED, StageResult, Status
from patchbot.proc import PROCESSES, Scope, count_cores
from patchbot.stages.base import Stage, StageRequest
from patchbot.store import Store, render_result

_TICK_S = 0.1
_USABLE = (Status.PASS, Status.WARN)
CANCELLED = "it was cancelled before it came to an end"


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told of what happens; every call comes from the main thread.

    `logged` is told where a log grows while a stage runs: label, stage, a name for it, and its
    file. `asked` is asked now and then for the stages that are to be stopped, by label and name.
    """

    planned: Callable[[Sequence[str], Sequence[str]], None] = lambda labels, stages: None
    started: Callable[[str, str], None] = lambda label, stage: None
    ended: Callable[[str, StageResult], None] = lambda label, result: None
    warned: Callable[[str], None] = lambda text: None
    logged: Callable[[str, str, str, Path], None] = lambda label, stage, name, path: None
    asked: Callable[[], Sequence[tuple[str, str]]] = lambda: ()


@dataclass(slots=True)
class _Job:
    """One stage of one revision."""

    label: str
    stage: Stage
    request: StageRequest
    result: StageResult | None = None
    scope: Scope = field(default_factory=Scope)


@dataclass(slots=True)
class _Run:
    jobs: list[_Job]
    store: Store | None
    listener: Listener
    warnings: list[str] = field(default_factory=list)
    futures: dict[concurrent.futures.Future[StageResult], _Job] = field(default_factory=dict)
    logs: queue.SimpleQueue[tuple[str, str, str, Path]] = field(default_factory=queue.SimpleQueue)


def run_stages(
    requests: Mapping[str, StageRequest],
    stages: Sequence[Stage],
    *,
    store: Store | None = None,
    use_stored: bool = True,
    jobs: int = 0,
    listener: Listener | None = None,
) -> dict[str, tuple[StageResult, ...]]:
    """Run every stage for every labelled request and return the results by label, in stage order.

    A stage whose needs did not pass (or fail, and leave what it needs) is *skipped*; one that
    raises is an *error*, one that the listener asks to stop is *inconclusive*. Finished results are
    kept in `store` at once. Raises `CancelledError` when stopped by Ctrl-C or `PROCESSES`.
    """
    todo = [_Job(label, stage, request) for label, request in requests.items() for stage in stages]
    run = _Run(todo, store, listener or Listener())
    run.listener.planned(list(requests), [stage.name for stage in stages])
    workers = jobs or min(8, count_cores() + 1)
    executor = concurrent.futures.ThreadPoolExecutor(workers, thread_name_prefix="stage")
    try:
        _submit_ready(run, executor, use_stored)
        while run.futures:
            done, _ = concurrent.futures.wait(
                run.futures, _TICK_S, concurrent.futures.FIRST_COMPLETED
            )
            for future in done:
                _finish(run, run.futures.pop(future), future.result())
            PROCESSES.check()
            _tell_logs(run)
            _stop_asked(run)
            _submit_ready(run, executor, use_stored)
    except (KeyboardInterrupt, CancelledError) as error:
        PROCESSES.cancel()
        raise CancelledError("stopped; what was finished is kept") from error
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
    for warning in dict.fromkeys(run.warnings):
        run.listener.warned(warning)
    return {label: tuple(_ended(job) for job in todo if job.label == label) for label in requests}


def _tell_logs(run: _Run) -> None:
    while not run.logs.empty():
        run.listener.logged(*run.logs.get())


def _stop_asked(run: _Run) -> None:
    """Stop the stages that somebody asked to stop; what has ended or is not planned stays so."""
    asked = set(run.listener.asked())
    for job in run.jobs if asked else ():
        if job.result is None and (job.label, job.stage.name) in asked:
            PROCESSES.stop(job.scope)


def _ended(job: _Job) -> StageResult:
    return job.result or StageResult(job.stage.name)


def _submit_ready(
    run: _Run, executor: concurrent.futures.ThreadPoolExecutor, use_stored: bool
) -> None:
    """Start every job whose needs are met, and skip those whose needs can't be met any more."""
    running = {id(job) for job in run.futures.values()}
    progress = True
    while progress:
        progress = False
        for job in run.jobs:
            if job.result is not None or id(job) in running:
                continue
            needed = _needed(run, job)
            lacking = [r for r in needed if r is not None and not _is_usable(r)]
            if lacking:
                _finish(run, job, _skip(job, lacking[0]))
                progress = True
            elif all(result is not None for result in needed):
                request = _request_of(run, job, needed)
                run.listener.started(job.label, job.stage.name)
                run.futures[executor.submit(_run_one, run, job, request, use_stored)] = job
                running.add(id(job))


def _request_of(run: _Run, job: _Job, needed: Sequence[StageResult | None]) -> StageRequest:
    def watch(name: str, path: Path) -> None:
        run.logs.put((job.label, job.stage.name, name, path))

    earlier = {result.stage: result for result in needed if result is not None}
    return replace(job.request, earlier=earlier, watch=watch)


def _is_usable(result: StageResult) -> bool:
    """Whether the next stages can go on: one that failed may say that it left what they need."""
    return result.status in _USABLE or (
        result.status is Status.FAIL and result.data.get("usable") is True
    )


def _needed(run: _Run, job: _Job) -> list[StageResult | None]:
    """Return the results that a job waits for; a need that is not planned is no need."""
    return [
        other.result
        for other in run.jobs
        if other.label == job.label and other.stage.name in job.stage.needs
    ]


def _skip(job: _Job, lacking: StageResult) -> StageResult:
    reason = f"needs {lacking.stage}, which is: {lacking.status.value}"
    return StageResult(job.stage.name, Status.SKIPPED, reason, repeat=job.request.repeat)


def _finish(run: _Run, job: _Job, result: StageResult) -> None:
    job.result = result
    run.listener.ended(job.label, result)


def _run_one(run: _Run, job: _Job, request: StageRequest, use_stored: bool) -> StageResult:
    """Answer one job, unless it is stopped before it came to an end."""
    start = time.monotonic()
    try:
        with PROCESSES.inside(job.scope):
            return _answer(run, job, request, use_stored)
    except CancelledError:
        if PROCESSES.cancelled:
            raise
        seconds = time.monotonic() - start
        status = Status.INCONCLUSIVE
        return StageResult(
            job.stage.name, status, CANCELLED, seconds=seconds, repeat=request.repeat
        )


def _answer(run: _Run, job: _Job, request: StageRequest, use_stored: bool) -> StageResult:
    """Answer one job from the store, or run it and keep the result."""
    PROCESSES.check()
    start = time.monotonic()
    try:
        key = job.stage.key(request)
        stored = _load(run, key) if use_stored else None
        if stored is not None and job.stage.is_current(stored, request):
            return replace(stored, repeat=request.repeat)
        result = _checked(job.stage.run(request), job.stage.name)
    except (CancelledError, KeyboardInterrupt):
        raise
    except PatchbotError as error:
        PROCESSES.check()
        words = f"{error} ({error.hint})" if error.hint else str(error)
        return _error(job, request, words, start)
    except BaseException as error:  # noqa: BLE001 - whatever a stage does, even exit: go on
        PROCESSES.check()
        return _error(job, request, f"{CRASHED} ({type(error).__name__}: {error})", start)
    result = replace(result, seconds=time.monotonic() - start)
    _keep(run, key, result)
    return result


def _checked(result: object, name: str) -> StageResult:
    """Return what a stage returned if it is what was asked for; raises `TypeError` otherwise."""
    if not isinstance(result, StageResult):
        raise TypeError(f"it returned a value of type {type(result).__name__}, no StageResult")
    if result.stage != name or type(result.status) is not Status:
        raise TypeError(f"it returned {result.status!r} of stage {result.stage!r}")
    if not result.reason or (result.reason == CRASHED and result.status is not Status.ERROR):
        raise TypeError(f"it returned {result.status.value!r} without a reason")
    json.dumps(render_result(result), allow_nan=False)
    return result


def _load(run: _Run, key: str | None) -> StageResult | None:
    try:
        return run.store.load_result(key) if run.store is not None and key else None
    except StoreError as error:
        run.warnings.append(f"kept results can't be read: {error}")
        return None


def _keep(run: _Run, key: str | None, result: StageResult) -> None:
    if run.store is None or not key or result.status is Status.ERROR:
        return
    try:
        run.store.save_result(key, result)
    except StoreError as error:
        run.warnings.append(f"results can't be kept: {error}")


def _error(job: _Job, request: StageRequest, words: str, start: float) -> StageResult:
    seconds = time.monotonic() - start
    return StageResult(job.stage.name, Status.ERROR, words, seconds=seconds, repeat=request.repeat)


def stage_folder(parent: Path, label: str, stage: str) -> Path:
    """Return the folder for one stage of one revision, below a run's folder."""
    return parent / f"{label}-{stage}"
