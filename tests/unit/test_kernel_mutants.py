"""Faults for real kernels find their place by tokens, whatever the white space and version."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from kernel_sim.kit import find_kit
from kernel_sim.program import Sources
from kernel_sim.scenario import load_scenarios

from patchbot.demo import make_base_repository
from tests.support import ROOT
from tests.support.kernel_mutants import Edit, KernelMutant, find_function, load_mutants, tokens

FILE = """\
static int other(int a);
static int changed(struct page *page,
\t\t   int a);

/* changed() in a comment */
static void caller(void)
{
\tchanged(page, 1);
}

static int changed(struct page *page,
\t\t   int a)
{
\t/* a lock, unlock(page); */
\tlock( page );
\tif (test(page, (a), "b)"))
\t\tdrop(page->lock);
\tunlock(page);
\tunlock(page);
\treturn 0;
}
"""


def body(*edits: tuple[str | tuple[str, ...], str]) -> str | None:
    """The changed function's body, white space folded; None where there is no such place."""
    made = tuple(
        Edit(tuple((each, new) for each in ((old,) if isinstance(old, str) else old)))
        for old, new in edits
    )
    after = KernelMutant("m", "", "f.c", ("absent", "changed"), made).apply(FILE)
    if after is None:
        return None
    head, tail = FILE[: FILE.index("{\n\t/* a lock")], "\n"
    assert after.startswith(head)
    assert after.endswith(tail)
    return " ".join(after[len(head) :].split())


HEAD = '{ /* a lock, unlock(page); */ lock( page ); if (test(page, (a), "b)")) '
TAIL = " return 0; }"


def test_the_definition_is_found_not_a_declaration_or_a_call() -> None:
    span = find_function(FILE, "changed")
    assert span is not None
    assert FILE[: span[0]].endswith("int a)\n")
    assert FILE[slice(*span)].startswith("{\n\t/* a lock")
    assert FILE[span[1] :] == "\n"
    assert find_function(FILE, "other") is None


def test_comments_and_white_space_are_no_tokens() -> None:
    words = [each.text for each in tokens('a->b /* c */ <<= 1; // d\n"e /* f" \'"\' ... g')]
    assert words == ["a", "->", "b", "<<=", "1", ";", '"e /* f"', "'\"'", "...", "g"]


def test_a_statement_is_dropped_where_it_stands_first_outside_comments() -> None:
    assert body(("unlock(page);", ";")) == HEAD + "drop(page->lock); ; unlock(page);" + TAIL


def test_a_wildcard_takes_tokens_whose_brackets_match() -> None:
    """The shortest run that fits: `(a)` and the string with a bracket are inside the call."""
    changed = HEAD.replace('test(page, (a), "b)")', "0") + "drop(page->lock); unlock(page);"
    assert body(("test(...)", "0")) == changed + " unlock(page);" + TAIL
    assert body(("test(page, ...)", "not($1)")) == (
        HEAD.replace('test(page, (a), "b)")', 'not((a), "b)")')
        + "drop(page->lock); unlock(page); unlock(page);"
        + TAIL
    )


def test_what_lies_between_can_be_kept_and_turned_round() -> None:
    swapped = body(("lock(page); ... unlock(page);", "unlock(page); $1 lock(page);"))
    assert swapped == (
        '{ /* a lock, unlock(page); */ unlock(page); if (test(page, (a), "b)"))'
        " drop(page->lock); lock(page); unlock(page);" + TAIL
    )


def test_the_first_of_several_texts_that_is_there_counts() -> None:
    olds = ("folio_unlock(folio);", "unlock(page);")
    assert body((olds, ";")) == body(("unlock(page);", ";"))


def test_edits_follow_one_another_and_all_of_them_are_needed() -> None:
    twice = body(("unlock(page);", ";"), ("unlock(page);", ";"))
    assert twice == HEAD + "drop(page->lock); ; ;" + TAIL
    assert body(("unlock(page);", ";"), ("absent();", ";")) is None


@pytest.mark.parametrize("old", ["unlock(pages);", "lock(page", "page) ;", "...)) drop(...); )"])
def test_no_place_is_none(old: str) -> None:
    """`lock(page` and `page) ;` are there: a part of a statement is a text like another."""
    assert (body((old, ";")) is None) == (old in ("unlock(pages);", "...)) drop(...); )"))


def test_every_fault_is_judged_once() -> None:
    """The scores name each fault of the data, in one of their tables, and no other."""
    text = (ROOT / "tests" / "data" / "sim_kernel_scores.toml").read_text("utf-8")
    tables = tomllib.loads(text)
    names = [name for kind in ("caught", "equivalent", "missed") for name in tables[kind]]
    assert sorted(names) == sorted(load_mutants())
    assert len(names) >= 30


def test_a_file_that_changed_is_run_as_it_is_now(tmp_path: Path) -> None:
    """Programs that were linked before, for all scenarios, must not go on being used."""
    make_base_repository(tmp_path / "tree")
    kit = find_kit(lambda path: (tmp_path / "tree" / path).exists())
    sources = Sources(tmp_path / "tree", kit, tmp_path / "headers")
    scenario = load_scenarios()["write-protect/first-page"]
    name = "jbd2_journal_commit_transaction"
    before = sources.build(scenario).program.functions[name]
    path = tmp_path / "tree" / "fs" / "jbd2" / "commit.c"
    text = path.read_text()
    start = text.index("{", text.index(f"{name}(journal_t"))
    path.write_text(f"{text[: start + 1]}\n\tif (journal)\n\t\treturn;{text[start + 1 :]}")
    assert sources.build(scenario).program.functions[name] == before
    sources.read_again("fs/jbd2/commit.c")
    after = sources.build(scenario).program.functions[name]
    assert len(after.blocks) > len(before.blocks)
