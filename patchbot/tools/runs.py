"""What one tool said of every commit of a series, the base first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from patchbot_checks import Finding, Severity, Step

from patchbot.static import relative
from patchbot.static.changes import FileChange
from patchbot.tools.messages import Message


@dataclass(frozen=True, slots=True)
class Heard:
    """What a tool said of one commit; `lost` are the files that it could not look at."""

    messages: tuple[Message, ...] = ()
    lost: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ToolRun:
    """One tool over a series: `heard` has an entry for the base and for each commit.

    `absent` says why the tool did not run, and the way to get it; then `heard` is empty. `partly`
    says what it did not look at. `failed` says that it ended without an answer that can be used.
    With `by_patch`, an entry holds what that patch alone brings, not all that is in the commit.
    """

    tool: str
    version: str = ""
    heard: tuple[Heard, ...] = ()
    absent: str = ""
    partly: str = ""
    failed: str = ""
    by_patch: bool = False


def track_run(run: ToolRun, changes: Sequence[Mapping[str, FileChange]]) -> list[relative.Tracked]:
    """Follow what a tool said over the commits; `changes` are those of each commit."""
    if run.by_patch:
        return [
            relative.Tracked(_finding(message), number)
            for number, heard in enumerate(run.heard)
            for message in heard.messages
        ]
    each_change: list[Mapping[str, FileChange]] = [{}, *changes]
    steps = [
        relative.Step(
            number,
            each_change[number],
            [_finding(message) for message in heard.messages],
            frozenset((file, "") for file in heard.lost),
        )
        for number, heard in enumerate(run.heard)
    ]
    return relative.track_findings(steps)


def _finding(message: Message) -> Finding:
    kind = message.kind.removeprefix("-W")
    return Finding(
        rule=f"{message.tool}:{kind}" if kind else message.tool,
        severity=Severity.ERROR if message.level == "error" else Severity.WARNING,
        file=message.file,
        line=message.line,
        function=message.function,
        message=message.text,
        steps=tuple(Step(line, text) for line, text in message.notes),
        key=message.key,
    )
