"""Faults of locking seeded into a real kernel, by what its functions call."""

from __future__ import annotations

from collections.abc import Mapping

from patchbot.lab.edits import apply, delete, insert
from patchbot.lab.syntax import Code, flat, statement_of

_UNLOCK = {"unlock_page", "folio_unlock"}


def keep_page_lock(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """A fault that has dirtied a page keeps it locked."""
    code = Code("mm/memory.c", files["mm/memory.c"])
    (func,) = [each for each in code.functions if each.name == "fault_dirty_shared_page"]
    calls = func.named(_UNLOCK)
    assert calls
    edits = [delete(code, statement_of(call.node)) for call in calls]
    return {code.path: apply(code.data, edits)}


def take_list_lock_first(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Where metadata is dirtied j_list_lock is taken around the buffer's lock, for a moment."""
    code = Code("fs/jbd2/transaction.c", files["fs/jbd2/transaction.c"])
    (func,) = [each for each in code.functions if each.name == "jbd2_journal_dirty_metadata"]
    takes = [c for c in func.named({"spin_lock"}) if "b_state_lock" in flat(c.node)]
    place = statement_of(takes[-1].node)
    lock = "(&transaction->t_journal->j_list_lock);"
    after = statement_of(takes[-1].node).next_sibling
    assert after is not None
    edits = [insert(place, f"spin_lock{lock}\n\t"), insert(after, f"spin_unlock{lock}\n\t")]
    return {code.path: apply(code.data, edits)}
