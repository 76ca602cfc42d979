"""Files of a commit as files of a folder: read from the repository, never checked out in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from patchbot.errors import TreeError
from patchbot.git import Repository
from patchbot.static.sources import BlobReader

_REGULAR = ("100644", "100755")
_MAX_BYTES = 500_000_000
_AT_A_TIME = 1000


def export_commit(
    tree: Repository, commit: str, folder: Path, below: Sequence[str] = ()
) -> list[str]:
    """Write the regular files of a commit into a folder, and return their paths.

    With `below`, only files in these folders (or with these paths). Links and submodules are left
    out. Raises `TreeError` for paths that lead outside and for more than 500 MB, `GitError` where
    git fails.
    """
    listed = list(list_blobs(tree, commit, below))
    if sum(size for _, _, size in listed) > _MAX_BYTES:
        raise TreeError(f"{commit[:12]}: more than {_MAX_BYTES // 1_000_000} MB of files")
    for start in range(0, len(listed), _AT_A_TIME):
        _write(tree, listed[start : start + _AT_A_TIME], folder)
    return [path for path, _, _ in listed]


def list_blobs(
    tree: Repository, commit: str, below: Sequence[str] = ()
) -> Iterator[tuple[str, str, int]]:
    """Yield path, blob id and size in bytes of a commit's regular files; see `export_commit`."""
    out = tree.run("ls-tree", "-r", "-l", "-z", "--full-tree", commit, "--", *below).stdout
    for record in out.decode("utf-8", "surrogateescape").split("\0"):
        head, _, path = record.partition("\t")
        words = head.split()
        if len(words) == 4 and words[0] in _REGULAR:
            _check_path(path)
            yield path, words[2], int(words[3])


def _check_path(path: str) -> None:
    parts = path.split("/")
    if any(part in ("", ".", "..") or part.lower() == ".git" for part in parts):
        raise TreeError(f"{path!r} is no path for a file")


def _write(tree: Repository, listed: Iterable[tuple[str, str, int]], folder: Path) -> None:
    reader = BlobReader(tree)
    rows = list(listed)
    reader.read(blob for _, blob, _ in rows)
    for path, blob, _ in rows:
        data = reader.get(blob)
        if data is None:
            raise TreeError(f"{path}: its contents are not in {tree.top}")
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
