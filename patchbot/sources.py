"""Where the mails of a review come from: files, standard input, a server, or what was kept."""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from patchbot.errors import FetchError, MailError, NotFoundError, UsageError
from patchbot.mail.archive import parse_message_id
from patchbot.mail.discover import discover_mails
from patchbot.mail.mbox import read_mails, read_source, read_stdin
from patchbot.mail.series import build_series, select_series, series_message_ids
from patchbot.mail.thread import Mails
from patchbot.model import Attestation, Mail, Series
from patchbot.settings import Settings
from patchbot.store import Store

if TYPE_CHECKING:
    from patchbot.mail.fetch import B4Archive

_PATIENCE = 2


@dataclass(frozen=True, slots=True)
class Target:
    """What the user named: local paths ("-" for standard input), and a message-id or None."""

    paths: tuple[str, ...]
    message_id: str | None
    inbox: str | None


@dataclass
class Collected:
    """The mails of a review, the series that was meant, and what was noted on the way."""

    mails: Mails
    series: Series
    message_id: str
    notes: list[str] = field(default_factory=list)


def parse_targets(targets: Sequence[str]) -> Target:
    """Tell paths from a message-id or address; raises `UsageError` or `MailError`."""
    paths: list[str] = []
    named: list[tuple[str, str | None]] = []
    for target in targets:
        if target == "-" or _is_there(target):
            paths.append(target)
        elif "@" not in target and _looks_like_path(target):
            raise UsageError(f"{target}: no such file", hint="name a file, or a message-id")
        else:
            named.append(parse_message_id(target))
    if len(named) > 1:
        raise UsageError("one message-id at a time", hint="review them one after another")
    message_id, inbox = named[0] if named else (None, None)
    return Target(tuple(paths), message_id, inbox)


def _is_there(target: str) -> bool:
    """Whether a path exists; what the system takes for no path at all (too long) does not."""
    try:
        return Path(target).exists()
    except OSError:
        return False


def _looks_like_path(target: str) -> bool:
    address = target.startswith(("http://", "https://"))
    return not address and ("/" in target or target.endswith((".mbox", ".gz", ".eml")))


class KeptArchive:
    """A server whose answers are kept in the store and reused.

    A kept answer younger than `keep_s` is used as it is. An older one is fetched again, and
    used all the same, with a note, when the server then fails. With `fresh` nothing kept is used.
    A server that let patchbot wait in vain for `_PATIENCE` answers is not asked again.
    """

    def __init__(
        self, lore: str | None, settings: Settings, store: Store, *, fresh: bool = False
    ) -> None:
        self._lore = lore
        self._settings = settings
        self._store = store
        self._fresh = fresh
        self._inner: B4Archive | None = None
        self._in_vain = 0
        self._near = ""
        self.notes: list[str] = []
        self.name = _shown(lore) if lore else self._server().name

    def _server(self) -> B4Archive:
        from patchbot.mail.fetch import B4Archive

        if self._inner is None:
            scratch = self._settings.home / "b4"
            self._inner = B4Archive(self._lore, self._settings.timeout_s, scratch)
        return self._inner

    def fetch_thread(self, message_id: str) -> bytes:
        """Return a thread as mboxrd; see `B4Archive.fetch_thread`."""
        data = self._kept("thread", message_id, lambda: self._server().fetch_thread(message_id))
        self._near = message_id
        return data

    def fetch_search(self, query: str) -> bytes:
        """Return what a search finds as mboxrd; see `B4Archive.fetch_search`."""
        return self._kept("search", query, lambda: self._search(query))

    def _search(self, query: str) -> bytes:
        return self._server().fetch_search(query, self._near)

    def _kept(self, kind: str, name: str, fetch: Callable[[], bytes]) -> bytes:
        kept = None if self._fresh else self._store.load_fetched(self.name, kind, name)
        if kept is not None and time.time() - kept[1] < self._settings.keep_s:
            return kept[0]
        try:
            data = self._patiently(fetch)
        except NotFoundError:
            raise
        except FetchError as error:
            if kept is None:
                raise
            day = time.strftime("%Y-%m-%d %H:%M", time.localtime(kept[1]))
            note = f"the copy of {day} is used, newer mail may be missing: {error}"
            if note not in self.notes:
                self.notes.append(note)
            return kept[0]
        self._store.save_fetched(self.name, kind, name, data)
        return data

    def _patiently(self, fetch: Callable[[], bytes]) -> bytes:
        """Fetch, unless the server was silent too often: its time-outs would add up to hours."""
        if self._in_vain >= _PATIENCE:
            raise FetchError(
                f"{self._server().name} gave no answer in time {_PATIENCE} times, and is not asked"
                " again",
                hint="try again later, or name another server with --lore",
            )
        start = time.monotonic()
        try:
            data = fetch()
        except NotFoundError:
            self._in_vain = 0
            raise
        except FetchError:
            if time.monotonic() - start > self._settings.timeout_s / 2:
                self._in_vain += 1
            raise
        self._in_vain = 0
        return data

    def check_attestation(self, mail: Mail) -> Attestation:
        """Return what b4 finds of a mail's signatures; an answer of b4's is kept."""
        if not mail.signed:
            return Attestation("none", reason="no signature")
        name = hashlib.sha256(mail.raw).hexdigest()
        kept = None if self._fresh else self._store.load_fetched(self.name, "signatures", name)
        if kept is not None and time.time() - kept[1] < self._settings.keep_s:
            return Attestation(*json.loads(kept[0]))
        found = self._server().check_attestation(mail)
        data = json.dumps([found.status, found.identity, found.reason]).encode()
        self._store.save_fetched(self.name, "signatures", name, data)
        return found


