"""The SQLite store: write-ahead log, migrations, one transaction for each thing kept."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patchbot.errors import StoreError
from patchbot.model import Change, Finding, Severity, StageResult, Status
from patchbot.store.migrations import MIGRATIONS
from patchbot.store.summary import Summary, summarize_document

_BUSY_S = 30.0
_TRY_AGAIN_S = 0.01
_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


@dataclass(frozen=True, slots=True)
class StoredReview:
    """One kept review: `at` is seconds since 1970, `document` its JSON."""

    slug: str
    title: str
    author: str
    change_id: str | None
    at: float
    document: dict[str, Any]


class Store:
    """patchbot's data, in `patchbot.db` of its home folder; safe for threads and processes.

    `busy_s` is how many seconds to wait for another process that writes or opens the file.
    Raises `StoreError` for a file that can't be opened, or that a newer patchbot made.
    """

    def __init__(self, home: Path, busy_s: float = _BUSY_S) -> None:
        self._lock = threading.RLock()
        self._busy_s = busy_s
        self.path = home / "patchbot.db"
        with self._explained():
            home.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(
                self.path, timeout=busy_s, isolation_level=None, check_same_thread=False
            )
            try:
                self._use_wal()
                self._db.execute("PRAGMA synchronous=NORMAL")
                self._migrate()
            except BaseException:
                self._db.close()
                raise

    def _use_wal(self) -> None:
        """Switch to the write-ahead log: here SQLite does not wait for another that opens a file.

        Two that open a new store at once would else find it locked.
        """
        deadline = time.monotonic() + self._busy_s
        while True:
            try:
                self._db.execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError as error:
                if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
            time.sleep(_TRY_AGAIN_S)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            first = (
                "move that file away"
                if _code(error) in _BROKEN
                else "free space or mend its permissions"
            )
            raise StoreError(
                f"{self.path}: {error}", hint=f"{first}, or name another folder: PATCHBOT_HOME"
            ) from error

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._explained(), self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _version(self) -> int:
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def _migrate(self) -> None:
        while self._version() != len(MIGRATIONS):  # else nobody who writes is waited for
            with self._transaction() as db:
                (version,) = db.execute("PRAGMA user_version").fetchone()
                if version > len(MIGRATIONS):
                    raise StoreError(
                        f"{self.path} was made by a newer patchbot (format {version})",
                        hint="upgrade patchbot, or name another folder: PATCHBOT_HOME",
                    )
                if version == len(MIGRATIONS):
                    return
                for statement in MIGRATIONS[version]:
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {version + 1}")

    def _one(self, query: str, *values: object) -> tuple[Any, ...] | None:
        with self._explained(), self._lock:
            row: tuple[Any, ...] | None = self._db.execute(query, _bind(*values)).fetchone()
            return row

    def load_fetched(self, server: str, kind: str, name: str) -> tuple[bytes, float] | None:
        """Return what a server answered before, and when (seconds since 1970); None for nothing."""
        row = self._one(
            "SELECT data, at FROM fetched WHERE server = ? AND kind = ? AND name = ?",
            server, kind, name,
        )  # fmt: skip
        if row is None:
            return None
        try:
            return zlib.decompress(row[0]), row[1]
        except zlib.error:
            return None

    def save_fetched(self, server: str, kind: str, name: str, data: bytes) -> None:
        """Keep a server's answer."""
        with self._transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO fetched VALUES (?, ?, ?, ?, ?)",
                _bind(server, kind, name, time.time(), zlib.compress(data)),
            )

    def load_result(self, key: str) -> StageResult | None:
        """Return the kept result with this key, marked as `stored`; None where it is unreadable."""
        row = self._one("SELECT body FROM results WHERE key = ?", key)
        try:
            return parse_result(json.loads(row[0])) if row else None
        except (ValueError, TypeError, KeyError):
            return None

    def save_result(self, key: str, result: StageResult) -> None:
        """Keep one stage result, in one transaction."""
        body = json.dumps(render_result(result))
        with self._transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?)",
                _bind(key, result.stage, time.time(), body),
            )

    def save_review(self, slug: str, document: dict[str, Any], mails: bytes = b"") -> None:
        """Keep a whole review, which mails belong to it, and (as mboxrd) its threads.

        Without `mails` the threads that were kept before stay. A review under another name none of
        whose mails is left to it was of the same series, before more of it was known: it goes.
        """
        series = document["series"]
        with self._transaction() as db:
            ids = [_bind(message_id) for message_id in series["message_ids"]]
            query = "SELECT slug FROM mails WHERE message_id = ?"
            before = {row[0] for each in ids for row in db.execute(query, each)} - {slug}
            db.execute(
                "INSERT OR REPLACE INTO reviews VALUES (?, ?, ?, ?, ?, ?, ?)",
                _bind(
                    slug, series["title"], series["author"]["name"], series["change_id"],
                    time.time(), json.dumps(document), json.dumps(summarize_document(document)),
                ),
            )  # fmt: skip
            db.executemany(
                "INSERT OR REPLACE INTO mails VALUES (?, ?)",
                [_bind(message_id, slug) for message_id in series["message_ids"]],
            )
            for other in before:
                _drop_empty(db, other)
            if mails:
                values = _bind(slug, zlib.compress(mails))
                db.execute("INSERT OR REPLACE INTO threads VALUES (?, ?)", values)

    def load_threads(self, slug: str) -> bytes | None:
        """Return the mails of a kept review's threads as mboxrd; None where none are kept."""
        row = self._one("SELECT data FROM threads WHERE slug = ?", slug)
        try:
            return zlib.decompress(row[0]) if row else None
        except zlib.error:
            return None

    def find_review(self, name: str) -> StoredReview | None:
        """Return the kept review that a message-id, a change-id or a slug names."""
        query = (
            "SELECT slug, title, author, change_id, at, body FROM reviews WHERE slug = ?"
            " OR change_id = ? OR slug = (SELECT slug FROM mails WHERE message_id = ?)"
            " ORDER BY at DESC, rowid DESC LIMIT 1"
        )
        row = self._one(query, name, name, name)
        return _stored(row) if row else None

    def list_reviews(self) -> list[Summary]:
        """Return what there is to say of all kept reviews in a list, the newest first."""
        self._summarize_old()
        query = "SELECT slug, at, summary FROM reviews ORDER BY at DESC, rowid DESC"
        with self._explained(), self._lock:
            rows = self._db.execute(query).fetchall()
        return [Summary(slug, at, **json.loads(text)) for slug, at, text in rows]

    def _summarize_old(self) -> None:
        """Add the summaries of what was kept before there were any."""
        query = "SELECT slug, body FROM reviews WHERE summary IS NULL"
        with self._explained(), self._lock:
            rows = self._db.execute(query).fetchall()
        if not rows:
            return
        made = [(json.dumps(summarize_document(json.loads(body))), slug) for slug, body in rows]
        with self._transaction() as db:
            db.executemany(
                "UPDATE reviews SET summary = ? WHERE slug = ? AND summary IS NULL", made
            )


