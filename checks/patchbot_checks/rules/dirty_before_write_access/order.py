"""Which buffers a path makes dirty, and gets write access to, in which order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from patchbot_checks.context import Context
from patchbot_checks.csource.expr import Expr
from patchbot_checks.csource.graph import Node
from patchbot_checks.csource.paths import Env, Machine, Outcome
from patchbot_checks.csource.unit import Function
from patchbot_checks.journal_data import ASKED, KNOWN, ask, decide, effects, is_about_page, reaches
from patchbot_checks.tables import names

PAGE = "*"
_PAGE_DIRTIERS = names("dirties-page")
DIRTIES = names("dirties-buffers", "dirties-in-transaction") | _PAGE_DIRTIERS
_FOLLOWED = KNOWN | ASKED
_BUFFERS = names("finds-buffers")
_NEW = names("asks-buffer-new")


@dataclass(frozen=True, slots=True)
class Dirt:
    """Something that a call made dirty; `what` is a buffer's text, PAGE for all of a page.

    `data` is whether it is one of a page's buffers; `plain` whether for writeback.
    """

    line: int
    name: str
    what: str
    data: bool
    plain: bool


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with something made dirty, and the path to it."""

    words: str
    steps: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class State:
    """What is dirty without write access, to what there is access, which buffers are new."""

    journals: bool | None = None
    dirt: frozenset[Dirt] = frozenset()
    access: frozenset[str] = frozenset()
    fresh: frozenset[str] = frozenset()


class Order(Machine[State]):
    """Collects in `faults` what was made dirty too early, with the first path to each."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.faults: dict[Dirt, Fault] = {}

    def start(self, function: Function) -> State:
        """See `Machine`."""
        return State()

    def step(self, node: Node, state: State, env: Env[State]) -> list[Outcome[State]] | None:
        """See `Machine`."""
        after = _renew(node, state)
        call = node.expr
        made = None if node.kind != "call" or call is None else self._call(node, call, after, env)
        return made or (None if after is state else [Outcome(after)])

    def _call(
        self, node: Node, call: Expr, state: State, env: Env[State]
    ) -> list[Outcome[State]] | None:
        done = effects(self._context, call, env.function)
        if "access" in done:
            return [self._got(call, _buffers(call, env.function), state, env)]
        page = call.op in _PAGE_DIRTIERS and not env.depth  # a helper may do it after all
        if page or done & {"plain", "dirty"}:
            return [self._dirtied(call, "plain" in done, state, env)]
        return ask(node, state) or self._follow(node, state, env)

    def _follow(self, node: Node, state: State, env: Env[State]) -> list[Outcome[State]] | None:
        callee = self._context.callee(node, env.function)
        if callee is None or not is_about_page(callee) or self._context.graph(callee) is None:
            return None
        if not reaches(self._context, callee, _FOLLOWED):
            return None
        return env.follow(node, callee, state)

    def _got(
        self, call: Expr, buffers: dict[str, bool], state: State, env: Env[State]
    ) -> Outcome[State]:
        late = frozenset(d for d in state.dirt if _is_meant(d, buffers))
        steps = (*env.steps(), (call.line, f"{call.op}() gets write access"))
        for each in late:
            self._report(each, Fault("before write access to it was got", steps), state, env)
        after = replace(state, dirt=state.dirt - late, access=state.access | frozenset(buffers))
        return Outcome(after, note=f"{call.op}() gets write access")

    def _report(self, dirt: Dirt, fault: Fault, state: State, env: Env[State]) -> None:
        known = dirt.data or state.journals
        if state.journals is not False and known and not env.depth:
            self.faults.setdefault(dirt, fault)

    def _dirtied(self, call: Expr, plain: bool, state: State, env: Env[State]) -> Outcome[State]:
        made = frozenset(
            Dirt(call.line, call.op, what, data, plain)
            for what, data in _buffers(call, env.function).items()
            if not state.access & {what, PAGE} and what not in state.fresh and (plain or data)
        )
        if not made or state.journals is False:
            return Outcome(state)
        return Outcome(replace(state, dirt=state.dirt | made), note=f"{call.op}() makes it dirty")

    def branch(self, node: Node, taken: bool, state: State, env: Env[State]) -> State | None:
        """See `Machine`."""
        expr = node.expr.bare if node.expr is not None else None
        if node.kind == "loop" and node.target is not None:
            return _forget(state, node.target.bare.text)
        if expr is not None and taken and expr.kind == "call" and expr.op in _NEW and expr.args:
            state = replace(state, fresh=state.fresh | {expr.args[0].text})
        return decide(node, taken, state, env)

    def end(self, node: Node, state: State, env: Env[State]) -> None:
        """See `Machine`."""
        if not state.journals or state.access:
            return
        steps = (*env.steps(), (node.line, "returns without write access"))
        for each in state.dirt:
            if each.plain:
                self._report(each, Fault("without write access to it", steps), state, env)

    def enter(self, state: State, call: Node, callee: Function, env: Env[State]) -> State:
        """See `Machine`."""
        back = _handed_on(call, callee)
        access = {name for name, given in back.items() if given in state.access}
        fresh = {name for name, given in back.items() if given in state.fresh}
        whole = state.access & {PAGE}
        return State(state.journals, access=whole | access, fresh=frozenset(fresh))

    def leave(
        self, state: State, before: State, call: Node, callee: Function, env: Env[State]
    ) -> State:
        """Take over what a helper did, as if the call had done it."""
        expr = call.expr
        assert expr is not None
        back = _handed_on(call, callee)
        before = replace(before, journals=state.journals)
        data = _page_buffers(env.function)
        dirt = frozenset(
            Dirt(call.line, expr.op, what, d.data or what in data, d.plain)
            for d in state.dirt
            if (what := _outside(d.what, d.data, back))
        )
        gained = {
            what: True for each in state.access
            if (what := _outside(each, each == PAGE or each in _page_buffers(callee), back))
        }  # fmt: skip
        after = self._got(expr, gained, before, env).state if gained else before
        kept = frozenset(d for d in dirt if not before.access & {d.what, PAGE})
        return replace(after, dirt=after.dirt | kept)


def _outside(what: str, data: bool, back: dict[str, str]) -> str:
    """Return what a helper's buffer is called by its caller: PAGE for one of a page's, else ""."""
    return back.get(what, PAGE if data else "")


def _handed_on(call: Node, callee: Function) -> dict[str, str]:
    """Return the caller's words for a helper's parameters."""
    args = call.expr.args if call.expr is not None else ()
    pairs = zip(callee.parameters, args, strict=False)
    return {p.name: a.bare.text for p, a in pairs if p.ctype == "struct buffer_head *"}


def _is_meant(dirt: Dirt, buffers: dict[str, bool]) -> bool:
    """Whether write access to some buffers is to what is dirty."""
    if dirt.what in buffers:
        return True
    return dirt.data and (dirt.what == PAGE or PAGE in buffers) and any(buffers.values())


def _buffers(call: Expr, function: Function) -> dict[str, bool]:
    """Return the buffers that a call is about, and whether each is one of a page's."""
    data = _page_buffers(function)
    if call.op not in KNOWN:  # it walks over a page's buffers, or is about the page
        return {PAGE: True}
    found = {
        each.text: each.text in data
        for each in (arg.bare for arg in call.args)
        if function.locals.get(each.text) == "struct buffer_head *"
        or (each.kind == "field" and each.op.endswith(("bh", "bhs")))
    }
    pages = any("page" in t or "folio" in t or "vm_fault" in t for t in _types(call, function))
    return {PAGE: True} if pages or not found else found


