"""Follow all paths through a function, with what is known on each.

A *machine* (a rule's automaton) has a state that changes at the steps of a path. The explorer
carries states along the control-flow graph, each with facts about values: what branches decided
and assignments set. A way that contradicts its facts is not taken, so that `if (locked) unlock()`
agrees with the `if` that locked. Where many states meet, those whose machine state is the same are
merged and keep only the facts that they share; so the work is bounded, and paths may be
taken that can't be, but none is missed, but for these assumptions:

- a field keeps its value until this function sets it, or passes its address to a call;
- a *question* (a call that changes nothing, see `is_question`) asked again about the same things
  gives the same answer, unless `Explorer(agree=False)`, or the thing's lock was waited for.
"""

from __future__ import annotations

import functools
import heapq
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from patchbot_checks.csource.expr import Expr, words_of
from patchbot_checks.csource.graph import Node, NotUnderstoodError
from patchbot_checks.csource.unit import Function
from patchbot_checks.csource.values import (
    ANY,
    NEGATIVE,
    NONZERO,
    NOT_NEGATIVE,
    NOT_POSITIVE,
    ONE,
    POSITIVE,
    TRUTH,
    ZERO,
    Value,
    anything_but,
    constant_of,
    exactly,
    invert,
    is_symbol,
    parse_number,
)
from patchbot_checks.tables import names, role

S = TypeVar("S")
Facts = Mapping[str, Value]
MAX_KEPT = 6
MAX_STEPS = 60_000
MAX_DEPTH = 4
_QUESTION = re.compile(
    r"(?:ext4_(?:has|should|is|test|verity|handle_valid|in)_\w+|\w*_(?:is|has|can|test|want|needs?)"
    r"_\w+|\w+_(?:enabled|empty|valid|mapped|locked|dirty)|is_\w+|has_\w+|can_\w+|"
    r"IS_(?!ERR)\w+|[A-Z][A-Z0-9_]*|S_IS\w+|test_opt2?|test_bit|buffer_\w+|Page[A-Z]\w*|"
    r"folio_test_\w+|mapping_\w+|i_size_read|i_blocksize|page_has_buffers|folio_buffers|"
    r"sb_rdonly|jbd2_has_\w+|page_offset|folio_pos|EXT4_\w+|\w+_I|\w+_SB|page_buffers|"
    r"bdev_\w+|vma_is_\w+|ext4_journal_current_handle|journal_current_handle)\Z"
)
_CHANGES = re.compile(
    r"(?:WRITE_ONCE|set_|clear_|\w*test_and_|\w*parse_|__set_|__clear_|Set[A-Z]|Clear[A-Z]|"
    r"TestSet|TestClear|mark_|lock_|unlock_|"
    r"folio_(?:set|clear|mark|lock|unlock|test_set|test_clear|start|end)|"
    r"ext4_(?:set|clear|test_and)_|i_size_write|ext4_clear_inode|ext4_set_inode|create_empty)"
)
_WAITS = re.compile(r"(?:__)?lock_(?:page|buffer)\w*|(?:__)?folio_lock\w*")
"""Calls that wait for somebody else's lock: what was asked before may have another answer now."""


def is_question(name: str) -> bool:
    """Whether a call by this name is taken to change nothing and to depend on its arguments."""
    return bool(_QUESTION.match(name)) and not _CHANGES.match(name)


def is_fact(expr: Expr) -> bool:
    """Whether an expression is a constant: a number, NULL, or a name that stands for one."""
    expr = expr.bare
    return expr.kind == "number" or (expr.kind == "name" and constant_of(expr.text) is not None)


@dataclass(frozen=True, slots=True)
class Outcome(Generic[S]):
    """One way that a step can go: the machine's state, the call's value, a line for the path.

    `assume` are more values that hold then, by canonical text. `stop` ends the path.
    """

    state: S
    value: Value | None = None
    note: str = ""
    assume: tuple[tuple[str, Value], ...] = ()
    stop: bool = False


@dataclass(frozen=True, slots=True)
class Trail:
    """The way to a state, newest step first."""

    before: Trail | None
    line: int
    text: str
    weight: int = 0
    path: str = ""


@dataclass(frozen=True, slots=True)
class Exit(Generic[S]):
    """One way out of a function: the machine's state and the value returned."""

    state: S
    value: Value
    node: Node
    trail: Trail | None
    facts: Facts


