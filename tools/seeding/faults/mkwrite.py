"""Faults of page_mkwrite handlers that skip the journal or the wait for a page under I/O."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from tools.seeding.code import (
    Call,
    Code,
    Func,
    flat,
    is_plain_call,
    labels,
    stands_alone,
    statement_of,
    text,
    walk,
)
from tools.seeding.edits import delete, insert_before, replace, wrap
from tools.seeding.kernel import Tree
from tools.seeding.model import Draft, Maker, variant

SKIPS = "mkwrite-early-return-skips-journal"
WAITS = "mkwrite-without-stable-wait"
_HANDLER = frozenset({"page_mkwrite"})
_JOURNAL = {"ext4_should_journal_data"}
_ACCESS = "do_journal_get_write_access"
_DIRTY = ("write_end_fn", "ext4_journalled_write_end_fn")


def is_handler(tree: Tree, code: Code, func: Func) -> bool:
    """Whether a function is installed as `.page_mkwrite` in its folder."""
    return func.name in tree.handlers(code.path, _HANDLER)


def _handler_of(tree: Tree, code: Code, func: Func) -> Func | None:
    """Return the handler that a function is, or that calls it."""
    for each in code.functions:
        known = each.name == func.name or bool(each.named([func.name]))
        if known and is_handler(tree, code, each):
            return each
    return None


def _says_locked(func: Func) -> list[Node]:
    """Return the statements around each VM_FAULT_LOCKED, with those that follow it."""
    found = list(walk(func.body, "return_statement"))
    returned = {flat(each.named_children[0]) for each in found if each.named_children}
    for each in walk(func.body, "assignment_expression"):
        found += [each] if flat(each.child_by_field_name("left")) in returned else []
    for each in walk(func.body, "identifier"):
        if text(each) == "VM_FAULT_LOCKED":
            found.append(statement_of(each))
            behind = statement_of(each).next_named_sibling
            found += [behind] if behind is not None else []
    return found


# ---------------------------------------------------------------- the early return


def _jumps_on_journal(func: Func) -> Iterator[Node]:
    for each in walk(func.body, "if_statement"):
        asked = flat(each.child_by_field_name("condition"))
        then = each.child_by_field_name("consequence")
        jump = then is not None and then.type == "goto_statement"
        if asked == "(ext4_should_journal_data(inode))" and jump:
            yield each


def _guard(new: str) -> Maker:
    def make(tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
        for each in _jumps_on_journal(func) if is_handler(tree, code, func) else ():
            condition = each.child_by_field_name("condition")
            assert condition is not None
            edit = replace(condition, new) if new else delete(code, each)
            yield Draft([edit], _says_locked(func), f"the guard becomes {new or 'nothing'}")

    return make


for _name, _new in (
    ("guard-deleted", ""),
    ("guard-inverted", "(!ext4_should_journal_data(inode))"),
    ("guard-narrowed", "(ext4_should_journal_data(inode) && IS_SYNC(inode))"),
    ("guard-by-mount", "(test_opt(inode->i_sb, DATA_FLAGS) == EXT4_MOUNT_JOURNAL_DATA)"),
    ("guard-constant", "(0)"),
):
    variant(SKIPS, _name, _JOURNAL)(_guard(_new))


def _walks(func: Func, names: tuple[str, ...]) -> list[Call]:
    """Return the calls that hand one of these functions on."""
    return [call for call in func.calls if {text(a) for a in call.args} & set(names)]


def _without(names: tuple[str, ...], listed: bool = False) -> Maker:
    """Make a call disappear that the handler, or a helper of its file, needs."""

    def make(tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
        handler = _handler_of(tree, code, func)
        if handler is None:
            return
        for call in func.named(names) if listed else _walks(func, names):
            at = [call.node, *_says_locked(handler), *walk(handler.body, "return_statement")]
            yield Draft([replace(call.node, "0")], at, f"no {call.name}", [handler.name])

    return make


variant(SKIPS, "no-write-access", {_ACCESS})(_without((_ACCESS,)))
variant(SKIPS, "not-made-dirty", set(_DIRTY))(_without(_DIRTY))
variant(SKIPS, "not-on-the-list", {"ext4_jbd2_inode_add_write"})(
    _without(("ext4_jbd2_inode_add_write",), listed=True)
)


def _begin(tree: Tree, code: Code, func: Func) -> Node | None:
    """Return the statement at which a handler begins to work on the page's buffers."""
    names = ("__block_write_begin", "ext4_block_write_begin")
    found = func.named(names) if is_handler(tree, code, func) else []
    return statement_of(found[0].node) if found else None


