"""Locks taken in the wrong order, and faults that are to be tried again without being asked."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from tools.seeding.code import (
    Call,
    Code,
    Func,
    flat,
    stands_alone,
    statement_of,
    text,
    walk,
)
from tools.seeding.edits import (
    MARK,
    Edit,
    delete,
    insert_after,
    insert_before,
    replace,
    start_of_body,
)
from tools.seeding.kernel import Tree
from tools.seeding.model import EXT4, Draft, Maker, variant

ORDER = "lock-order"
RETRY = "fault-retry-unchecked"
_FAULTS = frozenset({"page_mkwrite", "fault", "pfn_mkwrite", "huge_fault"})
_MKWRITE = frozenset({"page_mkwrite", "pfn_mkwrite"})
FILESYSTEMS = (
    "fs/ext4", "fs/9p", "fs/afs", "fs/btrfs", "fs/ceph", "fs/f2fs", "fs/fuse", "fs/gfs2",
    "fs/nfs", "fs/netfs", "fs/nilfs2", "fs/ocfs2", "fs/orangefs", "fs/smb/client", "fs/ubifs",
    "fs/udf", "fs/zonefs", "fs/xfs", "fs/exfat",
)  # fmt: skip

# ---------------------------------------------------------------- lock-order


def _is_fault(tree: Tree, code: Code, func: Func, fields: frozenset[str] = _FAULTS) -> bool:
    return func.name in tree.handlers(code.path, fields)


def _inode(func: Func) -> str:
    """Return how the function calls its inode."""
    for each in walk(func.body, "init_declarator"):
        if flat(each.child_by_field_name("declarator")) == "*inode":
            return "inode"
    return "file_inode(vmf->vma->vm_file)"


def _in_fault(before: str, after: str) -> Maker:
    """Put lines at the start of a fault handler."""

    def make(tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
        if _is_fault(tree, code, func) and "vmf" in func.parameters:
            first = start_of_body(func.body)
            lines = before.replace("INODE", _inode(func))
            if first.type != "declaration":
                yield Draft([insert_before(code, first, lines)])

    return make


for _name, _lines in (
    ("inode-lock-in-fault", "§inode_lock(INODE);\ninode_unlock(INODE);"),
    ("inode-lock-shared-in-fault", "§inode_lock_shared(INODE);\ninode_unlock_shared(INODE);"),
    ("inode-lock-by-condition-in-fault",
     "if (!inode_trylock(INODE))\n\t§inode_lock(INODE);\ninode_unlock(INODE);"),
):  # fmt: skip
    variant(ORDER, _name, {"vm_fault"}, FILESYSTEMS, 8)(_in_fault(_lines, ""))


def _helper_text(name: str, body: str) -> str:
    return f"static void {name}(struct inode *inode)\n{{\n\t{body}\n}}\n\n"


@variant(ORDER, "inode-lock-in-a-helper", {"vm_fault"}, FILESYSTEMS, 8)
def _by_helper(tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
    if _is_fault(tree, code, func) and "vmf" in func.parameters:
        at, first = func.node.start_byte, start_of_body(func.body)
        body = f"{MARK}inode_lock(inode);\n\tinode_unlock(inode);"
        call = f"{MARK}seeded_helper({_inode(func)});"
        edits = [Edit(at, at, _helper_text("seeded_helper", body)),
                 insert_before(code, first, call)]  # fmt: skip
        if first.type != "declaration":
            yield Draft(edits, functions=["seeded_helper"])


@variant(ORDER, "inode-lock-in-another-file", {"vm_fault"}, EXT4, 8)
def _other_file(tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
    """A helper of another file of the folder that takes the inode's lock."""
    if not _is_fault(tree, code, func) or "vmf" not in func.parameters:
        return
    given = {"struct inode *": _inode(func), "struct file *": "vmf->vma->vm_file"}
    first = start_of_body(func.body)
    for helper in _locking_helpers(tree, code.path):
        types = [each.rpartition("*") for each in helper.parameters.values()]
        args = [given.get(kind + star, "0") for kind, star, _ in types]
        if args[0] != "0" and first.type != "declaration":
            line = f"{MARK}{helper.name}({', '.join(args)});"
            yield Draft([insert_before(code, first, line)], note=helper.name)