def _types(call: Expr, function: Function) -> Iterator[str]:
    return (function.locals.get(arg.bare.text, "") for arg in call.args)


def _page_buffers(function: Function) -> frozenset[str]:
    """Return the variables that walk over a page's buffers."""
    known: frozenset[str] | None = function.__dict__.get("_page_buffers")
    if known is None:
        known = frozenset(_walkers(function))
        function.__dict__["_page_buffers"] = known
    return known


def _walkers(function: Function) -> Iterator[str]:
    for node in function.graph.nodes:
        if node.kind == "assign" and node.target is not None and node.expr is not None:
            parts = {each.op for each in node.expr.walk() if each.kind in ("call", "field")}
            if parts & _BUFFERS or "b_this_page" in parts:
                yield node.target.text


def _renew(node: Node, state: State) -> State:
    """Forget what is known of a variable that a step sets, or may set through its address."""
    if node.kind == "declare":
        return _forget(state, node.name)
    if node.kind == "assign" and node.target is not None:
        return _forget(state, node.target.bare.text)
    for arg in node.expr.args if node.kind == "call" and node.expr is not None else ():
        if arg.bare.kind == "unary" and arg.bare.op == "&":
            state = _forget(state, arg.bare.args[0].text)
    return state


def _forget(state: State, name: str) -> State:
    def is_other(what: str) -> bool:
        return what != name and not what.startswith((f"{name}->", f"{name}.", f"{name}["))

    if all(map(is_other, (*(d.what for d in state.dirt), *state.access, *state.fresh))):
        return state
    return replace(
        state,
        dirt=frozenset(d for d in state.dirt if is_other(d.what)),
        access=frozenset(filter(is_other, state.access)),
        fresh=frozenset(filter(is_other, state.fresh)),
    )
