"""The static stage and `patchbot check` on a git tree made here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from patchbot_checks import RULES, check_files

from patchbot.cli import main
from patchbot.diagnostics import ExitCode
from patchbot.model import Change, Severity, Status
from patchbot.stages.static import judge, make_findings
from patchbot.static import commits as commits_module
from patchbot.static.commits import check_commits
from patchbot.tree import open_tree
from tests.support.git_tree import run_git

GOOD = """static int demo_track(handle_t *handle, struct inode *inode, struct page *page)
{
	return ext4_jbd2_inode_add_write(handle, inode, page_offset(page), PAGE_SIZE);
}
"""
BAD = GOOD.replace("page_offset(page)", "0")
OTHER = """static int demo_other(handle_t *handle, struct inode *inode, struct folio *folio)
{
	return ext4_jbd2_inode_add_write(handle, inode, folio->index, folio_size(folio));
}
"""
RULE = "range-start-not-page-offset"


def make_tree(folder: Path, *states: dict[str, str | None]) -> list[str]:
    """A repository with one commit for each state: path to text, None to delete."""
    folder.mkdir()
    run_git(folder, "init", "-q", "-b", "main", ".")
    commits = []
    for number, state in enumerate(states):
        for name, text in state.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.unlink()
            else:
                path.write_text(text)
        run_git(folder, "add", "-A")
        run_git(folder, "commit", "-q", "--allow-empty", "-m", f"commit {number}")
        commits.append(run_git(folder, "rev-parse", "HEAD").strip())
    return commits


def outcome(folder: Path, commits: list[str]) -> tuple[Status, list[tuple[str, str | None, Any]]]:
    checked = check_commits(open_tree(folder), commits[0], commits[1:])
    findings = make_findings(checked, list(range(1, len(commits))), {})
    rows = [(f.rule, f.change.value if f.change else None, f.patch) for f in findings]
    return judge(checked)[0], rows


def test_introduced_fixed_and_left(tmp_path: Path) -> None:
    commits = make_tree(
        tmp_path / "t",
        {"fs/demo/a.c": BAD + OTHER},
        {"fs/demo/a.c": "int counted;\n" + BAD + OTHER},
        {"fs/demo/a.c": "int counted;\n" + GOOD + OTHER, "fs/demo/b.c": BAD},
    )
    status, rows = outcome(tmp_path / "t", commits)
    assert status is Status.FAIL
    assert sorted(rows, key=str) == [
        (RULE, "fixed", 2), (RULE, "introduced", 2), (RULE, "unchanged", None),
    ]  # fmt: skip


def test_what_a_later_patch_removes_is_not_bisect_clean(tmp_path: Path) -> None:
    commits = make_tree(
        tmp_path / "t", {"fs/demo/a.c": GOOD}, {"fs/demo/a.c": BAD}, {"fs/demo/a.c": GOOD}
    )
    assert outcome(tmp_path / "t", commits) == (Status.WARN, [("not-bisect-clean", None, 1)])


def test_a_helper_in_another_file_decides(tmp_path: Path) -> None:
    """Only the helper changes: what uses it is looked at again."""
    wrapper = """int demo_add(handle_t *handle, struct inode *inode, loff_t at, loff_t n)
{
	return ext4_jbd2_inode_add_write(handle, inode, at, n);
}
"""
    user = """static int demo_use(handle_t *handle, struct inode *inode, struct page *page)
{
	return demo_add(handle, inode, page_offset(page), PAGE_SIZE);
}
"""
    commits = make_tree(
        tmp_path / "t",
        {"fs/demo/a.c": user, "fs/demo/b.c": wrapper},
        {"fs/demo/a.c": user + "int touched;\n"},
        {"fs/demo/b.c": wrapper.replace("inode, at, n", "inode, 0, n")},
    )
    assert outcome(tmp_path / "t", commits) == (Status.FAIL, [(RULE, "introduced", 2)])


def test_what_is_not_understood_is_inconclusive(tmp_path: Path) -> None:
    broken = GOOD + "int lost(void)\n{\n\tif (x {\n\treturn 0;\n}\n"
    commits = make_tree(tmp_path / "t", {"fs/demo/a.c": GOOD}, {"fs/demo/a.c": broken})
    assert outcome(tmp_path / "t", commits) == (
        Status.INCONCLUSIVE, [("not-understood", None, None)],
    )  # fmt: skip


def test_a_renamed_and_a_deleted_file(tmp_path: Path) -> None:
    commits = make_tree(
        tmp_path / "t",
        {"fs/demo/a.c": BAD + OTHER, "fs/demo/d.c": BAD.replace("demo_track", "demo_dead")},
        {"fs/demo/a.c": None, "fs/demo/moved.c": BAD + OTHER, "fs/demo/d.c": None},
    )
    status, rows = outcome(tmp_path / "t", commits)
    assert status is Status.PASS
    assert sorted(rows, key=str) == [
        (RULE, "fixed", 1), (RULE, "unchanged", None), (RULE, "unchanged", None),
    ]  # fmt: skip


def test_carrying_over_says_what_checking_everything_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With every function called affected, the answers are the same."""
    states: list[dict[str, str | None]] = [{"fs/demo/a.c": GOOD + OTHER, "fs/demo/b.c": BAD}]
    states += [{"fs/demo/a.c": "\n" * n + OTHER + (BAD if n % 2 else GOOD)} for n in range(1, 5)]
    commits = make_tree(tmp_path / "t", *states)
    quick = outcome(tmp_path / "t", commits)
    names = frozenset({"demo_track", "demo_other"})
    monkeypatch.setattr(commits_module, "find_affected", lambda *_: names)
    assert outcome(tmp_path / "t", commits) == quick


