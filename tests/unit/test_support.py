"""The test support itself: a fault that no client sees would prove nothing."""

import gzip
import http.client
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zlib
from pathlib import Path

import pytest
import requests

from tests.support import faulty_http, public_inbox, require
from tests.support.git_tree import left_without_trace, run_git, tree_fingerprint
from tests.support.isolation import DEAD_URL, ForbiddenConnection, isolate_environment

PATH = "/list/some@id/t.mbox.gz"
MAILS = [
    b"From: A <a@example.org>\nMessage-Id: <one@example.org>\nSubject: [PATCH] ext4: walnut\n"
    b"Date: Sun, 13 Sep 2020 12:26:40 +0000\n\nFrom here on: body\n>From quoted\n",
    b"From: B <b@example.org>\nMessage-Id: <two@example.org>\nSubject: Re: [PATCH] ext4: walnut\n"
    b"In-Reply-To: <one@example.org>\nDate: Sun, 13 Sep 2020 12:26:41 +0000\n\nReviewed-by: B\n",
]


def write_mbox(path, mails):
    quoted = (re.sub(rb"(?m)^(>*From )", rb">\1", mail) for mail in mails)
    data = b"".join(b"From mboxrd@z Thu Jan  1 00:00:00 1970\n" + mail + b"\n" for mail in quoted)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def get(url, timeout=5):
    with urllib.request.urlopen(url, timeout=timeout) as answer:
        return answer.read()


# --- require


@pytest.mark.parametrize("required", ["all", "no-such-tool", "gcc, no-such-tool"])
def test_require_fails_where_the_tool_is_required(monkeypatch, required):
    monkeypatch.setenv("PATCHBOT_REQUIRE", required)
    with pytest.raises(pytest.fail.Exception, match="no-such-tool is missing: apt-get install"):
        require.require("no-such-tool")


@pytest.mark.parametrize("required", ["", "gcc"])
def test_require_skips_elsewhere(monkeypatch, required):
    monkeypatch.setenv("PATCHBOT_REQUIRE", required)
    with pytest.raises(pytest.skip.Exception, match="no-such-tool"):
        require.require("no-such-tool")


def test_require_names_the_package(monkeypatch):
    monkeypatch.setenv("PATCHBOT_REQUIRE", "all")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(pytest.fail.Exception, match="apt-get install public-inbox "):
        require.require("public-inbox-httpd")


def test_require_returns_the_path():
    assert require.require("git") == Path(shutil.which("git"))


def test_opt_in_data_is_skipped_even_where_all_is_required(monkeypatch, tmp_path):
    monkeypatch.setenv("PATCHBOT_REQUIRE", "all")
    monkeypatch.delenv("PATCHBOT_TEST_LORE", raising=False)
    monkeypatch.delenv("PATCHBOT_TEST_TREE", raising=False)
    monkeypatch.setattr(require, "ROOT", tmp_path / "tree")
    for ask in (require.lore_url, require.kernel_tree, require.shared_lore):
        with pytest.raises(pytest.skip.Exception, match="opt-in"):
            ask()


# --- isolation


