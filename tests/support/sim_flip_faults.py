"""Faults in how ext4's page fault moves data out of an inode, by what its functions call."""

from __future__ import annotations

import re
from collections.abc import Mapping

from patchbot.lab.edits import apply, replace
from patchbot.lab.syntax import Code, statement_of

_INODE, _MEMORY = "fs/ext4/inode.c", "mm/memory.c"
FILES = (_INODE, _MEMORY)
"""What they are seeded into."""

_MOVE = """inode_lock(inode);
	err = ext4_convert_inline_data(inode);
	inode_unlock(inode);"""
_LEAVE = """filemap_invalidate_unlock_shared(mapping);
		sb_end_pagefault(inode->i_sb);"""
_ANSWERED = ("do_page_mkwrite", "wp_page_shared", "do_shared_fault")
_KEPT = ("VM_FAULT_ERROR |", "VM_FAULT_RETRY | VM_FAULT_ERROR |")
_TOLD = ("FAULT_FLAG_MKWRITE;", "FAULT_FLAG_MKWRITE|(old_flags & FAULT_FLAG_ALLOW_RETRY);")


def _instead_of_moving(files: Mapping[str, bytes], new: str) -> dict[str, bytes]:
    code = Code(_INODE, files[_INODE])
    (call,) = (
        call
        for func in code.functions
        if func.name.endswith("page_mkwrite")
        for call in func.named({"ext4_convert_inline_data"})
    )
    return {_INODE: apply(code.data, [replace(statement_of(call.node), new)])}


def move_under_inode_lock(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The inode is locked inside the fault, where write(2) faults with the inode locked."""
    return _instead_of_moving(files, _MOVE)


def _move_and_retry(condition: str) -> str:
    return f"""if (ext4_has_inline_data(inode)) {{
		{_LEAVE}
		{condition}mmap_read_unlock(vma->vm_mm);
		{_MOVE}
		return err ? VM_FAULT_SIGBUS : VM_FAULT_RETRY;
	}}
	err = 0;"""


def retry_unasked(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The fault drops mmap_lock, locks the inode, and is to be tried again, asked for or not."""
    return _instead_of_moving(files, _move_and_retry(""))


def retry_where_allowed(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """As before, but only where that is allowed, which mm/memory.c tells; else the fault fails."""
    allowed = "if (!(vmf->flags & FAULT_FLAG_ALLOW_RETRY))\n\t\t\treturn VM_FAULT_SIGBUS;\n\t\t"
    changed = _instead_of_moving(files, _move_and_retry(allowed))
    after = files[_MEMORY].decode("utf-8", "surrogateescape")
    for name in _ANSWERED:  # by text: a mark for sparse makes one of them unreadable for the parser
        found = re.search(rf"^static vm_fault_t {name}\(.*?^}}", after, re.M | re.S)
        assert found
        new = found[0].replace(*_KEPT).replace(*_TOLD)
        after = after[: found.start()] + new + after[found.end() :]
    return changed | {_MEMORY: after.encode("utf-8", "surrogateescape")}
