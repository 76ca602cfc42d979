"""The matrix of a series: a row a revision, a column a stage, and what each cell says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from patchbot.report.text import clean_text
from patchbot.store import count_trailers
from patchbot.view.lists import one_line

_WEIGHT = {"error": 0, "warning": 1, "note": 2}
RUNNING = "running"
SPINNER = "|/-\\"
"""A turn of the mark before what runs; plain characters, which every terminal has."""
_TURNS_A_S = 4.0
WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its text, and the word that names its style (a status, or "" for plain)."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Matrix:
    """Columns by name, and for each revision's label its cells in that order.

    `stages` are the columns that are stages.
    """

    columns: tuple[str, ...]
    stages: tuple[str, ...]
    rows: Mapping[str, tuple[Cell, ...]]


@dataclass(slots=True)
class Live:
    """What a running review has told so far: its plan, and a result or None for each cell.

    `text` is what it says that it does now, `logs` the files that grow, by name, of each cell,
    and `since` when each cell began, in seconds of the clock that `take` is given.
    """

    labels: list[str] = field(default_factory=list)
    stages: list[str] = field(default_factory=list)
    started: set[tuple[str, str]] = field(default_factory=set)
    results: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    text: str = ""
    logs: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    since: dict[tuple[str, str], float] = field(default_factory=dict)

    def pending(self) -> set[tuple[str, str]]:
        """Return the cells that run or wait, by label and stage."""
        planned = {(label, stage) for label in self.labels for stage in self.stages}
        return planned - set(self.results)

    def running(self) -> set[tuple[str, str]]:
        """Return the cells that run, by label and stage."""
        return self.started - set(self.results)

    def take(self, event: Mapping[str, Any], now: float = 0.0) -> None:
        """Take an event of `patchbot review --events` into account."""
        kind = event["event"]
        if kind == "planned":
            self.labels, self.stages = list(event["labels"]), list(event["stages"])
        elif kind == "started":
            self.started.add((event["label"], event["stage"]))
            self.since[event["label"], event["stage"]] = now
        elif kind == "ended":
            self.results[event["label"], event["result"]["stage"]] = event["result"]
        elif kind == "log":
            at = event["label"], event["stage"]
            self.logs.setdefault(at, {})[event["name"]] = event["path"]
        elif kind in ("say", "share"):
            self.text = one_line(event["text"])


def running_cell(seconds: float) -> Cell:
    """Return the cell of a stage that has been running for so many seconds: a turning mark."""
    mark = SPINNER[int(seconds * _TURNS_A_S) % len(SPINNER)]
    taken = f" {seconds:.0f} s" if seconds >= 1 else ""
    return Cell(f"{mark} {RUNNING}{taken}", RUNNING)


def say_progress(live: Live, elapsed: str, *, stopping: bool = False) -> str:
    """Say in a line what a review does: "1:02  3 of 12 stages done  v1 smoke, v2 build"."""
    total = len(live.labels) * len(live.stages)
    done = f"{len(live.results)} of {total} stages done" if total else ""
    running = ", ".join(f"{label} {stage}" for label, stage in sorted(live.running()))
    words = [elapsed, "stopping" if stopping else "", done, one_line(running or live.text)]
    return "  ".join(filter(None, words)) if done or live.text else f"{elapsed}  starting"


def make_matrix(document: Mapping[str, Any], live: Live | None = None, now: float = 0.0) -> Matrix:
    """Return the matrix of a document, with what a review under way has told laid over it.

    `now` is the time of the clock that `Live.take` is given.
    """
    revisions = document["revisions"]
    found = {name: None for revision in revisions for name in revision["stages"]}
    stages = tuple(dict.fromkeys([*found, *(live.stages if live else [])]))
    columns = ("revision", "sent", "patches", "trailers", *stages, "verdict")
    rows = {each["label"]: _row(each, stages, live, now) for each in revisions}
    return Matrix(columns, stages, rows)


def _row(
    revision: Mapping[str, Any], stages: tuple[str, ...], live: Live | None, now: float
) -> tuple[Cell, ...]:
    have, total = len(revision["patches"]), revision["total"]
    counts = count_trailers(revision).items()
    verdict = revision["verdict"]["status"]
    is_live = live is not None and revision["label"] in live.labels
    return (
        Cell(one_line(revision["label"]) + (" RFC" if revision["rfc"] else "")),
        Cell((revision["date"] or "")[:10]),
        Cell(str(have) if have == total else f"{have} of {total}"),
        Cell(" ".join(f"{key}:{count}" for key, count in counts)),
        *(_stage_cell(revision, stage, live if is_live else None, now) for stage in stages),
        Cell(RUNNING, RUNNING) if is_live else Cell(verdict, verdict),
    )


def _stage_cell(revision: Mapping[str, Any], stage: str, live: Live | None, now: float) -> Cell:
    at = revision["label"], stage
    if live is not None and stage in live.stages and at not in live.results:
        since = live.since.get(at)
        return running_cell(now - since) if since is not None else Cell(WAITING, WAITING)
    result = live.results.get(at) if live is not None else None
    return stage_cell(result or revision["stages"].get(stage))


def stage_cell(result: Mapping[str, Any] | None) -> Cell:
    """Return what a stage's result says in a cell: status, findings that count, marks, seconds.

    The marks say what changed against the base: "+" introduced, "-" fixed, "=" still there.
    """
    if result is None:
        return Cell("did not run", "error")
    changes = [finding["change"] for finding in result["findings"]]
    marks = [
        f"{mark}{changes.count(change)}"
        for mark, change in (("+", "introduced"), ("-", "fixed"), ("=", "unchanged"))
        if change in changes
    ]
    seconds = f"{result['seconds']:.0f} s" if result["seconds"] >= 1 else ""
    words = [result["status"], *marks, seconds]
    return Cell(" ".join(filter(None, words)), result["status"])


def explain_cell(
    document: Mapping[str, Any], label: str, column: str, live: Live | None = None
) -> list[str]:
    """Return the lines that explain a cell: why this status, or what is known of the revision.

    While a review runs, what stands in the document of a revision's verdict is not said.
    """
    revision = next(each for each in document["revisions"] if each["label"] == label)
    is_live = live is not None and label in live.labels
    result = revision["stages"].get(column)
    if live is not None and is_live and column in live.stages:
        result = live.results.get((label, column))
        if result is None:
            state = RUNNING if (label, column) in live.started else WAITING
            return [clean_text(f"{label} {column}: {state}")]
    if result is not None:
        lines = [f"{label} {column}: {result['status']}", result["reason"]]
        heaviest = sorted(result["findings"], key=lambda each: _WEIGHT[each["severity"]])
        lines += [_say_finding(each) for each in heaviest]
        return [clean_text(line) for line in lines if line]
    verdict = revision["verdict"]
    base = revision["base"]
    lines = [f"{label}: {verdict['status']}", *verdict["reasons"]]
    if live is not None and is_live:
        ended = {stage: live.results.get((label, stage)) for stage in live.stages}
        said = [f"{n}: {r['status']}, {r['reason']}" for n, r in ended.items() if r is not None]
        lines = [f"{label}: {RUNNING}", *said]
    lines += [f"base {base['commit'][:12]}: {base['how']}" if base else "no base"]
    lines += [str(note) for note in revision["notes"]]
    return [clean_text(line) for line in lines]


def _say_finding(finding: Mapping[str, Any]) -> str:
    change = f", {finding['change']}" if finding["change"] else ""
    where = f" ({finding['file']}:{finding['line']})" if finding["file"] else ""
    return f"{finding['severity']} {finding['rule']}{change}{where}: {finding['message']}"
