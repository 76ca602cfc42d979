"""Single faults in the bundled tree's last good revision, made by syntax as kernel_faults.py does.

Each is a small mistake that a series could make. What catches it, or why nothing can, stands in
tests/data/sim_mutants.toml.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from tree_sitter import Node

from patchbot.lab.edits import Edit, apply, delete, replace
from patchbot.lab.syntax import Code, Func, flat, statement_of, walk

Files = Mapping[str, bytes]
Change = Callable[[Code, Func], list[Edit]]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A fault in one function of one file of the tree."""

    name: str
    path: str
    function: str
    change: Change

    def apply(self, files: Files) -> bytes:
        """The changed file's bytes; the files are those of the tree, by path."""
        code = Code(self.path, _hide(files[self.path]))
        (func,) = [each for each in code.functions if each.name == self.function]
        edits = self.change(code, func)
        assert edits, self.name
        return _show(apply(code.data, edits))


# What macros do with types and blocks does not parse: while it is looked at it is something
# else, of the same length.
_LOOP = re.compile(rb"\blist_for_each_entry(?:_safe)?(?=\()")
_WHILE = re.compile(rb"\bwhile( {14,19})(?=\()")
_TYPE, _HIDDEN = b"struct journal_head, b_list", b"struct_journal_head, b_list"


def _hide(data: bytes) -> bytes:
    return _LOOP.sub(_as_while, data.replace(_TYPE, _HIDDEN))


def _show(data: bytes) -> bytes:
    return _WHILE.sub(_as_loop, data).replace(_HIDDEN, _TYPE)


def _as_while(found: re.Match[bytes]) -> bytes:
    return b"while".ljust(len(found[0]))


def _as_loop(found: re.Match[bytes]) -> bytes:
    return b"list_for_each_entry" + (b"_safe" if len(found[1]) > 14 else b"")


def _calls(func: Func, *names: str) -> list[Node]:
    found = [call.node for call in func.named(names)]
    assert found, (func.name, names)
    return found


def _drop(name: str, nth: int | None, code: Code, func: Func) -> list[Edit]:
    calls = _calls(func, name)
    chosen = calls if nth is None else [calls[nth]]
    return [delete(code, statement_of(node)) for node in chosen]


def drop(name: str, nth: int | None = 0) -> Change:
    """Delete the nth statement that calls a function; None: all."""
    return partial(_drop, name, nth)


def drop_both(*names: str) -> Change:
    """Delete all statements that call one of these functions."""
    return lambda code, func: [edit for name in names for edit in _drop(name, None, code, func)]


def _find(func: Func, text: str, nth: int) -> Node:
    found = [node for node in walk(func.node) if node.is_named and flat(node) == text]
    outer = [node for node in found if node.parent not in found]
    assert outer, (func.name, text)
    return outer[nth]


def change(old: str, new: str, nth: int = 0) -> Change:
    """Put other text in the place of the nth node with this one, white space folded."""
    return lambda code, func: [replace(_find(func, old, nth), new)]


def remove(text: str, nth: int = 0) -> Change:
    """Delete the nth statement with this text."""
    return lambda code, func: [delete(code, _find(func, text, nth))]


def _text(node: Node) -> str:
    return (node.text or b"").decode()


def _swap(first: Node, second: Node) -> list[Edit]:
    return [replace(first, _text(second)), replace(second, _text(first))]


def swap(first: str, second: str, nth: int = 0) -> Change:
    """Let the statements around two calls change places."""

    def edits(code: Code, func: Func) -> list[Edit]:
        one, other = _calls(func, first)[nth], _calls(func, second)[0]
        return _swap(_outermost(func, one), _outermost(func, other))

    return edits


def _outermost(func: Func, node: Node) -> Node:
    while node.parent is not None and node.parent != func.body:
        node = node.parent
    return node


def both(one: Change, other: Change) -> Change:
    """One mistake that takes two edits."""
    return lambda code, func: [*one(code, func), *other(code, func)]


SUPER, INODE = "fs/ext4/super.c", "fs/ext4/inode.c"
COMMIT, TRANSACTION = "fs/jbd2/commit.c", "fs/jbd2/transaction.c"
BUFFER, WRITEBACK, MEMORY = "fs/buffer.c", "mm/page-writeback.c", "mm/memory.c"

_CALLBACK = "ext4_journalled_writepage_callback"
_SUBMIT = "ext4_journalled_submit_inode_data_buffers"
_MKWRITE, _JOIN = "ext4_page_mkwrite", "ext4_journal_page_buffers"
_JWRITEPAGE = "__ext4_journalled_writepage"
_COMMIT = "jbd2_journal_commit_transaction"
_ACTIVATE = "return AOP_WRITEPAGE_ACTIVATE;"
_HOOK = "journal->j_submit_inode_data_buffers = ext4_journal_submit_inode_data_buffers;"
_WALK_ACCESS = "ext4_walk_page_buffers(handle, page, 0, len, do_journal_get_write_access)"
_WALK_DIRTY = "ext4_walk_page_buffers(handle, page, 0, len, write_end_fn)"
_ADD = "ext4_jbd2_inode_add_write(handle, inode, page_offset(page), len)"
_WRITE_ACCESS = (
    "ext4_walk_page_buffers(handle, page, from, from + len, do_journal_get_write_access)"
)
_WRITE_DIRTY = "ext4_walk_page_buffers(handle, page, from, from + len, write_end_fn)"

