"""What `patchbot check` makes of words on its command line, and when it speaks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from patchbot_checks import RULES

from patchbot import check
from patchbot.check import Patiently, explain, explanations, find_rules, split_revision
from patchbot.errors import PatchbotError, UsageError
from patchbot.static.files import collect_files, find_top


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("a@example.org:v4", ("a@example.org", "4")),
        ("a@example.org:v1.2", ("a@example.org", "1.2")),
        ("a@example.org", ("a@example.org", None)),
        ("nut:v2@example.org", ("nut:v2@example.org", None)),
        ("nut:v2@example.org:v3", ("nut:v2@example.org", "3")),
        ("a@example.org:vX", ("a@example.org:vX", None)),
        ("https://lore.example/a@example.org/:v5", ("https://lore.example/a@example.org/", "5")),
    ],
)
def test_a_revision_is_split_from_its_message_id(text: str, split: tuple[str, str | None]) -> None:
    assert split_revision(text) == split


def test_rules_are_found_by_name() -> None:
    first, second = list(RULES)[:2]
    assert find_rules([]) is None
    assert find_rules([second, first, second]) == (second, first)


def test_an_unknown_rule_names_the_close_ones() -> None:
    name = next(iter(RULES))
    with pytest.raises(UsageError, match="there is no rule") as close:
        find_rules([name[:-1] + "x"])
    assert f"did you mean {name}" in close.value.hint
    with pytest.raises(UsageError) as far:
        find_rules(["qqqq"])
    assert all(rule in far.value.hint for rule in RULES)


def test_what_patchbot_itself_finds_is_explained() -> None:
    for name in ("not-bisect-clean", "not-understood"):
        assert explain(name).startswith(f"{name}\n\n{explanations()[name][:20]}")
        with pytest.raises(UsageError):
            find_rules([name])
    with pytest.raises(UsageError) as error:
        explain("not-bisect-cleam")
    assert "did you mean not-bisect-clean" in error.value.hint


def test_it_speaks_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(check.time, "monotonic", lambda: now[0])
    said: list[str] = []
    patiently = Patiently(said.append)
    for number in range(30):
        patiently.say(str(number))
        now[0] += 0.125
    assert said == ["8", "16", "24"]


def make_files(top: Path) -> None:
    (top / "fs" / ".hidden").mkdir(parents=True)
    for name in ("fs/b.c", "fs/a.h", "fs/notes.txt", "fs/.hidden/c.c", "fs/c.C"):
        (top / name).write_text("int x;\n")
    (top / "fs" / "link.c").symlink_to("b.c")
    (top / "fs" / "dangling.c").symlink_to("none.c")
    os.mkfifo(top / "fs" / "pipe.c")


def test_each_c_file_of_a_folder_once(tmp_path: Path) -> None:
    make_files(tmp_path)
    found = collect_files([tmp_path / "fs", tmp_path / "fs" / "a.h"])
    assert [path.name for path in found] == ["a.h", "b.c"]


def test_a_file_that_is_named_is_taken_whatever_it_is_called(tmp_path: Path) -> None:
    make_files(tmp_path)
    assert [p.name for p in collect_files([tmp_path / "fs" / "notes.txt"])] == ["notes.txt"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("fs/none.c", "no such file or folder"),
        ("fs/dangling.c", "no such file or folder"),
        ("fs/pipe.c", "neither a file nor a folder"),
        ("empty", "no C file in"),
    ],
)
def test_what_is_not_there_is_named(tmp_path: Path, name: str, words: str) -> None:
    make_files(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(PatchbotError, match=words) as error:
        collect_files([tmp_path / name])
    assert str(tmp_path / name) in str(error.value)
    assert error.value.hint


def test_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_files(tmp_path)
    monkeypatch.setattr("patchbot.static.files.MAX_FILES", 1)
    with pytest.raises(PatchbotError, match="2 files are more than 1"):
        collect_files([tmp_path])


def test_the_top_is_that_of_the_git_tree(tmp_path: Path) -> None:
    make_files(tmp_path)
    files = [tmp_path / "fs" / "b.c"]
    assert find_top(files) == tmp_path / "fs"
    (tmp_path / ".git").write_text("gitdir: elsewhere\n")
    assert find_top(files) == tmp_path
