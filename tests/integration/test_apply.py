"""What patchbot applies is byte for byte what `git am` makes of the same mails."""

from __future__ import annotations

import base64
import os
import quopri
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.am import Both, apply_both
from tests.support.git_tree import commit_files, make_git_tree, run_git

FILES: dict[str, str | bytes] = {
    "fs/a.c": "".join(f"int a{n};\n" for n in range(40)),
    "fs/b.c": "".join(f"int b{n};\n" for n in range(40)),
    "fs/with space.c": "int space;\n",
    "doc/naïve.txt": "text\n",
    "no-newline": "last line without end",
    "bin": bytes(range(256)) * 8,
}
FROM = "From: Ada Walnut <ada@example.org>\n"
DATE = "Date: Mon, 2 Mar 2026 10:11:12 +0530\n"
NAME = "Message-ID: <1-ada@example.org>\n"
DIFF = (
    "diff --git a/fs/a.c b/fs/a.c\nindex 1111111..2222222 100644\n--- a/fs/a.c\n+++ b/fs/a.c\n"
    "@@ -9,7 +9,7 @@ int a7;\n int a8;\n int a9;\n int a10;\n-int a11;\n+int changed;\n int a12;\n"
    " int a13;\n int a14;\n"
)
BODY = (
    "Say why.\n\nSigned-off-by: Ada Walnut <ada@example.org>\n---\n fs/a.c | 2 +-\n\n"
    f"{DIFF}-- \n2.39\n"
)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_git_tree(tmp_path / "tree", FILES)


def assert_same(both: Both, count: int = 1) -> None:
    assert both.refused == ""
    assert len(both.theirs) == count
    assert both.ours == both.theirs, both.applied.findings


def eml(headers: str, body: str | bytes) -> bytes:
    raw = body if isinstance(body, bytes) else body.encode()
    return headers.encode() + b"\n" + raw


def plain(subject: str = "[PATCH] fs: change a") -> str:
    return f"{FROM}{DATE}{NAME}Subject: {subject}\n"


UTF8 = "Content-Type: text/plain; charset=UTF-8\n"
MAILS: dict[str, bytes] = {
    "plain": eml(plain(), BODY),
    "no-prefix": eml(plain("fs: change a"), BODY),
    "many-prefixes": eml(plain("[RFC][PATCH -next v2 3/4] fs: [deep] change a"), BODY),
    "reply-prefix": eml(plain("Re: [PATCH] fs: change a"), BODY),
    "folded-subject": eml(plain("[PATCH] fs: a long subject that\n goes on here"), BODY),
    "encoded-subject": eml(plain("=?utf-8?q?=5BPATCH=5D_fs=3A_na=C3=AFve?="), BODY),
    "encoded-from": eml(plain().replace("Ada Walnut", "=?iso-8859-1?q?Ad=E9_W=E4lnut?="), BODY),
    "quoted-from": eml(plain().replace("Ada Walnut", '"Walnut, Ada (x)"'), BODY),
    "dotted-from": eml(plain().replace("Ada Walnut", "A. B. Walnut Jr."), BODY),
    "bare-from": eml(plain().replace("Ada Walnut <ada@example.org>", "ada@example.org"), BODY),
    "body-from": eml(plain(), f"From: Bob Hazel <bob@example.com>\n\n{BODY}"),
    "body-headers": eml(
        plain(),
        "From: Bob Hazel <bob@example.com>\nDate: Tue, 3 Mar 2026 01:02:03 -0800\n"
        f"Subject: [PATCH] fs: another title\n\n{BODY}",
    ),
    "west-date": eml(plain().replace("+0530", "-1130"), BODY),
    "crlf": eml(plain(), BODY).replace(b"\n", b"\r\n"),
    "utf8-8bit": eml(
        plain() + UTF8 + "Content-Transfer-Encoding: 8bit\n", BODY.replace("why", "waräum – ok")
    ),
    "latin1": eml(
        plain() + "Content-Type: text/plain; charset=ISO-8859-1\n",
        BODY.replace("why", "waräum").encode("latin-1"),
    ),
    "quoted-printable": eml(
        plain() + UTF8 + "Content-Transfer-Encoding: quoted-printable\n",
        quopri.encodestring(BODY.replace("why", "waräum").encode()),
    ),
    "base64": eml(
        plain() + UTF8 + "Content-Transfer-Encoding: base64\n", base64.encodebytes(BODY.encode())
    ),
    "multipart": eml(
        plain() + 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n',
        f"--b\nContent-Type: text/plain\n\n{BODY}\n--b--\n",
    ),
    "white-space": eml(plain(), "Say why.  \n\n\n\nAnd more.\t\n   \n" + BODY),
    "scissors": eml(plain(), "Before.\n\n-- >8 --\n\nAfter.\n\n" + BODY),
    "no-message": eml(plain(), f"---\n{DIFF}"),
    "footer": eml(plain(), BODY + "\nbase-commit: 0123456789012345678901234567890123456789\n"),
    "no-index-line": eml(plain(), BODY.replace("index 1111111..2222222 100644\n", "")),
    "plain-diff": eml(plain(), "Why.\n\n" + DIFF.partition("100644\n")[2]),
    "offset": eml(plain(), BODY.replace("@@ -9,7 +9,7 @@", "@@ -4,7 +4,7 @@")),
    "not-a-scissor": eml(plain(), BODY.replace("Say why.", "diff -u is a program")),
}  # fmt: skip


