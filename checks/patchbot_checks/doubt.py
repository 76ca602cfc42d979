"""Questions whose answers may differ when asked twice, and a machine that lets them.

A rule runs its machine first with all answers taken to agree. Then, for each question that the
function asks more than once and whose answer can change (`facts/questions.toml`), once more with
this question's answers free; `Doubting` takes out the ways on which a lock held from the one
to the other keeps them equal.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic

from patchbot_checks.context import Context
from patchbot_checks.csource.expr import Expr
from patchbot_checks.csource.graph import Node
from patchbot_checks.csource.paths import Env, Explorer, Facts, Machine, Outcome, S
from patchbot_checks.csource.unit import Function
from patchbot_checks.csource.values import Value
from patchbot_checks.facts import load
from patchbot_checks.facts import model as facts
from patchbot_checks.resources import Lock, lock

_MOST_KEPT = 3


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a function: its canonical text, the lines it is asked on, what keeps it."""

    text: str
    lines: tuple[int, ...]
    locks: tuple[Lock, ...]


@functools.cache
def _stable(name: str) -> tuple[Lock, ...] | None:
    """Return the locks that keep a question's answer, None where it is none that can change."""
    for each in load("questions.toml").of(facts.Question):
        if each.has(name):
            return tuple(lock(held) for held in each.stable)
    return None


def questions(function: Function) -> Iterator[Question]:
    """Yield the changeable questions that a function asks in two places or more, of the same.

    A comparison of what such a question answers is one too.
    """
    asked: dict[str, dict[int, Expr]] = {}
    for node in function.graph.nodes:
        expr = node.expr
        if expr is None or not any(_stable(call.op) is not None for call in expr.calls()):
            continue
        if node.kind == "call" and _stable(expr.op) is not None:
            asked.setdefault(expr.text, {})[expr.offset] = expr
        elif node.kind == "branch" and expr.bare.kind == "binary":
            asked.setdefault(expr.bare.text, {})[expr.offset] = expr
    for text, exprs in asked.items():
        calls = [call for each in exprs.values() for call in each.calls()]
        locks = next((held for call in calls if (held := _stable(call.op)) is not None), None)
        if len(exprs) > 1 and locks is not None:
            lines = tuple(sorted({expr.line for expr in exprs.values()}))
            yield Question(text, lines, locks)


def held_at_entry(context: Context, function: Function, locks: Iterable[Lock]) -> bool:
    """Whether a function's parameters or role say that its caller holds one of these locks."""
    for each in locks:
        if any(each.is_passed_as(parameter.ctype) for parameter in function.parameters):
            return True
        installed = context.program.installed(function.path, each.callbacks)
        if any(function.name in names for names in installed.values()):
            return True
    return False


class AgreeingAnswers(Explorer[S]):
    """An explorer for which every question that may change has one answer all the same."""

    def call_key(self, call: Expr) -> str:
        """See `Explorer`."""
        return call.text if _stable(call.op) is not None else super().call_key(call)


class FreeAnswers(AgreeingAnswers[S]):
    """An explorer for which one question, asked twice, may have two answers."""

    question = ""

    def call_key(self, call: Expr) -> str:
        """See `Explorer`."""
        return f"#{call.offset}" if call.text == self.question else super().call_key(call)

    def assume(self, cond: Expr, taken: bool, facts: Facts) -> dict[str, Value] | None:
        """See `Explorer`."""
        if cond.bare.kind == "binary" and cond.bare.text == self.question:
            return dict(facts)
        return super().assume(cond, taken, facts)


@dataclass(frozen=True, slots=True)
class Doubt(Generic[S]):
    """A machine's state with what is known of one question.

    `answers` are the answers given so far on this path as (line, answer); `kept` is how many locks
    that keep the answer are held, and `sure` whether one was since the last answer.
    """

    inner: S
    answers: tuple[tuple[int, bool], ...] = ()
    kept: int = 0
    sure: bool = False

    @property
    def differ(self) -> tuple[int, int] | None:
        """The lines of the last two answers that differ, None where all agree."""
        for (first, a), (second, b) in zip(
            self.answers[::-1][1:], self.answers[::-1], strict=False
        ):
            if a != b:
                return first, second
        return None


