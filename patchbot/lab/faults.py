"""What the lab's patches do: each takes ext4's files and returns those that it changes.

All of them find their place by syntax, and fit the page spelling (6.1) as well as the folio one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from tree_sitter import Node

from patchbot.errors import TreeError
from patchbot.lab.edits import apply, delete, delete_lines, insert, replace
from patchbot.lab.sites import ASKS, Files, Sites, offset_of, read_code
from patchbot.lab.syntax import Code, Func, flat, statement_of, text, walk

Change = Callable[[Files], dict[str, bytes]]
HEADER = "ext4_fault_debug.h"
_WIDTH = 80
_INSTALL = "ext4_set_data_callbacks"


def install_in_one_place(files: Files) -> dict[str, bytes]:
    """Move what tells the journal its callbacks into a function; nothing else changes."""
    found = Sites(files).install()
    lines = [f"\tjournal->{field} =\n\t\t{name};\n" for field, name in found.callbacks.items()]
    helper = (
        "/*\n * The journal asks these two what to do with the data of an inode on the list\n"
        " * of a transaction: before it writes its own blocks, and before it ends.\n */\n"
        f"static void {_INSTALL}(journal_t *journal)\n{{\n{''.join(lines)}}}\n\n"
    )
    first, *rest = found.statements
    edits = [
        insert(_head_of(found.code, found.func), helper),
        replace(first, f"{_INSTALL}({found.journal});"),
        *(delete(found.code, each) for each in rest),
    ]
    return {found.code.path: apply(found.code.data, edits)}


def protect_nothing(files: Files) -> dict[str, bytes]:
    """FAULT: the commit's callback leaves the pages of journalled data as they are."""
    place, call = Sites(files).callback()
    data = apply(place.code.data, [replace(call.node, "0")])
    return {place.code.path: _without_unused(place.code.path, data, place.code)}


def install_by_mount_mode(files: Files) -> dict[str, bytes]:
    """FAULT: no callbacks on a data=journal mount; wants `install_in_one_place` before it."""
    for path, data in sorted(files.items()):
        code = read_code(path, data)
        for func in code.functions if _INSTALL.encode() in data else ():
            for call in func.named({_INSTALL}):
                block = _parameter(func, "struct super_block *")
                mode = f"test_opt({block}, DATA_FLAGS) != EXT4_MOUNT_JOURNAL_DATA"
                new = f"if ({mode})\n{code.indent(call.node)}\t{text(call.node)};"
                return {path: apply(data, [replace(statement_of(call.node), new)])}
    raise TreeError(f"no file calls {_INSTALL}()")


def _parameter(func: Func, kind: str) -> str:
    """Return the name of a function's parameter of a type."""
    for name, declared in func.parameters.items():
        if kind in declared:
            return name
    raise TreeError(f"{func.name}() has no parameter of the type {kind}")


def return_early(files: Files) -> dict[str, bytes]:
    """FAULT: a fault ends as soon as all blocks are mapped, also where data is journalled."""
    place, guard = Sites(files).guard()
    code, body = place.code, place.func.body
    inode = text(place.func.named({ASKS})[0].args[0])
    before = guard.prev_named_sibling
    first = before if before is not None and before.type == "comment" else guard
    words = "Nothing is left to do for a page all of whose blocks are mapped."
    edits = [delete_lines(code, first, guard)]
    edits += [insert(each, f"!{ASKS}({inode}) &&\n\t    ") for each in _delayed(body)]
    edits += [replace(each, f"/* {words} */") for each in _comments_on_mapped(body)]
    return {code.path: apply(code.data, edits)}


def _delayed(body: Node) -> list[Node]:
    """Return what the first question after delayed allocation asks, without its bracket."""
    for each in walk(body, "if_statement"):
        condition = each.child_by_field_name("condition")
        if condition is not None and re.search(r"\btest_opt\(.*\bDELALLOC\)", flat(condition)):
            return [condition.children[1]]
    return []


def _comments_on_mapped(body: Node) -> list[Node]:
    """Return the comment before the statement that asks whether all blocks are mapped."""
    for each in walk(body, "identifier"):
        if text(each) == "ext4_bh_unmapped":
            outer = each
            while outer.parent is not None and outer.parent != body:
                outer = outer.parent
            before = outer.prev_named_sibling
            return [before] if before is not None and before.type == "comment" else []
    return []