def _locking_helpers(tree: Tree, near: str) -> Iterator[Func]:
    """Yield functions of other files of a folder that take an inode's lock, and wait for it."""
    words = frozenset({"inode_lock"})
    for code in tree.codes([near.rpartition("/")[0]], words):
        for func in code.functions if code.path != near else ():
            static = "static" in text(func.node).partition("(")[0]
            takes = [c for c in func.named(words) if flat(c.args[0]) == "inode"]
            if takes and not static and func.parameters and not func.named({"inode_trylock"}):
                yield func


_STARTS = {"ext4_journal_start", "ext4_journal_start_sb", "ext4_journal_start_with_reserve"}
_STOPS = {"ext4_journal_stop", "jbd2_journal_stop"}


def _under_handle(func: Func) -> Iterator[Node]:
    """Yield statements in front of which a handle of this function is surely running."""
    starts = [c for c in func.named(_STARTS) if _named_handle(c)]
    if len(starts) != 1 or not _has_inode(func):
        return
    for call in func.named(_STOPS):
        statement = statement_of(call.node)
        same = statement.parent == statement_of(starts[0].node).parent
        if stands_alone(statement) and same and call.node.start_byte > starts[0].node.end_byte:
            yield statement
            return


def _named_handle(call: Call) -> bool:
    parent = call.node.parent
    left = parent.child_by_field_name("left") if parent is not None else None
    return left is not None and left.type == "identifier"


def _has_inode(func: Func) -> bool:
    return "struct inode *inode" in func.parameters.values() or _inode(func) == "inode"


