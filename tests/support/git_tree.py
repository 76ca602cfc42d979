"""Small git repositories with fixed identities and dates, and a proof that one was left alone."""

import hashlib
import os
import stat
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

IDENTITY = {
    "GIT_AUTHOR_NAME": "Test Author",
    "GIT_AUTHOR_EMAIL": "author@example.org",
    "GIT_AUTHOR_DATE": "1600000000 +0000",
    "GIT_COMMITTER_NAME": "Test Committer",
    "GIT_COMMITTER_EMAIL": "committer@example.org",
    "GIT_COMMITTER_DATE": "1600000000 +0000",
}
"""Who commits in tests, and when."""

_OWN_REFS = "refs/patchbot/"
# Objects may be added freely; refs are compared by name and value, however they are stored.
_IGNORED_IN_GIT = {"objects", "refs", "packed-refs"}


def run_git(repo: Path, *args: str, stdin: bytes = b"") -> str:
    """What git prints, with a fixed identity and no user settings.

    Raises AssertionError with git's own words when git fails.
    """
    done = subprocess.run(
        ["git", *args],
        cwd=repo,
        input=stdin,
        env=git_environment(),
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"git {' '.join(args)}: {done.stderr.decode(errors='replace')}")
    return done.stdout.decode("utf-8", "surrogateescape").strip()


def git_environment() -> dict[str, str]:
    """An environment for git in which only PATH and the temporary HOME come from outside."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    isolated = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C.UTF-8"}
    return kept | isolated | IDENTITY


def make_git_tree(
    path: Path, files: Mapping[str, str | bytes], message: str = "base\n", branch: str = "master"
) -> Path:
    """A new repository at ``path`` with one commit that holds ``files``; returns ``path``.

    The same files give the same commit on every machine.
    """
    path.mkdir(parents=True)
    run_git(path, "init", "--quiet", f"--initial-branch={branch}")
    commit_files(path, files, message)
    return path


def commit_files(repo: Path, files: Mapping[str, str | bytes], message: str) -> str:
    """Write files, commit them on the current branch, and return the commit's full id."""
    for name, content in files.items():
        target = repo / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
    run_git(repo, "add", "--all")
    run_git(repo, "commit", "--quiet", "--allow-empty", "--file=-", stdin=message.encode())
    return run_git(repo, "rev-parse", "HEAD")


def tree_state(repo: Path) -> dict[str, str]:
    """Everything of a repository that patchbot must leave alone, as one line a thing.

    Every path of the checkout (bytes, mode, mtime in ns), every file in .git but the object store
    (so index, HEAD, config, hooks, logs, worktrees, lock files), and every ref and reflog outside
    refs/patchbot/.
    """
    git_dir = repo / ".git"
    state = {f"ref {name}": value for name, value in _refs(repo)}
    state |= {f"checkout {_relative(p, repo)}": _describe(p) for p in _walk(repo, {".git"})}
    for path in _walk(git_dir, _IGNORED_IN_GIT):
        name = _relative(path, git_dir)
        if not f"{name}/".startswith(f"logs/{_OWN_REFS}"):
            state[f"git {name}"] = _describe(path)
    return state


def tree_fingerprint(repo: Path) -> str:
    """One hash, in hex, over ``tree_state``."""
    state = tree_state(repo)
    lines = "".join(f"{name!r}: {state[name]}\n" for name in sorted(state))
    return hashlib.sha256(lines.encode()).hexdigest()


@contextmanager
def left_without_trace(repo: Path) -> Iterator[None]:
    """Fails, naming what changed, when the block leaves anything behind in the repository."""
    before = tree_state(repo)
    yield
    after = tree_state(repo)
    changed = [
        f"{name}: {before.get(name, 'absent')} -> {after.get(name, 'absent')}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]
    assert not changed, "the repository was touched:\n" + "\n".join(changed)


def _refs(repo: Path) -> Iterator[tuple[str, str]]:
    listing = run_git(repo, "for-each-ref", "--format=%(refname) %(objectname):%(symref)")
    for line in listing.splitlines():
        name, _, value = line.partition(" ")
        if not name.startswith(_OWN_REFS):
            yield name, value


def _walk(top: Path, ignored: set[str]) -> Iterator[Path]:
    """Every path under ``top``, links not followed, without the ignored names at the top."""
    for entry in sorted(os.scandir(top), key=lambda entry: entry.name):
        if entry.name in ignored:
            continue
        yield Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), set())


def _describe(path: Path) -> str:
    """Kind and mode; for files also content and time; a folder's time says nothing of its files."""
    info = path.lstat()
    if stat.S_ISDIR(info.st_mode):
        return f"{info.st_mode:o}"
    if stat.S_ISLNK(info.st_mode):
        content = os.readlink(os.fsencode(path))
    elif stat.S_ISREG(info.st_mode):
        content = path.read_bytes()
    else:
        content = b""
    return f"{info.st_mode:o} {info.st_mtime_ns} {hashlib.sha256(content).hexdigest()}"


def _relative(path: Path, top: Path) -> str:
    return path.relative_to(top).as_posix()
