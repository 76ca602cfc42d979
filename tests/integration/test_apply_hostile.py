"""Hostile patches are refused with a finding that names what was refused; nothing is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from patchbot.apply import Applied, find_unsafe
from tests.support.am import apply_ours
from tests.support.git_tree import left_without_trace, make_git_tree, run_git

HEAD = (
    "From: Mallory <m@example.org>\nDate: Mon, 2 Mar 2026 10:11:12 +0000\n"
    "Message-ID: <1-m@example.org>\nSubject: [PATCH] harmless\n\nWhy.\n---\n"
)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    top = make_git_tree(tmp_path / "tree", {"fs/a.c": "int a;\n", "fs/b.c": "int b;\n"})
    os.symlink("/etc", top / "out")
    os.symlink("fs", top / "inside")
    run_git(top, "add", "-A")
    run_git(top, "commit", "-q", "-m", "links")
    return top


def new_file(path: str, mode: str = "100644", text: str = "+int x;\n") -> str:
    return (
        f"diff --git a/{path} b/{path}\nnew file mode {mode}\nindex 0000000..1111111\n"
        f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n{text}"
    )


def apply(repo: Path, tmp_path: Path, *bodies: str | bytes) -> Applied:
    base = run_git(repo, "rev-parse", "HEAD")
    mails = [HEAD.encode() + (b if isinstance(b, bytes) else b.encode()) for b in bodies]
    with left_without_trace(repo):
        return apply_ours(repo, base, mails, tmp_path / "scratch")


UNSAFE = {
    "../outside": "leaves the tree",
    "fs/../../outside": "leaves the tree",
    "/etc/passwd": "absolute",
    ".git/hooks/post-commit": ".git",
    "sub/.GIT/config": ".git",
    "sub/.git./config": ".git",
    "git~1/config": ".git",
    ".g\u200cit/config": ".git",
}


@pytest.mark.parametrize("path", UNSAFE)
def test_a_path_that_leaves_the_tree_is_refused(path: str, repo: Path, tmp_path: Path) -> None:
    applied = apply(repo, tmp_path, new_file(path))
    assert applied.refused
    assert applied.commits == ()
    finding = applied.findings[-1]
    assert finding.rule == "unsafe-path"
    assert UNSAFE[path] in finding.message
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize(
    "path", ["fs/a.c", "fs/.gitignore", "a..b", "fs/git~10", "...", ".github/x"]
)
def test_a_harmless_path_is_not_refused(path: str) -> None:
    assert find_unsafe(path) is None


def test_names_that_disagree_are_judged_each(repo: Path, tmp_path: Path) -> None:
    body = new_file("fs/new.c").replace("+++ b/fs/new.c", "+++ b/../new.c")
    assert apply(repo, tmp_path, body).findings[-1].rule == "unsafe-path"
    rename = (
        "diff --git a/fs/a.c b/fs/z.c\nsimilarity index 100%\nrename from fs/a.c\n"
        "rename to ../z.c\n"
    )
    assert apply(repo, tmp_path, rename).refused


def test_a_file_behind_a_link_of_the_base_is_refused(repo: Path, tmp_path: Path) -> None:
    for path in ("out/passwd", "inside/new.c"):
        applied = apply(repo, tmp_path, new_file(path))
        assert applied.findings[-1].rule == "unsafe-path", applied.findings
        assert "symbolic link" in applied.findings[-1].message


def test_a_file_behind_a_link_of_the_series_is_refused(repo: Path, tmp_path: Path) -> None:
    link = new_file("hole", "120000", "+/tmp\n\\ No newline at end of file\n")
    for bodies in ((link, new_file("hole/x")), (link + new_file("hole/x"),)):
        applied = apply(repo, tmp_path, *bodies)
        assert applied.commits == ()
        assert applied.failed == len(bodies)
        assert "hole" in applied.findings[-1].message + applied.findings[-1].evidence


def test_a_link_alone_is_applied_and_noted(repo: Path, tmp_path: Path) -> None:
    link = new_file("hole", "120000", "+/tmp\n\\ No newline at end of file\n")
    applied = apply(repo, tmp_path, link)
    assert len(applied.commits) == 1
    assert "symbolic link" in applied.findings[0].message


def test_a_submodule_is_refused(repo: Path, tmp_path: Path) -> None:
    text = "+Subproject commit 0123456789012345678901234567890123456789\n"
    applied = apply(repo, tmp_path, new_file("sub", "160000", text))
    assert (applied.refused, applied.findings[-1].rule) == (True, "submodule")


def test_a_mode_change_is_applied_and_noted(repo: Path, tmp_path: Path) -> None:
    body = "diff --git a/fs/a.c b/fs/a.c\nold mode 100644\nnew mode 100755\n"
    applied = apply(repo, tmp_path, body)
    assert len(applied.commits) == 1
    assert "100644 to 100755" in applied.findings[0].message


def test_a_nul_byte_in_the_message_does_not_get_in(repo: Path, tmp_path: Path) -> None:
    body = b"Be\0fore.\n---\n" + new_file("fs/n.c").encode()
    base = run_git(repo, "rev-parse", "HEAD")
    head = HEAD.removesuffix("Why.\n---\n").encode()
    applied = apply_ours(repo, base, [head + body], tmp_path / "scratch")
    for commit in applied.commits:
        assert "\0" not in run_git(repo, "log", "-1", commit)
    assert applied.commits == ()
    assert applied.findings


@pytest.mark.parametrize("path", ["-", "--help", "*", ":(top)fs", "fs/*.c", "a b", "$(id)", "~"])
def test_odd_names_are_only_names(path: str, repo: Path, tmp_path: Path) -> None:
    applied = apply(repo, tmp_path, new_file(path))
    assert len(applied.commits) == 1
    scratch = tmp_path / "scratch" / "scratch.git"
    names = run_git(scratch, "ls-tree", "-r", "-z", "--name-only", applied.commits[0]).split("\0")
    assert path in names
    assert len([name for name in names if name]) == 5


def test_a_mail_that_was_cut_is_refused(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("patchbot.mail.message.MAX_MAIL_BYTES", 300)
    applied = apply(repo, tmp_path, new_file("fs/n.c") + "x" * 400)
    assert (applied.refused, applied.findings[-1].rule) == (True, "mail-too-large")


def test_a_hunk_that_lies_about_its_length(repo: Path, tmp_path: Path) -> None:
    body = new_file("fs/n.c").replace("@@ -0,0 +1 @@", "@@ -0,0 +1,99999999 @@")
    finding = apply(repo, tmp_path, body).findings[-1]
    assert finding.rule == "corrupt-diff"


def test_many_patches(repo: Path, tmp_path: Path) -> None:
    """Each patch costs the same, however many there are."""
    bodies = [new_file(f"many/f{number}.c") for number in range(120)]
    applied = apply(repo, tmp_path, *bodies)
    assert len(applied.commits) == 120
