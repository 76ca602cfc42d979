"""The bundled threads on the bundled tree: no network, no kernel.

The tree is `kernel_sim/kernel`, made into a git repository with one commit that is the same on
every machine, so that the threads' `index` lines and `base-commit:` trailers match it.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from patchbot.catalogue import find_series_folder
from patchbot.errors import PatchbotError
from patchbot.git import clean_environment
from patchbot.proc import run_program
from patchbot.workspace import make_lock

BASE_AUTHOR = "patchbot demo"
BASE_EMAIL = "demo@example.org"
BASE_DATE = "2026-02-01T00:00:00+00:00"
BASE_MESSAGE = "Model kernel: base of the demo threads\n"
_STAMP = "made"


@dataclass(frozen=True, slots=True)
class DemoThread:
    """One series of the demo: its mbox files, its message-id if several series are in them."""

    mboxes: tuple[str, ...]
    message_id: str | None = None
    on: str | None = None
    lesson: str = ""


THREADS = (
    DemoThread(
        ("page-protect-v1.mbox", "page-protect-v2.mbox", "page-protect-v3.mbox"),
        lesson="four revisions: a cover without v2, a conflict, a new title, a partial re-roll",
    ),
    DemoThread(
        ("page-protect-fix.mbox", "page-protect-v3.mbox"),
        message_id="20260402110500.8888-1-lena@example.com",
        on="20260317211000.3500-1-mira@example.org",
        lesson="a follow-up fix, reviewed on top of the revision it mends",
    ),
    DemoThread(
        ("dirty-count-v1.mbox", "dirty-count-v2.mbox", "dirty-count-v2-resend.mbox"),
        lesson="tied together by a change-id; v2 was sent twice",
    ),
    DemoThread(("missing-patch.mbox",), lesson="a patch that no archive has"),
    DemoThread(("quoted-printable.mbox",), lesson="quoted-printable, and another author"),
)


def find_kernel_folder() -> Path:
    """Return the folder of the model kernel."""
    return Path(str(files("kernel_sim"))) / "kernel"


def find_mbox(name: str) -> Path:
    """Return the path of one bundled thread."""
    return find_series_folder() / "demo" / name


def list_kernel_files(kernel: Path) -> list[Path]:
    """Return the files of the model kernel that make the demo tree, relative to it, sorted."""
    wanted = (p for p in kernel.rglob("*") if p.suffix in (".c", ".h") or p.name == "README")
    return sorted(path.relative_to(kernel) for path in wanted if path.is_file())


def make_demo_tree(folder: Path) -> Path:
    """Make (or reuse) the demo repository in `folder`, and return its top.

    Raises `PatchbotError` where git fails, or the folder can't be written.
    """
    try:
        make_lock(folder, "demo")(lambda: _make_when_stale(folder))
    except OSError as error:
        raise PatchbotError(
            f"{folder}: {error.strerror}", hint="set PATCHBOT_HOME to another folder"
        ) from error
    return folder / "tree"


def _make_when_stale(folder: Path) -> None:
    top, stamp = folder / "tree", folder / _STAMP
    contents = _read_contents()
    have = {name: (top / name).read_bytes() for name in contents if (top / name).is_file()}
    if stamp.exists() and have == contents:
        return
    stamp.unlink(missing_ok=True)
    shutil.rmtree(top, ignore_errors=True)
    make_base_repository(top)
    stamp.touch()


def make_base_repository(top: Path) -> None:
    """Make a repository of the model kernel in `top`, with one commit, the same everywhere.

    Raises `PatchbotError` where git fails.
    """
    for name, data in _read_contents().items():
        target = top / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        target.chmod(0o644)
    _commit_all(top)


def _read_contents() -> dict[Path, bytes]:
    kernel = find_kernel_folder()
    return {name: (kernel / name).read_bytes() for name in list_kernel_files(kernel)}


def _commit_all(top: Path) -> None:
    env = clean_environment() | {
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    for role in ("AUTHOR", "COMMITTER"):
        env |= {f"GIT_{role}_NAME": BASE_AUTHOR, f"GIT_{role}_EMAIL": BASE_EMAIL}
        env[f"GIT_{role}_DATE"] = BASE_DATE
    _git(top, env, "init", "-q", "--initial-branch=main", "--object-format=sha1")
    _git(top, env, "add", "--all", "--force")
    _git(
        top, env, "-c", "core.hooksPath=/dev/null", "commit", "-q", "--no-verify",
        "--no-gpg-sign", "--cleanup=verbatim", "-m", BASE_MESSAGE,
    )  # fmt: skip


def _git(top: Path, env: dict[str, str], *args: str) -> None:
    done = run_program(["git", "-C", str(top), "-c", "core.autocrlf=false", *args], env=env)
    if done.returncode != 0:
        raise PatchbotError(f"the demo tree can't be made: {done.error_text}")
