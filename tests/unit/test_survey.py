"""The survey of merged series: what counts as merged, as fixed, and a run on a made tree."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from patchbot.errors import TreeError
from patchbot.mail.thread import Mails
from patchbot.model import Mail, Status
from tests.support.git_tree import left_without_trace, make_git_tree
from tests.support.mailmaker import mail, patch, patch_body, post, reply
from tests.support.walnut import function, plant
from tools.survey.archive import Candidate, Window, find_candidates
from tools.survey.check import Tree, open_named
from tools.survey.evidence import (
    Evidence,
    find_share,
    is_taken,
    judge_candidate,
    read_citations,
)
from tools.survey.render import Result, render_json, render_table
from tools.survey.run import (
    FIXED,
    NEVER_FIXED,
    NOT_MERGED,
    Surveyed,
    read_judged,
    run_survey,
)

MARCH = Window(date(2021, 3, 1), date(2021, 3, 31))
PATH = "fs/walnut/file.c"
CRACK = "[PATCH] walnut: crack it open"


@pytest.mark.parametrize(
    ("words", "taken"),
    [
        ("Thanks, applied.", True),
        ("Applied, thanks.   (And apologies for the delay.)", True),
        ("Thanks. I've added the patch to my tree.", True),
        ("All now queued up, thanks!", True),
        ("All applied to walnut.git#master for 5.10.", True),
        ("out; I've applied it.", True),
        ("Thanks, this has been applied.", True),
        ("> Thanks, applied.", False),
        ("Thanks, if applied it would break.", False),
        ("I have applied your patch on top of mine, and it boots.", False),
        ("Can this be applied? Thanks", False),
        ("is it still queued up?", False),
        ("applied recursively, which has not changed", False),
        ("It wasn't in the queue which I queued up.", False),
    ],
)
def test_an_answer_that_it_is_applied(words: str, taken: bool) -> None:
    assert is_taken(f"On Monday, Ada wrote:\n> nuts\n{words}\n\n- Bob\n") is taken


def judge(*mails: Mail, newer: Path | None = None) -> Evidence:
    known = Mails(mails)
    candidate = next(find_candidates(known, MARCH))
    return judge_candidate(candidate, known, read_citations(known), newer)


ONE = patch(CRACK, "one", "int a;")


def test_merged_by_an_answer() -> None:
    assert judge(ONE) == Evidence((), ())
    assert judge(ONE, reply(ONE, "yes", "Applied, thanks.\n")).merged


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("hazel: tidy", 'Since commit 0123456789ab ("walnut: crack it open") it is open.\n'),
        ("[PATCH 5.9 7/9] walnut: crack it open", "commit 0123456789abcdef upstream.\n"),
        ("[GIT PULL] nuts for 5.10", "Ada Walnut (1):\n      walnut: crack it open\n"),
    ],
)
def test_merged_by_what_later_mails_call_a_commit(subject: str, body: str) -> None:
    assert judge(ONE, mail(subject, "later", body=body, day=9)).merged
    assert not judge(ONE, mail(subject, "before", body=body, day=-9)).merged


@pytest.mark.parametrize(
    "body",
    [
        'Fixes: 0123456789ab ("walnut: crack it open")\n',
        'Fixes: 0123456789ab ("walnut: crack\n it open")\n',
        "Fixes: 0123456789ab\n",
        "This reverts commit 0123456789abcdef.\n",
    ],
)
def test_fixed_later(body: str) -> None:
    """A tag without a title means the commit that another mail gives the title of."""
    cites = mail("pear", "cites", body='As 0123456789abcd ("walnut: crack it open") has.\n', day=2)
    fix = mail("[PATCH] walnut: close it again", "fix", body=body, day=9)
    assert judge(ONE, cites, fix).fixed_by == ("walnut: close it again",)
    assert judge(ONE, cites).fixed_by == ()


def test_a_series_does_not_fix_itself() -> None:
    own = 'Fixes: 0123456789ab ("walnut: crack it open")\n'
    second = patch("[PATCH v2] walnut: crack it open", "two", "int b;", day=3, message=own)
    assert judge(ONE, second).fixed_by == ()


def test_how_much_stands_in_newer_sources(tmp_path: Path) -> None:
    (candidate,) = find_candidates(Mails([patch(CRACK, "one", "int some_walnut;")]), MARCH)
    source = tmp_path / PATH
    source.parent.mkdir(parents=True)
    source.write_text("int f(void)\n{\n\tint some_walnut;\n}\n")
    assert find_share(candidate.revision.patches, tmp_path) == 1
    source.write_text("int f(void)\n{\n}\n")
    assert find_share(candidate.revision.patches, tmp_path) == 0
    (short,) = find_candidates(Mails([ONE]), MARCH)
    assert find_share(short.revision.patches, tmp_path) is None


def test_the_last_whole_revision_of_the_window() -> None:
    mails = Mails([*post(1), *post(2, day=20), *post(3, day=60)])
    (candidate,) = find_candidates(mails, MARCH)
    assert (candidate.revision.label, candidate.superseded) == ("v2", True)
    gap = Mails([*post(1), *post(2, day=20)[:-1]])
    assert list(find_candidates(gap, MARCH)) == []
    rst = mail("[PATCH] walnut: say it", "rst", body=patch_body("words", path="walnut.rst"))
    assert list(find_candidates(Mails([rst]), MARCH)) == []


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    plant(monkeypatch)
    text = function("f", "pick();") + function("g", "eat();")
    return open_named(str(make_git_tree(tmp_path / "linux", {"fs/a.c": text})))


def change(line: str, path: str = "fs/a.c") -> str:
    """A patch mail's body that adds a line to f() of the tree."""
    return (
        f"Say why.\n\nSigned-off-by: Ada Walnut <ada@example.org>\n---\n"
        f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n"
        f"@@ -2,3 +2,4 @@\n {{\n \tpick();\n+\t{line}\n }}\n"
    )