class Machine(Generic[S]):
    """A rule's automaton; override what matters. States must be hashable.

    `keeps` are questions whose answers stay known to the end of a path, for `Exit.facts`.
    """

    keeps: frozenset[str] = frozenset()

    def start(self, function: Function) -> S:
        """Return the state at a function's entry."""
        raise NotImplementedError

    def step(self, node: Node, state: S, env: Env[S]) -> Iterable[Outcome[S]] | None:
        """Return the ways that a step can go; None for no change."""
        return None

    def branch(self, node: Node, taken: bool, state: S, env: Env[S]) -> S | None:
        """Return the state after a decision; None where the machine knows it can't be so."""
        return state

    def choose(self, node: Node, after: Node, state: S, env: Env[S]) -> S | None:
        """Return the state after a switch went to `after`; None where it can't be so."""
        return state

    def end(self, node: Node, state: S, env: Env[S]) -> None:
        """Look at a state at a return."""

    def enter(self, state: S, call: Node, callee: Function, env: Env[S]) -> S:
        """Return the state at the entry of a helper that is followed into."""
        return state

    def leave(self, state: S, before: S, call: Node, callee: Function, env: Env[S]) -> S:
        """Return the state after a helper, from that at its return and that before the call."""
        return state


@dataclass(slots=True)
class _Item(Generic[S]):
    state: S
    facts: dict[str, Value]
    trail: Trail | None


@dataclass(slots=True)
class Env(Generic[S]):
    """What a machine may ask at a step."""

    explorer: Explorer[S]
    function: Function
    facts: dict[str, Value]
    trail: Trail | None
    depth: int

    def value(self, expr: Expr | None) -> Value:
        """Return what is known of an expression here."""
        return self.explorer.evaluate(expr, self.facts) if expr is not None else ANY

    def known(self, text: str) -> Value:
        """Return what is known of the expression with this canonical text."""
        return self.facts.get(text, ANY)

    def steps(self) -> tuple[tuple[int, str], ...]:
        """Return the path to here as (line, text), oldest first."""
        return steps_of(self.trail)

    def follow(self, node: Node, callee: Function, state: S) -> list[Outcome[S]] | None:
        """Follow a call into a helper; None where that can't be done."""
        return self.explorer.follow(node, callee, state, self)


def steps_of(trail: Trail | None) -> tuple[tuple[int, str], ...]:
    """Return a trail as (line, text), oldest first."""
    found: list[tuple[int, str]] = []
    while trail is not None:
        found.append((trail.line, trail.text))
        trail = trail.before
    return tuple(reversed(found))


