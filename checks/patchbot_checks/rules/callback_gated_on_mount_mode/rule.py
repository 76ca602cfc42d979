"""A journal's callbacks are installed, or decide, by the data mode of the whole mount.

Looks at the functions that a file system puts into the callback fields of a journal. Whether they
are put there must not hang on a mount-wide data mode, on any path: through an `if`, a `switch`, an
early return, a choice, or a helper. And a callback must not ask for the mount's mode where it works
on one inode.

Why it is bad
    Journalled data is a property of the inode. On a data=ordered mount, an inode with its own
    journal-data flag is journalled as well: its pages are never write-protected, and its checksums
    can fail after a crash.

Example
    if (test_opt(sb, DATA_FLAGS) == EXT4_MOUNT_JOURNAL_DATA)
        journal->j_submit_inode_data_buffers = demo_submit;

Use instead
    Install the callbacks always, and ask ext4_should_journal_data(inode) in them.

References
    include/linux/jbd2.h (v5.10); fs/ext4/ext4_jbd2.h, ext4_inode_journal_mode(); review on
    linux-ext4, August 2020.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from patchbot_checks.context import Context
from patchbot_checks.csource.defs import definitions_of
from patchbot_checks.csource.expr import Expr
from patchbot_checks.csource.graph import Node
from patchbot_checks.csource.unit import Function
from patchbot_checks.report import Finding
from patchbot_checks.tables import names

WORDS = names("mount-data-mode")
_FIELDS = names("journal-callback-field")
_MODES = names("mount-data-mode")
_MAX_HELPER_BYTES = 1500


def asks_mount_mode(context: Context, function: Function, node: Node, expr: Expr) -> bool:
    """Whether a condition is about the mount's data mode: itself, or through a small helper."""
    known = definitions_of(function)
    for each in (*known.expand(expr, node), *_decided_by(function, node, expr)):
        if each.names & _MODES:
            return True
        for call in each.calls():
            callee = context.program.find_function(call.op, function.path)
            if callee is None or callee.returns != "bool":
                continue
            small = callee.end - callee.start < _MAX_HELPER_BYTES
            if small and callee.mentions(_MODES) and not _asks_inode(callee):
                return True
    return False


def _decided_by(function: Function, node: Node, expr: Expr) -> Iterator[Expr]:
    """Yield the conditions by whose legs the local that is asked for is set to constants."""
    sets = definitions_of(function).reaching(expr.bare.text, node)
    legs = {each.index for each in sets if each.kind == "assign" and each.expr is not None}
    for branch in function.graph.nodes:
        ways = [way.succ[0] for way in branch.succ if branch.kind == "branch" and way.succ]
        if branch.expr is not None and len(ways) == 2 and all(w.index in legs for w in ways):
            yield branch.expr


def _asks_inode(function: Function) -> bool:
    return any("struct inode" in p.ctype for p in function.parameters) or function.mentions(
        names("data-journal-question")
    )


def check(context: Context) -> Iterator[Finding]:
    """Yield the installations and the callbacks that go by the mount's mode."""
    installed: set[str] = set()
    for names_of_field in context.program.installed(context.unit.path, _FIELDS).values():
        installed |= names_of_field
    if not installed:
        return
    for function in context.functions():
        places = list(_places(context, function))
        if places:
            yield from _gated(context, function, places)
        if function.name in installed:
            yield from _deciding(context, function)


def _places(context: Context, function: Function) -> Iterator[tuple[Node, str]]:
    """Yield the steps that set a callback field, themselves or in a helper that they call."""
    for node in function.graph.nodes:
        if node.kind == "assign" and node.target is not None and node.target.op in _FIELDS:
            yield node, node.target.op
        elif node.kind == "call" and node.expr is not None and node.expr.op:
            if not _may_install(context, node.expr.op):
                continue
            callee = context.callee(node, function)
            inner = context.graph(callee) if callee is not None else None
            for each in inner.nodes if inner is not None else ():
                if each.kind == "assign" and each.target and each.target.op in _FIELDS:
                    yield node, each.target.op


def _may_install(context: Context, name: str) -> bool:
    """Whether a function of the folder that sets a callback field has this name."""
    known: dict[str, frozenset[str]] = context.program.__dict__.setdefault("_installers", {})
    folder = posixpath.dirname(context.unit.path)
    if folder not in known:
        found: set[str] = set()
        for path in context.program.siblings(context.unit.path):
            data = context.program.read(path)
            unit = context.program.unit(path) if data and _has_field(data) else None
            found |= {f.name for f in (unit.functions if unit else ()) if f.mentions(_FIELDS)}
        known[folder] = frozenset(found)
    return name in known[folder]


def _has_field(data: bytes) -> bool:
    return any(field.encode() in data for field in _FIELDS)


def _gated(
    context: Context, function: Function, places: list[tuple[Node, str]]
) -> Iterator[Finding]:
    for question in function.graph.nodes:
        if question.kind not in ("branch", "switch") or question.expr is None:
            continue
        if not asks_mount_mode(context, function, question, question.expr):
            continue
        for node, field in places:
            ways = [w for w in question.succ if node.index in _reach(w, question)]
            others = [w for w in question.succ if w not in ways]
            free = node.index in _reach(function.graph.entry, question)
            if ways and others and not free and any(map(_goes_on, others)):
                yield context.finding(
                    function, node.line,
                    f"{field} is set only where {question.expr.text} says so: inodes have modes of"
                    " their own",
                    key=f"{field} gated",
                    steps=[(question.line, question.expr.text), (node.line, f"sets {field}")],
                )  # fmt: skip


def _reach(start: Node, without: Node) -> set[int]:
    """Return the steps that can follow a step, without going through another one."""
    seen: set[int] = set()
    todo = [start]
    while todo:
        node = todo.pop()
        if node.index not in seen and node is not without:
            seen.add(node.index)
            todo += node.succ
    return seen


def _goes_on(start: Node) -> bool:
    """Whether a way gets to the end without an error on it."""
    seen: set[int] = set()
    todo = [start]
    while todo:
        node = todo.pop()
        if node.kind == "exit":
            return True
        failed = node.kind in ("assign", "return") and _is_error(node.expr)
        if node.index not in seen and not failed:
            seen.add(node.index)
            todo += node.succ
    return False


def _is_error(expr: Expr | None) -> bool:
    if expr is None:
        return False
    inner = expr.bare
    return (inner.kind in ("unary", "number") and inner.text.startswith("-")) or (
        inner.kind == "call" and inner.op == "ERR_PTR"
    )


def _deciding(context: Context, function: Function) -> Iterator[Finding]:
    """Yield where a callback asks for the mount's mode."""
    for node in function.graph.nodes:
        if node.kind not in ("branch", "switch") or node.expr is None:
            continue
        if asks_mount_mode(context, function, node, node.expr):
            yield context.finding(
                function, node.line,
                f"a callback for one inode goes by the mount's mode: {node.expr.text}",
                key="callback asks the mount", steps=[(node.line, node.expr.text)],
            )  # fmt: skip
