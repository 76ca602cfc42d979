"""A constant does not fit the type of the field or variable that it is put into.

Looks at initialisers and assignments of constants to variables and to fields of structs whose
definition is in the tree, bit-fields too. All bits set, and -1, are meant as such in an unsigned
type.

Why it is bad
    The value is another one than the reader sees: an "endless" number of pages to write becomes -1,
    and the loop that counts it down ends at once, or never.

Example
    struct writeback_control wbc = { .nr_to_write = ~0ULL };    /* a signed long: -1 */

Use instead
    The greatest value of the type: LONG_MAX for a long, INT_MAX for an int.

References
    include/linux/writeback.h, struct writeback_control; a build robot's warning on linux-ext4,
    September 2020.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator

from patchbot_checks.context import Context
from patchbot_checks.csource.expr import Expr
from patchbot_checks.csource.graph import Node
from patchbot_checks.csource.unit import Function
from patchbot_checks.report import Finding
from patchbot_checks.rules.constant_overflows_field.constants import (
    Constant,
    Kind,
    evaluate,
    fits,
    kind_of,
)
from patchbot_checks.structs import field_types, struct_name, type_of

WORDS = None
# A constant that may be too large for something: inverted, shifted, a limit, or of some length.
_LARGE = re.compile(
    rb"[^=!<>]=\s*[^=;\n]*?(?:~|<<|_MAX\b|0[xX][0-9a-fA-F]{2}|\b\d{3}|-\s*\d)|(?:\.|->)\w+\s*=\s*[2-9]"
)


FindKind = Callable[[], Kind | None]


def check(context: Context) -> Iterator[Finding]:
    """Yield the constants that lose bits where they are put."""
    for each in context.unit.initialisers:
        name = struct_name(each.ctype)
        for field, value in each.fields.items() if name else ():
            yield from _judge(context, None, *_field(context, name, field), value)
    wanted = frozenset(f.name for f in context.unit.functions if _LARGE.search(f.source))
    for function in context.functions(named=wanted):
        for node in function.graph.nodes:
            if node.kind == "assign" and node.op == "=" and node.expr is not None:
                yield from _assignment(context, function, node, node.expr)


def _assignment(context: Context, function: Function, node: Node, value: Expr) -> Iterator[Finding]:
    target = node.target
    if target is None:
        return
    if value.kind == "list" and target.kind == "name":
        name = struct_name(function.locals.get(target.text, ""))
        for pair in value.args if name else ():
            if pair.kind == "pair":
                yield from _judge(context, function, *_field(context, name, pair.op), pair.args[0])
    elif _may_be_constant(value):
        where, kind = _target(context, function, target)
        yield from _judge(context, function, where, kind, value)


def _may_be_constant(value: Expr) -> bool:
    return value.kind in ("number", "unary", "binary", "cast") or value.text.endswith("_MAX")


def _target(context: Context, function: Function, target: Expr) -> tuple[str, FindKind]:
    if target.kind == "name":
        return "a variable", lambda: kind_of(function.locals.get(target.text, ""))
    if target.kind != "field":
        return "", lambda: None
    base = target.args[0].bare
    name = struct_name(function.locals.get(base.text, "")) if base.kind == "name" else ""
    if name:
        return _field(context, name, target.op)
    return f"the field {target.op}", lambda: kind_of(
        type_of(context.program, context.unit, function, target)
    )


def _field(context: Context, name: str, field: str) -> tuple[str, FindKind]:
    """Return what a field is called, and what looks its type up: that reads headers."""
    types = functools.partial(field_types, context.program, context.unit, name)
    return f"{name}.{field}", lambda: kind_of(types().get(field, ""))


def _judge(
    context: Context, function: Function | None, where: str, find_kind: FindKind, value: Expr
) -> Iterator[Finding]:
    constant = evaluate(value, lambda name: _macro(context, name))
    if constant is None or not constant.number:  # nought fits whatever it is
        return
    kind = find_kind()
    if kind is None or fits(constant, kind):
        return
    yield context.finding(
        function, value.line,
        f"{value.text} does not fit {where}, {_type(kind)}: it becomes"
        f" {kind.wrap(constant.number)}",
        key=f"{where} {_size(constant)}",
    )  # fmt: skip


def _type(kind: Kind) -> str:
    sign = "signed" if kind.signed else "unsigned"
    return f"{'an' if kind.bits == 8 else 'a'} {sign} integer of {kind.bits} bits"


def _size(constant: Constant) -> str:
    return f"{constant.number:#x}"


def _macro(context: Context, name: str) -> Expr | None:
    """Return the body of an object-like macro of this file, where it is one number."""
    macro = context.unit.macros.get(name)
    if macro is None or macro.parameters is not None:
        return None
    body = macro.body.strip().strip(b"()").strip().decode("utf-8", "replace")
    inverted = body.startswith("~")
    digits = body.lstrip("~ ")
    if not digits[:1].isdigit() or " " in digits:
        return None
    number = Expr("number", digits)
    return Expr("unary", body, "~", (number,)) if inverted else number
