"""Run all benchmarks: `make bench`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks import apply, review, static


def main() -> None:
    """Print every ratio; the last column says how many times longer the other takes."""
    with tempfile.TemporaryDirectory(prefix="patchbot-bench-") as name:
        folder = Path(name)
        review.run(folder / "review")
        (folder / "apply").mkdir()
        apply.run(folder / "apply")
        static.run(folder / "static")


if __name__ == "__main__":
    main()
