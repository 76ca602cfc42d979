"""Whose functions a program is made of, and what of a series it can't answer for."""

from __future__ import annotations

import pytest
from kernel_sim.ir import Block, Call, Const, Function, Program, Return, Step, Unknown
from kernel_sim.ledger import (
    Changed,
    Kind,
    find_objections,
    find_touched,
    make_ledger,
    mark_ran,
    summarize_ledger,
)

MODEL = "<sim>/model/toy/lock.c"


def function(name: str, *steps: Step) -> Function:
    block = Block(list(steps), [0] * (len(steps) + 1), Return(None))
    return Function(name, "", 7, 0, None, blocks=[block])


PATHS = {
    "commit": "fs/commit.c",
    "fs/a.c:helper": "fs/a.c",
    "fs/a.c:helper:12345678": "fs/a.c",
    "spin_lock": MODEL,
    "sim_mount": MODEL,
    "cond_resched": MODEL,
    "half": "fs/commit.c",
}
PROGRAM = Program(
    {
        "commit": function("commit", Call(None, "spin_lock", ())),
        "fs/a.c:helper": function("fs/a.c:helper"),
        "fs/a.c:helper:12345678": function("fs/a.c:helper:12345678"),
        "spin_lock": function("spin_lock", Call(None, "x", ())),
        "sim_mount": function("sim_mount", Call(None, "x", ())),
        "cond_resched": function("cond_resched", Const(0, 0)),
        "half": function("half", Unknown("inline assembly"), Unknown("inline assembly")),
        "gone": function("gone", Unknown("gone() is not in the tree or the model")),
    }
)
PARTS = make_ledger(PROGRAM, PATHS, {"spin_lock", "cond_resched", "commit"})


def test_each_function_has_a_kind() -> None:
    assert [(part.kind, part.name, part.path) for part in PARTS] == [
        (Kind.REAL, "commit", "fs/commit.c"),
        (Kind.REAL, "helper", "fs/a.c"),
        (Kind.REAL, "helper", "fs/a.c"),
        (Kind.MODELLED, "spin_lock", MODEL),
        (Kind.MODEL, "sim_mount", MODEL),
        (Kind.EMPTY, "cond_resched", MODEL),
        (Kind.UNKNOWN, "gone", ""),
        (Kind.UNKNOWN, "half", "fs/commit.c"),
    ]
    assert PARTS[-1].reasons == ("inline assembly",)
    assert summarize_ledger(PARTS) == "3 real, 1 modelled, 1 model, 1 empty, 2 unknown"


@pytest.mark.parametrize(
    ("names", "files", "objections"),
    [
        ({"commit", "helper"}, {"fs/commit.c", "fs/a.c"}, []),
        (
            {"spin_lock"},
            set(),
            [f"the series changes spin_lock(), and the model's is run ({MODEL})"],
        ),
        (
            {"cond_resched"},
            set(),
            [f"the series changes cond_resched(), and the model's is run ({MODEL})"],
        ),
        (set(), {"lib/lock.c"}, ["the series changes lib/lock.c, and the model stands in for it"]),
        ({"current"}, set(), ["the series changes the macro current, and the model defines it"]),
        ({"spin_unlock"}, {"lib/other.c"}, []),
    ],
)
def test_what_the_model_replaces_can_not_be_judged(
    names: set[str], files: set[str], objections: list[str]
) -> None:
    changed = Changed(frozenset(names), frozenset(files))
    assert find_objections(PARTS, ["lib/lock.c"], ["current"], changed) == objections


def test_what_is_touched_is_the_trees_and_was_called() -> None:
    changed = Changed(frozenset({"commit", "spin_lock", "helper", "unused", "half"}))
    assert find_touched(PARTS, changed) == []
    called = ["commit", "fs/a.c:helper:12345678", "spin_lock", "cond_resched"]
    ran = mark_ran(PARTS, dict.fromkeys(called, frozenset({7})))
    assert find_touched(ran, changed) == ["commit", "helper"]
    assert [part.key for part in ran if part.ran and part.name == "helper"] == [
        "fs/a.c:helper:12345678"
    ]
    assert {part.key: part.came for part in ran} == {
        part.key: frozenset({7} if part.key in called else ()) for part in PARTS
    }
