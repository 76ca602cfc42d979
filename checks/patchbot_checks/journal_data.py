"""What calls do to a page whose data is journalled, and whether an inode's data is.

A call has *effects*: `access` (write access to buffers is got), `redirty` (and what was dirty is
made dirty in the transaction), `dirty` (buffers are made dirty in the transaction), `plain` (they
are made dirty for writeback), `list` (the inode is put on the transaction's list).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from patchbot_checks.context import Context
from patchbot_checks.csource.defs import definitions_of
from patchbot_checks.csource.expr import Expr
from patchbot_checks.csource.graph import Node
from patchbot_checks.csource.paths import Env, Outcome
from patchbot_checks.csource.unit import Function
from patchbot_checks.csource.values import ONE, ZERO
from patchbot_checks.tables import names

ASKED = names("data-journal-question")
_PLAIN_QUESTIONS = ASKED - names("asks-data-journal-mode")
_MODES = names("data-journal-mode")
_ROLES = {
    "access": names("gets-write-access"),
    "dirty": names("dirties-in-transaction"),
    "plain": names("dirties-buffers"),
    "list": names("lists-for-submit"),
}
KNOWN = frozenset().union(*_ROLES.values())
_CALL = re.compile(r"\b([A-Za-z_]\w*)\s*[(,)]")
_MAX_DEPTH = 3
_PAGE_TYPES = frozenset(f"struct {name} *" for name in ("vm_fault", "page", "folio", "buffer_head"))


class Asking(Protocol):
    """A machine's state that says whether the inode's data is journalled, None for not asked."""

    @property
    def journals(self) -> bool | None:
        """The answer on this path."""


A = TypeVar("A", bound=Asking)


def ask(node: Node, state: A) -> list[Outcome[A]] | None:
    """Return the two ways that a question goes, or the one that agrees with its last answer."""
    call = node.expr
    if node.kind != "call" or call is None or call.op not in _PLAIN_QUESTIONS:
        return None
    answers = (True, False) if state.journals is None else (state.journals,)
    return [Outcome(_with(state, each), ONE if each else ZERO) for each in answers]


def decide(node: Node, taken: bool, state: A, env: Env[A]) -> A | None:
    """Return the state after a branch that may say whether data is journalled; None if it can't."""
    expr = node.expr.bare if node.expr is not None else None
    if expr is None:
        return state
    if expr.kind == "binary" and expr.op in ("&", "==", "!=") and expr.args[1].text in _MODES:
        return _settle(state, taken == (expr.op != "!="))
    if expr.kind == "call" and taken and expr.op in names("rules-out-data-journal"):
        return _settle(state, False)
    return state


def answered(ways: list[Outcome[A]]) -> list[Outcome[A]]:
    """Return a helper's ways with the answer that its value gives, where it hands one on.

    It does where it asked, and returned true on all ways with a yes, false on all with a no.
    """
    told = {w.state.journals: _truth(w) for w in ways if w.state.journals is not None}
    if (
        any(w.state.journals is not None and _truth(w) != w.state.journals for w in ways)
        or not told
    ):
        return ways
    return [
        replace(w, state=_with(w.state, truth))
        if w.state.journals is None and (truth := _truth(w)) is not None else w
        for w in ways
    ]  # fmt: skip


def _truth(way: Outcome[A]) -> bool | None:
    return way.value.truth if way.value is not None else None


def _settle(state: A, answer: bool) -> A | None:
    if state.journals is None:
        return _with(state, answer)
    return state if state.journals == answer else None


def _with(state: A, answer: bool) -> A:
    return replace(state, journals=answer)  # type: ignore[type-var]


def effects(context: Context, call: Expr, function: Function) -> frozenset[str]:
    """Return what a call does by itself, or through the functions that it is given."""
    found: set[str] = set()
    for name in (call.op, *_given(call)):
        found |= _effects_of(context, name, function, callback=name != call.op)
    return frozenset(found)


def _given(call: Expr) -> Iterator[str]:
    """Yield the names that a call gets as arguments, which may be those of functions."""
    for arg in call.args:
        each = arg.bare
        each = each.args[0].bare if each.kind == "unary" and each.op == "&" else each
        if each.kind == "name":
            yield each.text


def _effects_of(context: Context, name: str, near: Function, *, callback: bool) -> set[str]:
    if name in near.locals:
        return set()
    found = {effect for effect, known in _ROLES.items() if name in known}
    if "access" in found:
        callee = context.program.find_function(name, near.path)
        if callee is not None and reaches(context, callee, _ROLES["dirty"]):
            found.add("redirty")
    elif callback and not found:
        callee = context.program.find_function(name, near.path)
        if callee is not None and any(p.ctype == "handle_t *" for p in callee.parameters):
            found = {each for each, known in _ROLES.items() if reaches(context, callee, known)}
    return found


def page_text(node: Node, function: Function, place: int = 0) -> str:
    """Return a call's argument with local variables written out, and a folio as its page."""
    if node.expr is None or len(node.expr.args) <= place:
        return ""
    text = definitions_of(function).text(node.expr.args[place], node)
    found = re.fullmatch(r"page_folio\((.+)\)|&(.+)->page", text)
    return (found.group(1) or found.group(2)) if found else text


def is_about_page(function: Function, *more: str) -> bool:
    """Whether a function gets a page, a folio, a fault or a buffer (or one of `more` types)."""
    return any(p.ctype in _PAGE_TYPES or p.ctype in more for p in function.parameters)


def called(function: Function) -> frozenset[str]:
    """Return the names of what a function calls, or hands on as functions, by its text."""
    known: frozenset[str] | None = function.__dict__.get("_calls")
    if known is None:
        known = frozenset(_CALL.findall(function.source.decode("utf-8", "replace")))
        function.__dict__["_calls"] = known
    return known


def reaches(
    context: Context, function: Function, words: frozenset[str], depth: int = _MAX_DEPTH
) -> bool:
    """Whether a function, or what it calls in its folder, has one of these words."""
    kept: dict[Any, bool] = context.program.__dict__.setdefault("_reaches", {})
    key = (function, words, depth)
    if key not in kept:
        kept[key] = False
        kept[key] = function.mentions(words) or (
            depth > 0
            and any(
                callee is not None and callee is not function
                and reaches(context, callee, words, depth - 1)
                for callee in (
                    context.program.find_function(name, function.path)
                    for name in sorted(called(function))
                )
            )
        )  # fmt: skip
    return kept[key]


def folder_has(context: Context, words: frozenset[str]) -> bool:
    """Whether a file in the folder has one of these words in its text."""
    raw = [word.encode() for word in words]
    texts = (context.program.read(path) for path in context.program.siblings(context.unit.path))
    return any(text is not None and any(word in text for word in raw) for text in texts)
