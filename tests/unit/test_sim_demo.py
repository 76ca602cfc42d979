"""The demo's revisions in the simulator, end to end: what fails, by which schedule, what passes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from kernel_sim.ledger import Changed
from kernel_sim.scenario import load_scenarios

from patchbot.cli import main
from patchbot.demo import find_mbox, make_base_repository
from patchbot.diagnostics import ExitCode
from patchbot.exporting import export_commit
from patchbot.git import Repository
from patchbot.model import Change, StageResult, Status
from patchbot.sim_command import say_covered
from patchbot.sim_compare import Work, compare_commits, find_changed, find_kit_of
from patchbot.simulation import Asked, Place, replay_scenario
from patchbot.stages.simulate import SimulateStage, judge_pairs
from patchbot.tree import find_tree
from tests.support.fakes import make_request, make_revision
from tests.support.git_tree import run_git
from tests.support.require import require

Captured = pytest.CaptureFixture[str]
LATER = load_scenarios()["write-protect/later-page"]
FIX = "20260402110500.8888-1-lena@example.com"


@pytest.fixture(scope="module")
def top(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "tree"
    make_base_repository(folder)
    return folder


@pytest.fixture
def tree(top: Path) -> Repository:
    found = find_tree(top, None)
    assert found is not None
    return found


def apply(tree: Repository, branch: str, *argv: str) -> str:
    """Return the commit of a revision, applied by the command once."""
    if tree.resolve_commit(branch) is None:
        assert (
            main(["apply", *argv, "--tree", str(tree.top), "--branch", branch]) == ExitCode.ACCEPT
        )
    return str(tree.resolve_commit(branch))


def first(tree: Repository) -> str:
    return apply(tree, "v1", str(find_mbox("page-protect-v1.mbox")))


def fixed(tree: Repository) -> str:
    mboxes = [str(find_mbox(name)) for name in ("page-protect-fix.mbox", "page-protect-v3.mbox")]
    return apply(tree, "fix", FIX, *mboxes, "--on", "20260317211000.3500-1-mira@example.org")


def work(tree: Repository, folder: Path, *trail: str, engine: str = "auto") -> Work:
    return Work(tree, trail, [LATER], Asked(1, None, engine), folder / "scratch", folder / "home")


@pytest.mark.parametrize("engine", ["python", "native"])
def test_v1_fails_on_a_later_page_with_a_schedule_of_the_commit(
    engine: str, tree: Repository, tmp_path: Path
) -> None:
    if engine == "native":
        require("gcc")
    (pair,) = compare_commits(work(tree, tmp_path, first(tree), engine=engine))
    failure, deviations = pair.after["failure"], pair.after["schedule"].split(",")
    assert failure["kind"] == "recovery"
    assert failure["text"] == "after a crash here the journal cannot be recovered"
    assert pair.after["threads"]["1"] == "commit"
    # One preemption: the commit (thread 1) is left for the writer (thread 2), once.
    assert [each[:2] + each[-2:] for each in deviations] == ["1@>2"]
    assert [c["bound"] for c in pair.after["covered"]] == [0, 1]
    told = [step for step in pair.after["steps"] if "virtual[" in step["text"]]
    assert [(step["thread"], step["function"]) for step in told] == [(2, "user_store")]


def test_both_engines_say_the_same(tree: Repository, tmp_path: Path) -> None:
    require("gcc")
    python, native = (
        compare_commits(work(tree, tmp_path, first(tree), engine=engine))[0].after
        for engine in ("python", "native")
    )
    differing = {key for key in python if python[key] != native[key]}
    assert differing <= {"engine", "seconds"}


def test_random_schedules_go_beyond_the_bound(tree: Repository, tmp_path: Path) -> None:
    """v1 needs one preemption: a search without any, and random schedules after it."""
    require("gcc")
    rows = []
    for engine in ("python", "native"):
        asked = work(tree, tmp_path, first(tree))
        alone = replace(asked, asked=Asked(0, None, engine))
        assert compare_commits(alone)[0].after["result"] == "no failure"
        beyond = replace(asked, asked=Asked(0, None, engine, random=100, seed=3))
        rows.append(compare_commits(beyond)[0].after)
    python, native = rows
    assert {key for key in python if python[key] != native[key]} <= {"engine", "seconds"}
    assert native["failure"]["kind"] == "recovery"
    assert [each[:2] + each[-2:] for each in native["schedule"].split(",")] == ["1@>2"]
    assert native["random"]["seed"] == 3
    assert 0 < native["random"]["executions"] < native["executions"]
    assert say_covered(native).startswith("by a random schedule (seed 3), after ")


def test_the_fix_passes_where_v1_fails(tree: Repository, tmp_path: Path) -> None:
    require("gcc")
    (pair,) = compare_commits(work(tree, tmp_path, first(tree), fixed(tree)))
    assert (pair.change, pair.after["failure"]) == (Change.FIXED, None)
    assert pair.after["complete"]
    assert "jbd2_journal_commit_transaction" in {
        each["name"] for each in pair.after["ledger"]["functions"] if each["kind"] == "real"
    }
    assert judge_pairs([pair])[0] == "pass"
    (back,) = compare_commits(work(tree, tmp_path, fixed(tree), first(tree)))
    assert back.change is Change.INTRODUCED
    assert judge_pairs([back])[0] == "fail"


def test_a_schedule_replays_and_another_commit_goes_well(tree: Repository, tmp_path: Path) -> None:
    (pair,) = compare_commits(work(tree, tmp_path, first(tree), engine="python"))
    schedule = pair.after["schedule"]
    kit = find_kit_of(tree, first(tree))
    export_commit(tree, first(tree), tmp_path / "files")
    place = Place(tmp_path / "files", kit, tmp_path / "kept")
    again = replay_scenario(place, LATER, schedule, short=False)
    assert (again["result"], again["failure"]) == ("failure", pair.after["failure"])
    assert replay_scenario(place, LATER, "-", short=False)["result"] == "no failure"


def test_a_result_is_kept(
    tree: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = work(tree, tmp_path, first(tree), engine="python")
    before = compare_commits(asked)
    monkeypatch.setattr("patchbot.simulation.Sources", None)
    assert compare_commits(asked) == before


def test_what_changed_is_named(tree: Repository) -> None:
    base = str(tree.resolve_commit("main"))
    changed = find_changed(tree, base, first(tree))
    assert "ext4_page_mkwrite" in changed.names
    assert "fs/ext4/inode.c" in changed.files
    assert find_changed(tree, base, base) == Changed()


def commit_edit(tree: Repository, path: str, old: str, new: str) -> str:
    """Return a commit on main with one edit."""
    file = tree.top / path
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))
    run_git(tree.top, "commit", "-qam", "edit")
    commit = run_git(tree.top, "rev-parse", "HEAD").strip()
    run_git(tree.top, "reset", "-q", "--hard", "HEAD^")
    return commit


def test_a_change_that_no_schedule_runs_is_no_pass(tree: Repository, tmp_path: Path) -> None:
    """do_read_fault() is part of the program; the scenario only stores."""
    good = fixed(tree)
    run_git(tree.top, "checkout", "-q", good)
    try:
        edited = commit_edit(
            tree, "mm/memory.c", "\tfinish_fault(vmf, false);\n\tunlock_page(vmf->page);",
            "\tfinish_fault(vmf, false);",
        )  # fmt: skip
    finally:
        run_git(tree.top, "checkout", "-q", "main")
    (pair,) = compare_commits(work(tree, tmp_path, good, edited, engine="python"))
    assert "do_read_fault" in {each["name"] for each in pair.after["ledger"]["functions"]}
    assert (pair.after["result"], pair.touched) == ("no failure", ())
    assert judge_pairs([pair])[0] == "skipped"


def test_lines_that_are_not_compiled_are_no_pass(tree: Repository, tmp_path: Path) -> None:
    base = str(tree.resolve_commit("main"))
    edited = commit_edit(
        tree, "fs/jbd2/journal.c", "#include <linux/jbd2.h>\n",
        "#include <linux/jbd2.h>\n#ifdef CONFIG_NUMA\nint node;\n#endif\n",
    )  # fmt: skip
    asked = replace(work(tree, tmp_path, base, edited), asked=Asked(0, None, "python"))
    (pair,) = compare_commits(asked)
    assert (pair.after["result"], pair.change) == ("inconclusive", None)
    assert pair.after["reasons"] == [
        "changed lines 5 of fs/jbd2/journal.c are not in the configuration the simulator uses"
    ]
    assert judge_pairs([pair])[0] == "inconclusive"


def test_a_change_to_what_the_model_replaces_is_inconclusive(
    tree: Repository, tmp_path: Path
) -> None:
    base = str(tree.resolve_commit("main"))
    edited = commit_edit(
        tree, "lib/primitives.c", "void wake_up(wait_queue_head_t *wq)\n{",
        "void wake_up(wait_queue_head_t *wq)\n{\n\treturn;",
    )  # fmt: skip
    (pair,) = compare_commits(work(tree, tmp_path, base, edited, engine="python"))
    assert (pair.after["result"], pair.change) == ("inconclusive", None)
    told = "; ".join(pair.after["reasons"])
    assert "lib/primitives.c, and the model stands in for it" in told
    assert "the series changes wake_up(), and the model's is run" in told
    assert judge_pairs([pair])[0] == "inconclusive"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("#include <linux/jbd2.h>", '#include "/etc/passwd"', "/etc/passwd"),
        ("#include <linux/jbd2.h>", "#include <linux/gone.h>", "linux/gone.h"),
    ],
)
def test_what_does_not_preprocess_is_inconclusive(
    old: str, new: str, reason: str, tree: Repository, tmp_path: Path
) -> None:
    edited = commit_edit(tree, "fs/jbd2/commit.c", old, new)
    (pair,) = compare_commits(work(tree, tmp_path, edited, engine="python"))
    assert pair.after["result"] == "inconclusive"
    assert reason in pair.after["reasons"][0]


@pytest.mark.parametrize("order", ["made worse", "made better"])
def test_the_last_patch_that_can_be_run_is(order: str, tree: Repository, tmp_path: Path) -> None:
    require("gcc")
    commits = [fixed(tree), first(tree)]
    base, middle = commits if order == "made worse" else reversed(commits)
    broken = commit_edit(
        tree, "fs/jbd2/commit.c", "#include <linux/jbd2.h>", "#include <linux/gone.h>"
    )
    data: dict[str, object] = {"base": base, "commits": [middle, broken]}
    request = replace(
        make_request(),
        revision=make_revision(patches=2),
        tree=tree,
        home=tmp_path / "home",
        folder=tmp_path / "scratch",
        earlier={"apply": StageResult("apply", Status.PASS, "", data=data)},
    )
    result = SimulateStage().run(request)
    assert result.data["patch"] == 1
    assert "linux/gone.h" in result.reason.partition("; at patch 1: ")[0]
    worse, words = order == "made worse", result.reason.partition("; at patch 1: ")[2]
    assert result.status is (Status.FAIL if worse else Status.INCONCLUSIVE)
    assert ("introduced" if worse else "fixed") + ": write-protect/later-page" in words
    assert all(middle[:12] in each.evidence or not worse for each in result.findings)
    kept = result.data["scenarios"][LATER.name]["counterexample"]
    assert kept["commit"] == (middle if worse else base)
    assert (kept["failure"]["kind"], kept["threads"]["2"]) == ("recovery", "writer")
    assert kept["schedule"].startswith("1@")
    assert kept["steps"][-1]["thread"] == kept["failure"]["thread"]


def test_the_command(tree: Repository, capsys: Captured) -> None:
    argv = ["sim", "--tree", str(tree.top), "--rev", first(tree), "--bound", "1"]
    argv += ["--engine", "python", "--scenario", LATER.name]
    capsys.readouterr()
    assert main(argv) == ExitCode.NEEDS_WORK
    out = capsys.readouterr().out.splitlines()
    assert f"{LATER.name}: failure" in out
    assert "  commit          writer" in out
    (replay,) = (line for line in out if "see it again" in line)
    schedule = replay.split("'")[-2]
    assert main([*argv, "--replay", schedule]) == ExitCode.NEEDS_WORK
    assert f"  schedule {schedule}" in capsys.readouterr().out.splitlines()
    assert main([*argv, "--replay", "1@999999>2"]) == ExitCode.USAGE
    assert main([*argv, "--ledger", "--json"]) == ExitCode.ACCEPT
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "patchbot.sim/1"
    assert document["ledgers"][0]["ledger"]["replaced"] == ["lib/primitives.c", "lib/crc32c.c"]