def list_from_zero(files: Files) -> dict[str, bytes]:
    """FAULT: a function puts pages on a transaction's list, all with the range of the first."""
    return _with_list_helper(files, "0", "A page is whole: its range begins at its first byte.")


def list_from_offset(files: Files) -> dict[str, bytes]:
    """Move what puts a page on a transaction's list into a function; nothing else changes."""
    return _with_list_helper(files, "", "The range is the page's place in the file.")


def _with_list_helper(files: Files, start: str, words: str) -> dict[str, bytes]:
    found = Sites(files).listing()
    kind, name = found.kind, f"ext4_protect_{found.kind}"
    offset = start or f"{text(found.calls[0].args[2].child_by_field_name('function'))}({kind})"
    given = ["handle_t *handle", "struct inode *inode", f"struct {kind} *{kind}", "loff_t len"]
    helper = (
        f"/*\n * Has this transaction's commit take a {kind} from those who write to it.\n"
        f" * {words}\n */\n{_wrapped(f'static int {name}(', given, ')')}\n{{\n"
        f"\treturn ext4_jbd2_inode_add_write(handle, inode, {offset}, len);\n}}\n\n"
    )
    users = [f for f in found.code.functions if f.named({"ext4_jbd2_inode_add_write"})]
    calls = {call.node.start_byte for call in found.calls}
    first = next(f for f in users if any(c.node.start_byte in calls for c in f.calls))
    edits = [insert(_head_of(found.code, first), helper)]
    for call in found.calls:
        arguments = (call.args[0], call.args[1], offset_of(call), call.args[3])
        edits.append(replace(call.node, f"{name}({', '.join(flat(a) for a in arguments)})"))
    return {found.code.path: apply(found.code.data, edits)}


def include_no_header(files: Files) -> dict[str, bytes]:
    """FAULT: a header is included that no patch brings, for a macro that it would define."""
    place = Sites(files).handler()
    own = [
        each for each in walk(place.code.root, "preproc_include")
        if text(each.child_by_field_name("path")).startswith('"')
    ]  # fmt: skip
    ends = place.func.named({"sb_end_pagefault"})
    if not own or not ends:
        raise TreeError(f"{place.code.path} includes no header of its own folder")
    end = statement_of(ends[-1].node)
    inode = text(place.func.named({ASKS})[0].args[0])
    edits = [
        insert(own[-1], f'#include "{HEADER}"\n'),
        insert(end, f"ext4_fault_debug({inode});\n{place.code.indent(end)}"),
    ]
    return {place.code.path: apply(place.code.data, edits)}


CHANGES: Mapping[str, Change] = {
    "install-in-one-place": install_in_one_place,
    "protect-nothing": protect_nothing,
    "install-by-mount-mode": install_by_mount_mode,
    "return-early": return_early,
    "list-from-zero": list_from_zero,
    "list-from-offset": list_from_offset,
    "include-no-header": include_no_header,
}


def _head_of(code: Code, func: Func) -> Node:
    """Return the comment right above a function, or the function."""
    before = func.node.prev_named_sibling
    if before is None or before.type != "comment":
        return func.node
    between = code.data[before.end_byte : func.node.start_byte]
    return before if between == b"\n" else func.node


def _without_unused(path: str, data: bytes, before: Code) -> bytes:
    """Remove the static functions that were used before an edit, and are not any more."""
    while True:
        code = read_code(path, data)
        unused = [f for f in code.functions if _is_unused(code, f) and not _was_unused(before, f)]
        if not unused:
            return data
        func = unused[-1]
        data = apply(data, [delete_lines(code, _head_of(code, func), func.node)])


def _is_unused(code: Code, func: Func) -> bool:
    if not text(func.node).startswith("static "):
        return False
    name = func.name.encode()
    return code.data.count(name) == text(func.node).encode().count(name)


def _was_unused(code: Code, func: Func) -> bool:
    return any(each.name == func.name and _is_unused(code, each) for each in code.functions)


def _wrapped(head: str, parts: Iterable[str], tail: str) -> str:
    """Lay a function's parameters out as kernel code has them: in lines below the first."""
    tabs, spaces = divmod(len(head), 8)
    lines = [head]
    for number, part in enumerate(parts):
        glue = ", " if number else ""
        width = len(lines[-1].expandtabs()) + len(glue) + len(part) + len(tail)
        if number and width > _WIDTH:
            lines[-1] += ","
            lines.append("\t" * tabs + " " * spaces + part)
        else:
            lines[-1] += glue + part
    return "\n".join(lines) + tail
