"""The catalogue: what is read, what is refused, and that it is the only place with such facts."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from patchbot.catalogue import Catalogue, find_series_folder, read_catalogue
from patchbot.errors import UsageError
from tests.support import ROOT

ENTRY = """
title = "walnut: count"
message_ids = ["v1@example.org", "v2@example.org", "fix@example.org"]
bases = ["v5.9.1", "v5.9"]
[[on_top]]
message_id = "fix@example.org"
of = "v2@example.org"
"""


def read(folder: Path, text: str | bytes, name: str = "walnut.toml") -> Catalogue:
    (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return read_catalogue(folder)


def test_an_entry(tmp_path: Path) -> None:
    (entry,) = read(tmp_path, ENTRY).entries
    assert entry.name == "walnut"
    assert entry.title == "walnut: count"
    assert entry.message_ids == {"v1@example.org", "v2@example.org", "fix@example.org"}
    assert entry.bases == ("v5.9.1", "v5.9")
    assert entry.on_top == {"fix@example.org": "v2@example.org"}


def test_look_ups(tmp_path: Path) -> None:
    read(tmp_path, 'message_ids = ["other@example.org"]\nbases = ["v6.1"]\n', "other.toml")
    catalogue = read(tmp_path, ENTRY)
    assert catalogue.find_bases(["x@y", "v2@example.org"]) == ("v5.9.1", "v5.9")
    assert catalogue.find_bases(["other@example.org"]) == ("v6.1",)
    assert catalogue.find_bases(["x@y"]) == ()
    assert catalogue.find_below(["x@y", "fix@example.org"]) == "v2@example.org"
    assert catalogue.find_below(["v2@example.org"]) is None


def test_an_empty_file_and_an_empty_folder(tmp_path: Path) -> None:
    assert read_catalogue(tmp_path) == Catalogue(())
    (entry,) = read(tmp_path, "").entries
    assert (entry.title, entry.bases, entry.on_top) == ("walnut", (), {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('titel = "x"', "unknown 'titel'"),
        ("title = 1", "title must be text, not 1"),
        ('message_ids = "a@b"', "message_ids must be a list"),
        ("message_ids = [1]", "message_ids must be a list of text"),
        ("bases = [[]]", "bases must be a list of text"),
        ("bases = 5", "bases must be a list"),
        ('on_top = ["a@b"]', "on_top wants message_id and of"),
        ('[[on_top]]\nmessage_id = "a@b"', "on_top wants message_id and of"),
        ('[[on_top]]\nmessage_id = "a@b"\nof = "c@d"\nwhy = ""', "on_top wants message_id and of"),
        ('[[on_top]]\nmessage_id = 1\nof = "c@d"', "on_top wants message_id and of"),
        ('[[on_top]]\nmessage_id = "a@b"\nof = "a@b"', "on top of itself"),
        ('[on_top]\nmessage_id = "a@b"\nof = "c@d"', "on_top must be a list"),
        ("title = ", "Invalid value"),
        (b"title = '\xff'", "utf-8"),
        ('verdict = "accept"', "unknown 'verdict'"),
    ],
)
def test_each_malformation_is_named_with_its_file(
    tmp_path: Path, text: str | bytes, said: str
) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, text)
    assert str(tmp_path / "walnut.toml") in str(caught.value)
    assert said in str(caught.value)
    assert "<class" not in str(caught.value)


def test_the_shipped_catalogue_is_valid_and_whole() -> None:
    assert find_series_folder() == ROOT / "series"
    catalogue = read_catalogue(find_series_folder())
    names = {entry.name for entry in catalogue.entries}
    assert names == {path.stem for path in (ROOT / "series").glob("*.toml")}
    assert "ext4-data-journal-write-protect" in names
    for entry in catalogue.entries:
        assert entry.message_ids
        assert set(entry.on_top) | set(entry.on_top.values()) <= entry.message_ids
        assert not [i for i in entry.message_ids if "<" in i or "@" not in i]


# ------------------------------------------------------- no known answer decides a verdict

MESSAGE_ID = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
MAY_NAME_DEMO_IDS = "demo.py"


def find_strings(path: Path) -> Iterator[str]:
    """Yield the text constants of a source, but for the examples of a command's --help.

    Only a name that ends in `_EXAMPLES` is taken for help; doc strings count like any text.
    """
    tree = ast.parse(path.read_text("utf-8"))
    shown = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and all(isinstance(t, ast.Name) and t.id.endswith("_EXAMPLES") for t in node.targets)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in shown:
            yield node.value


def sources() -> list[Path]:
    found = [p for top in ("patchbot", "checks") for p in (ROOT / top).rglob("*.py")]
    assert len(found) > 30
    return found


def known_facts() -> list[str]:
    """Ids, titles and bases of the catalogue, and the parts of an id that a test could look for."""
    facts: list[str] = []
    for path in (ROOT / "series").glob("*.toml"):
        values = tomllib.loads(path.read_text("utf-8"))
        facts += values["message_ids"]
        facts += [message_id.partition("@")[0] for message_id in values["message_ids"]]
        facts += [values["title"]]
    return facts


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_source_knows_a_series(path: Path) -> None:
    texts = list(find_strings(path))
    assert not [fact for fact in known_facts() if any(fact in text for text in texts)]
    ids = [found for text in texts for found in MESSAGE_ID.findall(text)]
    if path.name == MAY_NAME_DEMO_IDS:
        ids = [each for each in ids if not each.endswith(("@example.org", "@example.com"))]
    assert not ids


def test_the_examples_of_help_are_used_for_help_only() -> None:
    """What the test above leaves out must decide nothing: it is an epilog, and no more."""
    for path in sources():
        tree = ast.parse(path.read_text("utf-8"))
        names = [
            n for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id.endswith("_EXAMPLES")
        ]
        used = [n for n in names if isinstance(n.ctx, ast.Load)]
        if names:
            assert path.name == "arguments.py"
            assert len(used) == len([n for n in names if not isinstance(n.ctx, ast.Load)])
