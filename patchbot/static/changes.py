"""What one commit changed from another: files, and where their lines went."""

from __future__ import annotations

import bisect
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from unidiff import PatchSet  # type: ignore[attr-defined]
from unidiff.errors import UnidiffParseError

from patchbot.git import Repository
from patchbot.model import Patch

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
C_SUFFIXES = (".c", ".h")


@dataclass(slots=True)
class FileChange:
    """How one file changed: its path before (None for a new one), and its hunks.

    A hunk is (first old line, old lines, first new line, new lines), without context.
    """

    path: str
    before: str | None
    hunks: list[tuple[int, int, int, int]] = field(default_factory=list)

    def old_line(self, line: int) -> int | None:
        """Return where a line was before, None where it is new."""
        at = bisect.bisect_right(self.hunks, line, key=lambda h: h[2] if h[3] else h[2] + 1) - 1
        if at < 0:
            return line
        old, old_count, new, new_count = self.hunks[at]
        if new_count and line < new + new_count:
            return None
        end_new = new + new_count if new_count else new + 1
        end_old = old + old_count if old_count else old + 1
        return line - end_new + end_old

    def new_line(self, line: int) -> int | None:
        """Return where a line went, None where it is gone."""
        at = bisect.bisect_right(self.hunks, line, key=lambda h: h[0] if h[1] else h[0] + 1) - 1
        if at < 0:
            return line
        old, old_count, new, new_count = self.hunks[at]
        if old_count and line < old + old_count:
            return None
        end_old = old + old_count if old_count else old + 1
        end_new = new + new_count if new_count else new + 1
        return line - end_old + end_new

    def touches(self, first: int, last: int) -> bool:
        """Whether a line from `first` to `last` (0: the end) is new, or one between is gone."""
        for _, _, new, count in self.hunks:
            start, end = (new, new + count - 1) if count else (new + 1, new)
            if end >= first and (not last or start <= last):
                return True
        return False

    @property
    def added(self) -> list[int]:
        """The numbers of all lines that are new."""
        return [line for _, _, new, count in self.hunks for line in range(new, new + count)]


def find_renames(changes: Mapping[str, FileChange]) -> dict[str, str]:
    """Return what each changed file that was there before is called now."""
    return {change.before: path for path, change in changes.items() if change.before}


def find_changes(repository: Repository, before: str, after: str) -> dict[str, FileChange]:
    """Return what changed between two commits, by path after (of a deleted file, before)."""
    out = repository.run(
        "diff-tree", "-r", "-p", "-U0", "-M", "--no-color", "--no-ext-diff", "--no-textconv",
        "--src-prefix=a/", "--dst-prefix=b/", "--end-of-options", before, after,
    ).stdout  # fmt: skip
    return parse_changes(out.decode("utf-8", "surrogateescape"))


def parse_changes(diff: str) -> dict[str, FileChange]:
    """Read a git diff without context lines."""
    found: dict[str, FileChange] = {}
    current: FileChange | None = None
    old: str | None = None
    left = 0
    for line in diff.split("\n"):
        if left and line[:1] in ("+", "-"):
            left -= 1
            continue
        if line.startswith("diff --git "):
            current, old = None, None
        elif line.startswith("rename from "):
            old = _unquoted(line[12:])
        elif line.startswith("rename to "):
            current = FileChange(_unquoted(line[10:]), old)
            found[current.path] = current
        elif line.startswith("--- "):
            old = _side(line[4:])
        elif line.startswith("+++ "):
            path = _side(line[4:])
            if path is not None or old is not None:  # a deleted file stands under its old path
                path = path if path is not None else str(old)
                current = found.setdefault(path, FileChange(path, old))
        elif (match := _HUNK.match(line)) is not None:
            numbers = match.groups()
            counts = [1 if numbers[i] is None else int(numbers[i]) for i in (1, 3)]
            left = sum(counts)
            if current is not None:
                place = (int(numbers[0]), counts[0], int(numbers[2]), counts[1])
                current.hunks.append(place)
    return found


def _side(text: str) -> str | None:
    name = _unquoted(text.rstrip("\t"))
    return None if name == "/dev/null" else name[2:]


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text
    raw = text[1:-1].encode("utf-8", "surrogateescape").decode("unicode_escape")
    return raw.encode("latin-1", "replace").decode("utf-8", "surrogateescape")


def place_lines(
    lines: Mapping[tuple[str, int], int], changes: Mapping[str, FileChange]
) -> dict[tuple[str, int], int]:
    """Return `patch_lines` by the lines of the commit: a patch may apply some lines off.

    A file whose added lines are not as many as the commit's is left out.
    """
    placed: dict[tuple[str, int], int] = {}
    for path, change in changes.items():
        mailed = sorted(each for each in lines if each[0] == path)
        if len(mailed) == len(change.added):
            pairs = zip(change.added, mailed, strict=True)
            placed.update({(path, line): lines[each] for line, each in pairs})
    return placed


def patch_lines(patch: Patch) -> Mapping[tuple[str, int], int]:
    """Return for each (path, line) that a patch adds the line in its diff, from 1.

    Line 1 is the first of the diff itself (`diff --git`); paths and lines are as the mail has them.
    """
    start = re.search(r"^(?:diff --git |--- \S)", patch.mail.body, re.M)
    if start is None:
        return {}
    try:
        files = PatchSet(patch.mail.body[start.start() :])
    except (UnidiffParseError, ValueError):
        return {}
    return {
        (each.path, line.target_line_no): line.diff_line_no
        for each in files
        for hunk in each
        for line in hunk
        if line.is_added and line.target_line_no and line.diff_line_no
    }
