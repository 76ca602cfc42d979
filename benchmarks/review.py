"""Fetch against `b4 am`, and a second review against the first, on a local public-inbox."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.timing import measure, report, say
from patchbot.demo import find_mbox, make_demo_tree
from tests.support.public_inbox import PublicInbox, read_mboxes

_THREADS = ("page-protect-v1.mbox", "page-protect-v2.mbox", "page-protect-v3.mbox")
_NEWEST = "20260315191000.3456-1-mira@example.org"


def run(folder: Path) -> None:
    """Print the ratio of a first review against `b4 am`, and of the second against the first."""
    say("starting a public-inbox with the demo threads")
    tree = make_demo_tree(folder / "demo")
    server = PublicInbox(folder / "inbox")
    server.add("demo", read_mboxes([find_mbox(name) for name in _THREADS]))
    with server:
        url = server.inbox_url("demo").rstrip("/")
        say("fetching with b4 am, reviewing twice")
        first = measure(lambda n: _review(url, tree, folder / f"home{n}"))
        second = measure(lambda n: _review(url, tree, folder / f"home{n}"))
        alone = measure(lambda n: _fetch(url, folder / f"alone{n}"))
        b4 = measure(lambda n: _b4_am(url, folder / f"b4-{n}"))
    report("fetch and tie all revisions", alone, "b4 am (one revision)", b4)
    report("first review, 4 revisions", first, "b4 am (fetches one, no apply)", b4)
    report("second review", second, "first review", first)


def _environment(home: Path) -> dict[str, str]:
    home.mkdir(parents=True, exist_ok=True)
    return os.environ | {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_DATA_HOME": str(home / "data"),
        "PATCHBOT_HOME": str(home / "patchbot"),
        "GIT_CONFIG_GLOBAL": "/dev/null",
    }


def _review(url: str, tree: Path, home: Path) -> None:
    argv = [sys.executable, "-m", "patchbot", "review", _NEWEST, "--lore", url, "--plain"]
    _run([*argv, "--tree", str(tree)], home, accepted=(0, 1, 3))


def _fetch(url: str, home: Path) -> None:
    """Fetch and build only: stand in no tree, so that nothing is applied."""
    argv = [sys.executable, "-m", "patchbot", "review", _NEWEST, "--lore", url, "--plain"]
    _run([*argv, "--no-cache"], home, accepted=(0, 1, 3))


def _b4_am(url: str, home: Path) -> None:
    masks = ("-c", f"b4.midmask={url}/%s", "-c", f"b4.searchmask={url}/?x=m&t=1&q=%s")
    off = ("-c", "b4.attestation-policy=off")
    argv = [sys.executable, "-m", "b4.command", *masks, *off, "am", "-o", "-", "--no-cache"]
    _run([*argv, _NEWEST], home, accepted=(0,))


def _run(argv: list[str], home: Path, accepted: tuple[int, ...]) -> None:
    done = subprocess.run(argv, env=_environment(home), cwd=home, capture_output=True, check=False)
    if done.returncode not in accepted:
        raise SystemExit(f"{argv} ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
