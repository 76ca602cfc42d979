"""An exit keeps what the function took, or gives back what it does not hold.

Found are paths on which a lock (page, buffer, inode, semaphore, mutex, spinlock, RCU, freeze
protection), a journal handle, or a reference (buffer head, page, inode, memory of the function's
own) is still held at a return, or where its only variable is set to NULL or to an error; or is
given back twice, or on a path that never took it. An `if` around a release counts as an answer to
whether it is held only where it can be one: not where the thing is held on all ways to it.
Helpers of the same file and folder that take or give back for their caller are followed; what
takes and what gives back otherwise is in `facts/resources.toml`. A reference is no longer asked for
once somebody else may have it. A function that is meant to return with a lock held does so in all
cases of one return value: a lock is missed where the caller could not tell the difference.
The finding is where the path turned away from the release: the `return`, or the jump.

Why it is bad

The next task that wants the lock waits for ever, a handle that is never stopped keeps the
transaction from committing, and a reference that is never dropped keeps a buffer or an inode from
being freed. What is given back once too often breaks the next holder.

Example

    down_write(&EXT4_I(inode)->i_data_sem);
    err = demo_load(inode);
    if (err)
            return err;                     /* i_data_sem is held for ever */
    ...
    up_write(&EXT4_I(inode)->i_data_sem);

Use instead

    if (err)
            goto out_sem;
    ...
    out_sem:
            up_write(&EXT4_I(inode)->i_data_sem);
            return err;

References

- Documentation/process/coding-style.rst, "Centralized exiting of functions" (v5.9, v6.12).
- fs/ext4/inode.c, ext4_page_mkwrite(): VM_FAULT_LOCKED is returned with the page locked, anything
  else with it unlocked; Documentation/filesystems/locking.rst, page_mkwrite (v5.9, v6.12).
- include/linux/fs.h: sb_start_pagefault() and sb_end_pagefault() come in pairs (v5.9, v6.12).
"""

from __future__ import annotations

from collections.abc import Iterator

from patchbot_checks.context import Context
from patchbot_checks.csource.graph import NotUnderstoodError
from patchbot_checks.csource.unit import Function
from patchbot_checks.report import Finding
from patchbot_checks.rules.exit_without_release.callers import Callers
from patchbot_checks.rules.exit_without_release.flow import BACK, HELD, NONE, May
from patchbot_checks.rules.exit_without_release.follow import Follow, Helped
from patchbot_checks.rules.exit_without_release.helpers import Helpers
from patchbot_checks.rules.exit_without_release.judge import Case
from patchbot_checks.rules.exit_without_release.things import Thing

WORDS: frozenset[str] | None = None
_KEPT = "_release_helpers"


def check(context: Context) -> Iterator[Finding]:
    """Yield the exits that keep something, and the releases of what is not held."""
    known = context.program.__dict__.get(_KEPT)
    if known is None:
        helpers = Helpers(context.program, Helped(context.tick))
        known = helpers, Callers(context.program, helpers)
        context.program.__dict__[_KEPT] = known
    for function in context.functions():
        yield from _function(context, function, *known)


def _function(
    context: Context, function: Function, helpers: Helpers, callers: Callers
) -> Iterator[Finding]:
    try:
        may = helpers.may(function)
    except NotUnderstoodError as error:
        context.lose(function, str(error), error.line)
        return
    for number, thing in enumerate(may.things):
        if _is_suspicious(function, may, number, thing):
            machine, exits = helpers.helped.follow(context, thing, function)
            yield from Case(context, function, thing, may.things, callers, machine, exits).given()
            if _stays_behind(function, thing, machine):
                machine, exits = helpers.helped.follow(context, thing, function)
            yield from Case(context, function, thing, may.things, callers, machine, exits).kept()


def _stays_behind(function: Function, thing: Thing, machine: Follow) -> bool:
    """Take out where a lock goes away with its object, if on other ways it was given back there.

    Who gets the object could not tell whether it is locked. Returns whether there was any.
    """
    gone = [
        node.index
        for node in function.graph.nodes
        if not thing.kind.reference and node.kind == "assign"
        and (event := thing.events.get(node.index)) is not None and event.op == "escape"
        and machine.seen.get(node.index, set()) >= {HELD, BACK}
    ]  # fmt: skip
    for index in gone:
        del thing.events[index]
    return bool(gone)


def _is_suspicious(function: Function, may: May, number: int, thing: Thing) -> bool:
    """Whether some way, if it is possible, keeps a thing or gives it back in vain."""
    lock = not thing.kind.reference
    for node in function.graph.nodes:
        event, bits = thing.events.get(node.index), may.at(node, number)
        op = event.op if event is not None else ""
        mixed = bits & HELD and bits & (BACK if op == "escape" else NONE) and lock
        if bits & HELD and (node.kind == "return" or op == "take"):
            return True
        if mixed and (op in ("drop", "call") or (op == "escape" and node.kind == "assign")):
            return True
        if bits & BACK and op in ("drop", "call"):
            return True
    return False
