"""The faults that are seeded, several spellings of each, by rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from patchbot_checks.csource.unit import Function, Unit
from patchbot_checks.tables import names

from tools.seeding.edits import (
    Place,
    Seed,
    arguments,
    calls,
    name_of,
    next_sibling,
    nodes,
    place,
    statement_of,
)

Seeder = Callable[[Unit], Iterator[Seed]]


def _in_functions(unit: Unit, words: frozenset[str]) -> Iterator[Function]:
    return (f for f in unit.functions if f.defined and f.mentions(words) and not f.body.has_error)


def range_start(unit: Unit) -> Iterator[Seed]:
    """Another start, or length, where a page's offset is passed."""
    rule = "range-start-not-page-offset"
    trackers = names("tracks-range")
    for function in _in_functions(unit, trackers):
        for call in calls(function, *trackers):
            args = arguments(call)
            start, length = args[2], args[3]
            if start.type != "call_expression" or name_of(function, start) not in names(
                "page-offset"
            ):
                continue
            page = function.reader.text(arguments(start)[0])
            for variant, text in (
                ("zero", "0"), ("index", f"{page}->index"), ("end of file", "i_size_read(inode)"),
                ("wrong unit", f"{function.reader.text(start)} >> PAGE_SHIFT"),
                ("a page on", "PAGE_SIZE"),
            ):  # fmt: skip
                yield place(function, start).replaced(rule, variant, text)
            for variant, text in (("one byte", "1"), ("a byte short", "len - 1")):
                yield place(function, length).replaced(rule, variant, text)


def stable_wait(unit: Unit) -> Iterator[Seed]:
    """A wait for writeback is taken out of a handler."""
    rule = "mkwrite-without-stable-wait"
    waits = ("folio_wait_stable", "wait_for_stable_page", "wait_on_page_writeback")
    for function in _in_functions(unit, frozenset({"VM_FAULT_LOCKED"})):
        for call in calls(function, *waits):
            statement = statement_of(call)
            if statement is not None:
                yield place(function, statement).replaced(rule, "no wait", ";")
                yield place(function, statement).replaced(
                    rule, "wait on one leg", f"if (len > 1)\n{function.reader.text(statement)}"
                )


def loses_dirty(unit: Unit) -> Iterator[Seed]:
    """A reason to redirty, or the redirtying, is taken out of the walk's callback."""
    rule = "writepage-callback-loses-dirty"
    for function in _in_functions(unit, frozenset({"AOP_WRITEPAGE_ACTIVATE"})):
        if not function.mentions(frozenset({"b_next_transaction"})):
            continue
        for call in calls(function, "buffer_dirty"):
            yield place(function, call).replaced(rule, "not for a dirty buffer", "0")
        for node in nodes(function, "field_expression"):
            if function.reader.text(node).endswith("->b_next_transaction"):
                yield place(function, node).replaced(rule, "not for the next one", "0")
        for node in nodes(function, "binary_expression"):
            text = function.reader.text(node)
            if "->b_transaction !=" in text and "||" not in text:
                yield place(function, node).replaced(rule, "not for another one", "0")
        for call in calls(function, *names("redirties")):
            statement = statement_of(call)
            if statement is not None:
                yield place(function, statement).replaced(rule, "never", ";")


def gated(unit: Unit) -> Iterator[Seed]:
    """The callbacks are installed by the mount's mode."""
    rule = "callback-gated-on-mount-mode"
    mode = "test_opt(sb, DATA_FLAGS)"
    journal = "EXT4_MOUNT_JOURNAL_DATA"
    for function in _in_functions(unit, names("journal-callback-field")):
        for node in nodes(function, "assignment_expression"):
            left = node.child_by_field_name("left")
            value = node.child_by_field_name("right")
            text = function.reader.text(left) if left is not None else ""
            if not text.endswith(tuple(f"->{f}" for f in names("journal-callback-field"))):
                continue
            whole = function.reader.text(node)
            at = place(function, node.parent or node)
            for variant, made in (
                ("if", f"if ({mode} == {journal}) {whole};"),
                ("unless", f"if ({mode} != {journal}) ; else {whole};"),
                ("test_opt", f"if (test_opt(sb, JOURNAL_DATA)) {{ {whole}; }}"),
                ("switch", f"switch ({mode}) {{ case {journal}: {whole}; }}"),
            ):
                yield at.replaced(rule, variant, made)
            if value is not None:
                choice = f"{mode} == {journal} ? {function.reader.text(value)} : NULL"
                yield place(function, value).replaced(rule, "choice", choice)


