"""The files of a commit, read from a git repository in few and large questions."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from patchbot.errors import GitError
from patchbot.git import Repository

_REGULAR = ("100644", "100755")
_PREFETCHED = (".c", ".h")
_MAX_PREFETCHED = 500


@dataclass(slots=True)
class BlobReader:
    """Reads blobs of a repository and keeps them: equal files of many commits are read once."""

    repository: Repository
    blobs: dict[str, bytes] = field(default_factory=dict)

    def read(self, wanted: Iterable[str]) -> None:
        """Fetch blobs that are not here yet; one that is absent stays absent."""
        missing = [each for each in dict.fromkeys(wanted) if each not in self.blobs]
        if not missing:
            return
        lines = "".join(f"{each}\n" for each in missing).encode()
        out = self.repository.run("cat-file", "--batch", stdin=lines).stdout
        at = 0
        while at < len(out):
            end = out.index(b"\n", at)
            words = out[at:end].split()
            at = end + 1
            if len(words) == 3 and words[1] == b"blob":
                size = int(words[2])
                self.blobs[words[0].decode()] = out[at : at + size]
                at += size + 1

    def get(self, blob: str) -> bytes | None:
        """Return one blob, None where the repository lacks it."""
        self.read([blob])
        return self.blobs.get(blob)


class CommitSources:
    """The tree of one commit, as `patchbot_checks.Sources`.

    The C files of a folder in `near` are fetched together, with the first one.
    """

    def __init__(self, reader: BlobReader, commit: str, near: Iterable[str] = ()) -> None:
        self._reader = reader
        self._commit = commit
        self._near = frozenset(near)
        self._folders: dict[str, dict[str, str]] = {}
        self._fetched: set[str] = set()

    def blob_of(self, path: str) -> str | None:
        """Return the id of a regular file's blob, None where there is none."""
        return self._entries(posixpath.dirname(path)).get(path)

    def read(self, path: str) -> bytes | None:
        """See `patchbot_checks.Sources`."""
        folder = posixpath.dirname(path)
        blob = self.blob_of(path)
        if blob is None:
            return None
        if folder in self._near and folder not in self._fetched:
            self._fetched.add(folder)
            entries = self._entries(folder)
            nearby = [b for p, b in entries.items() if p.endswith(_PREFETCHED)]
            self._reader.read(nearby[:_MAX_PREFETCHED])
        return self._reader.get(blob)

    def exists(self, path: str) -> bool:
        """See `patchbot_checks.Sources`."""
        return self.blob_of(path) is not None

    def list_files(self, folder: str) -> Sequence[str]:
        """See `patchbot_checks.Sources`."""
        return sorted(self._entries(folder))

    def _entries(self, folder: str) -> dict[str, str]:
        if folder not in self._folders:
            self._folders[folder] = self._list(folder)
        return self._folders[folder]

    def _list(self, folder: str) -> dict[str, str]:
        if folder.startswith("/") or ".." in folder.split("/") or "\0" in folder:
            return {}
        tree = f"{self._commit}:{folder}" if folder else self._commit
        try:
            out = self._reader.repository.run("ls-tree", "-z", "--end-of-options", tree).stdout
        except GitError:
            return {}  # there is no such folder
        found = {}
        for record in out.decode("utf-8", "surrogateescape").split("\0"):
            head, _, name = record.partition("\t")
            words = head.split()
            if len(words) == 3 and words[0] in _REGULAR:
                found[f"{folder}/{name}" if folder else name] = words[2]
        return found
