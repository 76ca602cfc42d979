"""The build stage: does each patch compile, does it warn anew, and is there an image at the end?"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from patchbot.git import Repository, make_scratch
from patchbot.kbuild.image import (
    Image,
    build_image,
    find_image,
    image_folder,
    keep_image,
    render_complaints,
)
from patchbot.kbuild.make import Kbuild, KbuildError, Made, missing_programs, read_fragment
from patchbot.kbuild.source import ARCH, IMAGE, SourceFolder, group_of
from patchbot.model import Change, Finding, Severity, StageResult, Status
from patchbot.proc import PROCESSES
from patchbot.qemu.scenario import all_options
from patchbot.sandbox import find_sandbox
from patchbot.stages.base import StageRequest, hash_key, hash_patch
from patchbot.stages.static import commits_of, render_told
from patchbot.static.changes import FileChange, find_changes, patch_lines, place_lines
from patchbot.static.outcome import tell
from patchbot.static.relative import Tracked
from patchbot.static.sources import BlobReader, CommitSources
from patchbot.tools.messages import parse_gcc
from patchbot.tools.runs import Heard, ToolRun, track_run
from patchbot.tools.versions import explain_absent, find_version
from patchbot.workspace import kept_folder

_VERSION = "1"
_KEPT = 3
_MARKS = ("Makefile", "Kconfig", "scripts/Makefile.build")
_BUILD_FILES = ("Makefile", "Kconfig", "Kbuild")
_BASIS = "kernel.config"
Changes = Sequence[Mapping[str, FileChange]]


@dataclass(frozen=True, slots=True)
class Built:
    """What make said of the base and of each commit, and of the last image.

    `kept` is the image of commit `number` of the trail (the base is 0): the last one's, else that
    of the last one that built; None where no commit after the base did.
    """

    kbuild: Kbuild
    objects: Sequence[Made]
    image: Made
    kept: Image | None
    base: Image
    number: int = 0


class BuildStage:
    """Builds every patch of a revision in order, objects first, and its image once.

    `data` of its result: `image` and `base_image`, the folders of the images, and `patch`, how
    many patches the image has: where the last does not build, it is that of the last that does.
    """

    name = "build"
    version = _VERSION
    needs: tuple[str, ...] = ("apply",)
    summary = "compile every patch in order, and build a small kernel of the last"

    def key(self, request: StageRequest) -> str | None:
        """Hash the commits, the base, the compiler, the configuration, and the mails."""
        base, commits = commits_of(request)
        mails = [(p.number, hash_patch(p)) for p in request.revision.patches]
        parts = (find_version("gcc"), find_sandbox().why_not, kernel_fragment(), mails)
        return hash_key(self.name, self.version, base, commits, *parts)

    def is_current(self, stored: StageResult, request: StageRequest) -> bool:
        """A kept result holds as long as the images that it names are there."""
        folders = [stored.data.get(name) for name in ("image", "base_image")]
        return all(Image(Path(str(folder))).is_whole for folder in folders if folder)

    def run(self, request: StageRequest) -> StageResult:
        """Build the base and the revision's commits; see `BuildStage`."""
        base, commits = commits_of(request)
        tree, home = request.tree, request.home
        if tree is None or home is None or not commits:
            return self._skipped(request, "no commits to build")
        marks = tree.check_names([f"{base}:{each}" for each in _MARKS])
        if not all(marks):
            return self._skipped(request, "the base is no whole kernel")
        absent = missing_programs()
        if absent:
            return self._skipped(request, f"{', '.join(absent)}: {explain_absent(*absent)}")
        changes = [find_changes(tree, a, b) for a, b in itertools.pairwise([base, *commits])]
        with kernel_folder(home, tree, base) as folder:
            built = build_trail(tree, [base, *commits], home, folder, request.folder / "git")
        return self._judge(request, built, changes)

    def _skipped(self, request: StageRequest, reason: str) -> StageResult:
        return StageResult(self.name, Status.SKIPPED, reason, repeat=request.repeat)

    def _judge(self, request: StageRequest, built: Built, changes: Changes) -> StageResult:
        patches = request.revision.patches
        numbers = [patch.number for patch in patches]
        tracked = track_run(_hear(built), changes)
        lines = {
            patch.number: place_lines(patch_lines(patch), change)
            for patch, change in zip(patches, changes, strict=False)
        }
        told = tell(tracked, [f"patch {number}" for number in numbers])
        news = [each for each in told if each.change is not Change.UNCHANGED]
        findings = [render_told(each, numbers, lines) for each in news]
        findings += _failures(built, tracked)
        findings += _build_files(changes, numbers)
        status, reason = judge_build(built.image.good and built.kept is not None, tracked)
        data: dict[str, object] = {"base_image": str(built.base.folder)}
        if built.kept is not None:
            data |= {"image": str(built.kept.folder), "patch": built.number}
        if built.kept is not None and not built.image.good:
            reason += f"; the image is that of patch {numbers[built.number - 1]}"
        if not built.image.good and built.kept is not None:
            data["usable"] = True
        return StageResult(
            stage=self.name,
            status=status,
            reason=f"{reason}{_where()}",
            findings=tuple(findings),
            tools={"gcc": find_version("gcc") or "unknown"},
            repeat=request.repeat,
            data=data,
        )


