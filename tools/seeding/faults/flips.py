"""journal-mode-flip-unsafe: what makes switching an inode's journalling safe is left out."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from tools.seeding.code import Call, Code, Func, flat, is_plain_call, statement_of, text, walk
from tools.seeding.edits import Edit, delete, insert_after, insert_before, replace, start_of_body
from tools.seeding.kernel import Tree
from tools.seeding.model import Draft, Maker, variant

RULE = "journal-mode-flip-unsafe"
_FLAGS = {"EXT4_INODE_JOURNAL_DATA"}
_CHANGES = {"ext4_set_inode_flag", "ext4_clear_inode_flag"}
_ON_AND_OFF = 2


def _flips(func: Func) -> list[Node]:
    """Return the statements that switch journalling, of a function that does it both ways."""
    found = [c for c in func.named(_CHANGES) if text(c.args[-1]) in _FLAGS]
    return [statement_of(c.node) for c in found] if len(found) == _ON_AND_OFF else []


def _gone(code: Code, call: Call) -> Edit:
    return delete(code, statement_of(call.node)) if is_plain_call(call) else replace(call.node, "0")


def _without(*names: str) -> Maker:
    """Leave out all calls of some functions."""

    def make(_tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
        gone = func.named(names)
        if gone and _flips(func):
            at = [*_flips(func), *(call.node for call in gone)]
            yield Draft([_gone(code, call) for call in gone], at, f"no {names[0]}")

    return make


for _name, _names in (
    ("writeback-deleted", ("filemap_write_and_wait",)),
    ("faults-let-in", ("filemap_invalidate_lock", "filemap_invalidate_unlock")),
    ("updates-let-in", ("jbd2_journal_lock_updates", "jbd2_journal_unlock_updates")),
    ("journal-not-flushed", ("jbd2_journal_flush",)),
    ("writepages-let-in", ("ext4_writepages_down_write", "ext4_writepages_up_write")),
    ("direct-writers-let-in", ("inode_dio_wait",)),
    ("operations-not-set", ("ext4_set_aops",)),
):
    variant(RULE, _name, _FLAGS)(_without(*_names))


def _let_go_early(give: str) -> Maker:
    """Give a lock back before the flag changes: the last release is moved up."""

    def make(_tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
        flips, calls = _flips(func), func.named({give})
        start = func.named({"jbd2_journal_lock_updates"})
        if flips and calls and start:
            last = statement_of(calls[-1].node)
            edits = [
                delete(code, last),
                insert_after(code, statement_of(start[0].node), flat(last)),
            ]
            yield Draft(edits, flips, f"{give} first")

    return make


for _name, _give in (
    ("faults-let-in-early", "filemap_invalidate_unlock"),
    ("updates-let-in-early", "jbd2_journal_unlock_updates"),
    ("writepages-let-in-early", "ext4_writepages_up_write"),
):
    variant(RULE, _name, _FLAGS)(_let_go_early(_give))


@variant(RULE, "writeback-behind-the-flag", _FLAGS)
def _late(_tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
    """What must be written first is written when the flag has changed already."""
    found, behind = func.named({"filemap_write_and_wait"}), func.named({"ext4_set_aops"})
    if found and behind and _flips(func):
        late = f"{flat(found[0].node)};"
        edits = [
            replace(found[0].node, "0"),
            insert_after(code, statement_of(behind[0].node), late),
        ]
        yield Draft(edits, _flips(func))


@variant(RULE, "failed-writeback-ignored", _FLAGS)
def _ignored(_tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
    """The way out behind a failed writeback is left out."""
    for call in func.named({"filemap_write_and_wait"}) if _flips(func) else ():
        check = statement_of(call.node).next_named_sibling
        if check is not None and check.type == "if_statement":
            yield Draft([delete(code, check)], [*_flips(func), call.node])


def _unprepared(line: str) -> Maker:
    """Switch it in a function that works on an open file, with nothing done for it."""

    def make(_tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
        opened = any("struct file *" in each for each in func.parameters.values())
        inode = [e for e in walk(func.body, "init_declarator")
                 if flat(e.child_by_field_name("declarator")) == "*inode"]  # fmt: skip
        first = start_of_body(func.body)
        if opened and inode and first.type != "declaration" and not _flips(func):
            yield Draft([insert_before(code, first, line)])

    return make


for _name, _line in (
    ("switched-on-unprepared", "§ext4_set_inode_flag(inode, EXT4_INODE_JOURNAL_DATA);"),
    ("switched-off-unprepared", "§ext4_clear_inode_flag(inode, EXT4_INODE_JOURNAL_DATA);"),
    ("bit-set-unprepared", "§set_bit(EXT4_INODE_JOURNAL_DATA, &EXT4_I(inode)->i_flags);"),
    ("flags-or-ed-unprepared", "§EXT4_I(inode)->i_flags |= EXT4_JOURNAL_DATA_FL;"),
    ("dax-switched-on-unprepared", "§inode->i_flags |= S_DAX;"),
):
    variant(RULE, _name, {"file_inode"}, most=3)(_unprepared(_line))
