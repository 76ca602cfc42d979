"""The bounds on what is asked of a server, and what of its address and answers is shown."""

from __future__ import annotations

import contextlib
import io
import os
import threading
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from patchbot.errors import FetchError, NotFoundError
from patchbot.mail import discover, fetch
from patchbot.mail.mbox import read_mails
from patchbot.model import Mail
from patchbot.settings import Settings
from patchbot.sources import KeptArchive
from patchbot.store import Store
from tests.support.fakes import make_patch, make_revision, make_series

URL = "http://127.0.0.1:9/list"


def as_mbox(*mails: bytes) -> bytes:
    return b"".join(b"From mboxrd@z Thu Jan  1 00:00:00 1970\n" + mail + b"\n" for mail in mails)


def patch_mbox(
    name: str, subject: str = "[PATCH] walnut: count the halves", body: str = ""
) -> bytes:
    head = (
        f"From: Ada <ada@example.org>\nDate: Mon, 2 Mar 2026 10:11:12 +0000\nSubject: {subject}\n"
    )
    diff = "---\ndiff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-old\n+new\n"
    return as_mbox(f"{head}Message-ID: <{name}@example.org>\n\n{body}\n{diff}".encode())


def at_hand(name: str) -> list[Mail]:
    return list(read_mails(io.BytesIO(patch_mbox(name, body="another text"))))


class FakeArchive:
    """Threads by message-id, and one answer to every search."""

    name = "fake"

    def __init__(self, threads: dict[str, bytes], hits: Callable[[str], bytes]) -> None:
        self.threads = threads
        self.hits = hits
        self.queries: list[str] = []
        self.asked: list[str] = []

    def fetch_thread(self, message_id: str) -> bytes:
        self.asked.append(message_id)
        if message_id not in self.threads:
            raise NotFoundError("gone")
        return self.threads[message_id]

    def fetch_search(self, query: str) -> bytes:
        self.queries.append(query)
        return self.hits(query)


# ---------------------------------------------------------------- searches


def long_series(count: int, senders: int = 1):
    titles = [f"walnut: {'ä' * 150} part number {number}" for number in range(count)]
    revisions = [
        replace(
            make_revision(f"v{number + 1}"),
            title=title,
            author_email=f"{number % senders}.{'long' * 20}@example.org",
            patches=(replace(make_patch(label=f"v{number + 1}"), title=title),),
        )
        for number, title in enumerate(titles)
    ]
    return make_series(*revisions)


@pytest.mark.parametrize(("count", "senders"), [(1, 1), (30, 1), (30, 30)])
def test_every_query_fits_one_address_and_no_title_is_lost(count: int, senders: int) -> None:
    series = long_series(count, senders)
    queries = [query for query, _ in discover._queries(series)]
    sizes = [len(urllib.parse.quote_plus(query)) for query in queries]
    assert max(sizes) <= discover.MAX_QUERY_CHARS
    for revision in series.revisions:
        title, sender = discover.phrase(revision.title), revision.author_email
        assert any(f's:"{title}"' in q and f'f:"{sender}"' in q for q in queries)
        assert any(f'nq:"{revision.message_id}"' in query for query in queries)


def test_a_message_id_can_not_end_its_phrase() -> None:
    series = make_series(replace(make_revision(), message_id='a"b OR s:"x@example.org'))
    (links,) = [query for query, why in discover._queries(series) if why == "mails that link it"]
    assert links.count('"') == 2


def test_searches_are_counted_and_the_limit_is_noted_once() -> None:
    archive = FakeArchive({}, lambda _query: b"")
    search = discover._Search(archive, lambda _line: None)
    for number in range(discover.MAX_QUERIES + 5):
        search.query(f"query {number}", "a test")
        search.query(f"query {number}", "a test")
    assert len(archive.queries) == discover.MAX_QUERIES
    assert list(search.notes) == ["stopped after 40 searches: more revisions may be there"]


def test_threads_are_counted_and_the_limit_is_noted_once() -> None:
    archive = FakeArchive({}, lambda _query: b"")
    search = discover._Search(archive, lambda _line: None)
    search.threads = 1
    for number in range(discover.MAX_THREADS + 5):
        search.thread(f"{number}@example.org")
    assert len(archive.asked) == discover.MAX_THREADS - 1
    assert list(search.notes) == ["stopped after 60 threads: more revisions may be there"]


def test_the_same_failure_is_noted_once() -> None:
    def fail(_query: str) -> bytes:
        raise FetchError("the server is ill")

    archive = FakeArchive({"a1@example.org": patch_mbox("a1")}, fail)
    _, notes = discover.discover_mails(archive, "a1@example.org")
    assert len(archive.queries) > 1
    assert notes == ["other revisions may be missed, a search failed: the server is ill"]


# ---------------------------------------------------------------- threads and mails at hand


