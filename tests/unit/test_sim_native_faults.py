"""A native engine that is killed, crashes or talks nonsense is an error, and never a pass."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from kernel_sim import ir
from kernel_sim.explore.model import Bounds
from kernel_sim.ir_text import parse_program
from kernel_sim.machine import compile as compiling
from kernel_sim.machine.compile import Compiler, Finished, NativeError, run_subprocess
from kernel_sim.machine.emit import Emitted
from kernel_sim.machine.native_engine import Limits, NativeEngine, read_document
from kernel_sim.machine.tables import symbol

from tests.support.require import require
from tests.support.sim_native import native_engine, native_folder
from tests.support.sim_programs import Operation, make_program

MANY: list[list[Operation]] = [[("add", 0, 1)] * 8] * 3
"""Far more schedules than anybody can wait for."""
FREE = Bounds(highest=None)


@pytest.mark.parametrize(
    ("finished", "message"),
    [
        (Finished(-9, b"", b""), "the engine was ended by signal 9"),
        (Finished(0, b"", b""), "the engine wrote no JSON document"),
        (Finished(0, b"{} {}", b""), "the engine wrote no JSON document"),
        (Finished(0, b"\xff\xfe", b""), "the engine wrote no JSON document"),
        (Finished(0, b"[]", b""), "the engine's document is no object"),
        (Finished(1, b"{}", b""), "the engine ended with code 1"),
        (Finished(4, b"{}", b""), "the engine gave up: it ran out of memory"),
        (Finished(7, b'{"error": "it crashed"}', b""), "it crashed"),
    ],
)
def test_what_is_no_answer_is_an_error(finished: Finished, message: str) -> None:
    with pytest.raises(NativeError, match=f"^{message}$"):
        read_document(finished)


@pytest.mark.parametrize(
    "document",
    [b"{}", b'{"reasons": 1}', b'{"reasons": [], "covered": [[0]], "shared": []}'],
)
def test_a_document_that_lacks_something_is_an_error(document: bytes) -> None:
    executable = native_engine(make_program(MANY)).executable

    def runner(argv: Sequence[str], seconds: float) -> Finished:
        return Finished(0, document, b"")

    engine = NativeEngine(make_program(MANY), executable.parent, runner=runner)
    with pytest.raises(NativeError, match="document is not right"):
        engine.explore()


def test_the_process_is_killed() -> None:
    program = make_program(MANY)
    native_engine(program)

    def runner(argv: Sequence[str], seconds: float) -> Finished:
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            threading.Timer(0.2, process.kill).start()
            stdout, stderr = process.communicate()
        return Finished(process.returncode, stdout, stderr)

    engine = NativeEngine(program, native_folder(), runner=runner)
    with pytest.raises(NativeError, match="ended by signal 9"):
        engine.explore(bounds=FREE)


def test_one_of_several_processes_is_killed() -> None:
    program = make_program(MANY)
    native_engine(program)

    def runner(argv: Sequence[str], seconds: float) -> Finished:
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            time.sleep(0.3)
            listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text("ascii")
            for child in listed.split():
                os.kill(int(child), signal.SIGKILL)
            stdout, stderr = process.communicate()
        return Finished(process.returncode, stdout, stderr)

    engine = NativeEngine(program, native_folder(), runner=runner)
    with pytest.raises(NativeError, match="a process of the search ended before its time"):
        engine.explore(bounds=FREE, jobs=2)


def test_the_time_on_the_clock_is_over() -> None:
    program = make_program(MANY)
    native_engine(program)
    engine = NativeEngine(program, native_folder(), limits=Limits(clock_seconds=0.3))
    with pytest.raises(NativeError, match=r"no answer within 0\.3 s"):
        engine.explore(bounds=FREE)


def test_the_cpu_time_is_over() -> None:
    program = make_program(MANY)
    native_engine(program)
    engine = NativeEngine(program, native_folder(), limits=Limits(cpu_seconds=1))
    with pytest.raises(NativeError, match=f"ended by signal {int(signal.SIGKILL)}"):
        engine.explore(bounds=FREE)


def test_too_little_memory() -> None:
    program = make_program(MANY)
    native_engine(program)
    engine = NativeEngine(program, native_folder(), limits=Limits(address_space=1 << 30))
    with pytest.raises(NativeError, match="ran out of memory"):
        engine.explore(bounds=FREE, jobs=2)


def test_it_tells_its_progress() -> None:
    executable = native_engine(make_program(MANY)).executable
    argv = [str(executable), "mode=none", "highest=-1", "seconds=1.3"]
    lines = run_subprocess(argv, 30).stderr.decode("ascii").splitlines()
    assert len(lines) == 2
    for line in lines:
        words = line.split()
        assert (words[:2], words[3:]) == (["progress", "executions"], ["bound", "-1"])
        assert int(words[2]) > 256


@pytest.mark.parametrize("word", ["mode=all", "colour=red", "word", "shared=x", "shared=1"])
def test_an_option_that_is_not_known(word: str) -> None:
    executable = native_engine(make_program(MANY)).executable
    with pytest.raises(NativeError, match="options that it does not know"):
        read_document(run_subprocess([str(executable), word], 30))


def test_a_crash_of_the_machine_code_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _document_of("*(volatile int *)8 = 1;", tmp_path, monkeypatch) == (
        "the native engine crashed"
    )


def test_a_system_call_that_is_not_allowed_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = 'extern int open(const char *, int, ...); open("/etc/passwd", 0);'
    found = _document_of(code, tmp_path, monkeypatch)
    assert found == f"the engine was ended by signal {int(signal.SIGSYS)}"


def test_endless_machine_recursion_meets_the_guard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = symbol("f", "setup")
    code = f"sim_depth = 0; volatile char big[1000]; big[0] = 1; {again}(); big[1] = big[0];"
    assert _document_of(code, tmp_path, monkeypatch) == "the native engine crashed"


def _document_of(code: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What is said of a program whose setup has such C code, as a wrong translation might."""
    require("gcc")
    block = ir.Block([ir.Unknown("x")], [1, 1], ir.Return(None))
    program = ir.Program({"setup": ir.Function("setup", "s.c", 1, 0, None, blocks=[block])})
    original = compiling.emit

    def broken(program: ir.Program, setup: str, check: str | None) -> Emitted:
        texts = original(program, setup, check)
        lines = texts.parts[0].split("\n")
        (number,) = (n for n, line in enumerate(lines) if line.startswith('sim_unknown("x", '))
        lines[number] = code
        return replace(texts, parts=("\n".join(lines),))

    monkeypatch.setattr(compiling, "emit", broken)
    engine = NativeEngine(program, folder, check=None)
    with pytest.raises(NativeError) as caught:
        engine.explore()
    return str(caught.value)


