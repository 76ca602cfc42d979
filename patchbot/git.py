"""Run git without its surroundings: no hooks, no editor, no prompt, no user's index or config.

Two kinds of calls: `Repository` reads the user's repository (and adds objects and refs under
`refs/patchbot/`, nothing else); `Scratch` is a throw-away bare repository that sees the user's
objects, where all work is done.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from patchbot.errors import GitError
from patchbot.proc import Completed, run_program

REF_PREFIX = "refs/patchbot/"
_FIXED = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    # A partial clone must not fetch what it lacks: no git below 2.45 knows the first.
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "LC_ALL": "C",
    "TZ": "UTC",
}
_NO_SIDE_EFFECTS = (
    "-c", "core.hooksPath=/dev/null",
    "-c", "core.fsmonitor=false",
    "-c", "core.logAllRefUpdates=false",
    "-c", "core.filesRefLockTimeout=5000",
    "-c", "gc.auto=0",
    "-c", "maintenance.auto=false",
)  # fmt: skip
_TROUBLE = re.compile(
    r": (No space left on device|Disk quota exceeded|File too large|Read-only file system"
    r"|Input/output error|Too many open files|Cannot allocate memory)$"
    r"|^(?:fatal: (?=Out of memory|sha1 file '.+' write error)"
    r"|error: (?=Unable to write new index))(.+)",
    re.M,
)
_UNASKABLE = re.compile(r"[\n\0\ud800-\udc7f\udd00-\udfff]|:\.{1,2}/")
_HEX = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def clean_environment() -> dict[str, str]:
    """Return the environment without anything that would send git to another place."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    for kept in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM", "GIT_EXEC_PATH"):
        if kept in os.environ:
            env[kept] = os.environ[kept]
    return env | _FIXED


@dataclass(frozen=True, slots=True)
class Repository:
    """The user's git repository: `top` is its checkout (or the bare folder), `common` its data.

    `own` is where its HEAD is: in a linked worktree not `common`, which is the default.
    """

    top: Path
    common: Path
    own: Path | None = None

    def run(
        self, *args: str, stdin: bytes = b"", check: bool = True, timeout_s: float = 120.0
    ) -> Completed:
        """Run a git command on the repository; raises `GitError` when it fails and `check`."""
        argv = ["git", *_NO_SIDE_EFFECTS, f"--git-dir={self.own or self.common}", *args]
        done = run_program(
            argv, stdin=stdin, env=clean_environment(), cwd=self.common, timeout_s=timeout_s
        )
        return _checked(done, args, check)

    def resolve_commit(self, name: str) -> str | None:
        """Return the full id of the commit that `name` means, None where there is none."""
        if name.startswith("-") or not name.strip() or "\0" in name:
            return None
        done = self.run(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}",
            check=False,
        )  # fmt: skip
        text = done.stdout.decode("ascii", "replace").strip()
        return text if done.returncode == 0 and _HEX.fullmatch(text) else None

    def tree_of(self, commit: str) -> str:
        """Return the tree id of a commit."""
        return self.run("rev-parse", "--verify", f"{commit}^{{tree}}").stdout.decode().strip()

    def is_own(self, commit: str) -> bool:
        """Whether a branch, tag or remote branch of the user's holds a commit."""
        refs = ("refs/heads", "refs/tags", "refs/remotes")
        done = self.run("for-each-ref", "--count=1", f"--contains={commit}", *refs, check=False)
        return done.returncode == 0 and bool(done.stdout.strip())

    def read_file(self, commit: str, path: str) -> str | None:
        """Return a file's text as it is in a commit; None where it has none, or no text."""
        found = self.run("cat-file", "blob", f"{commit}:{path}", check=False)
        if found.returncode or b"\0" in found.stdout[:8192]:
            return None
        return found.stdout.decode("utf-8", "replace")

    def show_commit(self, commit: str) -> str:
        """Return a commit's message and diff as git shows them; raises `GitError`."""
        shown = self.run("show", "--no-color", "--no-ext-diff", "--stat", "-p", commit)
        return shown.stdout.decode("utf-8", "replace")

    def has_objects(self, ids: Sequence[str]) -> bool:
        """Whether the repository holds all of these objects."""
        done = self.run("cat-file", "--batch-check", stdin=_lines(ids), check=False)
        lines = done.stdout.splitlines()
        return len(lines) == len(ids) and not any(line.endswith(b" missing") for line in lines)

    def check_names(self, names: Sequence[str]) -> list[str | None]:
        """Return the object id that each of `names` (such as `commit:path`) means, or None.

        What git can't be asked for is None too: line breaks, and what it takes for a path relative
        to the current folder.
        """
        usable = ["" if _UNASKABLE.search(name) else name for name in names]
        done = self.run(
            "cat-file", "--batch-check=%(objectname)", stdin=_lines(usable), timeout_s=60.0
        )
        found: list[str | None] = []
        for line in done.stdout.decode("utf-8", "replace").split("\n")[: len(names)]:
            found.append(line if _HEX.fullmatch(line) else None)
        return found

    def count_bytes(self, names: Sequence[str]) -> int:
        """Return the size of all objects that `names` mean, each name that means none left out."""
        ids = [found for found in self.check_names(names) if found is not None]
        done = self.run("cat-file", "--batch-check=%(objectsize)", stdin=_lines(ids))
        return sum(int(size) for size in done.stdout.split() if size.isdigit())

    def update_refs(self, refs: Mapping[str, str | None]) -> None:
        """Set (or, for None, delete) refs below `refs/patchbot/`; no other ref is accepted."""
        lines = []
        for name, commit in refs.items():
            if not name.startswith(REF_PREFIX):
                raise GitError(f"{name} is not one of patchbot's refs")
            self._clear_stale_lock(name)
            if commit:
                lines.append(f"update {name}\0{commit}\0\0")
            elif not self._delete_loose(name):
                lines.append(f"delete {name}\0\0")
        if lines:
            self.run("update-ref", "--stdin", "-z", stdin="".join(lines).encode())

    def _delete_loose(self, name: str) -> bool:
        """Delete one of our refs that stands in a file of its own; False where git has to.

        Git locks `packed-refs` even to delete a ref that is not in it, and a kill at that moment
        would leave the lock in the user's way.
        """
        packed, path = self.common / "packed-refs", self.common / name
        try:
            path.unlink()
            return f" {name}\n".encode() not in packed.read_bytes()
        except FileNotFoundError:
            return not packed.exists() and self.resolve_commit(name) is None
        except OSError:
            return False

    def create_branch(self, name: str, commit: str) -> None:
        """Create a new branch, which the user asked for by name.

        Raises `GitError` for a name that git does not accept, or that is taken.
        """
        self.check_branch(name)
        line = f"create refs/heads/{name}\0{commit}\0"
        self.run("update-ref", "--stdin", "-z", stdin=line.encode())

    def check_branch(self, name: str) -> None:
        """Raise `GitError` for a new branch's name that git does not accept, or that is taken."""
        if self.run("check-ref-format", "--branch", name, check=False).returncode != 0:
            raise GitError(f"{name!r} is no name for a branch", hint="such as review/jbd2")
        if self.resolve_commit(f"refs/heads/{name}") is not None:
            raise GitError(f"the branch {name} exists already", hint="choose another name")

    def _clear_stale_lock(self, name: str) -> None:
        """Remove the lock that a killed run left on one of our own refs.

        The caller holds patchbot's own lock for this repository, so nobody else can own it.
        """
        with contextlib.suppress(OSError):
            (self.common / f"{name}.lock").unlink()