def run_check(*args: object, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = main(["check", *map(str, args)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_check_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "fs"
    folder.mkdir()
    (folder / "a.c").write_text(BAD)
    (folder / "good.c").write_text(GOOD)
    (folder / "notes.txt").write_text("no C")
    monkeypatch.chdir(tmp_path)
    code, out, _ = run_check("fs", capsys=capsys)
    assert code == ExitCode.NEEDS_WORK
    assert out.splitlines()[0].startswith("fs/a.c:3: error: demo_track(): ")
    assert out.splitlines()[0].endswith(f"[{RULE}]")
    assert "2 files" in out.splitlines()[-1]
    assert run_check("fs/good.c", capsys=capsys)[0] == ExitCode.ACCEPT
    code, out, _ = run_check("fs/notes.txt", capsys=capsys)
    assert (code, "not a C file" in out) == (ExitCode.CANNOT_TELL, True)
    code, _, err = run_check("fs/none.c", capsys=capsys)
    assert (code, "no such file" in err) == (ExitCode.COULD_NOT_RUN, True)
    code, _, err = run_check("fs", "--rule", "range-start", capsys=capsys)
    assert (code, f"did you mean {RULE}" in err) == (ExitCode.USAGE, True)
    assert run_check(capsys=capsys)[0] == ExitCode.USAGE
    assert run_check("fs", "--range", "a..b", capsys=capsys)[0] == ExitCode.USAGE
    assert run_check("fs", "--json", "--sarif", capsys=capsys)[0] == ExitCode.USAGE


@pytest.mark.parametrize("rule", RULES)
def test_explain(rule: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run_check("--explain", rule, capsys=capsys)
    assert code == ExitCode.ACCEPT
    assert RULES[rule].explanation in out


def test_check_a_range(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = tmp_path / "t"
    commits = make_tree(tree, {"fs/demo/a.c": OTHER}, {"fs/demo/a.c": BAD + OTHER})
    code, out, _ = run_check(
        "--range", f"{commits[0]}..main", "--tree", tree, "--json", capsys=capsys
    )
    document = json.loads(out)
    assert code == ExitCode.NEEDS_WORK
    assert [(f["change"], f["line"], f.get("commit")) for f in document["findings"]] == [
        ("introduced", 3, commits[1]),
        ("unchanged", 7, None),
    ]
    assert document["summary"]["status"] == "fail"
    for wrong in ("main", "no-such..main", f"main..{commits[0]}"):
        code = run_check("--range", wrong, "--tree", tree, capsys=capsys)[0]
        assert code == ExitCode.USAGE, wrong


def test_sarif(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = tmp_path / "t"
    commits = make_tree(
        tree, {"fs/demo/a.c": BAD + OTHER}, {"fs/demo/a.c": BAD + GOOD.replace("track", "more")}
    )
    _, out, _ = run_check("--range", f"{commits[0]}..", "--tree", tree, "--sarif", capsys=capsys)
    log = json.loads(out)
    (run,) = log["runs"]
    assert log["version"] == "2.1.0"
    assert {r["baselineState"] for r in run["results"]} == {"absent", "unchanged"}
    names = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert set(RULES) <= set(names)
    for result in run["results"]:
        assert names[result["ruleIndex"]] == result["ruleId"] == RULE
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "fs/demo/a.c"
        assert place["region"]["startLine"] > 0
        assert result["codeFlows"][0]["threadFlows"][0]["locations"]
    assert run["invocations"][0]["executionSuccessful"]
    (tmp_path / "lost.c").write_text("int lost(void)\n{\n\tif (x {\n\treturn 0;\n}\n")
    code, out, _ = run_check(tmp_path / "lost.c", "--sarif", capsys=capsys)
    told = json.loads(out)["runs"][0]["invocations"][0]
    assert code == ExitCode.CANNOT_TELL
    assert not told["executionSuccessful"]
    assert "could not be analysed" in told["toolExecutionNotifications"][0]["message"]["text"]


def test_the_stage_says_where_in_the_diff(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Through a real review of a bundled series: patch and line in its diff."""
    from patchbot.demo import find_mbox, make_base_repository

    tree = tmp_path / "tree"
    make_base_repository(tree)
    main(["review", str(find_mbox("page-protect-v1.mbox")), "--tree", str(tree), "--json"])
    document = json.loads(capsys.readouterr().out)
    (revision,) = document["revisions"]
    static = revision["stages"]["static"]
    assert static["status"] == "fail"
    (start,) = [f for f in static["findings"] if f["rule"] == RULE]
    assert (start["patch"], start["change"]) == (3, Change.INTRODUCED.value)
    mbox = find_mbox("page-protect-v1.mbox").read_text("utf-8")
    third = mbox[mbox.index("PATCH 3/3") :]
    diff = third[third.index("diff --git") :].split("\n")
    assert "ext4_jbd2_inode_add_write" in diff[start["patch_line"] - 1]
    assert start["severity"] == Severity.ERROR.value


def test_check_files_is_what_the_stage_uses() -> None:
    assert commits_module.check_files is check_files