def _in_handle(new: str) -> Maker:
    def make(_tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
        for statement in _under_handle(func):
            yield Draft([insert_before(code, statement, new)])

    return make


for _name, _lines in (
    ("writeback-in-handle", "§filemap_write_and_wait(inode->i_mapping);"),
    ("flush-in-handle", "§filemap_flush(inode->i_mapping);"),
    ("write-inode-in-handle", "§write_inode_now(inode, 1);"),
    ("invalidate-lock-in-handle",
     "§filemap_invalidate_lock(inode->i_mapping);\nfilemap_invalidate_unlock(inode->i_mapping);"),
    ("invalidate-lock-shared-in-handle", "§filemap_invalidate_lock_shared(inode->i_mapping);\n"
     "filemap_invalidate_unlock_shared(inode->i_mapping);"),
    ("i-mmap-sem-in-handle",
     "§down_write(&EXT4_I(inode)->i_mmap_sem);\nup_write(&EXT4_I(inode)->i_mmap_sem);"),
    ("writepages-lock-in-handle", "{\n\t§int seeded = ext4_writepages_down_write(inode->i_sb);\n"
     "\text4_writepages_up_write(inode->i_sb, seeded);\n}"),
):  # fmt: skip
    variant(ORDER, _name, _STARTS, EXT4, 6)(_in_handle(_lines))


@variant(ORDER, "writeback-in-handle-by-a-helper", _STARTS, EXT4, 6)
def _handle_helper(_tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
    for statement in _under_handle(func):
        at = func.node.start_byte
        body = f"{MARK}filemap_write_and_wait(inode->i_mapping);"
        edits = [Edit(at, at, _helper_text("seeded_helper", body)),
                 insert_before(code, statement, f"{MARK}seeded_helper(inode);")]  # fmt: skip
        yield Draft(edits, functions=["seeded_helper"])


_PAGE_LOCKS = {"lock_page": "unlock_page", "folio_lock": "folio_unlock"}


@variant(ORDER, "handle-under-the-page-lock", set(_PAGE_LOCKS), EXT4, 6)
def _handle_under_page(_tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
    """A handle is started right behind the page's lock, and not inside of another one."""
    starts = [start.node.start_byte for start in func.named(_STARTS)]
    for call in func.named(_PAGE_LOCKS):
        statement = statement_of(call.node)
        nested = any(start < statement.start_byte for start in starts)
        if stands_alone(statement) and _has_inode(func) and not nested:
            lines = (
                f"{{\n\thandle_t *seeded = {MARK}ext4_journal_start(inode, EXT4_HT_MISC, 1);\n"
                "\n\tif (!IS_ERR(seeded))\n\t\text4_journal_stop(seeded);\n}"
            )
            yield Draft([insert_after(code, statement, lines)])


@variant(ORDER, "page-unlock-behind-the-handle", set(_PAGE_LOCKS.values()), EXT4, 6)
def _late_unlock(_tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
    """The page is unlocked behind the start of a handle, not before it."""
    starts = func.named(_STARTS)
    for call in func.named(_PAGE_LOCKS.values()):
        statement = statement_of(call.node)
        for start in starts:
            begin = statement_of(start.node)
            near = (
                statement.parent == begin.parent and 0 < begin.start_byte - statement.end_byte < 900
            )
            if near and stands_alone(statement) and stands_alone(begin):
                edits = [delete(code, statement), insert_after(code, begin, flat(statement))]
                yield Draft(edits, [begin, start.node])
                break


# ---------------------------------------------------------------- fault-retry-unchecked


def _at_start(fields: frozenset[str], lines: str) -> Maker:
    def make(tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
        if _is_fault(tree, code, func, fields) and "vmf" in func.parameters:
            first = start_of_body(func.body)
            if first.type != "declaration":
                yield Draft([insert_before(code, first, lines.replace("INODE", _inode(func)))])

    return make


for _name, _lines in (
    ("retry-returned",
     "if (!inode_trylock(INODE))\n\t§return VM_FAULT_RETRY;\ninode_unlock(INODE);"),
    ("retry-returned-by-choice", "if (signal_pending(current))\n"
     "\t§return freezing(current) ? VM_FAULT_RETRY : VM_FAULT_NOPAGE;"),
    ("retry-or-ed", "if (signal_pending(current))\n\t§return VM_FAULT_MAJOR | VM_FAULT_RETRY;"),
    ("retry-after-dropping-the-lock", "if (need_resched()) {\n"
     "\tmmap_read_unlock(vmf->vma->vm_mm);\n\t§return VM_FAULT_RETRY;\n}"),
    ("retry-by-a-local", "if (signal_pending(current)) {\n"
     "\t§vm_fault_t seeded = VM_FAULT_RETRY;\n\n\t§return seeded;\n}"),
):  # fmt: skip
    variant(RETRY, _name, {"vm_fault"}, FILESYSTEMS, 8)(_at_start(_FAULTS, _lines))


@variant(RETRY, "locked-becomes-retry", {"VM_FAULT_LOCKED", "VM_FAULT_NOPAGE"}, FILESYSTEMS, 8)
def _nopage(tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
    """A handler that asked to try the access again by VM_FAULT_NOPAGE returns RETRY instead."""
    if not _is_fault(tree, code, func, _MKWRITE):
        return
    for each in walk(func.body, "identifier"):
        if text(each) == "VM_FAULT_NOPAGE":
            at = [statement_of(each), *walk(func.body, "return_statement")]
            yield Draft([replace(each, MARK + "VM_FAULT_RETRY")], at)


@variant(RETRY, "error-becomes-retry", {"VM_FAULT_SIGBUS"}, FILESYSTEMS, 8)
def _sigbus(tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
    """A handler says RETRY where it failed; what a local begins with may never be returned."""
    for each in walk(func.body, "identifier") if _is_fault(tree, code, func) else ():
        if text(each) == "VM_FAULT_SIGBUS" and statement_of(each).type != "declaration":
            at = [statement_of(each), *walk(func.body, "return_statement")]
            yield Draft([replace(each, MARK + "VM_FAULT_RETRY")], at)


@variant(RETRY, "lock-dropped-and-taken-again", {"vm_fault"}, FILESYSTEMS, 8)
def _no_revalidation(tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
    """The lock of the fault is dropped and taken again; the area is used without a look-up."""
    if _is_fault(tree, code, func) and "vmf" in func.parameters:
        first = start_of_body(func.body)
        lines = (
            "mmap_read_unlock(vmf->vma->vm_mm);\ncond_resched();\n"
            "mmap_read_lock(vmf->vma->vm_mm);\n"
        )
        used = [c for c in func.calls if any("vm" in flat(arg) for arg in c.args)]
        at = [*walk(func.body, "return_statement"), *(statement_of(c.node) for c in used)]
        if first.type != "declaration":
            yield Draft([insert_before(code, first, lines)], at)
