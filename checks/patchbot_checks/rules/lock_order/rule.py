"""A lock is taken that must be taken before one that is held.

The order is in `facts/orders.toml`: the inode's lock under the mmap_lock of a fault; a handle
started with a page locked; writeback, the lock that keeps faults out (i_mmap_sem,
invalidate_lock), or s_writepages_rwsem (once s_journal_flag_rwsem) inside a handle. Calls are
followed in the file and its folder. What a callback's caller holds is known from the field it is
installed in (`.page_mkwrite`, `.fault`, `.writepage`, ...); who gets a `handle_t *` runs inside a
handle. Trylocks are no inversion, nor is a handle nested in a handle of the same task. The finding
is at the acquisition, or at the call that leads to it, with the chain of calls in its steps.

Why it is bad

Two tasks that take two locks in different orders can wait for each other for ever. Lockdep shows
it only on a path that runs.

Example

    static vm_fault_t demo_page_mkwrite(struct vm_fault *vmf)
    {
            ...
            inode_lock(inode);      /* write(2) holds it, and faults */

Use instead

Take the lock before, or do the work where it may be taken; or drop the inner lock first and look
again afterwards:

    unlock_page(page);
    handle = ext4_journal_start(inode, EXT4_HT_WRITE_PAGE, credits);
    lock_page(page);
    if (page->mapping != mapping)

References

- mm/filemap.c, the lock order at the top; Documentation/filesystems/locking.rst (v5.9, v6.12).
- linux-ext4, September 2017: changing the journalling flag inside a handle.
- linux-ext4, June 2023 and April 2024: converting inline data in ext4_page_mkwrite().
"""

from __future__ import annotations

from collections.abc import Iterator

from patchbot_checks.context import Context, Env
from patchbot_checks.csource.graph import Node
from patchbot_checks.csource.paths import MAX_DEPTH, Explorer
from patchbot_checks.csource.unit import Function
from patchbot_checks.report import Finding
from patchbot_checks.rules.lock_order.machine import Chain, Held, LockMachine
from patchbot_checks.rules.lock_order.ranks import Order, locks, orders
from patchbot_checks.rules.lock_order.reach import Reach, direct

WORDS: frozenset[str] | None = None


class _Found:
    def __init__(self, context: Context, reach: Reach) -> None:
        self.context = context
        self._reach = reach
        self.findings: dict[tuple[str, str, int], Finding] = {}

    def report(self, order: Order, node: Node, env: Env[Held], chain: Chain) -> None:
        """Keep a finding, unless a helper on the way is one by itself."""
        for _, name, _, _ in chain[1:]:
            helper = self.context.program.find_function(name, env.function.path)
            if helper is not None and order.held in self._reach.entry(helper):
                return
        held, taken = (locks()[name].resource.words for name in (order.held, order.taken))
        call = chain[0][3]
        through = f" through {call}()" if len(chain) > 1 else ""
        message = f"{taken} under {held}{through}: {order.why}"
        more = [(line, f"{path}: {name}() calls {what}()") for path, name, line, what in chain[1:]]
        self.findings.setdefault(
            (order.held, order.taken, node.line),
            self.context.finding(
                env.function, node.line, message, steps=(*env.steps(), *more),
                key=f"{order.taken} under {order.held} by {call}",
            ),
        )  # fmt: skip


def check(context: Context) -> Iterator[Finding]:
    """Yield the acquisitions against the order."""
    reach = Reach(context)
    found = _Found(context, reach)
    machine = LockMachine(context, reach, found.report)
    explorer = Explorer(machine, max_kept=4, tick=context.tick)
    for function in context.functions():
        if _is_worth_it(function, reach):
            context.explore(machine, function, explorer=explorer)
    yield from found.findings.values()


def _is_worth_it(function: Function, reach: Reach) -> bool:
    """Whether a function may hold the first and take the second lock of some order."""
    held = {name for kind, name in direct(function) if kind != "drop"} | reach.entry(function)
    wanted = {order.taken for order in orders() if order.held in held}
    if not wanted:
        return False
    return any(
        name in wanted and kind == "take" and depth < MAX_DEPTH
        for (kind, name), depth in reach.touched(function).items()
    )
