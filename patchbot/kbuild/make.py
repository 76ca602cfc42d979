"""Configure, prepare and compile with the kernel's own make, in the sandbox."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from patchbot.errors import PatchbotError
from patchbot.proc import Completed, count_cores
from patchbot.sandbox import run_sandboxed

_CONFIGURE_S, _PREPARE_S, _COMPILE_S = 180.0, 900.0, 1800.0
_PROGRAMS = ("make", "gcc", "flex", "bison", "bc", "perl")
_PACKAGES = (
    (re.compile(r"gelf\.h|libelf"), "libelf-dev"),
    (re.compile(r"openssl/\w+\.h"), "libssl-dev"),
    (re.compile(r"gmp\.h|mpc\.h"), "gcc-plugin dev packages, or turn CONFIG_GCC_PLUGINS off"),
)
_COMPLAINT = re.compile(r"error|\*\*\*|fatal|not found|No such file", re.I)
_WRAPPER = """#!/bin/sh
# Tells the lines of the checker from those of the compiler.
exec sparse "$@" 2>&1 | sed 's/^/sparse: /' >&2
"""


class KbuildError(PatchbotError):
    """The kernel could not be configured or prepared for compiling."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """What make said about some objects, and which of them it made."""

    log: str
    made: frozenset[str]


@dataclass(frozen=True, slots=True)
class Made:
    """Whether make did all it was asked for, and what it said."""

    good: bool
    log: str


def missing_programs() -> list[str]:
    """Return what a kernel can't be built without and this machine has not."""
    return [name for name in _PROGRAMS if shutil.which(name) is None]


def read_fragment(name: str) -> str:
    """Return the text of a configuration fragment of this package, such as "tools.config"."""
    return (files("patchbot.kbuild") / name).read_text("utf-8")


@dataclass(slots=True)
class Kbuild:
    """A kernel's sources with an output folder beside them.

    `prepare` leaves a file when it is done: an output folder without it is made anew. `cache` is
    a folder of ccache's. Only what is trusted may fill it (`fills_cache`): what a patch runs could
    leave an object there that answers for other sources.
    """

    source: Path
    output: Path
    cache: Path | None = None
    fills_cache: bool = False

    @property
    def _stamp(self) -> Path:
        return self.output / ".patchbot-prepared"

    def prepare(self, fragment: str) -> None:
        """Configure with all modules and `fragment`, and make what every object needs.

        Raises `KbuildError` with the first complaints of the log.
        """
        if self._is_prepared(fragment):
            return
        self._configure("allmodconfig", fragment)
        self._make("prepare it", ["prepare"], _PREPARE_S)
        self._stamp.write_text(fragment, "utf-8")

    def configure(self, fragment: str, required: str) -> None:
        """Configure with nothing but `fragment`.

        Raises `KbuildError` where an option of it that is `required` can't be set: a kernel may be
        too old or too new for the others.
        """
        if self._is_prepared(fragment):
            return
        self._configure("allnoconfig", fragment)
        self.check_config(required)
        self._stamp.write_text(fragment, "utf-8")

    def check_config(self, fragment: str) -> None:
        """Raise `KbuildError` where an option that `fragment` asks for is not set."""
        have = set((self.output / ".config").read_text("utf-8").splitlines())
        asked = [line for line in fragment.splitlines() if line.startswith("CONFIG_")]
        lost = [line for line in asked if not line.endswith("=n") and line not in have]
        if lost:
            raise KbuildError(f"the configuration can't have {', '.join(lost)}")

    def _is_prepared(self, fragment: str) -> bool:
        return self._stamp.is_file() and self._stamp.read_text("utf-8") == fragment

    def _configure(self, target: str, fragment: str) -> None:
        shutil.rmtree(self.output, ignore_errors=True)
        self.output.mkdir(parents=True)
        base = self.output / "fragment.config"
        base.write_text(fragment, "utf-8")
        self._make("configure it", [f"KCONFIG_ALLCONFIG={base}", target], _CONFIGURE_S)

    def make(self, words: Sequence[str], timeout_s: float = _COMPILE_S) -> Made:
        """Make some targets, going on after an error; raises `ProcessError` after `timeout_s`."""
        done = self._run(["-k", *words], timeout_s)
        return Made(done.returncode == 0, _text(done))

    def compile(self, objects: Sequence[str], *, sparse: bool) -> Compiled:
        """Compile objects anew with W=1, and let sparse look at each where `sparse` is set.

        Raises `ProcessError` where that takes more than half an hour.
        """
        for each in objects:
            (self.output / each).unlink(missing_ok=True)
        checks = ["C=2", f"CHECK={self._wrapper()}"] if sparse else []
        done = self._run(["-k", "W=1", *checks, *objects], _COMPILE_S)
        made = frozenset(each for each in objects if (self.output / each).is_file())
        return Compiled(_text(done), made)

    def _wrapper(self) -> Path:
        path = self.output / "patchbot-check.sh"
        path.write_text(_WRAPPER, "utf-8")
        path.chmod(0o755)
        return path

    def _make(self, what: str, words: Collection[str], timeout_s: float) -> None:
        done = self._run(words, timeout_s)
        if done.returncode != 0:
            raise _explain(what, _text(done))

    def _run(self, words: Collection[str], timeout_s: float) -> Completed:
        readable, writable = [self.source], [self.output]
        argv = self._command()
        if self._cache is not None:
            self._cache.mkdir(parents=True, exist_ok=True)
            (writable if self.fills_cache else readable).append(self._cache)
        return run_sandboxed(
            [*argv, *words],
            readable=readable,
            writable=writable,
            cwd=self.source,
            timeout_s=timeout_s,
        )

    @property
    def _cache(self) -> Path | None:
        return self.cache if shutil.which("ccache") else None

    def _command(self) -> list[str]:
        jobs = f"-j{count_cores()}"
        # Old kernels' host programs do not compile without warnings under a new compiler.
        make = ["make", "-C", str(self.source), f"O={self.output}", "WERROR=0", jobs, "-O"]
        if self._cache is None:
            return make
        words = [f"CCACHE_DIR={self._cache}", "CCACHE_TEMPDIR=/tmp", "CCACHE_MAXSIZE=2G"]
        # Without a second preprocessor run; and the same for the folders of all bases.
        words += ["CCACHE_DEPEND=1", f"CCACHE_BASEDIR={self.output.parent}"]
        words += ["CCACHE_NOHASHDIR=1", "CCACHE_ABSSTDERR=1"]
        words += [] if self.fills_cache else ["CCACHE_READONLY=1"]
        return ["env", *words, *make, "CC=ccache gcc"]


def _text(done: Completed) -> str:
    return (done.stdout + done.stderr).decode("utf-8", "replace")


def _explain(what: str, log: str) -> KbuildError:
    complaints = [line.strip() for line in log.splitlines() if _COMPLAINT.search(line)]
    first = "; ".join(complaints[:3]) or "make says nothing more"
    for pattern, package in _PACKAGES:
        if pattern.search(log):
            return KbuildError(f"make can't {what}: {first}", hint=f"apt-get install {package}")
    return KbuildError(f"make can't {what}: {first}")
