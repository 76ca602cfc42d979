"""`patchbot campaign`: crashes of one kernel by the thousand, with the figures of the field."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from patchbot.diagnostics import Narrator
from patchbot.errors import CancelledError, UsageError
from patchbot.git import Repository
from patchbot.kbuild.image import Image
from patchbot.qemu.accel import choose_accel
from patchbot.qemu.boot import Setting
from patchbot.qemu.campaign import Campaign, Capture, Limits, run_campaign
from patchbot.qemu.captures import capture_run, plan_of, seeded
from patchbot.qemu.errors import MachineError
from patchbot.qemu.runstats import Figures
from patchbot.qemu.scenario import Scenario, load_scenarios
from patchbot.qemu.versus import guests_at_once
from patchbot.smoke import build_for

SCHEMA = "patchbot.campaign/1"
_MINUTES = 10.0
_MOST_WORDS = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """What a campaign is asked for; `runs` are crashes, `minutes` hold where both are None.

    `jobs` is 0 for as many guests as the machine takes.
    """

    scenario: str
    runs: int | None
    minutes: float | None
    jobs: int
    seed: int
    accel: str
    fresh: bool

    def check(self) -> None:
        """Raise `UsageError` for numbers that mean nothing."""
        numbers = {"--runs": self.runs, "--minutes": self.minutes, "--seed": self.seed}
        for name, value in numbers.items():
            if value is not None and value <= 0:
                raise UsageError(f"{name} must be more than 0", hint="see patchbot campaign --help")
        if self.jobs < 0:
            raise UsageError("--jobs can't be negative", hint="see patchbot campaign --help")

    @property
    def limits(self) -> Limits:
        """When it ends."""
        minutes = self.minutes or (None if self.runs else _MINUTES)
        seconds = minutes * 60 if minutes is not None else None
        return Limits(self.runs, seconds, self.jobs or guests_at_once(), self.seed)


@dataclass(frozen=True, slots=True)
class Tally:
    """A campaign's state, and the file in which it goes on; `image` is the kernel it is about."""

    campaign: Campaign
    record: Path
    scenario: Scenario
    image: Image


def run_on(
    tree: Repository,
    trail: Sequence[str],
    asked: Asked,
    home: Path,
    folder: Path,
    narrator: Narrator,
) -> dict[str, Any]:
    """Build the last commit of a trail, and run its campaign to its end or to a Ctrl-C.

    Returns its document, with `stopped`. Raises `PatchbotError`.
    """
    asked.check()
    scenario = find_scenario(asked.scenario)
    image = build_for(tree, trail, home, folder, narrator.say)
    missing = scenario.missing_options((image.folder / "config").read_text("utf-8", "replace"))
    if missing:
        raise MachineError(f"the kernel can't have {', '.join(missing)}")
    accel = choose_accel(asked.accel, image.kernel, home, folder / "probe")
    setting = Setting(image, folder / "guests", home, accel)
    limits, start = asked.limits, time.monotonic()
    last: Tally | None = None
    stopped = False
    try:
        for last in continue_campaign(scenario, setting, limits, fresh=asked.fresh):
            narrator.measure(_words(last), _share(last, limits, start))
    except (CancelledError, KeyboardInterrupt):
        if last is None or not last.campaign.points:
            raise
        stopped = True
    if last is None:
        raise MachineError("the campaign did not begin")
    return {**document_of(last, trail[-1]), "accel": accel, "stopped": stopped}


def _words(tally: Tally) -> str:
    figures = tally.campaign.crash_figures()
    return (
        f"{figures.runs} crashes, {figures.changed} with a change, "
        f"{figures.failures} recovery failures ({len(tally.campaign.results)} guests)"
    )


def _share(tally: Tally, limits: Limits, start: float) -> float:
    """Return how much of a campaign is done, from 0 to 1."""
    done = [0.0]
    if limits.points:
        done.append(tally.campaign.points / limits.points)
    if limits.seconds:
        done.append((time.monotonic() - start) / limits.seconds)
    return min(1.0, max(done))


def find_scenario(name: str) -> Scenario:
    """Return a scenario that a campaign can repeat; raises `UsageError`."""
    fitting = {key: each for key, each in load_scenarios().items() if each.kind == "crash"}
    if name not in fitting:
        raise UsageError(f"a campaign can't run {name!r}", hint=f"there are: {', '.join(fitting)}")
    return fitting[name]


