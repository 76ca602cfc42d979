"""Kernels of Debian's, built as patchbot builds them: the stock one, and with changed files.

Sources, objects and images stay in the work tree between runs, as they do for a user: an image is
found by its tree's content. A clean clone builds all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from patchbot.kbuild.image import Image, find_image
from patchbot.stages.build import build_trail, kernel_folder, kernel_fragment
from patchbot.tree import open_tree
from tests.support import ROOT
from tests.support.git_tree import run_git
from tests.support.kernel_git import commit_on, file_of, kernel_git
from tests.support.require import require

VERSION = "6.1"
TOOLS = (
    "perl", "make", "gcc", "flex", "bison", "bc", "bwrap", "busybox", "qemu-system-x86_64",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kernels:
    """A repository with one commit, `base`; its kernels are built and kept in `home`."""

    repository: Path
    home: Path
    base: str

    def commit(self, files: Mapping[str, bytes], message: str, parent: str = "") -> str:
        """A commit on the base, or on another one, with these files changed."""
        return commit_on(self.repository, parent or self.base, files, message)

    def files(self, *folders: str) -> dict[str, bytes]:
        """The C files of the base in some folders, by default those that ext4's writing goes by."""
        asked = folders or ("fs/ext4", "fs/jbd2", "fs/buffer.c")
        names = run_git(self.repository, "ls-tree", "-r", "--name-only", self.base, "--", *asked)
        paths = [path for path in names.splitlines() if path.endswith((".c", ".h"))]
        return {path: file_of(self.repository, self.base, path) for path in paths}

    def image(self, commit: str, scratch: Path) -> Image:
        """The image of a commit on the base, built unless it is kept."""
        tree = open_tree(self.repository)
        kept = find_image(self.home, tree.tree_of(commit), kernel_fragment())
        if kept is not None:
            return kept
        trail = [self.base] if commit == self.base else [self.base, commit]
        with kernel_folder(self.home, tree, self.base) as folder:
            built = build_trail(tree, trail, self.home, folder, scratch)
        assert built.kept is not None, built.image.log[-3000:]
        return built.kept


def make_kernels(folder: Path, version: str = VERSION) -> Kernels:
    """Make the repository in a folder of the test run; skipped or failed where a tool is absent."""
    for tool in TOOLS:
        require(tool)
    source = kernel_git(version)
    repository = folder / "tree.git"
    run_git(folder, "clone", "-q", "--bare", "--shared", str(source), repository.name)
    home = ROOT / ".linux-sources" / f"home-{version}"
    return Kernels(repository, home, run_git(repository, "rev-parse", "master"))


def render_matrix(rows: Sequence[object]) -> str:
    """A line a scenario, a column a kernel: what each said; "." where it was not asked."""
    said: dict[str, dict[str, str]] = {}
    for row in rows:
        assert isinstance(row, list | tuple)
        kernel, words = row
        said.setdefault(str(kernel), {}).update(words)
    names = sorted({name for words in said.values() for name in words})
    width = max(map(len, names))
    heads = list(said)
    lines = [" ".join([" " * width, *heads])]
    for name in names:
        cells = [said[head].get(name, ".").ljust(len(head)) for head in heads]
        lines.append(" ".join([name.ljust(width), *cells]).rstrip())
    return "\n".join(lines)
