"""An include names a header that neither the tree nor the series provides.

Looks for what `#include "..."` names beside the file, in the folders that the folder's Makefile
adds with -I, and below include/; and for <linux/...> and <trace/events/...> below include/. It is
asked at each patch of a series: a header that a later patch adds is missing before. Headers that
the build generates, and those of architectures, are not looked for, and nothing is said where only
a part of a tree is there: no Makefile, no include/linux.

Why it is bad
    The tree does not compile at that patch: it can't be tested, and `git bisect` stops there. A
    header that was forgotten in the posting is on the author's disk, so the author does not see it.

Example
    #include "demo_debug.h"     /* in no patch of the series */

Use instead
    Add the header in the patch that includes it first, or leave the include out.

References
    Documentation/process/submitting-patches.rst, on splitting changes; a debugging patch on
    linux-ext4, August 2020.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from patchbot_checks.context import Context
from patchbot_checks.csource.text import Include
from patchbot_checks.program import Program
from patchbot_checks.report import Finding

WORDS = frozenset({"include"})
_JUDGED = ("linux/", "trace/events/")
_GENERATED = frozenset({"linux/version.h", "linux/compile.h", "linux/utsrelease.h"})
_WHOLE = 50
_FLAG = re.compile(rb"-I\s*(?:\$\((?:srctree|objtree)\)/)?(\$\((?:src|obj)\)/?)?([\w./-]*)")


def check(context: Context) -> Iterator[Finding]:
    """Yield the includes of headers that are not there."""
    for include in context.unit.includes:
        if include.guarded or not _is_missing(context, include):
            continue
        shown = f"<{include.path}>" if include.system else f'"{include.path}"'
        yield context.finding(
            None, include.line, f"{shown} is in neither the tree nor the series so far",
            key=include.path,
        )  # fmt: skip


def _is_missing(context: Context, include: Include) -> bool:
    program = context.program
    folder = posixpath.dirname(context.unit.path)
    if include.system:
        if not include.path.startswith(_JUDGED) or include.path in _GENERATED:
            return False
        known = _is_whole(program, posixpath.dirname(f"include/{include.path}"))
        return known and not _exists(program, include.path, ("include", "include/uapi"))
    added = _added_folders(program, folder)
    if added is None or include.path.startswith("generated/") or "asm/" in include.path:
        return False
    return not _exists(program, include.path, (folder, *added, "include", "include/uapi"))


def _exists(program: Program, path: str, folders: tuple[str, ...]) -> bool:
    return any(
        program.exists(posixpath.normpath(posixpath.join(folder, path))) for folder in folders
    )


def _is_whole(program: Program, folder: str) -> bool:
    """Whether a folder of headers is there as a whole."""
    return len(program.list_folder(folder)) >= _WHOLE


def _added_folders(program: Program, folder: str) -> tuple[str, ...] | None:
    """Return the folders that a Makefile adds for headers; None where there is no Makefile.

    A Makefile of a folder above counts too: subdir-ccflags-y.
    """
    found: list[str] = []
    seen = False
    each = folder
    while each:
        for name in ("Makefile", "Kbuild"):
            data = program.read(f"{each}/{name}")
            if data is None:
                continue
            seen = True
            if re.search(rb"\$\(\w*(?:shell|call|wildcard)", data):
                return None  # made by a rule: who knows
            for root, path in _FLAG.findall(data):
                base = each if root else ""
                found.append(posixpath.normpath(posixpath.join(base, path.decode() or ".")))
        each = posixpath.dirname(each)
    return tuple(found) if seen else None