@contextlib.contextmanager
def kernel_folder(home: Path, tree: Repository, base: str) -> Iterator[Path]:
    """Lend the folder that holds a base's sources and objects; see `kept_folder`."""
    key = f"{tree.tree_of(base)} {kernel_fragment()}"
    with kept_folder(home, "kernels", key, _KEPT) as folder:
        yield folder


def judge_build(image: bool, tracked: Sequence[Tracked]) -> tuple[Status, str]:
    """Return the status of a build, and the reason. Pure."""
    new = [t.finding.severity.value for t in tracked if t.brought and t.removed is None]
    passing = [t for t in tracked if t.brought and t.removed is not None]
    if not image or "error" in new:
        return Status.FAIL, "it does not build"
    words = f"{new.count('warning') or 'no'} new warning{'' if len(new) == 1 else 's'}"
    if any(t.as_brought.severity.value == "error" for t in passing):
        return Status.WARN, f"every object and the image built at the end, {words}; not bisectable"
    status = Status.WARN if new or passing else Status.PASS
    return status, f"every patch and the image built, {words}"


def _where() -> str:
    why_not = find_sandbox().why_not
    return f"; built without a sandbox: {why_not}" if why_not else ""


def build_trail(
    tree: Repository, trail: Sequence[str], home: Path, folder: Path, scratch: Path
) -> Built:
    """Build commits, the first of which is the base, in a folder that holds the base's objects.

    Raises `KbuildError` where the base does not build, `GitError`, `StoreError`.
    """
    changes = [find_changes(tree, a, b) for a, b in itertools.pairwise(trail)]
    reader = BlobReader(tree)
    sources = [CommitSources(reader, commit) for commit in trail]
    paths = sorted(
        {path for each in changes for change in each.values() for path in _names(change)}
    )
    source = SourceFolder(folder / "source", folder / "state.json")
    source.export(make_scratch(tree, scratch), trail[0], {IMAGE, *map(group_of, paths)})
    source.reset(sources[0].read)

    def lay(number: int) -> None:
        source.lay_over(paths, sources[number].read, lambda path: True)

    trusted = tree.is_own(trail[0])
    kbuild = Kbuild(source.folder, folder / "output", cache=home / "ccache", fills_cache=trusted)
    kbuild.configure(kernel_fragment(), read_fragment(_BASIS))
    try:
        base = _base_image(tree, trail[0], home, kbuild)
        kbuild.fills_cache = False
        if len(trail) == 1:
            return Built(kbuild, (), Made(True, ""), base, base)
        made = _build_each(sources, paths, source, kbuild)
        image = build_image(kbuild, ARCH)
        number = len(trail) - 1
        kept = _keep(tree, trail[-1], home, kbuild) if image.good else None
        if kept is None:
            number, kept = _last_good(tree, trail, home, kbuild, lay)
        return Built(kbuild, made, image, kept, base, number)
    finally:
        source.reset(sources[0].read)


