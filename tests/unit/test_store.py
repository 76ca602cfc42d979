"""The store: format, round trips, several writers, broken files."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patchbot.errors import StoreError
from patchbot.model import Change, Finding, Severity, StageResult, Status
from patchbot.report.document import render_document
from patchbot.store import Store, database
from tests.support.fakes import make_review, make_series, passed


def open_store(tmp_path: Path) -> Store:
    return Store(tmp_path / "home")


def document(**options: Any) -> dict[str, Any]:
    return render_document(make_review(**options))


def test_a_fresh_file_has_the_newest_format(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    db = sqlite3.connect(tmp_path / "home" / "patchbot.db")
    assert db.execute("PRAGMA user_version").fetchone() == (len(database.MIGRATIONS),)
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    db.close()


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    db = sqlite3.connect(tmp_path / "home" / "patchbot.db")
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StoreError, match="newer patchbot"):
        open_store(tmp_path)


def test_a_step_that_fails_half_way_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(tmp_path)
    store.save_result("k", passed())
    store.close()
    good = database.MIGRATIONS
    monkeypatch.setattr(
        database, "MIGRATIONS", (*good, ("CREATE TABLE half (x)", "THIS IS NOT SQL"))
    )
    with pytest.raises(StoreError):
        open_store(tmp_path)
    monkeypatch.setattr(database, "MIGRATIONS", good)
    again = open_store(tmp_path)
    assert again.load_result("k") is not None
    tables = again._db.execute("SELECT name FROM sqlite_master WHERE name = 'half'").fetchall()
    assert tables == []
    again.close()


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
FINDINGS = st.builds(
    Finding, TEXT, st.sampled_from(Severity), TEXT, st.none() | TEXT,
    st.none() | st.integers(1, 10**6), st.none() | st.integers(1, 99),
    st.none() | st.integers(1, 9999), TEXT, st.none() | st.sampled_from(Change),
)  # fmt: skip
RESULTS = st.builds(
    StageResult, TEXT, st.sampled_from(Status), TEXT, st.lists(FINDINGS, max_size=3).map(tuple),
    st.floats(0, 1000).map(lambda s: round(s, 3)), st.dictionaries(TEXT, TEXT, max_size=2), TEXT,
    st.dictionaries(TEXT, st.lists(TEXT, max_size=2), max_size=2),
)  # fmt: skip


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(result=RESULTS)
def test_a_result_comes_back_as_it_was(result: StageResult, tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.save_result("key", result)
    loaded = store.load_result("key")
    store.close()
    assert loaded is not None
    assert loaded.stored
    for name in ("stage", "status", "reason", "findings", "seconds", "repeat"):
        assert getattr(loaded, name) == getattr(result, name)
    assert dict(loaded.tools) == dict(result.tools)
    assert dict(loaded.data) == dict(result.data)


def test_reviews_are_found_by_every_name(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    one = document(series=make_series(change_id="20260101-walnut-0"))
    store.save_review(one["series"]["slug"], one)
    for name in (*one["series"]["message_ids"], "20260101-walnut-0", one["series"]["slug"]):
        found = store.find_review(name)
        assert found is not None
        assert found.document == one
    assert store.find_review("nobody@example.org") is None
    assert store.find_review("") is None
    store.close()


def test_the_newest_review_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(tmp_path)
    clock = iter(range(1000, 2000))
    monkeypatch.setattr(time, "time", lambda: float(next(clock)))
    for slug in ("a", "b", "a"):
        store.save_review(slug, document())
    assert [kept.slug for kept in store.list_reviews()] == ["a", "b"]
    store.close()


def test_fetched_answers_are_kept_by_server_and_kind(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.save_fetched("s1", "thread", "x", b"mail" * 1000)
    found = store.load_fetched("s1", "thread", "x")
    assert found is not None
    assert found[0] == b"mail" * 1000
    assert abs(found[1] - time.time()) < 60
    for other in (("s2", "thread", "x"), ("s1", "search", "x"), ("s1", "thread", "y")):
        assert store.load_fetched(*other) is None
    store.close()


def _write_many(home: Path, who: int) -> None:
    store = Store(home)
    for number in range(40):
        store.save_result(f"{who}-{number}", passed())
    store.close()


def test_several_processes_write_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_many, args=(tmp_path / "home", n)) for n in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    store = open_store(tmp_path)
    kept = [store.load_result(f"{who}-{number}") for who in range(3) for number in range(40)]
    assert None not in kept
    store.close()


def test_a_killed_writer_leaves_a_readable_store(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    child = os.fork()
    if child == 0:
        store = open_store(tmp_path)
        store.save_result("done", passed())
        store._db.execute("BEGIN IMMEDIATE")
        store._db.execute("INSERT INTO results VALUES ('half', 'x', 0, 'not json')")
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    store = open_store(tmp_path)
    assert store.load_result("done") is not None
    assert store.load_result("half") is None
    store.close()


@pytest.mark.parametrize("kind", ["garbage", "folder", "file-as-home"])
def test_a_file_that_is_no_store(kind: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    if kind == "file-as-home":
        home.write_text("x")
    else:
        home.mkdir()
    if kind == "garbage":
        (home / "patchbot.db").write_bytes(b"this is no database at all" * 100)
    elif kind == "folder":
        (home / "patchbot.db").mkdir()
    with pytest.raises(StoreError) as caught:
        open_store(tmp_path)
    assert str(home) in str(caught.value)
    assert "PATCHBOT_HOME" in caught.value.hint
