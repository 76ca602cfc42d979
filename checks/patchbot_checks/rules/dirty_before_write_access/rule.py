"""A buffer or page of journalled data is made dirty before write access to it was got.

Follows the paths of functions that get write access to buffers, or ask whether an inode's data is
journalled, with the helpers of the same folder that they call. Where the data may be journalled,
these must not come before write access to the buffers of the page:

- block_page_mkwrite(), block_commit_write(), mark_buffer_dirty() and the like, which make buffers
  dirty for writeback; a buffer that is known to be new is let pass, as no transaction has it;
- set_page_dirty(), folio_mark_dirty(), ext4_handle_dirty_metadata(), jbd2_journal_dirty_metadata().

Where the path says that the data *is* journalled, the first must not come without it at all.

Why it is bad
    The buffer may belong to the committing transaction, and jbd2 alone decides when it is written.
    It complains ("JBD2: Spotted dirty metadata buffer"), or writeback writes the block before its
    transaction is in the journal.

Example
    err = block_page_mkwrite(vma, vmf, get_block);          /* makes the buffers dirty */
    if (!err && ext4_should_journal_data(inode))
        err = walk_buffers(handle, page, get_write_access);

Use instead
    __block_write_begin(), then write access to each buffer; then make each of them dirty in the
    transaction.

References
    fs/jbd2/transaction.c, warn_dirty_buffer(); "ext4: data=journal: fixes for ext4_page_mkwrite()",
    v5.10; linux-ext4, September 2020.
"""

from __future__ import annotations

from collections.abc import Iterator

from patchbot_checks.context import Context
from patchbot_checks.csource.unit import Function
from patchbot_checks.journal_data import ASKED, folder_has, reaches
from patchbot_checks.report import Finding
from patchbot_checks.rules.dirty_before_write_access.order import DIRTIES, Order
from patchbot_checks.tables import names

_ACCESS = names("gets-write-access")
_PAGES = names("finds-buffers", "walks-buffers") | {"b_this_page"}
WORDS = _ACCESS | ASKED


def check(context: Context) -> Iterator[Finding]:
    """Yield the calls that make journalled data dirty too early."""
    if not folder_has(context, _ACCESS) or not folder_has(context, ASKED):
        return
    for function in context.functions():
        if not _is_about_data(function) or not reaches(context, function, DIRTIES):
            continue
        order = Order(context)
        context.explore(order, function)
        seen: set[int] = set()
        for dirt, fault in sorted(order.faults.items(), key=lambda item: item[0].line):
            if dirt.line not in seen:
                seen.add(dirt.line)
                yield context.finding(
                    function, dirt.line, f"{dirt.name}() makes journalled data dirty {fault.words}",
                    key=dirt.name, steps=fault.steps,
                )  # fmt: skip


def _is_about_data(function: Function) -> bool:
    """Whether a function asks how data is journalled, or gets write access to a page's buffers."""
    return function.mentions(ASKED) or (function.mentions(_ACCESS) and function.mentions(_PAGES))
