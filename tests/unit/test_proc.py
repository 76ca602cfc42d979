"""Running programs: outputs, time-outs, and that nothing outlives its caller."""

import os
import shlex
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchbot.errors import CancelledError, ProcessError
from patchbot.proc import PROCESSES, Processes, count_cores, render_command, run_program

LONG_S = 300


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody waited for does not."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return text.rpartition(")")[2].split()[0] not in ("Z", "X")


def wait_until(condition, timeout_s: float = 10.0) -> bool:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return False


def read_pid(path: Path) -> int:
    """Return the number in a file, once it is there."""
    assert wait_until(lambda: path.exists() and path.read_text().endswith("\n"))
    return int(path.read_text())


def shell(script: str) -> list[str]:
    return ["/bin/sh", "-c", script]


def test_outputs_exit_code_and_time() -> None:
    done = run_program(shell("printf out; printf ' err \\n' >&2; exit 7"))
    assert (done.returncode, done.stdout, done.stderr) == (7, b"out", b" err \n")
    assert done.error_text == "err"
    assert done.argv[0] == "/bin/sh"
    assert 0 < done.seconds < 60


def test_standard_input_is_given_whole_and_is_empty_otherwise() -> None:
    data = bytes(range(256)) * 4096
    assert run_program(["cat"], stdin=data).stdout == data
    assert run_program(["cat"]).stdout == b""


def test_a_program_that_reads_nothing_gets_no_broken_pipe() -> None:
    assert run_program(["true"], stdin=b"x" * 1_000_000).returncode == 0


def test_environment_and_folder(tmp_path: Path) -> None:
    done = run_program(
        shell('printf "%s %s" "$WALNUT" "$(pwd)"'), env={"WALNUT": "1"}, cwd=tmp_path
    )
    assert done.stdout.decode() == f"1 {tmp_path.resolve()}"


def test_a_missing_program_is_named_with_a_way_out() -> None:
    with pytest.raises(ProcessError, match="walnut-cracker is not installed") as caught:
        run_program(["walnut-cracker", "--all"])
    assert "doctor" in caught.value.hint


def test_a_missing_folder_is_not_taken_for_a_missing_program(tmp_path: Path) -> None:
    with pytest.raises(ProcessError, match=r"cat can't be started in .*/gone: no such folder"):
        run_program(["cat"], cwd=tmp_path / "gone")


@pytest.mark.parametrize("argv", [["/dev/null"], ["cat", "a\0b"], ["cat", "x" * 3_000_000]])
def test_what_can_t_be_started_is_one_clear_error(argv: list[str]) -> None:
    with pytest.raises(ProcessError, match="can't be started"):
        run_program(argv)


