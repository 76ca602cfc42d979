"""Findings over commits: who brought each, who removed it; and where lines went."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from patchbot_checks import Finding, Severity

from patchbot.static.changes import FileChange, parse_changes
from patchbot.static.relative import Step, track_findings

PATH = "fs/walnut.c"


def found(line: int, key: str = "k", file: str = PATH) -> Finding:
    return Finding("walnut", Severity.ERROR, file, line, "f", "bad", (), "", f"{file}|{key}")


def ends(*steps: Step) -> list[tuple[int, int | None, int]]:
    return [(t.brought, t.removed, t.finding.line) for t in track_findings(steps)]


def moved(*hunks: tuple[int, int, int, int], path: str = PATH, before: str | None = PATH):  # type: ignore[no-untyped-def]
    return {path: FileChange(path, before, list(hunks))}


def test_what_stays_is_the_bases() -> None:
    assert ends(Step(0, {}, [found(10)]), Step(1, moved((1, 0, 2, 5)), [found(15)])) == [
        (0, None, 15)
    ]


def test_introduced_fixed_and_between() -> None:
    steps = [
        Step(0, {}, [found(3, "old")]),
        Step(1, {}, [found(3, "old"), found(9, "new"), found(12, "passing")]),
        Step(2, {}, [found(9, "new")]),
    ]
    assert sorted(ends(*steps), key=str) == [(0, 2, 3), (1, 2, 12), (1, None, 9)]


def test_one_of_two_equal_ones_is_removed() -> None:
    """The line tells which: the first one's lines are gone."""
    steps = [
        Step(0, {}, [found(10), found(20)]),
        Step(1, moved((8, 4, 7, 0)), [found(16)]),
    ]
    assert sorted(ends(*steps), key=str) == [(0, 1, 10), (0, None, 16)]


def test_an_equal_one_is_added() -> None:
    steps = [Step(0, {}, [found(10)]), Step(1, moved((3, 0, 4, 6)), [found(5), found(16)])]
    assert sorted(ends(*steps), key=str) == [(0, None, 16), (1, None, 5)]


def test_a_renamed_file_keeps_its_findings() -> None:
    change = moved(path="fs/pecan.c")
    steps = [Step(0, {}, [found(10)]), Step(1, change, [found(10, file="fs/pecan.c")])]
    assert ends(*steps) == [(0, None, 10)]


def test_brought_again_is_another_one() -> None:
    steps = [Step(0, {}, [found(4)]), Step(1, {}, []), Step(2, {}, [found(4)])]
    assert sorted(ends(*steps), key=str) == [(0, 1, 4), (2, None, 4)]


DIFF = """diff --git a/fs/walnut.c b/fs/walnut.c
index 1..2 100644
--- a/fs/walnut.c
+++ b/fs/walnut.c
@@ -2 +2,2 @@ int f(void)
-old
+new
++++ a line that looks like a header
@@ -9,2 +9,0 @@
-gone
--- gone too
diff --git a/fs/a.h b/fs/b.h
similarity index 90%
rename from fs/a.h
rename to fs/b.h
diff --git a/fs/new.c b/fs/new.c
new file mode 100644
--- /dev/null
+++ b/fs/new.c
@@ -0,0 +1 @@
+x
diff --git a/fs/dead.c b/fs/dead.c
deleted file mode 100644
--- a/fs/dead.c
+++ /dev/null
@@ -1 +0,0 @@
-x
"""


def test_a_diff_is_read() -> None:
    changes = parse_changes(DIFF)
    assert {(c.path, c.before) for c in changes.values()} == {
        ("fs/walnut.c", "fs/walnut.c"), ("fs/b.h", "fs/a.h"), ("fs/new.c", None),
        ("fs/dead.c", "fs/dead.c"),
    }  # fmt: skip
    assert changes["fs/walnut.c"].hunks == [(2, 1, 2, 2), (9, 2, 9, 0)]


@pytest.mark.parametrize(
    ("new", "old"), [(1, 1), (2, None), (3, None), (4, 3), (9, 8), (10, 11), (20, 21)]
)
def test_lines_of_that_diff(new: int, old: int | None) -> None:
    change = parse_changes(DIFF)["fs/walnut.c"]
    assert change.old_line(new) == old
    if old is not None:
        assert change.new_line(old) == new


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 4)), max_size=5))
def test_lines_go_and_come_back(pieces: list[tuple[int, int, int]]) -> None:
    """Made hunks: (removed, added, untouched lines before); compared with a plain list of lines."""
    before: list[str] = []
    after: list[str] = []
    hunks = []
    for number, (removed, added, same) in enumerate(pieces):
        if not removed and not added:
            continue
        keep = [f"k{number}.{i}" for i in range(same)]
        before += keep
        after += keep
        old = len(before) + 1 if removed else len(before)
        new = len(after) + 1 if added else len(after)
        hunks.append((old, removed, new, added))
        before += [f"-{number}.{i}" for i in range(removed)]
        after += [f"+{number}.{i}" for i in range(added)]
    before.append("end")
    after.append("end")
    change = FileChange(PATH, PATH, hunks)
    for line, text in enumerate(after, 1):
        wanted = before.index(text) + 1 if text in before else None
        assert change.old_line(line) == wanted
    for line, text in enumerate(before, 1):
        wanted = after.index(text) + 1 if text in after else None
        assert change.new_line(line) == wanted
