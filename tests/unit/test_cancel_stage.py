"""One stage is stopped and the others go on: scopes of programs, requests, and the pipeline."""

from __future__ import annotations

import concurrent.futures
import io
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from patchbot.cli import main
from patchbot.control import Control, parse_request, render_request
from patchbot.diagnostics import EventNarrator, ExitCode
from patchbot.errors import CancelledError
from patchbot.model import StageResult, Status, VerdictStatus
from patchbot.pipeline import CANCELLED, Listener, run_stages
from patchbot.proc import PROCESSES, Scope, carried, run_program
from patchbot.stages.base import StageRequest
from patchbot.store import Store
from patchbot.verdict import Policy, decide_verdict
from patchbot.workers import Workers
from tests.support.fakes import FakeStage, make_request, passed

WAIT_S = 20.0


@pytest.fixture(autouse=True)
def fresh_processes() -> Iterator[None]:
    yield
    PROCESSES.reset()


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ('{"cancel": ["v1", "smoke"]}\n', ("v1", "smoke")),
        (b'{"cancel": ["v1", "smoke"]}\n', ("v1", "smoke")),
        ('{"cancel": ["v1"]}', None), ('{"cancel": ["v1", 2]}', None), ('{"cancel": 1}', None),
        ("[]", None), ("", None), ("cancel", None), (b"\xff\n", None),
    ],
)  # fmt: skip
def test_a_request_is_a_line(line: str | bytes, asked: tuple[str, str] | None) -> None:
    assert parse_request(line) == asked


def test_a_request_that_is_written_is_read() -> None:
    assert parse_request(render_request("v1.2 below", "tools")) == ("v1.2 below", "tools")


def test_requests_are_taken_once() -> None:
    reads, writes = os.pipe()
    control = Control(reads)
    os.write(writes, b'what?\n{"cancel": ["v1", "smoke"]}\n{"cancel": ["v2", "tools"]}\n')
    taken: list[tuple[str, str]] = []
    until(lambda: taken.extend(control.take()) or len(taken) == 2)
    assert taken == [("v1", "smoke"), ("v2", "tools")]
    assert control.take() == []
    os.close(writes)


def test_a_scope_ends_its_own_programs_only() -> None:
    own, others = Scope(), Scope()
    ended: list[str] = []
    codes: list[int] = []

    def sleep(scope: Scope, name: str, seconds: str) -> None:
        try:
            with PROCESSES.inside(scope):
                codes.append(run_program(["sleep", seconds]).returncode)
        except CancelledError:
            ended.append(name)

    threads = [threading.Thread(target=sleep, args=(own, "own", "60")),
               threading.Thread(target=sleep, args=(others, "others", "1"))]  # fmt: skip
    for thread in threads:
        thread.start()
    until(lambda: len(PROCESSES.live_ids()) == 2)
    PROCESSES.stop(own)
    for thread in threads:
        thread.join(WAIT_S)
    assert (ended, codes) == (["own"], [0])
    PROCESSES.check()  # nobody else is stopped


def test_threads_of_a_scope_are_in_it_where_they_are_carried() -> None:
    scope = Scope()
    with concurrent.futures.ThreadPoolExecutor(2) as pool, PROCESSES.inside(scope):
        inside, outside = carried(PROCESSES.check), PROCESSES.check
        PROCESSES.stop(scope)
        assert pool.submit(outside).result() is None
        both = [pool.submit(inside), pool.submit(inside)]  # at the same time, too
        assert [type(each.exception()) for each in both] == [CancelledError] * 2


def test_workers_outlive_a_scope_that_is_stopped() -> None:
    workers, scope = Workers(1), Scope()
    workers.call(time.sleep, 0)
    pool = workers._pool
    timer = threading.Timer(0.3, lambda: PROCESSES.stop(scope))
    timer.start()
    with pytest.raises(CancelledError), PROCESSES.inside(scope):
        workers.call(time.sleep, 1.0)
    assert workers._pool is pool
    assert workers.call(os.path.basename, "a/b") == "b"
    workers.end()


def sleeping(request: StageRequest) -> StageResult:
    run_program(["sleep", "60"])
    return passed("slow")


