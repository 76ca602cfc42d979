"""The tables of facts: what the loader refuses, and what rules may rely on in the real files."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
from patchbot_checks.facts import FactsError, load_facts, parse_facts
from patchbot_checks.facts.model import Call, Harmless, Loop, Named, Order, Rank

from tests.support import ROOT

TREES = os.environ.get("PATCHBOT_TEST_FACTS", "")
SOURCE = 'source = "fs/demo.c (v5.9)"'
RESOURCE = f'[[resource]]\nname = "page lock"\nkind = "lock"\n{SOURCE}\n'


def call(**changes: str) -> str:
    keys = {
        "name": '"lock_page"', "resource": '"page lock"', "does": '"acquire"', "object": "0",
        "when": '"always"', "source": '"fs/demo.c (v5.9)"',
    }  # fmt: skip
    keys.update(changes)
    lines = [f"{key} = {value}" for key, value in keys.items() if value]
    return "\n".join([RESOURCE, "[[call]]", *lines])


def refusal(text: str, file: str = "resources.toml") -> str:
    with pytest.raises(FactsError) as caught:
        parse_facts({file: text})
    return str(caught.value)


def test_entry_becomes_a_frozen_fact() -> None:
    facts = parse_facts({"resources.toml": call()})
    (made,) = facts.calls["lock_page"]
    assert made == Call(
        name="lock_page", resource="page lock", does="acquire", object=0, when="always",
        source="fs/demo.c (v5.9)",
    )  # fmt: skip
    assert made.cited == (("fs/demo.c", ("v5.9",)),)
    with pytest.raises(AttributeError):
        made.name = "other"  # type: ignore[misc]


def test_names_and_objects_stand_for_as_many_entries() -> None:
    text = call(name="", names='["a", "b"]', object="", objects="[0, 1]")
    facts = parse_facts({"resources.toml": text})
    assert {(c.name, c.object) for c in facts.of(Call)} == {("a", 0), ("a", 1), ("b", 0), ("b", 1)}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (call(source=""), ["call 1", "lock_page", "no source"]),
        (call(source='"somewhere"'), ["lock_page", "names no file with a version"]),
        (call(colour='"red"'), ["lock_page", "unknown key colour"]),
        (call(resource=""), ["lock_page", "missing key resource"]),
        (call(does='"takes"'), ["lock_page", "does", "'takes'"]),
        (call(object='"first"'), ["lock_page", "object", "'first'"]),
        (call(object="true"), ["lock_page", "object", "True"]),
        (call(null_ok="1"), ["lock_page", "null_ok"]),
        (call(needs_flag="[1]", flag_arg="2"), ["lock_page", "needs_flag"]),
        (call(resource='"gravity"'), ["lock_page", "no resource is called 'gravity'"]),
        (call(when=""), ["lock_page", "says when"]),
        (call(does='"release"'), ["lock_page", "says when"]),
        (call(does='"downgrade"', when=""), ["lock_page", "becomes"]),
        (call(needs_flag='["FGP_LOCK"]'), ["lock_page", "go together"]),
        (call(when='"valid"'), ["lock_page", "about the result"]),
        (call(names='["a"]'), ["call 1", "names", "without name"]),
        (call(name="", names="[]"), ["call 1", "names"]),
        (call() + "\n" + call().split("\n\n")[-1].replace(RESOURCE, ""), ["lock_page", "twice"]),
        (RESOURCE + RESOURCE, ["page lock", "twice"]),
        ("[[gadget]]\nname = 1", ["no such table", "resource, call"]),
        ("[call]\nname = 1", ["no such table"]),
        ("[[call]\n", ["resources.toml"]),
    ],
)
def test_refuses_and_names_file_and_entry(text: str, words: list[str]) -> None:
    message = refusal(text)
    assert message.startswith("resources.toml: ")
    for word in words:
        assert word in message


def test_refuses_unknown_files() -> None:
    assert "no such file" in refusal(RESOURCE, "colours.toml")


def test_refuses_ranks_of_unknown_locks() -> None:
    text = f'[[rank]]\nname = "x"\nchain = ["a"]\n{SOURCE}'
    lock = f'[[lock]]\nname = "b"\nresource = ["page lock"]\n{SOURCE}\n'
    with pytest.raises(FactsError, match=r"ranks\.toml: x: no lock is called 'a'"):
        parse_facts({"resources.toml": RESOURCE, "ranks.toml": lock + text})


def test_negative_and_counted_places_of_arguments() -> None:
    text = (
        '[[operation]]\nname = "walk"\nrole = "walks-buffers"\nargs = { head = 1, callback = -1 }\n'
        f"by_count = {{ 7 = {{ head = 2 }} }}\n{SOURCE}"
    )
    walk = parse_facts({"operations.toml": text}).roles["walks-buffers"]["walk"]
    assert walk.places(6) == {"head": 1, "callback": 5}
    assert walk.places(7) == {"head": 2, "callback": 6}
    assert walk.places(1) == {"callback": 0}


# ---------------------------------------------------------------- the real files


def test_what_is_acquired_can_be_released() -> None:
    facts = load_facts()
    no_call = {
        "fault lock",  # the caller of a fault handler has taken it
        "reserved handle",  # a member of the handle that jbd2__journal_start() returns
    }
    for resource in facts.resources:
        does = {c.does for c in facts.of(Call) if c.resource == resource}
        assert "release" in does, resource
        assert does & {"acquire", "maybe"} or resource in no_call, resource


def test_page_and_folio_spellings_both_have_their_facts() -> None:
    calls = load_facts().calls
    pairs = {
        "lock_page": "folio_lock", "unlock_page": "folio_unlock", "get_page": "folio_get",
        "put_page": "folio_put", "trylock_page": "folio_trylock",
    }  # fmt: skip

    def what(name: str) -> set[tuple[str, str, object, str]]:
        return {(c.resource, c.does, c.object, c.when) for c in calls[name]}

    assert [page for page, folio in pairs.items() if what(page) != what(folio)] == []


def test_one_function_has_several_effects() -> None:
    effects = load_facts().calls["grab_cache_page_write_begin"]
    assert {c.resource for c in effects} == {"page lock", "page reference"}
    (locks,) = [c for c in load_facts().calls["pagecache_get_page"] if c.resource == "page lock"]
    assert (locks.flag_arg, locks.needs_flag) == (2, ("FGP_LOCK", "FGP_WRITEBEGIN"))


def test_orders_do_not_contradict_one_another() -> None:
    """No lock is, over the orders of one scope and the general ones, outside of itself."""
    facts = load_facts()
    edges = {(o.outer, o.inner) for o in facts.of(Order)}
    for rank in facts.of(Rank):
        edges |= set(zip(rank.chain, rank.chain[1:], strict=False))
    inside: dict[str, set[str]] = {}
    for outer, inner in edges:
        inside.setdefault(outer, set()).add(inner)

    def reach(name: str, seen: set[str]) -> set[str]:
        for after in inside.get(name, set()) - seen:
            seen.add(after)
            reach(after, seen)
        return seen

    assert [name for name in inside if name in reach(name, set())] == []


def test_patterns_are_regular_expressions_and_do_not_catch_effects() -> None:
    facts = load_facts()
    for loop in facts.of(Loop):
        re.compile(loop.pattern)
    for harmless in facts.of(Harmless):
        for name in {**facts.calls, **facts.operations}:
            assert not re.fullmatch(harmless.pattern, name), (harmless.pattern, name)


def test_names_are_names() -> None:
    for _, fact in load_facts().all:
        if isinstance(fact, Named):
            assert re.fullmatch(r"\w+", fact.name), fact


def test_every_name_stands_where_its_source_says() -> None:
    """Opt-in: PATCHBOT_TEST_FACTS lists kernel trees, separated by colons."""
    trees = TREES
    if not trees:
        pytest.skip("opt-in: set PATCHBOT_TEST_FACTS to kernel trees, separated by colons")
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        import check_facts
    finally:
        sys.path.remove(str(ROOT / "tools"))
    wrong, _ = check_facts.check([check_facts.read_tree(Path(p)) for p in trees.split(":")])
    assert wrong == []
