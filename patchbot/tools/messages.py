"""Read what compilers and checkers print. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

_PLACE = re.compile(r"(?P<file>[^\s:][^:]*):(?P<line>\d+):(?:\d+(?:-\d+)?:)? ?(?P<rest>.*)")
_KIND = re.compile(r"(?P<kind>warning|error|fatal error|note): (?P<text>.*)")
_FLAG = re.compile(r" \[(-W[^\]\s]+|enabled by default)\]$")
_FUNCTION = re.compile(r"[^\s:][^:]*: In function ['‘](?P<name>\w+)['’]:")
_CHECKPATCH = re.compile(
    r"(?P<file>.*?):(?P<line>\d+): (?P<level>ERROR|WARNING|CHECK)"
    r":(?P<type>[A-Z0-9_]+): (?P<text>.*)"
)
_NUMBER = re.compile(r"\d+")
_SNIPPET = re.compile(r"\s+\d* \| ")
_SPARSE = "sparse: "


@dataclass(frozen=True, slots=True)
class Message:
    """One thing a tool says.

    `file` is in the tree, `line` counts from 1; `kind` is the tool's own name for what it found
    (`-Wunused-variable`, a checkpatch type, a semantic patch's name, or ""), `level` is "error" or
    "warning"; `notes` are (line, text) of the same file that go with it.
    """

    tool: str
    level: str
    file: str
    line: int
    text: str
    kind: str = ""
    function: str = ""
    notes: tuple[tuple[int, str], ...] = ()

    @property
    def key(self) -> str:
        """What stays the same when lines and numbers move."""
        text = _NUMBER.sub("N", self.text)
        return f"{self.tool}|{self.file}|{self.kind}|{self.function}|{text}"


def split_log(log: str) -> tuple[str, str]:
    """Part a build's log into what the compiler (and make) said, and what sparse said."""
    lines = log.splitlines()
    sparse = [line.removeprefix(_SPARSE) for line in lines if line.startswith(_SPARSE)]
    others = [line for line in lines if not line.startswith(_SPARSE)]
    return "\n".join(others), "\n".join(sparse)


def parse_gcc(text: str, source: str, output: str) -> list[Message]:
    """Return gcc's warnings and errors, each once; `source` and `output` are the build's folders.

    Notes and the source lines that gcc prints go with the message above them.
    """
    return _unique(_gcc_messages(text, source, output))


def _gcc_messages(text: str, source: str, output: str) -> Iterator[Message]:
    current: Message | None = None
    function = ""
    for line in text.splitlines():
        if (named := _FUNCTION.match(line)) is not None:
            function = named["name"]
            continue
        found = _read_place(line, source, output)
        kind = _KIND.fullmatch(found[2]) if found else None
        if found is None and current is not None and _SNIPPET.match(line):
            current = replace(current, notes=(*current.notes, (current.line, line.rstrip())))
            continue
        if found is None or kind is None:
            function = "" if line.startswith(("  CC", "make", "  CHECK")) else function
            continue
        file, number, _ = found
        if kind["kind"] == "note":
            if current is not None and current.file == file:
                note = (number, f"note: {kind['text']}")
                current = replace(current, notes=(*current.notes, note))
            continue
        if current is not None:
            yield current
        current = _gcc_message(file, number, kind["kind"], kind["text"], function)
    if current is not None:
        yield current


def _gcc_message(file: str, line: int, kind: str, text: str, function: str) -> Message:
    flag = _FLAG.search(text)
    words = text[: flag.start()] if flag else text
    level = "warning" if kind == "warning" else "error"
    return Message("gcc", level, file, line, words, flag[1] if flag else "", function)


def parse_sparse(text: str, source: str, output: str) -> list[Message]:
    """Return sparse's warnings and errors, each once; continued lines are joined."""
    found: list[Message] = []
    for line in text.splitlines():
        place = _read_place(line, source, output)
        if place is None:
            continue
        file, number, rest = place
        kind = _KIND.fullmatch(rest)
        if kind is not None and kind["kind"] != "note":
            level = "warning" if kind["kind"] == "warning" else "error"
            found.append(Message("sparse", level, file, number, kind["text"]))
        elif found and found[-1].file == file and rest.startswith(" "):
            found[-1] = replace(found[-1], text=f"{found[-1].text} {' '.join(rest.split())}")
    return _unique(found)


def parse_cocci(text: str, script: str, source: str) -> list[Message]:
    """Return what one semantic patch reports; `source` is the folder its paths are relative to."""
    found: list[Message] = []
    for line in text.splitlines():
        place = _read_place(line, source, source)
        if place is None or line.startswith(("warning:", "HANDLING:")):
            continue
        file, number, rest = place
        level, _, words = rest.strip().partition(": ")
        if level not in ("ERROR", "WARNING"):
            words = rest.strip()
        if words:
            found.append(Message("coccinelle", "warning", file, number, words, script))
    return _unique(found)


def parse_checkpatch(text: str) -> list[Message]:
    """Return what `checkpatch.pl --terse --show-types` prints; `line` is that of the patch."""
    return [
        Message(
            "checkpatch",
            match["level"].lower().replace("check", "warning"),
            "",
            int(match["line"]),
            match["text"],
            match["type"],
        )
        for line in text.splitlines()
        if (match := _CHECKPATCH.fullmatch(line)) is not None
    ]


def _read_place(line: str, source: str, output: str) -> tuple[str, int, str] | None:
    """Return file (in the tree), line and the rest; None for a line of another kind."""
    match = _PLACE.fullmatch(line)
    if match is None:
        return None
    path = posixpath.normpath(posixpath.join(output, match["file"]))
    inside = path.removeprefix(f"{source.rstrip('/')}/")
    return inside, int(match["line"]), match["rest"]


def _unique(messages: Iterable[Message]) -> list[Message]:
    """Drop repetitions: a header's message comes once for every file that includes it."""
    seen: dict[tuple[str, int, str], Message] = {}
    for each in messages:
        seen.setdefault((each.file, each.line, each.text), each)
    return list(seen.values())
