"""The stored format, step by step: each step and its record are one transaction."""

from __future__ import annotations

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE fetched (
            server TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
            at REAL NOT NULL, data BLOB NOT NULL,
            PRIMARY KEY (server, kind, name)) WITHOUT ROWID""",
        """CREATE TABLE results (
            key TEXT PRIMARY KEY, stage TEXT NOT NULL, at REAL NOT NULL, body TEXT NOT NULL)""",
        """CREATE TABLE reviews (
            slug TEXT PRIMARY KEY, title TEXT NOT NULL, author TEXT NOT NULL,
            change_id TEXT, at REAL NOT NULL, body TEXT NOT NULL)""",
        "CREATE INDEX reviews_by_change_id ON reviews (change_id)",
        """CREATE TABLE mails (
            message_id TEXT PRIMARY KEY, slug TEXT NOT NULL)""",
        "CREATE INDEX mails_by_slug ON mails (slug)",
    ),
    # What a list says; NULL until it is asked for where an older patchbot kept the review.
    (
        "ALTER TABLE reviews ADD COLUMN summary TEXT",
        "CREATE INDEX reviews_by_time ON reviews (at)",
    ),
    # The mails of a review's threads, as compressed mboxrd.
    ("CREATE TABLE threads (slug TEXT PRIMARY KEY, data BLOB NOT NULL)",),
)
