"""Run the benchmarks: `make bench`; with `ARGS=kernels` those that build kernels."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks import apply, kernels, review, static


def main() -> None:
    """Print every ratio; the last column says how many times longer the other takes."""
    if sys.argv[1:] == ["kernels"]:
        with tempfile.TemporaryDirectory(prefix="patchbot-bench-") as name:
            kernels.run(Path(name) / "kernels")
        return
    with tempfile.TemporaryDirectory(prefix="patchbot-bench-") as name:
        folder = Path(name)
        review.run(folder / "review")
        (folder / "apply").mkdir()
        apply.run(folder / "apply")
        static.run(folder / "static")


if __name__ == "__main__":
    main()