class Explorer(Generic[S]):
    """Runs one machine over functions; keeps what it learnt of helpers."""

    def __init__(
        self,
        machine: Machine[S],
        *,
        agree: bool = True,
        max_kept: int = MAX_KEPT,
        tick: Callable[[], None] = lambda: None,
    ) -> None:
        self.machine = machine
        self.agree = agree
        self._kept = max_kept
        self._tick = tick
        self._helpers: dict[object, list[tuple[S, Value]] | None] = {}
        self._inside: list[Function] = []
        self._quiet = 0
        self.merged = False

    @property
    def silent(self) -> bool:
        """Whether a helper is being followed: ends seen now are not those of the function."""
        return self._quiet > 0

    def run(
        self, function: Function, state: S | None = None, facts: Facts | None = None
    ) -> list[Exit[S]]:
        """Follow all paths from the entry; raises `NotUnderstoodError` where there are too many."""
        graph = function.graph
        ready = _ready(function)
        order, live, dead, joins, by_index = (
            ready.order, ready.live, ready.dead, ready.joins, ready.nodes,
        )  # fmt: skip
        first = self.machine.start(function) if state is None else state
        exits: list[Exit[S]] = []
        arrived: dict[int, dict[S, list[dict[str, Value]]]] = {}
        waiting: dict[int, list[_Item[S]]] = {}
        heap: list[tuple[int, int]] = []
        steps = 0

        def arrive(node: Node, item: _Item[S]) -> None:
            index = node.index
            item.facts = self._live_facts(item.facts, live[index], dead[index])
            if joins[index] and not self._admit(arrived.setdefault(index, {}), item):
                return
            queue = waiting.get(index)
            if queue is None:
                waiting[index] = [item]
                heapq.heappush(heap, (order[index], index))
            else:
                queue.append(item)

        arrive(graph.entry, _Item(first, dict(facts or {}), None))
        while heap:
            _, index = heapq.heappop(heap)
            node = by_index[index]
            for item in waiting.pop(index):
                steps += 1
                if steps > MAX_STEPS:
                    raise NotUnderstoodError("too many paths", function.line)
                if steps % 256 == 0:
                    self._tick()
                for after, made in self._advance(node, item, function, exits):
                    arrive(after, made)
        return exits

    def _live_facts(
        self, facts: dict[str, Value], words: frozenset[str], dead: dict[str, bool]
    ) -> dict[str, Value]:
        """Return the facts that something ahead may look at; `dead` keeps what was asked before."""
        for key in facts:
            if key not in dead:
                dead[key] = not _is_live(key, words)
            if dead[key] and key.partition("(")[0] not in self.machine.keeps:
                break
        else:
            return facts
        return {
            k: v for k, v in facts.items()
            if not dead.setdefault(k, not _is_live(k, words))
            or k.partition("(")[0] in self.machine.keeps
        }  # fmt: skip

    def _admit(self, seen: dict[S, list[dict[str, Value]]], item: _Item[S]) -> bool:
        """Whether a state brings anything new where ways meet; may weaken its facts."""
        known = seen.setdefault(item.state, [])
        if any(_covers(old, item.facts) for old in known):
            return False
        if len(known) >= self._kept:
            for old in known:
                item.facts = _shared(old, item.facts)
            self.merged = True
            known[:] = [item.facts]
        else:
            known.append(item.facts)
        return True

    def _advance(
        self, node: Node, item: _Item[S], function: Function, exits: list[Exit[S]]
    ) -> Iterable[tuple[Node, _Item[S]]]:
        if node.kind == "branch":
            yield from self._branch(node, item, function)
        elif node.kind == "switch":
            yield from self._switch(node, item, function)
        elif node.kind == "loop":
            yield from self._loop(node, item, function)
        else:
            for made in self._step(node, item, function):
                if node.kind == "return":
                    env = Env(self, function, made.facts, made.trail, len(self._inside))
                    value = self.evaluate(node.expr, made.facts) if node.expr else ANY
                    self.machine.end(node, made.state, env)
                    exits.append(Exit(made.state, value, node, made.trail, dict(made.facts)))
                else:
                    for after in node.succ:
                        yield after, _Item(made.state, made.facts, made.trail)

    def _env(self, item: _Item[S], function: Function) -> Env[S]:
        return Env(self, function, item.facts, item.trail, len(self._inside))

    def _branch(
        self, node: Node, item: _Item[S], function: Function
    ) -> Iterable[tuple[Node, _Item[S]]]:
        assert node.expr is not None
        env = self._env(item, function)
        for taken, after in ((True, node.true), (False, node.false)):
            facts = self.assume(node.expr, taken, item.facts)
            if facts is None:
                continue
            state = self.machine.branch(node, taken, item.state, env)
            if state is None:
                continue
            word = "" if taken else "not "
            trail = Trail(item.trail, node.line, f"{word}{show(node.expr)}")
            yield after, _Item(state, facts, trail)

    def _switch(
        self, node: Node, item: _Item[S], function: Function
    ) -> Iterable[tuple[Node, _Item[S]]]:
        env = self._env(item, function)
        for after, made in self._switch_ways(node, item):
            state = self.machine.choose(node, after, item.state, env)
            if state is not None:
                made.state = state
                yield after, made

    def _switch_ways(self, node: Node, item: _Item[S]) -> Iterable[tuple[Node, _Item[S]]]:
        assert node.expr is not None
        value = self.evaluate(node.expr, item.facts)
        key = self.key(node.expr)
        others: Value | None = value
        for case, after in zip(node.cases, node.succ, strict=True):
            if case is None:
                continue
            wanted = self.evaluate(case[0], {}) if case else ANY
            narrowed = value.meet(wanted)
            if narrowed is None:
                continue
            if wanted.constant is not None and others is not None:
                others = others.meet(anything_but(wanted.constant))
            facts = {**item.facts, key: narrowed}
            trail = Trail(item.trail, node.line, f"{show(node.expr)} is {show(case[0])}")
            yield after, _Item(item.state, facts, trail)
        for case, after in zip(node.cases, node.succ, strict=True):
            if case is None and others is not None:
                trail = Trail(item.trail, node.line, f"{show(node.expr)} is another value")
                yield after, _Item(item.state, {**item.facts, key: others}, trail)

    def _loop(
        self, node: Node, item: _Item[S], function: Function
    ) -> Iterable[tuple[Node, _Item[S]]]:
        env = self._env(item, function)
        for taken, after in ((True, node.true), (False, node.false)):
            state = self.machine.branch(node, taken, item.state, env)
            if state is None:
                continue
            facts = item.facts
            if node.target is not None:
                facts = forget(facts, node.target)
                if taken and node.target.kind == "name":
                    facts = {**facts, node.target.text: POSITIVE}
            words = "again" if taken else "done"
            yield (
                after,
                _Item(state, dict(facts), Trail(item.trail, node.line, f"{node.name} {words}")),
            )

    def _step(self, node: Node, item: _Item[S], function: Function) -> Iterable[_Item[S]]:
        env = self._env(item, function)
        outcomes = self.machine.step(node, item.state, env)
        if node.kind == "assign":
            made = [item] if outcomes is None else list(self._made(node, outcomes, item))
            for each in made:
                yield from self._assign(node, each)
        elif node.kind == "call":
            facts = self._after_call(node, item.facts)
            if facts is None:
                return
            for way in self._error_ways(node, facts):
                item = _Item(item.state, way, item.trail)
                yield from [item] if outcomes is None else self._made(node, outcomes, item)
        elif node.kind == "declare":
            kept = forget(item.facts, node.name) if not node.op else item.facts
            item = _Item(item.state, kept, item.trail)
            yield from [item] if outcomes is None else self._made(node, outcomes, item)
        elif node.kind == "jump":
            words = f"goto {node.name}" if node.op == "goto" else node.op
            item = _Item(item.state, item.facts, Trail(item.trail, node.line, words))
            yield from [item] if outcomes is None else self._made(node, outcomes, item)
        else:
            yield from [item] if outcomes is None else self._made(node, outcomes, item)

    def _made(
        self, node: Node, outcomes: Iterable[Outcome[S]], item: _Item[S]
    ) -> Iterable[_Item[S]]:
        for each in outcomes:
            if each.stop:
                continue
            facts = dict(item.facts)
            possible = True
            if each.value is not None and node.expr is not None:
                facts[self.call_key(node.expr)] = each.value
            for key, value in each.assume:
                narrowed = facts.get(key, ANY).meet(value)
                if narrowed is None:
                    possible = False
                    break
                facts[key] = narrowed
            if not possible:
                continue
            trail = Trail(item.trail, node.line, each.note) if each.note else item.trail
            yield _Item(each.state, facts, trail)

    def _assign(self, node: Node, item: _Item[S]) -> Iterable[_Item[S]]:
        target, expr = node.target, node.expr
        assert target is not None
        assert expr is not None
        key = self.key(target)
        if node.op == "=" and self._is_condition(expr):
            for taken, value in ((True, ONE), (False, ZERO)):
                facts = self.assume(expr, taken, item.facts)
                if facts is not None:
                    facts = dict(forget(facts, target))
                    facts[key] = value
                    yield _Item(item.state, facts, item.trail)
            return
        value = self.evaluate(expr, item.facts) if node.op == "=" else ANY
        if node.op == "|=":
            value = _or(self.evaluate(target, item.facts), self.evaluate(expr, item.facts))
        facts = dict(forget(item.facts, target))
        if value != ANY:
            facts[key] = value
        yield _Item(item.state, facts, item.trail)

    def _is_condition(self, expr: Expr) -> bool:
        expr = expr.bare
        if expr.kind == "unary" and expr.op == "!":
            return True
        if expr.kind == "binary" and expr.op in _COMPARED:
            return True
        known = expr.kind == "call" and is_question(expr.op)
        return self.agree and known and bool(_BOOLEAN.match(expr.op))

    def _error_ways(self, node: Node, facts: dict[str, Value]) -> list[dict[str, Value]]:
        """Return what can hold after a call: where it maps no error to "locked", two ways."""
        call = node.expr
        assert call is not None
        if call.op not in names("maps-no-error-to-locked") or not call.args:
            return [facts]
        locked = constant_of("VM_FAULT_LOCKED") or 0
        ways = []
        for failed, value in ((False, exactly(locked)), (True, anything_but(locked))):
            held = self.assume(call.args[0], failed, facts)
            if held is not None:
                ways.append({**held, self.call_key(call): value})
        return ways

    def _after_call(self, node: Node, facts: dict[str, Value]) -> dict[str, Value] | None:
        """Return the facts after a call; None where it does not return."""
        call = node.expr
        assert call is not None
        if call.op in _NO_RETURN:
            return None
        place, truth = _STOPS.get(call.op, (0, False))
        if call.op in _STOPS and place < len(call.args):
            return self.assume(call.args[place], truth, facts)
        facts = dict(facts)
        facts.pop(f"#{call.offset}", None)
        for arg in call.args:
            inner = arg.bare
            if inner.kind == "unary" and inner.op == "&" and not is_question(call.op):
                facts = dict(forget(facts, inner.args[0]))
            elif inner.kind == "name" and not is_question(call.op):
                facts.pop(f"*{inner.text}", None)
        if _CHANGES.match(call.op) and call.args:
            facts = {k: v for k, v in facts.items() if not _changes_answer(call, k)}
        if _WAITS.fullmatch(call.op) and call.args:
            what = call.args[0].text
            facts = {k: v for k, v in facts.items() if not ("(" in k and what in _words(k))}
        return facts

    # --- values and conditions

    def key(self, expr: Expr) -> str:
        """Return the name under which facts about an expression are kept."""
        expr = expr.bare
        return self.call_key(expr) if expr.kind == "call" else expr.text

    def call_key(self, call: Expr) -> str:
        """Return the name of a call's value: its text for a question, else its place."""
        return call.text if self.agree and is_question(call.op) else f"#{call.offset}"

    def evaluate(self, expr: Expr, facts: Facts) -> Value:
        """Return what is known of an expression's value."""
        expr = expr.bare
        kind = expr.kind
        if kind == "number":
            number = parse_number(expr.text)
            return ANY if number is None else exactly(number)
        if kind == "name":
            constant = constant_of(expr.text)
            return facts.get(expr.text, ANY) if constant is None else exactly(constant)
        if kind == "string" or (kind == "unary" and expr.op == "&"):
            return POSITIVE
        if kind == "unary" and expr.op == "-":
            return self.evaluate(expr.args[0], facts).negated()
        if kind == "unary" and expr.op == "~":
            number = invert(expr.args[0].bare.text)
            return ANY if number is None else exactly(number)
        if kind == "unary" and expr.op == "!":
            truth = self.evaluate(expr.args[0], facts).truth
            return TRUTH if truth is None else (ZERO if truth else ONE)
        if kind == "binary" and expr.op in ("==", "!=", "<", ">", "<=", ">=", "&&", "||"):
            yes, no = (self.assume(expr, taken, facts) is not None for taken in (True, False))
            return TRUTH if yes and no else (ONE if yes else ZERO)
        if kind == "binary" and expr.op == "|":
            return _or(*(self.evaluate(a, facts) for a in expr.args))
        if kind == "assign" and expr.op == "=":
            return self.evaluate(expr.args[0], facts)
        if kind == "comma":
            return self.evaluate(expr.args[1], facts)
        if kind == "choice":
            return self.evaluate(expr.args[1], facts).join(self.evaluate(expr.args[2], facts))
        if kind == "call":
            return self._call_value(expr, facts)
        return facts.get(expr.text, ANY)

    def _call_value(self, call: Expr, facts: Facts) -> Value:
        known = facts.get(self.call_key(call), ANY)
        if known != ANY or not call.args:
            return known
        inner = self.evaluate(call.args[0], facts)
        if call.op in ("ERR_PTR", "PTR_ERR", "ERR_CAST"):
            return inner
        if call.op == "PTR_ERR_OR_ZERO":
            return ZERO if inner.low >= 0 else (inner if inner.high < 0 else NOT_POSITIVE)
        if call.op in _TRUTH_OF:
            truth = inner.truth
            return TRUTH if truth is None else (ONE if truth else ZERO)
        if call.op in ("IS_ERR", "IS_ERR_VALUE"):
            return ONE if inner.high < 0 else (ZERO if inner.low >= 0 else TRUTH)
        locked = constant_of("VM_FAULT_LOCKED") or 0
        if call.op == "vmf_error":
            return Value(low=1).meet(anything_but(locked)) or ANY
        return ANY

    def assume(self, cond: Expr, taken: bool, facts: Facts) -> dict[str, Value] | None:
        """Return the facts when a condition holds, or does not; None where that can't be."""
        cond = cond.bare
        if cond.kind == "unary" and cond.op == "!":
            return self.assume(cond.args[0], not taken, facts)
        if cond.kind == "assign" and cond.op == "=":
            return self.assume(cond.args[0], taken, facts)
        if cond.kind == "binary" and cond.op in ("&&", "||"):
            if taken == (cond.op == "&&"):
                first = self.assume(cond.args[0], taken, facts)
                return None if first is None else self.assume(cond.args[1], taken, first)
            ways = [self.assume(arg, taken, facts) for arg in cond.args]
            possible = [way for way in ways if way is not None]
            if not possible:
                return None
            return dict(facts) if len(possible) > 1 else possible[0]
        if cond.kind == "binary" and cond.op in _COMPARED:
            return self._compare(cond, taken, facts)
        if cond.kind == "call" and cond.args:
            if cond.op in _TRUTH_OF:
                return self.assume(cond.args[0], taken, facts)
            if cond.op in ("IS_ERR", "IS_ERR_VALUE"):
                return self._narrow(cond.args[0], NEGATIVE if taken else NOT_NEGATIVE, facts)
            if cond.op == "IS_ERR_OR_NULL":
                return self._narrow(cond.args[0], NOT_POSITIVE if taken else POSITIVE, facts)
            if cond.op == "PTR_ERR_OR_ZERO":
                return self._narrow(cond.args[0], NEGATIVE if taken else NOT_NEGATIVE, facts)
        return self._narrow(cond, NONZERO if taken else ZERO, facts)

    def _narrow(self, expr: Expr, value: Value, facts: Facts) -> dict[str, Value] | None:
        known = self.evaluate(expr, facts)
        met = known.meet(value)
        if met is None:
            return None
        made = dict(facts)
        if expr.bare.kind not in ("number", "string"):
            made[self.key(expr)] = met
        return made

    def _compare(self, cond: Expr, taken: bool, facts: Facts) -> dict[str, Value] | None:
        left, right = cond.args
        op = cond.op if taken else _COMPARED[cond.op]
        a, b = self.evaluate(left, facts), self.evaluate(right, facts)
        if b.constant is None and a.constant is not None:
            left, right, a, b, op = right, left, b, a, _MIRROR.get(op, op)
        unsure = op in _MIRROR and any(
            v.constant is not None and is_symbol(v.constant) for v in (a, b)
        )
        if b.constant is not None and (not unsure or a.high <= 0):
            return self._narrow(left, _allowed(op, b.constant), facts)
        if not unsure and not _possible(op, a, b):
            return None
        made = dict(facts)
        plain = {"!=": "==", ">=": "<", "<=": ">"}.get(op)
        text = f"({left.text} {plain or op} {right.text})"
        met = made.get(text, ANY).meet(ZERO if plain else NONZERO)
        if met is None:
            return None
        made[text] = met
        return made

    # --- helpers

    def follow(
        self, node: Node, callee: Function, state: S, env: Env[S]
    ) -> list[Outcome[S]] | None:
        """See `Env.follow`."""
        call = node.expr
        if call is None or callee in self._inside or len(self._inside) >= MAX_DEPTH:
            return None
        inner = self.machine.enter(state, node, callee, env)
        facts: dict[str, Value] = {}
        for parameter, arg in zip(callee.parameters, call.args, strict=False):
            value = self.evaluate(arg, env.facts)
            if value != ANY and parameter.name:
                facts[parameter.name] = value
        memo = (id(callee), inner, frozenset(facts.items()))
        if memo not in self._helpers:
            self._helpers[memo] = self._ends(callee, inner, facts)
        ends = self._helpers[memo]
        if ends is None:
            return None
        outcomes = []
        for end, value in ends:
            after = self.machine.leave(end, state, node, callee, env)
            outcomes.append(Outcome(after, None if value == ANY else value))
        return outcomes

    def _ends(self, callee: Function, state: S, facts: Facts) -> list[tuple[S, Value]] | None:
        self._inside.append(callee)
        self._quiet += 1
        try:
            exits = self.run(callee, state, facts)
        except NotUnderstoodError:
            return None
        finally:
            self._inside.pop()
            self._quiet -= 1
        ends: dict[S, list[Value]] = {}
        for each in exits:
            values = ends.setdefault(each.state, [])
            if each.value not in values:
                values.append(each.value)
        found: list[tuple[S, Value]] = []
        for each_state, values in ends.items():
            if len(values) > 4:
                values = [functools.reduce(Value.join, values)]
            found += [(each_state, value) for value in values]
        return found


