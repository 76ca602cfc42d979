"""Where a line of the tree stands in the diff of the mail that adds it."""

from __future__ import annotations

from patchbot.static.changes import FileChange, patch_lines, place_lines
from tests.support.fakes import make_patch

BODY = """count the walnuts

---
 fs/walnut.c | 3 ++-

diff --git a/fs/walnut.c b/fs/walnut.c
index 1111111..2222222 100644
--- a/fs/walnut.c
+++ b/fs/walnut.c
@@ -5,3 +5,4 @@ int f(void)
 kept
-old
+first
+second
 kept
--\x20
2.20.1
"""
PATH = "fs/walnut.c"


def test_lines_count_from_the_first_of_the_diff() -> None:
    lines = patch_lines(make_patch(body=BODY))
    assert lines == {(PATH, 6): 8, (PATH, 7): 9}
    diff = BODY[BODY.index("diff --git") :].split("\n")
    assert (diff[8 - 1], diff[9 - 1]) == ("+first", "+second")


def test_a_mail_without_a_diff_has_none() -> None:
    assert patch_lines(make_patch(body="only words\n")) == {}


def test_a_patch_that_applied_some_lines_off() -> None:
    lines = patch_lines(make_patch(body=BODY))
    change = FileChange(PATH, PATH, [(46, 1, 46, 2)])
    assert place_lines(lines, {PATH: change}) == {(PATH, 46): 8, (PATH, 47): 9}


def test_another_cut_of_the_diff_tells_nothing() -> None:
    lines = patch_lines(make_patch(body=BODY))
    change = FileChange(PATH, PATH, [(6, 1, 6, 1), (7, 0, 8, 2)])
    assert place_lines(lines, {PATH: change}) == {}


def test_files_do_not_mix() -> None:
    lines = {("a.c", 4): 7, ("a.c", 9): 8, ("b.c", 4): 17}
    changes = {
        "a.c": FileChange("a.c", "a.c", [(4, 0, 4, 1), (8, 0, 9, 1)]),
        "b.c": FileChange("b.c", None, [(0, 0, 1, 1)]),
    }
    assert place_lines(lines, changes) == {("a.c", 4): 7, ("a.c", 9): 8, ("b.c", 1): 17}
