"""The files of a commit that kbuild needs, on disk; and a series' C files laid over them.

Not all of a kernel is written: what configures and prepares it, and the folders that are asked for.
That is a tenth of its files. Of a series only C files are laid over the base's: its makefiles,
Kconfig files and scripts would run here, and what stands in `scripts` and `tools` runs on the host.
"""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from patchbot.errors import GitError
from patchbot.git import Scratch, make_disk_error

_SOURCE_ARCHES: Mapping[str, str] = {"x86_64": "x86", "i686": "x86", "aarch64": "arm64"}
ARCH = _SOURCE_ARCHES.get(platform.machine(), platform.machine())
_NEEDED = re.compile(
    r"(?:Makefile|Kbuild|Kconfig|MAINTAINERS|COPYING|CREDITS|README"
    r"|(?:scripts|include|init|kernel|lib|mm|security|certs|usr)/.*"
    rf"|arch/{re.escape(ARCH)}/.*|tools/(?:objtool|lib|include|build|scripts|arch|bpf)/.*"
    r"|(?:.*/)?(?:Kconfig|Makefile|Kbuild)[^/]*)"
)
_NEVER_IN_IMAGE = re.compile(
    rf"drivers/(?:gpu|net|media|infiniband|staging|scsi/(?!\w+\.[ch])|iio|usb|crypto|accel|video/fbdev)/"
    rf"|sound/|Documentation/|samples/|tools/testing/|tools/perf/|arch/(?!{re.escape(ARCH)}/)"
)
_SPLIT = ("arch", "drivers", "sound", "tools", "samples")
_HOST_ONLY = ("scripts", "tools")
_C_SUFFIXES = (".c", ".h")
IMAGE = "*"
Reader = Callable[[str], bytes | None]


@dataclass(frozen=True, slots=True)
class State:
    """What a folder holds: a commit, of it these groups, and the files laid over it."""

    commit: str = ""
    groups: tuple[str, ...] = ()
    over: tuple[str, ...] = ()


def group_of(path: str) -> str:
    """Return the folder that is written with a file: its top folder, or one below a large one."""
    first, _, rest = path.partition("/")
    second, slash, _ = rest.partition("/")
    return f"{first}/{second}" if first in _SPLIT and slash else first


def is_for_image(path: str) -> bool:
    """Whether a small kernel's image may need a file: not what stands in large driver folders."""
    return not _NEVER_IN_IMAGE.match(path) or _NEEDED.fullmatch(path) is not None


def is_laid_over(path: str) -> bool:
    """Whether a file of a series is used: C that is not part of a program of the build itself."""
    return path.endswith(_C_SUFFIXES) and path.partition("/")[0] not in _HOST_ONLY


@dataclass(slots=True)
class SourceFolder:
    """A commit's files in a folder: `state` beside it remembers what is there.

    What a killed run left laid over the base is put back by `reset`.
    """

    folder: Path
    state: Path

    def export(self, scratch: Scratch, commit: str, groups: Collection[str]) -> None:
        """Write the files of `commit` that are not there yet; raises `GitError`.

        The group "*" is everything that an image may need.
        """
        known = self._read()
        missing = set(groups) - set(known.groups)
        if known.commit == commit and not missing:
            return
        listed = scratch.run("ls-tree", "-r", "-z", "--full-tree", commit).stdout.split(b"\0")
        chosen = [entry for entry in listed if entry and _is_chosen(entry, missing)]
        if not chosen:
            raise GitError(f"{commit[:12]} has no files of {', '.join(sorted(groups))}")
        scratch.run("read-tree", "--empty")
        scratch.run("update-index", "-z", "--index-info", stdin=b"\0".join(chosen) + b"\0")
        self.folder.mkdir(parents=True, exist_ok=True)
        scratch.run("checkout-index", "-a", "-f", "-q", env={"GIT_WORK_TREE": str(self.folder)})
        self._write(State(commit, tuple(sorted({*known.groups, *missing}))))

    def lay_over(
        self, paths: Iterable[str], read: Reader, wanted: Callable[[str], bool] = is_laid_over
    ) -> None:
        """Give these files another commit's content; a file that `read` has not is removed.

        Only files that are `wanted` are: by default C that is no part of the build itself.
        """
        chosen = [path for path in paths if wanted(path)]
        known = self._read()
        self._write(replace(known, over=tuple(sorted({*known.over, *chosen}))))
        for path in chosen:
            self._put(path, read(path))

    def reset(self, read: Reader) -> None:
        """Put the base's content back wherever another was laid over it."""
        known = self._read()
        for path in known.over:
            self._put(path, read(path))
        self._write(replace(known, over=()))

    def _put(self, path: str, data: bytes | None) -> None:
        target = self.folder / path
        try:
            if not (target.parent.resolve() / target.name).is_relative_to(self.folder.resolve()):
                raise GitError(f"{path} leads out of the tree")
            if data is not None and target.is_file() and target.read_bytes() == data:
                return
            target.unlink(missing_ok=True)
            if data is not None:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
        except OSError as error:
            raise make_disk_error(str(error)) from error

    def _read(self) -> State:
        try:
            values = json.loads(self.state.read_text("utf-8"))
            return State(values["commit"], tuple(values["groups"]), tuple(values["over"]))
        except (OSError, ValueError, KeyError, TypeError):
            return State()

    def _write(self, known: State) -> None:
        try:
            fresh = self.state.with_suffix(".new")
            fresh.write_text(json.dumps(asdict(known)), "utf-8")
            fresh.replace(self.state)
        except OSError as error:
            raise make_disk_error(str(error)) from error


def is_exported(path: str, groups: Collection[str]) -> bool:
    """Whether a file is written: it is of one of the groups, or any kernel needs it to build."""
    if _NEEDED.fullmatch(path) is not None or group_of(path) in groups:
        return True
    return IMAGE in groups and is_for_image(path)


def _is_chosen(entry: bytes, groups: Collection[str]) -> bool:
    return is_exported(entry.partition(b"\t")[2].decode("utf-8", "surrogateescape"), groups)