def _last_good(
    tree: Repository, trail: Sequence[str], home: Path, kbuild: Kbuild, lay: Callable[[int], None]
) -> tuple[int, Image | None]:
    """Return the last commit before the last whose image builds, and the image; else 0 and None."""
    for number in range(len(trail) - 2, 0, -1):
        PROCESSES.check()
        lay(number)
        if build_image(kbuild, ARCH).good:
            return number, _keep(tree, trail[number], home, kbuild)
    return 0, None


def kernel_fragment() -> str:
    """Return the configuration of all kernels here: what every guest needs, and each scenario."""
    return "\n".join([read_fragment(_BASIS), *all_options(), ""])


def _keep(tree: Repository, commit: str, home: Path, kbuild: Kbuild) -> Image:
    return keep_image(kbuild, ARCH, image_folder(home, tree.tree_of(commit), kernel_fragment()))


def _names(change: FileChange) -> Iterator[str]:
    yield change.path
    if change.before is not None:
        yield change.before


def _base_image(tree: Repository, base: str, home: Path, kbuild: Kbuild) -> Image:
    """Return the base's image, built unless it is kept; raises `KbuildError`."""
    whole, fragment = tree.tree_of(base), kernel_fragment()
    kept = find_image(home, whole, fragment)
    if kept is not None and (kbuild.output / "vmlinux").is_file():
        return kept
    made = build_image(kbuild, ARCH)
    if not made.good:
        words = "; ".join(line.strip() for line in render_complaints(made.log, 3))
        raise KbuildError(f"the base does not build here: {words}")
    return _keep(tree, base, home, kbuild)


def _build_each(
    sources: Sequence[CommitSources], paths: Sequence[str], source: SourceFolder, kbuild: Kbuild
) -> list[Made]:
    """Compile the objects of the changed C files at every commit, the base's too."""
    objects = [
        path for path in paths if path.endswith(".c") and _may_be_built(kbuild, sources, path)
    ]
    made: list[Made] = []
    for commit in sources:
        PROCESSES.check()
        source.lay_over(paths, commit.read, lambda path: True)
        here = [f"{path[:-2]}.o" for path in objects if commit.exists(path)]
        for each in here:
            (kbuild.output / each).unlink(missing_ok=True)
        made.append(kbuild.make(["olddefconfig", *here]))
    return made


def _may_be_built(kbuild: Kbuild, sources: Sequence[CommitSources], path: str) -> bool:
    """Whether a C file is in the base's image, or is new."""
    return (kbuild.output / f"{path[:-2]}.o").is_file() or not sources[0].exists(path)


def _hear(built: Built) -> ToolRun:
    heard = []
    for made in built.objects:
        messages = parse_gcc(made.log, str(built.kbuild.source), str(built.kbuild.output))
        lost = {each.file for each in messages if each.level == "error"}
        heard.append(Heard(tuple(messages), frozenset(lost)))
    return ToolRun("gcc", find_version("gcc") or "", tuple(heard))


def _failures(built: Built, tracked: Sequence[Tracked]) -> list[Finding]:
    """Tell what made the build fail and is not a message of the compiler: a linker, a makefile."""
    errors = [t for t in tracked if t.finding.severity.value == "error" and t.removed is None]
    if built.image.good or errors:
        return []
    evidence = "\n".join(render_complaints(built.image.log))
    return [Finding("image", Severity.ERROR, "the image does not build", evidence=evidence)]


def _build_files(changes: Changes, numbers: Sequence[int]) -> list[Finding]:
    found: list[Finding] = []
    for number, change in zip(numbers, changes, strict=False):
        touched = sorted(path for path in change if _is_build_file(path))
        if touched:
            words = f"it changes what runs while building: {', '.join(touched[:5])}"
            found.append(
                Finding("build-files", Severity.NOTE, words, file=touched[0], patch=number)
            )
    return found


def _is_build_file(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.startswith(_BUILD_FILES) or path.partition("/")[0] in ("scripts", "tools")
