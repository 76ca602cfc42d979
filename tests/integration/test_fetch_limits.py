"""The command line against servers without the list, with slow headers, and that stay silent."""

from __future__ import annotations

import gzip
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from patchbot.demo import find_mbox
from patchbot.errors import FetchError
from patchbot.mail.fetch import B4Archive
from tests.support import faulty_http as faults
from tests.support.cli import run_cli, write_config
from tests.support.faulty_http import Answer, Exchange, FaultyServer

MakeServer = Callable[..., FaultyServer]
MAIL = "20260315191000.3456-1-mira@example.org"
QUOTED = MAIL.replace("@", "%40")


def mbox() -> bytes:
    return gzip.compress(find_mbox("page-protect-v3.mbox").read_bytes())


def redirect_to(place: str) -> faults.Fault:
    return lambda exchange: exchange.send(Answer(302, [("Location", place)], b""))


def redirect_to_demo(exchange: Exchange) -> None:
    redirect_to(f"/demo{exchange.request.path}")(exchange)


@pytest.fixture
def server(faulty_server: MakeServer) -> FaultyServer:
    """Knows a thread under every list's name, can search in /demo alone, and else answers 404."""
    server = faulty_server()
    server.fail("t.mbox.gz", faults.answer_with(mbox()))
    server.fail(r"^/demo/\?", faults.answer_with(mbox()))
    server.fail("^/[^/]+%40[^/]+/$", redirect_to_demo)
    server.fail("^/demo/[^/]+%40[^/]+/$", faults.answer_with(b"<html>", "text/html"))
    return server


def open_archive(server: FaultyServer, tmp_path: Path, path: str = "/wrong") -> B4Archive:
    return B4Archive(f"{server.url}{path}", 5.0, tmp_path / "b4")


def searches(server: FaultyServer) -> list[str]:
    return [r.path.partition("?")[0] for r in server.requests if "x=m" in r.path]


def test_the_list_is_found_from_a_mail(server: FaultyServer, tmp_path: Path) -> None:
    archive = open_archive(server, tmp_path)
    assert archive.fetch_search("s:walnut", near=MAIL)
    assert archive.name == f"{server.url}/demo"
    archive.fetch_search("s:other", near=MAIL)
    assert searches(server) == ["/wrong/", "/demo/", "/demo/"]
    assert [r.method for r in server.requests].count("HEAD") == 3  # list, mail, where it leads


def test_a_review_searches_the_list_that_it_found(server: FaultyServer) -> None:
    ran = run_cli("review", MAIL, "--lore", f"{server.url}/wrong", "--json")
    assert ran.code == 3, ran.err
    assert not [note for note in ran.document["notes"] if "search" in note]
    assert set(searches(server)[1:]) == {"/demo/"}


def test_no_list_is_said_for_every_search(server: FaultyServer, tmp_path: Path) -> None:
    server.fail(rf"^/{QUOTED}/$", faults.status(404))
    archive = open_archive(server, tmp_path)
    for _ in range(2):
        with pytest.raises(FetchError, match="is no list that can be searched"):
            archive.fetch_search("s:walnut", near=MAIL)
    assert len(searches(server)) == 1
    with pytest.raises(FetchError, match="is no list"):
        open_archive(server, tmp_path).fetch_search("s:walnut")


def test_a_list_on_another_host_is_not_taken_for_one_here(
    server: FaultyServer, faulty_server: MakeServer, tmp_path: Path
) -> None:
    other = faulty_server()
    other.fail(".*", faults.answer_with(b"<html>", "text/html"))
    server.fail(rf"^/{QUOTED}/$", redirect_to(f"{other.url}/demo/{QUOTED}/"))
    with pytest.raises(FetchError, match="is no list"):
        open_archive(server, tmp_path).fetch_search("s:walnut", near=MAIL)


@pytest.mark.parametrize("trouble", [faults.status(503), faults.redirect_loop()])
def test_trouble_on_the_way_to_the_list_is_no_empty_answer(
    trouble: faults.Fault, server: FaultyServer, tmp_path: Path
) -> None:
    server.fail("^/wrong/$", trouble, times=60)
    archive = open_archive(server, tmp_path)
    with pytest.raises(FetchError):
        archive.fetch_search("s:walnut", near=MAIL)
    server.fail("^/wrong/$", faults.status(404))
    assert archive.fetch_search("s:walnut", near=MAIL)


def test_a_search_that_finds_nothing_in_a_list_is_empty(
    server: FaultyServer, tmp_path: Path
) -> None:
    server.fail(r"^/demo/\?", faults.status(404))
    server.fail("^/demo/$", faults.answer_with(b"<html>", "text/html"))
    archive = open_archive(server, tmp_path, "/demo")
    assert archive.fetch_search("s:walnut", near=MAIL) == b""
    assert archive.fetch_search("s:other", near=MAIL) == b""
    assert [r.method for r in server.requests].count("HEAD") == 1


def test_a_server_of_slow_headers_is_left(faulty_server: MakeServer) -> None:
    def slow_headers(exchange: Exchange) -> None:
        handler = exchange._handler
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        number = 0
        while not exchange.owner.stopping.wait(0.1):
            number += 1
            handler.wfile.write(b"X-%d: more\r\n" % number)

    server = faulty_server()
    server.fail(".*", slow_headers)
    write_config("timeout = 1\n")
    ran = run_cli("review", MAIL, "--lore", f"{server.url}/demo")
    assert (ran.code, "no answer in time" in ran.failure) == (4, True)
    assert ran.seconds < 20


def test_redirects_share_one_time_limit(faulty_server: MakeServer) -> None:
    def slow_redirect(exchange: Exchange) -> None:
        exchange.owner.stopping.wait(0.4)
        redirect_to(exchange.request.path + "x")(exchange)

    server = faulty_server()
    server.fail(".*", slow_redirect)
    write_config("timeout = 1\n")
    ran = run_cli("review", MAIL, "--lore", f"{server.url}/demo")
    assert (ran.code, "no answer in time" in ran.failure) == (4, True)
    assert len(server.requests) < 6


def test_a_silent_search_is_not_waited_for_again_and_again(server: FaultyServer) -> None:
    server.fail("x=m", faults.slow_first_byte(60.0))
    write_config("timeout = 1\n")
    ran = run_cli("review", MAIL, "--lore", f"{server.url}/demo", "--json")
    assert ran.code == 3, ran.err
    assert any("not asked again" in note for note in ran.document["notes"])
    assert len(searches(server)) == 2


@pytest.fixture
def refusing() -> Iterator[str]:
    """An address at which every connection is closed at once."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            while True:
                try:
                    listener.accept()[0].close()
                except OSError:
                    return

        threading.Thread(target=refuse, daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def test_no_failure_shows_the_password(refusing: str, server: FaultyServer) -> None:
    host = server.url.removeprefix("http://")
    server.fail("wrong", faults.status(503))
    for where in (f"{refusing}/list", f"{host}/wrong", "127.0.0.1:port/list"):
        ran = run_cli("review", MAIL, "--lore", f"http://ada:se@cret@{where}")
        assert ran.code == 4
        assert "cret" not in ran.err
    kept = Path(os.environ["HOME"]).rglob("*.db*")
    assert not [path for path in kept if b"se@cret" in path.read_bytes()]
