"""The engine that runs a program as generated Python."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from kernel_sim import ir
from kernel_sim.explore.model import DEFAULT_STEPS, End, Execution, Failure, Guide, Ran
from kernel_sim.explore.schedule import Replay, ScheduleError
from kernel_sim.machine.memory import Memory
from kernel_sim.machine.operations import Operations
from kernel_sim.machine.runtime import MAX_DEPTH, Runtime, Traced
from kernel_sim.machine.stop import Cut, Failed, Stop, Unanswered
from kernel_sim.machine.translate import Translator

_RECURSION = MAX_DEPTH + 1000


class PythonEngine:
    """Runs executions of a program whose `setup` (and `check`, None for no check) take nothing.

    `steps` is the limit of one execution. With `calls`, traces tell calls and preemptions as well.
    Raises ValueError where one of the two functions is not there or takes arguments, or a global
    does not fit into memory.
    """

    def __init__(
        self,
        program: ir.Program,
        setup: str = "setup",
        check: str | None = "check",
        steps: int = DEFAULT_STEPS,
        *,
        calls: bool = False,
    ) -> None:
        for name in filter(None, (setup, check)):
            if name not in program.functions or program.functions[name].parameters:
                raise ValueError(f"the program has no function {name}()")
        self._program = program
        self._runtime = Runtime(Memory(program.globals), steps)
        self._runtime.tells_calls = calls
        self._setup = setup
        self._check = check
        self._ran = bytearray()
        self._functions = self._compile()

    # ------------------------------------------------------------ running

    def run(self, guide: Guide, shared: frozenset[int]) -> Execution:
        """Run one execution; see `Engine.run`. The guide's exceptions pass through."""
        runtime = self._runtime
        runtime.begin(guide, shared)
        stopped: Stop | None = None
        with _deep_recursion():
            try:
                self._functions[self._setup](1)
                runtime.run_threads()
                if self._check is not None:
                    self._functions[self._check](1)
            except Stop as stop:
                stopped = stop
            finally:
                # Killing fibers unwinds generated code, which must not be taken for the program's.
                pending, shown = runtime.pending(), runtime.newly_shared()
                runtime.kill()
        end, failure, reason = self._ended(stopped)
        return Execution(
            end,
            failure,
            reason,
            runtime.limit - runtime.left[0],
            runtime.visible,
            shown,
            pending,
        )

    def replay(self, schedule: str) -> tuple[Execution, list[Traced]]:
        """Run the execution of a schedule, and return it with all its accesses and notes.

        Its count `visible` is that of the switch points which the schedule needs. Raises
        ScheduleError where the program does not run by the schedule.
        """
        trace: list[Traced] = []

        def preempted(thread: int, other: int) -> None:
            if self._runtime.tells_calls:
                trace.append((thread, "", "", 0, "preempt", 0, 0, other))

        guide = Replay(schedule, preempted)
        self._runtime.stops = guide.stops
        self._runtime.trace = trace
        try:
            execution = self.run(guide, frozenset())
        finally:
            self._runtime.stops = frozenset()
            self._runtime.trace = None
        if guide.unused:
            raise ScheduleError(f"the program did not come to {guide.unused[0]}")
        return execution, trace

    def contents(self, name: str) -> bytes:
        """Return the bytes of a global at the end of the last execution; raises KeyError."""
        for entry in self._program.globals:
            if entry.name == name:
                return self._runtime.memory.read(entry.address, len(entry.image))
        raise KeyError(name)

    def ran(self) -> Ran:
        """Return the lines that any execution so far came to, by function."""
        found: defaultdict[str, set[int]] = defaultdict(set)
        for (name, _, line), came in zip(self._runtime.sites, self._ran, strict=True):
            if came:
                found[name].add(line)
        return {name: frozenset(lines) for name, lines in found.items()}

    def thread_names(self) -> dict[int, str]:
        """Return the names of the last execution's threads by number; 0 sets up and checks."""
        return {thread.number: thread.name for thread in self._runtime.threads}

    def _ended(self, stopped: Stop | None) -> tuple[End, Failure | None, str]:
        if stopped is None:
            return End.DONE, None, ""
        if isinstance(stopped, Cut):
            return End.CUT, None, ""
        if not isinstance(stopped, Failed):
            return End.INCONCLUSIVE, None, str(stopped)
        path, line = "", 0
        if stopped.site is not None:
            _, path, line = self._runtime.sites[stopped.site]
        number = self._runtime.thread.number
        return End.FAILURE, Failure(stopped.kind, stopped.text, number, path, line), ""

    # ------------------------------------------------------------ generated code

    def _compile(self) -> dict[str, Callable[..., int]]:
        translator = Translator(self._program, calls=self._runtime.tells_calls)
        code = compile(translator.source(), "<simulated>", "exec")
        self._runtime.sites = translator.sites.places
        names = Operations(self._runtime, self._starter).namespace()
        names |= {name.strip("_"): getattr(self, name) for name in _HELPERS}
        names |= {"S": self._runtime.left, "quotient": quotient, "remainder": remainder}
        names |= translator.tables
        self._ran = names["R"] = bytearray(len(translator.sites.places))
        exec(code, names)  # noqa: S102 -- source made by `translate`, from typed steps alone
        return {name: names[own] for name, own in translator.names.items()}

    def _callee(self, address: int, given: int, site: int) -> ir.Function:
        number, rest = divmod(address - ir.FUNCTIONS, ir.FUNCTION_STRIDE)
        if rest or not 0 <= number < len(self._program.addresses):
            raise Failed("wild call", f"there is no function at {address:#x}", site)
        name = self._program.addresses[number]
        function = self._program.functions.get(name)
        if function is None:
            raise Unanswered(f"function {name} does not exist")
        if given < function.parameters:
            text = f"{name} takes {function.parameters} arguments, not {given}"
            raise Failed("wild call", text, site)
        return function

    def _call_pointer(self, address: int, depth: int, args: tuple[int, ...], site: int) -> int:
        function = self._callee(address, len(args), site)
        kinds = function.registers[: function.parameters]
        passed: Iterator[int] = (kind.wrap(arg) for kind, arg in zip(kinds, args, strict=False))
        return self._functions[function.name](depth, *passed)

    def _starter(self, address: int, argument: int, site: int) -> Callable[[], int]:
        self._callee(address, 1, site)
        return lambda: self._call_pointer(address, 1, (argument,), site)

    def _called(self, depth: int, site: int) -> None:
        self._runtime.note(site, "call", 0, 0, depth)

    def _enter(self, size: int, site: int) -> int:
        return self._runtime.memory.enter(self._runtime.thread.number, size, site)

    def _leave(self, size: int) -> None:
        self._runtime.memory.leave(self._runtime.thread.number, size)

    def _endless(self, site: int) -> NoReturn:
        raise Unanswered(f"endless: more than {self._runtime.limit} steps")

    def _too_deep(self, site: int) -> NoReturn:
        raise Failed("stack overflow", f"more than {MAX_DEPTH} calls", site)

    def _divided(self, site: int) -> NoReturn:
        raise Failed("division by zero", "the divisor is 0", site)

    def _wild_call(self, text: str, site: int) -> NoReturn:
        raise Failed("wild call", text, site)

    def _unanswered(self, reason: str, site: int) -> NoReturn:
        raise Unanswered(reason)


_HELPERS = (
    "_call_pointer", "_called", "_enter", "_leave", "_endless", "_too_deep", "_divided",
    "_wild_call", "_unanswered",
)  # fmt: skip


def quotient(left: int, right: int) -> int:
    """Divide as C does: towards zero."""
    size = abs(left) // abs(right)
    return size if (left < 0) == (right < 0) else -size


def remainder(left: int, right: int) -> int:
    """Return what C's division leaves: it has the sign of the left side."""
    return left - right * quotient(left, right)


@contextmanager
def _deep_recursion() -> Iterator[None]:
    """Let MAX_DEPTH simulated calls fit into Python's own limit."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(before + _RECURSION)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
