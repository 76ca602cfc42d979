"""A question is asked twice, its answer may change in between, and equal answers are relied on.

Found is a second question such as `ext4_should_journal_data(inode)` where an answer other than the
first leads to a fault that can be named: a lock or a handle is released that was not taken, or is
kept at the return; or a variable is used that is set under the other answer only. Which questions
can change, who changes them, and which lock keeps them is in `facts/questions.toml`: where such a
lock is held from the one question to the other, by the function or by its caller as far as its role
tells, nothing is found. Two questions that lead to no fault are fine.

Why it is bad

Both questions look alike, so a reader takes the answers for equal. They are, until another task
changes the inode's flags in the middle.

Example

    if (ext4_should_journal_data(inode))
            handle = ext4_journal_start(inode, EXT4_HT_WRITE_PAGE, credits);
    ...
    if (ext4_should_journal_data(inode))
            ext4_journal_stop(handle);

Use instead

    bool journalled = ext4_should_journal_data(inode);

and test the variable; or hold the lock that keeps the answer; or test what was done, such as
`if (handle)`.

References

- fs/ext4/inode.c, ext4_change_inode_journal_flag(): it keeps out handles and writepages, and faults
  only when the flag is switched on (v5.9, v6.1, v6.12).
- linux-ext4, October 2020: a static checker's report on `get_block` in `ext4_page_mkwrite()`.
"""

from __future__ import annotations

from collections.abc import Iterator

from patchbot_checks.context import Context
from patchbot_checks.csource.unit import Function
from patchbot_checks.doubt import AgreeingAnswers, Question, explore_doubting, questions
from patchbot_checks.report import Finding, Severity
from patchbot_checks.rules.uninitialised_on_path.candidates import find_candidates
from patchbot_checks.rules.uninitialised_on_path.follow import Unset
from patchbot_checks.rules.uninitialised_on_path.macros import Setters
from patchbot_checks.rules.uninitialised_on_path.rule import follow
from patchbot_checks.rules.unstable_predicate.pairs import PairMachine, takes_and_drops

WORDS: frozenset[str] | None = None
_FEW, _MANY = 2, 12


def check(context: Context) -> Iterator[Finding]:
    """Yield the second questions whose answer must be that of the first."""
    for function in context.functions():
        for question in questions(function):
            yield from _pairs(context, function, question)
            yield from _unset(context, function, question)


def _pairs(context: Context, function: Function, question: Question) -> Iterator[Finding]:
    if not takes_and_drops(function):
        return
    free = PairMachine()
    merged = explore_doubting(context, free, function, question, kept=_FEW)
    if merged and _differs(free):
        free = PairMachine()
        explore_doubting(context, free, function, question, kept=_MANY)
    if not _differs(free):
        return
    agreeing = PairMachine()
    explorer = AgreeingAnswers(agreeing, tick=context.tick, max_kept=_MANY)
    context.explore(agreeing, function, explorer=explorer)
    for same, fault in free.faults.items():
        if fault.differ is not None and same not in agreeing.faults and agreeing.pairs_up(fault):
            name = fault.what[0]
            words = f"{name} is kept" if fault.kept else f"{name} that was not taken is released"
            text = f"{words} at line {fault.line}"
            yield _finding(context, function, question, fault.differ, text, words, fault.steps)


def _differs(machine: PairMachine) -> bool:
    return any(fault.differ is not None for fault in machine.faults.values())


def _unset(context: Context, function: Function, question: Question) -> Iterator[Finding]:
    for candidate in find_candidates(function, Setters(context.unit.macros)):
        known = {fault.node.index for fault in follow(context, function, candidate)}
        free = Unset(function, candidate)
        explore_doubting(context, free, function, question, kept=_MANY)
        for index, fault in free.faults.items():
            if index not in known and fault.differ is not None:
                text = f"{fault.name} is used unset at line {fault.node.line}"
                words = "a variable is used unset"
                yield _finding(context, function, question, fault.differ, text, words, fault.steps)


def _finding(
    context: Context,
    function: Function,
    question: Question,
    lines: tuple[int, int],
    text: str,
    words: str,
    steps: tuple[tuple[int, str], ...],
) -> Finding:
    first, second = lines
    asked = question.text
    name = asked.partition("(")[0]
    return context.finding(
        function, second, f"{asked} is asked again here; if the answer is another one, {text}",
        key=f"{name}: {words}", severity=Severity.WARNING, steps=steps,
        condition=f"the answers of {asked} at lines {first} and {second} differ",
    )  # fmt: skip
