"""A page's range on a transaction's inode list does not start where the page does.

Looks at the calls that put an inode with a byte range on a transaction's list, also through
wrappers of the same folder, in functions that work on a page or folio. The start must be the
offset of that page in bytes: not a constant, the page's index, an offset within the page, the end
of the file, or the offset of another page. The length must cover the page's valid part: not a
small number, and not one byte short.

Why it is bad
    The commit works on exactly this range. With start 0 only the file's first page is
    write-protected (or written out); user space goes on to change all other pages between the
    checksum and the write, and recovery stops at an invalid checksum.

Example
    err = ext4_jbd2_inode_add_write(handle, inode, 0, len);

Use instead
    err = ext4_jbd2_inode_add_write(handle, inode, page_offset(page), len);
    or folio_pos(folio) for a folio.

References
    fs/jbd2/transaction.c, jbd2_journal_inode_ranged_write(); "ext4: Fix mmap write protection for
    data=journal mode", linux-ext4, October 2020.
"""

from __future__ import annotations

from collections.abc import Iterator

from patchbot_checks.context import Context
from patchbot_checks.csource.defs import Definitions, definitions_of
from patchbot_checks.csource.expr import Expr
from patchbot_checks.csource.graph import Node
from patchbot_checks.csource.unit import Function
from patchbot_checks.report import Finding
from patchbot_checks.rules.range_start_not_page_offset.ranges import (
    Pages,
    alternatives,
    judge_length,
    judge_start,
    whole_file,
)
from patchbot_checks.rules.range_start_not_page_offset.trackers import (
    Tracker,
    find_trackers,
)
from patchbot_checks.tables import names

WORDS = None


def check(context: Context) -> Iterator[Finding]:
    """Yield the ranges that are not those of the page that a function works on."""
    trackers = find_trackers(context)
    for function in context.functions(frozenset(trackers)):
        calls = [n for n in function.graph.nodes if n.kind == "call" and n.expr is not None]
        tracking = [(n, trackers[n.expr.op]) for n in calls if n.expr and n.expr.op in trackers]
        definitions = definitions_of(function)
        pages = _find_pages(function, definitions)
        if pages.has_any:
            for node, tracker in tracking:
                yield from _judge(context, function, definitions, pages, node, tracker)


def _judge(
    context: Context,
    function: Function,
    definitions: Definitions,
    pages: Pages,
    node: Node,
    tracker: Tracker,
) -> Iterator[Finding]:
    call = node.expr
    assert call is not None
    start, length = tracker.start_of(call), tracker.length_of(call)
    if start is None or length is None:
        return
    starts = [_constants(context, e) for e in _expand(definitions, start, node)]
    lengths = [_constants(context, e) for e in _expand(definitions, length, node)]
    if any(whole_file(each) for each in lengths):
        return
    faults = [fault for each in starts if (fault := judge_start(each, pages))]
    if faults:
        words = f"the range of {pages.name} starts at {_show(start)}, {faults[0]}"
        yield context.finding(
            function, start.line or node.line, words, key=f"start {call.op}",
            steps=[(node.line, f"{call.op}() gets the range")],
        )  # fmt: skip
        return
    short = [fault for each in lengths if (fault := judge_length(each, starts, pages))]
    if short:
        words = f"the range of {pages.name} is {_show(length)} bytes long, {short[0]}"
        yield context.finding(
            function, length.line or node.line, words, key=f"length {call.op}",
            steps=[(node.line, f"{call.op}() gets the range")],
        )  # fmt: skip


def _expand(definitions: Definitions, expr: Expr, node: Node) -> list[Expr]:
    return [each for way in definitions.expand(expr, node) for each in alternatives(way)]


def _constants(context: Context, expr: Expr) -> Expr:
    """Write out a macro of this file that is only a number."""
    macro = context.unit.macros.get(expr.bare.text) if expr.bare.kind == "name" else None
    if macro is None or macro.parameters is not None:
        return expr
    body = macro.body.strip().strip(b"()").decode("utf-8", "replace")
    if not body[:1].isdigit():
        return expr
    return Expr("number", body, line=expr.line, offset=expr.offset)


def _show(expr: Expr) -> str:
    return expr.text if len(expr.text) <= 60 else f"{expr.text[:57]}..."


def _find_pages(function: Function, definitions: Definitions) -> Pages:
    """Return the pages that a function has, and those that it works on."""
    held: set[str] = set()
    worked: set[str] = set()
    for name, ctype in function.locals.items():
        words = ctype.replace("*", " * ").split()
        if "*" in words and {"page", "folio"} & set(words) and "struct" in words:
            held.add(name)
    for node in function.graph.nodes:
        call = node.expr if node.kind == "call" else None
        if call is None or call.op not in names("handles-page"):
            continue
        for arg in call.args:
            for each in definitions.expand(arg, node):
                worked.add(Pages.normal(each).text)
            worked.add(Pages.normal(arg).text)
    parameters = {p.name for p in function.parameters} & held
    return Pages(frozenset(held), frozenset(worked), frozenset(parameters))