def overflow(unit: Unit) -> Iterator[Seed]:
    """A constant too large for a signed long, or for an int."""
    rule = "constant-overflows-field"
    for function in _in_functions(unit, frozenset({"nr_to_write", "err"})):
        for node in nodes(function, "initializer_pair"):
            if function.reader.text(node).startswith(".nr_to_write"):
                value = node.child_by_field_name("value")
                for text in ("~0ULL", "ULONG_MAX", "1ULL << 63", "~0UL"):
                    if value is not None:
                        yield place(function, value).replaced(rule, text, text)
    wanted = (f for f in unit.functions if f.defined and not f.body.has_error)
    for function in list(wanted)[::40]:
        for node in nodes(function, "init_declarator"):
            value = node.child_by_field_name("value")
            above = node.parent.child_by_field_name("type") if node.parent is not None else None
            plain = above is not None and function.reader.text(above) == "int"
            if value is not None and plain and function.reader.text(value) == "0":
                yield place(function, value).replaced(rule, "int", "0x100000000")


def missing(unit: Unit) -> Iterator[Seed]:
    """An include of a header that nobody has."""
    rule = "include-missing"
    for include in unit.includes[:1]:
        offset = sum(len(line) + 1 for line in unit.data.split(b"\n")[: include.line - 1])
        end = unit.data.index(b"\n", offset)
        at = Place(unit, None, offset, end)
        for variant, text in (
            ("beside", '#include "seeded_nowhere.h"'),
            ("linux", "#include <linux/seeded_nowhere.h>"),
            ("above", '# include "../seeded_nowhere.h"'),
        ):
            yield at.replaced(rule, variant, text)


def unset(unit: Unit) -> Iterator[Seed]:
    """What a variable was set to before a goto is taken away, where nothing set it before."""
    rule = "uninitialised-on-path"
    for function in _in_functions(unit, frozenset({"goto"})):
        seen: set[str] = set()
        bare = {
            function.reader.text(n.child_by_field_name("declarator") or n)
            for n in nodes(function, "declaration")
            if len(n.children_by_field_name("declarator")) == 1
        }
        for node in nodes(function, "assignment_expression"):
            left, above = node.child_by_field_name("left"), node.parent
            name = function.reader.text(left) if left is not None else ""
            first = name in bare and name not in seen
            seen.add(name)
            after = next_sibling(above) if above is not None else None
            if first and after is not None and after.type == "goto_statement" and above is not None:
                yield place(function, above).replaced(rule, "before a goto", ";")


def lock_order(unit: Unit) -> Iterator[Seed]:
    """A lock that ranks above is taken in a handle, or in a fault."""
    rule = "lock-order"
    for function in _in_functions(unit, frozenset({"sb_start_pagefault"})):
        for call in calls(function, "sb_start_pagefault"):
            statement = statement_of(call)
            if statement is not None:
                text = function.reader.text(statement)
                yield place(function, statement).replaced(
                    rule, "inode lock in a fault", f"{text} inode_lock(inode);"
                )
    taken = 0
    for function in _in_functions(unit, frozenset({"ext4_journal_start"})):
        for call in calls(function, "ext4_journal_stop"):
            statement = statement_of(call)
            has_inode = any(
                "struct inode *" in p.ctype and p.name == "inode" for p in function.parameters
            )
            if statement is None or not has_inode or taken >= 24:
                continue
            taken += 1
            text = function.reader.text(statement)
            for variant, made in (
                ("writeback in a handle", "filemap_write_and_wait(inode->i_mapping);"),
                ("faults locked out in a handle", "filemap_invalidate_lock(inode->i_mapping);"),
            ):
                yield place(function, statement).replaced(rule, variant, f"{made} {text}")


def retry(unit: Unit) -> Iterator[Seed]:
    """VM_FAULT_RETRY where nobody asked whether it may be."""
    rule = "fault-retry-unchecked"
    for function in _in_functions(unit, frozenset({"VM_FAULT_SIGBUS"})):
        for node in nodes(function, "return_statement", "assignment_expression"):
            text = function.reader.text(node)
            if "VM_FAULT_SIGBUS" in text:
                made = text.replace("VM_FAULT_SIGBUS", "VM_FAULT_RETRY")
                yield place(function, node).replaced(rule, node.type.split("_")[0], made)


SEEDERS: dict[str, Seeder] = {
    "range-start-not-page-offset": range_start,
    "mkwrite-without-stable-wait": stable_wait,
    "writepage-callback-loses-dirty": loses_dirty,
    "callback-gated-on-mount-mode": gated,
    "constant-overflows-field": overflow,
    "include-missing": missing,
    "uninitialised-on-path": unset,
    "lock-order": lock_order,
    "fault-retry-unchecked": retry,
}
