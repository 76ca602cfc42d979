"""Read what a mail's diff says of itself: files, blobs, footers. Pure, and quick on archives."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

_DIFF_START = re.compile(
    r"^(?:diff --git .+|diff -\S* .+|--- \S.*\n\+\+\+ \S.*\n@@ -\d|Index: \S+)", re.M
)
_HUNK = re.compile(r"^(?:@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@|GIT binary patch|Binary files )", re.M)
_EMPTY_CHANGE = re.compile(
    r"^(?:rename (?:from|to)|new file mode|deleted file mode|old mode) ", re.M
)
_INDEX = re.compile(r"index ([0-9a-f]{7,64})\.\.([0-9a-f]{7,64})(?: [0-7]{6})?$")
_GIT_HEADER = re.compile(r'diff --git "?a/(.+?)"? "?b/(.+?)"?$')
_HUNK_COUNTS = re.compile(r"@@ -\d{1,9}(?:,(\d{1,9}))? \+\d{1,9}(?:,(\d{1,9}))? @@")
_CONTENT_HEADERS = ("rename ", "copy ", "new file mode", "deleted file", "old mode", "new mode")
_DIFFSTAT = re.compile(r"^ \d+ files? changed(?:,|$)", re.M)
_FOOTERS = {
    "change-id": re.compile(r"^change-id:\s*(\S+)\s*$", re.I | re.M),
    "base-commit": re.compile(r"^base-commit:\s*([0-9a-f]{12,64})\b", re.I | re.M),
    "prerequisite": re.compile(
        r"^prerequisite-(?:patch-id|change-id|message-id):\s*<?([^\s<>]+)>?", re.I | re.M
    ),
}
_BODY_FROM = re.compile(r"\s*(?:^(?:Subject|Date): .*\n\s*)*^From:\s*(.+)$", re.M)
MAX_SCAN_CHARS = 8 << 20


@dataclass(frozen=True, slots=True)
class DiffFacts:
    """What a diff's headers say.

    `paths` are the touched paths without `a/` and `b/`, in order; `blobs` are (path before,
    blob before, blob after), abbreviated as sent; `content_id` hashes the added and removed
    lines and ignores white space and line numbers, like a patch-id.
    """

    paths: tuple[str, ...]
    blobs: tuple[tuple[str, str, str], ...]
    content_id: str


def has_diff(body: str) -> bool:
    """Whether the text holds an unquoted diff with at least one change."""
    start = _DIFF_START.search(body)
    if start is None:
        return False
    return bool(_HUNK.search(body, start.start()) or _EMPTY_CHANGE.search(body, start.start()))


def has_diffstat(body: str) -> bool:
    """Whether the text holds the last line of an unquoted diffstat."""
    return bool(_DIFFSTAT.search(body))


def find_footer(body: str, kind: str) -> str | None:
    """Return the value of a `change-id:` or `base-commit:` footer, unquoted."""
    found = _FOOTERS[kind].search(body)
    return found.group(1) if found else None


def find_prerequisites(body: str) -> tuple[str, ...]:
    """Return the values of all `prerequisite-*-id:` footers, in order."""
    return tuple(_FOOTERS["prerequisite"].findall(body))


def find_body_author(body: str) -> str | None:
    """Return the in-body `From:` line's value, where the body begins with one."""
    found = _BODY_FROM.match(body)
    return found.group(1).strip() if found else None


def commit_text(body: str) -> str:
    """Return the part of a patch mail that becomes the commit message."""
    start = _DIFF_START.search(body)
    text = body[: start.start()] if start else body
    return re.split(r"^---\s*$", text, maxsplit=1, flags=re.M)[0]


def read_diff(body: str) -> DiffFacts:
    """Scan a patch mail's diff headers and hash its content."""
    start = _DIFF_START.search(body)
    lines = body[start.start() :][:MAX_SCAN_CHARS].split("\n") if start else []
    paths: dict[str, None] = {}
    blobs: list[tuple[str, str, str]] = []
    content: list[str] = []
    old_path = ""
    rest = iter(lines)
    line: str | None = next(rest, None)
    while line is not None:
        if hunk := _HUNK_COUNTS.match(line):
            line = _read_hunk(rest, int(hunk[1] or 1), int(hunk[2] or 1), content)
            continue
        if header := _GIT_HEADER.match(line):
            old_path = header[1]
            paths.update({old_path: None, header[2]: None})
        elif line.startswith("index ") and (index := _INDEX.match(line)):
            blobs.append((old_path, index[1], index[2]))
        elif line.startswith(("--- ", "+++ ")):
            if path := _plain_path(line):
                paths[path] = None
                content.append(path)
        elif line.startswith(_CONTENT_HEADERS):
            content.append(line)
        elif line.startswith("Binary files ") and blobs:
            content.extend(blobs[-1])
        elif line == "GIT binary patch":
            content.extend(itertools.takewhile(_is_binary, rest))
        line = next(rest, None)
    text = "\n".join(content).encode("utf-8", "surrogatepass")
    return DiffFacts(tuple(paths), tuple(blobs), hashlib.sha256(text).hexdigest())


def _is_binary(line: str) -> bool:
    """Whether a line belongs to a binary patch: a size, data, or the line between its halves."""
    return not line or line.startswith(("literal ", "delta ")) or " " not in line


def _read_hunk(rest: Iterator[str], old: int, new: int, content: list[str]) -> str | None:
    """Add a hunk's changed lines to `content`; return the line after the hunk."""
    for line in rest:
        sign = line[:1]
        if old <= 0 and new <= 0 and sign != "\\":
            return line
        if sign == "+":
            new -= 1
            content.append("".join(line.split()))
        elif sign == "-":
            old -= 1
            content.append("".join(line.split()))
        elif sign in (" ", ""):
            old -= 1
            new -= 1
        elif sign != "\\":
            return line
    return None


def _plain_path(line: str) -> str | None:
    path = line[4:].split("\t")[0].strip().strip('"')
    if path == "/dev/null" or not path:
        return None
    return path[2:] if path.startswith(("a/", "b/")) else path
