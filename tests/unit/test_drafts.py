"""Drafts: written before the editor opens, never written over, found again; and saved reports."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from patchbot.drafts import edit_draft, find_draft, list_drafts, write_draft
from patchbot.errors import PatchbotError, StoreError, UsageError
from patchbot.report.document import render_document
from patchbot.report.saving import save_report
from patchbot.report.text import render_text
from tests.support.fakes import make_review

FACTS = {"slug": "nut", "message_id": "p1@example.org", "subject": "[PATCH] nut"}


def test_a_second_finding_is_added_below_what_was_typed(tmp_path: Path) -> None:
    path = find_draft(tmp_path, "p1@example.org")
    assert write_draft(path, FACTS, "whole\n", "one\n", "first")
    path.write_text(path.read_text() + "typed\n")
    assert not write_draft(path, FACTS, "whole\n", "one\n", "first")
    assert path.read_text() == "whole\ntyped\n"
    assert write_draft(path, FACTS, "whole\n", "two \ud800\n", "second")
    assert path.read_text() == "whole\ntyped\n\ntwo \\ud800\n"
    assert not write_draft(path, FACTS, "whole\n", "two\n", "second")
    path.unlink()
    assert write_draft(path, FACTS, "whole again\n", "two\n", "second")
    assert path.read_text() == "whole again\n"


def test_a_draft_whose_facts_are_lost_keeps_its_text(tmp_path: Path) -> None:
    path = find_draft(tmp_path, "p1@example.org")
    write_draft(path, FACTS, "whole\n", "", "first")
    path.with_suffix(".json").write_text("[broken")
    (draft,) = list_drafts(tmp_path)
    assert (draft.slug, draft.subject) == ("", path.name)
    write_draft(path, FACTS, "other\n", "again\n", "first")
    assert path.read_text() == "whole\n\nagain\n"


def test_drafts_are_listed_newest_first(tmp_path: Path) -> None:
    for number, name in enumerate(("old", "new")):
        path = find_draft(tmp_path, f"../../{name}@example.org")
        write_draft(path, {**FACTS, "subject": name}, "", "", "")
        os.utime(path, (number, number))
        assert path.resolve().is_relative_to(tmp_path / "drafts")
    assert [each.subject for each in list_drafts(tmp_path)] == ["new", "old"]
    assert list_drafts(tmp_path / "none") == []


def test_a_folder_that_can_not_be_written_to_is_said(tmp_path: Path) -> None:
    (tmp_path / "drafts").write_text("in the way")
    with pytest.raises(StoreError, match="drafts"):
        write_draft(find_draft(tmp_path, "p1@example.org"), FACTS, "", "", "")


def test_the_editor_is_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a draft"
    path.write_text("whole\n")
    editor = tmp_path / "my editor"
    editor.write_text('#!/bin/sh\nprintf "%s\\n" "$1" >> "$2"\nexit ${CODE:-0}\n')
    editor.chmod(0o755)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", f"'{editor}' -w")
    edit_draft(path)
    assert path.read_text() == "whole\n-w\n"
    monkeypatch.setenv("CODE", "3")
    with pytest.raises(PatchbotError, match="ended with code 3") as caught:
        edit_draft(path)
    assert str(path) in caught.value.hint
    for broken, words in (("'", "EDITOR"), ("/nowhere/vi", "not installed")):
        monkeypatch.setenv("VISUAL", broken)
        with pytest.raises(PatchbotError, match=words):
            edit_draft(path)


def test_a_report_is_saved_as_text_or_as_the_document(tmp_path: Path) -> None:
    document = render_document(make_review())
    assert save_report(str(tmp_path / "r.txt"), document).read_text() == render_text(document)
    assert json.loads(save_report(str(tmp_path / "r.json"), document).read_text()) == document


@pytest.mark.parametrize(
    ("name", "words"), [("", "no name"), ("r.txt", "there already"), ("no/r.txt", "no such folder")]
)
def test_a_report_is_never_written_over(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "r.txt").write_text("mine")
    with pytest.raises(UsageError, match=words):
        save_report(str(tmp_path / name) if name else name, render_document(make_review()))
    assert (tmp_path / "r.txt").read_text() == "mine"
