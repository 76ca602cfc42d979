"""The facts on fault handlers, and what a test of a fault's flags says."""

from __future__ import annotations

import functools
import re
import tomllib
from importlib import resources
from typing import Any

from patchbot_checks.csource.expr import Expr

ALLOW = "FAULT_FLAG_ALLOW_RETRY"
NOWAIT = "FAULT_FLAG_RETRY_NOWAIT"
TRIED = "FAULT_FLAG_TRIED"
VMA_LOCK = "FAULT_FLAG_VMA_LOCK"
RETRY = "VM_FAULT_RETRY"
FIRST = "first try, and retry allowed"


@functools.cache
def _facts() -> dict[str, Any]:
    text = resources.files("patchbot_checks.facts").joinpath("faults.toml").read_text("utf-8")
    return tomllib.loads(text)


@functools.cache
def handler_fields() -> tuple[str, ...]:
    """Return the callback fields that hold fault handlers."""
    return tuple(_facts()["handlers"])


def refuses(field: str) -> str:
    """Return who calls such a handler without caring for VM_FAULT_RETRY, "" where that is done."""
    each = _facts()["handlers"][field]
    return "" if each["retries"] else str(each["caller"])


@functools.lru_cache(maxsize=20_000)
def role(name: str) -> str:
    """Return what a function is in `facts/faults.toml`, "" for nothing."""
    for key, each in _facts()["calls"].items():
        if name and re.fullmatch(each["names"], name):
            return str(key)
    return ""


def flags_of(cond: Expr, taken: bool) -> dict[str, bool]:
    """Return which flags a condition shows to be set (True) or clear (False)."""
    cond = cond.bare
    if cond.kind == "unary" and cond.op == "!":
        return flags_of(cond.args[0], not taken)
    if cond.kind == "call" and role(cond.op) == "allow-first":
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
    return frozenset(name for name in expr.names if name.startswith("FAULT_FLAG_"))


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
