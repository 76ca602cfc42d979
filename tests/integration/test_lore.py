"""The real threads of ../shared/lore, served by a real public-inbox; opt-in with a kernel tree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import run_cli
from tests.support.git_tree import run_git
from tests.support.public_inbox import PublicInbox
from tests.support.require import kernel_tree, lore_url, shared_lore
from tests.support.schema import check_review

V5 = "20201006004841.600488-1-mfo@canonical.com"
V2 = "20200810010210.3305322-1-mfo@canonical.com"
FIX = "20201027132751.29858-1-jack@suse.cz"
FIRST = "20200423233705.5878-1-mfo@canonical.com"
COUNTS = {"v2": 5, "v3": 3, "v4": 4, "v5": 4}
STARTS = {
    "v5's cover": V5,
    "RFC v2's cover": V2,
    "a patch of v3": "20200910193127.276214-3-mfo@canonical.com",
    "a reply to v2's third patch": "20200821102625.GB3432@quack2.suse.cz",
    "a reply to v4's cover": "20201002083929.GB17963@quack2.suse.cz",
    "a reply to v5's last patch": "20201009021050.GH235506@mit.edu",
    "v2's test program": "20200810010210.3305322-8-mfo@canonical.com",
}
JAN = "Jan Kara <jack@suse.cz>"
ANDREAS = "Andreas Dilger <adilger@dilger.ca>"
REVIEWED = {
    ("v3", 1, JAN), ("v3", 2, JAN), ("v4", 1, ANDREAS), ("v4", 2, ANDREAS), ("v4", 3, ANDREAS),
    ("v4", 3, JAN), ("v4", 4, JAN),
}  # fmt: skip
"""Who wrote Reviewed-by in reply to which patch, read from the mails by hand."""


def counts(document: dict[str, Any]) -> dict[str, int]:
    return {r["label"]: len(r["patches"]) for r in document["revisions"]}


@pytest.mark.parametrize("start", STARTS.values(), ids=list(STARTS))
def test_all_revisions_from_any_mail(start: str, lore_inbox: PublicInbox) -> None:
    url = lore_inbox.inbox_url("linux-ext4")
    document = run_cli("review", start, "--lore", url, "--json").document
    assert counts(document) == COUNTS
    assert document["series"]["absent"] == [FIRST]
    assert check_review(document) == []


def test_all_revisions_from_the_files() -> None:
    document = run_cli("review", *shared_lore(), V5, "--json").document
    assert counts(document) == COUNTS
    unnamed = run_cli("review", *shared_lore(), "--json").document
    assert any(counts(unnamed) == wanted for wanted in (COUNTS, {"v1": 1}))
    assert any("the mails also hold" in note for note in unnamed["notes"])


def test_what_was_told_apart(lore_inbox: PublicInbox) -> None:
    url = lore_inbox.inbox_url("linux-ext4")
    document = run_cli("review", V2, "--lore", url, "--json").document
    extras = [e["subject"] for e in document["revisions"][0]["extras"]]
    assert sorted(extras) == ["[RFC PATCH v2/SETUP SCRIPT]", "[RFC PATCH v2/TEST CASE]"]
    found = {
        (r["label"], t["patch"], t["value"])
        for r in document["revisions"]
        for t in r["trailers"]
        if t["name"] == "Reviewed-by" and not t["carried_from"]
    }
    assert found == REVIEWED
    assert [r["rfc"] for r in document["revisions"]] == [True, True, True, False]


def test_the_fix_is_a_series_of_its_own(lore_inbox: PublicInbox) -> None:
    url = lore_inbox.inbox_url("linux-ext4")
    document = run_cli("review", FIX, "--lore", url, "--json").document
    assert counts(document) == {"v1": 1}
    report = "20201030114737.GC3251003@mwanda"
    ran = run_cli("review", report, "--lore", url)
    assert (ran.code, "no patch" in ran.failure) == (4, True)


@pytest.mark.network
@pytest.mark.parametrize("start", [FIRST, V2, V5])
def test_a_whole_archive_has_the_first_revision_too(start: str) -> None:
    document = run_cli("review", start, "--lore", lore_url(), "--json").document
    assert counts(document) == {"v1": 11} | COUNTS
    assert document["series"]["absent"] == []


@pytest.fixture
def linux() -> Path:
    return kernel_tree()


def refs(tree: Path) -> set[str]:
    return set(run_git(tree, "for-each-ref", "--format=%(refname)", "refs/patchbot").split())


def _base_of(linux: Path) -> str:
    """The newest commit that has the files v5 was made for."""
    for name in ("v5.9.1", "v5.9", *run_git(linux, "rev-list", "--max-parents=0", "HEAD").split()):
        try:
            return run_git(linux, "rev-parse", "--verify", f"{name}^{{commit}}")
        except AssertionError:
            continue
    raise AssertionError("PATCHBOT_TEST_TREE has neither v5.9.1 nor a root commit")


def test_all_apply_to_the_kernel_and_the_fix_on_top(lore_inbox: PublicInbox, linux: Path) -> None:
    url, base = lore_inbox.inbox_url("linux-ext4"), _base_of(linux)
    before = refs(linux)
    try:
        where = ("--lore", url, "--tree", linux, "--json", "--stages", "apply")
        ran = run_cli("review", V5, *where, "--base", base)
        assert ran.code == 0, ran.err
        results = {r["label"]: r["stages"]["apply"] for r in ran.document["revisions"]}
        assert {label: r["status"] for label, r in results.items()} == dict.fromkeys(COUNTS, "pass")
        assert {k: len(r["data"]["commits"]) for k, r in results.items()} == COUNTS
        on = run_cli("review", FIX, *where, "--on", V5, "--base", base)
        (fix,) = on.document["revisions"]
        assert (on.code, fix["stages"]["apply"]["status"]) == (0, "pass")
        assert fix["base"]["commit"] == results["v5"]["data"]["commits"][-1]
        assert "on top of v5" in fix["base"]["how"]
        alone = run_cli("review", FIX, *where, "--base", base)
        assert alone.code == 1, "without v5 the fix has nothing to fix"
    finally:
        for ref in refs(linux) - before:
            run_git(linux, "update-ref", "-d", ref)
