"""Faults in how journalled data is made dirty, and its pages are marked with PG_checked."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from tools.seeding.code import (
    Call,
    Code,
    Func,
    flat,
    statement_of,
    text,
    walk,
)
from tools.seeding.edits import (
    MARK,
    delete,
    insert_after,
    insert_before,
    replace,
    start_of_body,
    wrap,
)
from tools.seeding.faults.mkwrite import is_handler
from tools.seeding.kernel import Tree
from tools.seeding.model import Draft, Maker, variant

# ---------------------------------------------------------------- dirty-before-write-access

DIRTY = "dirty-before-write-access"
_ACCESS = "do_journal_get_write_access"
_MAKES_DIRTY = ("write_end_fn", "ext4_journalled_write_end_fn")


def _hands_on(func: Func, names: tuple[str, ...]) -> list[Call]:
    return [call for call in func.calls if {text(a) for a in call.args} & set(names)]


def _argument(call: Call, names: tuple[str, ...]) -> Node:
    return next(a for a in call.args if text(a) in names)


@variant(DIRTY, "walks-swapped", {_ACCESS})
def _swapped(_tree: Tree, _code: Code, func: Func) -> Iterator[Draft]:
    """The walk that makes dirty runs first, and the one that gets access behind it."""
    access, dirty = _hands_on(func, (_ACCESS,)), _hands_on(func, _MAKES_DIRTY)
    if access and dirty and access[0].node.start_byte < dirty[0].node.start_byte:
        first, second = _argument(access[0], (_ACCESS,)), _argument(dirty[0], _MAKES_DIRTY)
        edits = [replace(first, text(second)), replace(second, text(first))]
        yield Draft(edits, [access[0].node, first, statement_of(access[0].node)])


def _before_access(new: str) -> Maker:
    def make(_tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
        for call in _hands_on(func, (_ACCESS,)):
            kind = "folio" if "struct folio *" in text(func.node) else "page"
            if f"struct {kind} *" not in text(func.node).replace(f"{kind} *bh", ""):
                continue
            line = new.replace("PAGE", f"&{kind}->page" if kind == "folio" else kind)
            line = line.replace("KIND", "folio_mark_dirty(folio)" if kind == "folio" else
                                "set_page_dirty(page)")  # fmt: skip
            yield Draft([insert_before(code, statement_of(call.node), MARK + line)])

    return make


variant(DIRTY, "page-made-dirty-first", {_ACCESS})(_before_access("KIND;"))
variant(DIRTY, "commit-write-first", {_ACCESS})(_before_access("block_commit_write(PAGE, 0, len);"))


@variant(DIRTY, "buffers-made-dirty-first", {_ACCESS})
def _buffers_first(_tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
    """A walk over the page's buffers, by hand, that makes them dirty."""
    for call in _hands_on(func, (_ACCESS,)):
        head = flat(call.args[2]) if len(call.args) > 2 else ""
        if "page" in head and statement_of(call.node).type != "declaration":
            line = f"{MARK}mark_buffer_dirty({head});"
            yield Draft([insert_before(code, statement_of(call.node), line)])


@variant(DIRTY, "block-page-mkwrite-for-journalled", {"block_page_mkwrite"})
def _block_mkwrite(tree: Tree, _code: Code, func: Func) -> Iterator[Draft]:
    """The handler calls block_page_mkwrite() for journalled data too."""
    if not is_handler(tree, _code, func):
        return
    for call in func.named(("__block_write_begin", "ext4_block_write_begin")):
        new = f"{MARK}block_page_mkwrite(vma, vmf, {text(call.args[-1])})"
        yield Draft([replace(call.node, new)])


def _asks_journalled(call: Call) -> bool:
    """Whether a call stands under a question for journalled data."""
    each: Node | None = call.node
    while each is not None:
        asked = each.child_by_field_name("condition") if each.type == "if_statement" else None
        if "should_journal_data" in text(asked):
            return True
        each = each.parent
    return False


