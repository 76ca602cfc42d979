"""Say why a diff does not apply: the file, the hunk, and the nearest place in the tree."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from unidiff.errors import UnidiffParseError
from unidiff.patch import Hunk, PatchSet

from patchbot.git import Scratch
from patchbot.model import Finding, Patch, Severity

_HUNK_FAILED = re.compile(r"^error: patch failed: (.+):(\d+)$", re.M)
_CORRUPT = re.compile(r"^error: (?:corrupt|git apply: bad).*?(?: at line (\d+))?$", re.M)
_OTHER = re.compile(
    r"^error: (.+?): (does not exist in index|already exists in index|does not match index"
    r"|wrong type|has type \d+, expected \d+|removal patch leaves file contents)$",
    re.M,
)
_BEYOND = re.compile(r"^error: affected file '(.+)' is beyond a symbolic link$", re.M)
_SHOWN_LINES = 14
_SHOWN_BEFORE = 3
_MAX_FILE_LINES = 60_000
_MAX_VOTERS = 2000
_MAX_ALIGNED = 300


def explain_failure(scratch: Scratch, patch: Patch, diff: Path, words: str) -> Finding:
    """Make a finding of what `git apply` said of one patch that it could not apply."""
    if _is_applied_already(scratch, diff):
        return _finding(patch, "already-applied", "is in the tree already", evidence=words)
    failed = _HUNK_FAILED.search(words)
    if failed:
        return _explain_hunk(scratch, patch, diff, failed.group(1), int(failed.group(2)))
    beyond = _BEYOND.search(words)
    if beyond:
        message = f"refused, {beyond.group(1)} lies behind a symbolic link"
        return _finding(patch, "unsafe-path", message, file=beyond.group(1))
    other = _OTHER.search(words)
    if other:
        path, reason = other.groups()
        return _finding(patch, "does-not-apply", f"{path}: {_plain(reason)}", file=path)
    corrupt = _CORRUPT.search(words)
    if corrupt:
        line = int(corrupt.group(1)) if corrupt.group(1) else None
        message = f"the diff is damaged ({words.splitlines()[-1].removeprefix('error: ')})"
        return _finding(patch, "corrupt-diff", message, patch_line=line, evidence=words[-1000:])
    last = words.splitlines()[-1].removeprefix("error: ") if words else "git apply said nothing"
    return _finding(patch, "does-not-apply", last, evidence=words[-2000:])


def _plain(reason: str) -> str:
    return {
        "does not exist in index": "the file is not in the tree",
        "already exists in index": "the file to add is in the tree already",
    }.get(reason, reason)


def _finding(
    patch: Patch,
    rule: str,
    message: str,
    *,
    file: str | None = None,
    line: int | None = None,
    patch_line: int | None = None,
    evidence: str = "",
) -> Finding:
    return Finding(
        rule,
        Severity.ERROR,
        f"patch {patch.number} ({patch.title[:60]}): {message}",
        file=file,
        line=line,
        patch=patch.number,
        patch_line=patch_line,
        evidence=evidence,
    )


def _is_applied_already(scratch: Scratch, diff: Path) -> bool:
    """Whether the patch can be taken back from the tree, so that it is in it."""
    done = scratch.run("apply", "--cached", "--check", "--reverse", str(diff), check=False)
    return done.returncode == 0


def _explain_hunk(scratch: Scratch, patch: Patch, diff: Path, path: str, start: int) -> Finding:
    number, hunk = _find_hunk(diff, path, start)
    count = f"hunk {number} " if number else "a hunk "
    message = f"does not apply: {path}, {count}(at line {start} of the file it was made for)"
    if hunk is None:
        return _finding(patch, "does-not-apply", message, file=path, line=start)
    wanted = [line.value.rstrip("\n") for line in hunk if line.is_context or line.is_removed]
    text = scratch.run("cat-file", "blob", f":0:{path}", check=False).stdout
    lines = text.decode("utf-8", "replace").split("\n")
    at, same = find_nearest(wanted, lines, start - 1)
    where = at + 1 if same else None
    return _finding(
        patch,
        "does-not-apply",
        message,
        file=path,
        line=where,
        patch_line=_first_line_no(hunk),
        evidence=_render_nearest(wanted, lines, at, same),
    )


def _find_hunk(diff: Path, path: str, start: int) -> tuple[int | None, Hunk | None]:
    try:
        parsed = PatchSet(diff.read_text("utf-8", "replace"))
    except (UnidiffParseError, ValueError, IndexError):
        return None, None
    for file in parsed:
        if path in (file.path, file.source_file.removeprefix("a/")):
            for number, hunk in enumerate(file, 1):
                if hunk.source_start == start:
                    return number, hunk
    return None, None


def _first_line_no(hunk: Hunk) -> int | None:
    return next((line.diff_line_no for line in hunk), None)


def find_nearest(wanted: Sequence[str], lines: Sequence[str], near: int) -> tuple[int, int]:
    """Return where in `lines` most of `wanted` stands in place, and how many lines are equal.

    Both count from 0; of equally good places the one nearest to `near` wins. Empty lines and
    lone braces do not count. Each wanted line votes for the start it would mean, so that the
    cost grows with the matches, not with the product of both lengths.
    """
    where: dict[str, list[int]] = {}
    for number, line in enumerate(lines[:_MAX_FILE_LINES]):
        where.setdefault(line.strip(), []).append(number)
    votes: Counter[int] = Counter()
    for offset, line in enumerate(wanted[:_MAX_VOTERS]):
        text = line.strip()
        if len(text) > 1:
            votes.update(n - offset for n in where.get(text, ())[:500])
    if not votes:
        return max(0, min(near, len(lines) - 1)), 0
    best = max(votes.items(), key=lambda item: (item[1], -abs(item[0] - near)))
    return max(0, best[0]), best[1]


def _render_nearest(wanted: Sequence[str], lines: Sequence[str], at: int, same: int) -> str:
    """Render the lines the hunk wants against the nearest ones of the tree, aligned."""
    if not same:
        head = ["the patch expects lines that are nowhere in the file:"]
        return "\n".join(head + [f"  wants | {line}" for line in wanted[:_SHOWN_LINES]])
    agreed = 0
    for have, want in zip(lines[at:], wanted, strict=False):
        if have != want:
            break
        agreed += 1
    skip = max(0, agreed - _SHOWN_BEFORE)
    compared = wanted[skip : skip + _MAX_ALIGNED]
    out, equal = _align(compared, lines, at + skip)
    first = next((n for n, line in enumerate(out) if line[8] != "|"), 0)
    begin = max(0, first - _SHOWN_BEFORE)
    shown = out[begin : begin + _SHOWN_LINES]
    count = f"{skip + equal} of {skip + len(compared)}"
    title = f"nearest place: line {at + 1}, {count} lines are the same"
    more = [f"  ... {len(out) - begin - len(shown)} more"] if begin + len(shown) < len(out) else []
    return "\n".join([title, *shown, *more])


def _align(wanted: Sequence[str], lines: Sequence[str], at: int) -> tuple[list[str], int]:
    """Render `wanted` against as many lines from `at` on, and count how many are equal."""
    have = lines[at : at + len(wanted)]
    out: list[str] = []
    matcher = difflib.SequenceMatcher(None, wanted, have, autojunk=False)
    for kind, w0, w1, h0, h1 in matcher.get_opcodes():
        if kind == "equal":
            out += [f"{at + n + 1:7} | {have[n]}" for n in range(h0, h1)]
        else:
            out += [f"  wants - {line}" for line in wanted[w0:w1]]
            out += [f"{at + n + 1:7} + {have[n]}" for n in range(h0, h1)]
    return out, sum(block.size for block in matcher.get_matching_blocks())