class Doubting(Machine[Doubt[S]]):
    """Runs a machine with one question's answers free, but where a lock keeps them."""

    def __init__(self, inner: Machine[S], question: Question, kept: int = 0) -> None:
        self._inner = inner
        self._question = question
        self._kept = kept

    def start(self, function: Function) -> Doubt[S]:
        """See `Machine`."""
        return Doubt(self._inner.start(function), kept=self._kept)

    def step(
        self, node: Node, state: Doubt[S], env: Env[Doubt[S]]
    ) -> Iterable[Outcome[Doubt[S]]] | None:
        """See `Machine`."""
        after = self._locks(node, state)
        made = self._inner.step(node, state.inner, self.view(env, state))
        if made is None:
            return None if after is state else (Outcome(after),)
        return [
            Outcome(_with(after, each.state), each.value, each.note, each.assume, each.stop)
            for each in made
        ]

    def branch(
        self, node: Node, taken: bool, state: Doubt[S], env: Env[Doubt[S]]
    ) -> Doubt[S] | None:
        """See `Machine`."""
        after = state
        if node.expr is not None and node.expr.bare.text == self._question.text:
            if state.answers and state.sure and state.answers[-1][1] != taken:
                return None
            answers = (*state.answers[-1:], (node.line, taken))
            after = Doubt(state.inner, answers, state.kept, state.kept > 0)
        inner = self._inner.branch(node, taken, after.inner, self.view(env, after))
        return None if inner is None else _with(after, inner)

    def choose(
        self, node: Node, after: Node, state: Doubt[S], env: Env[Doubt[S]]
    ) -> Doubt[S] | None:
        """See `Machine`."""
        inner = self._inner.choose(node, after, state.inner, self.view(env, state))
        return None if inner is None else _with(state, inner)

    def end(self, node: Node, state: Doubt[S], env: Env[Doubt[S]]) -> None:
        """See `Machine`."""
        self._inner.end(node, state.inner, self.view(env, state))

    def view(self, env: Env[Doubt[S]], state: Doubt[S]) -> Env[S]:
        """Return the environment for the inner machine."""
        return DoubtEnv(env.explorer, env.function, env.facts, env.trail, env.depth, state)  # type: ignore[arg-type]

    def _locks(self, node: Node, state: Doubt[S]) -> Doubt[S]:
        call = node.expr
        if node.kind != "call" or call is None:
            return state
        for each in self._question.locks:
            op = next((e.op for e in each.effects(call) if not e.looked_up), "")
            if op == "take":
                kept = min(_MOST_KEPT, state.kept + 1)
                return Doubt(state.inner, state.answers, kept, state.sure)
            if op:
                kept = max(0, state.kept - 1)
                return Doubt(state.inner, state.answers, kept, state.sure and kept > 0)
        return state


@dataclass(slots=True)
class DoubtEnv(Env[S]):
    """An environment that also says where the answers differed."""

    doubt: Doubt[S]


def _with(state: Doubt[S], inner: S) -> Doubt[S]:
    return Doubt(inner, state.answers, state.kept, state.sure)


def lines_that_differ(env: Env[S]) -> tuple[int, int] | None:
    """Return the lines of two answers that differ on the way to here, under `Doubting` only."""
    return env.doubt.differ if isinstance(env, DoubtEnv) else None


def explore_doubting(
    context: Context, machine: Machine[S], function: Function, question: Question, kept: int = 6
) -> bool:
    """Run a machine with a question's answers free; returns whether ways were merged."""
    held = int(held_at_entry(context, function, question.locks))
    doubting = Doubting(machine, question, held)
    explorer: FreeAnswers[Doubt[S]] = FreeAnswers(doubting, tick=context.tick, max_kept=kept)
    explorer.question = question.text
    context.explore(doubting, function, explorer=explorer)
    return explorer.merged
