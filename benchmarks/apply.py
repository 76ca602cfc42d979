"""Apply four patches: ours against `git worktree add` + `git am`, whole and sparse."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from benchmarks.timing import measure, report, say
from patchbot.apply import apply_patches
from patchbot.git import Repository, make_scratch
from patchbot.mail.mbox import read_source
from patchbot.mail.series import build_series
from patchbot.mail.thread import Mails
from patchbot.model import Revision
from patchbot.tree import open_tree

FILES = 70_000
PATCHES = 4
_LINES = 200
_IDENTITY = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in (("NAME", "bench"), ("EMAIL", "bench@example.org"))
}
_ENV = os.environ | _IDENTITY | {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}


def git(repo: Path, *args: str, stdin: bytes = b"") -> bytes:
    """Run git in `repo`, and return its standard output."""
    done = subprocess.run(
        ["git", "-C", str(repo), *args], input=stdin, env=_ENV, capture_output=True, check=True
    )
    return done.stdout


def _file(number: int) -> str:
    return f"d{number % 40}/s{number // 40 % 50}/f{number}.c"


def _text(number: int, changed: int = 0) -> bytes:
    lines = [b"int value_%d_%d;" % (number, line) for line in range(_LINES)]
    for line in range(changed):
        lines[10 + 20 * line] += b" /* changed */"
    return b"\n".join(lines) + b"\n"


def make_tree(path: Path) -> None:
    """Make a repository with as many files as a kernel has, without a checkout."""
    git(path.parent, "init", "-q", "-b", "main", str(path))
    stream = [b"commit refs/heads/main\ncommitter b <b@example.org> 1 +0000\ndata 4\nbase\n"]
    for number in range(FILES):
        text = _text(number) if number < PATCHES else b"int v%d;\n" % number
        name = _file(number).encode()
        stream.append(b"M 100644 inline %s\ndata %d\n%s\n" % (name, len(text), text))
    git(path, "fast-import", "--quiet", stdin=b"".join(stream))


def make_patches(path: Path, folder: Path) -> Path:
    """Make a series of four patches against the tree, as one mbox."""
    stream = []
    for number in range(PATCHES):
        text = _text(number, changed=3)
        message = b"subsystem: change file %d\n" % number
        begin = b"from refs/heads/main^0\n" if number == 0 else b""
        stream.append(
            b"commit refs/heads/work\nauthor a <a@example.org> 2 +0000\n"
            b"committer b <b@example.org> 2 +0000\ndata %d\n%s\n%sM 100644 inline %s\ndata %d\n%s\n"
            % (len(message), message, begin, _file(number).encode(), len(text), text)
        )
    git(path, "fast-import", "--quiet", stdin=b"".join(stream))
    mbox = folder / "series.mbox"
    mbox.write_bytes(git(path, "format-patch", "--stdout", "--thread", "main..work"))
    return mbox


def run(folder: Path) -> None:
    """Print the two ratios for applying four patches to a 70,000-file tree."""
    say(f"making a tree of {FILES:,} files")
    path = folder / "tree"
    make_tree(path)
    mbox = make_patches(path, folder)
    mails = Mails(read_source(mbox))
    revision = build_series(mails)[0].revisions[0]
    tree, base = open_tree(path), git(path, "rev-parse", "main").decode().strip()
    say("applying four patches in three ways")
    ours = measure(lambda n: _apply_ours(tree, base, revision, folder / f"scratch{n}"))
    sparse = measure(lambda n: _apply_worktree(path, mbox, folder / f"sparse{n}", True), 3)
    whole = measure(lambda n: _apply_worktree(path, mbox, folder / f"whole{n}", False), 3)
    report("apply 4 patches", ours, "git worktree add + git am", whole)
    report("apply 4 patches", ours, "sparse worktree + git am", sparse)


def _apply_ours(tree: Repository, base: str, revision: Revision, folder: Path) -> None:
    scratch = make_scratch(tree, folder)
    applied = apply_patches(scratch, base, revision.patches)
    if len(applied.commits) != PATCHES:
        raise SystemExit(f"the benchmark's series did not apply: {applied.findings}")
    scratch.publish(applied.commits, base, {"refs/patchbot/bench/v1": applied.commits[-1]})
    shutil.rmtree(folder)


def _apply_worktree(tree: Path, mbox: Path, folder: Path, sparse: bool) -> None:
    git(tree, "worktree", "add", "-q", "--detach", "--no-checkout", str(folder), "main")
    if sparse:
        folders = sorted({str(Path(_file(n)).parent) for n in range(PATCHES)})
        git(folder, "sparse-checkout", "set", *folders)
    git(folder, "checkout", "-q")
    git(folder, "am", "-q", str(mbox))
    git(tree, "worktree", "remove", "--force", str(folder))
