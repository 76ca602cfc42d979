"""What `patchbot sim` says and how it exits, and how the stage judges, without running anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import patchbot.sim_command as sim
from patchbot.cli import main
from patchbot.diagnostics import ExitCode
from patchbot.errors import UsageError
from patchbot.model import Change, Severity, Status
from patchbot.sim_compare import Pair, find_kit_of, object_to
from patchbot.stages.simulate import judge_pairs, make_findings
from tests.support.git_tree import make_git_tree

Captured = pytest.CaptureFixture[str]


def covered(bound: int | None, executions: int, complete: bool = True) -> dict[str, Any]:
    return {
        "bound": bound, "executions": executions, "pruned": 0, "steps": 0, "visible": 0,
        "complete": complete, "refused": True,
    }  # fmt: skip


def make_row(**changes: Any) -> dict[str, Any]:
    row = {
        "scenario": "race/one", "summary": "a race", "engine": "native", "result": "no failure",
        "reasons": [], "failure": None, "schedule": None, "threads": {}, "steps": [],
        "covered": [covered(0, 6), covered(1, 1234)], "executions": 2000, "complete": True,
        "exhaustive": False, "random": None, "seconds": 1.0, "ledger": None, "handover": None,
    }  # fmt: skip
    return row | changes


def failing(kind: str = "recovery", text: str = "lost", path: str = "fs/a.c") -> dict[str, Any]:
    return make_row(
        result="failure", complete=False, executions=9, schedule="1@5>2",
        failure={"kind": kind, "text": text, "thread": 2, "path": path, "line": 7},
        threads={"0": "main", "1": "commit", "2": "writer"},
        covered=[covered(0, 6), covered(1, 3, False)],
    )  # fmt: skip


GOOD = make_row()
BAD = failing()
STOPPED = make_row(complete=False, covered=[covered(0, 6), covered(1, 40, False)])
LOST = make_row(result="inconclusive", reasons=["inline assembly"], complete=True)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (GOOD, "exhaustive up to 1 preemption: 1,234 executions"),
        (make_row(covered=[covered(2, 1)]), "exhaustive up to 2 preemptions: 1 execution"),
        (make_row(exhaustive=True), "every schedule: 1,234 executions"),
        (
            STOPPED,
            "exhaustive up to 0 preemptions: 6 executions; then no failure in 40 executions,"
            " stopped by --time",
        ),
        (
            make_row(complete=False, covered=[covered(None, 40, False)]),
            "no failure in 40 executions, stopped by --time",
        ),
        (BAD, "with 1 preemption, after 9 executions"),
        (BAD | {"covered": [covered(None, 9, False)]}, "after 9 executions"),
        (
            make_row(random={"executions": 2000, "seed": 5}),
            "exhaustive up to 1 preemption: 1,234 executions;"
            " then no failure in 2,000 random schedules beyond (seed 5)",
        ),
        (
            BAD | {"random": {"executions": 3, "seed": 5}},
            "by a random schedule (seed 5), after 9 executions",
        ),
    ],
)
def test_how_far_a_search_went(row: dict[str, Any], words: str) -> None:
    assert sim.say_covered(row) == words


@pytest.mark.parametrize(
    ("after", "base", "change"),
    [
        (GOOD, None, None),
        (GOOD, GOOD, Change.UNCHANGED),
        (BAD, BAD, Change.UNCHANGED),
        (BAD, failing(path="fs/b.c"), Change.UNCHANGED),
        (BAD, GOOD, Change.INTRODUCED),
        (BAD, failing(kind="deadlock"), Change.INTRODUCED),
        (BAD, failing(text="another"), Change.INTRODUCED),
        (GOOD, BAD, Change.FIXED),
        (STOPPED, BAD, None),
        (BAD, STOPPED, None),
        (LOST, BAD, None),
        (BAD, LOST, None),
        (BAD | {"result": "inconclusive"}, GOOD, None),
    ],
)
def test_a_change_needs_whole_answers(
    after: dict[str, Any], base: dict[str, Any] | None, change: Change | None
) -> None:
    assert Pair(after, base).change is change


@pytest.mark.parametrize(
    ("pairs", "worst", "status"),
    [
        ([Pair(GOOD, GOOD, ("f",))], "good", Status.PASS),
        ([Pair(GOOD, GOOD)], "good", Status.SKIPPED),  # nothing of the change was run
        ([Pair(GOOD, GOOD, ("f",)), Pair(GOOD, GOOD)], "good", Status.PASS),
        ([Pair(BAD, BAD, ("f",))], "good", Status.SKIPPED),  # what comes after it is not seen
        ([Pair(BAD, BAD, ("f",)), Pair(GOOD, GOOD)], "good", Status.SKIPPED),
        ([Pair(BAD, BAD, ("f",)), Pair(GOOD, GOOD, ("f",))], "good", Status.PASS),
        ([Pair(GOOD, BAD, ("f",))], "good", Status.PASS),
        ([Pair(BAD, GOOD, ("f",))], "failed", Status.FAIL),
        ([Pair(BAD, GOOD, ("f",)), Pair(LOST, GOOD, ("f",))], "failed", Status.FAIL),
        ([Pair(GOOD, GOOD, ("f",)), Pair(LOST, GOOD)], "no answer", Status.INCONCLUSIVE),
        ([Pair(STOPPED, GOOD, ("f",))], "no answer", Status.INCONCLUSIVE),
        ([Pair(GOOD, STOPPED, ("f",))], "no answer", Status.INCONCLUSIVE),
        ([Pair(LOST, None)], "no answer", Status.INCONCLUSIVE),
        ([], "no answer", Status.INCONCLUSIVE),
    ],
)
def test_only_whole_answers_pass(pairs: list[Pair], worst: str, status: Status) -> None:
    assert sim.worst_of({"scenarios": [sim._pair(pair) for pair in pairs]}) == worst
    assert judge_pairs(pairs)[0] is status
    assert judge_pairs(pairs)[1]


def test_why_nothing_can_be_said() -> None:
    untouched, masked = judge_pairs([Pair(GOOD, GOOD)])[1], judge_pairs([Pair(BAD, BAD, ("f",))])[1]
    assert untouched == (
        "no scenario runs a function that is changed;"
        " no failure, exhaustive up to 1 preemption, 1,234 executions: race/one"
    )
    assert masked.startswith("no search gets beyond what fails on the base too; fails as on the ba")


def test_one_commit_fails_by_itself() -> None:
    assert sim.worst_of({"scenarios": [sim._pair(Pair(BAD, None))]}) == "failed"
    assert sim.worst_of({"scenarios": [sim._pair(Pair(GOOD, None))]}) == "good"
    assert sim.worst_of({"scenarios": [sim._pair(Pair(STOPPED, None))]}) == "no answer"


def test_the_words_of_the_stage() -> None:
    pairs = [Pair(GOOD, BAD, ("f",)), Pair(LOST, GOOD), Pair(GOOD, STOPPED)]
    assert judge_pairs(pairs)[1] == (
        "fixed: race/one (exhaustive up to 1 preemption: 1,234 executions);"
        " no answer: race/one (inconclusive: inline assembly), race/one on the base"
        " (no failure, exhaustive up to 0 preemptions: 6 executions;"
        " then no failure in 40 executions, stopped by --time)"
    )


def test_what_went_as_far_is_told_together() -> None:
    far = make_row(scenario="race/two", covered=[covered(0, 6), covered(1, 3), covered(2, 5)])
    pairs = [Pair(make_row(), GOOD, ("f",)), Pair(far, GOOD), Pair(make_row(scenario="c"), GOOD)]
    assert judge_pairs(pairs)[1] == (
        "no failure, exhaustive up to 1 preemption, 2,468 executions: race/one, c;"
        " no failure, exhaustive up to 2 preemptions, 5 executions: race/two"
    )


def test_findings_name_the_schedule() -> None:
    pairs = [Pair(BAD, GOOD), Pair(GOOD, BAD), Pair(GOOD, GOOD), Pair(LOST, GOOD)]
    new, old = make_findings(pairs, "/tree", "a" * 40, "b" * 40)
    assert (new.rule, new.severity, new.change) == ("race/one", Severity.ERROR, Change.INTRODUCED)
    assert (new.file, new.line) == ("fs/a.c", 7)
    assert new.message == "recovery: lost, with 1 preemption, after 9 executions"
    replay = "patchbot sim --tree /tree --rev {} --scenario race/one --replay '1@5>2'"
    assert new.evidence.splitlines()[:2] == [
        "schedule 1@5>2", f"see it again: {replay.format('b' * 12)}"
    ]  # fmt: skip
    assert (old.severity, old.change) == (Severity.NOTE, Change.FIXED)
    assert old.evidence == replay.format("a" * 12)
    (ours,) = make_findings([Pair(failing(path="<sim>/model/x.c"), GOOD)], "/t", "a", "b")
    assert (ours.file, ours.line) == (None, None)


def test_what_the_model_replaces_is_inconclusive_by_name() -> None:
    from kernel_sim.ledger import Changed

    lock: dict[str, object] = {"name": "lock", "path": "<sim>/m.c", "line": 1, "kind": "model"}
    functions = [lock | {"reasons": [], "ran": True, "came": "1", "idle": ""}]
    ledger = {"functions": functions, "replaced": ["lib/l.c"], "macros": [], "problems": []}
    row = make_row(ledger=ledger)
    assert object_to(row, Changed(frozenset({"other"}))) == row
    told = object_to(row, Changed(frozenset({"lock"}), frozenset({"lib/l.c"})))
    assert told["result"] == "inconclusive"
    assert told["reasons"] == [
        "the series changes lib/l.c, and the model stands in for it",
        "the series changes lock(), and the model's is run (<sim>/m.c)",
    ]
    assert row["result"] == "no failure"


def test_control_characters_of_a_tree_are_shown() -> None:
    step = {
        "thread": 1, "path": "a.c", "line": 1, "function": "f", "kind": "read", "value": 0,
        "switch": False, "skipped": 0, "text": "\x1b[2J",
    }  # fmt: skip
    row = BAD | {"steps": [step]}
    document = {
        "commit": "c" * 40,
        "base": None,
        "tree": "/t",
        "scenarios": [sim._pair(Pair(row, None))],
    }
    assert "\x1b" not in sim.render(document)
    assert "a.c:1 \\x1b[2J" in sim.render(document)


@pytest.mark.parametrize(("text", "bound"), [("0", 0), ("12", 12), ("none", None)])
def test_bounds(text: str, bound: int | None) -> None:
    assert sim.parse_bound(text) == bound


@pytest.mark.parametrize("text", ["", "-1", "two", "1.5", "99999", "²"])
def test_no_bounds(text: str) -> None:
    with pytest.raises(UsageError, match="--bound"):
        sim.parse_bound(text)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return make_git_tree(tmp_path / "tree", {"Makefile": "all:\n", "fs/a.c": "int a;\n"})


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--scenario", "wrote-protect"], "there is no scenario 'wrote-protect'"),
        (["--rev", "HEAD", "--revision", "x"], "--rev and --revision"),
        (["--base", "HEAD"], "go with --revision"),
        (["--rev", "lost"], "has no commit 'lost'"),
        (["--bound", "many"], "--bound many"),
        (["--time", "0"], "--time"),
        (["--time", "nan"], "--time"),
        (["--replay", "-"], "--replay needs one --scenario"),
        (["--replay", "-", "--scenario", "write-protect"], "--replay needs one --scenario"),
        (["--replay", "-", "--ledger"], "two questions"),
    ],
)
def test_what_can_not_be(argv: list[str], words: str, tree: Path, capsys: Captured) -> None:
    assert main(["sim", "--tree", str(tree), *argv]) == ExitCode.USAGE
    assert words in capsys.readouterr().err


def test_the_list_needs_no_tree(capsys: Captured) -> None:
    assert main(["sim", "--list"]) == ExitCode.ACCEPT
    assert "write-protect/first-page: a store through a mapping" in capsys.readouterr().out


def test_native_needs_gcc(tree: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patchbot.simulation.shutil.which", lambda name: None)
    assert main(["sim", "--tree", str(tree), "--engine", "native"]) == ExitCode.USAGE
    assert "apt-get install gcc" in capsys.readouterr().err


def test_a_tree_without_a_model_is_inconclusive(tree: Path, capsys: Captured) -> None:
    assert main(["sim", "--tree", str(tree)]) == ExitCode.CANNOT_TELL
    out = capsys.readouterr().out.splitlines()
    at = out.index("write-protect/first-page: inconclusive")
    assert out[at + 1] == "  no model for this kind of tree yet"
    for option in ("--ledger", "--replay=-"):
        argv = ["sim", "--tree", str(tree), option, "--scenario", "write-protect/first-page"]
        assert main(argv) == ExitCode.COULD_NOT_RUN
        assert "no model for this kind of tree yet" in capsys.readouterr().err


def test_the_kit_of_a_commit(tree: Path) -> None:
    from kernel_sim.kit import KitError

    from patchbot.tree import find_tree

    repository = find_tree(tree, None)
    assert repository is not None
    with pytest.raises(KitError):
        find_kit_of(repository, "HEAD")
