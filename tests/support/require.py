"""Skips that say why, and that fail where everything is required.

``PATCHBOT_REQUIRE`` is ``all`` or a list of tools, separated by commas: a test that lacks one of
those fails instead of being skipped. Data that nobody has to have is always skipped when absent.
"""

import os
import re
import shutil
from pathlib import Path

import pytest

from tests.support import ROOT

PACKAGES = {
    "b4": "b4",
    "busybox": "busybox-static",
    "bwrap": "bubblewrap",
    "gcc": "gcc",
    "git": "git",
    "make": "make",
    "public-inbox-httpd": "public-inbox",
    "public-inbox-index": "public-inbox",
    "public-inbox-init": "public-inbox",
    "qemu-system-x86_64": "qemu-system-x86",
    "spatch": "coccinelle",
    "tmux": "tmux",
}
"""Debian package by tool, where it is known; any other tool stands for itself."""


def is_required(tool: str) -> bool:
    """Whether PATCHBOT_REQUIRE turns the lack of this tool into a failure."""
    wanted = {word.strip() for word in os.environ.get("PATCHBOT_REQUIRE", "").split(",")}
    return "all" in wanted or tool in wanted


def require(tool: str) -> Path:
    """The path of a tool; without it the test is skipped, or fails where the tool is required."""
    found = shutil.which(tool)
    if found:
        return Path(found)
    reason = f"{tool} is missing: apt-get install {PACKAGES.get(tool, tool)}"
    if is_required(tool):
        pytest.fail(f"{reason} (PATCHBOT_REQUIRE={os.environ['PATCHBOT_REQUIRE']})")
    pytest.skip(reason)


def linux_source(version: str) -> Path:
    """The archive of Debian's package linux-source-VERSION; skipped or failed without it."""
    found = Path(f"/usr/src/linux-source-{version}.tar.xz")
    if not found.exists():
        reason = f"{found} is missing: apt-get install linux-source-{version}"
        if is_required(f"linux-source-{version}"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def shared_lore() -> list[Path]:
    """The real threads beside the work tree, as .mbox.gz files; skipped where they are absent."""
    folder = ROOT.parent / "shared" / "lore"
    files = sorted(folder.glob("*.mbox.gz"))
    if not files:
        pytest.skip(f"no real threads at {folder} (opt-in data)")
    return files


def lore_url() -> str:
    """The public-inbox named by PATCHBOT_TEST_LORE; skipped where it is not set."""
    return _opt_in("PATCHBOT_TEST_LORE", "the URL of a public-inbox with the whole archive")


def kernel_tree() -> Path:
    """The first kernel tree that PATCHBOT_TEST_TREE names; skipped where it is not set."""
    return kernel_trees()[0]


def kernel_trees() -> list[Path]:
    """The kernel's git trees named by PATCHBOT_TEST_TREE, with ":" or "," between them.

    Skipped where it is not set; the first has v5.9.1.
    """
    named = _opt_in("PATCHBOT_TEST_TREE", "a Linux git tree that has v5.9.1, and more after a ':'")
    return [Path(name) for name in re.split("[:,]", named) if name]


def archive_epoch() -> Path:
    """The archive's git named by PATCHBOT_TEST_EPOCH; skipped where it is not set."""
    return Path(_opt_in("PATCHBOT_TEST_EPOCH", "a bare public-inbox epoch (git/0.git)"))


def kernel_build() -> None:
    """Skip unless PATCHBOT_TEST_KERNEL is set: a whole kernel takes many minutes of CPU."""
    _opt_in("PATCHBOT_TEST_KERNEL", "1, to build and boot a kernel of Debian's sources")


DEEP = os.environ.get("PATCHBOT_TEST_SIM") == "deep"
"""Whether the simulator is to search as far as takes many minutes."""
deep = pytest.mark.skipif(
    not DEEP, reason="opt-in: set PATCHBOT_TEST_SIM to deep, for long searches"
)
"""For tests that do so."""


def _opt_in(variable: str, meaning: str) -> str:
    value = os.environ.get(variable, "")
    if not value:
        pytest.skip(f"opt-in: set {variable} to {meaning}")
    return value
