"""Run the benchmarks: `make bench`; with `ARGS=kernels`, `simulator` or `tui`, only those."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks import apply, kernels, review, simulator, static, tui


def main() -> None:
    """Print every ratio; the last column says how many times longer the other takes."""
    with tempfile.TemporaryDirectory(prefix="patchbot-bench-") as name:
        _run(sys.argv[1:], Path(name))


def _run(words: list[str], folder: Path) -> None:
    if words == ["kernels"]:
        kernels.run(folder / "kernels")
    elif words[:1] == ["simulator"]:
        simulator.run(folder / "simulator", [Path(word) for word in words[1:]])
    elif words == ["tui"]:
        tui.run(folder / "tui")
    else:
        review.run(folder / "review")
        (folder / "apply").mkdir()
        apply.run(folder / "apply")
        static.run(folder / "static")
        simulator.run(folder / "simulator")
        tui.run(folder / "tui")


if __name__ == "__main__":
    main()
