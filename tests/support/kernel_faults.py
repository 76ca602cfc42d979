"""Faults seeded into a real kernel, each with the scenario that is meant to see it.

They are made by syntax, as the lab's and the rules' seeds are: by what a function calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from patchbot.lab.edits import Edit, apply, delete, insert, replace
from patchbot.lab.faults import list_from_zero, protect_nothing, return_early
from patchbot.lab.syntax import Call, Code, find_calls, flat, statement_of, text, walk

Change = Callable[[Mapping[str, bytes]], dict[str, bytes]]


@dataclass(frozen=True, slots=True)
class KernelFault:
    """A change of files that brings a fault, and the scenarios that must fail with it.

    `spares` are scenarios that must not: they tell that it is this fault, and not any.
    """

    name: str
    change: Change
    caught_by: tuple[str, ...]
    spares: tuple[str, ...] = ()


_STABLE = {"wait_for_stable_page", "folio_wait_stable"}
_FLIP = "ext4_change_inode_journal_flag"


def wait_for_no_io(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Where a page is made writable, nobody waits for its I/O any more."""
    changed = {}
    for path in ("fs/ext4/inode.c", "fs/buffer.c"):
        code = Code(path, files[path])
        calls = [call for func in code.functions for call in func.named(_STABLE)]
        assert calls
        edits = [delete(code, statement_of(call.node)) for call in calls]
        changed[path] = apply(code.data, edits)
    return changed


def switch_dax_inodes(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The journal flag of an inode with DAX is changed, where that was refused as busy."""
    for path, data in sorted(files.items()):
        code = Code(path, data)
        for func in code.functions if b"-EBUSY" in data else ():
            for each in walk(func.body, "if_statement"):
                condition = each.child_by_field_name("condition")
                assert condition is not None
                if flat(condition) == "(IS_DAX(inode))" and "-EBUSY" in flat(each):
                    return {path: apply(data, [replace(condition, "(0)")])}
    raise AssertionError("nothing refuses an inode with DAX as busy")


def _in_flip(files: Mapping[str, bytes], names: set[str]) -> tuple[Code, list[Call]]:
    code = Code("fs/ext4/inode.c", files["fs/ext4/inode.c"])
    calls = [c for func in code.functions if func.name == _FLIP for c in func.named(names)]
    assert calls
    return code, calls


def flip_without_lock(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The journal flag is changed while faults go on."""
    code, calls = _in_flip(files, {"filemap_invalidate_lock", "filemap_invalidate_unlock"})
    edits = [delete(code, statement_of(call.node)) for call in calls]
    return {code.path: apply(code.data, edits)}


def flip_without_writeback(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The journal flag is set while the inode has dirty pages of the other mode."""
    code, calls = _in_flip(files, {"filemap_write_and_wait"})
    return {code.path: apply(code.data, [replace(call.node, "0") for call in calls])}


def flip_without_flush(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The journal flag is cleared while the journal still has blocks of the inode."""
    code, calls = _in_flip(files, {"jbd2_journal_flush"})
    return {code.path: apply(code.data, [replace(call.node, "0") for call in calls])}


def keep_inline_data(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """A fault makes a page of inline data writable without making a block of it before."""
    code = Code("fs/ext4/inode.c", files["fs/ext4/inode.c"])
    calls = [
        call
        for func in code.functions
        if func.name.endswith("page_mkwrite")
        for call in func.named({"ext4_convert_inline_data"})
    ]
    assert calls
    return {code.path: apply(code.data, [replace(call.node, "0") for call in calls])}


def dirty_in_handle(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """A fault that journals marks its page as dirty before it closes its handle."""
    code = Code("fs/ext4/inode.c", files["fs/ext4/inode.c"])
    (call,) = (
        call
        for func in code.functions
        if func.name.endswith("page_mkwrite")
        for call in func.named({"ext4_jbd2_inode_add_write"})
    )
    statement = statement_of(call.node)
    return {code.path: apply(code.data, [insert(statement, "set_page_dirty(page);\n\t\t\t")])}


FAULTS = (
    KernelFault(
        "range-start-0",
        list_from_zero,
        ("write-protect/later-page", "write-protect/tail-page", "commit-verify/large-blocks"),
        ("write-protect/first-page",),
    ),
    KernelFault(
        "early-return",
        return_early,
        ("write-protect/first-page", "write-protect/journal-flag"),
    ),
    KernelFault(
        "protects-nothing",
        protect_nothing,
        ("write-protect/first-page", "write-protect/small-blocks", "crash-images"),
    ),
    KernelFault(
        "stable-wait-removed",
        wait_for_no_io,
        ("stable-pages/data-ordered", "stable-pages/data-writeback"),
    ),
    KernelFault("ebusy-dropped", switch_dax_inodes, ("dax-flip",), ("write-protect/first-page",)),
    KernelFault("faults-let-in", flip_without_lock, ("journal-flip/committed",)),
    KernelFault("writeback-dropped", flip_without_writeback, ("journal-flip/committed",)),
    KernelFault("journal-kept", flip_without_flush, ("journal-flip/alone",)),
    KernelFault("inline-data-kept", keep_inline_data, ("inline-race/alone",)),
)
"""The seeded faults; a name with variants stands for all, one of which must fail."""


DELAY = "patchbot: a commit waits"
_SUMS = "jbd2_block_tag_csum_set"


def delay_commit(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Wait between the checksum of a block that the window's program wrote and its I/O.

    This is how the window was opened before the gdb stub: the answers must be the same.
    """
    path = "fs/jbd2/commit.c"
    code = Code(path, files[path])
    # Its function is too full of macros to be found whole.
    (call,) = [c for c in find_calls(code.root) if c.name == _SUMS]
    bytes_ = f"({text(call.args[2])})->b_data"
    wait = (
        f"\n\t\tif ({bytes_}[256] == 'b') {{\n\t\t\tpr_info(\"{DELAY}\\n\");\n"
        "\t\t\tmdelay(3000);\n\t\t}"
    )
    statement = statement_of(call.node)
    added = Edit(statement.end_byte, statement.end_byte, wait)
    first = next(walk(code.root, "preproc_include"))
    header = insert(first, "#include <linux/delay.h>\n")
    return {path: apply(code.data, [header, added])}