def asking(*wanted: tuple[str, str]) -> Listener:
    """A listener that asks for these once a program runs."""
    left = list(wanted)

    def asked() -> list[tuple[str, str]]:
        taken = [*left] if PROCESSES.live_ids() else []
        del left[: len(taken)]
        return taken

    return Listener(asked=asked)


def test_one_stage_of_one_revision_is_stopped(tmp_path: Path) -> None:
    store = Store(tmp_path / "home")
    slow, quick = FakeStage("slow", sleeping), FakeStage("quick")
    after = FakeStage("after", needs=("slow",))
    requests = {"v1": make_request(), "v2": make_request("v2", body="other\n")}

    def half(request: StageRequest) -> StageResult:
        return sleeping(request) if request.revision.label == "v1" else passed("slow")

    slow.work = half
    found = run_stages(requests, (slow, quick, after), store=store, listener=asking(("v1", "slow")))
    words = {label: [(r.stage, r.status.value) for r in rows] for label, rows in found.items()}
    assert words == {
        "v1": [("slow", "inconclusive"), ("quick", "pass"), ("after", "skipped")],
        "v2": [("slow", "pass"), ("quick", "pass"), ("after", "pass")],
    }
    assert found["v1"][0].reason == CANCELLED
    slow.work = None
    again = run_stages(requests, (slow,), store=store)
    assert again["v1"][0].status is Status.PASS  # what was cancelled is not kept
    assert slow.runs == ["v1", "v2", "v1"] or slow.runs == ["v2", "v1", "v1"]
    store.close()


def test_a_stage_that_waits_is_stopped_before_it_begins() -> None:
    slow, after = FakeStage("slow", sleeping), FakeStage("after", needs=("slow",))
    other = FakeStage("other")
    listener = asking(("v1", "after"), ("v1", "slow"), ("v1", "other"), ("v9", "slow"))
    found = run_stages({"v1": make_request()}, (slow, after, other), listener=listener)["v1"]
    # What has ended stays as it is, and what nobody planned is no matter.
    assert [r.status.value for r in found] == ["inconclusive", "skipped", "pass"]
    assert after.runs == []


def test_a_stage_that_was_cancelled_is_never_a_pass() -> None:
    cancelled = StageResult("smoke", Status.INCONCLUSIVE, CANCELLED)
    verdict = decide_verdict([passed("apply"), passed("static"), cancelled], Policy())
    assert verdict.status is VerdictStatus.CANNOT_TELL
    assert verdict.reasons == (f"smoke: inconclusive, {CANCELLED}",)


def test_where_a_log_grows_is_told_from_the_main_thread(tmp_path: Path) -> None:
    told: list[tuple[object, ...]] = []

    def work(request: StageRequest) -> StageResult:
        request.watch("boot on the base", tmp_path / "serial.log")
        run_program(["sleep", "0.3"])
        return passed("slow")

    def logged(label: str, stage: str, name: str, path: Path) -> None:
        main = threading.current_thread() is threading.main_thread()
        told.append((label, stage, name, path.name, main))

    run_stages({"v1": make_request()}, (FakeStage("slow", work),), listener=Listener(logged=logged))
    assert told == [("v1", "slow", "boot on the base", "serial.log", True)]


@pytest.mark.parametrize("argv", [["x@example.org", "--control"], ["-", "--events", "--control"]])
def test_control_goes_with_events_and_has_standard_input_for_itself(argv: list[str]) -> None:
    assert main(["review", *argv]) == ExitCode.USAGE


def test_a_program_is_told_where_a_log_grows() -> None:
    stream = io.StringIO()
    reads, writes = os.pipe()
    listener = EventNarrator(stream, Control(reads)).listener()
    listener.logged("v1", "smoke", "boot on the base", Path("/tmp/serial.log"))
    assert json.loads(stream.getvalue()) == {
        "event": "log", "label": "v1", "stage": "smoke", "name": "boot on the base",
        "path": "/tmp/serial.log",
    }  # fmt: skip
    os.write(writes, render_request("v1", "smoke").encode())
    os.close(writes)
    taken: list[tuple[str, str]] = []
    until(lambda: taken.extend(listener.asked()) or taken)
    assert taken == [("v1", "smoke")]
    assert EventNarrator(stream).listener().asked() == ()