_TRUTH_OF = names("answers-condition")
_NO_RETURN = names("never-returns")
_STOPS = {
    name: (fact.args["condition"], truth)
    for part, truth in (("stops-if", False), ("stops-unless", True))
    for name, fact in role(part).items()
}
"""Where a condition stands, and what it is afterwards, for calls that may not return."""
_COMPARED = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_MIRROR = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_BOOLEAN = re.compile(
    r"(?:ext4_(?:has|should|is|test)_\w+|\w*_(?:is|has|can|test|want)_\w+|is_\w+|IS_(?!ERR)\w+|"
    r"S_IS\w+|test_opt2?|folio_test_\w+|mapping_\w*mapped|PageC\w+|ext4_verity_in_progress)\Z"
)


_NO_TOPIC = frozenset(
    ("set", "clear", "test", "and", "mark", "start", "end", "is", "has", "can", "bit")
) | frozenset(("ext4", "inode", "buffer", "page", "folio"))


_LOCKING = frozenset({"locked", "unlock", "unlocked", "trylock"})


@functools.lru_cache(maxsize=20_000)
def _topic(name: str) -> frozenset[str]:
    """Return what a call's name is about: its words without those that any such name has."""
    words = re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower().strip("_").split("_")
    return frozenset("lock" if w in _LOCKING else w for w in words) - _NO_TOPIC


