"""The C programs of guests: compiled once, kept, and safe to ask for from several threads."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from patchbot.proc import Completed, run_program
from patchbot.qemu import programs
from patchbot.qemu.errors import MachineError
from tests.support.require import require

_AT_ONCE = 4


def test_side_by_side_compilations_share_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require("gcc")
    # All callers stand before their compiler together, and the first to end cleans up after itself
    # before the second starts: whatever two of them share is gone then.
    together = threading.Barrier(_AT_ONCE, timeout=60)
    in_turn = threading.Lock()

    def compile_in_turn(argv: Sequence[str], *, stdin: bytes, timeout_s: float) -> Completed:
        together.wait()
        with in_turn:
            return run_program(argv, stdin=stdin, timeout_s=timeout_s)

    monkeypatch.setattr(programs, "run_program", compile_in_turn)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        asked = [
            pool.submit(programs.compile_program, "dax_flip.c", tmp_path) for _ in range(_AT_ONCE)
        ]
        found = [one.result() for one in asked]
    assert found[0].startswith(b"\x7fELF")
    assert found == [found[0]] * _AT_ONCE
    assert len(list((tmp_path / "programs").iterdir())) == 1


def test_a_kept_program_is_not_compiled_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require("gcc")
    first = programs.compile_program("dax_flip.c", tmp_path)
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    assert programs.compile_program("dax_flip.c", tmp_path) == first


def test_a_missing_compiler_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(MachineError, match="gcc is not installed"):
        programs.compile_program("dax_flip.c", tmp_path)
    assert not list(tmp_path.iterdir())
