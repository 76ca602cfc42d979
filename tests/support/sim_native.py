"""A native engine for tests: compiled with the gcc of this machine, kept for the whole run."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from kernel_sim import ir
from kernel_sim.machine.native_engine import NativeEngine

from tests.support.require import require


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="sim-native-")


def native_folder() -> Path:
    """The folder that keeps this run's executables."""
    return Path(_folder().name)


def native_engine(program: ir.Program, steps: int = 100_000) -> NativeEngine:
    """Compile a program; without gcc the test is skipped, or fails where gcc is required."""
    require("gcc")
    return NativeEngine(program, native_folder(), steps=steps)
