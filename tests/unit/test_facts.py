"""The tables of facts: what the loader refuses, and how they are compared with kernels."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from patchbot_checks.facts import TABLES, Facts, FactsError, load, parse
from patchbot_checks.facts.links import check, load_all
from patchbot_checks.facts.model import Call, Order, Resource, Role
from patchbot_checks.resources import calls

from tests.support import ROOT
from tools import check_facts
from tools.kernel_tree import Declaration, Tree, read_tree, type_of

TREES = os.environ.get("PATCHBOT_TEST_FACTS", "")
FOLDER = ROOT / "checks" / "patchbot_checks"
SOURCE = 'source = "include/linux/demo.h (v5.9)"'
RESOURCE = f'[[resource]]\nname = "page-lock"\nwords = "a lock"\n{SOURCE}\n'


def call(**changes: str) -> str:
    keys = {
        "names": '["lock_page"]', "resource": '"page-lock"', "does": '"take"', "object": "0",
        "source": '"include/linux/demo.h (v5.9)"',
    }  # fmt: skip
    keys.update(changes)
    lines = [f"{key} = {value}" for key, value in keys.items() if value]
    return "\n".join(["[[call]]", *lines, ""])


def refusal(text: str, file: str = "locks.toml") -> str:
    with pytest.raises(FactsError) as caught:
        check((parse(file, text), parse("resources.toml", RESOURCE)))
    return str(caught.value)


def test_entry_becomes_a_frozen_fact() -> None:
    (made,) = parse("locks.toml", call(fails='"nonzero"')).of(Call)
    assert made == Call(
        names=("lock_page",), resource="page-lock", does="take", object=0, fails="nonzero",
        source="include/linux/demo.h (v5.9)",
    )  # fmt: skip
    with pytest.raises(AttributeError):
        made.object = 1  # type: ignore[misc]


def test_source_names_files_with_the_versions_of_each() -> None:
    source = '"fs/a.c, include/linux/b.h (v5.9, v6.1): and why; Documentation/c.rst (v6.12)"'
    (made,) = parse("locks.toml", call(source=source)).of(Call)
    assert made.cited == (
        ("fs/a.c", ("v5.9", "v6.1")),
        ("include/linux/b.h", ("v5.9", "v6.1")),
        ("Documentation/c.rst", ("v6.12",)),
    )


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
        (call(looked_up="1"), ["lock_page", "looked_up"]),
        (call(names="[1]"), ["call 1", "names"]),
        (call(names="[]"), ["call 1", "names nothing"]),
        (call(names='["a", "a"]'), ["a stands twice"]),
        (call(unless="'('"), ["lock_page", "unless", "("]),
        (call(patterns="['(']"), ["lock_page", "patterns"]),
        (call(does='"drop"', fails='"zero"'), ["lock_page", "only what takes can fail"]),
        (call(object='"result"', by_count="{ 5 = 1 }"), ["lock_page", "by_count"]),
        (call(by_count='{ 5 = "1" }'), ["lock_page", "by_count"]),
        (call(resource='"gravity"'), ["lock_page", "no resource is called 'gravity'"]),
        (call() + call(), ["lock_page stands twice"]),
        ("[[gadget]]\nname = 1", ["no such table", "known: call"]),
        ("[call]\nname = 1", ["no such table"]),
        ("[[call]\n", ["locks.toml"]),
    ],
)
def test_refuses_and_names_file_and_entry(text: str, words: list[str]) -> None:
    message = refusal(text)
    assert message.startswith("locks.toml: ")
    for word in words:
        assert word in message


def test_refuses_what_a_resource_may_not_be() -> None:
    assert "page-lock stands twice" in refusal(RESOURCE + RESOURCE, "resources.toml")
    taken = RESOURCE.replace("words", "taken_by = ['x']\nwords")
    assert "no role is called 'x'" in refusal(taken, "resources.toml")


def test_refuses_what_a_role_may_not_be() -> None:
    assert "no such file" in refusal(RESOURCE, "colours.toml")
    assert "locks: no such table" in refusal("locks = 1", "roles.toml")
    assert "missing key about" in refusal(f'[locks]\nnames = ["a"]\n{SOURCE}', "roles.toml")
    twice = f'[locks]\nabout = "b"\nnames = ["a"]\neach = {{ a = {{ x = 1 }} }}\n{SOURCE}'
    assert "a stands twice" in refusal(twice, "roles.toml")


def test_entries_named_by_their_table() -> None:
    change = (
        f'[change.set]\ncalls = ["set"]\n{SOURCE}\n[journal]\ntype = ["t"]\ncalls = []\n{SOURCE}'
    )
    made = parse("mode_flip.toml", change).entries
    assert [(type(each).__name__, each.label) for each in made] == [
        ("ModeChange", "set"), ("NoJournal", "journal"),
    ]  # fmt: skip
    assert "journal: missing key type" in refusal(
        f"[journal]\ncalls = []\n{SOURCE}", "mode_flip.toml"
    )
    flag = f'[flag.x]\nnames = ["X"]\nfields = []\non = ["lock"]\noff = []\n{SOURCE}'
    assert "no part is called 'lock'" in refusal(flag, "mode_flip.toml")
    assert "no such table" in refusal(f"[[change]]\n{SOURCE}", "mode_flip.toml")


# ---------------------------------------------------------------- the real tables


def test_every_file_of_the_folder_is_a_table_that_loads() -> None:
    assert {path.name for path in (FOLDER / "facts").glob("*.toml")} == set(TABLES)
    assert all(table.entries for table in load_all())


def test_every_table_is_read_by_a_rule() -> None:
    """No role, resource or file is there that no code and no other table asks for."""
    code = "\n".join(p.read_text("utf-8") for p in FOLDER.rglob("*.py") if p.parent.name != "facts")
    tables = "\n".join(p.read_text("utf-8") for p in (FOLDER / "facts").glob("*.toml"))
    for role in load("roles.toml").of(Role):
        asked = f'_by = ["{role.name}"' in tables or f', "{role.name}"' in tables
        assert f'"{role.name}"' in code or asked, role.name
    called = {each.resource for each in calls()}
    for resource in load("resources.toml").of(Resource):
        assert resource.name in called or resource.taken_by, resource.name
    for file in TABLES:
        assert f'"{file}"' in code, file


def test_what_is_taken_can_be_given_back() -> None:
    for name in {each.resource for each in calls()}:
        does = {each.does for each in calls() if each.resource == name}
        assert does >= {"take", "drop"}, name


def test_page_and_folio_spellings_both_have_their_facts() -> None:
    def what(name: str) -> set[tuple[str, str, object, str]]:
        found = (each for each in calls() if name in each.names)
        return {(c.resource, c.does, c.object, c.fails) for c in found}

    pairs = {
        "lock_page": "folio_lock", "unlock_page": "folio_unlock", "put_page": "folio_put",
        "trylock_page": "folio_trylock", "block_write_full_page": "block_write_full_folio",
        "__block_write_full_page": "__block_write_full_folio",
    }  # fmt: skip
    assert [page for page, folio in pairs.items() if not what(page)] == []
    assert [page for page, folio in pairs.items() if what(page) != what(folio)] == []


def test_orders_do_not_contradict_one_another() -> None:
    """No lock must be taken before itself, over all orders."""
    inside: dict[str, set[str]] = {}
    for order in load("orders.toml").of(Order):
        inside.setdefault(order.taken, set()).add(order.held)

    def reach(name: str, seen: set[str]) -> set[str]:
        for after in inside.get(name, set()) - seen:
            seen.add(after)
            reach(after, seen)
        return seen

    assert [name for name in inside if name in reach(name, set())] == []


def test_rules_name_no_kernel_function_in_python() -> None:
    """Two rules' calls and constants stand in tables alone; what a finding says may name them."""
    name = re.compile(r'"(?:\w+_(?:lock|unlock|killable|retry)\w*|(?:VM_)?FAULT_\w+|handle_t\b.*)"')
    for rule in ("fault_retry_unchecked", "lock_order"):
        for path in (FOLDER / "rules" / rule).glob("*.py"):
            assert name.findall(path.read_text("utf-8")) == [], path.name


