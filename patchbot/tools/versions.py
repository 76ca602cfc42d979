"""Which tools are here, and their versions."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Mapping
from types import MappingProxyType

from patchbot.errors import PatchbotError
from patchbot.proc import PROCESSES, run_program

_PACKAGES: Mapping[str, str] = MappingProxyType(
    {"gcc": "gcc", "sparse": "sparse", "spatch": "coccinelle", "perl": "perl", "make": "make",
     "flex": "flex", "bison": "bison", "bc": "bc"}
)  # fmt: skip
_VERSION_S = 20.0


def find_version(program: str) -> str | None:
    """Return the first line of what a program says of its version; None where it is absent."""
    path = shutil.which(program)
    return None if path is None else _ask_version(path)


@functools.cache
def _ask_version(path: str) -> str | None:
    try:
        done = run_program([path, "--version"], timeout_s=_VERSION_S)
    except PatchbotError:
        PROCESSES.check()
        return None
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    return lines[0].strip() if lines and done.returncode == 0 else None


def explain_absent(*programs: str) -> str:
    """Say that programs are absent, and how to get them."""
    packages = " ".join(_PACKAGES.get(each, each) for each in programs)
    return f"not installed (apt-get install {packages})"
