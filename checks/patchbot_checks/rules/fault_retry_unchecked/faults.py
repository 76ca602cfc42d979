"""The facts on fault handlers, and what a test of a fault's flags says."""

from __future__ import annotations

import functools

from patchbot_checks.csource.expr import Expr
from patchbot_checks.facts import load
from patchbot_checks.facts.model import Callback
from patchbot_checks.resources import lock
from patchbot_checks.tables import only, plays

ALLOW = only("fault-may-retry")
NOWAIT = only("fault-must-not-wait")
TRIED = only("fault-was-tried")
VMA_LOCK = only("fault-holds-area-lock")
RETRY = only("fault-retry")
FIRST = "first try, and retry allowed"
_ROLES = (
    "finds-fault-area", "pins-file", "returns-pin", "locks-or-drops", "allows-first-try",
    "ends-by-signal", "leads-on",
)  # fmt: skip


@functools.cache
def _handlers() -> dict[str, Callback]:
    return {each.name: each for each in load("callbacks.toml").of(Callback) if each.retries}


@functools.cache
def handler_fields() -> tuple[str, ...]:
    """Return the callback fields that hold fault handlers."""
    return tuple(_handlers())


def refuses(field: str) -> str:
    """Return who calls such a handler without caring for VM_FAULT_RETRY, "" where that is done."""
    each = _handlers()[field]
    return each.caller if each.retries == "no" else ""


def lock_effect(call: Expr) -> str:
    """Return what a call does with the lock that a fault came with: take, drop, or ""."""
    if plays(call.op, "takes-fault-lock"):
        return "take"
    return next((each.op for each in lock("mmap-lock").effects(call)), "")


@functools.lru_cache(maxsize=20_000)
def drops_by_name(name: str) -> bool:
    """Whether a call of this name drops the fault's lock, whatever its arguments."""
    return any(e.op == "drop" and e.part == "mmap-lock" for e in lock("mmap-lock").named(name))


@functools.lru_cache(maxsize=20_000)
def role(name: str) -> str:
    """Return which role that matters for fault handlers a function plays, "" for none."""
    return next((each for each in _ROLES if name and plays(name, each)), "")


def flags_of(cond: Expr, taken: bool) -> dict[str, bool]:
    """Return which flags a condition shows to be set (True) or clear (False)."""
    cond = cond.bare
    if cond.kind == "unary" and cond.op == "!":
        return flags_of(cond.args[0], not taken)
    if cond.kind == "call" and role(cond.op) == "allows-first-try":
        return {FIRST: taken}
    if cond.kind == "binary" and cond.op in ("==", "!="):
        return _compared(cond, taken == (cond.op == "=="))
    if cond.kind == "binary" and cond.op == "&":
        mask = _flags(cond)
        if len(mask) == 1 or not taken:
            return dict.fromkeys(mask, taken)
    return {}


def _compared(cond: Expr, equal: bool) -> dict[str, bool]:
    left, right = (each.bare for each in cond.args)
    if left.kind != "binary" or left.op != "&":
        return {}
    if right.text in ("0", "false"):
        return flags_of(left, not equal)
    mask, wanted = _flags(left), _flags(right)
    if equal:
        return {flag: flag in wanted for flag in mask}
    return dict.fromkeys(mask, False) if mask == wanted and len(mask) == 1 else {}


def _flags(expr: Expr) -> frozenset[str]:
    return frozenset(name for name in expr.names if plays(name, "fault-flag"))


def names_retry(value: Expr) -> bool:
    """Whether a value that is returned or kept has VM_FAULT_RETRY in it."""
    value = value.bare
    if value.kind == "name":
        return value.text == RETRY
    if value.kind == "binary" and value.op == "|":
        return any(names_retry(arg) for arg in value.args)
    if value.kind == "assign":
        return names_retry(value.args[1])
    return value.kind == "choice" and any(names_retry(arg) for arg in value.args[1:])