def test_the_thread_of_a_mail_at_hand_is_fetched_all_the_same() -> None:
    thread = patch_mbox("a1") + patch_mbox("a2")
    archive = FakeArchive({"a1@example.org": thread}, lambda _query: b"")
    mails, _ = discover.discover_mails(archive, "a1@example.org", known=at_hand("a1"))
    assert {mail.message_id for mail in mails} == {"a1@example.org", "a2@example.org"}
    assert len([mail for mail in mails if mail.message_id == "a1@example.org"]) == 2  # two texts


def test_a_mail_at_hand_needs_no_server() -> None:
    known = at_hand("a1")
    archive = FakeArchive({}, lambda _query: b"")
    mails, notes = discover.discover_mails(archive, "a1@example.org", known=known)
    assert (mails, notes) == (known, [])
    with pytest.raises(NotFoundError):
        discover.discover_mails(archive, "a1@example.org")


def test_a_mail_of_a_thread_that_was_fetched_is_not_asked_for_again() -> None:
    both = patch_mbox("a1") + patch_mbox("a2")
    archive = FakeArchive({"a1@example.org": both}, lambda _query: both)
    discover.discover_mails(archive, "a1@example.org")
    assert archive.asked == ["a1@example.org"]


# ---------------------------------------------------------------- addresses

HIDDEN = {
    "https://ada:secret@host/list": "https://host/list",
    "https://ada:se@cret@host/list": "https://host/list",
    " https://ada:secret@host/list ": "https://host/list",
    "ada:secret@host/list": "host/list",
    "git+ssh://ada:secret@host/list": "git+ssh://host/list",
    "//ada:secret@host": "//host",
    "https://host/list@place/": "https://host/list@place/",
    "https://host": "https://host",
}


@pytest.mark.parametrize("url", HIDDEN)
def test_a_password_is_hidden(url: str) -> None:
    assert fetch.hide_password(url) == HIDDEN[url]


GOOD = {
    "lore.example.org/list/": "https://lore.example.org/list",
    "lore.example.org//list": "https://lore.example.org//list",
    "http://host:8080": "http://host:8080",
    " https://host/a/b?q=1#f": "https://host/a/b",
    "http://[::1]:80/x": "http://[::1]:80/x",
}


@pytest.mark.parametrize("url", GOOD)
def test_an_address_is_made_whole(url: str) -> None:
    assert fetch._check_url(url) == GOOD[url]


@pytest.mark.parametrize(
    "url",
    [
        "", "/all", "ftp://ada:secret@host", "https://ada:secret@host:0/", "https://[::1/secret@x",
        "https://host:99999/", "https://ada:secret@host:port/", "https://ada:s/ecret@host/",
        "https://ada:secret@ho st/", "https://ada:secret@host/<x>", "https://ada:sec\nret@host/a\x00",
        "//ada:secret@host", "https://",
    ],
)  # fmt: skip
def test_a_wrong_address_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(FetchError, match="no server address") as caught:
        fetch._check_url(url)
    assert "secret" not in str(caught.value)
    assert "ecret" not in str(caught.value)


def test_what_is_kept_is_kept_under_a_name_without_a_password(tmp_path: Path) -> None:
    store = Store(tmp_path / "home")
    for lore in ("http://ada:secret@127.0.0.1:9/list/", " http://ada:secret@127.0.0.1:9/list "):
        assert KeptArchive(lore, Settings(tmp_path / "home"), store).name == URL


# ---------------------------------------------------------------- signatures


def signature(status: str, identity: str, **more: object) -> dict[str, object]:
    return {"status": status, "identity": identity, **more}


OWN_BAD = signature("badsig", "ed25519/ada@example.org")
OWN_GOOD = signature("signed", "ed25519/ada@example.org")
OWN_UNKNOWN = signature("nokey", "openpgp/ada@example.org")
HOST_GOOD = signature("signed", "DKIM/example.org", mismatch="ada@example.net")
HOST_BAD = signature("badsig", "DKIM/lists.example.org")


@pytest.mark.parametrize(
    ("found", "status", "identity"),
    [
        ([HOST_GOOD, OWN_BAD], "badsig", "ed25519/ada@example.org"),
        ([HOST_BAD, OWN_GOOD], "signed", "ed25519/ada@example.org"),
        ([HOST_BAD, HOST_GOOD], "signed", "DKIM/example.org"),
        ([OWN_UNKNOWN, HOST_BAD], "badsig", "DKIM/lists.example.org"),
        ([signature("odd", "new/x"), OWN_UNKNOWN], "nokey", "openpgp/ada@example.org"),
    ],
)
def test_which_of_several_signatures_is_told(
    found: list[dict[str, object]], status: str, identity: str
) -> None:
    best = fetch._best(found, network=True)
    assert (best.status, best.identity) == (status, identity)


def test_the_other_signatures_are_named() -> None:
    assert fetch._best([HOST_BAD, HOST_GOOD], network=True).reason == (
        "From is ada@example.net, also badsig: DKIM/lists.example.org"
    )
    assert fetch._best([], network=True).status == "none"
    assert fetch._best([], network=False).status == "not checked"