# ---------------------------------------------------------------- the comparison with a kernel


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("int f(struct page *page, int n);", [(("struct page *", "int"), "int", False)]),
        ("static inline void\nf(void)\n{\n}", [((), "void", False)]),
        ("struct page *f(struct page **, ...);", [(("struct page **",), "struct page *", True)]),
        ("#define f(a, b...) \\\n\tg(a)", [(("",), "", True)]),
        (
            "#define f(a, b) g(a)\nint f(unsigned long x);",
            [(("", ""), "", False), (("unsigned long",), "int", False)],
        ),
        ("#define f h\nint h(const char *x[]);", [(("char **",), "int", False)]),
        ("int g(void)\n{\n\tf(1, 2);\n}\nEXPORT_SYMBOL(f);", []),
    ],
)
def test_declarations(text: str, wanted: list[tuple[tuple[str, ...], str, bool]]) -> None:
    tree = Tree(Path(), "v5.9", {"a.h": text})
    assert tree.declared("f", ["a.h"]) == [Declaration(*each) for each in wanted]


def test_commas_in_a_parameter_do_not_count() -> None:
    tree = Tree(Path(), "v5.9", {"a.h": "void *f(size_t (*get)(int, int), u32 x);"})
    (found,) = tree.declared("f", ["a.h"])
    assert (len(found.types), found.types[-1], found.returns) == (2, "u32", "void *")


def test_types_have_one_spelling() -> None:
    spellings = ("struct page *page", "struct page*", "const struct page * const p")
    assert {type_of(each) for each in spellings} == {"struct page *"}
    assert type_of("unsigned long flags") == "unsigned long"
    assert type_of("handle_t **handle") == "handle_t **"


