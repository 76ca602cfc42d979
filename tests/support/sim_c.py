"""Sequential C programs through the simulator's front end and both engines, and through gcc.

A program has `main` and says what it computes with `sim_note(text, value)`; each line is a note.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from kernel_sim import ir
from kernel_sim.cfront.linking import Linker
from kernel_sim.cfront.preprocess import strip_markers
from kernel_sim.cfront.unit import Unit
from kernel_sim.explore.model import End
from kernel_sim.machine.native_engine import NativeEngine
from kernel_sim.machine.python_engine import PythonEngine

from tests.support.require import require
from tests.support.sim_native import native_folder

Note = tuple[str, int]
"""What a program says: the text, and the value as a signed 64-bit number."""
FLAGS = ["-w", "-fwrapv", "-fno-strict-aliasing", "-std=gnu11"]
_PRINTING = """
int printf(const char *, ...);
void sim_note(const char *text, long value) { printf("%ld %s\\n", value, text); }
"""


def preprocess(text: str) -> str:
    """Expand the macros of a program that includes nothing; line markers stay."""
    command = [str(require("gcc")), "-E", "-xc", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    return done.stdout


def unit_of(text: str, name: str = "test.c") -> Unit:
    """Read preprocessed text."""
    return Unit(strip_markers(text, name))


def link(text: str, *roots: str) -> tuple[ir.Program, Linker]:
    """Lower the functions of preprocessed text, by default main."""
    linker = Linker([unit_of(text)])
    return linker.link(roots or ("main",)), linker


def unknowns(program: ir.Program) -> list[str]:
    """The reasons of all `Unknown` steps, in the order of functions and blocks."""
    return [
        step.reason
        for function in program.functions.values()
        for block in function.blocks
        for step in block.steps
        if isinstance(step, ir.Unknown)
    ]


def said_by_gcc(text: str, folder: Path) -> list[Note]:
    """Compile a program, run it (10 seconds at most), and return its notes."""
    file, program = folder / "program.c", folder / "program"
    file.write_text(text)
    (folder / "note.c").write_text(_PRINTING)
    command = [str(require("gcc")), *FLAGS, "-o", str(program), str(file), str(folder / "note.c")]
    subprocess.run(command, check=True, capture_output=True, text=True)
    done = subprocess.run([program], capture_output=True, text=True, timeout=10, check=False)
    assert done.returncode == 0, done
    return [(text, int(value)) for value, _, text in map(_split, done.stdout.splitlines())]


def _split(line: str) -> tuple[str, str, str]:
    return line.partition(" ")


def said_by(engine: PythonEngine | NativeEngine) -> list[Note]:
    """Run a program in an engine, and return its notes; it has to end well."""
    execution, trace = engine.replay("-")
    assert execution.end is End.DONE, execution
    return [
        (entry[4].removeprefix("note: "), ir.I64.wrap(entry[7]))
        for entry in trace
        if entry[4].startswith("note: ")
    ]


def said_by_python(program: ir.Program, steps: int = 2_000_000) -> list[Note]:
    """Return what a program says in the Python engine."""
    return said_by(PythonEngine(program, "main", None, steps))


def said_by_native(program: ir.Program) -> list[Note]:
    """Return what a program says as machine code."""
    require("gcc")
    return said_by(NativeEngine(program, native_folder(), "main", None))
