"""The lab's mails: as git makes and takes them, the same every time, and a tree left alone."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from patchbot.errors import TreeError
from patchbot.lab.mails import Thread, make_threads
from patchbot.lab.story import load_story
from patchbot.mail.message import parse_mail
from patchbot.mail.series import build_series, select_series
from patchbot.mail.thread import Mails
from patchbot.tree import open_tree
from tests.support.am import apply_both
from tests.support.git_tree import commit_files, left_without_trace, make_git_tree, run_git
from tests.support.small_ext4 import small_ext4

STORY = load_story()


def make(tree: Path, folder: Path) -> list[Thread]:
    repository = open_tree(tree)
    base = repository.resolve_commit("HEAD")
    assert base is not None
    return make_threads(repository, base, STORY, folder)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    files = {"Makefile": "all:\n", "fs/ext4/notes.txt": "x\n"}
    return make_git_tree(tmp_path / "tree", {**files, **small_ext4("folio")})


def test_git_am_takes_them_and_makes_the_commits(tree: Path, tmp_path: Path) -> None:
    with left_without_trace(tree):
        threads = make(tree, tmp_path / "scratch")
    for revision, thread in zip(STORY.revisions, threads, strict=True):
        mails = [parse_mail(mail) for mail in thread.mails]
        cover, *patches = mails[: len(revision.patches) + 1]
        assert not any(mail.problems for mail in mails)
        assert f"base-commit: {run_git(tree, 'rev-parse', 'HEAD')}" in cover.body
        both = apply_both(tree, [mail.raw for mail in patches], tmp_path / f"am{thread.number}")
        assert both.ours == both.theirs
        assert [each.split()[1].decode() for each in both.ours] == list(thread.trees)


def test_the_same_tree_gives_the_same_bytes_and_another_one_other_ids(
    tree: Path, tmp_path: Path
) -> None:
    def digest(threads: list[Thread]) -> str:
        return hashlib.sha256(b"".join(thread.mbox for thread in threads)).hexdigest()

    first, second = make(tree, tmp_path / "a"), make(tree, tmp_path / "b")
    assert digest(first) == digest(second)
    commit_files(tree, {"new": "x"}, "another\n")
    other = make(tree, tmp_path / "c")
    assert not {t.message_id for t in first} & {t.message_id for t in other}


def test_one_series_of_all_revisions(tree: Path, tmp_path: Path) -> None:
    raw = [mail for thread in make(tree, tmp_path / "s") for mail in thread.mails]
    mails = Mails(parse_mail(each) for each in raw)
    assert len(mails) == len(raw)
    (built,) = build_series(mails)
    series = select_series([built], mails, built.revisions[0].message_id)
    assert [r.label for r in series.revisions] == [r.label for r in STORY.revisions]
    assert [len(r.patches) for r in series.revisions] == [len(r.patches) for r in STORY.revisions]
    given = {
        (r.label, patch.number)
        for r in series.revisions
        for patch in r.patches
        for trailer in patch.trailers
        if trailer.name == "Reviewed-by" and not trailer.carried_from
    }
    assert given == {("v2", 1), ("v4", 2)}
    assert all(line.isascii() for each in raw for line in each.decode().split("\n"))


def test_text_that_is_not_ascii_goes_through(tree: Path, tmp_path: Path) -> None:
    files = small_ext4("page")
    name = "fs/ext4/super.c"
    odd = files[name].replace(b"static int ext4_load", b"/* \xc3\xa9 \xe9 */\nint ext4_load")
    commit_files(tree, {**files, name: odd}, "odd\n")
    first = make(tree, tmp_path / "s")[0]
    patches = list(first.mails[1:3])
    assert b"\xc3\xa9 \xe9" in patches[0]
    both = apply_both(tree, patches, tmp_path / "am")
    assert both.ours == both.theirs


def test_a_tree_without_ext4(tmp_path: Path) -> None:
    empty = make_git_tree(tmp_path / "tree", {"x": "y"})
    with pytest.raises(TreeError, match="no fs/ext4"):
        make(empty, tmp_path / "s")
