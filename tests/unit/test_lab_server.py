"""The lab's server, asked directly, and over HTTP by b4 as patchbot uses it."""

from __future__ import annotations

import gzip
import http.client
import urllib.parse
from pathlib import Path

import pytest

from patchbot.errors import NotFoundError, PatchbotError
from patchbot.lab.server import LabServer, MailList
from patchbot.mail.fetch import B4Archive
from patchbot.mail.message import parse_mail

IDS = ("1-0/a+b@example.org", "1-1@example.org", "2-0@example.org")


def mail(number: int, subject: str, above: str = "") -> bytes:
    under = f"In-Reply-To: <{above}>\nReferences: <{above}>\n" if above else ""
    return (
        f"From: Ines Brandt <ines@example.org>\nSubject: {subject}\nMessage-ID: <{IDS[number]}>\n"
        f"Date: Mon, 09 Mar 2026 10:30:00 +0000\n{under}\nFrom here on:\nmail {number}\n"
    ).encode()


THREADS = [
    [mail(0, "[PATCH 0/1] the title"), mail(1, "[PATCH 1/1] <a> patch", IDS[0])],
    [mail(2, "[PATCH v2] the title")],
]


@pytest.fixture
def mails() -> MailList:
    return MailList("lab", tuple(tuple(map(parse_mail, thread)) for thread in THREADS))


def quoted(number: int) -> str:
    return urllib.parse.quote_plus(IDS[number])


def mbox(mails: MailList, target: str) -> list[int]:
    """Which mails an answer has."""
    answer = mails.answer(target)
    assert answer.status == 200, answer
    text = gzip.decompress(answer.body)
    assert b"\n>From here on:" in text
    return [number for number in range(3) if f"<{IDS[number]}>\nDate".encode() in text]


def test_a_thread_and_a_mail(mails: MailList) -> None:
    assert mbox(mails, f"/lab/{quoted(1)}/t.mbox.gz") == [0, 1]
    assert mbox(mails, f"/lab/{quoted(0)}/t.mbox.gz") == [0, 1]
    assert mails.answer(f"/lab/{quoted(2)}/raw").body == THREADS[1][0]
    assert b"&lt;a&gt; patch" in mails.answer(f"/lab/{quoted(1)}/").body


def test_searches(mails: MailList) -> None:
    title = urllib.parse.quote_plus('(s:"the title") AND f:"ines@example.org"')
    assert mbox(mails, f"/lab/?x=m&q={title}") == [0, 2]
    assert mbox(mails, f"/lab/?x=m&t=1&q={title}") == [0, 1, 2]
    assert mbox(mails, f"/lab/{quoted(0)}/?x=m&q={title}") == [0]
    assert mails.answer("/lab/?x=m&q=nothing").status == 404


def test_where_it_leads_and_what_is_not_there(mails: MailList) -> None:
    assert mails.answer("/").to == "/lab/"
    assert mails.answer(f"/{quoted(2)}/").to == f"/lab/{urllib.parse.quote(IDS[2])}/"
    for target in ("/other/", "/lab/x@y/raw", f"/lab/{quoted(2)}/T/", "/lab/x@y/t.mbox.gz"):
        assert mails.answer(target).status == 404
    index = mails.answer("/lab/").body
    assert index.count(b"<li>") == 3
    assert b"&lt;a&gt;" in index


def test_b4_gets_what_it_asks_for(tmp_path: Path) -> None:
    with LabServer("lab", THREADS) as server:
        archive = B4Archive(server.url, 10.0, tmp_path)
        assert archive.fetch_thread(IDS[1]).count(b"From mboxrd@z") == 2
        assert archive.fetch_search('s:"the title"').count(b"From mboxrd@z") == 2
        assert archive.fetch_search("s:nothing") == b""
        with pytest.raises(NotFoundError):
            archive.fetch_thread("absent@example.org")
        bare = B4Archive(server.url.removesuffix("/lab"), 10.0, tmp_path)
        assert bare.fetch_thread(IDS[2]).count(b"From mboxrd@z") == 1
        assert bare.fetch_search('s:"the title"', near=IDS[2]).count(b"From mboxrd@z") == 2


def test_a_proxy_is_not_asked_for_what_is_on_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with LabServer("lab", THREADS) as server:
        bare = B4Archive(server.url.removesuffix("/lab"), 10.0, tmp_path)
        assert bare.fetch_thread(IDS[2]).count(b"From mboxrd@z") == 1


def test_a_port_that_is_taken_and_one_that_is_none() -> None:
    with LabServer("lab", THREADS) as server:
        port = int(server.url.split(":")[2].partition("/")[0])
        for bad in (port, 70000):
            with pytest.raises(PatchbotError, match=f"port {bad}"):
                LabServer("lab", THREADS, bad)


def test_odd_requests() -> None:
    with LabServer("lab", THREADS) as server:
        host = urllib.parse.urlsplit(server.url).netloc

        def ask(method: str, path: str, **headers: str) -> tuple[int, bytes]:
            link = http.client.HTTPConnection(host, timeout=10)
            link.request(method, path, headers=headers)
            answer = link.getresponse()
            found = answer.status, answer.read()
            link.close()
            return found

        assert ask("HEAD", "/lab/") == (200, b"")
        assert ask("POST", "/lab/", **{"Content-Length": "999999999"})[0] == 413
        assert ask("POST", "/lab/", **{"Content-Length": "-1"})[0] == 413
        assert ask("PUT", "/lab/")[0] == 501
        assert ask("GET", "/%ff%00/..//lab")[0] == 404
