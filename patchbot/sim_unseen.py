"""What a series changes that the simulator does not compile: said, and never passed over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from kernel_sim.kit import Kit
from kernel_sim.left_out import LeftOut, config_of, find_left_out

from patchbot.git import Repository
from patchbot.static.changes import C_SUFFIXES, FileChange, find_changes
from patchbot.static.sources import BlobReader, CommitSources


@dataclass(frozen=True, slots=True)
class Unseen:
    """Changes that no scenario ran, in words.

    `lines` are of files that are compiled, left out by the configuration: without them there is no
    answer but a failure. `files` are C files that are no part of the program.
    """

    lines: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


def find_unseen(tree: Repository, base: str, last: str, kit: Kit) -> Unseen:
    """Return what changed from one commit to another and is not compiled."""
    reader = BlobReader(tree)
    before, after = (CommitSources(reader, commit) for commit in (base, last))
    config = config_of(kit)
    lines: list[str] = []
    files: list[str] = []
    for path, change in sorted(find_changes(tree, base, last).items()):
        if not path.endswith(C_SUFFIXES):
            continue
        if not is_compiled(kit, path):
            files.append(path)
            continue
        taken = find_cut(_text(before, change.before), _hunk_lines(change, 0), config)
        lines += [_say(each, f"lines {{}} taken out of {change.before}") for each in taken]
        added = find_cut(_text(after, path), _hunk_lines(change, 2), config)
        lines += [_say(each, f"changed lines {{}} of {path}") for each in added]
    return Unseen(tuple(lines), tuple(files))


def is_compiled(kit: Kit, path: str) -> bool:
    """Whether a kit compiles a C file; of headers, it may be any."""
    return path.endswith(".h") or any(_matches(path, each) for each in kit.sources)


def _matches(path: str, pattern: str) -> bool:
    if pattern.startswith("**/"):
        return PurePosixPath(path).match(pattern[3:])
    given = PurePosixPath(path)
    return given.match(pattern) and len(given.parts) == len(PurePosixPath(pattern).parts)


def find_cut(text: str, changed: Iterable[int], config: Mapping[str, str]) -> list[LeftOut]:
    """Return where changed lines (from 1) of a text are left out: from the first to the last."""
    lines = frozenset(changed)
    found = []
    for each in find_left_out(text, config) if lines else ():
        inside = lines & frozenset(range(each.first, each.last + 1))
        if inside:
            found.append(LeftOut(min(inside), max(inside), each.sure))
    return found


def _text(sources: CommitSources, path: str | None) -> str:
    data = sources.read(path) if path is not None else None
    return data.decode("utf-8", "replace") if data is not None else ""


def _hunk_lines(change: FileChange, side: int) -> Iterator[int]:
    for hunk in change.hunks:
        yield from range(hunk[side], hunk[side] + hunk[side + 1])


def _say(cut: LeftOut, what: str) -> str:
    where = str(cut.first) if cut.first == cut.last else f"{cut.first}-{cut.last}"
    are = "are not" if cut.sure else "may not be"
    return f"{what.format(where)} {are} in the configuration the simulator uses"
