"""One C file as tree-sitter sees it: the lab's own layer, shared with what seeds faults."""

from __future__ import annotations

from patchbot.lab.syntax import (
    Call,
    Code,
    Func,
    count_errors,
    find_calls,
    flat,
    is_exit,
    is_plain_call,
    labels,
    last_return,
    next_statement,
    parse,
    stands_alone,
    statement_of,
    text,
    walk,
)

__all__ = [
    "Call",
    "Code",
    "Func",
    "count_errors",
    "find_calls",
    "flat",
    "is_exit",
    "is_plain_call",
    "labels",
    "last_return",
    "next_statement",
    "parse",
    "stands_alone",
    "statement_of",
    "text",
    "walk",
]
