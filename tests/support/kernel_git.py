"""A bare git repository of Debian's kernel sources, as far as an image needs them; made once."""

import fcntl
from collections.abc import Mapping
from pathlib import Path

from patchbot.importing import import_archive
from patchbot.kbuild.source import IMAGE, is_exported
from tests.support import ROOT
from tests.support.git_tree import run_git
from tests.support.require import linux_source

_CACHE = ROOT / ".linux-sources"
_GROUPS = frozenset({"fs", IMAGE})


def kernel_git(version: str) -> Path:
    """The repository of a version, with one commit: half a minute the first time."""
    archive = linux_source(version)
    found = archive.stat()
    _CACHE.mkdir(exist_ok=True)
    repository = _CACHE / f"git-image-{version}-{found.st_size}-{found.st_mtime_ns}"
    with (_CACHE / f"git-{version}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not repository.is_dir():
            import_archive(archive, repository, wanted=lambda path: is_exported(path, _GROUPS))
    return repository


def commit_on(repository: Path, parent: str, files: Mapping[str, bytes], message: str) -> str:
    """A commit on top of another with these files changed; there is no checkout."""
    entries = "".join(
        f"100644 {run_git(repository, 'hash-object', '-w', '--stdin', stdin=data)}\t{path}\n"
        for path, data in files.items()
    )
    run_git(repository, "read-tree", parent)
    run_git(repository, "update-index", "--add", "--index-info", stdin=entries.encode())
    tree = run_git(repository, "write-tree")
    return run_git(repository, "commit-tree", tree, "-p", parent, "-F", "-", stdin=message.encode())


def file_of(repository: Path, commit: str, path: str) -> bytes:
    """A file's content in a commit."""
    return (run_git(repository, "show", f"{commit}:{path}") + "\n").encode()
