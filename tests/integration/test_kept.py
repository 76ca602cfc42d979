"""What is kept of a review and used again: its mails, its other revisions, and their comparison."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from patchbot.cli import main
from patchbot.demo import find_mbox, make_base_repository
from patchbot.diagnostics import ExitCode
from patchbot.settings import read_settings
from patchbot.stages.registry import STAGES
from patchbot.store import Store
from tests.support.git_tree import run_git
from tests.support.schema import check_review

V3 = str(find_mbox("page-protect-v3.mbox"))
COVER = "20260315191000.3456-1-mira@example.org"
QUICK = ("--stages", "apply,static", "--json")
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def tree(tmp_path: Path) -> str:
    make_base_repository(tmp_path / "tree")
    return str(tmp_path / "tree")


def run(capsys: Captured, *args: str) -> tuple[int, Any, str]:
    """Run patchbot: exit code, document (None without one), standard error."""
    code = main(args)
    told = capsys.readouterr()
    return code, json.loads(told.out) if told.out.startswith("{") else None, told.err


def kept_document(capsys: Captured) -> Any:
    code, document, _ = run(capsys, "show", COVER, "--json")
    assert code == 0
    assert check_review(document) == []
    return document


def stages(document: Any) -> dict[str, list[str]]:
    return {each["label"]: list(each["stages"]) for each in document["revisions"]}


def test_a_review_on_kept_mails_is_the_same_review(tree: str, capsys: Captured) -> None:
    where = ("--tree", tree, *QUICK)
    code, first, _ = run(capsys, "review", V3, *where)
    again = run(capsys, "review", COVER, "--stored", *where)
    repeat = again[1]["revisions"][0]["stages"]["static"]["repeat"]
    assert repeat.endswith(" --stored --revision 3 --no-cache")
    for document in (first, again[1]):
        for revision in document["revisions"]:
            for result in revision["stages"].values():
                result["repeat"] = ""  # the first one names the file
    notes = [document.pop("notes") for document in (first, again[1])]
    assert (code, first) == again[:2]
    assert notes[0] == notes[1]


def test_a_part_is_laid_over_what_is_kept(tree: str, capsys: Captured) -> None:
    run(capsys, "review", V3, "--tree", tree, *QUICK)
    both = {"v3": ["apply", "static"], "v4": ["apply", "static"]}
    assert stages(kept_document(capsys)) == both
    part = ("review", COVER, "--stored", "--tree", tree, "--revision", "4", "--stages", "apply")
    code, document, _ = run(capsys, *part, "--merge", "--json")
    assert (code, stages(document)) == (ExitCode.ACCEPT, {"v4": ["apply"]})
    assert stages(kept_document(capsys)) == both
    assert kept_document(capsys)["revisions"][-1]["verdict"]["status"] == "needs work"
    run(capsys, *part, "--json")
    assert stages(kept_document(capsys)) == {"v4": ["apply"]}


def test_several_revisions_are_named(tree: str, capsys: Captured) -> None:
    where = ("--tree", tree, "--stages", "apply", "--json")
    _, document, _ = run(capsys, "review", V3, "--revision", "v4,3", *where)
    assert stages(document) == {"v3": ["apply"], "v4": ["apply"]}
    code, _, err = run(capsys, "review", V3, "--revision", "3,9", *where)
    assert (code, "there is no revision '9'" in err) == (ExitCode.USAGE, True)


def test_a_branch_is_told_to_programs(
    tree: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = {name: STAGES[name] for name in ("apply", "static")}
    monkeypatch.setattr("patchbot.review.STAGES", quick)
    run(capsys, "review", V3, "--tree", tree, *QUICK)
    counted = str(find_mbox("dirty-count-v2.mbox"))
    asked = ("--tree", tree, "--test", "--branch", "good", "--json", "--events")
    code, _, err = run(capsys, "apply", counted, *asked)
    assert (code, json.loads(err.splitlines()[-1])["text"]) == (0, "branch good made")
    code, _, err = run(capsys, "apply", counted, *asked)
    assert (code, "the branch good exists already" in err) == (ExitCode.COULD_NOT_RUN, True)
    assert '"event": "started"' not in err
    again = ("apply", COVER, "--stored", "--merge", "--tree", tree, "--test", "--branch", "b/ad")
    code, _, err = run(capsys, *again, "--json", "--events")
    said = {"event": "warn", "text": "no branch b/ad: the verdict is needs work"}
    assert (code, json.loads(err.splitlines()[-1])) == (ExitCode.NEEDS_WORK, said)
    assert run_git(Path(tree), "branch", "--list", "b/ad") == ""
    assert list(stages(kept_document(capsys))) == ["v3", "v4"]


def test_the_thread_of_a_review(tree: str, capsys: Captured) -> None:
    run(capsys, "review", V3, "--tree", tree, *QUICK)
    code, document, _ = run(capsys, "thread", COVER, "--json")
    assert (code, document["schema"]) == (0, "patchbot.thread/1")
    patches = [(mail["revision"], mail["patch"]) for mail in document["mails"] if mail["revision"]]
    assert patches == [("v3", 0), ("v3", 1), ("v3", 2), ("v4", 2), ("v3", 3)]
    assert main(["thread", f"<{COVER}>"]) == ExitCode.ACCEPT
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(document["mails"]) == 9
    assert lines[0].startswith("2026-03-15 Mira Olsen       [PATCH v3 0/3] ext4: keep")
    assert lines[1].startswith("2026-03-15 Mira Olsen       └ [PATCH v3 1/3] jbd2: let")


def test_two_revisions_are_compared(tree: str, capsys: Captured) -> None:
    run(capsys, "review", V3, "--tree", tree, *QUICK)
    code, document, _ = run(capsys, "compare", COVER, "--json")
    assert (code, document["schema"]) == (0, "patchbot.compare/1")
    assert (document["from"], document["to"]) == ("v3", "v4")
    assert [line[:1] for line in document["range_diff"]["text"].splitlines()[:2]] == ["1", "2"]
    counts = {kind: len(found) for kind, found in document["findings"].items()}
    assert counts["gone"] == 1
    assert counts["new"] == counts["unknown"] == 0
    assert main(["compare", COVER, "4", "3"]) == ExitCode.ACCEPT
    assert "new in v3: 1" in capsys.readouterr().out
    assert main(["compare", COVER, "v3", "v8"]) == ExitCode.USAGE
    assert "there are: v3, v4" in capsys.readouterr().err


def test_what_is_not_kept_is_said(tree: str, capsys: Captured) -> None:
    for command in (["thread"], ["compare"], ["review", "--stored"], ["apply", "--stored"]):
        argv = [command[0], "gone@example.org", *command[1:]]
        argv += ["--tree", tree] if "--stored" in argv else []
        assert main(argv) == ExitCode.COULD_NOT_RUN
        assert "patchbot review gone@example.org" in capsys.readouterr().err
    assert main(["review", V3, "--stored", "--tree", tree]) == ExitCode.USAGE
    assert "--stored wants one message-id" in capsys.readouterr().err


def test_a_review_that_an_older_patchbot_kept_has_no_mails(tree: str, capsys: Captured) -> None:
    _, document, _ = run(capsys, "review", V3, "--tree", tree, *QUICK)
    store = Store(read_settings().home)
    with store._transaction() as db:
        db.execute("DELETE FROM threads")
    store.save_review(document["series"]["slug"], document)
    store.close()
    assert main(["thread", COVER]) == ExitCode.COULD_NOT_RUN
    assert "the mails of this review were not kept" in capsys.readouterr().err
    assert main(["review", COVER, "--stored", "--tree", tree]) == ExitCode.COULD_NOT_RUN
    assert "no mails are kept" in capsys.readouterr().err


def test_what_was_found_of_signatures_stays(tree: str, capsys: Captured) -> None:
    _, document, _ = run(capsys, "review", V3, "--tree", tree, *QUICK)
    signed = {"status": "signed", "identity": "mira@example.org", "reason": "DKIM"}
    document["revisions"][0]["patches"][1]["attestation"] = signed
    store = Store(read_settings().home)
    store.save_review(document["series"]["slug"], document)
    store.close()
    _, again, _ = run(capsys, "review", COVER, "--stored", "--tree", tree, *QUICK)
    found = [patch["attestation"]["status"] for patch in again["revisions"][0]["patches"]]
    assert found == ["none", "signed", "none"]


def test_what_was_asked_for_is_kept(tree: str, capsys: Captured) -> None:
    plain = run(capsys, "review", V3, "--tree", tree, *QUICK)[1]
    assert plain["asked"] == {"base": None, "on": None, "lore": None}
    asked = run(capsys, "review", V3, "--tree", tree, "--base", "main", *QUICK)[1]
    assert asked["asked"] == {"base": "main", "on": None, "lore": None}