def test_every_setting_points_into_the_temporary_folder(isolated):
    for name in ("HOME", "PATCHBOT_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "GIT_CONFIG_GLOBAL"):
        assert Path(os.environ[name]).is_relative_to(isolated), name
    assert Path.cwd() == isolated / "cwd"
    assert Path(tempfile.mkdtemp()).parent == isolated / "tmp"
    assert os.environ["PATCHBOT_LORE"] == DEAD_URL


def test_what_a_test_is_asked_by_reaches_it_and_the_users_settings_do_not(monkeypatch, tmp_path):
    asked = ("KERNEL", "EPOCH", "SIM", "SIM_C", "FACTS", "LORE", "TREE")
    for word in asked:
        monkeypatch.setenv(f"PATCHBOT_TEST_{word}", "asked")
    monkeypatch.setenv("PATCHBOT_CONFIG", "theirs")
    isolate_environment(monkeypatch, tmp_path)
    assert [os.environ[f"PATCHBOT_TEST_{word}"] for word in asked] == ["asked"] * 7
    assert "PATCHBOT_CONFIG" not in os.environ


def test_the_users_identity_does_not_reach_git(isolated):
    done = subprocess.run(["git", "var", "GIT_COMMITTER_IDENT"], capture_output=True, text=True)
    assert done.returncode != 0, done.stdout


@pytest.mark.parametrize(
    "reach",
    [
        lambda: socket.create_connection(("192.0.2.1", 80), timeout=1),
        lambda: socket.getaddrinfo("example.org", 80),
        lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 53)),
        lambda: socket.socket(socket.AF_INET6).connect_ex(("2001:db8::1", 80)),
    ],
    ids=["connect", "lookup", "datagram", "ipv6"],
)
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_other_machines_are_out_of_reach(network_attempts, reach):
    with pytest.raises(ForbiddenConnection):
        reach()
    assert len(network_attempts) == 1
    network_attempts.clear()


