"""A callback of write_cache_pages() drops a page's dirty bit in a case that needs it.

Looks at functions that are passed to write_cache_pages() and write nothing out: they return
AOP_WRITEPAGE_ACTIVATE, as a walk that only write-protects pages does. It is asked, case by case,
whether some path through the function comes back without making the page dirty again:

- a buffer is dirty: it is of an older transaction, and must still be checkpointed;
- a buffer belongs to another transaction than the one that commits;
- a buffer is in the next transaction as well.

Why it is bad
    clear_page_dirty_for_io() has run before the callback. A page that stays clean is not written
    by checkpointing, or not write-protected when the running transaction commits: old data stays
    on the disk, or the journal's checksum fails after a crash.

Example
    if (jh->b_transaction != committing || jh->b_next_transaction)
        redirty_page_for_writepage(wbc, page);      /* and a buffer that is only dirty? */
    return AOP_WRITEPAGE_ACTIVATE;

Use instead
    Ask for all three, for each buffer of the page, and redirty with
    redirty_page_for_writepage() or folio_redirty_for_writepage().

References
    mm/page-writeback.c, write_cache_pages(); fs/jbd2/commit.c; linux-ext4, August 2020, review of
    a write-protecting walk; commit afb585a97f81 ("ext4: data=journal: write-protect pages on
    j_submit_inode_data_buffers()", v5.10).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from patchbot_checks.context import Context
from patchbot_checks.csource.expr import Expr
from patchbot_checks.csource.graph import Node
from patchbot_checks.csource.paths import Env, Exit, Machine, Outcome, is_fact, steps_of
from patchbot_checks.csource.unit import Function
from patchbot_checks.csource.values import NONZERO, POSITIVE, ZERO, Value, constant_of
from patchbot_checks.report import Finding
from patchbot_checks.tables import names, role

WORDS = names("walks-dirty-pages")
_ACTIVATE = constant_of("AOP_WRITEPAGE_ACTIVATE")
_FIELDS = role("journal-head-field")
_CASES = {
    "dirty": "a page with a dirty buffer, which still needs checkpointing,",
    "owner": "a page with a buffer of another transaction than the committing one",
    "next": "a page with a buffer that is also in the next transaction",
}


@dataclass(frozen=True, slots=True)
class _State:
    """Whether the page is taken care of, and whether a buffer of it was looked at."""

    kept: bool = False
    looked: bool = False


class _Case(Machine[_State]):
    """Follows the paths on which every buffer is of one case."""

    def __init__(self, context: Context, case: str) -> None:
        self._context = context
        self._case = case

    def start(self, function: Function) -> _State:
        return _State()

    def answer(self, expr: Expr) -> Value | None:
        """Return what a question about a buffer is answered with in this case."""
        expr = expr.bare
        if expr.kind == "call" and expr.op in names("asks-buffer-dirty"):
            return NONZERO if self._case == "dirty" else ZERO
        if expr.kind == "call" and expr.op in names("asks-buffer-journalled"):
            return NONZERO
        if expr.kind == "field" and expr.op in _FIELDS:
            return POSITIVE if "owner" in _FIELDS[expr.op].args or self._case == "next" else ZERO
        return None

    def step(self, node: Node, state: _State, env: Env[_State]) -> list[Outcome[_State]] | None:
        expr = node.expr
        if node.kind == "assign" and expr is not None:
            known = self._known(expr)
            return [Outcome(_look(state), assume=known)] if known else None
        if node.kind != "call" or expr is None:
            return None
        if expr.op in names("redirties", "submits-page"):
            return [Outcome(replace(state, kept=True), note=f"{expr.op}()")]
        if expr.op in names("finds-journal-head"):
            return [Outcome(_look(state), POSITIVE)]
        callee = self._context.callee(node, env.function)
        if callee is not None and self._context.graph(callee):
            return env.follow(node, callee, state)
        return None

    def _known(self, expr: Expr) -> tuple[tuple[str, Value], ...]:
        found = []
        for each in expr.walk():
            value = self.answer(each)
            if value is not None:
                found.append((each.text, value))
        return tuple(found)

    def branch(self, node: Node, taken: bool, state: _State, env: Env[_State]) -> _State | None:
        expr = node.expr.bare if node.expr is not None else None
        if expr is None:
            return state
        if expr.kind == "binary" and expr.op in ("==", "!="):
            owned = [e for e in map(_plain, expr.args) if e.op in _FIELDS and e.kind == "field"]
            if owned and not is_fact(expr.args[1]):
                same = self._case != "owner" if "owner" in _FIELDS[owned[0].op].args else False
                return _look(state) if taken == (same == (expr.op == "==")) else None
            if env.value(expr.args[1]) == ZERO:  # x == NULL asks what !x asks
                expr, taken = expr.args[0].bare, taken == (expr.op == "!=")
        value = self.answer(expr)
        if value is None or value.truth is None:
            return state
        return _look(state) if taken == value.truth else None


def _plain(expr: Expr) -> Expr:
    return expr.bare


def _look(state: _State) -> _State:
    return replace(state, looked=True)


def check(context: Context) -> Iterator[Finding]:
    """Yield, for each case, the callbacks that lose a page's dirty bit in it."""
    if not any(word in context.unit.data for word in (b"jbd2", b"journal_head", b"b_transaction")):
        return
    wanted = frozenset(_find_callbacks(context))
    for function in context.functions(named=wanted):
        if not function.mentions(frozenset({"AOP_WRITEPAGE_ACTIVATE"})):
            continue
        for case, words in _CASES.items():
            ends = context.explore(_Case(context, case), function)
            lost = [e for e in ends if e.value.constant == _ACTIVATE and not e.state.kept]
            careful = [e for e in lost if e.state.looked] or _all_blind(ends, lost)
            if careful:
                yield context.finding(
                    function, _line_of(function, careful[0]),
                    f"{words} is not made dirty again",
                    key=case, steps=steps_of(careful[0].trail),
                )  # fmt: skip


