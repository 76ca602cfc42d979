"""Find every revision of a series on a server, older and newer, from any of its mails.

b4's `am` looks forward only, and its searches need the same subject and sender. Here a thread
is fetched, its series is built, and whatever the series points at is fetched in turn: links to
earlier postings, the change-id, the titles of cover and patches, and mails that cite a revision.
"""

from __future__ import annotations

import io
import re
import urllib.parse
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from patchbot.errors import FetchError, NotFoundError
from patchbot.mail.archive import Archive
from patchbot.mail.links import find_earlier_ids
from patchbot.mail.mbox import split_mbox
from patchbot.mail.message import parse_mail
from patchbot.mail.postings import find_postings
from patchbot.mail.series import build_series, select_series, series_message_ids
from patchbot.mail.subject import parse_subject
from patchbot.mail.thread import Mails
from patchbot.model import Mail, Series

MAX_THREADS = 60
MAX_ROUNDS = 6
MAX_TITLES = 6
MAX_QUERIES = 40
MAX_QUERY_CHARS = 4000
_LEAST_WORDS = 3

Progress = Callable[[str], None]


@dataclass
class _Search:
    """What was fetched so far, what was asked, and what could not be had."""

    archive: Archive
    progress: Progress
    copies: dict[tuple[str, bytes], Mail] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    fetched: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    threads: int = 0
    queries: int = 0
    notes: dict[str, None] = field(default_factory=dict)
    parsed: dict[bytes, Mail] = field(default_factory=dict)

    def parse(self, data: bytes) -> list[Mail]:
        """Parse an answer; a mail that came before is not parsed again."""
        found = []
        for raw, cut in split_mbox(io.BytesIO(data)):
            if raw not in self.parsed:
                self.parsed[raw] = parse_mail(raw, truncated=cut)
            found.append(self.parsed[raw])
        return found

    def add(self, mails: Iterable[Mail]) -> int:
        """Add mails, each text of a message-id once; returns how many ids are new."""
        before = len(self.ids)
        for mail in mails:
            self.copies.setdefault((mail.message_id, mail.raw), mail)
            self.ids.add(mail.message_id)
        return len(self.ids) - before

    def note(self, text: str) -> None:
        self.notes[text] = None

    def thread(self, message_id: str) -> int:
        """Fetch one more thread; returns how many mails were new.

        The first may not fail, unless its mail is at hand already.
        """
        key = f"thread {message_id}"
        if key in self.asked or message_id in self.fetched:
            return 0
        self.asked.add(key)
        if self.threads >= MAX_THREADS:
            self.note(f"stopped after {MAX_THREADS} threads: more revisions may be there")
            return 0
        self.threads += 1
        self.progress(f"looking up the thread of <{message_id}>")
        try:
            found = self.parse(self.archive.fetch_thread(message_id))
        except FetchError as error:
            if self.threads == 1 and message_id not in self.ids:
                raise
            if not isinstance(error, NotFoundError):
                self.note(f"a thread is missing from this answer: {error}")
            return 0
        self.fetched.update(mail.message_id for mail in found)
        return self.add(found)

    def query(self, query: str, reason: str) -> list[Mail]:
        """Ask one search; its failure is noted, as other revisions may be missed."""
        if not query or query in self.asked:
            return []
        self.asked.add(query)
        if self.queries >= MAX_QUERIES:
            self.note(f"stopped after {MAX_QUERIES} searches: more revisions may be there")
            return []
        self.queries += 1
        self.progress(f"searching for {reason}")
        try:
            return self.parse(self.archive.fetch_search(query))
        except FetchError as error:
            self.note(f"other revisions may be missed, a search failed: {error}")
            return []


def discover_mails(
    archive: Archive,
    message_id: str,
    progress: Progress = lambda _: None,
    known: Iterable[Mail] = (),
) -> tuple[list[Mail], list[str]]:
    """Fetch all threads that hold revisions of the series that `message_id` belongs to.

    `known` are mails at hand already. Returns the mails, and notes on what could not be had.
    Raises `NotFoundError` or `FetchError` where the first thread can't be had.
    """
    search = _Search(archive, progress)
    search.add(known)
    search.thread(message_id)
    if message_id not in search.ids:
        raise FetchError(
            f"{archive.name} answered, but without <{message_id}>",
            hint="check the message-id, or try again with --no-cache",
        )
    for _ in range(MAX_ROUNDS):
        if not _extend(search, message_id):
            break
    return list(search.copies.values()), list(search.notes)


def _extend(search: _Search, message_id: str) -> int:
    """Follow everything that the series, as far as it is known, points at."""
    mails = Mails(search.copies.values())
    series = select_series(build_series(mails), mails, message_id)
    new = 0
    for linked in _linked(series, mails):
        new += search.thread(linked)
    for query, reason in _queries(series):
        for hit in search.query(query, reason):
            subject = parse_subject(hit.subject)
            patchlike = subject.patch or subject.counter is not None or subject.version is not None
            if patchlike and not subject.reply:
                new += search.thread(hit.message_id)
    return new


def _linked(series: Series, mails: Mails) -> list[str]:
    ours = series_message_ids(series)
    found: list[str] = []
    for posting in find_postings(mails).found:
        if posting.first.message_id in ours:
            found += find_earlier_ids(posting)
    return list(dict.fromkeys(found))


def _queries(series: Series) -> list[tuple[str, str]]:
    """Return (query, what it is for) for a series; each asks for all its revisions at once."""
    found: list[tuple[str, str]] = []
    if series.change_id:
        found.append((f'nq:"change-id: {phrase(series.change_id)}"', "its change-id"))
    titles: dict[str, None] = {}
    patch_titles: dict[str, None] = {}
    senders: dict[str, None] = {}
    for revision in series.revisions:
        senders[revision.author_email] = None
        titles[phrase(revision.title)] = None
        longest = sorted((p.title for p in revision.patches), key=len, reverse=True)
        patch_titles.update(dict.fromkeys(phrase(title) for title in longest[:MAX_TITLES]))
    subjects = list(_any("s", dict.fromkeys([*titles, *patch_titles])))
    for own in _any("f", map(phrase, senders)):
        for each in subjects:
            found.append((f"({each}) AND ({own})", "its titles and sender"))
    for distinct in _any("s", [title for title in titles if len(title.split()) > _LEAST_WORDS]):
        found.append((f'({distinct}) AND s:"PATCH"', "its title by others"))
    for links in _any("nq", [phrase(r.message_id) for r in series.revisions]):
        found.append((links, "mails that link it"))
    return found


def _any(prefix: str, phrases: Iterable[str]) -> Iterator[str]:
    """Yield alternatives of phrases; two of them are short enough for one request's address."""
    words: list[str] = []
    used = 0
    for each in phrases:
        if prefix == "s" and len(each.split()) < _LEAST_WORDS:
            continue
        word = f'{prefix}:"{each}"'
        cost = len(urllib.parse.quote_plus(f"{word} OR "))
        if words and used + cost > MAX_QUERY_CHARS // 2:
            yield " OR ".join(words)
            words, used = [], 0
        words.append(word)
        used += cost
    if words:
        yield " OR ".join(words)


def phrase(text: str) -> str:
    """Return text fit for a quoted phrase of a public-inbox query."""
    return re.sub(r"[\"\x00-\x1f]+", " ", text).strip()[:200]