def _early(new: str) -> Maker:
    """Insert a way out before the buffers are journalled; all else is put right."""

    def make(tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
        begin = _begin(tree, code, func)
        outs = [name for name in labels(func) if name == "out"]
        if begin is not None and outs:
            lines = insert_before(code, begin, new.replace("OUT", outs[0]))
            yield Draft([lines], _says_locked(func))

    return make


for _name, _new in (
    (
        "early-return-inserted",
        "if (inode->i_blkbits == PAGE_SHIFT) {\n\text4_journal_stop(handle);\n"
        "\tfilemap_invalidate_unlock_shared(mapping);\n\tsb_end_pagefault(inode->i_sb);\n"
        "\t§return VM_FAULT_LOCKED;\n}",
    ),
    (
        "early-goto-inserted",
        "if (inode->i_blkbits == PAGE_SHIFT) {\n\text4_journal_stop(handle);\n"
        "\t§ret = VM_FAULT_LOCKED;\n\t§goto OUT;\n}",
    ),
    (
        "early-choice-inserted",
        "if (inode->i_blkbits == PAGE_SHIFT) {\n\text4_journal_stop(handle);\n"
        "\t§ret = size ? VM_FAULT_LOCKED : VM_FAULT_SIGBUS;\n\t§goto OUT;\n}",
    ),
    (
        "early-zero-inserted",
        "switch (inode->i_blkbits) {\ncase PAGE_SHIFT:\n\text4_journal_stop(handle);\n"
        "\t§ret = VM_FAULT_LOCKED;\n\t§goto OUT;\n}",
    ),
):
    variant(SKIPS, _name, {"sb_start_pagefault"})(_early(_new))


# ---------------------------------------------------------------- the wait

_WAITS = (
    "wait_for_stable_page", "folio_wait_stable", "wait_on_page_writeback", "folio_wait_writeback",
    "folio_wait_writeback_killable", "wait_on_page_writeback_killable",
)  # fmt: skip
FILESYSTEMS = (
    "fs/ext4", "fs/9p", "fs/afs", "fs/btrfs", "fs/ceph", "fs/f2fs", "fs/fuse", "fs/gfs2",
    "fs/nfs", "fs/netfs", "fs/nilfs2", "fs/ocfs2", "fs/orangefs", "fs/smb/client", "fs/ubifs",
    "fs/udf", "fs/zonefs", "fs/xfs", "fs/kernfs", "fs/exfat", "fs",
)  # fmt: skip


def _stable_waits(tree: Tree, code: Code, func: Func) -> Iterator[tuple[Call, Node]]:
    """Yield a handler's only wait, where it is a statement, with the statement."""
    if not is_handler(tree, code, func):
        return
    found = func.named(_WAITS)
    for call in found:
        if is_plain_call(call):
            yield call, statement_of(call.node)


@variant(WAITS, "wait-deleted", set(_WAITS), FILESYSTEMS)
def _deleted(tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
    for call, statement in _stable_waits(tree, code, func):
        yield Draft([delete(code, statement)], _says_locked(func), f"no {call.name}")


@variant(WAITS, "wait-on-one-path", set(_WAITS), FILESYSTEMS)
def _one_path(tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
    for call, statement in _stable_waits(tree, code, func):
        edit = wrap(code, statement, "if (IS_SYNC(inode))")
        yield Draft([edit], _says_locked(func), f"{call.name} under a condition")


@variant(WAITS, "wait-commented-out", set(_WAITS), FILESYSTEMS)
def _comment(tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
    for call, statement in _stable_waits(tree, code, func):
        edit = replace(statement, f"/* {flat(statement)} */;")
        yield Draft([edit], _says_locked(func), f"no {call.name}")


@variant(WAITS, "wait-in-no-configuration", set(_WAITS), FILESYSTEMS)
def _preprocessed(tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
    for call, statement in _stable_waits(tree, code, func):
        if not stands_alone(statement):
            continue
        edit = replace(statement, f"\n#if 0\n{text(statement)}\n#endif\n")
        yield Draft([edit], _says_locked(func), f"no {call.name}")


@variant(WAITS, "page-let-go-behind-the-wait", set(_WAITS), FILESYSTEMS)
def _unlocked(tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
    """The page is locked again after the wait: writeback may have begun in between."""
    for call, statement in _stable_waits(tree, code, func):
        if not call.args or "writeback" in call.name:
            continue
        page = text(call.args[0])
        kind = "folio" if "folio" in call.name else "page"
        off, on = (
            ("folio_unlock", "folio_lock") if kind == "folio" else ("unlock_page", "lock_page")
        )
        again = f"{{ {text(statement)}\n{off}({page});\n{on}({page}); }}"
        yield Draft([replace(statement, again)], _says_locked(func), f"{on}() again")