def _changes_answer(call: Expr, key: str) -> bool:
    """Whether a call such as set_buffer_dirty(bh) may change what buffer_dirty(bh) answers."""
    name, opening, _ = key.partition("(")
    if not opening or call.args[0].text not in key:
        return False
    about = _topic(call.op)
    return not about.isdisjoint({"flag", "flags"}) or not about.isdisjoint(_topic(name))


def _allowed(op: str, number: int) -> Value:
    return {
        "==": exactly(number), "!=": anything_but(number), "<": Value(high=number - 1),
        "<=": Value(high=number), ">": Value(low=number + 1), ">=": Value(low=number),
    }[op]  # fmt: skip


def _possible(op: str, a: Value, b: Value) -> bool:
    if op == "==":
        return a.meet(b) is not None
    if op in ("<", "<="):
        return a.low < b.high or (op == "<=" and a.low == b.high)
    if op in (">", ">="):
        return a.high > b.low or (op == ">=" and a.high == b.low)
    return True


def _or(a: Value, b: Value) -> Value:
    if a == ZERO:
        return b
    if b == ZERO:
        return a
    return NONZERO if a.truth or b.truth else ANY


def show(expr: Expr) -> str:
    """Return a canonical text fit to be read: without brackets around the whole."""
    text = expr.text
    text = text[1:-1] if expr.kind in ("binary", "assign", "update") and text[:1] == "(" else text
    return text if len(text) <= 90 else f"{text[:87]}..."