def test_a_swallowed_attempt_still_fails_the_test(tmp_path):
    (tmp_path / "test_it.py").write_text(
        "import socket\nfrom tests.conftest import *\n\n"
        "def test_it():\n    try:\n        socket.getaddrinfo('example.org', 80)\n"
        "    except Exception:\n        pass\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull]
    done = subprocess.run(
        [*command, "--rootdir", str(tmp_path), str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(require.ROOT)},
        capture_output=True,
        text=True,
    )
    assert "tried to reach other machines: ['example.org']" in done.stdout, done.stdout
    assert done.returncode == 1


# --- faults


def test_a_healthy_server_hands_on_the_answer(faulty_server):
    server = faulty_server()
    server.fail("t.mbox.gz", faulty_http.answer_with(b"good"))
    assert get(server.url + PATH) == b"good"
    assert [(r.method, r.path) for r in server.requests] == [("GET", PATH)]
    server.forget()
    assert server.requests == []


@pytest.mark.parametrize("code", [404, 500, 503])
def test_status_is_seen(faulty_server, code):
    server = faulty_server()
    server.fail("t.mbox.gz", faulty_http.status(code))
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(server.url + PATH)
    caught.value.close()
    assert caught.value.code == code
    assert requests.get(server.url + PATH, timeout=5).status_code == code


def test_empty_is_seen(faulty_server):
    server = faulty_server()
    server.fail(".", faulty_http.empty())
    assert get(server.url + PATH) == b""


def test_truncated_gzip_is_whole_http_but_broken_gzip(faulty_server):
    server = faulty_server()
    server.fail(".", faulty_http.truncated_gzip())
    data = get(server.url + PATH)
    with pytest.raises(EOFError):
        gzip.decompress(data)
    assert faulty_http.SAMPLE_MBOX.startswith(zlib.decompressobj(31).decompress(data)[:50])


def test_garbage_is_no_gzip(faulty_server):
    server = faulty_server()
    server.fail(".", faulty_http.garbage())
    with pytest.raises(gzip.BadGzipFile):
        gzip.decompress(get(server.url + PATH))


def test_gzip_bomb_inflates_a_hundredfold(faulty_server):
    server = faulty_server()
    server.fail(".", faulty_http.gzip_bomb(8 << 20))
    data = get(server.url + PATH)
    inflated = gzip.decompress(data)
    assert len(inflated) > 8 << 20
    assert len(data) * 100 < len(inflated)
    assert inflated.startswith(b"From mboxrd@z ")


def test_slow_first_byte_runs_into_a_timeout(faulty_server):
    server = faulty_server()
    server.fail(".", faulty_http.slow_first_byte(1.0), times=1)
    with pytest.raises(TimeoutError):
        get(server.url + PATH, timeout=0.2)
    server.fail(".", faulty_http.slow_first_byte(0.3))
    begin = time.monotonic()
    assert gzip.decompress(get(server.url + PATH)) == faulty_http.SAMPLE_MBOX
    assert time.monotonic() - begin >= 0.3


def test_trickle_never_times_out_a_single_read_and_never_ends(faulty_server):
    server = faulty_server()
    server.fail(".", faulty_http.trickle(0.02))
    with urllib.request.urlopen(server.url + PATH, timeout=1) as answer:
        begin = time.monotonic()
        while time.monotonic() - begin < 0.5:
            assert answer.read(1) != b""


def test_connection_closed_half_way_is_seen(faulty_server):
    server = faulty_server()
    server.fail(".", faulty_http.closed_half_way())
    with pytest.raises(http.client.IncompleteRead):
        get(server.url + PATH)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        requests.get(server.url + PATH, timeout=5)


def test_redirect_loop_is_seen(faulty_server):
    server = faulty_server()
    server.fail(".", faulty_http.redirect_loop())
    with pytest.raises(requests.exceptions.TooManyRedirects):
        requests.get(server.url + PATH, timeout=5)


def test_the_newest_rule_wins_and_rules_wear_out(faulty_server):
    server = faulty_server()
    server.fail(".", faulty_http.answer_with(b"old"))
    server.fail("t.mbox", faulty_http.answer_with(b"new"), times=1)
    assert [get(server.url + path) for path in ("/other", PATH, PATH)] == [b"old", b"new", b"old"]
    server.heal()
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(server.url + PATH)
    caught.value.close()


def test_stop_ends_an_answer_under_way():
    with faulty_http.FaultyServer() as server:
        server.fail(".", faulty_http.slow_first_byte(60))
        with pytest.raises(TimeoutError):
            get(server.url + PATH, timeout=0.1)
        begin = time.monotonic()
    assert time.monotonic() - begin < 2


# --- public-inbox


def test_mboxrd_round_trip(tmp_path):
    for name in ("mails.mbox", "mails.mbox.gz"):
        assert public_inbox.read_mboxrd(write_mbox(tmp_path / name, MAILS)) == MAILS


def test_read_mboxes_keeps_each_message_id_once(tmp_path):
    files = [write_mbox(tmp_path / "a.mbox", MAILS), write_mbox(tmp_path / "b.mbox", MAILS[:1])]
    assert public_inbox.read_mboxes(files) == MAILS


def test_public_inbox_serves_threads_and_searches(own_public_inbox, tmp_path):
    server = own_public_inbox("demo", [write_mbox(tmp_path / "a.mbox", MAILS)])
    url = server.inbox_url("demo")
    thread = public_inbox.split_mboxrd(gzip.decompress(get(f"{url}/two@example.org/t.mbox.gz")))
    assert [b"walnut" in mail for mail in thread] == [True, True]
    found = requests.post(f"{url}/", params={"x": "m", "q": "s:walnut"}, data={}, timeout=5)
    assert found.status_code == 200
    assert len(public_inbox.split_mboxrd(gzip.decompress(found.content))) == 2
    missing = requests.post(f"{url}/", params={"x": "m", "q": "s:hazelnut"}, timeout=5)
    assert missing.status_code == 404
    assert requests.get(f"{url}/none@example.org/t.mbox.gz", timeout=5).status_code == 404


def test_public_inbox_grows_and_keeps_its_port_over_a_crash(own_public_inbox, tmp_path):
    server = own_public_inbox("demo", [write_mbox(tmp_path / "a.mbox", MAILS[:1])])
    url = f"{server.inbox_url('demo')}/two@example.org/raw"
    assert requests.get(url, timeout=5).status_code == 404
    server.add("demo", MAILS[1:])
    assert b"Reviewed-by: B" in get(url)
    server.stop()
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(url, timeout=5)
    server.start()
    assert b"Reviewed-by: B" in get(url)


def test_a_server_that_cannot_start_says_so(tmp_path):
    require.require("public-inbox-httpd")
    server = public_inbox.PublicInbox(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server.port = taken.getsockname()[1]
        with pytest.raises(public_inbox.PublicInboxError, match="did not come up"), server:
            pytest.fail("started on a port that is taken")


def test_the_faulty_server_stands_in_front_of_a_real_one(own_public_inbox, faulty_server, tmp_path):
    real = own_public_inbox("demo", [write_mbox(tmp_path / "a.mbox", MAILS)])
    server = faulty_server(real.url)
    url = f"{server.url}/demo/one@example.org/t.mbox.gz"
    whole = get(url)
    assert len(public_inbox.split_mboxrd(gzip.decompress(whole))) == 2
    found = requests.post(f"{server.url}/demo/?x=m&q=s:walnut", data={}, timeout=5)
    assert len(public_inbox.split_mboxrd(gzip.decompress(found.content))) == 2
    server.fail("t.mbox.gz", faulty_http.truncated_gzip())
    assert 0 < len(get(url)) < len(whole)


def test_the_real_threads_can_be_served(lore_inbox):
    url = lore_inbox.inbox_url("linux-ext4")
    data = get(f"{url}/20201006004841.600488-1-mfo@canonical.com/t.mbox.gz")
    assert len(public_inbox.split_mboxrd(gzip.decompress(data))) >= 9


# --- git trees


def test_the_same_files_give_the_same_commit(git_tree):
    files = {"fs/ext4/inode.c": "int x;\n", "raw": b"\0\xff"}
    one, two = git_tree(files, name="one"), git_tree(files, name="two")
    assert run_git(one, "rev-parse", "HEAD") == run_git(two, "rev-parse", "HEAD")
    assert run_git(one, "log", "-1", "--format=%an %cn %at") == (
        "Test Author Test Committer 1600000000"
    )


def change_one_byte_same_time(tree):
    before = (tree / "a.c").stat()
    (tree / "a.c").write_bytes(b"int y;\n")
    os.utime(tree / "a.c", ns=(before.st_atime_ns, before.st_mtime_ns))


TRACES = {
    "one byte": change_one_byte_same_time,
    "mtime": lambda tree: os.utime(tree / "a.c", ns=(1, 1)),
    "mode": lambda tree: (tree / "a.c").chmod(stat.S_IRWXU),
    "new file": lambda tree: (tree / "new").touch(),
    "new folder": lambda tree: (tree / "empty").mkdir(),
    "link": lambda tree: (tree / "link").symlink_to("a.c"),
    "branch": lambda tree: run_git(tree, "branch", "other"),
    "tag": lambda tree: run_git(tree, "tag", "v1"),
    "HEAD": lambda tree: run_git(tree, "symbolic-ref", "HEAD", "refs/heads/unborn"),
    "index": lambda tree: run_git(tree, "update-index", "--assume-unchanged", "a.c"),
    "lock": lambda tree: (tree / ".git" / "index.lock").touch(),
    "config": lambda tree: run_git(tree, "config", "a.b", "c"),
    "hook": lambda tree: (tree / ".git" / "hooks" / "post-commit").write_text("#!/bin/sh\n"),
    "worktree": lambda tree: run_git(tree, "worktree", "add", "--detach", "../wt"),
    "stash": lambda tree: run_git(tree, "stash", "store", run_git(tree, "rev-parse", "HEAD")),
}


@pytest.mark.parametrize("trace", TRACES)
def test_every_trace_is_seen(git_tree, trace):
    tree = git_tree({"a.c": "int x;\n"})
    before = tree_fingerprint(tree)
    assert tree_fingerprint(tree) == before
    with pytest.raises(AssertionError, match="was touched"), left_without_trace(tree):
        TRACES[trace](tree)
    assert tree_fingerprint(tree) != before


def test_patchbots_own_refs_and_objects_are_no_trace(git_tree):
    tree = git_tree({"a.c": "int x;\n"})
    with left_without_trace(tree):
        run_git(tree, "hash-object", "-w", "--stdin", stdin=b"new object")
        run_git(tree, "update-ref", "--create-reflog", "refs/patchbot/demo/v1", "HEAD")
        run_git(tree, "pack-refs", "--all")
