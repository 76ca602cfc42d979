"""Outcomes of boots, kept with their serial logs: a base is booted once for each scenario."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

from patchbot.errors import StoreError
from patchbot.kbuild.image import Image
from patchbot.qemu.boot import Outcome, boot_scenario
from patchbot.qemu.console import Case
from patchbot.qemu.scenario import Scenario

_READ = 1 << 20


def boot_kept(
    image: Image, scenario: Scenario, place: Path, home: Path, *, accel: str, fresh: bool = False
) -> tuple[Outcome, Path]:
    """Return an image's outcome and where its serial log stands; boots unless it is kept.

    An outcome without an answer is never kept. Raises as `boot_scenario`, and `StoreError`.
    """
    log = home / "logs" / f"{_key(image, scenario, accel)}.log"
    kept = None if fresh else _load(log)
    if kept is not None:
        return kept, log
    place.mkdir(parents=True, exist_ok=True)
    outcome = boot_scenario(image.kernel, scenario, place, accel=accel)
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_bytes(outcome.log)
        if not outcome.error:
            _store(log, outcome)
    except OSError as error:
        raise StoreError(f"{log}: {error.strerror}", hint="free space") from error
    return outcome, log


def _key(image: Image, scenario: Scenario, accel: str) -> str:
    digest = hashlib.sha256()
    with image.kernel.open("rb") as file:
        while block := file.read(_READ):
            digest.update(block)
    digest.update(f"{scenario.key} {accel}".encode())
    return f"{scenario.name}-{digest.hexdigest()[:24]}"


def _answer(log: Path) -> Path:
    return log.with_suffix(".json")


def _store(log: Path, outcome: Outcome) -> None:
    values = dataclasses.asdict(dataclasses.replace(outcome, log=b""))
    values.pop("log")
    fresh = _answer(log).with_suffix(".new")
    fresh.write_text(json.dumps(values), "utf-8")
    fresh.replace(_answer(log))


def _load(log: Path) -> Outcome | None:
    try:
        values = json.loads(_answer(log).read_text("utf-8"))
        cases = tuple(Case(**case) for case in values.pop("cases"))
        return Outcome(cases=cases, log=log.read_bytes(), **values)
    except (OSError, ValueError, TypeError, KeyError):
        return None