@functools.lru_cache(maxsize=50_000)
def _words(key: str) -> frozenset[str]:
    return frozenset((key,)) if key.startswith("#") else words_of(key)


@functools.lru_cache(maxsize=50_000)
def _fields(key: str) -> frozenset[str]:
    """Return the names of the fields that a fact is about."""
    return frozenset(re.findall(r"(?:->|\.)(\w+)", key))


def forget(facts: Facts, what: Expr | str) -> dict[str, Value]:
    """Return the facts without those that depend on something that is set."""
    if isinstance(what, str):
        return {k: v for k, v in facts.items() if what not in _words(k)}
    what = what.bare
    if what.kind == "name":
        return {k: v for k, v in facts.items() if what.text not in _words(k)}
    if what.kind == "field":
        return {k: v for k, v in facts.items() if what.op not in _fields(k)}
    return {k: v for k, v in facts.items() if what.text not in k}


def _is_live(key: str, live: frozenset[str]) -> bool:
    return _words(key) <= live


def _covers(weaker: Facts, stronger: Facts) -> bool:
    for key, value in weaker.items():
        other = stronger.get(key)
        if other is None or not value.covers(other):
            return False
    return True


def _shared(a: Facts, b: Facts) -> dict[str, Value]:
    made: dict[str, Value] = {}
    for key, value in a.items():
        other = b.get(key)
        if other is not None:
            joined = value.join(other)
            if joined != ANY:
                made[key] = joined
    return made


