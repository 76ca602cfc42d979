import pytest

from patchbot.mail import diff as d
from tests.support.mailmaker import diff, patch_body

RENAME = """diff --git a/fs/walnut/old.c b/fs/walnut/new.c
similarity index 100%
rename from fs/walnut/old.c
rename to fs/walnut/new.c
"""
NEW_FILE = """diff --git a/fs/walnut/new.c b/fs/walnut/new.c
new file mode 100644
index 0000000..abcdef1
--- /dev/null
+++ b/fs/walnut/new.c
@@ -0,0 +1 @@
+int one;
"""
PLAIN = """--- fs/walnut/file.c.orig\t2021-01-01
+++ fs/walnut/file.c\t2021-01-02
@@ -1 +1 @@
-int one;
+int two;
"""
BINARY = """diff --git a/walnut.png b/walnut.png
index 1111111..2222222 100644
GIT binary patch
literal 10
RcmZQzfB+E>0000000000
"""


@pytest.mark.parametrize("text", [diff("int x;"), RENAME, NEW_FILE, PLAIN, BINARY])
def test_every_kind_of_diff_is_seen(text):
    assert d.has_diff(f"Why.\n---\n{text}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n".join("> " + line for line in diff("int x;").split("\n")),
        "diff --git a/x b/x\n",
        "--- a/x\n+++ b/x\nno hunk\n",
        " 1 file changed, 1 insertion(+)\n",
        "I ran diff -u one two and saw @@ -1 +1 @@ in it",
    ],
)
def test_text_quotes_and_headers_alone_are_no_diff(text):
    assert not d.has_diff(text)


def test_paths_and_blobs():
    facts = d.read_diff(diff("int x;") + NEW_FILE)
    assert facts.paths == ("fs/walnut/file.c", "fs/walnut/new.c")
    assert facts.blobs == (
        ("fs/walnut/file.c", "1111111", "2222222"),
        ("fs/walnut/new.c", "0000000", "abcdef1"),
    )


def test_both_paths_of_a_rename_and_of_a_diff_without_git():
    assert d.read_diff(RENAME).paths == ("fs/walnut/old.c", "fs/walnut/new.c")
    assert d.read_diff(PLAIN).paths == ("fs/walnut/file.c.orig", "fs/walnut/file.c")


def test_a_removed_line_of_dashes_is_no_path():
    text = diff("int x;").replace("+\tint x;", "--- a comment that is removed")
    assert d.read_diff(text).paths == ("fs/walnut/file.c",)


def test_content_ignores_line_numbers_white_space_and_what_follows_the_diff():
    one = d.read_diff(patch_body("int x;"))
    assert d.read_diff(diff("int x;", at=99)).content_id == one.content_id
    assert d.read_diff(diff(" int  x; ")).content_id == one.content_id
    assert d.read_diff(patch_body("int x;", message="Other words.\n")).content_id == one.content_id


@pytest.mark.parametrize(
    "other",
    [
        diff("int y;"),
        diff("int x;", path="fs/walnut/other.c"),
        diff("int x;").replace("+\tint x;", "-\tint x;"),
        diff("int x;") + RENAME,
    ],
)
def test_content_tells_changes_apart(other):
    assert d.read_diff(other).content_id != d.read_diff(diff("int x;")).content_id


def test_modes_count_as_content():
    old = "diff --git a/x b/x\nold mode 100644\nnew mode 100755\n"
    new = "diff --git a/x b/x\nold mode 100755\nnew mode 100644\n"
    assert d.read_diff(old).content_id != d.read_diff(new).content_id


def test_footers():
    body = patch_body("x", foot="\nbase-commit: 0123456789abcdef0123456789abcdef01234567\n")
    assert d.find_footer(body, "base-commit") == "0123456789abcdef0123456789abcdef01234567"
    assert d.find_footer("change-id: 20210301-walnut-1\n", "change-id") == "20210301-walnut-1"
    assert d.find_footer("> change-id: 20210301-walnut-1\n", "change-id") is None
    assert d.find_footer("base-commit: tags/v5.9\n", "base-commit") is None


def test_prerequisites_in_order():
    text = "prerequisite-patch-id: aaa\nprerequisite-message-id: <b@c>\nprerequisite-patch-id: d\n"
    assert d.find_prerequisites(text) == ("aaa", "b@c", "d")


@pytest.mark.parametrize(
    ("body", "author"),
    [
        ("From: Bob Hazel <bob@example.com>\n\nWhy.\n", "Bob Hazel <bob@example.com>"),
        ("\n\nFrom: Bob <bob@example.com>\n\nWhy.\n", "Bob <bob@example.com>"),
        ("Subject: x\nFrom: Bob <bob@example.com>\n\nWhy.\n", "Bob <bob@example.com>"),
        ("Date: today\n\nFrom: Bob <bob@example.com>\n", "Bob <bob@example.com>"),
        ("Why.\n\nFrom: Bob <bob@example.com>\n", None),
        ("> From: Bob <bob@example.com>\n", None),
        ("From here on all is well.\n", None),
    ],
)
def test_in_body_from(body, author):
    assert d.find_body_author(body) == author


def test_the_commit_message_ends_at_the_dashes_or_the_diff():
    assert d.commit_text("Why.\n---\nv2: x\n" + diff("x")) == "Why.\n"
    assert d.commit_text("Why.\n" + diff("x")) == "Why.\n"
    assert d.commit_text("Why.\n") == "Why.\n"


def test_binary_contents_are_told_apart():
    other = BINARY.replace("RcmZQ", "RcmZA")
    assert d.read_diff(BINARY).content_id != d.read_diff(other).content_id
    named = (
        BINARY.partition("GIT binary")[0] + "Binary files a/walnut.png and b/walnut.png differ\n"
    )
    assert d.read_diff(named).content_id != d.read_diff(named.replace("2222222", "3")).content_id


def test_hunks_with_wrong_counts_end_at_the_next_file():
    text = diff("int x;").replace("+10,3 @@", "+10,30 @@") + diff("int y;", path="fs/walnut/two.c")
    assert d.read_diff(text).paths == ("fs/walnut/file.c", "fs/walnut/two.c")