def _all_blind(ends: list[Exit[_State]], lost: list[Exit[_State]]) -> list[Exit[_State]]:
    """Return the paths that lose it where no path at all looks at a buffer."""
    return lost if not any(e.state.looked for e in ends) else []


def _find_callbacks(context: Context) -> Iterator[str]:
    place = next(iter(role("walks-dirty-pages").values())).args["callback"]
    for path in context.program.siblings(context.unit.path):
        data = context.program.read(path)
        if data is None or not any(word.encode() in data for word in WORDS):
            continue
        unit = context.program.unit(path)
        for function in unit.functions if unit is not None else ():
            if not function.mentions(WORDS) or context.graph(function) is None:
                continue
            for node in function.graph.nodes:
                call = node.expr if node.kind == "call" else None
                if call is not None and call.op in WORDS and len(call.args) > place:
                    yield call.args[place].text.lstrip("&")


def _line_of(function: Function, end: Exit[_State]) -> int:
    """Return the line of the condition under which the page is redirtied, else of the return."""
    lines: list[int] = []
    for node in function.graph.nodes:
        call = node.expr if node.kind == "call" else None
        if call is not None and call.op in names("redirties"):
            lines += [
                n.line for n in function.graph.nodes if n.kind == "branch" and _leads(n, node)
            ]
    return min(lines, default=end.node.line)


def _leads(branch: Node, goal: Node) -> bool:
    """Whether one way out of a branch leads to a step with nothing but decisions between."""
    for after in branch.succ:
        each, steps = after, 0
        while each.kind == "join" and len(each.succ) == 1 and steps < 8:
            each, steps = each.succ[0], steps + 1
        if each is goal or (each.kind == "branch" and each.index != branch.index and steps < 8
                            and each.line >= branch.line and _next_is(each, goal)):  # fmt: skip
            return True
    return False


def _next_is(branch: Node, goal: Node) -> bool:
    for after in branch.succ:
        while after.kind == "join" and len(after.succ) == 1:
            after = after.succ[0]
        if after is goal:
            return True
    return False
