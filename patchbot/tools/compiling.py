"""gcc with W=1 and sparse on the changed C files of every commit, with the base's own kbuild.

The base is configured with all modules and prepared once; then each commit's C files are laid over
it and the objects compiled. What the series changes of makefiles, Kconfig or scripts is not used.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from patchbot.git import Repository
from patchbot.kbuild.make import Compiled, Kbuild, missing_programs, read_fragment
from patchbot.kbuild.source import SourceFolder, is_laid_over
from patchbot.proc import PROCESSES
from patchbot.static.sources import CommitSources
from patchbot.tools.messages import Message, parse_gcc, parse_sparse, split_log
from patchbot.tools.runs import Heard, ToolRun
from patchbot.tools.versions import explain_absent, find_version

FRAGMENT = "tools.config"
_MAX_OBJECTS = 60
_MAX_USERS = 8


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit's files, and the C files that it changes from the one before."""

    sources: CommitSources
    changed: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Bench:
    """What compiling needs; `said` keeps what was said of equal files."""

    kbuild: Kbuild
    folder: SourceFolder
    paths: Sequence[str]
    objects: Sequence[str]
    sparse: bool
    said: dict[tuple[str | None, ...], Compiled] = field(default_factory=dict)

    def compile(self, commit: Commit) -> Compiled:
        """Compile a commit's objects, unless the same files were compiled before."""
        PROCESSES.check()
        key = tuple(commit.sources.blob_of(path) for path in self.paths)
        if key not in self.said:
            self.folder.lay_over(self.paths, commit.sources.read)
            here = [each for each in self.objects if commit.sources.exists(f"{each[:-2]}.c")]
            self.said[key] = self.kbuild.compile(here, sparse=self.sparse)
        return self.said[key]


def find_objects(repository: Repository, base: str, paths: Sequence[str]) -> list[str]:
    """Return the objects to compile: of changed C files, else of some that include the headers."""
    sources = [path for path in paths if path.endswith(".c") and is_laid_over(path)]
    if not sources:
        headers = [path for path in paths if path.endswith(".h") and is_laid_over(path)]
        sources = sorted({user for path in headers for user in _find_users(repository, base, path)})
    return [f"{path[:-2]}.o" for path in sources[:_MAX_OBJECTS]]


def _find_users(repository: Repository, base: str, header: str) -> list[str]:
    """Return some C files of the base that include a header: those of its own folder first."""
    inside = header.partition("include/")[2]
    name = inside or posixpath.basename(header)
    done = repository.run(
        "grep", "-l", "-z", "-F", "-e", f"<{name}>", "-e", f'"{posixpath.basename(header)}"',
        base, "--", ":(glob)**/*.c",
        check=False,
    )  # fmt: skip
    found = [each.partition(":")[2] for each in done.stdout.decode("utf-8", "replace").split("\0")]
    near = posixpath.dirname(header)
    usable = [path for path in found if path and is_laid_over(path)]
    usable.sort(
        key=lambda path: (posixpath.dirname(path) != near, not path.startswith("fs/"), path)
    )
    if not inside:
        usable = [path for path in usable if path.startswith(near)]
    return usable[:_MAX_USERS]


def run_compilers(
    kbuild: Kbuild,
    folder: SourceFolder,
    trail: Sequence[Commit],
    paths: Sequence[str],
    objects: Sequence[str],
) -> list[ToolRun]:
    """Compile the objects at every commit; returns what gcc and what sparse say.

    Raises `KbuildError` where the base can't be configured or prepared.
    """
    versions = {name: find_version(name) for name in ("gcc", "sparse")}
    absent = missing_programs()
    if absent or not objects:
        why = explain_absent(*absent) if absent else "no C file that is compiled is changed"
        return [ToolRun(name, absent=why) for name in versions]
    kbuild.prepare(read_fragment(FRAGMENT))
    used = [path for path in paths if is_laid_over(path)]
    bench = _Bench(kbuild, folder, used, objects, sparse=versions["sparse"] is not None)
    base = trail[0].sources
    try:
        made = [bench.compile(commit) for commit in trail]
    finally:
        folder.reset(base.read)
    return [_judge(name, version, bench, trail, made) for name, version in versions.items()]


def _judge(
    tool: str, version: str | None, bench: _Bench, trail: Sequence[Commit], made: Sequence[Compiled]
) -> ToolRun:
    if version is None:
        return ToolRun(tool, absent=explain_absent(tool))
    ever = frozenset().union(*(each.made for each in made))
    heard = [_hear(tool, bench, *pair, ever) for pair in zip(trail, made, strict=True)]
    failing = {m.file for h in heard for m in h.messages if m.level == "error"}
    never = [o for o in bench.objects if o not in ever and f"{o[:-2]}.c" not in failing]
    if len(never) == len(bench.objects):
        words = f"none of {', '.join(never[:3])} is built in this configuration"
        return ToolRun(tool, version, absent=words)
    partly = f"not built in this configuration: {', '.join(never)}" if never else ""
    return ToolRun(tool, version, tuple(heard), partly=partly)


def _hear(
    tool: str, bench: _Bench, commit: Commit, compiled: Compiled, ever: frozenset[str]
) -> Heard:
    """Return what a tool said of a commit; the files whose object failed are lost to its view."""
    compiler, sparse = split_log(compiled.log)
    source, output = str(bench.kbuild.source), str(bench.kbuild.output)
    parse: Callable[[str, str, str], list[Message]] = parse_gcc if tool == "gcc" else parse_sparse
    messages = parse(compiler if tool == "gcc" else sparse, source, output)
    present = [o for o in bench.objects if commit.sources.exists(f"{o[:-2]}.c")]
    lost = {f"{o[:-2]}.c" for o in present if o in ever and o not in compiled.made}
    return Heard(tuple(messages), frozenset(lost))