def load_kept(store: Store, message_id: str) -> tuple[list[Mail], dict[str, Any]]:
    """Return the mails that were kept with a review, and its document.

    Raises `MailError` where nothing is kept of it, or a review without its mails.
    """
    review = store.find_review(message_id)
    data = store.load_threads(review.slug) if review is not None else None
    if review is None or data is None:
        what = "mails are" if review is not None else "review is"
        raise MailError(
            f"no {what} kept of {message_id}", hint=f"run: patchbot review {message_id}"
        )
    return list(read_mails(io.BytesIO(data))), review.document


def _shown(lore: str) -> str:
    """Return a server's address as it is shown and kept: without a password."""
    if "@" in lore:
        from patchbot.mail.fetch import hide_password

        lore = hide_password(lore)
    return lore.rstrip("/")


def collect_mails(
    target: Target,
    archive: KeptArchive | None,
    stdin: IO[bytes],
    progress: Callable[[str], None],
    kept: Sequence[Mail] = (),
) -> Collected:
    """Read the local mails, fetch what the archive has, and choose the series that is meant.

    `kept` are mails at hand already.

    Raises `MailError`, `FetchError` or `UsageError`.
    """
    local = [*kept, *_read_local(target, stdin, progress)]
    message_id = target.message_id
    notes: list[str] = []
    if message_id is None:
        message_id, notes = _choose_start(Mails(local))
    if archive is not None:
        found, more = discover_mails(archive, message_id, progress, known=local)
        notes += more + archive.notes
        local = found
    mails = Mails(local)
    if message_id not in mails:
        raise MailError(
            f"<{message_id}> is not among the {len(mails)} mails"
            f" of {', '.join(target.paths) or 'the store'}",
            hint="name the file that has it, or a server with --lore",
        )
    for shared, others in mails.duplicates.items():
        notes.append(f"{others + 1} mails with different texts share the id <{shared}>")
    series = select_series(build_series(mails), mails, message_id)
    return Collected(mails, series, message_id, notes)


def _read_local(target: Target, stdin: IO[bytes], progress: Callable[[str], None]) -> list[Mail]:
    mails: list[Mail] = []
    for path in target.paths:
        progress(f"reading {'standard input' if path == '-' else path}")
        mails += read_stdin(stdin) if path == "-" else read_source(Path(path))
    return mails


def _choose_start(mails: Mails) -> tuple[str, list[str]]:
    """Return the series that the first mail with a series is in, and a note on the others."""
    found = build_series(mails)
    if not found:
        raise MailError(
            f"{len(mails)} mails, and no patch among them", hint="name a thread that holds a series"
        )
    homes = {each: series for series in found for each in series_message_ids(series)}
    first = next((m.message_id for m in mails if m.message_id in homes), "")
    chosen = homes[first]
    others = [series for series in found if series is not chosen]
    notes = [
        f"the mails also hold: {series.title} <{series.revisions[-1].message_id}>"
        for series in others[:20]
    ]
    return chosen.revisions[-1].message_id, notes