@variant(DIRTY, "one-buffer-made-dirty-first", {"ext4_journal_get_write_access"})
def _one_buffer(_tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
    """A single buffer of journalled data."""
    for call in func.named({"ext4_journal_get_write_access"}):
        if _asks_journalled(call) and len(call.args) == 4:
            head = flat(call.args[2])
            for line in (f"mark_buffer_dirty({head});",
                         f"ext4_handle_dirty_metadata(handle, inode, {head});"):  # fmt: skip
                yield Draft([insert_before(code, statement_of(call.node), MARK + line)])


# ---------------------------------------------------------------- pagechecked-misuse

CHECKED = "pagechecked-misuse"
_CLEARS = {"ClearPageChecked", "folio_clear_checked"}
_SETS = {"SetPageChecked", "folio_set_checked"}
_TESTS = {"PageChecked", "folio_test_checked"}


def _invalidates(func: Func) -> bool:
    return "invalidate" in func.name


@variant(CHECKED, "clear-deleted", _CLEARS)
def _clear_deleted(_tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
    """Writeback never clears it: the page is journalled again and again."""
    for call in func.named(_CLEARS):
        if not _invalidates(func):
            at = list(walk(func.body, "return_statement"))
            others = [f for f in code.functions if f.named(_SETS | _TESTS)]
            at += [c.node for f in others for c in f.named(_SETS | _TESTS)]
            names = [f.name for f in others]
            yield Draft([delete(code, statement_of(call.node))], at, "", names, whole=True)


@variant(CHECKED, "all-clears-deleted", _CLEARS)
def _no_clear(_tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
    calls = [c for f in code.functions for c in f.named(_CLEARS)]
    sets = [c.node for f in code.functions for c in f.named(_SETS)]
    tests = [c.node for f in code.functions for c in f.named(_TESTS)]
    if func.named(_CLEARS) and not _invalidates(func) and sets:
        others = [f.name for f in code.functions if f.named(_SETS | _TESTS)]
        edits = [delete(code, statement_of(call.node)) for call in calls]
        yield Draft(edits, [*sets, *tests], "in the whole file", others, whole=True)


def _around_the_clear(before: str, after: str) -> Maker:
    """Put lines around the call that clears it, with the page's lock as it is spelt there."""

    def make(_tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
        for call in func.named(_CLEARS):
            if _invalidates(func):
                continue
            page, statement = text(call.args[0]), statement_of(call.node)
            folio = "folio" in call.name
            off, on = ("folio_unlock", "folio_lock") if folio else ("unlock_page", "lock_page")
            tail = after.format(off=off, on=on, page=page)
            yield Draft([insert_after(code, statement, tail)] if tail else [], [statement])

    return make


variant(CHECKED, "unlocked-behind-the-clear", {"folio_clear_checked"})(
    _around_the_clear("", "{off}({page});\ncond_resched();\n{on}({page});")
)


@variant(CHECKED, "cleared-before-the-handle", {"folio_test_checked", "PageChecked"})
def _cleared_at_test(_tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
    """Writeback clears it where it tests it, and goes on to journal the page."""
    for test in func.named(_TESTS):
        branch = _branch_of(test.node)
        if branch is None or not _journals(func):
            continue
        then = branch.child_by_field_name("consequence")
        if then is not None and then.type == "compound_statement":
            page = text(test.args[0])
            off, on = ("folio_unlock", "folio_lock")
            lines = f"{MARK}folio_clear_checked({page});\n{off}({page});\n{on}({page});"
            yield Draft([insert_before(code, then.named_children[0], lines)])


def _branch_of(node: Node) -> Node | None:
    """Return the `if` in whose condition a node stands."""
    each: Node | None = node
    while each is not None and each.type != "if_statement":
        if each.type.endswith("_statement"):
            return None
        each = each.parent
    return each


def _journals(func: Func) -> bool:
    return any("journal" in call.name and "should" not in call.name for call in func.calls)


@variant(CHECKED, "set-without-buffers", _SETS)
def _no_buffers(_tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
    """The page is marked though it is known to have no buffers."""
    for call in func.named(_SETS):
        page, statement = text(call.args[0]), statement_of(call.node)
        yield Draft([wrap(code, statement, f"if (!folio_buffers({page}))")], [statement])


@variant(CHECKED, "set-before-the-buffers-are-asked-for", _SETS)
def _set_anyway(_tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
    for call in func.named(_SETS):
        page, statement = text(call.args[0]), statement_of(call.node)
        set_ = text(statement)
        first = start_of_body(func.body)
        lines = f"if (!folio_buffers({page})) {{\n\t{MARK}{set_}\n\treturn true;\n}}"
        yield Draft([insert_before(code, first, lines)])


@variant(CHECKED, "test-on-one-leg", _TESTS)
def _one_leg(_tree: Tree, _code: Code, func: Func) -> Iterator[Draft]:
    for call in func.named(_TESTS):
        if not _invalidates(func):
            page = flat(call.args[0])
            at = [call.node, *walk(func.body, "return_statement")]
            at += [c.node for c in func.calls if page in map(flat, c.args)]
            new = f"jiffies & 1 && {text(call.node)}"
            yield Draft([replace(call.node, f"({new})")], at, whole=True)
