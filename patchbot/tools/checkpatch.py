"""checkpatch.pl of the base, on each patch as it was applied.

It looks at the lines that a patch adds: what it says is new by nature. The script is the base's,
never one that the series changes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from unidiff import PatchSet  # type: ignore[attr-defined]
from unidiff.errors import UnidiffParseError

from patchbot.git import Scratch
from patchbot.sandbox import run_sandboxed
from patchbot.tools.messages import Message, parse_checkpatch
from patchbot.tools.runs import Heard, ToolRun
from patchbot.tools.versions import explain_absent, find_version

SCRIPT = "scripts/checkpatch.pl"
_VERSION = re.compile(r"^my \$V = '([^']+)'", re.M)
_TIMEOUT_S = 300.0
_SAID_NOTHING_WRONG = (0, 1)


@dataclass(frozen=True, slots=True)
class _Patch:
    """A commit as a mail, and where the lines of its diff are in the tree."""

    text: bytes
    places: Mapping[int, tuple[str, int]]


def run_checkpatch(scratch: Scratch, source: Path, commits: Sequence[str], folder: Path) -> ToolRun:
    """Run the script in `source` on every commit; `folder` takes the mails."""
    tool = "checkpatch"
    script = source / SCRIPT
    if not script.is_file():
        return ToolRun(tool, absent=f"the base has no {SCRIPT}")
    if find_version("perl") is None:
        return ToolRun(tool, absent=explain_absent("perl"))
    number = _VERSION.search(script.read_text("utf-8", "replace"))
    version = f"{number[1] if number else 'of no known version'}, from the base"
    heard = [Heard()]
    for at, commit in enumerate(commits, 1):
        patch = _render_patch(scratch, commit)
        path = folder / f"{at:04}.patch"
        path.write_bytes(patch.text)
        argv = ["perl", str(script), f"--root={source}", "--terse", "--show-types"]
        argv += ["--no-summary", "--color=never", str(path)]
        done = run_sandboxed(argv, readable=[source, folder], cwd=source, timeout_s=_TIMEOUT_S)
        if done.returncode not in _SAID_NOTHING_WRONG or done.stderr.strip():
            words = done.error_text.splitlines()[:1] or [f"exit code {done.returncode}"]
            return ToolRun(tool, version, failed=f"patch {at}: {words[0]}")
        said = parse_checkpatch(done.stdout.decode("utf-8", "replace"))
        heard.append(Heard(tuple(_place(message, patch) for message in said)))
    return ToolRun(tool, version, tuple(heard), by_patch=True)


def _place(message: Message, patch: _Patch) -> Message:
    """Say where in the tree a message belongs; all of them are opinions on style."""
    file, line = patch.places.get(message.line, ("", 0))
    return replace(message, file=file, line=line, level="warning")


def _render_patch(scratch: Scratch, commit: str) -> _Patch:
    text = scratch.run(
        "format-patch", "-1", "--stdout", "--no-signature", "--no-renames", commit
    ).stdout  # fmt: skip
    lines = text.decode("utf-8", "replace").split("\n")
    first = next((n for n, line in enumerate(lines) if line.startswith("diff --git ")), len(lines))
    return _Patch(text, _find_places("\n".join(lines[first:]), first))


def _find_places(diff: str, before: int) -> dict[int, tuple[str, int]]:
    """Return by the line of the mail the path and line of the tree; `before` lines precede."""
    try:
        files = PatchSet(diff)
    except (UnidiffParseError, ValueError):
        return {}
    return {
        before + line.diff_line_no: (each.path, line.target_line_no)
        for each in files
        for hunk in each
        for line in hunk
        if line.diff_line_no and line.target_line_no
    }
