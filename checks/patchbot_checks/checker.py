"""Run rules over files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, cast

from patchbot_checks.context import Context
from patchbot_checks.csource.expr import TooDeepError
from patchbot_checks.csource.unit import MAX_FUNCTION_BYTES, Unit
from patchbot_checks.program import Program
from patchbot_checks.registry import RULES
from patchbot_checks.report import Finding, NotUnderstood, Report
from patchbot_checks.sources import Sources

C_SUFFIXES = (".c", ".h")


class Rule(Protocol):
    """What the module `rule` in a rule's folder has.

    `WORDS`: a file that has none of these words (as plain text) is not looked at; None for any.
    """

    WORDS: frozenset[str] | None

    def check(self, context: Context) -> Iterable[Finding]:
        """Yield what it finds in `context.unit`."""


def check_files(
    sources: Sources,
    paths: Sequence[str],
    rules: Sequence[str] | None = None,
    *,
    functions: Callable[[str, str], bool] | None = None,
    tick: Callable[[], None] = lambda: None,
    program: Program | None = None,
) -> Report:
    """Check files of a tree with some rules (all for None) and return what they say.

    `functions` chooses by (path, function name) what is looked at; `tick` is called often, and
    what it raises ends the check. `program` is the tree of an earlier call on the same sources: it
    saves reading them again. Raises `KeyError` for an unknown rule.
    """
    names = tuple(RULES) if rules is None else tuple(dict.fromkeys(rules))
    modules = [(name, cast(Rule, RULES[name].module)) for name in names]
    program = program or Program(sources)
    found: list[Finding] = []
    lost: dict[tuple[str, str], NotUnderstood] = {}
    counted = 0
    for path in dict.fromkeys(paths):
        tick()
        unit, reason = _read_unit(program, path)
        if unit is None:
            lost[path, ""] = NotUnderstood(path, 1, "", reason)
            continue
        counted += len(unit.functions)
        chosen = functions or (lambda _path, _name: True)
        for each in _not_parsed(unit):
            if not each.function or chosen(path, each.function):
                lost.setdefault((path, each.function), each)
        for name, module in modules:
            if module.WORDS is None or any(word.encode() in unit.data for word in module.WORDS):
                context = Context(name, unit, program, chosen, tick, lost)
                found += _run(module, context)
    ordered = sorted(set(found), key=lambda f: (f.file, f.line, f.rule, f.message, f.key))
    missed = sorted(lost.values(), key=lambda n: (n.file, n.line, n.function))
    return Report(_once(ordered), tuple(missed), tuple(paths), counted, names)


def _read_unit(program: Program, path: str) -> tuple[Unit | None, str]:
    if not path.endswith(C_SUFFIXES):
        return None, "not a C file: its name ends in neither .c nor .h"
    try:
        unit = program.unit(path)
    except OSError as error:
        return None, f"it can't be read: {error.strerror}"
    return unit, "there is no such file" if unit is None else ""


def _run(module: Rule, context: Context) -> list[Finding]:
    """Run one rule over one file; what is nested too deeply for it is reported."""
    found: list[Finding] = []
    try:
        for finding in module.check(context):
            found.append(finding)
            context.tick()
    except (TooDeepError, RecursionError):
        path = context.unit.path
        reason = f"nested too deeply for {context.rule}"
        context.lost.setdefault((path, ""), NotUnderstood(path, 1, "", reason))
    return found


def _not_parsed(unit: Unit) -> Iterator[NotUnderstood]:
    for each in unit.broken:
        yield NotUnderstood(unit.path, each.line, each.name, each.reason)
    for function in unit.functions:
        reason = "this is not C that can be parsed" if function.body.has_error else ""
        if function.end - function.start > MAX_FUNCTION_BYTES:
            reason = f"longer than {MAX_FUNCTION_BYTES} bytes"
        if reason:
            yield NotUnderstood(unit.path, function.line, function.name, reason)


def _once(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Drop what two configurations of one function say alike."""
    seen: dict[tuple[str, int, str, str], Finding] = {}
    for each in findings:
        seen.setdefault((each.file, each.line, each.key, each.message), each)
    return tuple(seen.values())
