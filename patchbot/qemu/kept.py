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

    A good outcome that rests on fewer than `runs` runs is tried again until it does, or is bad.
    An outcome without an answer is never kept. Raises as `run_scenario`, and `StoreError`.
    """
    key = _key(setting.image, scenario, setting.accel)
    log = setting.home / "logs" / f"{scenario.file_name}-{key}.log"
    found: list[Outcome] = []
    # Two reviews at once boot the same base once. Locks are few: their files stay.
    locked = make_lock(setting.home, f"boot {key[:2]}")
    locked(lambda: found.append(_answer_from(log) or _run(scenario, setting, log)))
    while _is_due(found[-1], runs):
        locked(lambda: found.append(_again(scenario, setting, log)))
    return found[-1], log


def _is_due(outcome: Outcome, runs: int) -> bool:
    return outcome.good and outcome.runs < runs


def _again(scenario: Scenario, setting: Setting, log: Path) -> Outcome:
    """Try a good outcome once more; a bad one takes its place."""
    before = _answer_from(log)
    place = dataclasses.replace(setting, place=setting.place.with_name(f"{setting.place.name}-"))
    return _run(scenario, place, log, before.runs if before is not None else 0)


def _run(scenario: Scenario, setting: Setting, log: Path, earlier: int = 0) -> Outcome:
    outcome = run_scenario(scenario, setting)
    outcome = dataclasses.replace(outcome, runs=earlier + 1)
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_bytes(outcome.log)
        if not outcome.error:
            _store(log, outcome)
        _drop_old(log.parent)
    except OSError as error:
        raise StoreError(f"{log}: {error.strerror}", hint="free space") from error
    return outcome


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
