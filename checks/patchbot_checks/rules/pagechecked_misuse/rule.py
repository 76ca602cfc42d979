"""PG_checked is cleared, kept, set or asked for in a way that loses a page's pending journalling.

Looks at file systems on jbd2 whose `.dirty_folio` (`.set_page_dirty`) marks a page with PG_checked:
it was dirtied through a mapping or a pin, and its buffers must still be journalled. It finds, for
pages and folios and through helpers of the same folder:

- cleared before the buffers are journalled: the page is unlocked, or let go, in between. A warning
  where the same function journals them later; invalidation, which has nothing to journal, is right;
- never cleared: the buffers of a page that was found checked are journalled, and it stays checked;
  or nothing but invalidation clears it at all;
- set on a path that knows that the page has no buffers;
- asked for on one leg only: another path of the same function writes the page out, or frees its
  buffers, without asking, and the data may be journalled there.

Why it is bad
    PG_checked decides which way writeback goes. Cleared too early, whoever finds the page now
    writes its blocks in place, though no transaction has them, or a failure leaves it neither
    checked nor journalled: the store is lost. Never cleared, it is journalled again and again, and
    its buffers can't be freed.

Example
    ClearPageChecked(page);
    unlock_page(page);                          /* neither checked nor in a transaction */
    handle = ext4_journal_start(inode, EXT4_HT_WRITE_PAGE, credits);

Use instead
    Start the handle, lock the page, look whether it is still checked, clear it, and journal the
    buffers before the page is unlocked.

References
    "ext4: Drop special handling of journalled data from ext4_writepages() ..." and what it belongs
    to, v6.4 (January to March 2023), which journals under the page lock; linux-ext4, November 2020,
    where clearing it early was suspected, and then doubted, as the cause of changed checksums.
"""

from __future__ import annotations

from collections.abc import Iterator

from patchbot_checks.context import Context
from patchbot_checks.csource.unit import Function
from patchbot_checks.journal_data import called, folder_has, reaches
from patchbot_checks.report import Finding, Severity
from patchbot_checks.rules.pagechecked_misuse.paths import ASKS, CLEARS, SETS, Checked
from patchbot_checks.tables import names

WORDS = ASKS | CLEARS | SETS
_DIRTY = frozenset(("set_page_dirty", "dirty_folio"))
_FORGET = frozenset(("invalidatepage", "invalidate_folio", "launder_page", "launder_folio"))


def check(context: Context) -> Iterator[Finding]:
    """Yield what a file does wrong with the PG_checked of pages that are to be journalled."""
    if not folder_has(context, names("gets-write-access")) or not _is_pending(context):
        return
    forgetting = _installed(context, _FORGET)
    for function in context.functions(None):
        if function.name in forgetting or not _is_meant(context, function):
            continue
        machine = Checked(context, helper=_is_helper(context, function), legs=_asks(function))
        context.explore(machine, function)
        yield from _report(context, function, machine)
    yield from _never_cleared(context, forgetting)


def _installed(context: Context, fields: frozenset[str]) -> set[str]:
    return set().union(*context.program.installed(context.unit.path, fields).values())


def _is_pending(context: Context) -> bool:
    """Whether PG_checked means here that a page is still to be journalled."""
    return any(_sets(context, name) for name in sorted(_installed(context, _DIRTY)))


def _sets(context: Context, name: str) -> bool:
    function = context.program.find_function(name, context.unit.path)
    return function is not None and reaches(context, function, SETS, 1)


def _is_meant(context: Context, function: Function) -> bool:
    return function.mentions(WORDS) or any(
        callee is not None and callee.mentions(CLEARS)
        for callee in (
            context.program.find_function(name, context.unit.path)
            for name in sorted(called(function))
        )
    )


def _is_helper(context: Context, function: Function) -> bool:
    if not function.static:
        return False
    return any(function.name in called(other) for other in context.unit.functions
               if other is not function)  # fmt: skip


def _asks(function: Function) -> bool:
    return function.mentions(ASKS)


def _report(context: Context, function: Function, machine: Checked) -> Iterator[Finding]:
    faults = machine.faults
    for line, steps in faults.lost.items():
        later = line in faults.later
        yield context.finding(
            function, line, "PageChecked is cleared, and the page let go before its buffers are"
            " journalled" if later else
            "PageChecked is cleared, and the page's buffers are not journalled",
            key="cleared", steps=steps, severity=Severity.WARNING if later else Severity.ERROR,
        )  # fmt: skip
    for line, steps in faults.kept.items():
        words = "the buffers of a checked page are journalled, and PageChecked stays set"
        yield context.finding(function, line, words, key="kept", steps=steps)
    for line, steps in faults.bare.items():
        words = "PageChecked is set on a page without buffers: there is nothing to journal"
        yield context.finding(function, line, words, key="bare", steps=steps)
    for line, steps in faults.legs.items():
        words = "PageChecked is not asked for on this leg, and the page's data may be journalled"
        yield context.finding(function, line, words, key="leg", steps=steps)


def _never_cleared(context: Context, forgetting: set[str]) -> Iterator[Finding]:
    """Yield where a page is marked in a folder in which only invalidation unmarks one."""
    marking = _installed(context, _DIRTY)
    found = [f for f in context.functions(SETS) if f.name in marking]
    if not found or any(_clears(context, path, forgetting) for path in _siblings(context)):
        return
    for function in found:
        for node in function.graph.nodes:
            if node.kind == "call" and node.expr is not None and node.expr.op in SETS:
                words = "PageChecked is set, but nothing that journals the page clears it"
                yield context.finding(function, node.line, words, key="never cleared")


def _siblings(context: Context) -> tuple[str, ...]:
    return context.program.siblings(context.unit.path)


def _clears(context: Context, path: str, forgetting: set[str]) -> bool:
    """Whether a function of a file clears it, or asks for it and journals, but does not forget."""
    data = context.program.read(path)
    if data is None or not any(word.encode() in data for word in CLEARS | ASKS):
        return False
    unit = context.program.unit(path)
    journals = names("gets-write-access", "dirties-in-transaction")
    for function in unit.functions if unit is not None else ():
        if function.name in forgetting or function.mentions(names("forgets-page")):
            continue
        if function.mentions(CLEARS) or (
            function.mentions(ASKS) and reaches(context, function, journals)
        ):
            return True
    return False
