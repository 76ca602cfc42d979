"""What checking files says: findings, and what could not be understood."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Severity(enum.StrEnum):
    """How much a finding weighs: an error is a bug, a warning may be one, a note informs."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the path that a finding is about; `line` counts from 1."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a rule found.

    `file` is the path as it was given, `line` counts from 1 and is where a reviewer would
    comment. `function` is "" outside functions. `steps` is the path to it, in order.
    `condition` is set where the finding holds only if something else does, and says what.
    `key` identifies the same fault in another version of the file: it holds no line numbers.
    """

    rule: str
    severity: Severity
    file: str
    line: int
    function: str
    message: str
    steps: tuple[Step, ...] = ()
    condition: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """A file (`function` is "") or a function that could not be analysed, and why."""

    file: str
    line: int
    function: str
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome for some files: a file that is in `not_understood` is never clean.

    `findings` are sorted by file, line and rule. `functions` counts the function definitions
    that were looked at, in all files.
    """

    findings: tuple[Finding, ...]
    not_understood: tuple[NotUnderstood, ...]
    files: tuple[str, ...]
    functions: int
    rules: tuple[str, ...]
