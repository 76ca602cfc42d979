"""`patchbot smoke`: boot one commit, or a revision against its base, with some scenarios."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from patchbot.errors import PatchbotError
from patchbot.git import Repository
from patchbot.kbuild.image import Image
from patchbot.kbuild.make import missing_programs
from patchbot.qemu.accel import choose_accel
from patchbot.qemu.boot import Outcome, Setting
from patchbot.qemu.compare import Pair
from patchbot.qemu.errors import MachineError
from patchbot.qemu.machine import QEMU
from patchbot.qemu.scenario import Scenario
from patchbot.qemu.versus import compare_images
from patchbot.sandbox import find_sandbox
from patchbot.stages.build import build_trail, kernel_folder
from patchbot.tools.versions import explain_absent

SCHEMA = "patchbot.smoke/1"
Say = Callable[[str], None]


def run_smoke(
    tree: Repository,
    trail: Sequence[str],
    scenarios: Sequence[Scenario],
    home: Path,
    folder: Path,
    *,
    accel: str = "auto",
    say: Say = lambda text: None,
) -> dict[str, Any]:
    """Build and boot the last commit of a trail, and its base where there is another before it.

    `folder` is removed by the caller. Raises `PatchbotError` where it can't be built or booted.
    """
    _require()
    base, last = _build(tree, trail, home, folder, say)
    how = choose_accel(accel, last.kernel, home, folder / "probe")
    compared = len(trail) > 1
    say(f"running {len(scenarios)} scenarios ({how})")
    pairs = compare_images(
        base if compared else None, last, scenarios, Setting(last, folder, home, how), say
    )
    rows = [_row(scenario, pair) for scenario, pair in zip(scenarios, pairs, strict=True)]
    return {
        "schema": SCHEMA,
        "commit": trail[-1],
        "base": trail[0] if compared else None,
        "accel": how,
        "sandbox": find_sandbox().why_not or "bubblewrap",
        "scenarios": rows,
    }


def build_for(tree: Repository, trail: Sequence[str], home: Path, folder: Path, say: Say) -> Image:
    """Build the last commit of a trail and return its image; raises `PatchbotError`."""
    _require()
    return _build(tree, trail, home, folder, say)[1]


def _require() -> None:
    absent = missing_programs()
    if absent:
        raise PatchbotError(f"{', '.join(absent)}: {explain_absent(*absent)}")
    if shutil.which(QEMU) is None:
        raise MachineError(f"{QEMU} is not installed", hint="apt-get install qemu-system-x86")


def _build(
    tree: Repository, trail: Sequence[str], home: Path, folder: Path, say: Say
) -> tuple[Image, Image]:
    say(f"building {trail[0][:12]}, unless it is kept: the first time takes minutes")
    with kernel_folder(home, tree, trail[0]) as where:
        built = build_trail(tree, trail, home, where, folder / "git")
    if built.kept is None:
        lines = [line for line in built.image.log.splitlines() if "error" in line.lower()]
        raise PatchbotError(f"{trail[-1][:12]} does not build: {'; '.join(lines[:3])}")
    return built.base, built.kept


def _row(scenario: Scenario, pair: Pair) -> dict[str, Any]:
    return {
        "scenario": scenario.name,
        "summary": scenario.summary,
        "change": pair.change.value if pair.change is not None else None,
        "after": _told(pair.after, pair.logs[1]),
        "base": _told(pair.base, pair.logs[0]) if pair.base is not None else None,
    }


def _told(outcome: Outcome, log: str) -> dict[str, Any]:
    return {
        "good": outcome.good,
        "failed": outcome.failed,
        "error": outcome.error,
        "seconds": round(outcome.seconds, 2),
        "runs": outcome.runs,
        "bad_runs": outcome.bad_runs,
        "log": log,
        "cases": [
            {"name": case.name, "good": case.good, "why": case.why, "skipped": case.skipped}
            for case in outcome.cases
        ],
    }


def render_smoke(document: dict[str, Any]) -> str:
    """Return a smoke document as text: a block a scenario, with where its serial log stands."""
    lines = [f"{document['commit'][:12]} under {document['accel']}"]
    if document["base"]:
        lines[0] += f", against {document['base'][:12]}"
    for row in document["scenarios"]:
        after = row["after"]
        change = f", {row['change']}" if row["change"] else ""
        lines += ["", f"{row['scenario']}: {_word(after)}{change} ({after['seconds']:.1f} s)"]
        lines += [f"  {text}" for text in (after["failed"], after["error"]) if text]
        lines += [f"  {_mark(case)} {case['name']}: {case['why']}" for case in after["cases"]]
        lines.append(f"  serial log: {after['log']}")
        if row["base"]:
            lines.append(f"  the base: {_word(row['base'])}, {row['base']['log']}")
    return "\n".join(lines)


def _word(told: dict[str, Any]) -> str:
    if told["error"]:
        return "no answer"
    return "good" if told["good"] else "failed" if told["failed"] else "nothing could be tried"


def _mark(case: dict[str, Any]) -> str:
    return "skipped" if case["skipped"] else "ok" if case["good"] else "not ok"


def worst_of(document: dict[str, Any]) -> str:
    """Return "failed", "no answer" or "good": failing as the base does is no failure."""
    rows = document["scenarios"]
    if any(_is_bad(row) for row in rows):
        return "failed"
    told = [each for row in rows for each in (row["after"], row["base"]) if each]
    if any(each["error"] for each in told) or not any(
        row["after"]["good"] or row["after"]["failed"] for row in rows
    ):
        return "no answer"
    return "good"


def _is_bad(row: dict[str, Any]) -> bool:
    if row["base"] is None:
        return bool(row["after"]["failed"])
    return bool(row["change"] == "introduced")