def _lines(items: Sequence[str]) -> bytes:
    return "".join(f"{item}\n" for item in items).encode("utf-8", "surrogateescape")


def _checked(done: Completed, args: Sequence[str], check: bool) -> Completed:
    """Raise `GitError` for a failure, if `check`, and always where the machine is to blame."""
    if done.returncode == 0:
        return done
    trouble = _TROUBLE.search(done.error_text)
    name = next((arg for arg in args if not arg.startswith("-")), "")
    if trouble:
        raise make_disk_error(f"git {name}: {trouble.group(1) or trouble.group(2)}")
    if check or done.returncode < 0:
        words = done.error_text or f"exit code {done.returncode}"
        raise GitError(f"git {name} failed: {words}")
    return done


def make_disk_error(words: str) -> GitError:
    """Make the error that says that the machine, not a patch, stands in the way."""
    return GitError(words, hint="free space where the tree and PATCHBOT_HOME are, and try again")


class Scratch:
    """A bare repository in a folder of patchbot's, with the user's objects as alternates."""

    def __init__(self, repository: Repository, folder: Path) -> None:
        self.repository = repository
        self.folder = folder
        self.git_dir = folder / "scratch.git"
        self.index = folder / "index"
        self._make()

    def _make(self) -> None:
        objects = self.git_dir / "objects"
        (objects / "info").mkdir(parents=True)
        (self.git_dir / "refs").mkdir()
        (self.git_dir / "HEAD").write_text("ref: refs/heads/none\n")
        config = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
        (self.git_dir / "config").write_text(config)
        shared = self.repository.common / "objects"
        (objects / "info" / "alternates").write_bytes(_quote_alternate(os.fsencode(shared)))

    @property
    def environment(self) -> dict[str, str]:
        """The environment for git here: this repository, its own index, no user's config."""
        return clean_environment() | {
            "GIT_DIR": str(self.git_dir),
            "GIT_INDEX_FILE": str(self.index),
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            "HOME": str(self.folder),
        }

    def run(
        self,
        *args: str,
        stdin: bytes = b"",
        check: bool = True,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        """Run a git command here; raises `GitError` when it fails and `check`."""
        argv = ["git", *_NO_SIDE_EFFECTS, "-c", "fastimport.unpackLimit=0", *args]
        full = self.environment | dict(env or {})
        done = run_program(argv, stdin=stdin, env=full, cwd=self.folder)
        return _checked(done, args, check)

    def publish(self, commits: Sequence[str], base: str, refs: Mapping[str, str]) -> None:
        """Copy the new objects into the user's repository, then set the refs.

        The objects arrive as loose objects or a pack, whole or not at all; refs come last, so
        that a kill at any moment leaves at most objects that nothing names.
        """
        revs = f"{commits[-1]}\n^{base}\n".encode()
        pack = self.run("pack-objects", "--revs", "--stdout", "-q", stdin=revs)
        self.repository.run("unpack-objects", "-q", stdin=pack.stdout)
        self.repository.update_refs(refs)


def _quote_alternate(path: bytes) -> bytes:
    """Return a line for `info/alternates`; git takes a quoted one apart like a path in a diff."""
    escaped = path.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"%s"\n' % escaped if b"\n" in path else path + b"\n"


def make_scratch(repository: Repository, folder: Path) -> Scratch:
    """Make a scratch repository in `folder`; whoever owns the folder removes it.

    Raises `GitError` where it can't be made.
    """
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return Scratch(repository, folder)
    except OSError as error:
        raise make_disk_error(str(error)) from error
