"""The lab's changes: made where the code does something, whatever it is called, nowhere else."""

from __future__ import annotations

import difflib

import pytest

from patchbot.errors import TreeError
from patchbot.lab.faults import CHANGES
from patchbot.lab.sites import Sites
from patchbot.lab.story import load_story
from patchbot.lab.syntax import count_errors, parse
from tests.support.small_ext4 import small_ext4

KINDS = ("page", "folio")
OFFSETS = {"page": "page_offset(page)", "folio": "folio_pos(folio)"}


def changed(name: str, kind: str, *before: str) -> tuple[list[str], list[str]]:
    """The lines that a change takes away, and those that it adds, without indentation."""
    files = small_ext4(kind)
    for each in before:
        files |= CHANGES[each](files)
    new = CHANGES[name](files)
    removed: list[str] = []
    added: list[str] = []
    for path, data in new.items():
        assert count_errors(parse(data)) == 0, data.decode()
        lines = difflib.ndiff(files[path].decode().split("\n"), data.decode().split("\n"))
        for line in lines:
            if line[:2] in ("- ", "+ ") and line[2:].strip():
                (removed if line[0] == "-" else added).append(line[2:].strip())
    return removed, added


@pytest.mark.parametrize("kind", KINDS)
def test_the_callbacks_are_set_in_one_place(kind: str) -> None:
    removed, added = changed("install-in-one-place", kind)
    assert [line.split("=")[0].strip() for line in removed] == [
        "sbi->s_journal->j_submit_inode_data_buffers",
        "sbi->s_journal->j_finish_inode_data_buffers",
    ]
    assert "ext4_set_data_callbacks(sbi->s_journal);" in added
    assert {"ext4_submit_data;", "ext4_finish_data;"} <= set(added)


def test_nothing_is_protected_and_what_has_no_user_is_gone() -> None:
    removed, added = changed("protect-nothing", "folio")
    assert added == ["ret = 0;"]
    gone = " ".join(removed)
    assert "int ext4_protect_one(" in gone
    assert "int ext4_protect_all(" in gone
    assert "/* One of the inode's pages. */" in removed
    assert "int ext4_used_elsewhere(" not in gone


def test_the_mode_of_the_mount_decides() -> None:
    removed, added = changed("install-by-mount-mode", "page", "install-in-one-place")
    mode = "if (test_opt(sb, DATA_FLAGS) != EXT4_MOUNT_JOURNAL_DATA)"
    assert added == [mode, *removed] == [mode, "ext4_set_data_callbacks(sbi->s_journal);"]
    with pytest.raises(TreeError):
        changed("install-by-mount-mode", "page")


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_returns_early(kind: str) -> None:
    removed, added = changed("return-early", kind)
    assert "goto retry_alloc;" in removed
    assert "if (ext4_should_journal_data(inode))" in removed
    assert {"/* There is more to do for these. */", "/* Not for journalled data. */"} < set(removed)
    assert "/* Blocks come later. */" not in removed
    assert "if (!ext4_should_journal_data(inode) &&" in added


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["list-from-zero", "list-from-offset"])
def test_a_page_is_put_on_the_list_by_a_function(name: str, kind: str) -> None:
    removed, added = changed(name, kind)
    start = "0" if name == "list-from-zero" else OFFSETS[kind]
    assert removed == [f"return ext4_jbd2_inode_add_write(handle, inode, {OFFSETS[kind]}, len);"]
    assert f"return ext4_jbd2_inode_add_write(handle, inode, {start}, len);" in added
    assert f"return ext4_protect_{kind}(handle, inode, {kind}, len);" in added
    assert all(len(line.expandtabs()) <= 80 for line in added)


def test_a_header_that_nobody_brings() -> None:
    removed, added = changed("include-no-header", "page")
    assert removed == []
    assert added == ['#include "ext4_fault_debug.h"', "ext4_fault_debug(inode);"]


@pytest.mark.parametrize(
    ("old", "new", "lost"),
    [
        (".page_mkwrite	= ext4_page_mkwrite", ".fault	= ext4_page_mkwrite", "handler"),
        ("goto retry_alloc", "ret = 0", "guard"),
        ("page_offset(page)", "0", "listing"),
        ("j_finish_inode_data_buffers = ", "j_other = ", "install"),
        ("ret = ext4_protect_all(jinode)", "ret = 0", "callback"),
    ],
)
def test_what_is_not_there_is_said(old: str, new: str, lost: str) -> None:
    files = small_ext4("page")
    for each in ("handler", "guard", "listing", "install", "callback"):
        getattr(Sites(files), each)()
    poor = {path: data.replace(old.encode(), new.encode()) for path, data in files.items()}
    with pytest.raises(TreeError, match="the lab knows") as caught:
        getattr(Sites(poor), lost)()
    assert "5.10" in caught.value.hint


def test_the_story_is_whole() -> None:
    story = load_story()
    assert {patch.change for r in story.revisions for patch in r.patches} == set(CHANGES)
    assert [r.number for r in story.revisions] == list(range(1, len(story.revisions) + 1))
    assert not story.revisions[-1].faults
    for revision in story.revisions[:-1]:
        assert all(0 < number <= len(revision.patches) for number in revision.faults)
        assert revision.faults
    for revision in story.revisions:
        assert all(0 <= reply.to <= len(revision.patches) for reply in revision.replies)
        for patch in revision.patches:
            assert max(map(len, patch.message.split("\n"))) <= 75
