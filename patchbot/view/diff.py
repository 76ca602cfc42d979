"""A mail or a commit with a diff: its lines by kind, one below the other or side by side."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from rich.cells import chop_cells

from patchbot.view.reading import Line, one_line_kept
from patchbot.view.rows import Row, pad

_HUNK: Final = re.compile(r"@@ -\d{1,9}(?:,(\d{1,9}))? \+\d{1,9}(?:,(\d{1,9}))? @@")
_HEADERS: Final = ("diff --git ", "index ", "--- ", "+++ ", "new file mode ", "deleted file mode ",
    "old mode ", "new mode ", "rename from ", "rename to ", "similarity index ")  # fmt: skip
_STYLES: Final = {
    "quote": "dim",
    "file": "file",
    "hunk": "hunk",
    "added": "added",
    "removed": "removed",
}
_BETWEEN: Final = " │ "
_WIDE: Final = 60


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line: its kind (text, quote, file, hunk, added, removed, context) and its raw text."""

    kind: str
    text: str


def parse_lines(text: str) -> list[DiffLine]:
    """Return the lines of a mail or commit; a hunk has as many as its header says.

    What stands behind the last hunk (a signature, a list's footer) is text again.
    """
    return list(_parse(text.split("\n")))


def _parse(lines: Iterable[str]) -> Iterator[DiffLine]:
    old = new = 0
    inside = False
    for line in lines:
        if old > 0 or new > 0:
            kind = _kind(line)
            if kind:
                old -= kind in ("context", "removed") and not line.startswith("\\")
                new -= kind in ("context", "added") and not line.startswith("\\")
                yield DiffLine(kind, line)
                continue
            old = new = 0
        if inside and (found := _HUNK.match(line)):
            old, new = int(found[1] or 1), int(found[2] or 1)
            yield DiffLine("hunk", line)
        elif line.startswith("diff --git ") or (inside and line.startswith(_HEADERS)):
            inside = True
            yield DiffLine("file", line)
        elif inside and line.startswith("\\"):
            yield DiffLine("context", line)
        else:
            inside = inside and not line.startswith("-- ") and bool(line.strip())
            yield DiffLine("quote" if line.startswith(">") else "text", line)


def _kind(line: str) -> str:
    """Return the kind of a line inside a hunk, "" for one that can't be there."""
    kinds = {"+": "added", "-": "removed", " ": "context", "\\": "context", "\t": "context"}
    return kinds.get(line[:1], "") if line else "context"


def _shown(line: DiffLine, tab: int = 8) -> str:
    """Return a line that can't command a terminal; tabs stop where they did in the file."""
    if line.kind in ("added", "removed", "context"):
        return one_line_kept(line.text[:1]) + one_line_kept(line.text[1:].expandtabs(tab))
    return one_line_kept(line.text)


def unified(lines: Iterable[DiffLine]) -> list[Row]:
    """Return the lines one below the other."""
    return [(Line(_shown(each), _STYLES.get(each.kind, "")),) for each in lines]


def side_by_side(lines: Sequence[DiffLine], width: int) -> list[Row]:
    """Return what was before on the left and what is after on the right, in `width` cells.

    Lines that are longer than a half go on below. What is no hunk takes the whole width. Tabs are
    half as wide where halves are narrow.
    """
    half = max(8, (width - len(_BETWEEN)) // 2)
    tab = 8 if half >= _WIDE else 4
    rows: list[Row] = []
    removed: list[str] = []
    added: list[str] = []
    for each in [*lines, DiffLine("end", "")]:
        if each.kind in ("removed", "added"):
            (removed if each.kind == "removed" else added).append(_shown(each, tab))
            continue
        rows += _pair(removed, added, half)
        removed, added = [], []
        if each.kind == "context":
            rows += _beside(_shown(each, tab), _shown(each, tab), ("", ""), half)
        elif each.kind != "end":
            rows.append((Line(_shown(each), _STYLES.get(each.kind, "")),))
    return rows


def _pair(removed: Sequence[str], added: Sequence[str], half: int) -> list[Row]:
    styles = ("removed", "added")
    pairs = zip_longest(removed, added, fillvalue="")
    return [row for left, right in pairs for row in _beside(left, right, styles, half)]


def _beside(left: str, right: str, styles: tuple[str, str], half: int) -> list[Row]:
    folded = zip_longest(chop_cells(left, half), chop_cells(right, half), fillvalue="")
    return [
        (Line(pad(one, half), styles[0]), Line(_BETWEEN, "dim"), Line(other, styles[1]))
        for one, other in list(folded) or [("", "")]
    ]


def find_diff_line(lines: Sequence[DiffLine], number: int) -> int | None:
    """Return the place of a line of the diff, numbered from 1 at its first `diff --git` line."""
    start = next((at for at, each in enumerate(lines) if each.kind == "file"), None)
    at = start + number - 1 if start is not None else len(lines)
    return at if 0 <= at < len(lines) else None