def record_of(home: Path, image: Image, scenario: Scenario) -> Path:
    """Return the file of a kernel's campaign: another kernel or scenario has another one."""
    digest = hashlib.sha256(image.kernel.read_bytes() + scenario.key.encode()).hexdigest()
    return home / "campaigns" / f"{scenario.file_name}-{digest[:24]}.jsonl"


def continue_campaign(
    scenario: Scenario, setting: Setting, limits: Limits, *, fresh: bool = False
) -> Iterator[Tally]:
    """Go on with a kernel's campaign, or begin anew if `fresh`; yields after every guest's run.

    Raises as `run_campaign`.
    """
    record = record_of(setting.home, setting.image, scenario)
    if fresh:
        record.unlink(missing_ok=True)
    boot = _booter(scenario, setting)
    for campaign in run_campaign(boot, plan_of(scenario), record, setting.place, limits):
        yield Tally(campaign, record, scenario, setting.image)


def _booter(scenario: Scenario, setting: Setting) -> Callable[[int, Path], Capture]:
    def boot(seed: int, folder: Path) -> Capture:
        capture, _, _ = capture_run(seeded(scenario, seed), replace(setting, place=folder))
        return capture

    return boot


def document_of(tally: Tally, commit: str) -> dict[str, Any]:
    """Return a campaign as a JSON document."""
    campaign = tally.campaign
    errors = [f"seed {each.seed}: {each.error}" for each in campaign.results if each.error]
    troubles = [f"seed {each.seed}: {each.trouble}" for each in campaign.results if each.trouble]
    studies = campaign.studies
    return {
        "schema": SCHEMA,
        "commit": commit,
        "scenario": tally.scenario.name,
        "good": campaign.good,
        "guests": len(studies),
        "seeds": [each.seed for each in campaign.results],
        "guest_seconds": round(sum(each.seconds for each in campaign.results), 1),
        "commits": sum(study.verified.commits for study in studies),
        "checksums": sum(study.verified.tags for study in studies),
        "blocks_changed": sum(study.verified.mismatched for study in studies),
        "e2fsck_asked": sum(study.checked for study in studies),
        "e2fsck_disagrees": sum(study.disagreed for study in studies),
        "damaged": sum(study.damaged for study in studies),
        "crashes": _figures(campaign.crash_figures()),
        "by_guest": _figures(campaign.guest_figures()),
        "evidence": _evidence(campaign),
        "troubles": troubles,
        "errors": errors,
        "record": str(tally.record),
    }


def _evidence(campaign: Campaign) -> list[str]:
    words = [
        f"seed {each.seed}: {word}"
        for each in campaign.results
        if each.study is not None
        for word in each.study.words[:1]
    ]
    return words[:_MOST_WORDS]


def _figures(figures: Figures) -> dict[str, Any]:
    return {
        "runs": figures.runs,
        "with_change": figures.changed,
        "recovery_failures": figures.failures,
        "average_between": figures.average_between,
        "minimum_between": figures.minimum_between,
        "maximum_between": figures.maximum_between,
        "median_between": figures.median_between,
        "most_changes": figures.most_changes,
        "text": str(figures),
    }


def render_campaign(document: dict[str, Any]) -> str:
    """Return a campaign's document as text."""
    lines = [f"{document['commit'][:12]}: {_verdict(document)}"]
    lines.append(f"crashes: {document['crashes']['text']}")
    lines.append(f"guests: {document['by_guest']['text']}")
    lines.append(
        f"{document['commits']} commits with {document['checksums']} checksums, "
        f"{document['blocks_changed']} blocks changed on their way to the disk"
    )
    lines.append(
        f"{document['e2fsck_asked']} crashes put before e2fsck, which differs at "
        f"{document['e2fsck_disagrees']} and finds {document['damaged']} damaged after recovery"
    )
    lines += [f"  {each}" for name in ("evidence", "troubles", "errors") for each in document[name]]
    lines.append(f"goes on in {document['record']}")
    return "\n".join(lines)


def _verdict(document: dict[str, Any]) -> str:
    answer = worst_of(document)
    return {"good": "nothing was wrong", "failed": "it fails"}.get(answer, "no answer")


def worst_of(document: dict[str, Any]) -> str:
    """Return "failed", "no answer" or "good" for a campaign's document."""
    if document["e2fsck_disagrees"] or not document["crashes"]["runs"]:
        return "no answer"
    if document["blocks_changed"] or document["crashes"]["recovery_failures"]:
        return "failed"
    if document["damaged"] or document["troubles"]:
        return "failed"
    return "good" if document["good"] else "no answer"