# --- what is prepared once for each function


@dataclass(slots=True)
class _Ready:
    order: dict[int, int] = field(default_factory=dict)
    live: dict[int, frozenset[str]] = field(default_factory=dict)
    preds: dict[int, list[Node]] = field(default_factory=dict)
    dead: dict[int, dict[str, bool]] = field(default_factory=dict)
    joins: dict[int, bool] = field(default_factory=dict)
    nodes: dict[int, Node] = field(default_factory=dict)


_READY_NAME = "_paths_ready"


def _ready(function: Function) -> _Ready:
    ready: _Ready | None = function.__dict__.get(_READY_NAME)
    if ready is None:
        ready = _Ready()
        nodes = function.graph.nodes
        ready.preds = {node.index: [] for node in nodes}
        for node in nodes:
            for after in node.succ:
                ready.preds[after.index].append(node)
        _sort(function.graph.entry, ready)
        _find_live(nodes, ready)
        ready.dead = {node.index: {} for node in nodes}
        ready.joins = {index: len(before) > 1 for index, before in ready.preds.items()}
        ready.nodes = {node.index: node for node in nodes}
        function.__dict__[_READY_NAME] = ready
    return ready


def order_of(function: Function) -> dict[int, int]:
    """Return the place of each step in reverse postorder: only ways back lead to lower places."""
    return _ready(function).order