def _code(error: Exception) -> int:
    """Return SQLite's primary code of an error, 0 for an error of another origin."""
    return int(getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def _bind(*values: object) -> tuple[object, ...]:
    """Return values as SQLite takes them: text that is no UTF-8 (hostile mail) is escaped."""
    return tuple(
        v.encode("utf-8", "backslashreplace").decode() if isinstance(v, str) else v for v in values
    )


def _drop_empty(db: sqlite3.Connection, slug: str) -> None:
    """Remove a review that no mail belongs to any more, with its threads."""
    if db.execute("SELECT 1 FROM mails WHERE slug = ?", (slug,)).fetchone() is None:
        db.execute("DELETE FROM reviews WHERE slug = ?", (slug,))
        db.execute("DELETE FROM threads WHERE slug = ?", (slug,))


def _stored(row: tuple[Any, ...]) -> StoredReview:
    return StoredReview(row[0], row[1], row[2], row[3], row[4], json.loads(row[5]))


def render_result(result: StageResult) -> dict[str, Any]:
    """Return a stage result as JSON values; also the form it has in a report."""
    return {
        "stage": result.stage,
        "status": result.status.value,
        "reason": result.reason,
        "findings": [render_finding(finding) for finding in result.findings],
        "seconds": round(result.seconds, 3),
        "tools": dict(result.tools),
        "repeat": result.repeat,
        "data": dict(result.data),
    }


def render_finding(finding: Finding) -> dict[str, Any]:
    """Return a finding as JSON values."""
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "message": finding.message,
        "file": finding.file,
        "line": finding.line,
        "patch": finding.patch,
        "patch_line": finding.patch_line,
        "evidence": finding.evidence,
        "change": finding.change.value if finding.change else None,
    }


def parse_result(values: dict[str, Any]) -> StageResult:
    """Return the stage result that `render_result` rendered, marked as `stored`.

    Raises `KeyError`, `TypeError` or `ValueError` for other values.
    """
    findings = tuple(
        Finding(
            **{
                **each,
                "severity": Severity(each["severity"]),
                "change": Change(each["change"]) if each["change"] else None,
            }
        )
        for each in values["findings"]
    )
    return StageResult(
        **{**values, "status": Status(values["status"]), "findings": findings, "stored": True}
    )