# ---------------------------------------------------------------- compiling


def test_an_executable_is_kept_by_what_it_was_made_from(tmp_path: Path) -> None:
    require("gcc")
    started: list[list[str]] = []

    def runner(argv: Sequence[str], seconds: float) -> Finished:
        started.append(list(argv))
        return run_subprocess(argv, seconds)

    one, other = make_program([[("load", 0)]]), make_program([[("load", 1)]])
    compiler = Compiler(tmp_path, runner)
    first = compiler.build(one, "setup", "check")
    # The runtime, what is in t.c, each thread's own file, and the program.
    made = len(started)
    assert made == 2 + len({function.path for function in one.functions.values()})
    assert compiler.build(one, "setup", "check") == first
    assert len(started) == made
    # One thread is another: its file and the program.
    assert compiler.build(other, "setup", "check") != first
    assert len(started) == made + 2
    assert len(list(tmp_path.iterdir())) == made + 2


MOVED = """
address other
{globals}
function setup "s.c" 1 parameters 0 returns void frame 0
registers u64 u64 i32 i32
block 0
r0: u64 = const {word}
r1: u64 = load r0
r0: u64 = const 0x10000000
intrinsic sim_note(r0, r1)
r2: i32 = const 0xffffffc
r3: i32 = const 8
r2: i32 = add r2, r3
r3: i32 = const 0x10000004
r3: i32 = eq r2, r3
branch r3, 1, 2
block 1
intrinsic sim_note(r0, r1)
jump 2
block 2
return
function other "o.c" 1 parameters 0 returns void frame 0
registers
block 0
return
"""
"""Says twice what stands in a variable; 0x10000004 is the address of a byte by chance."""


def test_where_a_variable_stands_is_no_part_of_the_code(tmp_path: Path) -> None:
    require("gcc")
    started: list[list[str]] = []

    def runner(argv: Sequence[str], seconds: float) -> Finished:
        started.append(list(argv))
        return run_subprocess(argv, seconds)

    text = 'global "" 0x10000000 ro "" size 2 = 6b\n'
    near = MOVED.format(globals=f'{text}global v 0x10000010 rw "" size 8 = 2a', word="0x10000010")
    more = 'global new 0x10000010 rw "" size 16 = 07\nglobal v 0x10000030 rw "" size 8 = 2b'
    far = MOVED.format(globals=text + more, word="0x10000030")
    compiler = Compiler(tmp_path, runner)
    for program, where, value, runs in ((near, 0x10000010, 42, 4), (far, 0x10000030, 43, 1)):
        started.clear()
        engine = NativeEngine(parse_program(program), tmp_path, check=None, compiler=compiler)
        assert len(started) == runs  # at first two files and the runtime, and always the program
        notes = [("note: k", 0, 0, value)] * 2
        assert [line[4:] for line in engine.replay("-")[1]] == [("read", where, 8, value), *notes]


def test_gcc_is_missing_or_fails(tmp_path: Path) -> None:
    program = make_program(MANY)
    with pytest.raises(NativeError, match="/none/gcc cannot be started: No such file"):
        Compiler(tmp_path, gcc="/none/gcc").build(program, "setup", "check")
    with pytest.raises(NativeError, match="gcc failed: exit 1"):
        Compiler(tmp_path, gcc="false").build(program, "setup", "check")
    with pytest.raises(NativeError, match="gcc failed: exit 0"):
        Compiler(tmp_path, gcc="true").build(program, "setup", "check")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (ir.Global("g", ir.GLOBALS - 8, b"12345678"), "global g does not fit into memory"),
        (ir.Global("g", ir.STACKS - 4, b"12345678"), "global g does not fit into memory"),
        (ir.Global("g", ir.GLOBALS + 4, b"12345678"), "global g stands on another one"),
    ],
)
def test_globals_that_cannot_be(entry: ir.Global, message: str, tmp_path: Path) -> None:
    program = make_program(MANY)
    program.globals.append(entry)
    with pytest.raises(ValueError, match=message):
        Compiler(tmp_path).build(program, "setup", "check")


def test_a_setup_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"the program has no function start\(\)"):
        Compiler(tmp_path).build(make_program(MANY), "start", None)
