"""The lab on Debian's kernels: what is put in is found, where it was put, and nothing else is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from patchbot.lab.story import load_story
from patchbot.proc import PROCESSES
from tests.support import ROOT
from tests.support.cli import interrupt_cli, run_cli
from tests.support.git_tree import commit_files, left_without_trace, make_git_tree, run_git
from tests.support.kernel_git import kernel_git
from tests.support.require import kernel_build, linux_source
from tests.support.small_ext4 import small_ext4

VERSIONS = ("6.1", "6.12")
STATIC = {
    "v1": {("callback-gated-on-mount-mode", 3)},
    "v2": {("mkwrite-early-return-skips-journal", 2)},
    "v3": {("range-start-not-page-offset", 2)},
    "v4": {("include-missing", 3)},
    "v5": set(),
}
"""What the static stage calls introduced, by rule and patch. That a commit protects nothing (v1's
second patch) is no rule's business: a kernel has to be run for it."""


@pytest.fixture(autouse=True)
def fresh_processes() -> Iterator[None]:
    yield
    PROCESSES.reset()


def clone(version: str, folder: Path) -> Path:
    """A repository of a version that may be written to."""
    tree = folder / "tree.git"
    run_git(folder, "clone", "-q", "--bare", "--shared", str(kernel_git(version)), str(tree))
    return tree


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return make_git_tree(tmp_path / "small", {"Makefile": "all:\n", **small_ext4("page")})


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_every_fault_is_found_and_nothing_else(version: str, tmp_path: Path) -> None:
    tree = clone(version, tmp_path)
    ran = run_cli(
        "lab", "--tree", tree, "--review", "--stages", "apply,static", "--json", timeout=600
    )
    assert ran.code == 0, ran.err
    revisions = {each["label"]: each for each in ran.document["revisions"]}
    assert list(revisions) == list(STATIC)
    for label, revision in revisions.items():
        assert revision["base"]["how"] == "its base-commit trailer"
        stages = revision["stages"]
        assert stages["apply"]["status"] == "pass"
        news = [f for f in stages["static"]["findings"] if f["change"] == "introduced"]
        assert {(f["rule"], f["patch"]) for f in news} == STATIC[label]
        wanted = ("fail", "needs work") if STATIC[label] else ("pass", "accept")
        assert (stages["static"]["status"], revision["verdict"]["status"]) == wanted


@pytest.mark.parametrize("version", VERSIONS)
def test_the_right_revision_only_moves_code(version: str, tmp_path: Path) -> None:
    """The object code is not compared: what is moved is seen in the lines that are new."""
    tree = clone(version, tmp_path)
    document = run_cli("lab", "--tree", tree, "--json", "--out", tmp_path / "out").document
    mbox = Path(document["revisions"][-1]["mbox"]).read_text()
    new = [x[1:].strip() for x in mbox.split("\n") if x[:1] == "+" and x[:3] != "+++"]
    old = [x[1:].strip() for x in mbox.split("\n") if x[:1] == "-" and x[:3] not in ("---", "-- ")]
    kind = "page" if version == "6.1" else "folio"
    assert any(f"ext4_protect_{kind}(handle, inode, {kind}, len)" in line for line in new)
    listed = "ext4_jbd2_inode_add_write(handle, inode"
    assert sum(listed in line for line in new) == 1
    assert sum(listed in line for line in old) == {"6.1": 2, "6.12": 1}[version]
    assert run_git(tree, "for-each-ref", "refs/patchbot") == ""


