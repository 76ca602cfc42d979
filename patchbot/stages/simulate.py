"""The simulate stage: the tree's own functions under every schedule, relative to the base."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from kernel_sim.kit import KitError
from kernel_sim.ledger import summarize_ledger
from kernel_sim.scenario import load_scenarios

from patchbot.git import Repository
from patchbot.model import Change, Finding, Severity, StageResult, Status
from patchbot.proc import count_cores
from patchbot.sim_command import (
    count_executions,
    render_failure,
    replay_command,
    say_covered,
    say_extent,
    say_result,
)
from patchbot.sim_compare import (
    Pair,
    Work,
    compare_commits,
    find_kit_of,
    is_answered,
    read_parts,
)
from patchbot.sim_reach import Reach, say_reach
from patchbot.simulation import Asked, Row, choose_engine, result_key
from patchbot.stages.base import StageRequest, hash_key, hash_patch
from patchbot.stages.static import commits_of

_VERSION = "4"
_ASKED = Asked(bound=1, seconds=300.0)
_TRIES = 8


class SimulateStage:
    """Runs every scenario on the base and on the last commit, up to one preemption.

    Where no program can be made of the last commit, the last before it of which one can be made is
    run: what fails there fails, and nothing passes.

    `data` of its result: `complete`, whether every search came to its end, `patch`, how many
    patches were on what was run, and `scenarios`: for each one's name `result`, `change`, `covered`
    in words, `schedule` (None without a failure) and `counterexample`: None where it fails on
    neither side, else `commit`, `scenario`, `schedule`, `failure`, `threads` and `steps` as
    `patchbot sim` prints them, of the base where it fails there alone.
    """

    name = "simulate"
    version = _VERSION
    needs: tuple[str, ...] = ("apply",)
    summary = "run the changed functions under every schedule of small scenarios, against the base"

    def key(self, request: StageRequest) -> str | None:
        """Hash the commits, the base, the scenarios, the simulator, and the mails."""
        base, commits = commits_of(request)
        mails = [(p.number, hash_patch(p)) for p in request.revision.patches]
        scenarios = [result_key("", each, _ASKED) for each in load_scenarios().values()]
        return hash_key(self.name, self.version, base, commits, scenarios, mails)

    def is_current(self, stored: StageResult, request: StageRequest) -> bool:
        """A kept result holds if no limit of time had a part in it."""
        return stored.data.get("complete", True) is True

    def run(self, request: StageRequest) -> StageResult:
        """Run all scenarios; see `SimulateStage`."""
        base, commits = commits_of(request)
        tree, home = request.tree, request.home
        if tree is None or home is None or not commits:
            return self._result(request, Status.SKIPPED, "no commits to simulate")
        try:
            find_kit_of(tree, base)
        except KitError as error:
            return self._result(request, Status.SKIPPED, str(error))
        ran = _run_last_made(request, tree, home, base, commits)
        status, reason = _judge(ran, request)
        found = tuple(make_findings(ran.pairs, str(tree.top), base, commits[ran.patches - 1]))
        data: dict[str, object] = {
            "complete": all(is_answered(row) for row in _rows(ran.pairs)),
            "patch": ran.patches,
            "scenarios": {
                pair.scenario: _told(pair)
                | {"counterexample": _counterexample(pair, base, commits[ran.patches - 1])}
                for pair in ran.pairs
            },
        }
        return self._result(request, status, reason, found, data)

    def _result(
        self,
        request: StageRequest,
        status: Status,
        reason: str,
        findings: tuple[Finding, ...] = (),
        data: dict[str, object] | None = None,
    ) -> StageResult:
        return StageResult(
            stage=self.name,
            status=status,
            reason=reason,
            findings=findings,
            tools={"kernel_sim": choose_engine(_ASKED.engine)} if data else {},
            repeat=request.repeat,
            data=data or {},
        )


@dataclass(frozen=True, slots=True)
class _Ran:
    """What was run: with how many of the patches, and why not with all ("" where it was)."""

    pairs: list[Pair]
    patches: int
    why: str


def _run_last_made(
    request: StageRequest, tree: Repository, home: Path, base: str, commits: Sequence[str]
) -> _Ran:
    """Run the last commit, or the last before it of which a program can be made."""
    scenarios = list(load_scenarios().values())
    pairs: list[Pair] = []
    patches, why = len(commits), ""
    for patches in range(len(commits), max(0, len(commits) - _TRIES), -1):
        trail = [base, commits[patches - 1]]
        pairs = compare_commits(
            Work(tree, trail, scenarios, _ASKED, request.folder, home, named=False),
            jobs=count_cores(),
        )
        missing = why_not_made(pairs)
        why = why or missing
        if not missing:
            break
    return _Ran(pairs, patches, why)


def _judge(ran: _Ran, request: StageRequest) -> tuple[Status, str]:
    status, reason = judge_pairs(ran.pairs)
    if not ran.why:
        return status, reason
    words = f"the last patch can't be run: {ran.why}"
    if why_not_made(ran.pairs):
        return Status.INCONCLUSIVE, words
    number = request.revision.patches[ran.patches - 1].number
    status = status if status is Status.FAIL else Status.INCONCLUSIVE
    return status, f"{words}; at patch {number}: {reason}"


def why_not_made(pairs: Sequence[Pair]) -> str:
    """Return why no program could be made of the commit; "" where one could be."""
    if any(pair.after["ledger"] for pair in pairs):
        return ""
    return next((str(reason) for pair in pairs for reason in pair.after["reasons"]), "")


def _rows(pairs: Sequence[Pair]) -> list[Row]:
    return [row for pair in pairs for row in (pair.after, pair.base) if row is not None]


def _told(pair: Pair) -> dict[str, object]:
    row = pair.after
    return {
        "result": row["result"],
        "change": pair.change.value if pair.change is not None else None,
        "covered": say_covered(row) if row["covered"] else "",
        "functions": summarize_ledger(read_parts(row)),
        "touched": list(pair.touched),
        "unseen": list(pair.unseen),
        "reach": asdict(pair.reach),
        "schedule": row["schedule"],
    }


def _counterexample(pair: Pair, base: str, last: str) -> dict[str, object] | None:
    row, commit = (pair.after, last) if pair.after["failure"] else (pair.base, base)
    if row is None or not row["failure"]:
        return None
    kept = ("scenario", "schedule", "failure", "threads", "steps")
    return {"commit": commit, **{name: row[name] for name in kept}}


def judge_pairs(pairs: Sequence[Pair]) -> tuple[Status, str]:
    """Return the status of some scenarios, and the reason.

    A pass needs that each gave a whole answer on both sides, and that one at least, of those that
    called a function that was changed, ends without a failure: a search stops at its first one,
    and what fails on the base too says nothing of what may come after it. Such a search must have
    come to one at least of the changed lines that have code.
    """
    words = _summarize(pairs)
    if any(pair.change is Change.INTRODUCED for pair in pairs):
        return Status.FAIL, words
    if not pairs or any(pair.base is None for pair in pairs):
        return Status.INCONCLUSIVE, words or "no scenario ran"
    if not all(is_answered(row) for row in _rows(pairs)):
        return Status.INCONCLUSIVE, words
    if not any(pair.touched for pair in pairs):
        return Status.SKIPPED, f"no scenario runs a function that is changed; {words}"
    if all(pair.after["failure"] for pair in pairs if pair.touched):
        return Status.SKIPPED, f"no search gets beyond what fails on the base too; {words}"
    reach = pairs[0].reach
    if reach.code and not reach.came:
        return Status.SKIPPED, f"no scenario comes to a line that is changed; {words}"
    if reach.code and not reach.passed:
        return Status.SKIPPED, f"what comes to changed lines fails on the base too; {words}"
    return Status.PASS, "; ".join((words, *_say_left(reach, pairs[0].unseen)))


def _say_left(reach: Reach, unseen: Sequence[str]) -> Iterator[str]:
    if reach.idle:
        yield f"{say_reach(reach)}, not {', '.join(reach.idle)}"
    if unseen:
        yield f"not compiled: {', '.join(unseen)}"


def _summarize(pairs: Sequence[Pair]) -> str:
    groups: dict[tuple[str, str], list[Pair]] = {}
    for pair in pairs:
        groups.setdefault((_group(pair), _extent(pair)), []).append(pair)
    return "; ".join(_say(how, extent, group) for (how, extent), group in groups.items())


def _say(how: str, extent: str, pairs: Sequence[Pair]) -> str:
    if not extent:
        return f"{how}: {', '.join(map(_name, pairs))}"
    ran = count_executions([pair.after for pair in pairs])
    return f"{how}, {extent}, {ran}: {', '.join(pair.scenario for pair in pairs)}"


def _extent(pair: Pair) -> str:
    """What those have in common that have no more to tell."""
    row = pair.after
    plain = pair.change is Change.UNCHANGED and row["complete"] and not row["random"]
    return say_extent(row) if plain and not row["failure"] else ""


def _group(pair: Pair) -> str:
    if pair.change is None:
        return "no answer"
    if pair.change is not Change.UNCHANGED:
        return pair.change.value
    return "fails as on the base" if pair.after["failure"] else "no failure"


def _name(pair: Pair) -> str:
    if pair.change is None:
        side, where = (
            (pair.after, "") if not is_answered(pair.after) else (pair.base, " on the base")
        )
        return f"{pair.scenario}{where} ({say_result(side) if side else 'not run'})"
    return f"{pair.scenario} ({say_covered(pair.after)})"


def make_findings(pairs: Sequence[Pair], tree: str, base: str, last: str) -> list[Finding]:
    """Return a finding for every scenario that fails before or after, with its counterexample."""
    return [each for pair in pairs if (each := _finding(pair, tree, base, last)) is not None]


def _finding(pair: Pair, tree: str, base: str, last: str) -> Finding | None:
    if pair.change is None or pair.base is None:
        return None
    row, commit = (pair.after, last) if pair.after["failure"] else (pair.base, base)
    if not row["failure"]:
        return None
    failure = row["failure"]
    introduced = pair.change is Change.INTRODUCED
    shown = render_failure(row, tree, commit) if introduced else [replay_command(row, tree, commit)]
    ours = failure["path"].startswith("<") or not failure["path"]
    return Finding(
        rule=pair.scenario,
        severity=Severity.ERROR if introduced else Severity.NOTE,
        message=f"{failure['kind']}: {failure['text']}, {say_covered(row)}",
        file=None if ours else failure["path"],
        line=None if ours else failure["line"],
        evidence="\n".join(shown[2:] if introduced else shown),
        change=pair.change,
    )
