"""Kernel images, kept by what they were made of: no image ever answers for another tree."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from patchbot.errors import StoreError
from patchbot.kbuild.make import Kbuild, KbuildError, Made

_KEPT = 12
_IMAGE_S = 3600.0
_FILES = {"kernel": "arch/{arch}/boot/bzImage", "symbols": "System.map", "config": ".config"}
_COMPLAINT = re.compile(r"\berror: |\*\*\* |undefined reference|No rule to make")
_STALE = ("vmlinux", "System.map")


@dataclass(frozen=True, slots=True)
class Image:
    """A kernel that was built: its folder holds `kernel`, `symbols` and `config`."""

    folder: Path

    @property
    def kernel(self) -> Path:
        """The file that QEMU boots."""
        return self.folder / "kernel"

    @property
    def is_whole(self) -> bool:
        """Whether all its files are there."""
        return all((self.folder / name).is_file() for name in _FILES)


def image_folder(home: Path, tree: str, fragment: str) -> Path:
    """Return where the image of a git tree (its id) with a configuration is kept."""
    key = hashlib.sha256(f"{tree} {fragment}".encode()).hexdigest()[:24]
    return home / "images" / key


def find_image(home: Path, tree: str, fragment: str) -> Image | None:
    """Return the kept image of a git tree with a configuration, None where there is none."""
    image = Image(image_folder(home, tree, fragment))
    return image if image.is_whole else None


def build_image(kbuild: Kbuild, arch: str) -> Made:
    """Make the image; what an earlier build left is removed first."""
    for name in (*_STALE, _FILES["kernel"].format(arch=arch)):
        (kbuild.output / name).unlink(missing_ok=True)
    return kbuild.make(["bzImage"], _IMAGE_S)


def keep_image(kbuild: Kbuild, arch: str, folder: Path) -> Image:
    """Copy a fresh image to where it is kept, whole or not at all; the oldest others go.

    Raises `KbuildError` where make left no image, `StoreError` where it can't be kept.
    """
    files = {name: kbuild.output / path.format(arch=arch) for name, path in _FILES.items()}
    absent = [str(path) for path in files.values() if not path.is_file()]
    if absent:
        raise KbuildError(f"make made no {', '.join(absent)}")
    fresh = folder.with_name(f"{folder.name}.{secrets.token_hex(4)}.new")
    try:
        fresh.mkdir(parents=True)
        for name, path in files.items():
            shutil.copyfile(path, fresh / name)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
    except OSError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise StoreError(f"{folder}: {error.strerror}", hint="free space") from error
    _drop_old(folder.parent)
    return Image(folder)


def _drop_old(parent: Path) -> None:
    found = [each for each in parent.iterdir() if each.is_dir()]
    for each in sorted(found, key=_age)[:-_KEPT]:
        shutil.rmtree(each, ignore_errors=True)


def _age(folder: Path) -> float:
    with contextlib.suppress(OSError):
        return os.stat(folder).st_mtime
    return 0.0


def render_complaints(log: str, most: int = 12) -> Sequence[str]:
    """Return the lines of a build's log that tell why it failed."""
    lines = log.splitlines()
    found = [at for at, line in enumerate(lines) if _COMPLAINT.search(line)]
    if not found:
        return lines[-most:]
    first = max(0, found[0] - 1)  # a tool's own words stand above make's
    return lines[first : first + most]