@contextmanager
def served(tree: Path, *args: str) -> Iterator[tuple[Any, subprocess.Popen[str]]]:
    """A lab that is served, as its document, and its process."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "kernel-sim")])
    process = subprocess.Popen(
        [sys.executable, "-m", "patchbot", "lab", "--tree", str(tree), "--serve", *args],
        env=os.environ | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        text = ""
        while not text.endswith("\n}\n"):
            line = process.stdout.readline()
            assert line, process.communicate()
            text += line
        yield json.loads(text), process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_ctrl_c_ends_the_server_cleanly(small: Path) -> None:
    with left_without_trace(small), served(small, "--json") as (document, process):
        newest = document["revisions"][-1]["message_id"]
        ran = run_cli("review", newest, "--lore", document["url"], "--json")
        assert [r["label"] for r in ran.document["revisions"]] == list(STATIC)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert (process.returncode, out) == (0, "")
        assert [line for line in err.splitlines() if not line.startswith("writing patches")] == []
    assert run_cli("review", newest, "--lore", document["url"], "--no-cache").code == 4


def test_b4_takes_every_revision_and_finds_the_newest(small: Path, tmp_path: Path) -> None:
    with served(small, "--json") as (document, _):
        for row in document["revisions"]:
            got = b4(small, document["url"], "am", "-o", "-", row["message_id"])
            assert got.count(b"\ndiff --git ") >= 2
            work = tmp_path / row["label"]
            run_git(tmp_path, "clone", "-q", str(small), str(work))
            run_git(work, "am", "-q", stdin=got)
        first = document["revisions"][0]["message_id"]
        got = b4(small, document["url"], "am", "-c", "-o", "-", first)
        assert got.count(b"\nSubject: [PATCH v5 ") == 2


def b4(tree: Path, url: str, *args: str) -> bytes:
    """What b4's own command prints, with nothing but this server to ask."""
    code = "import sys, b4.command; sys.argv[0] = 'b4'; b4.command.cmd()"
    where = ["-c", f"b4.midmask={url}/%s", "-c", f"b4.searchmask={url}/?x=m&t=1&q=%s"]
    done = subprocess.run(
        [sys.executable, "-c", code, "-n", *where, *args], cwd=tree, capture_output=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_the_files_can_be_reviewed_without_a_server(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    document = run_cli("lab", "--tree", small, "--out", out, "--json").document
    boxes = [row["mbox"] for row in document["revisions"]]
    assert all(Path(each).is_relative_to(out) for each in boxes)
    stages = ("--stages", "apply", "--json")
    ran = run_cli("review", *boxes, "--tree", small, *stages)
    assert [r["stages"]["apply"]["status"] for r in ran.document["revisions"]] == ["pass"] * 5
    before = [Path(each).read_bytes() for each in boxes]
    text = run_cli("lab", "--tree", small, "--out", out).out
    assert [Path(each).read_bytes() for each in boxes] == before
    assert f"patchbot review {document['revisions'][-1]['message_id']} {boxes[0]}" in text


def test_the_score_names_what_was_put_in_and_who_found_it(small: Path) -> None:
    ran = run_cli("lab", "--tree", small, "--review", "--stages", "apply", "--plain")
    assert ran.code == 0, ran.err
    score = ran.out.partition("What was put in, and what found it\n")[2]
    for revision in load_story().revisions:
        assert f"  {revision.label}: accept\n" in score
        for number, what in revision.faults.items():
            assert f"patch {number}: {what}\n" in score
    assert score.count("found by nothing") == 5


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["--review", "--serve"], 2, "by itself"),
        (["--stages", "apply"], 2, "goes with --review"),
        (["--source", "x.tar.xz"], 2, "two trees"),
        (["--base", "nonsense"], 2, "no commit 'nonsense'"),
        (["--base", "HEAD~1"], 4, "no call that puts a page's range"),
        (["--review", "--stages", "paint"], 2, "no stage 'paint'"),
    ],
)
def test_what_can_not_be_done(args: list[str], code: int, words: str, small: Path) -> None:
    poor = small_ext4("page")
    poor["fs/ext4/inode.c"] = poor["fs/ext4/inode.c"].replace(b"page_offset(page)", b"0")
    commit_files(small, poor, "before\n")
    commit_files(small, small_ext4("page"), "after\n")
    ran = run_cli("lab", "--tree", small, *args)
    assert ran.code == code
    assert words in ran.err
    assert ran.out == ""


def test_no_tree_says_how_to_get_one(tmp_path: Path) -> None:
    ran = run_cli("lab", cwd=tmp_path)
    assert (ran.code, "no kernel tree" in ran.failure, "--source" in ran.hint) == (2, True, True)


def test_an_import_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    into = tmp_path / "deep" / "tree.git"
    ran = interrupt_cli("tree", "import", linux_source("6.1"), into, when="reading ")
    assert ran.code == 130
    assert list(into.parent.iterdir()) == []


@pytest.mark.slow
def test_all_stages_on_a_real_kernel(tmp_path: Path) -> None:
    kernel_build()
    ran = run_cli("lab", "--source", linux_source("6.1"), "--review", "--json", timeout=7200)
    assert ran.code == 0, ran.err
    found = {each["label"]: each for each in ran.document["revisions"]}
    verdicts = {label: each["verdict"]["status"] for label, each in found.items()}
    assert verdicts == dict.fromkeys(("v1", "v2", "v3", "v4"), "needs work") | {"v5": "accept"}
    assert found["v4"]["stages"]["build"]["status"] == "fail"
