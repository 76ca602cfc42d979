"""exit-without-release: releases that are deleted, jumped over, made on one path only, or twice."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from tree_sitter import Node

from tools.seeding.code import (
    Call,
    Code,
    Func,
    flat,
    is_exit,
    is_plain_call,
    labels,
    last_return,
    next_statement,
    stands_alone,
    statement_of,
    text,
    walk,
)
from tools.seeding.edits import MARK, delete, insert_after, insert_before, replace, wrap
from tools.seeding.kernel import Tree
from tools.seeding.model import JOURNAL, Draft, Maker, variant

RULE = "exit-without-release"


@dataclass(frozen=True)
class Kind:
    """One kind of thing held: what takes it and what gives it back, by call name.

    A `lock` is held or not; of a reference it also matters that its name holds one.
    """

    name: str
    takes: frozenset[str]
    gives: frozenset[str]
    lock: bool = True


_ALWAYS_SHARED = frozenset({"page", "inode"})


def _kind(name: str, takes: str, gives: str, lock: bool = True) -> Kind:
    return Kind(name, frozenset(takes.split()), frozenset(gives.split()), lock)


KINDS = (
    _kind("page-lock", "lock_page folio_lock __filemap_get_folio grab_cache_page_write_begin "
          "find_or_create_page find_lock_page", "unlock_page folio_unlock"),
    _kind("buffer-lock", "lock_buffer", "unlock_buffer"),
    _kind("semaphore", "down_read down_write percpu_down_read percpu_down_write",
          "up_read up_write percpu_up_read percpu_up_write"),
    _kind("inode-lock", "inode_lock inode_lock_shared", "inode_unlock inode_unlock_shared"),
    _kind("mutex", "mutex_lock mutex_lock_io", "mutex_unlock"),
    _kind("spinlock", "spin_lock read_lock write_lock ext4_lock_group jbd_lock_bh_journal_head",
          "spin_unlock read_unlock write_unlock ext4_unlock_group jbd_unlock_bh_journal_head"),
    _kind("invalidate-lock", "filemap_invalidate_lock filemap_invalidate_lock_shared",
          "filemap_invalidate_unlock filemap_invalidate_unlock_shared"),
    _kind("freeze", "sb_start_pagefault sb_start_write sb_start_intwrite mnt_want_write_file",
          "sb_end_pagefault sb_end_write sb_end_intwrite mnt_drop_write_file"),
    _kind("handle", "ext4_journal_start ext4_journal_start_sb ext4_journal_start_with_reserve "
          "jbd2_journal_start", "ext4_journal_stop jbd2_journal_stop"),
    _kind("buffer", "sb_getblk sb_bread ext4_bread ext4_getblk ext4_sb_bread "
          "ext4_read_block_bitmap ext4_read_inode_bitmap ext4_append ext4_find_entry "
          "ext4_read_dirblock __getblk", "brelse", lock=False),
    _kind("page", "find_get_page __filemap_get_folio grab_cache_page_write_begin "
          "find_or_create_page find_lock_page get_page folio_get filemap_get_folio",
          "put_page folio_put", lock=False),
    _kind("inode", "ext4_iget igrab ext4_orphan_get new_inode ihold", "iput", lock=False),
    _kind("memory", "kmalloc kzalloc kcalloc kstrdup kmalloc_array kmemdup kvmalloc kvzalloc "
          "kvcalloc", "kfree kvfree", lock=False),
)  # fmt: skip


def _simple(argument: Node | None) -> bool:
    """Whether an argument is a plain name, or a path of fields from one."""
    return (
        argument is not None
        and re.fullmatch(r"&?\w+(?:(?:->|\.)\w+|\(\w+\))*", flat(argument)) is not None
    )


def _taken_before(func: Func, kind: Kind, release: Call) -> bool:
    """Whether the very thing that is given back was taken earlier in this function.

    For a reference it is a local variable, given its value once and by what takes it.
    """
    held = flat(release.args[0]) if release.args else ""
    earlier = [c for c in func.named(kind.takes) if c.node.start_byte < release.node.start_byte]
    if kind.lock and kind.name != "handle":
        return any(c.args and flat(c.args[0]) == held for c in earlier)
    return any(_assigned_to(c) == held for c in earlier) and held not in func.parameters


def _assigned_to(call: Call) -> str:
    parent = call.node.parent
    if parent is None:
        return ""
    side = {"assignment_expression": "left", "init_declarator": "declarator"}.get(parent.type)
    return flat(parent.child_by_field_name(side)).lstrip("* ") if side else ""


def _releases(func: Func, kind: Kind) -> Iterator[tuple[Call, Node]]:
    """Yield the releases that are statements, of what this function itself took."""
    for call in func.named(kind.gives):
        known = call.args and _simple(call.args[0]) and is_plain_call(call)
        if known and _taken_before(func, kind, call) and not _conditional(func, call, kind.lock):
            yield call, statement_of(call.node)


def _conditional(func: Func, call: Call, lock: bool) -> bool:
    """Whether a release depends on a test of the thing, or of whether it was taken."""
    held = re.escape(flat(call.args[0]))
    pattern = rf"^\(!?{held}\)$|lock|need|has_" if lock else rf"(?<!\w){held}\b|need|has_"
    each: Node | None = call.node
    while each is not None and each != func.body:
        asked = each.child_by_field_name("condition") if each.type == "if_statement" else None
        if re.search(pattern, flat(asked)):
            return True
        each = each.parent
    return False


def _way_out(statement: Node) -> list[Node]:
    """Return the statements behind a release up to the return or jump, [] where there is none.

    None of them may give back anything of its own accord: only releases and assignments.
    """
    found: list[Node] = []
    each = next_statement(statement)
    while each is not None:
        found.append(each)
        if is_exit(each):
            return found
        if each.type != "expression_statement":
            return []
        each = next_statement(each)
    return []


def _leaves(func: Func, kind: Kind, release: Call, exits: list[Node]) -> bool:
    """Whether the way out gives back the same thing again: then a deletion is no fault."""
    end = exits[-1]
    if end.type == "goto_statement":
        target = labels(func).get(text(end.child_by_field_name("label")))
        if target is None:
            return True
        rest = func.body.text or b""
        behind = rest[target.start_byte - func.body.start_byte :].decode("utf-8", "replace")
        behind = re.split(r"\breturn\b", behind)[0]
        again = any(f"{name}(" in behind for name in kind.gives)
        return again or target.start_byte < release.node.start_byte
    return any(flat(release.args[0]) in flat(e) for e in exits[:-1] if not is_exit(e))


def _returned(end: Node, held: str) -> bool:
    return (
        end.type == "return_statement"
        and re.search(rf"\b{re.escape(held)}\b", flat(end)) is not None
    )


def _lost(func: Func, kind: Kind, shared: bool) -> Iterator[tuple[Call, Node, list[Node]]]:
    """Yield the releases without which the thing is kept, with the way out behind each."""
    for call, statement in _releases(func, kind):
        exits = _way_out(statement)
        if not exits or _leaves(func, kind, call, exits):
            continue
        if not _returned(exits[-1], flat(call.args[0])) and _is_shared(func, kind, call) == shared:
            yield call, statement, exits


def _is_shared(func: Func, kind: Kind, release: Call) -> bool:
    """Whether somebody else may have a reference: handed on, put in a field, or no plain local."""
    held = flat(release.args[0])
    if kind.lock:
        return False
    handed = [c for c in func.calls if c.name not in kind.gives and _hands(c, held)]
    kept = [e for e in walk(func.body, "assignment_expression")
            if flat(e.child_by_field_name("right")) == held]  # fmt: skip
    return bool(handed or kept) or not held.isidentifier()


def _hands(call: Call, held: str) -> bool:
    return not call.name.isupper() and any(flat(each) in (held, f"&{held}") for each in call.args)


def _is_only(func: Func, kind: Kind, release: Call, exits: list[Node]) -> bool:
    """Whether no other release goes the same way out: then the caller could tell by the result."""
    held, end = flat(release.args[0]), flat(exits[-1])
    for call in func.named(kind.gives):
        if call.node != release.node and call.args and flat(call.args[0]) == held:
            others = _way_out(statement_of(call.node)) if is_plain_call(call) else []
            if others and flat(others[-1]) == end:
                return False
    return True


def _deleted(kind: Kind, shared: bool = False, only: bool = False) -> Maker:
    def make(_tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
        for call, statement, exits in _lost(func, kind, shared):
            if not kind.lock or _is_only(func, kind, call, exits) == only:
                yield Draft([delete(code, statement)], [statement, *exits], f"no {flat(statement)}")

    return make


def _on_one_path(kind: Kind) -> Maker:
    def make(_tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
        for _, statement, exits in _lost(func, kind, kind.name in _ALWAYS_SHARED):
            edit = wrap(code, statement, "if (jiffies & 1)")
            yield Draft([edit], [statement, *exits], f"{flat(statement)} on one path")

    return make


def _twice(kind: Kind) -> Maker:
    def make(_tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
        for call, statement in _releases(func, kind):
            if _is_shared(func, kind, call) != (kind.name in _ALWAYS_SHARED):
                continue
            again = MARK + flat(statement)
            if stands_alone(statement):
                exits = _way_out(statement)
                yield Draft(
                    [insert_after(code, statement, again)], exits, f"{flat(statement)} twice"
                )

    return make


def _jumps(func: Func, kind: Kind) -> Iterator[tuple[Node, Call]]:
    """Yield the jumps to a label that begins with a release of what was taken before them."""
    for name, target in labels(func).items():
        inside = [e for e in target.named_children[1:] if e.type != "comment"]
        first = inside[0] if inside else None
        calls = [c for c in func.named(kind.gives) if first is not None
                 and statement_of(c.node) == first and is_plain_call(c) and c.args]  # fmt: skip
        for jump in walk(func.body, "goto_statement") if calls else ():
            forward = jump.start_byte < target.start_byte
            meant = text(jump.child_by_field_name("label")) == name and forward
            if meant and _still_held(func, kind, calls[0], jump):
                yield jump, calls[0]


def _still_held(func: Func, kind: Kind, release: Call, jump: Node) -> bool:
    """Whether the last thing done to it before a jump, in the text, was to take it."""
    held = flat(release.args[0])
    if not _simple(release.args[0]):
        return False
    last = False
    for call in func.named(kind.takes | kind.gives):
        if call.node.start_byte >= jump.start_byte:
            break
        named = held in (_assigned_to(call), flat(call.args[0]) if call.args else "")
        failing = _failure_branch(call, jump)
        if named:
            last = call.name in kind.takes and not failing
    return last and held not in func.parameters and kind.lock


def _failure_branch(call: Call, jump: Node) -> bool:
    """Whether a jump stands in the `if` right behind what takes: there it was not had."""
    behind = next_statement(statement_of(call.node))
    return behind is not None and behind.start_byte <= jump.start_byte < behind.end_byte


def _return_instead(kind: Kind) -> Maker:
    def make(_tree: Tree, _code: Code, func: Func) -> Iterator[Draft]:
        end = last_return(func)
        leave = "return;" if func.returns == "void" else text(end)
        if end is None and func.returns != "void":
            return
        for jump, call in _jumps(func, kind):
            if flat(call.args[0]) not in leave:
                yield Draft([replace(jump, MARK + leave)], [], f"skips {flat(call.node)}")

    return make


def _later_label(kind: Kind) -> Maker:
    """Jump to the label behind the one with the release."""

    def make(_tree: Tree, _code: Code, func: Func) -> Iterator[Draft]:
        known = labels(func)
        for jump, call in _jumps(func, kind):
            own = known[text(jump.child_by_field_name("label"))]
            later = [(t.start_byte, n) for n, t in known.items() if t.start_byte > own.end_byte]
            if not later:
                continue
            start, name = min(later)
            between = (func.body.text or b"")[: start - func.body.start_byte]
            releases = between[own.start_byte - func.body.start_byte :].count(b"return")
            if not releases:
                yield Draft([replace(jump, f"{MARK}goto {name};")], [], f"skips {flat(call.node)}")

    return make


def _new_exit(kind: Kind) -> Maker:
    """Insert a failing return where the thing is held: right before it is given back."""

    def make(_tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
        end = last_return(func)
        leave = "return;" if func.returns == "void" else text(end)
        if end is None and func.returns != "void":
            return
        for call, statement in _releases(func, kind):
            alone = statement.parent == func.body and stands_alone(statement)
            own = _is_shared(func, kind, call) == (kind.name in _ALWAYS_SHARED)
            if alone and own and flat(call.args[0]) not in leave:
                lines = f"if (signal_pending(current))\n\t{MARK}{leave}"
                yield Draft(
                    [insert_before(code, statement, lines)], [], f"before {flat(statement)}"
                )

    return make


_TABLE: tuple[tuple[str, Callable[[Kind], Maker], int, str], ...] = (
    ("release-deleted", _deleted, 10, "page-lock buffer-lock semaphore spinlock buffer memory"),
    ("only-release-deleted", partial(_deleted, only=True), 5,
     "buffer-lock semaphore inode-lock mutex spinlock invalidate-lock freeze handle"),
    ("shared-release-deleted", partial(_deleted, shared=True), 5, "buffer page inode memory"),
    ("release-on-one-path", _on_one_path, 5, " ".join(kind.name for kind in KINDS)),
    ("released-twice", _twice, 8, " ".join(kind.name for kind in KINDS)),
    ("early-return", _new_exit, 8, "page-lock semaphore inode-lock mutex spinlock freeze handle "
     "buffer page inode memory"),
    ("return-for-goto", _return_instead, 8, "semaphore inode-lock mutex spinlock"),
    ("later-label", _later_label, 8, "semaphore handle"),
)  # fmt: skip
"""Variants, how to make them, how many a tree at most, and the kinds that have such places."""

for _name, _make, _most, _of in _TABLE:
    for _each in KINDS:
        if _each.name in _of.split():
            variant(RULE, f"{_each.name}-{_name}", set(_each.gives), JOURNAL, _most)(_make(_each))
