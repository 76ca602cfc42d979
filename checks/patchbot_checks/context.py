"""What a rule is given: a file in its tree, the facts, and a way to report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from patchbot_checks.csource.graph import Graph, Node, NotUnderstoodError
from patchbot_checks.csource.paths import Env, Exit, Explorer, Facts, Machine, S, steps_of
from patchbot_checks.csource.unit import Function, Unit
from patchbot_checks.program import Program
from patchbot_checks.report import Finding, NotUnderstood, Severity, Step

MAX_SHOWN_STEPS = 40


@dataclass(slots=True)
class Context:
    """One file to be looked at by one rule.

    `chosen` says which functions are wanted; `lost` collects what could not be understood.
    """

    rule: str
    unit: Unit
    program: Program
    chosen: Callable[[str, str], bool]
    tick: Callable[[], None]
    lost: dict[tuple[str, str], NotUnderstood] = field(default_factory=dict)

    def functions(
        self, words: frozenset[str] | None = None, *, named: frozenset[str] | None = None
    ) -> Iterator[Function]:
        """Yield the functions to look at: with any of these words, of these names; None for all."""
        for function in self.unit.functions:
            if named is not None and function.name not in named:
                continue
            if words is not None and not function.mentions(words):
                continue
            if not self.chosen(self.unit.path, function.name):
                continue
            self.tick()
            if self.graph(function) is not None:
                yield function

    def graph(self, function: Function) -> Graph | None:
        """Return a function's graph; where there is none, that is reported."""
        try:
            return function.graph
        except NotUnderstoodError as error:
            self.lose(function, str(error), error.line)
            return None

    def lose(self, function: Function, reason: str, line: int = 0) -> None:
        """Report that a function could not be understood."""
        self.lost.setdefault(
            (function.path, function.name),
            NotUnderstood(function.path, line or function.line, function.name, reason),
        )

    def explore(
        self,
        machine: Machine[S],
        function: Function,
        *,
        state: S | None = None,
        facts: Facts | None = None,
        agree: bool = True,
        explorer: Explorer[S] | None = None,
    ) -> list[Exit[S]]:
        """Follow all paths of a function; too many of them are reported, and nothing returned."""
        runner = explorer or Explorer(machine, agree=agree, tick=self.tick)
        try:
            return runner.run(function, state, facts)
        except NotUnderstoodError as error:
            self.lose(function, str(error), error.line)
            return []

    def callee(self, node: Node, function: Function) -> Function | None:
        """Return the definition of what a call node calls, from its file or its folder."""
        name = node.expr.op if node.expr is not None else ""
        return self.program.find_function(name, function.path)

    def finding(
        self,
        function: Function | None,
        line: int,
        message: str,
        *,
        key: str,
        severity: Severity = Severity.ERROR,
        steps: Sequence[tuple[int, str]] = (),
        condition: str = "",
    ) -> Finding:
        """Make a finding; `key` tells it from others of the rule in the same function.

        It must hold no line numbers, and should hold no names of local variables.
        """
        name = function.name if function is not None else ""
        path = function.path if function is not None else self.unit.path
        shown = tuple(Step(at, text) for at, text in steps)
        if len(shown) > MAX_SHOWN_STEPS:
            half = MAX_SHOWN_STEPS // 2
            left_out = Step(shown[half].line, f"... {len(shown) - 2 * half} more ...")
            shown = (*shown[:half], left_out, *shown[-half:])
        return Finding(
            self.rule, severity, path, line, name, message, shown, condition,
            f"{self.rule}|{path}|{name}|{key}",
        )  # fmt: skip


__all__ = ["Context", "Env", "Exit", "Explorer", "Machine", "steps_of"]
