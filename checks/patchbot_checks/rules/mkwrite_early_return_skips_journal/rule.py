"""A path of a page_mkwrite handler lets user space write to a page that is not in the journal.

Looks at the functions installed as `.page_mkwrite`, with the helpers of the same folder that they
call, in file systems that can journal data. On every path that returns VM_FAULT_LOCKED (or 0), and
on which nothing said that this inode's data is not journalled, there must have been:

- write access to the page's buffers, in a handle that was started on this path;
- the buffers made dirty in the transaction, and the inode put on its list, so that the commit
  write-protects the page again. These two are asked for where the commit's callback of this file
  system knows of journalled data, or where inodes with journalled data are put on that list
  elsewhere in it.

Why it is bad
    jbd2 checksums a block at commit and writes it a little later. A store in between, through a
    mapping that nothing write-protected or made wait, changes the block: after a crash its checksum
    is wrong, recovery stops, and the file system does not mount.

Example
    if (!walk_page_buffers(NULL, head, 0, len, NULL, buffer_is_unmapped)) {
        ret = VM_FAULT_LOCKED;      /* all mapped: but the data may be journalled */
        goto out;
    }

Use instead
    if (ext4_should_journal_data(inode))
        goto start_handle;          /* get write access, make dirty, add the inode to the list */

References
    "ext4: data=journal: fixes for ext4_page_mkwrite()" and "ext4: data=journal: write-protect
    pages on j_submit_inode_data_buffers()", both v5.10; linux-ext4, August and September 2020.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from patchbot_checks.context import Context
from patchbot_checks.csource.expr import Expr
from patchbot_checks.csource.graph import Node
from patchbot_checks.csource.paths import Env, Exit, Machine, Outcome, is_fact, steps_of
from patchbot_checks.csource.unit import Function
from patchbot_checks.csource.values import NONZERO, ZERO, constant_of
from patchbot_checks.handlers import find_handlers
from patchbot_checks.journal_data import (
    ASKED,
    KNOWN,
    answered,
    ask,
    decide,
    effects,
    folder_has,
    is_about_page,
    reaches,
)
from patchbot_checks.report import Finding
from patchbot_checks.tables import names

WORDS = frozenset({"VM_FAULT_LOCKED", "page_mkwrite", *names("maps-no-error-to-locked")})
_LOCKED = constant_of("VM_FAULT_LOCKED") or 0
_HANDLES = names("starts-handle")
_RULED_OUT = names("rules-out-data-journal")
_FOLLOWED = WORDS | KNOWN | ASKED | _HANDLES | _RULED_OUT
_DONE = {"access": "access", "dirty": "dirty", "list": "listed"}


@dataclass(frozen=True, slots=True)
class _State:
    """What was done in the running handle, and where "locked" was decided.

    `plain` is whether buffers were made dirty outside it; `mixed` whether VM_FAULT_LOCKED was put
    into a value that may hold other bits.
    """

    journals: bool | None = None
    access: bool = False
    dirty: bool = False
    listed: bool = False
    plain: bool = False
    mixed: bool = False
    line: int = 0
    how: str = ""


class _Journals(Machine[_State]):
    def __init__(self, context: Context) -> None:
        self._context = context

    def start(self, function: Function) -> _State:
        return _State()

    def step(self, node: Node, state: _State, env: Env[_State]) -> list[Outcome[_State]] | None:
        if node.kind in ("assign", "return"):
            after = _note_locked(node, state, env)
            return None if after is state else [Outcome(after)]
        call = node.expr
        if node.kind != "call" or call is None:
            return None
        if call.op in _HANDLES:
            fresh = replace(state, access=False, dirty=False, listed=False, plain=False)
            return [Outcome(fresh, note=f"{call.op}() starts a handle")]
        done = effects(self._context, call, env.function)
        if done:
            return _do(call, done, state)
        return ask(node, state) or self._follow(node, state, env)

    def _follow(self, node: Node, state: _State, env: Env[_State]) -> list[Outcome[_State]] | None:
        callee = self._context.callee(node, env.function)
        if callee is None or self._context.graph(callee) is None:
            return None
        if is_about_page(callee, "handle_t *"):
            if not reaches(self._context, callee, _FOLLOWED):
                return None
        elif not reaches(self._context, callee, ASKED | _RULED_OUT, 1):  # see `leave`
            return None
        ways = env.follow(node, callee, state)
        return ways if ways is None or state.journals is not None else answered(ways)

    def branch(self, node: Node, taken: bool, state: _State, env: Env[_State]) -> _State | None:
        return decide(node, taken, state, env)

    def leave(
        self, state: _State, before: _State, call: Node, callee: Function, env: Env[_State]
    ) -> _State:
        if callee.path != env.function.path:
            state = replace(state, line=before.line, how=before.how)
        if not is_about_page(callee, "handle_t *"):  # what it did is about other pages
            return replace(before, journals=state.journals)
        return state


def _note_locked(node: Node, state: _State, env: Env[_State]) -> _State:
    """Remember where a value became VM_FAULT_LOCKED."""
    expr = node.expr.bare if node.expr is not None else None
    if expr is None:
        return state
    if _mixes(expr) or (node.op == "|=" and env.value(expr).constant == _LOCKED):
        return replace(state, line=node.line, how="", mixed=True)
    if env.value(expr).constant != _LOCKED:
        return state
    how = "error" if expr.kind == "call" and expr.op in names("maps-no-error-to-locked") else ""
    handed = expr.kind == "call" and state.line  # a helper decided, and said where
    if not how and (handed or (node.kind == "return" and not is_fact(expr))):
        return state
    return replace(state, line=node.line, how=how)


def _mixes(expr: Expr) -> bool:
    return expr.kind == "binary" and expr.op == "|" and "VM_FAULT_LOCKED" in expr.names


def _do(call: Expr, done: frozenset[str], state: _State) -> list[Outcome[_State]]:
    """Return what comes after a call that does something: it worked, or it failed."""
    made = {_DONE[each]: True for each in done if each in _DONE}
    if "redirty" in done and state.plain:
        made["dirty"] = True
    if "plain" in done:
        made["plain"] = True
    after = Outcome(replace(state, **made), ZERO if "plain" not in done else None)  # type: ignore[arg-type]
    return [after] if "plain" in done else [after, Outcome(state, NONZERO)]


def check(context: Context) -> Iterator[Finding]:
    """Yield the paths that return a page writable whose data is not in the journal."""
    if not folder_has(context, ASKED) or not folder_has(context, names("gets-write-access")):
        return
    listing = _must_list(context)
    for function, _ in find_handlers(context, "page_mkwrite"):
        seen: set[tuple[int, str]] = set()
        for each in context.explore(_Journals(context), function):
            missing = _missing(each, listing)
            line = each.state.line or each.node.line
            if not missing or (line, missing[0]) in seen:
                continue
            seen.add((line, missing[0]))
            yield context.finding(
                function, line, _message(each, missing),
                key=f"{missing[0]} {each.state.how}".strip(),
                steps=(*steps_of(each.trail), (each.node.line, "returns with the page writable")),
            )  # fmt: skip


def _missing(end: Exit[_State], listing: bool) -> list[str]:
    state = end.state
    locked = end.value.constant in (_LOCKED, 0)
    if state.journals is False or not (locked or (state.mixed and end.value.can_be(_LOCKED))):
        return []
    wanted = {"access": state.access}
    if listing:
        wanted |= {"dirty": state.dirty, "list": state.listed}
    return [name for name, done in wanted.items() if not done]


_WORDS = {
    "access": "write access to its buffers",
    "dirty": "its buffers made dirty in the transaction",
    "list": "the inode on the transaction's list",
}


def _message(end: Exit[_State], missing: list[str]) -> str:
    may = "is" if end.state.journals else "may be"
    told = " or ".join(
        filter(None, (", ".join(_WORDS[m] for m in missing[:-1]), _WORDS[missing[-1]]))
    )
    return f"the page is returned writable, and its data {may} journalled, without {told}"


def _must_list(context: Context) -> bool:
    """Whether the tree wants inodes with journalled data on the transaction's list.

    So it is where the commit's callback of this file system asks whether data is journalled, or
    where another function both gets write access to data and puts the inode on the list.
    """
    installed = context.program.installed(
        context.unit.path, frozenset(("j_submit_inode_data_buffers",))
    )
    for name in sorted(set().union(*installed.values())):
        if any(reaches(context, callback, ASKED) for callback in _defined(context, name)):
            return True
    return any(_lists_data(context, function) for function in _siblings(context))


def _defined(context: Context, name: str) -> Iterator[Function]:
    """Yield the functions of a name in the folder's files, static ones too."""
    for path in context.program.siblings(context.unit.path):
        data = context.program.read(path)
        unit = context.program.unit(path) if data is not None and name.encode() in data else None
        function = unit.find(name) if unit is not None else None
        if function is not None:
            yield function


def _siblings(context: Context) -> Iterator[Function]:
    words = [word.encode() for word in names("lists-for-submit")]
    handlers = context.program.installed(context.unit.path, frozenset(("page_mkwrite",)))
    skipped = set().union(*handlers.values())
    for path in context.program.siblings(context.unit.path):
        data = context.program.read(path)
        if data is None or not any(word in data for word in words):
            continue
        unit = context.program.unit(path)
        yield from (f for f in (unit.functions if unit else ()) if f.name not in skipped)


def _lists_data(context: Context, function: Function) -> bool:
    """Whether a path through a function gets write access to data and lists its inode."""
    given = names("gets-write-access")
    if not (function.mentions(names("lists-for-submit")) and function.mentions(given)):
        return False
    if context.graph(function) is None:
        return False
    ends = context.explore(_Journals(context), function)
    return any(e.state.access and e.state.listed and e.state.journals is not False for e in ends)
