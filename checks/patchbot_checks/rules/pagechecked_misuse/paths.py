"""What a path does with PG_checked: who asks, who clears it, and what becomes of the page."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from patchbot_checks.context import Context
from patchbot_checks.csource.expr import Expr, words_of
from patchbot_checks.csource.graph import Node
from patchbot_checks.csource.paths import Env, Machine, Outcome
from patchbot_checks.csource.unit import Function
from patchbot_checks.csource.values import NEGATIVE, NOT_NEGATIVE, ONE, ZERO
from patchbot_checks.journal_data import (
    KNOWN,
    ask,
    decide,
    effects,
    is_about_page,
    page_text,
    reaches,
)
from patchbot_checks.rules.pagechecked_misuse.modes import fields_of_journalled_data
from patchbot_checks.tables import names

ASKS = names("asks-checked")
CLEARS = names("clears-checked")
SETS = names("sets-checked")
SUBMITS = names("submits-page")
FREES = names("frees-buffers")
_HAS_BUFFERS = names("asks-has-buffers")
_FOLLOWED = ASKS | CLEARS | SETS | SUBMITS | FREES | KNOWN | names("unlocks-page", "forgets-page")


@dataclass(frozen=True, slots=True)
class Clear:
    """A call that cleared PG_checked of a page that is not journalled yet; `open` once unlocked."""

    page: str
    line: int
    open: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """What is known of the page on this path.

    `asked` is the line on which PG_checked was found set, `out` that on which the page was written
    out or its buffers freed without asking; `tested` is whether it was asked for at all.
    """

    journals: bool | None = None
    clears: frozenset[Clear] = frozenset()
    lost: frozenset[int] = frozenset()
    bare: frozenset[str] = frozenset()
    tested: bool = False
    asked: int = 0
    wiped: bool = False
    journalled: bool = False
    out: int = 0


@dataclass(slots=True)
class Faults:
    """What was found, by line: the first path to each. `later` are clears journalled after all."""

    lost: dict[int, tuple[tuple[int, str], ...]] = field(default_factory=dict)
    kept: dict[int, tuple[tuple[int, str], ...]] = field(default_factory=dict)
    bare: dict[int, tuple[tuple[int, str], ...]] = field(default_factory=dict)
    legs: dict[int, tuple[tuple[int, str], ...]] = field(default_factory=dict)
    later: set[int] = field(default_factory=set)


class Checked(Machine[State]):
    """Collects in `faults` what a function does wrong with PG_checked.

    `helper` is whether its callers are looked at too: then what is left open at its end is theirs.
    `legs` is whether every path must ask before a page goes out.
    """

    def __init__(self, context: Context, *, helper: bool, legs: bool) -> None:
        self._context = context
        self._helper = helper
        self._legs = legs
        self.faults = Faults()

    def start(self, function: Function) -> State:
        """See `Machine`."""
        return State()

    def step(self, node: Node, state: State, env: Env[State]) -> list[Outcome[State]] | None:
        """See `Machine`."""
        if node.kind == "assign" and node.target is not None:
            after = self._renew(node.target.bare.text, node, state, env)
            return None if after is state else [Outcome(after)]
        call = node.expr
        if node.kind != "call" or call is None:
            return None
        page = page_text(node, env.function)
        if call.op in ASKS:
            return self._asks(call, state)
        made = self._change(call, page, state, env)
        ways = [made] if made is not None else ask(node, state) or self._follow(node, state, env)
        return ways and [each for way in ways for each in _or_fails(way, state)]

    def _asks(self, call: Expr, state: State) -> list[Outcome[State]]:
        seen = replace(state, tested=True, out=0)
        if state.wiped and state.clears:
            return [Outcome(seen, ZERO)]
        yes = replace(seen, asked=call.line, journalled=False, wiped=False)
        return [Outcome(yes, ONE), Outcome(seen, ZERO)]

    def _change(
        self, call: Expr, page: str, state: State, env: Env[State]
    ) -> Outcome[State] | None:
        name = call.op
        if name in CLEARS:
            here = frozenset() if state.journalled else frozenset((Clear(page, call.line),))
            return Outcome(replace(state, clears=here, wiped=True), note=f"{name}()")
        if name in SETS:
            if page in state.bare and not env.depth:
                self.faults.bare.setdefault(call.line, env.steps())
            return Outcome(replace(state, clears=frozenset()), note=f"{name}()")
        if name in names("forgets-page", "dirties-page"):
            return Outcome(replace(state, clears=frozenset()))
        if name in names("gives-buffers"):
            return Outcome(replace(state, bare=frozenset()))
        if name in names("unlocks-page"):
            return self._unlock(call, page, state, env)
        if name in SUBMITS | FREES:
            return Outcome(state if state.tested else replace(state, out=call.line))
        return self._journal(call, state, env)

    def _journal(self, call: Expr, state: State, env: Env[State]) -> Outcome[State] | None:
        done = effects(self._context, call, env.function)
        if not done & {"access", "dirty"}:
            return None if not done else Outcome(state)
        self.faults.later.update(c.line for c in state.clears if not env.depth)
        after = replace(state, clears=frozenset(), journalled=True)
        return Outcome(after, note=f"{call.op}() journals the buffers")

    def _unlock(
        self, call: Expr, page: str, state: State, env: Env[State]
    ) -> Outcome[State] | None:
        mine = frozenset(c for c in state.clears if c.page == page)
        if not mine:
            return None
        if env.depth:
            state = replace(state, lost=state.lost | {c.line for c in mine})
        else:
            self._lose(mine, env, (call.line, "the page is unlocked"))
        open_ = frozenset(replace(c, open=True) for c in mine)
        return Outcome(replace(state, clears=(state.clears - mine) | open_))

    def _lose(self, clears: frozenset[Clear], env: Env[State], last: tuple[int, str]) -> None:
        for each in clears:
            self.faults.lost.setdefault(each.line, (*env.steps(), last))

    def _renew(self, name: str, node: Node, state: State, env: Env[State]) -> State:
        """Look at a page that is let go, where its variable is set anew."""
        gone = frozenset(c for c in state.clears if name in words_of(c.page))
        left = node.target is not None and env.function.locals.get(name) in _PAGES
        if not env.depth and (gone or left):
            self._leave_page(node, replace(state, clears=gone), env)
        if left:
            return State(state.journals, state.clears - gone)
        return replace(state, clears=state.clears - gone) if gone else state

    def _leave_page(self, node: Node, state: State, env: Env[State]) -> None:
        last = (node.line, "the page is let go")
        if state.clears and not (self._helper and node.kind == "return"):
            self._lose(state.clears, env, last)
        if state.asked and state.journalled and not state.wiped:
            self.faults.kept.setdefault(state.asked, (*env.steps(), last))
        if self._legs and state.out and state.journals is not False:
            self.faults.legs.setdefault(state.out, (*env.steps(), last))

    def _follow(self, node: Node, state: State, env: Env[State]) -> list[Outcome[State]] | None:
        callee = self._context.callee(node, env.function)
        if callee is None or not is_about_page(callee) or self._context.graph(callee) is None:
            return None
        if not reaches(self._context, callee, _FOLLOWED):
            return None
        return env.follow(node, callee, state)

    def branch(self, node: Node, taken: bool, state: State, env: Env[State]) -> State | None:
        """See `Machine`."""
        expr = node.expr.bare if node.expr is not None else None
        if node.kind == "loop" and node.target is not None:
            return self._renew(node.target.bare.text, node, state, env)
        if expr is not None and expr.kind == "field":
            answer = fields_of_journalled_data(self._context).get(expr.op)
            if answer is not None and answer != taken:  # so only where data is not journalled
                return None if state.journals else replace(state, journals=False)
        if expr is not None and expr.kind == "call" and expr.op in _HAS_BUFFERS:
            bare = state.bare - {page_text(node, env.function)}
            if not taken and expr.args:
                bare |= {_page_of(expr, node, env.function)}
            state = replace(state, bare=bare)
        return decide(node, taken, state, env)

    def end(self, node: Node, state: State, env: Env[State]) -> None:
        """See `Machine`."""
        if not env.depth:
            self._leave_page(node, replace(state, clears=_closed(state.clears)), env)

    def enter(self, state: State, call: Node, callee: Function, env: Env[State]) -> State:
        """See `Machine`."""
        back = _handed_on(call, callee, env.function)
        inside = {given: name for name, given in back.items()}
        clears = frozenset(
            replace(c, page=inside[c.page]) for c in state.clears if c.page in inside
        )
        return replace(state, clears=clears, lost=frozenset(), bare=frozenset())

    def leave(
        self, state: State, before: State, call: Node, callee: Function, env: Env[State]
    ) -> State:
        """See `Machine`."""
        back = _handed_on(call, callee, env.function)
        inside = set(back.values())
        mine = {c.line for c in before.clears}
        ours = frozenset(c for c in before.clears if c.line in state.lost)
        if ours and not env.depth:
            self._lose(ours, env, (call.line, f"{callee.name}() unlocks the page"))
        outside = frozenset(c for c in before.clears if c.page not in inside)
        clears = frozenset(
            Clear(back[c.page], c.line if c.line in mine else call.line, c.open)
            for c in state.clears
            if c.page in back and not (c.open and c.line not in mine)
        )
        out = call.line if state.out and state.out != before.out else state.out
        if env.depth == 0 and mine and state.journalled and not before.journalled:
            self.faults.later.update(mine - {c.line for c in state.clears})
        return replace(
            state, clears=clears | outside, lost=before.lost | (state.lost & mine),
            bare=before.bare, out=out,
            asked=call.line if state.asked not in (0, before.asked) else state.asked,
        )  # fmt: skip


def _or_fails(way: Outcome[State], before: State) -> tuple[Outcome[State], ...]:
    """Return the ways that writing a page out can go: what failed has not gone out."""
    if way.state.out == before.out or way.value is not None:
        return (way,)
    failed = replace(way.state, out=before.out)
    return replace(way, value=NOT_NEGATIVE), replace(way, state=failed, value=NEGATIVE)


_PAGES = frozenset(("struct page *", "struct folio *"))


def _closed(clears: frozenset[Clear]) -> frozenset[Clear]:
    return frozenset(c for c in clears if not c.open)


def _page_of(expr: Expr, node: Node, function: Function) -> str:
    made = Node(node.index, "call", node.line, expr=expr)
    return page_text(made, function)


def _handed_on(call: Node, callee: Function, function: Function) -> dict[str, str]:
    """Return the caller's words for a helper's pages, by parameter."""
    return {
        p.name: page_text(call, function, place)
        for place, p in enumerate(callee.parameters)
        if p.ctype in _PAGES and page_text(call, function, place)
    }
