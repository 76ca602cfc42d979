"""Faults seeded into a real kernel, each with the scenario that is meant to see it.

They are made by syntax, as the lab's and the rules' seeds are: by what a function calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from patchbot.lab.edits import Edit, apply, insert
from patchbot.lab.faults import list_from_zero, protect_nothing, return_early
from patchbot.lab.syntax import Code, statement_of, text, walk

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
)


DELAY = "patchbot: a commit waits"
_SUMS = "jbd2_block_tag_csum_set"


def delay_commit(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Wait between the checksum of a block that the window's program wrote and its I/O.

    This is how the window was opened before the gdb stub: the answers must be the same.
    """
    path = "fs/jbd2/commit.c"
    code = Code(path, files[path])
    calls = [call for func in code.functions for call in func.named({_SUMS})]
    (call,) = calls
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
