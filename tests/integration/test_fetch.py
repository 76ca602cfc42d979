"""The command line against servers that fail in every way, and against kept answers."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support import faulty_http as faults
from tests.support.cli import NO_SUCH_HOST, PEAK_MEMORY, interrupt_cli, run_cli, write_config
from tests.support.faulty_http import FaultyServer
from tests.support.public_inbox import PublicInbox, read_mboxes
from tests.support.schema import check_review

MakeServer = Callable[..., FaultyServer]
MakeInbox = Callable[[str, Sequence[Path]], PublicInbox]
NEWEST = "20260315191000.3456-1-mira@example.org"
OLDEST = "20260301090000.1234-1-mira@example.org"
LABELS = ["v1", "v2", "v3", "v4"]


@pytest.fixture
def server(faulty_server: MakeServer, demo_inbox: PublicInbox) -> FaultyServer:
    """A proxy before the real public-inbox: it fails when it is told to."""
    return faulty_server(demo_inbox.url)


def labels(document: dict[str, list[dict[str, str]]]) -> list[str]:
    return [revision["label"] for revision in document["revisions"]]


def without_seconds(document: Any) -> Any:
    for revision in document["revisions"]:
        for result in revision["stages"].values():
            result.pop("seconds")
    return document


FAULTS = {
    "404": (faults.status(404), "does not know"),
    "500": (faults.status(500), "HTTP 500"),
    "503": (faults.status(503), "HTTP 503"),
    "403": (faults.status(403), "HTTP 403"),
    "empty": (faults.empty(), "broken|empty"),
    "truncated": (faults.truncated_gzip(), "broken"),
    "garbage": (faults.garbage(), "broken"),
    "html": (faults.answer_with(b"<html>hello</html>", "text/html"), "broken"),
    "bomb": (faults.gzip_bomb(), "swells"),
    "slow": (faults.slow_first_byte(30.0), "in time"),
    "trickle": (faults.trickle(0.1), "in time"),
    "half-way": (faults.closed_half_way(), "half-way|closed|broken"),
    "redirects": (faults.redirect_loop(), "redirects without end"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_failure_is_one_clear_line(name: str, server: FaultyServer) -> None:
    fault, words = FAULTS[name]
    write_config("timeout = 2\n")
    server.fail(".*", fault)
    ran = run_cli("review", NEWEST, "--lore", f"{server.url}/demo", prelude=PEAK_MEMORY)
    assert ran.code == 4
    assert any(word in ran.failure for word in words.split("|")), ran.failure
    assert ran.hint or name == "bomb"
    assert ran.seconds < 15
    assert int(Path("peak-kib").read_text()) < 700_000


def test_nobody_listens_and_no_such_host() -> None:
    ran = run_cli("review", NEWEST, "--lore", "http://127.0.0.1:9/demo")
    assert (ran.code, "connection refused" in ran.failure) == (4, True)
    away = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"))
    ran = run_cli(
        "review", NEWEST, "--lore", "http://lore.invalid/demo", prelude=NO_SUCH_HOST, env=away
    )
    assert ran.code == 4
    assert "lore.invalid" in ran.failure


def test_an_answer_without_the_mail_that_was_asked_for(server: FaultyServer) -> None:
    import gzip

    other = b"From mboxrd@z Thu Jan  1 00:00:00 1970\nMessage-ID: <o@example.org>\n\nx\n"
    server.fail("t.mbox.gz", faults.answer_with(gzip.compress(other)))
    ran = run_cli("review", NEWEST, "--lore", f"{server.url}/demo")
    assert (ran.code, f"without <{NEWEST}>" in ran.failure) == (4, True)


@pytest.mark.parametrize("lore", ["ftp://host/x", "not a url at all"])
def test_a_wrong_server_address(lore: str) -> None:
    ran = run_cli("review", NEWEST, "--lore", lore)
    assert ran.code == 4
    assert lore.split(":")[0] in ran.failure


@pytest.mark.parametrize("start", [OLDEST, NEWEST, "20260318084500.GE815@example.com"])
def test_every_revision_from_any_mail(start: str, server: FaultyServer) -> None:
    ran = run_cli("review", start, "--lore", f"{server.url}/demo", "--json")
    assert ran.code == 3
    assert labels(ran.document) == LABELS
    assert check_review(ran.document) == []


def test_a_second_run_asks_nothing(server: FaultyServer) -> None:
    first = run_cli("review", NEWEST, "--lore", f"{server.url}/demo", "--json").document
    assert server.requests
    server.forget()
    second = run_cli("review", NEWEST, "--lore", f"{server.url}/demo", "--json").document
    assert server.requests == []
    assert without_seconds(second) == without_seconds(first)
    run_cli("review", NEWEST, "--lore", f"{server.url}/demo", "--no-cache")
    assert server.requests


def test_an_old_copy_is_used_when_the_server_fails_and_said(server: FaultyServer) -> None:
    write_config("keep_minutes = 0\n")
    url = f"{server.url}/demo"
    assert labels(run_cli("review", NEWEST, "--lore", url, "--json").document) == LABELS
    server.forget()
    run_cli("review", NEWEST, "--lore", url)
    assert server.requests, "an expired copy was not refreshed"
    server.fail(".*", faults.status(503))
    ran = run_cli("review", NEWEST, "--lore", url, "--json")
    assert labels(ran.document) == LABELS
    assert any("newer mail may be missing" in note for note in ran.document["notes"])
    fresh = run_cli("review", NEWEST, "--lore", url, "--no-cache")
    assert fresh.code == 4


def test_two_servers_share_no_answers(server: FaultyServer, faulty_server: MakeServer) -> None:
    run_cli("review", NEWEST, "--lore", f"{server.url}/demo")
    other = faulty_server()
    other.fail(".*", faults.status(404))
    assert run_cli("review", NEWEST, "--lore", f"{other.url}/demo").code == 4


def test_a_search_that_fails_is_noted(server: FaultyServer) -> None:
    server.fail("x=m", faults.status(500))
    ran = run_cli("review", NEWEST, "--lore", f"{server.url}/demo", "--json")
    assert labels(ran.document) == LABELS  # the links of the covers lead to them
    assert any("a search failed" in note for note in ran.document["notes"])


def test_a_server_that_dies_half_way(
    own_public_inbox: MakeInbox, demo_mboxes: list[Path], faulty_server: MakeServer
) -> None:
    inbox = own_public_inbox("demo", demo_mboxes)
    proxy = faulty_server(inbox.url)

    def die(exchange: faults.Exchange) -> None:
        inbox.stop()
        exchange.send(faults.Answer(502, {}, b""))

    proxy.fail(OLDEST.partition("@")[0], die)
    ran = run_cli("review", NEWEST, "--lore", f"{proxy.url}/demo", "--json")
    assert ran.code == 3
    assert "v3" in labels(ran.document)
    assert any("missing" in note or "failed" in note for note in ran.document["notes"])


def test_a_new_mail_is_seen_with_no_cache(
    own_public_inbox: MakeInbox, demo_mboxes: list[Path]
) -> None:
    wanted = {path.name: path for path in demo_mboxes}
    inbox = own_public_inbox("demo", [wanted["page-protect-v1.mbox"]])
    url = inbox.inbox_url("demo")
    assert labels(run_cli("review", OLDEST, "--lore", url, "--json").document) == ["v1"]
    inbox.add("demo", read_mboxes([wanted["page-protect-v2.mbox"]]))
    url = inbox.inbox_url("demo")
    assert labels(run_cli("review", OLDEST, "--lore", url, "--json").document) == ["v1"]
    ran = run_cli("review", OLDEST, "--lore", url, "--json", "--no-cache")
    assert labels(ran.document) == ["v1", "v2"]


def test_the_choice_of_the_server(server: FaultyServer, tmp_path: Path) -> None:
    """The option, the address of the mail, the environment, the file, b4's own settings."""
    good, bad = f"{server.url}/demo", "http://127.0.0.1:9/bad"
    unset: dict[str, str | None] = {"PATCHBOT_LORE": None}

    def code(*args: str, env: dict[str, str | None]) -> int:
        return run_cli("review", *args, "--no-cache", env=env).code

    assert code(NEWEST, "--lore", good, env={"PATCHBOT_LORE": bad}) == 3
    assert code(f"{good}/{NEWEST}/", env={"PATCHBOT_LORE": bad}) == 3
    assert code(f"{good}/{NEWEST.replace('@', '%40')}/#r", env={"PATCHBOT_LORE": bad}) == 3
    assert code(NEWEST, env={"PATCHBOT_LORE": good}) == 3
    settings = tmp_path / "gitconfig"
    settings.write_text(f'[b4]\n\tmidmask = "{good}/%s"\n')
    b4_only = unset | {"GIT_CONFIG_GLOBAL": str(settings)}
    assert code(NEWEST, env=b4_only) == 3
    write_config(f'lore = "{bad}"\n')
    assert code(NEWEST, env=b4_only) == 4
    write_config(f'lore = "{good}"\n')
    assert code(f"<{NEWEST}>", env=unset) == 3
    assert code(f"id:{NEWEST}", env=unset) == 3