MUTANTS = (
    # the callback of the series
    Mutant("redirty-dropped", SUPER, _CALLBACK, drop("redirty_page_for_writepage")),
    Mutant("callback-returns-0", SUPER, _CALLBACK, change(_ACTIVATE, "return 0;", -1)),
    Mutant("callback-needs-no-buffers", SUPER, _CALLBACK, change("!page_has_buffers(page)", "0")),
    Mutant("callback-not-registered", SUPER, "ext4_load_journal", remove(_HOOK)),
    Mutant(
        "callback-for-no-inode",
        SUPER,
        "ext4_journal_submit_inode_data_buffers",
        change("ext4_should_journal_data(jinode->i_vfs_inode)", "0"),
    ),
    Mutant(
        "range-starts-late",
        SUPER,
        _SUBMIT,
        change("jinode->i_dirty_start", "jinode->i_dirty_start + PAGE_SIZE"),
    ),
    Mutant(
        "range-ends-early",
        SUPER,
        _SUBMIT,
        change("jinode->i_dirty_end", "jinode->i_dirty_end - (loff_t)PAGE_SIZE"),
    ),
    Mutant("no-sync-mode", SUPER, _SUBMIT, change("WB_SYNC_ALL", "WB_SYNC_NONE")),
    Mutant("writes-one-page", SUPER, _SUBMIT, change("LONG_MAX", "0")),
    # faults
    Mutant("range-start-0", INODE, _JOIN, change(_ADD, _ADD.replace("page_offset(page)", "0"))),
    Mutant("inode-not-listed", INODE, _JOIN, change(_ADD, "0")),
    Mutant("fault-without-access", INODE, _JOIN, change(_WALK_ACCESS, "0")),
    Mutant("fault-without-dirtying", INODE, _JOIN, change(_WALK_DIRTY, "0")),
    Mutant(
        "dirties-before-access",
        INODE,
        _JOIN,
        both(change(_WALK_ACCESS, _WALK_DIRTY), change(_WALK_DIRTY, _WALK_ACCESS)),
    ),
    Mutant("early-return", INODE, _MKWRITE, change("!ext4_should_journal_data(inode)", "1")),
    Mutant("fault-without-page-lock", INODE, _MKWRITE, drop("lock_page", 1)),
    Mutant("fault-keeps-page-lock", INODE, _MKWRITE, drop("unlock_page", 1)),
    Mutant(
        "fault-locks-page-first",
        INODE,
        _MKWRITE,
        both(drop("unlock_page", 1), drop("lock_page", 1)),
    ),
    Mutant("fault-keeps-handle", INODE, _MKWRITE, drop("ext4_journal_stop")),
    Mutant("fault-not-stable", INODE, _MKWRITE, drop("wait_for_stable_page")),
    Mutant("fault-changes-no-time", INODE, _MKWRITE, drop("file_update_time")),
    # write(2) and writeback
    Mutant("write-not-stable", INODE, "ext4_write_begin", drop("wait_for_stable_page")),
    Mutant("write-without-access", INODE, "ext4_write_begin", change(_WRITE_ACCESS, "0")),
    Mutant(
        "write-not-journalled", INODE, "ext4_journalled_write_end", change(_WRITE_DIRTY, "0")
    ),
    Mutant("write-not-committed", INODE, "ext4_write_end", drop("block_commit_write")),
    Mutant("write-keeps-page-lock", INODE, "ext4_finish_write", drop("unlock_page")),
    Mutant(
        "write-unlocks-late", INODE, "ext4_finish_write", swap("unlock_page", "ext4_journal_stop")
    ),
    Mutant("size-not-updated", INODE, "ext4_finish_write", drop("ext4_mark_inode_dirty")),
    Mutant("block-not-ordered", INODE, "ext4_get_block", drop("ext4_jbd2_inode_add_write")),
    Mutant("mark-not-set", INODE, "ext4_journalled_set_page_dirty", drop("SetPageChecked")),
    Mutant("mark-not-cleared", INODE, _JWRITEPAGE, drop("ClearPageChecked")),
    Mutant(
        "writepage-locks-page-first",
        INODE,
        _JWRITEPAGE,
        both(drop("unlock_page", 0), drop("lock_page")),
    ),
    Mutant("writepage-keeps-page-lock", INODE, _JWRITEPAGE, drop("unlock_page", 2)),
    Mutant("writepage-without-dirtying", INODE, _JWRITEPAGE, change(_WALK_DIRTY, "0")),
    Mutant("writepage-ignores-mark", INODE, "ext4_writepage", change("PageChecked(page)", "0")),
    # the commit
    Mutant("commit-does-not-wait", COMMIT, "lock_running_transaction", drop("wait_event")),
    Mutant(
        "commit-not-locked",
        COMMIT,
        "lock_running_transaction",
        remove("transaction->t_state = T_LOCKED;"),
    ),
    Mutant("commit-wakes-nobody", COMMIT, "lock_running_transaction", drop("wake_up")),
    Mutant(
        "data-not-submitted",
        COMMIT,
        "journal_submit_data_buffers",
        change("journal->j_submit_inode_data_buffers(jinode)", "0"),
    ),
    Mutant(
        "data-submitted-under-lock", COMMIT, "journal_submit_data_buffers", drop("spin_unlock", 0)
    ),
    Mutant("no-checksum", COMMIT, "journal_write_batch", drop("jbd2_block_tag_csum_set")),
    Mutant("shadow-stays", COMMIT, "journal_wait_for_io", drop("clear_buffer_shadow")),
    Mutant("shadow-wakes-nobody", COMMIT, "journal_wait_for_io", drop("wake_up_bit")),
    Mutant("no-commit-record", COMMIT, _COMMIT, drop("journal_submit_commit_record")),
    Mutant(
        "record-before-blocks",
        COMMIT,
        _COMMIT,
        swap("journal_write_batch", "journal_submit_commit_record"),
    ),
    Mutant(
        "data-after-blocks",
        COMMIT,
        _COMMIT,
        swap("journal_submit_data_buffers", "journal_write_batch"),
    ),
    # handles and buffers
    Mutant("handle-not-counted", TRANSACTION, "start_this_handle", remove(
        "handle->h_transaction->t_updates++;"
    )),
    Mutant("handle-joins-locked", TRANSACTION, "start_this_handle", change(
        "journal->j_running_transaction->t_state != T_RUNNING", "0"
    )),
    Mutant("stop-wakes-nobody", TRANSACTION, "jbd2_journal_stop", drop("wake_up")),
    Mutant(
        "stop-without-lock",
        TRANSACTION,
        "jbd2_journal_stop",
        drop_both("write_lock", "write_unlock"),
    ),
    Mutant("shadow-not-waited-for", TRANSACTION, "get_access_in_commit", change(
        "buffer_shadow(bh)", "0"
    )),
    Mutant("not-frozen", TRANSACTION, "get_access_in_commit", drop("jbd2_freeze_jh_data")),
    Mutant("access-keeps-buffer", TRANSACTION, "do_get_write_access", drop("unlock_buffer")),
    Mutant("access-leaves-dirty", TRANSACTION, "do_get_write_access", drop("clear_buffer_dirty")),
    Mutant(
        "access-forgets-dirty", TRANSACTION, "do_get_write_access", drop("set_buffer_jbddirty")
    ),
    Mutant("refiled-as-reserved", TRANSACTION, "__jbd2_journal_refile_buffer", change(
        "jh->b_modified ? BJ_Metadata : BJ_Reserved", "BJ_Reserved"
    )),
    Mutant("refiled-clean", TRANSACTION, "__jbd2_journal_temp_unlink_buffer", drop(
        "mark_buffer_dirty"
    )),
    Mutant(
        "refile-without-lock",
        TRANSACTION,
        "jbd2_journal_refile_buffer",
        drop_both("spin_lock", "spin_unlock"),
    ),
    Mutant(
        "locks-in-other-order",
        TRANSACTION,
        "jbd2_journal_refile_buffer",
        both(
            change("spin_lock(&jh->b_state_lock);", "spin_lock(&journal->j_list_lock);"),
            change("spin_lock(&journal->j_list_lock);", "spin_lock(&jh->b_state_lock);"),
        ),
    ),
    Mutant(
        "inode-listed-without-lock",
        TRANSACTION,
        "jbd2_journal_file_inode",
        drop_both("spin_lock", "spin_unlock"),
    ),
    # pages
    Mutant("not-write-protected", WRITEBACK, "clear_page_dirty_for_io", change(
        "page_mkclean(page)", "0"
    )),
    Mutant("mkclean-forgets-dirty", WRITEBACK, "clear_page_dirty_for_io", drop("set_page_dirty")),
    Mutant("writeback-wakes-nobody", WRITEBACK, "end_page_writeback", drop("wake_up_bit")),
    Mutant("dirty-without-tag", WRITEBACK, "__set_page_dirty_nobuffers", drop("mapping_set_tag")),
    Mutant("busy-page-not-waited-for", WRITEBACK, "page_ready_to_write", drop(
        "wait_on_page_writeback"
    )),
    Mutant("fault-leaves-clean", MEMORY, "fault_dirty_shared_page", drop("set_page_dirty")),
    Mutant("fault-ends-locked", MEMORY, "fault_dirty_shared_page", drop("unlock_page")),
    Mutant("mapped-after-unlock", MEMORY, "wp_page_shared", swap(
        "finish_fault", "fault_dirty_shared_page"
    )),
    Mutant("unlocked-before-writeback", BUFFER, "block_write_full_page", swap(
        "set_page_writeback", "unlock_page"
    )),
    Mutant("writeback-ends-early", BUFFER, "block_write_full_page", swap(
        "end_page_writeback", "lock_buffer"
    )),
)  # fmt: skip
