"""The pipeline: order, crashes, what is kept, and stopping."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from patchbot.errors import CancelledError, PatchbotError, StoreError
from patchbot.model import CRASHED, StageResult, Status
from patchbot.pipeline import Listener, run_stages
from patchbot.proc import PROCESSES, run_program
from patchbot.stages.base import StageRequest
from patchbot.store import Store
from tests.support.fakes import FakeStage, make_request, passed

WAIT_S = 20.0


@pytest.fixture(autouse=True)
def fresh_processes() -> Iterator[None]:
    yield
    PROCESSES.reset()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "home")
    yield opened
    opened.close()


def run_one(*stages: FakeStage, store: Store | None = None) -> tuple[StageResult, ...]:
    return run_stages({"v1": make_request()}, stages, store=store)["v1"]


def raising(error: BaseException) -> FakeStage:
    def work(request: StageRequest) -> NoReturn:
        raise error

    return FakeStage(work=work)


def test_a_result_starts_as_crashed() -> None:
    result = StageResult("walnut")
    assert (result.status, result.reason) == (Status.ERROR, CRASHED)


@pytest.mark.parametrize("error", [ValueError("odd"), SystemExit(0), RecursionError(), OSError(5)])
def test_a_stage_that_raises_is_an_error(error: BaseException) -> None:
    (result,) = run_one(raising(error))
    assert result.status is Status.ERROR
    assert result.reason.startswith(CRASHED)
    assert type(error).__name__ in result.reason


def test_a_known_failure_says_its_own_words() -> None:
    (result,) = run_one(raising(PatchbotError("no gcc", hint="install it")))
    assert (result.status, result.reason) == (Status.ERROR, "no gcc (install it)")


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        "pass",
        StageResult("other", Status.PASS, "x"),
        StageResult("walnut", Status.PASS),
    ],
)
def test_a_stage_that_returns_something_else_is_an_error(value: object) -> None:
    (result,) = run_one(FakeStage(work=lambda request: value))  # type: ignore[arg-type, return-value]
    assert result.status is Status.ERROR


def test_a_stage_waits_for_what_it_needs() -> None:
    seen: list[str] = []

    def note(request: StageRequest) -> StageResult:
        seen.extend(sorted(request.earlier))
        return passed("last")

    last = FakeStage("last", note, needs=("left", "right"))
    left, right = FakeStage("left", needs=("first",)), FakeStage("right", needs=("first",))
    results = run_one(last, left, right, FakeStage("first"))
    assert [r.status for r in results] == [Status.PASS] * 4
    assert [r.stage for r in results] == ["last", "left", "right", "first"]
    assert seen == ["left", "right"]


@pytest.mark.parametrize("status", [s for s in Status if s not in (Status.PASS, Status.WARN)])
def test_what_is_needed_and_did_not_pass_skips_the_rest(status: Status) -> None:
    first = FakeStage("first", lambda request: passed("first", status))
    second, third = FakeStage("second", needs=("first",)), FakeStage("third", needs=("second",))
    results = run_one(first, second, third)
    assert [r.status for r in results[1:]] == [Status.SKIPPED] * 2
    assert results[1].reason == f"needs first, which is: {status.value}"
    assert second.runs == third.runs == []


@pytest.mark.parametrize(
    ("status", "runs"), [(Status.FAIL, 1), (Status.ERROR, 0), (Status.INCONCLUSIVE, 0)]
)
def test_what_failed_may_leave_what_the_next_needs(status: Status, runs: int) -> None:
    left = StageResult("first", status, "the last patch does not build", data={"usable": True})
    second = FakeStage("second", needs=("first",))
    run_one(FakeStage("first", lambda request: left), second)
    assert len(second.runs) == runs


def test_a_need_that_is_not_planned_is_no_need() -> None:
    (result,) = run_one(FakeStage(needs=("gone",)))
    assert result.status is Status.PASS


def test_revisions_run_side_by_side() -> None:
    barrier = threading.Barrier(3)

    def work(request: StageRequest) -> StageResult:
        barrier.wait(WAIT_S)
        return passed()

    requests = {label: make_request(label) for label in ("v1", "v2", "v3")}
    results = run_stages(requests, [FakeStage(work=work)], jobs=3)
    assert [r.status for (r,) in results.values()] == [Status.PASS] * 3
    assert list(results) == ["v1", "v2", "v3"]


def test_a_kept_result_answers_the_same_question_only(store: Store) -> None:
    stage = FakeStage()
    (first,) = run_one(stage, store=store)
    (again,) = run_one(stage, store=store)
    assert (first.stored, again.stored, len(stage.runs)) == (False, True, 1)
    for changed in (FakeStage(version="2"), FakeStage(config="x")):
        run_one(changed, store=store)
        assert len(changed.runs) == 1
    for request in (make_request(body="other\n"), make_request(base="f" * 40)):
        run_stages({"v1": request}, [stage], store=store)
    assert len(stage.runs) == 3
    run_stages({"v1": make_request()}, [stage], store=store, use_stored=False)
    assert len(stage.runs) == 4


def test_a_kept_result_takes_the_new_command(store: Store) -> None:
    stage = FakeStage()
    run_one(stage, store=store)
    again = run_stages({"v1": make_request(repeat="other")}, [stage], store=store)["v1"][0]
    assert (again.stored, again.repeat) == (True, "other")


def test_errors_and_keyless_results_are_not_kept(store: Store) -> None:
    broken, keyless = raising(ValueError("x")), FakeStage(keyed=False)
    said = FakeStage(work=lambda request: passed(status=Status.ERROR))
    for stage in (broken, said, keyless):
        run_one(stage, store=store)
        run_one(stage, store=store)
        assert len(stage.runs) == 2


def test_a_kept_result_that_no_longer_stands_is_made_again(store: Store) -> None:
    stage = FakeStage(current=lambda: False)
    run_one(stage, store=store)
    run_one(stage, store=store)
    assert len(stage.runs) == 2


def test_a_store_that_fails_does_not_lose_the_result(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> NoReturn:
        raise StoreError("the disk is full")

    monkeypatch.setattr(store, "save_result", full)
    warned: list[str] = []
    listener = Listener(warned=warned.append)
    results = run_stages({"v1": make_request()}, [FakeStage()], store=store, listener=listener)
    assert results["v1"][0].status is Status.PASS
    assert warned == ["results can't be kept: the disk is full"]


def test_the_listener_is_called_from_the_main_thread() -> None:
    threads: list[threading.Thread] = []

    def note(*args: object) -> None:
        threads.append(threading.current_thread())

    run_stages({"v1": make_request()}, [FakeStage()], listener=Listener(note, note, note, note))
    assert len(threads) == 3
    assert set(threads) == {threading.main_thread()}


def test_cancelling_ends_programs_and_keeps_what_was_finished(store: Store) -> None:
    started = threading.Event()

    def hang(request: StageRequest) -> StageResult:
        started.set()
        run_program(["sleep", "1000"])
        return passed("slow")

    def cancel() -> None:
        started.wait(WAIT_S)
        PROCESSES.cancel()

    quick, slow = FakeStage("quick"), FakeStage("slow", hang, needs=("quick",))
    threading.Thread(target=cancel).start()
    with pytest.raises(CancelledError):
        run_one(quick, slow, store=store)
    PROCESSES.reset()
    (again,) = run_one(quick, store=store)
    assert again.stored


def test_ctrl_c_stops_it() -> None:
    def interrupt(label: str, result: StageResult) -> NoReturn:
        raise KeyboardInterrupt

    stages = [FakeStage("one"), FakeStage("two", needs=("one",))]
    with pytest.raises(CancelledError):
        run_stages({"v1": make_request()}, stages, listener=Listener(ended=interrupt))
    assert stages[1].runs == []
    assert PROCESSES.cancelled


def test_stages_that_wait_for_each_other_are_crashed() -> None:
    results = run_one(FakeStage("hen", needs=("egg",)), FakeStage("egg", needs=("hen",)))
    assert [(r.status, r.reason) for r in results] == [(Status.ERROR, CRASHED)] * 2


def test_a_revision_does_not_wait_for_another_s_stage() -> None:
    """v2 gets through both stages while v1 is still in its first."""
    done = threading.Event()

    def first(request: StageRequest) -> StageResult:
        assert request.revision.label != "v1" or done.wait(WAIT_S)
        return passed("first")

    def second(request: StageRequest) -> StageResult:
        if request.revision.label == "v2":
            done.set()
        return passed("second")

    stages = [FakeStage("first", first), FakeStage("second", second, needs=("first",))]
    results = run_stages({n: make_request(n) for n in ("v1", "v2")}, stages, jobs=2)
    assert {r.status for each in results.values() for r in each} == {Status.PASS}


@pytest.mark.parametrize("method", ["key", "is_current"])
def test_a_stage_whose_other_methods_raise(method: str, store: Store) -> None:
    def fail(*args: object) -> NoReturn:
        raise ValueError(method)

    stage = FakeStage()
    run_one(stage, store=store)
    setattr(stage, method, fail)
    (result,) = run_one(stage, store=store)
    assert (result.status, result.reason) == (Status.ERROR, f"{CRASHED} (ValueError: {method})")


@pytest.mark.parametrize("data", [{"path": Path("/x")}, {"number": float("nan")}])
def test_what_can_t_be_kept_or_shown_is_an_error(data: dict[str, object], store: Store) -> None:
    (result,) = run_one(FakeStage(work=lambda request: passed(data=data)), store=store)
    assert result.status is Status.ERROR


def test_a_store_that_can_t_be_read_is_a_warning(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(key: str) -> NoReturn:
        raise StoreError("malformed")

    monkeypatch.setattr(store, "load_result", broken)
    warned: list[str] = []
    requests = {label: make_request(label) for label in ("v1", "v2")}
    listener = Listener(warned=warned.append)
    results = run_stages(requests, [FakeStage()], store=store, listener=listener)
    assert [each[0].status for each in results.values()] == [Status.PASS] * 2
    assert warned == ["kept results can't be read: malformed"]


def test_a_program_that_was_stopped_is_no_result(store: Store) -> None:
    """A stage that takes the stop for its program's failure must not have that kept."""

    def work(request: StageRequest) -> StageResult:
        PROCESSES.cancel()
        raise PatchbotError("the compiler failed")

    stage = FakeStage(work=work)
    with pytest.raises(CancelledError):
        run_one(stage, store=store)
    assert store.load_result(stage.key(make_request()) or "") is None


def test_a_stop_is_noticed_after_a_stage_that_does_not_ask() -> None:
    def work(request: StageRequest) -> StageResult:
        PROCESSES.cancel()
        return passed()

    with pytest.raises(CancelledError):
        run_one(FakeStage(work=work))
