"""range-start-not-page-offset: wrong starts and lengths of ranges on the inode list."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.seeding.code import Call, Code, Func, flat, statement_of
from tools.seeding.edits import (
    MARK,
    Edit,
    insert_before,
    replace,
    replace_argument,
    start_of_body,
)
from tools.seeding.kernel import Tree
from tools.seeding.model import Draft, Maker, variant

RULE = "range-start-not-page-offset"
_LISTS = re.compile(r"\w*jbd2_inode_add_w(?:rite|ait)|jbd2_journal_inode_ranged_w(?:rite|ait)")
_PAGE = re.compile(r"struct (page|folio) \*\s*(\w+)")
WORDS = {
    "ext4_jbd2_inode_add_write", "ext4_jbd2_inode_add_wait", "ocfs2_jbd2_inode_add_write",
    "jbd2_journal_inode_ranged_write", "jbd2_journal_inode_ranged_wait",
}  # fmt: skip
FOLDERS = ("fs/ext4", "fs/ocfs2")


def _page(func: Func) -> tuple[str, str] | None:
    """Return ("page" or "folio", its name) of the page that a function works on."""
    found = _PAGE.search(flat(func.node))
    return (found[1], found[2]) if found else None


def _offset(kind: str, name: str) -> str:
    return f"page_offset({name})" if kind == "page" else f"folio_pos({name})"


def _of_a_page(func: Func) -> Iterator[tuple[Call, str, str]]:
    """Yield the calls that give a page's range, with the kind and the name of the page."""
    page = _page(func)
    for call in func.calls:
        if page is not None and _LISTS.fullmatch(call.name) and len(call.args) == 4:
            yield call, *page


def _argument(place: int, new: str) -> Maker:
    def make(_tree: Tree, _code: Code, func: Func) -> Iterator[Draft]:
        for call, kind, name in _of_a_page(func):
            offset = _offset(kind, name)
            whole = offset in flat(call.args[2])
            if not whole and (place == 3 or "{offset}" in new):
                continue
            old = flat(call.args[place])
            text = new.format(page=name, offset=offset, old=old)
            yield Draft([replace_argument(call, place, text)], [call.node], f"{old} -> {text}")

    return make


for _name, _place, _new in (
    ("start-zero", 2, "0"),
    ("start-cast-zero", 2, "(loff_t)0"),
    ("start-index", 2, "{page}->index"),
    ("start-next-page", 2, "{offset} + PAGE_SIZE"),
    ("start-page-before", 2, "{offset} - PAGE_SIZE"),
    ("start-in-page", 2, "offset_in_page({offset})"),
    ("start-in-sectors", 2, "{offset} >> 9"),
    ("start-file-size", 2, "i_size_read(inode)"),
    ("length-zero", 3, "0"),
    ("length-one", 3, "1"),
    ("length-one-short", 3, "{old} - 1"),
    ("length-page-less-one", 3, "PAGE_SIZE - 1"),
):
    variant(RULE, _name, WORDS, FOLDERS)(_argument(_place, _new))


@variant(RULE, "start-and-length-swapped", WORDS, FOLDERS)
def _swapped(_tree: Tree, _code: Code, func: Func) -> Iterator[Draft]:
    for call, kind, name in _of_a_page(func):
        start, length = call.args[2], call.args[3]
        if _offset(kind, name) in flat(start):
            edits = [replace(start, MARK + flat(length)), replace(length, flat(start))]
            yield Draft(edits, [call.node])


@variant(RULE, "start-from-a-local", WORDS, FOLDERS)
def _local(_tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
    for call, _, _ in _of_a_page(func):
        first = start_of_body(func.body)
        if first.start_byte < statement_of(call.node).start_byte:
            made = insert_before(code, first, "loff_t from_seed = 0;\n")
            yield Draft([made, replace_argument(call, 2, "from_seed")], [call.node])


@variant(RULE, "start-from-a-macro", WORDS, FOLDERS)
def _macro(_tree: Tree, _code: Code, func: Func) -> Iterator[Draft]:
    for call, _, _ in _of_a_page(func):
        at = func.node.start_byte
        made = Edit(at, at, "#define SEEDED_START 0\n\n")
        yield Draft([made, replace_argument(call, 2, "SEEDED_START")], [call.node])


@variant(RULE, "start-changed-behind-the-page", WORDS, FOLDERS)
def _assigned(_tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
    """A local that holds the offset first, and is then rounded to the start of the file."""
    for call, kind, name in _of_a_page(func):
        statement = statement_of(call.node)
        if flat(call.args[2]) == _offset(kind, name) and statement.parent is not None:
            before = f"loff_t from_seed = {_offset(kind, name)};\n\nfrom_seed = 0;"
            made = insert_before(code, statement, before)
            if made.start == made.end:
                yield Draft([made, replace_argument(call, 2, "from_seed")], [call.node])


@variant(RULE, "start-by-a-choice", WORDS, FOLDERS)
def _choice(_tree: Tree, _code: Code, func: Func) -> Iterator[Draft]:
    for call, kind, name in _of_a_page(func):
        offset = _offset(kind, name)
        if offset in flat(call.args[2]):
            new = f"{MARK}IS_SYNC(inode) ? 0 : {offset}"
            yield Draft([replace(call.args[2], new)], [call.node])
