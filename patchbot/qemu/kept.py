"""Outcomes of boots, kept with their serial logs: a base is booted once for each scenario."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from pathlib import Path

from patchbot.errors import StoreError
from patchbot.kbuild.image import Image
from patchbot.qemu.boot import Outcome, Setting
from patchbot.qemu.console import Case
from patchbot.qemu.running import run_scenario
from patchbot.qemu.scenario import Scenario
from patchbot.workspace import make_lock

_READ = 1 << 20
_KEPT_LOGS = 4000


def boot_kept(scenario: Scenario, setting: Setting, *, runs: int = 1) -> tuple[Outcome, Path]:
    """Return an image's outcome and where its serial log stands; boots unless it is kept.

    An outcome that rests on fewer than `runs` runs is tried again until it does not, good or bad.
    An outcome without an answer is never kept. Raises as `run_scenario`, and `StoreError`.
    """
    key = _key(setting.image, scenario, setting.accel)
    log = setting.home / "logs" / f"{scenario.file_name}-{key}.log"
    found: list[Outcome] = []
    # Two reviews at once boot the same base once. Locks are few: their files stay.
    locked = make_lock(setting.home, f"boot {key[:2]}")
    locked(lambda: found.append(_answer_from(log) or _run(scenario, setting, log, None)))
    while found[-1].answered and found[-1].runs < runs:
        locked(lambda: found.append(_run(scenario, setting, log, _answer_from(log))))
    return found[-1], log


def _run(scenario: Scenario, setting: Setting, log: Path, before: Outcome | None) -> Outcome:
    """Run once more, and count it to what was seen before; an error leaves that as it was."""
    fresh = run_scenario(scenario, setting)
    if fresh.error and before is not None:
        return fresh
    outcome = add_run(before, fresh)
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_bytes(outcome.log)
        if not outcome.error:
            _store(log, outcome)
        _drop_old(log.parent)
    except OSError as error:
        raise StoreError(f"{log}: {error.strerror}", hint="free space") from error
    return outcome


def add_run(before: Outcome | None, fresh: Outcome) -> Outcome:
    """Return what some runs and one more come to: a bad one stands for all. Pure."""
    bad = int(bool(fresh.failed)) + (before.bad_runs if before is not None else 0)
    runs = 1 + (before.runs if before is not None else 0)
    shown = before if before is not None and before.failed and not fresh.failed else fresh
    return dataclasses.replace(shown, runs=runs, bad_runs=bad)


def _key(image: Image, scenario: Scenario, accel: str) -> str:
    digest = hashlib.sha256()
    try:
        with image.kernel.open("rb") as file:
            while block := file.read(_READ):
                digest.update(block)
    except OSError as error:
        hint = "something removed the image; run it again"
        raise StoreError(f"{image.kernel}: {error.strerror}", hint=hint) from error
    digest.update(f"{scenario.key} {accel}".encode())
    return digest.hexdigest()[:24]


def _answer(log: Path) -> Path:
    return log.with_suffix(".json")


def _store(log: Path, outcome: Outcome) -> None:
    values = dataclasses.asdict(dataclasses.replace(outcome, log=b""))
    values.pop("log")
    fresh = _answer(log).with_suffix(".new")
    fresh.write_text(json.dumps(values), "utf-8")
    fresh.replace(_answer(log))


def _answer_from(log: Path) -> Outcome | None:
    try:
        values = json.loads(_answer(log).read_text("utf-8"))
        cases = tuple(Case(**case) for case in values.pop("cases"))
        return Outcome(cases=cases, log=log.read_bytes(), **values)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _drop_old(folder: Path) -> None:
    """Remove the oldest logs and their answers, beyond a number."""
    logs = sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime)
    for log in logs[:-_KEPT_LOGS]:
        for path in (_answer(log), log):
            with contextlib.suppress(OSError):
                path.unlink()
