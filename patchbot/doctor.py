"""What this machine has and lacks, each with the command that adds it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from patchbot.errors import PatchbotError
from patchbot.proc import run_program
from patchbot.settings import Settings
from patchbot.store import Store
from patchbot.tree import find_tree

_NUMBER = re.compile(r"\d+(?:\.\d+)+")
_B4 = "0.16"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked for: `found` is None where it is absent, `needed` what for."""

    name: str
    found: str | None
    needed: str
    add: str
    required: bool = False


_PROGRAMS: tuple[tuple[str, tuple[str, ...], str, str, bool], ...] = (
    ("git", ("git", "--version"), "everything", "apt-get install git", True),
    (
        "gcc",
        ("gcc", "--version"),
        "the tools, build and simulate stages",
        "apt-get install gcc",
        False,
    ),
    ("make", ("make", "--version"), "the tools and build stages", "apt-get install make", False),
    ("flex", ("flex", "--version"), "the tools and build stages", "apt-get install flex", False),
    ("bison", ("bison", "--version"), "the tools and build stages", "apt-get install bison", False),
    ("bc", ("bc", "--version"), "the tools and build stages", "apt-get install bc", False),
    ("perl", ("perl", "--version"), "checkpatch", "apt-get install perl", False),
    (
        "public-inbox",
        ("public-inbox-httpd", "--help"),
        "patchbot's own tests, and a mirror of your own",
        "apt-get install public-inbox",
        False,
    ),
    (
        "qemu",
        ("qemu-system-x86_64", "--version"),
        "the smoke stage",
        "apt-get install qemu-system-x86",
        False,
    ),
    ("busybox", ("busybox", "--help"), "the smoke stage", "apt-get install busybox-static", False),
    (
        "bubblewrap",
        ("bwrap", "--version"),
        "running what a patch may influence",
        "apt-get install bubblewrap",
        False,
    ),
    ("ccache", ("ccache", "--version"), "building faster", "apt-get install ccache", False),
    ("sparse", ("sparse", "--version"), "the tools stage", "apt-get install sparse", False),
    ("coccinelle", ("spatch", "--version"), "the tools stage", "apt-get install coccinelle", False),
    ("gpg", ("gpg", "--version"), "checking patatt signatures", "apt-get install gpg", False),
)


def run_checks(settings: Settings) -> list[Check]:
    """Look for everything that patchbot uses."""
    checks = [_check_program(*row) for row in _PROGRAMS]
    checks += [_check_b4(), _check_home(settings), _check_tree(settings)]
    return sorted(checks, key=lambda check: not check.required)


def _check_program(
    name: str, argv: tuple[str, ...], needed: str, add: str, required: bool
) -> Check:
    if shutil.which(argv[0]) is None:
        return Check(name, None, needed, add, required)
    try:
        done = run_program(argv, timeout_s=10.0)
    except PatchbotError as error:
        return Check(name, None, needed, f"{argv[0]} is there, but: {error}", required)
    if done.returncode != 0:
        return Check(name, None, needed, f"{argv[0]} is there, but fails: {add}", required)
    number = _NUMBER.search(done.stdout.decode("utf-8", "replace").partition("\n")[0])
    return Check(name, number.group(0) if number else "found", needed, add, required)


def _check_b4() -> Check:
    add = f"pip install 'b4=={_B4}.*'"
    needed = f"fetching mail ({_B4})"
    try:
        found = version("b4")
    except PackageNotFoundError:
        return Check("b4", None, needed, add, True)
    fits = found.startswith(_B4)
    needed = needed if fits else f"{needed}, not {found}"
    return Check("b4", found if fits else None, needed, add, True)


def _check_home(settings: Settings) -> Check:
    def probe() -> str:
        Store(settings.home).close()
        return str(settings.home)

    add = "free space or mend its permissions, or set PATCHBOT_HOME to another folder"
    return _probe("store", probe, "keeping results", add, True)


def _check_tree(settings: Settings) -> Check:
    def probe() -> str | None:
        tree = find_tree(None, settings.tree)
        return str(tree.top) if tree else None

    add = 'stand in a kernel tree, or set `tree = "/path"` in the configuration, or use --tree'
    return _probe("tree", probe, "applying patches", add, False)


def _probe(
    name: str, probe: Callable[[], str | None], needed: str, add: str, required: bool
) -> Check:
    try:
        return Check(name, probe(), needed, add, required)
    except PatchbotError as error:
        return Check(name, None, needed, f"{error}; {add}", required)


def default_config_hint(path: Path) -> str:
    """Return a line that says where the configuration is read from."""
    return f"configuration: {path} ({'read' if path.exists() else 'not there, which is fine'})"