def test_a_fix_is_told_what_it_belongs_on_top_of(server: FaultyServer) -> None:
    """Its Fixes: names a patch by subject; the server knows who sent it."""
    fix = "20260402110500.8888-1-lena@example.com"
    ran = run_cli("review", fix, "--lore", f"{server.url}/demo", "--json")
    (hint,) = [note for note in ran.document["notes"] if "try --on" in note]
    below = hint.rpartition(" ")[2]
    assert below.startswith("20260315191000.3456-")  # v3, whose patch 3 v4 took over
    on = run_cli("review", fix, "--lore", f"{server.url}/demo", "--on", below, "--json")
    assert on.code == 3, on.err


def test_ctrl_c_while_a_server_is_silent(server: FaultyServer) -> None:
    server.fail(".*", faults.slow_first_byte(30.0))
    ran = interrupt_cli("review", NEWEST, "--lore", f"{server.url}/demo", when="looking up")
    assert ran.code == 130
    assert ran.seconds < 2
    assert "stopped" in ran.err


def test_nothing_is_left_in_the_home_folder(server: FaultyServer) -> None:
    home = Path(os.environ["HOME"])
    before = {path for path in home.rglob("*") if "patchbot" not in path.parts}
    run_cli("review", NEWEST, "--lore", f"{server.url}/demo")
    after = {path for path in home.rglob("*") if "patchbot" not in path.parts}
    assert after == before
