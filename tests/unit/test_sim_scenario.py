"""Scenarios and kits as data: what is read, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from kernel_sim.kit import Kit, KitError, find_kit, load_kits, parse_kit
from kernel_sim.scenario import (
    Scenario,
    ScenarioError,
    choose_scenarios,
    load_scenarios,
    parse_scenarios,
)

HERE = Path("/model")
HEAD = 'summary = "a race"\nsource = "race.c"\n'
TWO = (
    HEAD
    + "defines = { A = 1, B = 2 }\n"
    + '[[variant]]\nname = "one"\nsummary = "first"\ndefines = { B = "SIM_X" }\n'
    + '[[variant]]\nname = "two"\nsummary = "second"\n'
)


def test_a_file_without_variants_is_one_scenario() -> None:
    (found,) = parse_scenarios("race", HEAD, HERE)
    assert found == Scenario("race", "a race", HERE / "race.c", {})


def test_variants_add_to_the_defines_of_the_file() -> None:
    one, two = parse_scenarios("race", TWO, HERE)
    assert (one.name, one.summary) == ("race/one", "a race: first")
    assert one.defines == {"A": "1", "B": "SIM_X"}
    assert (two.name, two.defines) == ("race/two", {"A": "1", "B": "2"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('source = "race.c"', "no summary"),
        ('summary = "s"', "no source"),
        (HEAD + "bound = 2", "unknown bound"),
        (HEAD + "defines = 3", "defines is a dict"),
        ('summary = ""\nsource = "race.c"', "summary is a str"),
        ('summary = "s"\nsource = "../race.c"', "not a path"),
        (HEAD + 'defines = { "A B" = 1 }', "A B is no macro"),
        (HEAD + 'defines = { A = "1; x" }', "A is no macro"),
        (HEAD + "defines = { A = true }", "A is no macro"),
        (HEAD + '[[variant]]\nsummary = "s"', "no name"),
        (HEAD + '[[variant]]\nname = "a/b"\nsummary = "s"', "'a/b' is no name"),
        (HEAD + '[[variant]]\nname = "a"\nsummary = "s"\n' * 2, "two variants a"),
        (HEAD + "variant = [3]", "variant is a table"),
        ("summary", "scenario race: "),
    ],
)
def test_what_means_nothing_is_refused(text: str, words: str) -> None:
    with pytest.raises(ScenarioError, match="scenario race: ") as caught:
        list(parse_scenarios("race", text, HERE))
    assert words in str(caught.value)


def test_a_file_without_its_source_is_refused(tmp_path: Path) -> None:
    (tmp_path / "race.toml").write_text(HEAD)
    with pytest.raises(ScenarioError, match=r"there is no race\.c"):
        load_scenarios(tmp_path)
    (tmp_path / "race.c").write_text("")
    assert list(load_scenarios(tmp_path)) == ["race"]


def test_a_name_stands_for_its_variants() -> None:
    known = {each.name: each for each in parse_scenarios("race", TWO, HERE)}
    assert [each.name for each in choose_scenarios(known, [])] == ["race/one", "race/two"]
    assert [each.name for each in choose_scenarios(known, ["race"])] == ["race/one", "race/two"]
    assert [each.name for each in choose_scenarios(known, ["race/two"])] == ["race/two"]
    for wrong in ("rac", "race/", "race/three"):
        with pytest.raises(ScenarioError, match="there is no scenario"):
            choose_scenarios(known, [wrong])


def test_the_shipped_scenarios_are_right() -> None:
    assert {"write-protect/first-page", "write-protect/later-page"} <= set(load_scenarios())


def make_kit(text: str) -> Kit:
    return parse_kit(HERE / "toy", 'summary = "s"\nhas = ["a.c"]\nlacks = ["Makefile"]\n' + text)


def test_a_tree_is_recognised_by_what_it_has_and_lacks() -> None:
    kit = make_kit("")
    assert find_kit({"a.c", "b.c"}.__contains__, [kit]) is kit
    for tree in (set(), {"b.c"}, {"a.c", "Makefile"}):
        with pytest.raises(KitError, match="no model for this kind of tree yet"):
            find_kit(tree.__contains__, [kit])


def test_the_bundled_tree_has_a_kit_and_a_kernel_is_not_taken_for_it() -> None:
    bundled = {"lib/primitives.c", "include/linux/jbd2.h", "README"}
    kits = [kit for kit in load_kits() if kit.name == "bundled"]
    assert find_kit(bundled.__contains__, kits).replaces == ("lib/primitives.c", "lib/crc32c.c")
    with pytest.raises(KitError):
        find_kit((bundled | {"Makefile"}).__contains__, kits)


def test_the_files_of_a_tree(tmp_path: Path) -> None:
    for name in ("a.c", "fs/b.c", "fs/c.h", "lib/ours.c"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "fs/link.c").symlink_to("b.c")
    assert make_kit('replaces = ["lib/ours.c"]').tree_files(tmp_path) == ["a.c", "fs/b.c"]
    assert make_kit('sources = ["fs/*.c"]').tree_files(tmp_path) == ["fs/b.c"]


FOLIOS = '[[declared]]\nmacro = "WITH_FOLIOS"\nfile = "include/mm.h"\ntext = "struct folio {"\n'


@pytest.mark.parametrize(
    ("header", "macros"),
    [
        ("struct page;\nstruct\n\tfolio\n{\n", ["WITH_FOLIOS"]),
        ("struct folio {", ["WITH_FOLIOS"]),
        ("struct folio;\n", []),
        ("struct folio_batch {", []),
        (None, []),
    ],
)
def test_what_a_tree_declares_is_known_to_the_model(
    header: str | None, macros: list[str], tmp_path: Path
) -> None:
    if header is not None:
        (tmp_path / "include").mkdir()
        (tmp_path / "include/mm.h").write_text(header)
    assert make_kit(FOLIOS).macros_for(tmp_path) == macros


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (FOLIOS.replace("text", "version"), "declared has a macro, a file and a text"),
        (FOLIOS.replace('"struct folio {"', '" "'), "declared has a macro, a file and a text"),
        (FOLIOS.replace('"struct folio {"', "5"), "declared has a macro, a file and a text"),
        ("declared = 3", "declared is a list of tables"),
        ("strange = 1", "unknown strange"),
        ('sources = "a.c"', "sources is a list of texts"),
        ("macros = 3", "macros is a table"),
        ('headers = "mine"', "headers is one of: own, kernel"),
        ("[", "kit toy: "),
    ],
)
def test_a_wrong_kit_is_refused(text: str, words: str) -> None:
    with pytest.raises(KitError, match="kit toy: ") as caught:
        make_kit(text)
    assert words in str(caught.value)