def _prepare(function: Function) -> tuple[dict[int, int], dict[int, frozenset[str]]]:
    ready = _ready(function)
    return ready.order, ready.live


def _preds(function: Function) -> dict[int, list[Node]]:
    return _ready(function).preds


def _sort(entry: Node, ready: _Ready) -> None:
    """Number the nodes in reverse postorder."""
    done: list[int] = []
    seen = {entry.index}
    stack: list[tuple[Node, int]] = [(entry, 0)]
    while stack:
        node, at = stack.pop()
        if at < len(node.succ):
            stack.append((node, at + 1))
            after = node.succ[at]
            if after.index not in seen:
                seen.add(after.index)
                stack.append((after, 0))
        else:
            done.append(node.index)
    ready.order = {index: place for place, index in enumerate(reversed(done))}


def _uses(node: Node) -> frozenset[str]:
    expr = node.expr
    if node.kind in ("branch", "switch", "return", "assign", "use", "call") and expr is not None:
        words = expr.names
        places = frozenset(f"#{c.offset}" for c in expr.calls())
        if node.kind == "call":
            words -= frozenset((expr.op,))
            places = frozenset(f"#{c.offset}" for a in expr.args for c in a.calls())
        return words | words_of(expr.text) | places
    return frozenset()


def _find_live(nodes: Sequence[Node], ready: _Ready) -> None:
    """Find for each node the words that something after it may still look at."""
    live: dict[int, frozenset[str]] = {node.index: frozenset() for node in nodes}
    uses = {node.index: _uses(node) for node in nodes}
    order = sorted(
        (n for n in nodes if n.index in ready.order), key=lambda n: -ready.order[n.index]
    )
    changed = True
    while changed:
        changed = False
        for node in order:
            after = frozenset().union(*(live[s.index] for s in node.succ))
            if node.kind in ("assign", "declare"):
                name = node.target.text if node.target is not None else node.name
                if node.target is None or node.target.kind == "name":
                    after -= frozenset((name,))
            now = after | uses[node.index]
            if now != live[node.index]:
                live[node.index] = now
                changed = True
    ready.live = live
