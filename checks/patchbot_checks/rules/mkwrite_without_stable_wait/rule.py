"""A path makes a page writable without waiting for the page's writeback.

Looks at the functions installed as `.page_mkwrite`, with the helpers of the same folder that they
call. On every path that returns VM_FAULT_LOCKED, something must have waited until the page is not
under I/O (or need not be waited for) since the page was last locked. Paths on which the inode's
data is journalled and write access was got are right too: jbd2 waits, or copies the block.

Why it is bad
    A device, or a checksum, reads the page while user space writes to it: the bytes on the disk
    differ from what was checksummed. Devices with T10 DIF/DIX fail the request at once.

Example
    folio_lock(folio);
    if (buffers_are_mapped(folio))
        return VM_FAULT_LOCKED;         /* may be under writeback */

Use instead
    folio_wait_stable() or wait_for_stable_page() with the page locked, right before it is returned;
    or block_page_mkwrite(), iomap_page_mkwrite(), filemap_page_mkwrite(), which do it.

References
    Documentation/filesystems/locking.rst, ->page_mkwrite(); mm/page-writeback.c,
    wait_for_stable_page() (v5.9) and folio_wait_stable() (v6.12); linux-fsdevel, February 2011, on
    pages that change under writeback.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from patchbot_checks.context import Context
from patchbot_checks.csource.graph import Node
from patchbot_checks.csource.paths import Env, Exit, Machine, Outcome, steps_of
from patchbot_checks.csource.unit import Function
from patchbot_checks.csource.values import constant_of
from patchbot_checks.handlers import find_handlers
from patchbot_checks.journal_data import effects, page_text
from patchbot_checks.report import Finding
from patchbot_checks.tables import names

WORDS = frozenset({"VM_FAULT_LOCKED", *names("maps-no-error-to-locked")})
_LOCKED = constant_of("VM_FAULT_LOCKED")
_FOLLOWED = names("waits-stable", "unlocks-page", "gets-write-access", "walks-buffers")


@dataclass(frozen=True, slots=True)
class _State:
    """Which pages are stable, whether write access was got, and where "locked" was decided.

    A page that something other than a wait for it made stable is "*".
    """

    stable: frozenset[str] = frozenset()
    access: bool = False
    line: int = 0


class _Waits(Machine[_State]):
    keeps = names("data-journal-question")

    def __init__(self, context: Context) -> None:
        self._context = context

    def start(self, function: Function) -> _State:
        return _State()

    def step(self, node: Node, state: _State, env: Env[_State]) -> list[Outcome[_State]] | None:
        if node.kind == "assign":
            locked = env.value(node.expr).constant == _LOCKED and node.op == "="
            return [Outcome(replace(state, line=node.line))] if locked else None
        if node.kind != "call" or node.expr is None:
            return None
        name = node.expr.op
        first = page_text(node, env.function)
        if name in names("waits-stable"):
            page = first if "page" in name or "folio" in name else "*"
            page = "*" if "mkwrite" in name else page
            return [Outcome(replace(state, stable=state.stable | {page}), note=f"{name}() waits")]
        if name in names("unlocks-page"):
            gone = {first} if env.depth else {first, "*"}
            if state.stable.isdisjoint(gone):
                return None
            return [Outcome(replace(state, stable=state.stable - gone), note=f"{name}()")]
        if "access" in effects(self._context, node.expr, env.function):
            return [Outcome(replace(state, access=True), note=f"{name}() gets write access")]
        callee = self._context.callee(node, env.function)
        if callee is not None and self._context.graph(callee) and callee.mentions(_FOLLOWED):
            return env.follow(node, callee, state)
        return None

    def enter(self, state: _State, call: Node, callee: Function, env: Env[_State]) -> _State:
        inside = (_parameter_of(page, call, callee, env.function) for page in state.stable)
        return replace(state, stable=frozenset(filter(None, inside)))

    def leave(
        self, state: _State, before: _State, call: Node, callee: Function, env: Env[_State]
    ) -> _State:
        kept = {
            page for page in before.stable
            if not _parameter_of(page, call, callee, env.function)
        }  # fmt: skip
        back = {
            "*" if page == "*" else _argument_of(page, call, callee, env.function)
            for page in state.stable
        }
        return replace(state, stable=frozenset(kept | back) - {""}, line=before.line)


def _parameter_of(text: str, call: Node, callee: Function, function: Function) -> str:
    """Return what a page of the caller is called in the helper, "" where it is not handed on."""
    for place, parameter in enumerate(callee.parameters):
        given = page_text(call, function, place)
        if given and parameter.name and (text == given or text.startswith(f"{given}->")):
            return parameter.name + text[len(given) :]
    return ""


def _argument_of(text: str, call: Node, callee: Function, function: Function) -> str:
    """Return what a page of the helper is called in the caller, "" where it is not its own."""
    for place, parameter in enumerate(callee.parameters):
        if text == parameter.name or text.startswith(f"{parameter.name}->"):
            return page_text(call, function, place) + text[len(parameter.name) :]
    return ""


def check(context: Context) -> Iterator[Finding]:
    """Yield the places where a page is returned locked that may be under writeback."""
    for function, _ in find_handlers(context, "page_mkwrite"):
        seen: set[int] = set()
        for each in context.explore(_Waits(context), function):
            line = each.state.line or each.node.line
            if not _is_faulty(each) or line in seen:
                continue
            seen.add(line)
            yield context.finding(
                function, line, "the page is returned locked and writable without a wait for its"
                " writeback",
                key="", steps=(*steps_of(each.trail), (each.node.line, "returns VM_FAULT_LOCKED")),
            )  # fmt: skip


def _is_faulty(end: Exit[_State]) -> bool:
    if end.value.constant != _LOCKED or end.state.stable:
        return False
    asked = names("data-journal-question")
    journalled = any(
        value.truth for key, value in end.facts.items() if key.partition("(")[0] in asked
    )
    return not (journalled and end.state.access)
