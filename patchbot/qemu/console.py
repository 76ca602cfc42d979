"""From the serial line of a guest to its results. Pure.

The guest's programs mark each of their lines with a word that is drawn anew for every boot, so that
nothing else on the line (a kernel message, a file's content) is taken for a result. Without the
closing line there is no result: a log that stopped early is an error.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_STAMP = r"(?:\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?)?"
_TROUBLE = re.compile(
    rf"^{_STAMP}(?P<text>(?:Kernel panic - not syncing|kernel BUG at|BUG: |Oops: |WARNING: "
    r"|general protection fault|Unable to handle|unable to handle|INFO: task .* blocked for more"
    r"|INFO: rcu_\w+ .*stall|watchdog: BUG|EXT4-fs error|JBD2: .*(?:[Ii]nvalid|checksum|corrupt)"
    r"|JBD2: Spotted dirty metadata buffer|EXT4-fs .*(?:Data will be lost|blocks? .*not cleared)"
    r"|Journal checksum error|Aborting journal|Buffer I/O error|DEBUG_LOCKS_WARN_ON"
    # DIF/DIX: drivers/scsi/scsi_debug.c and block/t10-pi.c (v5.9, v6.1).
    r"|.*(?:GUARD|REF) check failed on sector|.*guard tag error at sector"
    r"|.*possible (?:recursive|circular) locking).*)$"
)
_RESULT = re.compile(r"(?P<ok>ok|not ok) (?P<number>\d+)(?: - (?P<name>.*?))?(?: # (?P<why>.*))?")

_NOT_OK = re.compile(rf"^{_STAMP}\w+ not ok \d+(?: |$)")


class End(enum.StrEnum):
    """How a guest ended."""

    WHOLE = "whole"
    PANIC = "panic"
    TRUNCATED = "truncated"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Case:
    """One result: whether it is good, its name, and what was said with it (such as `SKIP ...`)."""

    good: bool
    name: str
    why: str = ""

    @property
    def skipped(self) -> bool:
        """Whether the guest could not try it."""
        return self.why.upper().startswith("SKIP")


@dataclass(frozen=True, slots=True)
class Trouble:
    """A line in which the kernel complains; `line` counts from 1."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Told:
    """What a serial log tells: `notes` are the guest's other marked lines, in order.

    `cases` may be believed only where `end` is `WHOLE`.
    """

    end: End
    cases: tuple[Case, ...]
    troubles: tuple[Trouble, ...]
    notes: tuple[str, ...]
    reason: str = ""


def read_console(log: bytes, mark: str) -> Told:
    """Read a serial log; `mark` is the word that this boot's programs put before their lines."""
    lines = [line.rstrip() for line in log.decode("utf-8", "replace").splitlines()]
    troubles = tuple(_troubles(lines))
    own = re.compile(rf"{_STAMP}{re.escape(mark)} (.*)")
    said = [match[1] for line in lines if (match := own.fullmatch(line)) is not None]
    cases = tuple(_cases(said))
    notes = tuple(line for line in said if not _is_protocol(line))
    end, reason = _find_end(lines, said, cases)
    return Told(end, cases, troubles, notes, reason)


def _troubles(lines: list[str]) -> Iterator[Trouble]:
    for number, line in enumerate(lines, 1):
        match = _TROUBLE.match(line)
        if match is not None:
            yield Trouble(number, match["text"])


def find_decisive(lines: Iterable[str]) -> list[int]:
    """Return the lines (counted from 0) where the kernel complains, or the guest says "not ok".

    They need no mark to be found, so that they are no results: only places worth a look.
    """
    return [at for at, line in enumerate(lines) if _TROUBLE.match(line) or _NOT_OK.match(line)]


def _cases(said: list[str]) -> Iterator[Case]:
    for line in said:
        match = _RESULT.fullmatch(line)
        if match is not None:
            yield Case(match["ok"] == "ok", match["name"] or match["number"], match["why"] or "")


def _is_protocol(line: str) -> bool:
    head = line.partition(" ")[0]
    return _RESULT.fullmatch(line) is not None or head in ("KTAP", "end") or "1.." in head


def _find_end(lines: list[str], said: list[str], cases: tuple[Case, ...]) -> tuple[End, str]:
    if any("Kernel panic - not syncing" in line for line in lines):
        return End.PANIC, "the kernel panicked"
    if not said:
        why = "the guest said nothing" if lines else "the serial line is empty"
        return End.SILENT, why
    ends = [line for line in said if line.startswith("end ")]
    plans = [line for line in said if re.fullmatch(r"1\.\.\d+", line)]
    if len(ends) != 1 or said[-1] != ends[0]:
        return End.TRUNCATED, "the guest's programs did not come to their end"
    if ends[0] != f"end {len(cases)}" or plans != [f"1..{len(cases)}"]:
        return End.TRUNCATED, f"{len(cases)} results, where the guest says {ends[0]}, {plans}"
    return End.WHOLE, ""