GOOD = mail("[PATCH] almond: pick more", "good", body=change("pick_more();"))
BAD = mail("[PATCH] almond: a nut too many", "bad", body=change("WALNUT();"))
MENDED = mail("[PATCH] almond: look closer", "mended", body=change("PECAN();"))
OTHER = mail("[PATCH] almond: elsewhere", "other", body=change("pick();", "fs/none.c"))
MAILS = [
    GOOD, BAD, MENDED, OTHER,
    reply(GOOD, "good-re", "Thanks, applied.\n"), reply(MENDED, "mended-re", "Thanks, applied.\n"),
    mail("[PATCH] pear", "pear", day=40, body='Fixes: 0123456789ab ("almond: look closer")\n'),
]  # fmt: skip
KNOWN = """
[[finding]]
subject = "almond: a nut too many"
trees = ["{tree}"]
rule = "walnut"
function = "f"
judgement = "true"
reason = "A walnut stands there."
"""


def survey(tree: Tree, folder: Path, known: str = "") -> Result:
    each = list(run_survey(Mails(MAILS), MARCH, [tree], folder / "survey"))
    path = folder / "known.toml"
    path.write_text(known)
    surveyed = [one for one in each if isinstance(one, Surveyed)]
    return Result(surveyed, [x for x in each if isinstance(x, Candidate)], read_judged(path))


def test_a_whole_survey(tree: Tree, tmp_path: Path) -> None:
    with left_without_trace(tmp_path / "linux"):
        result = survey(tree, tmp_path)
    found = {x.title: (x.group, [o.status for o in x.outcomes]) for x in result.surveyed}
    assert found == {
        "almond: pick more": (NEVER_FIXED, [Status.PASS]),
        "almond: a nut too many": (NOT_MERGED, [Status.FAIL]),
        "almond: look closer": (FIXED, [Status.WARN]),
    }
    assert [x.revision.title for x in result.others] == ["almond: elsewhere"]


def test_what_was_judged(tree: Tree, tmp_path: Path) -> None:
    result = survey(tree, tmp_path, KNOWN.format(tree=tree.name))
    assert result.unjudged() == [("almond: look closer", tree.name, "walnut", "f")]
    text = render_table(result)
    assert "judged true: A walnut stands there." in text
    assert f"{NOT_MERGED}: 1 series, 1 patches; 1 checks: 1 fail; findings: 1 error (true)" in text
    (bad,) = [x for x in render_json(result)["series"] if x["group"] == NOT_MERGED]
    (finding,) = bad["trees"][0]["findings"]
    assert (finding["line"], finding["patch"], finding["judgement"]) == (4, 1, "true")


def test_ctrl_c_leaves_the_tree_as_it_was(tree: Tree, tmp_path: Path) -> None:
    def stop(text: str) -> None:
        if "patch 1" in text:
            raise KeyboardInterrupt

    with left_without_trace(tmp_path / "linux"), pytest.raises(KeyboardInterrupt):
        list(run_survey(Mails(MAILS), MARCH, [tree], tmp_path / "survey", say=stop))


def test_a_tree_is_named_by_its_makefile(tmp_path: Path) -> None:
    makefile = "# nuts\nVERSION = 5\nPATCHLEVEL = 9\nSUBLEVEL = 1\nEXTRAVERSION =\n"
    named = make_git_tree(tmp_path / "named", {"Makefile": makefile})
    assert open_named(str(named)).name == "v5.9.1"
    assert open_named(f"{named}=HEAD").name == "v5.9.1"
    with pytest.raises(TreeError, match="no commit v1"):
        open_named(f"{named}=v1")
