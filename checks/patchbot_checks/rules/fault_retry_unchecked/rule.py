"""VM_FAULT_RETRY is returned where the fault's caller can't take it, or with the wrong lock state.

Looked at are functions installed as `.fault`, `.huge_fault`, `.page_mkwrite` or `.pfn_mkwrite`, and
what they call in the same file. VM_FAULT_RETRY says: I dropped the lock of the fault (mmap_lock, or
the area's own), start over. Found are:

- a return of it on a path that has not seen FAULT_FLAG_ALLOW_RETRY set (by a test of the flags, by
  `fault_flag_allow_retry_first()`, or by a helper that tests them);
- a return of it from `.page_mkwrite` or `.pfn_mkwrite`, whose callers never allow it;
- a return of it with the fault's lock still held, though FAULT_FLAG_RETRY_NOWAIT is not set;
- a return of it with no bound: neither FAULT_FLAG_TRIED nor the first try is looked at (warning);
- another return after the lock was dropped; or after it was taken again, with the area not looked
  up again;
- the file, inode or area used after the lock was dropped, without a reference to keep the file;
- VM_FAULT_SIGBUS for no other reason than that no retry is allowed (warning).

Why it is bad

Callers that don't set the flag, such as some users of get_user_pages(), go on with a lock that
is no longer held, or take it twice. `do_page_mkwrite()` clears the flag, and takes every
return that is neither an error nor VM_FAULT_NOPAGE for success: the page becomes writable although
the handler did not do its work.

Example

    static vm_fault_t demo_page_mkwrite(struct vm_fault *vmf)
    {
            struct inode *inode = file_inode(vmf->vma->vm_file);

            if (!inode_trylock(inode))
                    return VM_FAULT_RETRY;

Use instead

In `.page_mkwrite`: VM_FAULT_NOPAGE, with which the access is simply tried again. In `.fault`:

    fpin = maybe_unlock_mmap_for_io(vmf, NULL);
    ...
    if (fpin) {
            fput(fpin);
            return VM_FAULT_RETRY;
    }

and a way that needs no retry for callers that can't.

References

- include/linux/mm_types.h, enum fault_flag; mm/filemap.c, __folio_lock_or_retry() (v6.12).
- mm/memory.c, do_page_mkwrite() and wp_pfn_shared() (v5.9, v6.1, v6.12).
- linux-ext4, April 2024: converting inline data in ext4_page_mkwrite() with mmap_lock dropped; not
  all callers set FAULT_FLAG_ALLOW_RETRY.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from patchbot_checks.context import Context, Env
from patchbot_checks.csource.expr import words_of
from patchbot_checks.csource.graph import Node
from patchbot_checks.csource.unit import Function
from patchbot_checks.handlers import find_handlers
from patchbot_checks.report import Finding, Severity
from patchbot_checks.resources import lock
from patchbot_checks.rules.fault_retry_unchecked.faults import (
    ALLOW,
    RETRY,
    drops_by_name,
    handler_fields,
    refuses,
    role,
)
from patchbot_checks.rules.fault_retry_unchecked.machine import FaultMachine, Retry
from patchbot_checks.tables import names, only

WORDS: frozenset[str] | None = names("fault-argument")
_WORDS = frozenset({RETRY, ALLOW})
_SOME = lock("mmap-lock").words | {RETRY}
_MESSAGES = {
    "never": "VM_FAULT_RETRY from .{field}: {caller} does not allow it and takes it for success",
    "unchecked": "VM_FAULT_RETRY, but FAULT_FLAG_ALLOW_RETRY is not known to be set here",
    "held": "VM_FAULT_RETRY with the fault's lock still held",
    "unbounded": "VM_FAULT_RETRY on every try: neither FAULT_FLAG_TRIED nor the first try is asked",
    "not-told": "the fault's lock was dropped, but this return does not say VM_FAULT_RETRY",
    "stale": "the lock was dropped and taken again, but the area is not looked up again",
    "used": "{name}() uses what the fault's area leads to after its lock was dropped, with no "
    "reference to the file",
    "refused": "VM_FAULT_SIGBUS only because no retry is allowed: some callers never allow it",
}


@dataclass(slots=True)
class _Found:
    context: Context
    callback: str
    findings: dict[tuple[str, str, int], Finding] = field(default_factory=dict)

    def report(self, kind: str, function: Function, line: int, env: Env[Retry], name: str) -> None:
        """Keep a finding, once for each kind and line."""
        known = (kind, function.name, line)
        if known in self.findings or (kind == "used" and self._has_used(function)):
            return
        message = _MESSAGES[kind].format(
            field=self.callback, caller=refuses(self.callback), name=name
        )
        severity = Severity.WARNING if kind in ("unbounded", "refused") else Severity.ERROR
        self.findings[known] = self.context.finding(
            function, line, message, key=kind, severity=severity, steps=env.steps()
        )

    def _has_used(self, function: Function) -> bool:
        return any(k == "used" and name == function.name for k, name, _ in self.findings)


def check(context: Context) -> Iterator[Finding]:
    """Yield what fault handlers do wrong about VM_FAULT_RETRY."""
    if not _may_matter(context):
        return
    for function, callback in find_handlers(context, *handler_fields()):
        found = _Found(context, callback)
        machine = FaultMachine(
            found.report, lambda n, f: _helper(context, n, f), retries=not refuses(callback)
        )
        if _matters(function) or any(map(_matters, context.unit.functions)):
            context.explore(machine, function)
            yield from found.findings.values()


def _may_matter(context: Context) -> bool:
    return any(word.encode() in context.unit.data for word in _SOME)


def _matters(function: Function) -> bool:
    return function.mentions(_WORDS) or any(
        drops_by_name(word) or role(word) in ("returns-pin", "locks-or-drops")
        for word in function.words
    )


def _helper(context: Context, node: Node, caller: Function) -> Function | None:
    """Return a function of the same file that is worth following."""
    callee = context.callee(node, caller)
    if callee is None or callee.path != caller.path or not _matters(callee):
        return None
    takes = any(words_of(each.ctype) & names("fault-argument") for each in callee.parameters)
    return callee if takes or callee.returns == only("fault-result") else None