def test_a_time_out_names_the_command_and_ends_it(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    start = time.monotonic()
    with pytest.raises(ProcessError, match=r"no answer within 0\.3 s from: /bin/sh -c"):
        run_program(shell(f"echo $$ > {note}; sleep {LONG_S}"), timeout_s=0.3)
    assert time.monotonic() - start < 10
    assert not is_alive(read_pid(note))


@pytest.mark.parametrize(
    "script",
    [
        "sleep {s} & echo $! > {note}; sleep {s}",  # the shell is there when time is up
        "sleep {s} & echo $! > {note}; exit 0",  # the shell is gone, the pipe is not
    ],
)
def test_a_time_out_leaves_no_grandchild(tmp_path: Path, script: str) -> None:
    note = tmp_path / "pid"
    with pytest.raises(ProcessError, match="no answer"):
        run_program(shell(script.format(s=LONG_S, note=note)), timeout_s=0.5)
    pid = read_pid(note)
    assert wait_until(lambda: not is_alive(pid))


def test_a_program_that_ends_well_leaves_no_grandchild(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    apart = "</dev/null >/dev/null 2>&1"
    done = run_program(shell(f"sleep {LONG_S} {apart} & echo $! > {note}"))
    assert done.returncode == 0
    pid = read_pid(note)
    assert wait_until(lambda: not is_alive(pid))


def run_in_thread(processes: Processes, script: str) -> tuple[threading.Thread, list[object]]:
    """Run a shell script in a thread; the list gets its result or its error."""
    outcome: list[object] = []

    def run() -> None:
        try:
            outcome.append(run_program(shell(script), processes=processes))
        except (CancelledError, ProcessError) as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, outcome


@pytest.mark.parametrize(
    "script",
    [
        "echo $$ > {note}; exec sleep {s}",
        "trap '' TERM; echo $$ > {note}; while :; do sleep 0.05; done",  # deaf to a polite word
        "(trap '' TERM; sh -c 'echo $PPID' > {note}; while :; do sleep 0.05; done) & exit 0",
    ],
)
def test_cancel_ends_everything_within_a_second_or_so(tmp_path: Path, script: str) -> None:
    note, processes = tmp_path / "pid", Processes()
    thread, outcome = run_in_thread(processes, script.format(s=LONG_S, note=note))
    pid = read_pid(note)
    start = time.monotonic()
    processes.cancel()
    thread.join(10)
    assert time.monotonic() - start < 2.0
    assert [type(each) for each in outcome] == [CancelledError]
    assert wait_until(lambda: not is_alive(pid))


def test_cancel_ends_many_at_once(tmp_path: Path) -> None:
    processes = Processes()
    notes = [tmp_path / str(number) for number in range(6)]
    ran = [run_in_thread(processes, f"echo $$ > {n}; exec sleep {LONG_S}") for n in notes]
    pids = [read_pid(note) for note in notes]
    processes.cancel()
    for thread, outcome in ran:
        thread.join(10)
        assert [type(each) for each in outcome] == [CancelledError]
    assert not [pid for pid in pids if is_alive(pid)]


def test_nothing_starts_after_cancel_until_reset(tmp_path: Path) -> None:
    processes, trace = Processes(), tmp_path / "trace"
    processes.cancel()
    assert processes.cancelled
    with pytest.raises(CancelledError):
        run_program(["touch", str(trace)], processes=processes)
    with pytest.raises(CancelledError):
        processes.check()
    assert not trace.exists()
    processes.reset()
    run_program(["touch", str(trace)], processes=processes)
    assert trace.exists()


def test_a_keyboard_interrupt_ends_the_program(tmp_path: Path) -> None:
    """The caller's own error leaves no program behind either."""
    processes, note = Processes(), tmp_path / "pid"
    script = shell(f"echo $$ > {note}; exec sleep {LONG_S}")
    seen: list[int] = []

    def interrupted() -> None:
        with processes.started(script, None, None):
            seen.append(read_pid(note))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert wait_until(lambda: not is_alive(seen[0]))


def test_a_program_has_a_session_of_its_own() -> None:
    """A Ctrl-C on the terminal reaches patchbot alone."""
    script = "import os; print(os.getsid(0) == os.getpid() == os.getpgid(0))"
    assert run_program([sys.executable, "-c", script]).stdout == b"True\n"


@given(st.lists(st.text(st.characters(exclude_characters="\0")), min_size=1))
def test_a_rendered_command_says_the_same_to_a_shell(argv: list[str]) -> None:
    assert shlex.split(render_command(argv)) == argv


def test_a_rendered_command_through_a_real_shell() -> None:
    argv = ["printf", "%s\\n", "a b", "$HOME", "it's", "", "`id`", "*", "<x@y>", "\\", "é\n"]
    line = render_command(argv)
    assert run_program(shell(line)).stdout == run_program(argv).stdout


def test_a_ctrl_c_that_was_swallowed_is_told_at_the_next_step() -> None:
    PROCESSES.interrupt()
    try:
        assert PROCESSES.cancelled
        with pytest.raises(CancelledError):
            PROCESSES.check()
        with pytest.raises(CancelledError):
            run_program(["true"])
    finally:
        PROCESSES.reset()
    assert run_program(["true"]).returncode == 0


def test_cores_are_those_that_may_be_used() -> None:
    everything = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(everything)})
        assert count_cores() == 1
    finally:
        os.sched_setaffinity(0, everything)
    assert count_cores() == len(everything)