@pytest.mark.parametrize("name", MAILS)
def test_one_mail_gives_the_commit_that_git_am_makes(name: str, repo: Path, tmp_path: Path) -> None:
    assert_same(apply_both(repo, [MAILS[name]], tmp_path))


REFUSED: dict[str, bytes] = {
    "no-diff": eml(plain(), "Only words.\n"),
    "conflict": eml(plain(), BODY.replace("int a10;", "int other;")),
    "no-such-file": eml(plain(), BODY.replace("fs/a.c", "fs/gone.c")),
    "exists": eml(
        plain(),
        "New.\n---\ndiff --git a/fs/a.c b/fs/a.c\nnew file mode 100644\n--- /dev/null\n"
        "+++ b/fs/a.c\n@@ -0,0 +1 @@\n+int a;\n",
    ),
    "corrupt": eml(plain(), BODY.replace("@@ -9,7 +9,7 @@", "@@ -9,9 +9,9 @@")),
    "damaged": eml(plain(), BODY.replace("\n int", "\nint")),
    "file-below-file": eml(
        plain(),
        "New.\n---\ndiff --git a/fs/a.c/x b/fs/a.c/x\nnew file mode 100644\n--- /dev/null\n"
        "+++ b/fs/a.c/x\n@@ -0,0 +1 @@\n+int a;\n",
    ),
    "file-over-folder": eml(
        plain(),
        "New.\n---\ndiff --git a/fs b/fs\nnew file mode 100644\n--- /dev/null\n"
        "+++ b/fs\n@@ -0,0 +1 @@\n+int a;\n",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_git_am_refuses_is_refused(name: str, repo: Path, tmp_path: Path) -> None:
    both = apply_both(repo, [REFUSED[name]], tmp_path)
    assert both.refused
    assert both.ours == ()
    assert both.applied.failed == 1
    assert both.applied.findings[-1].patch == 1


def changed(repo: Path, change: Callable[[Path], None], count: int = 1) -> list[bytes]:
    """Make commits in the checkout, return them as mails, and take them back."""
    base = run_git(repo, "rev-parse", "HEAD").strip()
    change(repo)
    mails = run_git(repo, "format-patch", "--binary", "-M", "-C", "--stdout", base)
    run_git(repo, "reset", "-q", "--hard", base)
    parts = [f"From {part}" for part in mails.split("\nFrom ")]
    parts[0] = parts[0].removeprefix("From ")
    assert len(parts) == count
    return [part.encode("utf-8", "surrogateescape") for part in parts]


def save(repo: Path, message: str) -> None:
    run_git(repo, "add", "-A")
    run_git(repo, "commit", "-q", "--no-verify", "-m", message)


def _rename(repo: Path) -> None:
    (repo / "fs/a.c").rename(repo / "fs/moved.c")
    text = (repo / "fs/moved.c").read_text().replace("a3;", "moved;")
    (repo / "fs/moved.c").write_text(text)
    save(repo, "rename")


def _copy(repo: Path) -> None:
    text = (repo / "fs/a.c").read_text()
    (repo / "fs/copy.c").write_text(text.replace("a5;", "copied;"))
    (repo / "fs/a.c").write_text(text + "int end;\n")
    save(repo, "copy")


def _mode(repo: Path) -> None:
    (repo / "fs/a.c").chmod(0o755)
    save(repo, "mode")


def _link(repo: Path) -> None:
    os.symlink("a.c", repo / "fs/link")
    save(repo, "link")


def _binary(repo: Path) -> None:
    (repo / "bin").write_bytes(bytes(reversed(range(256))) * 9)
    save(repo, "binary")


def _new_and_gone(repo: Path) -> None:
    (repo / "fs/b.c").unlink()
    (repo / "deep/er").mkdir(parents=True)
    (repo / "deep/er/new.c").write_text("int new;\n")
    (repo / "deep/empty").write_text("")
    save(repo, "new and gone")


def _odd_names(repo: Path) -> None:
    for name in ("tab\tname", 'quote"name', "new\nline", "näme", "*", ":(top)x", "-option", "a b"):
        (repo / name).write_text("text\n")
    (repo / "fs/with space.c").write_text("int changed;\n")
    (repo / "doc/naïve.txt").write_text("other\n")
    save(repo, "odd names")


def _no_newline(repo: Path) -> None:
    (repo / "no-newline").write_text("other line without end")
    (repo / "fs/a.c").write_text((repo / "fs/a.c").read_text() + "no end")
    save(repo, "no newline")


def _file_to_folder(repo: Path) -> None:
    (repo / "fs/a.c").unlink()
    (repo / "fs/a.c").mkdir()
    (repo / "fs/a.c/inside").write_text("x\n")
    save(repo, "file to folder")


def _folder_to_file(repo: Path) -> None:
    (repo / "doc/naïve.txt").unlink()
    (repo / "doc").rmdir()
    (repo / "doc").write_text("a file now\n")
    save(repo, "folder to file")


CHANGES = (
    _rename, _copy, _mode, _link, _binary, _new_and_gone, _odd_names, _no_newline,
    _file_to_folder, _folder_to_file,
)  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__.strip("_"))
def test_each_kind_of_change(change: Callable[[Path], None], repo: Path, tmp_path: Path) -> None:
    assert_same(apply_both(repo, changed(repo, change), tmp_path))


def test_patches_that_build_on_one_another(repo: Path, tmp_path: Path) -> None:
    def change(top: Path) -> None:
        for number in range(5):
            text = (top / "fs/a.c").read_text()
            (top / "fs/a.c").write_text(text.replace(f"a{number};", f"step{number};"))
            (top / f"fs/new{number}.c").write_text("int x;\n")
            if number:
                (top / f"fs/new{number - 1}.c").unlink()
            save(top, f"step {number}")

    assert_same(apply_both(repo, changed(repo, change, 5), tmp_path), 5)


NAMES = st.sampled_from(["fs/a.c", "fs/b.c", "new", "x/y/z.c", "x/w", "no-newline", "fs/é.c"])
EDITS = st.lists(
    st.tuples(NAMES, st.sampled_from(["drop", "write", "insert", "cut"]), st.integers(0, 30)),
    min_size=1,
    max_size=4,
)


def _edit(top: Path, name: str, kind: str, at: int) -> None:
    path = top / name
    lines = path.read_text().splitlines(keepends=True) if path.is_file() else []
    if kind == "drop":
        path.unlink(missing_ok=True)
        return
    if kind == "write":
        lines = [f"line {at}\n", "second\n"]
    elif kind == "insert":
        lines[at:at] = [f"inserted {at}\n"]
    else:
        del lines[at : at + 3]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(lines))


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(commits=st.lists(EDITS, min_size=1, max_size=4))
def test_random_series_give_what_git_am_makes(
    commits: list[list[tuple[str, str, int]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("random")
    repo = make_git_tree(folder / "tree", FILES)
    base = run_git(repo, "rev-parse", "HEAD").strip()
    made = 0
    for number, edits in enumerate(commits):
        for edit in edits:
            _edit(repo, *edit)
        run_git(repo, "add", "-A")
        if run_git(repo, "status", "--porcelain"):
            run_git(repo, "commit", "-q", "--no-verify", "-m", f"step {number}")
            made += 1
    if not made:
        return
    text = run_git(repo, "format-patch", "--stdout", base)
    run_git(repo, "reset", "-q", "--hard", base)
    parts = text.split("\nFrom ")
    mails = [(part if n == 0 else f"From {part}").encode() for n, part in enumerate(parts)]
    assert_same(apply_both(repo, mails, folder), made)


def test_a_changed_context_needs_a_3way_merge(repo: Path, tmp_path: Path) -> None:
    """The blob the patch was made for is there: the merge works, and a warning says so."""

    def change(top: Path) -> None:
        text = (top / "fs/a.c").read_text()
        (top / "fs/a.c").write_text(text.replace("a11;", "changed;"))
        save(top, "change")

    mails = changed(repo, change)
    text = str(FILES["fs/a.c"]).replace("a8;", "moved_on;")
    commit_files(repo, {"fs/a.c": text}, "the tree moved on\n")
    both = apply_both(repo, mails, tmp_path)
    assert both.refused
    assert both.applied.three_way
    assert [f.rule for f in both.applied.findings] == ["needs-3way-merge"]


def test_a_conflict_in_the_3way_merge_is_a_failure(repo: Path, tmp_path: Path) -> None:
    def change(top: Path) -> None:
        text = (top / "fs/a.c").read_text()
        (top / "fs/a.c").write_text(text.replace("a11;", "changed;"))
        save(top, "change")

    mails = changed(repo, change)
    text = str(FILES["fs/a.c"]).replace("a11;", "something_else;")
    commit_files(repo, {"fs/a.c": text}, "the tree moved on\n")
    applied = apply_both(repo, mails, tmp_path).applied
    assert (applied.commits, applied.failed) == ((), 1)
    finding = applied.findings[-1]
    assert (finding.rule, finding.file) == ("does-not-apply", "fs/a.c")
    assert "something_else" in finding.evidence
