"""Diffs as they are read: kinds of lines, folded rows, side by side; worked out by hand."""

from __future__ import annotations

from patchbot.view.diff import find_diff_line, parse_lines, side_by_side, unified
from patchbot.view.reading import Line
from patchbot.view.rows import fold_row, plain

PATCH = """\
Count the halves.

> an old word
---
 nut.c | 4 ++--

diff --git a/nut.c b/nut.c
index 111..222 100644
--- a/nut.c
+++ b/nut.c
@@ -1,3 +1,4 @@ int crack(void)
 {
--- old
+\tint a;
+\tint b;
 }
-- \n\
2.1
"""


def test_each_line_has_its_kind() -> None:
    kinds = [line.kind for line in parse_lines(PATCH)]
    assert kinds == [
        "text", "text", "quote", "text", "text", "text",
        "file", "file", "file", "file",
        "hunk", "context", "removed", "added", "added", "context",
        "text", "text", "text",
    ]  # fmt: skip


def test_what_stands_behind_a_hunk_is_no_part_of_it() -> None:
    """Were hunks not counted, a signature would be a removed line, and a list's footer context."""
    lines = parse_lines("diff --git a/x b/x\n@@ -1 +1 @@\n-a\n+b\n-- \n+ the list\n-x")
    assert [line.kind for line in lines[2:]] == ["removed", "added", "text", "text", "text"]


def test_two_hunks_and_a_line_without_its_end() -> None:
    text = (
        "diff --git a/x b/x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n@@ -9 +9 @@\n-c\n+d"
    )
    kinds = [line.kind for line in parse_lines(text)]
    assert kinds == ["file", "hunk", "removed", "context", "added", "hunk", "removed", "added"]


def test_a_hunk_that_is_cut_short_ends_where_a_line_can_not_be_in_it() -> None:
    text = "diff --git a/x b/x\n@@ -1,5 +1,5 @@\n-a\nSo much for that.\n-b"
    assert [line.kind for line in parse_lines(text)][2:] == ["removed", "text", "text"]


def test_styles_of_a_unified_diff() -> None:
    rows = unified(parse_lines(PATCH))
    assert rows[2] == (Line("> an old word", "dim"),)
    assert rows[12] == (Line("--- old", "removed"),)
    assert rows[13] == (Line("+        int a;", "added"),)


def test_side_by_side() -> None:
    text = "diff --git a/x b/x\n@@ -1,3 +1,3 @@\n one\n-two\n-three\n+TWO\n four"
    assert plain(side_by_side(parse_lines(text), 23)).split("\n") == [
        "diff --git a/x b/x",
        "@@ -1,3 +1,3 @@",
        " one       │  one",
        "-two       │ +TWO",
        "-three     │",
        " four      │  four",
    ]
    styles = [[part.style for part in row] for row in side_by_side(parse_lines(text), 23)]
    assert styles[3] == ["removed", "dim", "added"]


def test_a_half_that_is_too_long_goes_on_below() -> None:
    text = "diff --git a/x b/x\n@@ -1 +1 @@\n-0123456789abc\n+x"
    rows = plain(side_by_side(parse_lines(text), 23)[2:]).split("\n")
    assert rows == ["-012345678 │ +x", "9abc       │"]


def test_wide_letters_take_two_cells() -> None:
    text = "diff --git a/x b/x\n@@ -1 +1 @@\n-核核核核核核\n+x"
    rows = plain(side_by_side(parse_lines(text), 23)[2:]).split("\n")
    assert rows == ["-核核核核  │ +x", "核核       │"]


def test_rows_are_folded_with_their_styles() -> None:
    row = (Line("ab", "added"), Line("cdefgh", "hunk"))
    assert fold_row(row, 8) == [row]
    assert fold_row(row, 3) == [
        (Line("ab", "added"), Line("c", "hunk")),
        (Line("def", "hunk"),),
        (Line("gh", "hunk"),),
    ]
    assert plain(fold_row((Line("核核核"),), 3)) == "核\n核\n核"


def test_one_very_long_line_is_folded_in_no_time() -> None:
    assert len(fold_row((Line("x" * 1_000_000),), 80)) == 12_500


def test_a_letter_wider_than_the_screen_ends_all_the_same() -> None:
    assert plain(fold_row((Line("核x"),), 1)) == "核\nx"


def test_words_stay_whole_where_a_blank_is_near() -> None:
    assert plain(fold_row((Line("one two three"),), 10)) == "one two\nthree"
    assert plain(fold_row((Line("a bcdefghijklmn"),), 10)) == "a bcdefghi\njklmn"
    whole = fold_row((Line("one two three", "dim"),), 10)
    assert "".join(part.text for row in whole for part in row) == "one two three"


def test_the_lines_of_a_diff_are_counted_from_its_first() -> None:
    lines = parse_lines(PATCH)
    assert lines[find_diff_line(lines, 8) or 0].text == "+\tint a;"
    assert find_diff_line(lines, 99) is None
    assert find_diff_line(parse_lines("no diff"), 1) is None


def test_nothing_in_a_diff_commands_the_terminal() -> None:
    text = "\x1b[2Jhello\ndiff --git a/x b/x\n@@ -1 +1 @@\n-\x1b]0;owned\x07\n+\u202eab\x9b31m"
    for rows in (unified(parse_lines(text)), side_by_side(parse_lines(text), 40)):
        shown = plain(rows).replace("\n", "")
        assert shown.isprintable()
        assert "\\x1b[2Jhello" in shown