@pytest.fixture
def kernel(tmp_path: Path) -> Tree:
    (tmp_path / "Makefile").write_text("VERSION = 5\nPATCHLEVEL = 9\nSUBLEVEL = 1\n")
    header = tmp_path / "include" / "linux" / "demo.h"
    header.parent.mkdir(parents=True)
    header.write_text(
        "struct page *find_page(int, unsigned long n);\n"
        "int lock_page(struct page *page);  /* unlock_page() */\n"
        "#define FNS(x) static int x##_page(void);\n"
        "#define save(a, b) do { a = b; } while (0)\n"
    )
    (tmp_path / "fs").mkdir()
    (tmp_path / "fs" / "use.c").write_text("int main(void)\n{\n\treturn made_page();\n}\n")
    return read_tree(tmp_path)


Compare = Callable[..., list[str]]


@pytest.fixture
def compare(kernel: Tree, monkeypatch: pytest.MonkeyPatch) -> Compare:
    def run(file: str, text: str) -> list[str]:
        things = parse("resources.toml", "" if file == "resources.toml" else TYPED)
        tables: tuple[Facts, ...] = (parse(file, text), things)
        monkeypatch.setattr(check_facts, "load_all", lambda: tables)
        return check_facts.check([kernel]).wrong

    return run


TYPED = RESOURCE.replace("words", 'types = ["struct page *"]\nwords')


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({}, ""),
        ({"names": '["unlock_page"]'}, "unlock_page is in no file of its source"),
        ({"names": '["made_page"]', "made_by": '"FNS"', "object": '"none"'}, ""),
        ({"names": '["none_page"]', "made_by": '"FNS"'}, "none_page stands nowhere"),
        ({"names": '["made_page"]', "made_by": '"GNS"'}, "GNS is in no file"),
        ({"names": '["FNS"]', "object": '"none"'}, ""),
        ({"names": '["page"]', "object": '"none"'}, "page is not declared"),
        ({"names": "", "patterns": "['\\w+_page']"}, ""),
        ({"names": "", "patterns": "['\\w+_folio']"}, "fits nothing"),
        ({"object": "1"}, "place 1 of 1"),
        ({"object": "-2"}, "place -2 of 1"),
        ({"object": '"1->bh"'}, "place 1 of 1"),
        ({"object": "1", "by_count": "{ 1 = 0 }"}, ""),
        ({"by_count": "{ 3 = 1 }"}, "nothing has 3 parameters"),
        ({"only": "2"}, "nothing has 2 parameters"),
        ({"names": '["find_page"]', "object": '"result"'}, ""),
        ({"object": '"result"'}, "int is no struct page *"),
        ({"names": '["find_page"]'}, "int is no struct page *"),
        ({"object": '"*0"'}, "struct page * is no struct page *"),
        ({"source": '"include/linux/other.h (v5.9)"'}, "include/linux/other.h is not in each"),
        ({"source": '"include/linux/other.h (v6.1)"'}, ""),
    ],
)
def test_compares_calls_with_a_kernel(
    compare: Compare, changes: dict[str, str], wrong: str
) -> None:
    found = compare("locks.toml", call(**changes))
    assert [wrong in each for each in found] == ([True] if wrong else [])


def test_compares_the_other_tables_with_a_kernel(compare: Compare) -> None:
    macro = f'[[macro]]\nnames = ["save"]\nsets = [2]\n{SOURCE}'
    assert compare("macros.toml", macro) == ["macros.toml: save: save: place 2 of 2 (v5.9)"]
    role = f'[locks]\nabout = "it locks"\nnames = ["lock_page"]\nargs = {{ page = 1 }}\n{SOURCE}'
    assert compare("roles.toml", role) == ["roles.toml: locks: lock_page: place 1 of 1 (v5.9)"]
    limit = f"[[limit]]\nvalues = {{ X_MAX = 1 }}\n{SOURCE}"
    assert compare("integers.toml", limit) == [
        "integers.toml: X_MAX: X_MAX is in no file of its source"
    ]
    callback = f'[[callback]]\nname = "fault"\nstructure = "page"\n{SOURCE}'
    assert compare("callbacks.toml", callback) == [
        "callbacks.toml: page.fault: fault is in no file of its source"
    ]
    asks = RESOURCE.replace("words", 'asks = ["is_locked"]\nothers = ["x_\\\\w+"]\nwords')
    assert [each.split(": ", 2)[2] for each in compare("resources.toml", asks)] == [
        "is_locked is in no file of its source", "x_\\w+ fits nothing",
    ]  # fmt: skip


def test_the_tables_are_what_the_kernels_say() -> None:
    """Opt-in: PATCHBOT_TEST_FACTS lists kernel trees, separated by colons."""
    if not TREES:
        pytest.skip("opt-in: set PATCHBOT_TEST_FACTS to kernel trees, separated by colons")
    assert check_facts.check([read_tree(Path(path)) for path in TREES.split(":")]).wrong == []
