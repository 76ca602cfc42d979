"""A local variable is used on a path on which nothing has set it.

Only paths that can be taken count: what an earlier `if` decided, and what was assigned, is kept
in mind. Whether a loop goes round at least once can't be seen, so a variable that the loop sets is
taken as set behind it; so it is with a switch that has no default. Arrays and structs are not
looked at: they are filled piece by piece.

Some paths can be taken only if a question that is asked twice is answered differently the second
time, such as `ext4_should_journal_data(inode)` around a change of the inode's flags. Then the
finding is a note, and says which answers must differ, and where. Answers that a lock, held from
the one to the other, keeps equal are no cause for a note.

Why it is bad

The variable holds what the stack held. The compiler may warn, may stay silent, or may take the
undefined value as a licence to drop the check.

Example

    int err;

    if (ext4_should_journal_data(inode))
            err = demo_log(inode);
    else if (!S_ISDIR(inode->i_mode))
            err = demo_write(inode);
    return err;                     /* a directory: unset */

Use instead

    int err = 0;

or set it on every leg. Where the path hangs on two answers, ask once and keep the answer:

    bool journalled = ext4_should_journal_data(inode);

References

- C11, 6.3.2.1p2 and 6.7.9p10: the value is indeterminate, and using it undefined behaviour.
- linux-ext4, October 2020: a static checker's report on `get_block` in `ext4_page_mkwrite()`; it
  was dismissed, because both calls of `ext4_should_journal_data()` were taken to agree.
"""

from __future__ import annotations

from collections.abc import Iterator

from patchbot_checks.context import Context
from patchbot_checks.csource.graph import Node
from patchbot_checks.csource.unit import Function
from patchbot_checks.doubt import AgreeingAnswers, Question, explore_doubting, questions
from patchbot_checks.report import Finding, Severity
from patchbot_checks.rules.uninitialised_on_path.candidates import Candidate, find_candidates
from patchbot_checks.rules.uninitialised_on_path.follow import Fault, Unset
from patchbot_checks.rules.uninitialised_on_path.macros import Setters

WORDS: frozenset[str] | None = None
_MANY = 48


def check(context: Context) -> Iterator[Finding]:
    """Yield the uses of variables that are unset on some path."""
    setters = Setters(context.unit.macros)
    for function in context.functions():
        candidates = find_candidates(function, setters)
        asked = tuple(questions(function)) if candidates else ()
        for candidate in candidates:
            sure = follow(context, function, candidate)
            for fault in sure:
                yield _finding(context, function, fault)
            known = {fault.node.index for fault in sure}
            for question in asked:
                yield from _doubtful(context, function, candidate, question, known)


def _doubtful(
    context: Context, function: Function, candidate: Candidate, question: Question, known: set[int]
) -> Iterator[Finding]:
    """Yield what is found only where two answers of a question differ."""
    machine = Unset(function, candidate)
    if explore_doubting(context, machine, function, question) and machine.faults:
        machine = Unset(function, candidate)
        explore_doubting(context, machine, function, question, kept=_MANY)
    for fault in machine.faults.values():
        if fault.node.index not in known and fault.differ is not None:
            known.add(fault.node.index)
            yield _finding(context, function, fault, question)


def _finding(
    context: Context, function: Function, fault: Fault, question: Question | None = None
) -> Finding:
    message = f"{fault.name} is used here, but nothing has set it on this path"
    condition = ""
    if question is not None and fault.differ is not None:
        first, second = fault.differ
        message = f"{fault.name} is used unset here if two answers of {question.text} differ"
        condition = f"the answers of {question.text} at lines {first} and {second} differ"
    severity = Severity.NOTE if condition else Severity.ERROR
    key = f"unset in {_place(fault.node)}{' on a condition' if condition else ''}"
    return context.finding(
        function, fault.node.line, message, key=key, severity=severity, steps=fault.steps,
        condition=condition,
    )  # fmt: skip


def follow(context: Context, function: Function, candidate: Candidate) -> list[Fault]:
    """Return the faults of one variable; what only a loss of memory made possible is left out."""
    machine = Unset(function, candidate)
    explorer = AgreeingAnswers(machine, tick=context.tick)
    context.explore(machine, function, explorer=explorer)
    if machine.faults and explorer.merged:
        machine = Unset(function, candidate)
        explorer = AgreeingAnswers(machine, tick=context.tick, max_kept=_MANY)
        context.explore(machine, function, explorer=explorer)
    return list(machine.faults.values())


def _place(node: Node) -> str:
    """Say where a variable is used, without names of variables."""
    if node.kind == "call" and node.expr is not None and node.expr.op:
        return f"a call of {node.expr.op}"
    return {"return": "a return", "branch": "a condition", "switch": "a condition"}.get(
        node.kind, "an expression"
    )
