"""Which inode an expression is about: the local variable that all its accesses start from."""

from __future__ import annotations

import re

from patchbot_checks.csource.defs import definitions_of
from patchbot_checks.csource.expr import Expr
from patchbot_checks.csource.graph import Node
from patchbot_checks.csource.unit import Function
from patchbot_checks.rules.journal_mode_flip_unsafe.table import pattern

_MAX_SETS = 8
_INODE = re.compile(r"struct \w*inode\w* \*")


def root_of(expr: Expr, node: Node, function: Function) -> str:
    """Return the variable that leads to the inode; `ei = EXT4_I(inode)` leads to `inode`."""
    name = start_of(expr)
    for _ in range(_MAX_SETS):
        sets = definitions_of(function).reaching(name, node) if name else ()
        made = sets[0] if len(sets) == 1 else None
        if made is None or made.kind != "assign" or made.op != "=" or made.expr is None:
            return name
        before = start_of(made.expr, accessors=True)
        if not before or before == name or before not in function.locals:
            return name
        name, node = before, made
    return name


def owner_of(expr: Expr, node: Node, function: Function) -> str:
    """Return `root_of` what is locked or asked; "" where a mapping, say, was handed in beside an
    inode: whose it is, is not known."""
    root = root_of(expr, node, function)
    types = {p.name: p.ctype for p in function.parameters}
    inodes = {name for name, ctype in types.items() if _INODE.fullmatch(ctype)}
    return "" if inodes and root in types and root not in inodes else root


def start_of(expr: Expr, *, accessors: bool = False) -> str:
    """Return the leftmost variable of an access, "" for none; calls must be accessors if asked."""
    each = expr.bare
    while each.kind != "name":
        if (
            each.kind == "call"
            and accessors
            and not pattern("accessor", "calls").fullmatch(each.op)
        ):
            return ""
        if accessors and each.kind not in ("call", "field", "index", "unary", "cast"):
            return ""
        if not each.args:
            return ""
        each = each.args[0].bare
    return each.text
