"""`patchbot tree import`: a git tree of a kernel source package, for who has none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from patchbot.check import Patiently
from patchbot.errors import TreeError, UsageError
from patchbot.importing import Imported, find_import, import_archive, name_import

KERNEL_FILES = ("Makefile", "Kconfig")
Say = Callable[[str], None]


def import_tree(source: Path, into: Path | None, say: Say) -> Imported:
    """Make a git tree of a tar archive or folder, or return the one that was made of it before.

    `into` is the bare repository to make; by default its name is the source's, in the current
    folder. Raises `UsageError` for a source that is not there, and `TreeError`.
    """
    if not source.exists():
        raise UsageError(
            f"{source}: no such file", hint="Debian's sources: apt-get install linux-source"
        )
    repository = into if into is not None else Path(name_import(source))
    known = find_import(source, repository)
    if known is not None:
        say(f"{repository} was made of {source} before: {known.files} files")
        return known
    if repository.exists():
        raise TreeError(
            f"{repository} is there already, and was not made of {source}",
            hint="name another folder behind the source, or remove that one",
        )
    say(f"reading {source}")
    progress = Patiently(say)

    def tick(count: int, share: float) -> None:
        progress.say(f"reading {source.name}: {share:.0%}, {count} files")

    made = import_archive(source, repository, tick=tick, required=KERNEL_FILES)
    say(f"{repository}: {made.files} files, one commit, {made.commit[:12]}")
    return made
