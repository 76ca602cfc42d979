"""A conflict is explained: patch, file, hunk and nearest place; lines were worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbot.conflict import find_nearest
from patchbot.model import Finding
from tests.support.am import apply_ours
from tests.support.git_tree import make_git_tree, run_git

HEAD = (
    "From: Ada Walnut <ada@example.org>\nDate: Mon, 2 Mar 2026 10:11:12 +0000\n"
    "Message-ID: <1-ada@example.org>\nSubject: [PATCH] walnut: change it\n\nWhy.\n---\n"
)
# Line N of the file says "line N".
A_FILE = "".join(f"line {number}\n" for number in range(1, 101))


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_git_tree(tmp_path / "tree", {"a.c": A_FILE, "1:x": "one\n", "b/c.c": "int c;\n"})


def head(path: str) -> str:
    return (
        f"diff --git a/{path} b/{path}\nindex 1111111..2222222 100644\n--- a/{path}\n+++ b/{path}\n"
    )


def hunk(start: int, *lines: str) -> str:
    old = sum(line[0] in " -" for line in lines)
    new = sum(line[0] in " +" for line in lines)
    text = "".join(f"{line}\n" for line in lines)
    return f"@@ -{start},{old} +{start},{new} @@\n{text}"


def explain(repo: Path, diff: str) -> Finding:
    base = run_git(repo, "rev-parse", "HEAD")
    applied = apply_ours(repo, base, [(HEAD + diff).encode()], repo.parent / "scratch")
    assert applied.commits == ()
    finding = applied.findings[-1]
    assert (finding.patch, applied.failed) == (1, 1)
    assert finding.message.startswith("patch 1 (walnut: change it): ")
    return finding


def test_a_changed_context(repo: Path) -> None:
    """Made for line 49; its second line is another one in the tree, at line 50."""
    diff = head("a.c") + hunk(49, " line 49", " line X", "-line 51", "+new", " line 52")
    finding = explain(repo, diff)
    assert (finding.rule, finding.file, finding.line) == ("does-not-apply", "a.c", 49)
    assert "a.c, hunk 1 (at line 49 " in finding.message
    assert finding.evidence.splitlines() == [
        "nearest place: line 49, 3 of 4 lines are the same",
        "     49 | line 49",
        "  wants - line X",
        "     50 + line 50",
        "     51 | line 51",
        "     52 | line 52",
    ]


def test_a_function_that_moved(repo: Path) -> None:
    """Made for line 10; what it wants stands at lines 60 to 64, but for one line."""
    lines = (" line 60", " line 61", "-line 62", "+new", " line X", " line 64")
    finding = explain(repo, head("a.c") + hunk(10, *lines))
    assert finding.line == 60
    assert "nearest place: line 60, 4 of 5" in finding.evidence


def test_the_second_hunk(repo: Path) -> None:
    """The line in the patch counts from the dashes above the diff: the second hunk's first line.

    Line 1 is `---`, then four of the header, the first hunk's `@@` (6) and five lines (7 to 11),
    the second hunk's `@@` (12).
    """
    good = hunk(10, " line 10", " line 11", "-line 12", "+new", " line 13")
    bad = hunk(50, " line 50", "-line X", "+new", " line 52")
    finding = explain(repo, head("a.c") + good + bad)
    assert "hunk 2 (at line 50 " in finding.message
    assert (finding.line, finding.patch_line) == (50, 13)


def test_lines_that_are_nowhere(repo: Path) -> None:
    finding = explain(repo, head("a.c") + hunk(5, " not here", "-nor this", "+new"))
    assert finding.line is None
    assert "nowhere in the file" in finding.evidence
    assert "wants | not here" in finding.evidence


def test_a_missing_file(repo: Path) -> None:
    finding = explain(repo, head("gone.c") + hunk(1, "-x", "+y"))
    assert (finding.rule, finding.file) == ("does-not-apply", "gone.c")
    assert "the file is not in the tree" in finding.message


@pytest.mark.parametrize("text", ["int other;", ""])
def test_a_file_that_is_there_already(text: str, repo: Path) -> None:
    """Also where a merge of both would go well, as with an empty file."""
    new = "diff --git a/b/c.c b/b/c.c\nnew file mode 100644\n"
    body = f"--- /dev/null\n+++ b/b/c.c\n@@ -0,0 +1 @@\n+{text}\n" if text else ""
    finding = explain(repo, new + (body or "index 0000000..e69de29\n"))
    assert (finding.rule, finding.file) == ("does-not-apply", "b/c.c")
    assert "in the tree already" in finding.message


def test_applied_already(repo: Path) -> None:
    diff = head("a.c") + hunk(10, " line 10", "-old", "+line 11", " line 12")
    assert explain(repo, diff).rule == "already-applied"


def test_a_damaged_diff(repo: Path) -> None:
    diff = head("a.c") + "@@ -10,9 +10,9 @@\n line 10\n-line 11\n+new\n"
    assert explain(repo, diff).rule == "corrupt-diff"


def test_a_name_like_a_stage_of_the_index(repo: Path) -> None:
    """`:1:x` is stage 1 of x to git; the file is called `1:x`."""
    finding = explain(repo, head("1:x") + hunk(1, " one", "-two", "+three"))
    assert (finding.file, finding.line) == ("1:x", 1)
    assert "      1 | one" in finding.evidence


def test_a_huge_hunk_is_compared_in_no_time(tmp_path: Path) -> None:
    """As many equal lines as may be: comparing all with all would take minutes."""
    repo = make_git_tree(tmp_path / "same", {"a.c": "same\n" * 30_000})
    lines = [*[" same"] * 15_000, "-other", "+new", *[" same"] * 10_000]
    finding = explain(repo, head("a.c") + hunk(1, *lines))
    assert "wants - other" in finding.evidence


def test_the_nearest_place() -> None:
    lines = ["{", "alpha", "beta", "}", "", "{", "alpha", "gamma", "}"]
    assert find_nearest(["alpha", "beta"], lines, 8) == (1, 2)
    assert find_nearest(["alpha", "gamma"], lines, 0) == (6, 2)
    assert find_nearest(["alpha"], lines, 0) == (1, 1)
    assert find_nearest(["alpha"], lines, 8) == (6, 1)
    assert find_nearest(["  beta\t"], lines, 0) == (2, 1)


def test_no_nearest_place() -> None:
    """Braces and empty lines are no likeness; the place is then where the patch says."""
    assert find_nearest(["{", "", "}"], ["{", "", "}"], 1) == (1, 0)
    assert find_nearest(["x"], [], 7) == (0, 0)
    assert find_nearest([], ["one"], 3) == (0, 0)
    assert find_nearest(["missing", "one"], ["one"], 0) == (0, 1)