def test_b4s_folders_are_made_in_scratch_and_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.delenv("GNUPGHOME", raising=False)
    with contextlib.suppress(RuntimeError), fetch._folders_in(tmp_path / "scratch"):
        assert os.environ["XDG_DATA_HOME"] == str(tmp_path / "scratch")
        assert os.environ["GNUPGHOME"] == str(tmp_path / "scratch" / "gnupg")
        assert (tmp_path / "scratch" / "gnupg").stat().st_mode & 0o777 == 0o700
        del os.environ["GNUPGHOME"]
        raise RuntimeError
    assert os.environ["XDG_DATA_HOME"] == str(tmp_path / "share")
    assert "GNUPGHOME" not in os.environ


def test_a_users_own_folders_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "share" / "b4").mkdir(parents=True)
    (tmp_path / ".gnupg").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.delenv("GNUPGHOME", raising=False)
    before = dict(os.environ)
    with fetch._folders_in(tmp_path / "scratch"):
        assert dict(os.environ) == before
    assert not (tmp_path / "scratch").exists()


# ---------------------------------------------------------------- time


def test_a_call_is_left_alone_once_its_time_is_up() -> None:
    stop = threading.Event()
    start = time.monotonic()
    with pytest.raises(requests.ReadTimeout):
        fetch._within(0.05, lambda: stop.wait(60))
    stop.set()
    assert time.monotonic() - start < 30


def test_a_call_within_its_time_answers_or_raises() -> None:
    assert fetch._within(60, lambda: "answer") == "answer"
    assert fetch._within(60, lambda: None) is None
    with pytest.raises(SystemExit):
        fetch._within(60, exec_exit)


def exec_exit() -> None:
    raise SystemExit(3)


class Server:
    """A B4Archive whose answers are given; each takes `takes_s` on a clock of its own."""

    name = URL

    def __init__(self, answers: list[bytes | FetchError], clock: list[float]) -> None:
        self.answers = answers
        self.clock = clock
        self.near: list[str] = []
        self.takes_s = 60.0

    def fetch_thread(self, message_id: str) -> bytes:
        return self.answer()

    def fetch_search(self, query: str, near: str = "") -> bytes:
        self.near.append(near)
        return self.answer()

    def answer(self) -> bytes:
        self.clock[0] += self.takes_s
        answer = self.answers.pop(0)
        if isinstance(answer, FetchError):
            raise answer
        return answer


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., KeptArchive]:
    """``kept(*answers)``: a KeptArchive before a server that gives these answers."""
    clock = [0.0]
    monkeypatch.setattr("patchbot.sources.time.monotonic", lambda: clock[0])

    def make(*answers: bytes | FetchError) -> KeptArchive:
        made = KeptArchive(URL, Settings(tmp_path, keep_s=0), Store(tmp_path))
        made._inner = Server(list(answers), clock)  # type: ignore[assignment]
        return made

    return make


def outcomes(archive: KeptArchive, count: int) -> list[str]:
    found = []
    for number in range(count):
        try:
            found.append(archive.fetch_search(f"query {number}").decode())
        except FetchError as error:
            found.append(str(error))
    return found


SILENT = FetchError("no answer in time")


def test_a_silent_server_is_not_asked_again(kept: Callable[..., KeptArchive]) -> None:
    archive = kept(SILENT, SILENT, b"too late")
    first, second, third = outcomes(archive, 3)
    assert first == second == "no answer in time"
    assert "2 times, and is not asked again" in third


def test_an_answer_of_any_kind_gives_new_patience(kept: Callable[..., KeptArchive]) -> None:
    answers = (SILENT, b"here", SILENT, NotFoundError("not here"), SILENT, SILENT, b"too late")
    assert outcomes(kept(*answers), 7)[:6] == [
        str(a) if a != b"here" else "here" for a in answers[:6]
    ]


def test_quick_failures_cost_no_patience(kept: Callable[..., KeptArchive]) -> None:
    archive = kept(*[FetchError("refused")] * 5, b"here")
    archive._inner.takes_s = 1.0  # type: ignore[union-attr]
    assert outcomes(archive, 6) == ["refused"] * 5 + ["here"]


def test_an_old_copy_is_used_when_patience_is_out(kept: Callable[..., KeptArchive]) -> None:
    archive = kept(b"old", SILENT, SILENT, b"too late")
    archive.fetch_thread("a@example.org")
    outcomes(archive, 2)
    assert archive.fetch_thread("a@example.org") == b"old"
    assert "not asked again" in archive.notes[0]


def test_a_search_names_a_mail_that_its_list_has(kept: Callable[..., KeptArchive]) -> None:
    archive = kept(b"thread", b"hits")
    archive.fetch_thread("a@example.org")
    archive.fetch_search("query")
    assert archive._inner.near == ["a@example.org"]  # type: ignore[union-attr]
