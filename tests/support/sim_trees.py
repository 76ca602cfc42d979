"""The demo revisions as folders: the bundled tree with their patches applied."""

from __future__ import annotations

import importlib.util
import io
import subprocess
import sys
import tarfile
from pathlib import Path
from types import ModuleType

from tests.support import ROOT

REVISIONS = {
    "base": "",
    "v1": "page-protect-v1/p3",
    "v3": "page-protect-v3/p3",
    "v4": "page-protect-v3/q3",
    "fix": "page-protect-fix/fix",
}
"""Their last commits, as tools/make_demo_threads.py names them."""


def _load_tool() -> ModuleType:
    path = ROOT / "tools" / "make_demo_threads.py"
    spec = importlib.util.spec_from_file_location("make_demo_threads", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(spec.name, module)
    spec.loader.exec_module(module)
    return module


def demo_trees(folder: Path) -> dict[str, Path]:
    """Make the tree of each of `REVISIONS` in a folder; returns their paths."""
    repository, _mails = _load_tool().generate(folder / "repository")
    trees = {}
    for name, commit in REVISIONS.items():
        command = ["git", "archive", "--format=tar", repository.ids[commit]]
        done = subprocess.run(command, cwd=repository.path, check=True, capture_output=True)
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
            archive.extractall(folder / name, filter="data")
        trees[name] = folder / name
    return trees
