"""The store: format, round trips, several writers, broken files."""

from __future__ import annotations

import json
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
        made = document()
        made["series"]["message_ids"] = [f"{slug}@example.org"]
        store.save_review(slug, made)
    assert [kept.slug for kept in store.list_reviews()] == ["a", "b"]
    store.close()


def test_a_series_of_which_more_is_known_takes_its_old_reviews_place(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    for slug, ids in (("old", ["2", "3"]), ("else", ["8", "9"]), ("new", ["1", "2", "3", "9"])):
        made = document()
        made["series"]["message_ids"] = [f"{name}@example.org" for name in ids]
        store.save_review(slug, made, slug.encode())
    assert {kept.slug for kept in store.list_reviews()} == {"new", "else"}
    assert [store.load_threads(slug) for slug in ("old", "else", "new")] == [None, b"else", b"new"]
    for name, slug in (("3", "new"), ("8", "else"), ("9", "new")):
        found = store.find_review(f"{name}@example.org")
        assert found is not None
        assert found.slug == slug
    store.close()


def test_mails_stay_where_a_review_brings_none(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.save_review("walnut", document(), b"From me")
    store.save_review("walnut", document())
    assert store.load_threads("walnut") == b"From me"
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


def _open_many(home: Path, start: Any) -> None:
    for number in range(25):
        start.wait(60)
        try:
            Store(home / str(number)).close()
        except StoreError:
            start.abort()
            raise


def test_several_processes_make_the_same_store_at_once(tmp_path: Path) -> None:
    """SQLite does not wait where it switches to the write-ahead log, so patchbot does."""
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(6)
    openers = [context.Process(target=_open_many, args=(tmp_path, start)) for _ in range(6)]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join(60)
    assert [opener.exitcode for opener in openers] == [0] * 6


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", "{}", '{"stage": "x", "status": "splendid", "findings": []}',
     '{"stage": "x", "status": "pass", "findings": [], "from the future": 1}'],
)  # fmt: skip
def test_a_kept_result_that_can_t_be_read_is_none(body: str, tmp_path: Path) -> None:
    """It is made again; it is never half a result."""
    store = open_store(tmp_path)
    store.save_result("key", passed())
    store._db.execute("UPDATE results SET body = ?", (body,))
    assert store.load_result("key") is None
    store.close()


def test_a_full_disk_is_explained_and_does_not_block_the_next(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    (pages,) = store._db.execute("PRAGMA page_count").fetchone()
    store._db.execute(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(StoreError, match="full"):
        store.save_result("big", passed(data={"x": "y" * 1_000_000}))
    store._db.execute("PRAGMA max_page_count = 100000")
    store.save_result("key", passed())
    assert store.load_result("big") is None
    assert store.load_result("key") is not None
    store.close()


def test_a_transaction_that_fails_does_not_block_the_next(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    no_reviews = document() | {"series": {}}
    with pytest.raises(KeyError):
        store.save_review("walnut", no_reviews)
    unkeepable = document()
    unkeepable["series"]["message_ids"] = ["fine@example.org", object()]
    with pytest.raises((StoreError, TypeError)):
        store.save_review("walnut", unkeepable | {"extra": None})
    assert store.list_reviews() == []
    assert store.find_review("fine@example.org") is None
    store.save_review("walnut", document())
    assert [kept.slug for kept in store.list_reviews()] == ["walnut"]
    store.close()


def test_a_damaged_file_is_a_clear_error(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    for number in range(200):
        store.save_result(f"key-{number}", passed(data={"x": "y" * 500}))
    store.close()
    data = store.path.read_bytes()
    store.path.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))
    with pytest.raises(StoreError, match=r"patchbot\.db: ") as caught:
        open_store(tmp_path).load_result("key-100")
    assert "move that file away" in caught.value.hint


def test_a_store_that_may_only_be_read_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opened read-only by SQLite itself, so that it holds for root as well."""
    first, real = open_store(tmp_path), sqlite3.connect
    first.save_result("key", passed())
    first.close()
    monkeypatch.setattr(
        sqlite3, "connect",
        lambda path, **options: real(f"file:{path}?mode=ro", uri=True, **options),
    )  # fmt: skip
    store = open_store(tmp_path)
    assert store.load_result("key") is not None
    with pytest.raises(StoreError, match="readonly"):
        store.save_result("key", passed())
    store.close()


def test_names_that_are_no_utf_8_are_kept_and_found(tmp_path: Path) -> None:
    """A lone surrogate comes from a command line or a broken mail."""
    store, odd = open_store(tmp_path), "\udcff@example.org"
    store.save_fetched("s", "thread", odd, b"x")
    assert store.load_fetched("s", "thread", odd) is not None
    assert store.find_review(odd) is None
    store.close()


def test_a_list_needs_no_documents(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    kept = document()
    trailer = {"value": "A <a@b.c>", "message_id": "x@y", "mismatch": None, "carried_from": None}
    names = ("Reviewed-by", "Acked-by", "Reviewed-by", "Cc")
    kept["revisions"][-1]["trailers"] = [trailer | {"name": name, "patch": 1} for name in names]
    store.save_review("walnut", kept)
    store._db.execute("UPDATE reviews SET body = 'no JSON'")
    (row,) = store.list_reviews()
    assert (row.slug, row.label, row.author) == ("walnut", "v1", "Ada Walnut")
    assert row.revisions == len(kept["revisions"])
    assert row.verdict == kept["revisions"][-1]["verdict"]["status"]
    assert dict(row.trailers) == {"R": 2, "A": 1, "other": 1}
    store.close()


def test_a_review_kept_before_there_were_summaries_is_listed(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.save_review("walnut", document())
    expected = store.list_reviews()
    store._db.execute("UPDATE reviews SET summary = NULL")
    assert store.list_reviews() == expected
    assert store._db.execute("SELECT count(*) FROM reviews WHERE summary IS NULL").fetchone() == (
        0,
    )
    store.close()


def test_the_first_format_is_carried_over(tmp_path: Path) -> None:
    """As `CREATE TABLE` of the first format made it, with one review in it."""
    (tmp_path / "home").mkdir()
    db = sqlite3.connect(tmp_path / "home" / "patchbot.db")
    for statement in database.MIGRATIONS[0]:
        db.execute(statement)
    body = json.dumps(document())
    db.execute("INSERT INTO reviews VALUES ('walnut', 't', 'a', NULL, 7.5, ?)", (body,))
    db.execute("PRAGMA user_version = 1")
    db.commit()
    db.close()
    store = open_store(tmp_path)
    assert [(row.slug, row.at, row.label) for row in store.list_reviews()] == [
        ("walnut", 7.5, "v1")
    ]
    store.close()


def test_reading_does_not_wait_for_who_writes(tmp_path: Path) -> None:
    Store(tmp_path).close()
    other = sqlite3.connect(tmp_path / "patchbot.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store = Store(tmp_path, busy_s=0.0)
    assert store.list_reviews() == []
    store.close()
    other.close()
