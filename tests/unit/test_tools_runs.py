"""From what tools say of each commit to the stage's status; and versions with bodies left out."""

from __future__ import annotations

import pytest

from patchbot.model import Status
from patchbot.stages.tools import _soften, judge_runs
from patchbot.static.changes import FileChange
from patchbot.tools.messages import Message
from patchbot.tools.runs import Heard, ToolRun, track_run
from patchbot.tools.trim import trim_versions

OLD = Message("gcc", "warning", "a.c", 3, "unused variable 'x'", "-Wunused-variable", "f")
NEW = Message("gcc", "warning", "a.c", 9, "unused variable 'y'", "-Wunused-variable", "f")
ERROR = Message("gcc", "error", "a.c", 5, "'z' undeclared")
TOUCHED = {"a.c": FileChange("a.c", "a.c", [(5, 0, 6, 1)])}


def run(*heard: Heard, **kwargs: str) -> ToolRun:
    return ToolRun("gcc", "gcc 12", heard, **kwargs)


def said(*messages: Message, lost: tuple[str, ...] = ()) -> Heard:
    return Heard(messages, frozenset(lost))


@pytest.mark.parametrize(
    ("runs", "status", "words"),
    [
        ([run(said(OLD), said(OLD))], Status.PASS, "gcc: nothing introduced"),
        ([run(said(OLD), said(OLD, NEW))], Status.WARN, "gcc: 1 introduced"),
        ([run(said(OLD), said(OLD, ERROR))], Status.FAIL, "gcc: 1 introduced"),
        ([run(said(ERROR), said(ERROR))], Status.PASS, "gcc: nothing introduced"),
        ([run(absent="not here")], Status.SKIPPED, "no tool ran; gcc skipped, not here"),
        ([run(failed="no answer")], Status.INCONCLUSIVE, "no tool ran; gcc failed, no answer"),
        (
            [run(said(), said()), ToolRun("sparse", absent="not here")],
            Status.PASS,
            "gcc: nothing introduced; sparse skipped, not here",
        ),
        (
            [run(said(), said(NEW)), ToolRun("sparse", failed="it died")],
            Status.INCONCLUSIVE,
            "gcc: 1 introduced; sparse failed, it died",
        ),
        (
            [run(said(), said(partly_seen := NEW), partly="not built: b.o")],
            Status.WARN,
            "gcc: 1 introduced; gcc not built: b.o",
        ),
        ([run(said(), said(NEW), said())], Status.WARN, "nothing introduced, 1 between"),
    ],
)
def test_the_status_and_its_reason(runs: list[ToolRun], status: Status, words: str) -> None:
    changes = [TOUCHED] * (len(runs[0].heard) - 1)
    tracked = [each for one in runs for each in track_run(one, changes)]
    found, reason = judge_runs(runs, tracked)
    assert found is status
    assert reason.startswith(words) or words in reason


def test_a_warning_hidden_by_an_error_is_not_fixed() -> None:
    (old, error) = track_run(run(said(OLD), said(ERROR, lost=("a.c",))), [TOUCHED])
    assert (old.brought, old.removed, old.hidden) == (0, None, True)
    assert (error.brought, error.removed) == (1, None)


def test_what_checkpatch_says_of_a_patch_is_new_by_nature() -> None:
    heard = (said(), said(NEW), said(NEW))
    tracked = track_run(ToolRun("checkpatch", "1", heard, by_patch=True), [TOUCHED, TOUCHED])
    assert [(each.brought, each.removed) for each in tracked] == [(1, None), (2, None)]


@pytest.mark.parametrize(
    ("path", "status"),
    [("fs/demo/Kconfig", Status.WARN), ("Makefile", Status.WARN), ("fs/b.c", Status.FAIL)],
)
def test_an_error_after_a_change_of_build_files_is_a_warning(path: str, status: Status) -> None:
    changes = [{path: FileChange(path, path)}]
    one = run(said(), said(ERROR))
    tracked = track_run(one, changes)
    _soften(tracked, changes)
    assert judge_runs([one], tracked)[0] is status


def test_only_bodies_that_differ_are_kept() -> None:
    one = b"int same(int x)\n{\n\treturn x;\n}\n\nint other(int x)\n{\n\treturn 1;\n}\n"
    two = one.replace(b"return 1", b"return 2") + b"int new(void)\n{\n\treturn 3;\n}\n"
    first, second = trim_versions("a.c", [one, two])
    assert b"return x" not in first + second
    assert b"return 1" in first
    assert b"return 2" in second
    assert b"return 3" in second
    assert [text.count(b"\n") for text in (first, second)] == [one.count(b"\n"), two.count(b"\n")]
    assert len(first) == len(one)


def test_what_is_no_c_stays_as_it_is() -> None:
    assert trim_versions("a.c", [b"\0\xff{{{", b"int f(void) {"]) == [
        b"\0\xff{{{",
        b"int f(void) {",
    ]
