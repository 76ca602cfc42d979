"""The headers that come before a tree's own: the simulator's, and what a build would generate."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from kernel_sim.cfront.command import ARCH, arguments_for
from kernel_sim.cfront.errors import PreprocessError, TreeError
from kernel_sim.cfront.generated import (
    probe,
    read_config,
    read_small,
    render_autoconf,
    render_bounds,
    render_timeconst,
    render_version,
    wrappers,
)
from kernel_sim.cfront.runner import run_preprocessor

_HOME = ARCH.parent
CONFIG = _HOME / "kernel.config"
_BOUNDS = (
    "include/linux/page-flags.h",
    "include/linux/mmzone.h",
    "include/linux/page-flags-layout.h",
)
_NEEDED = "Makefile", "include/linux/kconfig.h", "include/linux/compiler_types.h", *_BOUNDS[:2]


@dataclass(frozen=True, slots=True)
class Headers:
    """A tree (resolved) and the folder with the headers that were generated for it."""

    tree: Path
    cache: Path


def prepare_headers(tree: Path, folder: Path) -> Headers:
    """Generate the headers that a build of this tree would, into a folder of the caller's.

    They stand in a folder of their own there, named by what they depend on: a second call with a
    tree that is equal in this gives the same. Safe side by side. Raises TreeError for a folder
    that is no kernel tree.
    """
    top = tree.resolve()
    check_tree(top)
    config = read_config(CONFIG.read_text())
    files = _plain_files(top, config)
    key = _key(top, files)
    kept = folder.resolve() / key
    if not kept.is_dir():
        _fill(Headers(top, kept), files, config)
    return Headers(top, kept)


def check_tree(tree: Path) -> None:
    """Raises TreeError where a folder lacks what every kernel tree since v5.8 has."""
    for path in _NEEDED:
        if not (tree / path).is_file():
            raise TreeError(f"{tree.name}: no kernel tree: it has no {path}")


def _plain_files(tree: Path, config: dict[str, str]) -> dict[str, str]:
    """Everything but bounds.h, which needs a preprocessor."""
    files = wrappers(tree, _own_headers())
    files |= render_version(read_small(tree / "Makefile"))
    files["generated/autoconf.h"] = render_autoconf(config)
    files["generated/timeconst.h"] = render_timeconst(int(config["CONFIG_HZ"]))
    files["generated/sim-tree.h"] = probe(tree)
    find = "asm-generic/bitops/find.h"  # moved to <linux/find.h> in 5.11
    found = (tree / "include" / find).is_file()
    files["generated/sim-find.h"] = f"#include <{find}>\n" if found else ""
    files["generated/asm-offsets.h"] = ""
    files["generated/rq-offsets.h"] = "#define RQ_nr_pinned 0\n"
    return files


def _own_headers() -> list[str]:
    return [path.name for path in (ARCH / "asm").glob("*.h")]


@cache
def _arch_hash() -> bytes:
    paths = sorted(path for path in _HOME.rglob("*") if path.suffix in (".h", ".config"))
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.relative_to(_HOME).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.digest()


def _key(tree: Path, files: dict[str, str]) -> str:
    digest = hashlib.sha256(_arch_hash())
    for path, text in sorted(files.items()):
        digest.update(f"{path}\0{text}\0".encode())
    for path in _BOUNDS:
        digest.update(read_small(tree / path).encode())
    return digest.hexdigest()[:24]


def _fill(headers: Headers, files: dict[str, str], config: dict[str, str]) -> None:
    """Write into a folder aside, and give it its name when it is whole."""
    headers.cache.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=headers.cache.parent, prefix="new-"))
    try:
        for path, text in files.items():
            (aside / path).parent.mkdir(parents=True, exist_ok=True)
            (aside / path).write_text(text)
        bounds = _bounds(Headers(headers.tree, aside), config)
        (aside / "generated/bounds.h").write_text(bounds)
        os.rename(aside, headers.cache)
    except OSError:
        if not headers.cache.is_dir():  # else another process was first
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _bounds(headers: Headers, config: dict[str, str]) -> str:
    asked = headers.cache / "bounds-enums.c"
    asked.write_text(
        "#define __GENERATING_BOUNDS_H\n#include <linux/page-flags.h>\n#include <linux/mmzone.h>\n"
    )
    arguments = arguments_for(headers.tree, headers.cache, "kernel/bounds.c")
    try:
        text = run_preprocessor(arguments, asked, headers.tree)
    except PreprocessError as error:
        raise TreeError(f"bounds.h cannot be made: {error}") from error
    return render_bounds(text, config)
