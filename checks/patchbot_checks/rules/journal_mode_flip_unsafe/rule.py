"""Journalling or DAX flags of a live inode are changed without what makes that safe.

Looks at every place that changes an inode's data-journalling flag or its DAX flags: by a function,
a bit operation, or an assignment to its flags. On every path to it, helpers and callers in the
file and its folder included, what the change needs must have been done, and still hold:

- journalling: direct I/O waited for; writepages locked out; the journal's updates locked; to set
  it, page faults locked out, then dirty pages written back; to clear it, the journal flushed under
  the lock of its updates; and the address-space operations set again before the locks are dropped.
- S_DAX: page faults locked out, then dirty pages written back, cached pages invalidated, and the
  file found not to be mapped; the operations set again.
- the DAX flag on the disk: the inode marked I_DONTCACHE, so that it takes effect when it is read
  anew.

An inode that is new, or being read (I_NEW), needs none of it, nor does one without pages (a
directory). A change that one caller makes safe and another does not is found; the steps show which.

Why it is bad
    Faults, writeback and handles that run meanwhile see one mode here and another there. Dirty
    pages of the old mode meet the new mode's operations, which do not know them; data that is in
    the journal is replayed over what is written later; mappings keep the old mode's operations.

Example
    jbd2_journal_lock_updates(journal);
    ext4_set_inode_flag(inode, EXT4_INODE_JOURNAL_DATA);    /* faults go on, pages are dirty */

Use instead
    filemap_invalidate_lock(mapping);
    err = filemap_write_and_wait(mapping);
    ...
    jbd2_journal_lock_updates(journal);
    ext4_set_inode_flag(inode, EXT4_INODE_JOURNAL_DATA);
    ext4_set_aops(inode);
    For DAX: d_mark_dontcache(inode), and leave S_DAX as it is.

References
    fs/ext4/inode.c, ext4_change_inode_journal_flag() (v5.9, v6.12);
    Documentation/filesystems/dax.rst (v5.9); linux-ext4, September 2017, on the journalling mode
    and DAX.
"""

from __future__ import annotations

from collections.abc import Iterator

from patchbot_checks.context import Context
from patchbot_checks.report import Finding
from patchbot_checks.rules.journal_mode_flip_unsafe.judge import Fault, Judge
from patchbot_checks.rules.journal_mode_flip_unsafe.table import flags, words

WORDS: frozenset[str] | None = frozenset(flags())
_DIRECTIONS = {True: "set", False: "cleared", None: "changed"}


def check(context: Context) -> Iterator[Finding]:
    """Yield the changes that are not safe."""
    judge = Judge(context)
    for function in context.functions(judge.words()):
        for fault in judge.faults(function):
            yield _finding(context, fault)


def _finding(context: Context, fault: Fault) -> Finding:
    flip = fault.flip
    function = context.program.find_function(flip.function, flip.path)
    what = f"{flip.name} is {_DIRECTIONS[flip.on]} on a live inode"
    said = "; ".join(_words(each) for each in fault.missing)
    return context.finding(
        function, flip.line, f"{what}: {said}", steps=fault.steps,
        key=f"{flip.name} {_DIRECTIONS[flip.on]}: {', '.join(fault.missing)}",
    )  # fmt: skip


def _words(missing: str) -> str:
    kind, _, name = missing.rpartition(":")
    about = words()[name]
    return {"early": about.early, "failed": about.failed, "late": about.late}.get(
        kind, about.missing
    )
