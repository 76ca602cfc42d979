"""What an expression or an assignment does to flags.

How a flag stands in a value: "set", "clear" (`~FLAG`), "keep" (what the inode has of it), "whole"
(the flags that the inode has), "some" (made of these, and of others) or "change" (somebody else's
idea of it, such as user space's).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from patchbot_checks.csource.expr import Expr
from patchbot_checks.rules.journal_mode_flip_unsafe.table import flags, kinds

How = tuple[str, str]
Carried = frozenset[tuple[str, str, str]]
_STRONGEST = ("set", "change", "keep", "clear", "whole", "some")
_OWN = ("whole", "some", "keep")
_DISK = re.compile(r"cpu_to_[lb]e\d+")


def hows(expr: Expr, carried: Carried) -> frozenset[How]:
    """Return how flags stand in a value, as (flag's name, how)."""
    expr = expr.bare
    if expr.kind in ("name", "field"):
        return frozenset({*_own(expr), *((n, how) for v, n, how in carried if v == expr.text)})
    if expr.kind == "unary" and expr.op == "~":
        return frozenset((name, _inverted(how)) for name, how in hows(expr.args[0], carried))
    args = expr.args[1:] if expr.kind == "choice" else expr.args
    each = [hows(arg, carried) for arg in args]
    if expr.kind == "binary" and expr.op == "&":
        return frozenset(_masked(*each))
    if expr.kind == "binary" and expr.op == "^":
        return frozenset((n, "change" if how == "set" else how) for e in each for n, how in e)
    if expr.kind == "binary":
        return frozenset((n, "some" if how == "whole" else how) for e in each for n, how in e)
    return frozenset().union(*each)


def _own(expr: Expr) -> Iterator[How]:
    """Yield how flags stand in a flag's name, or in an inode's flags."""
    if expr.text in flags():
        yield expr.text, "set"
    for flag in kinds() if expr.kind == "field" else ():
        if expr.op in flag.fields:
            yield min(flag.names), "whole"


def _inverted(how: str) -> str:
    return {"set": "clear", "clear": "set"}.get(how, how)


def _masked(left: frozenset[How], right: frozenset[How]) -> Iterator[How]:
    """Yield how flags stand in a & b."""
    for own, other in ((left, right), (right, left)):
        kept = {flags()[name].kind for name, how in other if how in _OWN}
        for name, how in own:
            if how == "set":
                yield name, "keep" if flags()[name].kind in kept else "change"
            elif how not in ("whole", "some"):
                yield name, how
            elif not any(h in ("set", "keep") for _, h in other):
                yield name, "some"


def strongest(found: Iterable[How]) -> dict[str, str]:
    """Return how each kind of flag stands, by one of its names."""
    best: dict[str, How] = {}
    for name, how in sorted(found):
        kind = flags()[name].kind
        if kind not in best or _STRONGEST.index(how) < _STRONGEST.index(best[kind][1]):
            best[kind] = (name, how)
    return dict(best.values())


def is_for_disk(expr: Expr) -> bool:
    """Whether a value is made for the disk: no inode in memory gets it."""
    return any(_DISK.match(call.op) for call in expr.calls())


def turned(op: str, value: Expr, carried: Carried) -> Iterator[tuple[str, bool | None]]:
    """Yield which flags an assignment to an inode's flags changes, and to what; None: either."""
    if is_for_disk(value):
        return
    for name, how in strongest(hows(value, carried)).items():
        if op == "=" and how in ("set", "change", "clear"):
            yield name, {"set": True, "change": None, "clear": False}[how]
        elif op == "|=" and how in ("set", "change"):
            yield name, True
        elif op == "&=" and how == "clear":
            yield name, False
        elif op == "^=" and how in ("set", "change"):
            yield name, None


def carry(target: str, op: str, value: Expr, carried: Carried) -> Carried:
    """Return what variables carry after an assignment to a local variable."""
    found = {(target, name, how) for name, how in hows(value, carried)}
    if op == "=":
        return frozenset({each for each in carried if each[0] != target} | found)
    if op == "|=":
        return carried | found
    cleared = {flags()[name].kind for _, name, how in found if how == "clear"}
    if op == "&=":
        kept = {c for c in carried if c[0] != target or flags()[c[1]].kind not in cleared}
        return frozenset(kept | {each for each in found if each[2] == "clear"})
    if op == "^=":
        return carried | {(v, n, "change" if how == "set" else how) for v, n, how in found}
    return frozenset(each for each in carried if each[0] != target)
