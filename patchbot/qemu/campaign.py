"""A campaign: many guests' runs, one for each seed, each studied for its commits and its crashes.

What came of each seed is appended to a file at once, so that a campaign that was stopped or killed
goes on where it was. Booting is the caller's: it is given a seed and an empty folder.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import itertools
import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from patchbot.errors import CancelledError, PatchbotError, StoreError
from patchbot.proc import PROCESSES
from patchbot.qemu.commits import Verified
from patchbot.qemu.crash import Plan
from patchbot.qemu.journal import Mismatch
from patchbot.qemu.runstats import Figures, Run, summarize_runs
from patchbot.qemu.study import Study, study_run
from patchbot.workers import WORKERS

_TICK_S = 0.2
_MOST_ERRORS = 3


@dataclass(frozen=True, slots=True)
class Capture:
    """What one boot left: the disk before it, and the log of the writes to it.

    `trouble` is what the guest or its kernel complained about, if anything.
    """

    start_image: Path
    log: Path
    trouble: str = ""


Boot = Callable[[int, Path], Capture]
StudyRun = Callable[[Path, Path, Plan, Path], Study]


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one seed, in `seconds`: a study, or `error`, why there is none."""

    seed: int
    seconds: float
    study: Study | None = None
    trouble: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a campaign ends: after so many crash points, or seconds; `jobs` guests at once."""

    points: int | None = None
    seconds: float | None = None
    jobs: int = 1
    first_seed: int = 1


@dataclass(slots=True)
class Campaign:
    """All results so far, in the order of their seeds."""

    results: list[Result] = field(default_factory=list)

    def add(self, result: Result) -> None:
        """Take in a result; an earlier one of the same seed goes."""
        self.results = [each for each in self.results if each.seed != result.seed] + [result]
        self.results.sort(key=lambda each: each.seed)

    @property
    def studies(self) -> list[Study]:
        """The studies there are."""
        return [each.study for each in self.results if each.study is not None]

    @property
    def points(self) -> int:
        """How many crashes were looked at."""
        return sum(study.points for study in self.studies)

    @property
    def good(self) -> bool:
        """Whether something was tried, and nothing was wrong."""
        quiet = not any(each.trouble or each.error for each in self.results)
        return quiet and bool(self.studies) and all(study.good for study in self.studies)

    def crash_figures(self) -> Figures:
        """Return the figures of all crash points, each counted as a run."""
        return summarize_runs(itertools.chain.from_iterable(s.runs() for s in self.studies))

    def guest_figures(self) -> Figures:
        """Return the figures of the guests' runs: a run fails where one of its crashes does."""
        return summarize_runs(
            Run(study.verified.mismatched, study.failures > 0) for study in self.studies
        )


def study_apart(start_image: Path, log: Path, plan: Plan, place: Path) -> Study:
    """Study a run in a process of ours, so that guests' runs are studied side by side."""
    return WORKERS.call(study_run, start_image, log, plan, place)


def run_campaign(
    boot: Boot,
    plan: Plan,
    record: Path,
    place: Path,
    limits: Limits,
    study: StudyRun = study_apart,
) -> Iterator[Campaign]:
    """Go on with the campaign of a file `record`, and yield it after each result.

    First what the file holds is yielded. `place` is a folder for the guests' own, which are
    removed. Raises what a boot raises three times without a success between, `StoreError`, and
    `CancelledError` when stopped.
    """
    campaign = Campaign(list(load_results(record)))
    yield campaign
    start = time.monotonic()
    known = {each.seed for each in campaign.results if not each.error}
    seeds = (seed for seed in itertools.count(limits.first_seed) if seed not in known)
    errors = 0
    with _Pool(boot, study, plan, place, limits.jobs) as pool:
        while True:
            PROCESSES.check()
            while pool.has_room and not _is_over(limits, campaign, start):
                pool.start(next(seeds))
            if pool.is_idle:
                return
            for result, error in pool.finished():
                errors = errors + 1 if error is not None else 0
                if error is not None and errors >= _MOST_ERRORS:
                    raise error
                append_result(record, result)
                campaign.add(result)
                yield campaign


def _is_over(limits: Limits, campaign: Campaign, start: float) -> bool:
    if limits.points is not None and campaign.points >= limits.points:
        return True
    return limits.seconds is not None and time.monotonic() - start >= limits.seconds


Ended = tuple[Result, PatchbotError | None]


class _Pool:
    """Runs seeds, some at once."""

    def __init__(self, boot: Boot, study: StudyRun, plan: Plan, place: Path, jobs: int) -> None:
        self._boot, self._study, self._plan, self._place = boot, study, plan, place
        self._jobs = max(1, jobs)
        self._executor = concurrent.futures.ThreadPoolExecutor(self._jobs)
        self._running: set[concurrent.futures.Future[Ended]] = set()

    def __enter__(self) -> _Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)

    @property
    def has_room(self) -> bool:
        return len(self._running) < self._jobs

    @property
    def is_idle(self) -> bool:
        return not self._running

    def start(self, seed: int) -> None:
        self._running.add(self._executor.submit(self._run, seed))

    def finished(self) -> list[Ended]:
        """Return what ended within a tick."""
        wait = concurrent.futures.FIRST_COMPLETED
        done, self._running = concurrent.futures.wait(self._running, _TICK_S, wait)
        return [future.result() for future in done]

    def _run(self, seed: int) -> Ended:
        start = time.monotonic()
        folder = self._place / f"seed{seed}"
        try:
            _empty(folder)
            capture = self._boot(seed, folder)
            plan = dataclasses.replace(self._plan, seed=seed)
            study = self._study(capture.start_image, capture.log, plan, folder)
        except CancelledError:
            raise
        except PatchbotError as error:
            return Result(seed, time.monotonic() - start, error=str(error)), error
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return Result(seed, time.monotonic() - start, study, capture.trouble), None


def _empty(folder: Path) -> None:
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    except OSError as error:
        raise StoreError(f"{folder}: {error.strerror}", hint="free space") from error


def append_result(record: Path, result: Result) -> None:
    """Add a result to a campaign's file; raises `StoreError`."""
    line = json.dumps(dataclasses.asdict(result), separators=(",", ":"))
    try:
        record.parent.mkdir(parents=True, exist_ok=True)
        with record.open("a+b") as file:
            file.seek(0, 2)
            if file.tell():
                file.seek(-1, 2)
                line = line if file.read(1) == b"\n" else f"\n{line}"  # the last one is torn
            file.write(f"{line}\n".encode())
    except OSError as error:
        raise StoreError(f"{record}: {error.strerror}", hint="free space") from error


def load_results(record: Path) -> list[Result]:
    """Return the results of a campaign's file, by seed; what is torn is left out."""
    try:
        lines = record.read_text("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"{record}: {error.strerror}") from error
    found = {each.seed: each for each in _parse(lines)}
    return [found[seed] for seed in sorted(found)]


def _parse(lines: Iterable[str]) -> Iterator[Result]:
    for line in lines:
        try:
            values = json.loads(line)
            study = values.pop("study")
            yield Result(**values, study=None if study is None else _study(study))
        except (ValueError, TypeError, KeyError, AttributeError):
            continue


def _study(values: dict[str, Any]) -> Study:
    verified = values.pop("verified")
    mismatches = tuple(Mismatch(**each) for each in verified.pop("mismatches"))
    marks = tuple((int(n), int(changes), bool(bad)) for n, changes, bad in values.pop("marks"))
    words = tuple(str(each) for each in values.pop("words"))
    seen = Verified(**verified, mismatches=mismatches)
    return Study(verified=seen, marks=marks, words=words, **values)
