"""What is printed for a counterexample: the windows of a booted kernel, and why there are none."""

from __future__ import annotations

from typing import Any

import pytest
from kernel_sim import ir
from kernel_sim.handover import Place, Stand
from kernel_sim.scenario import Booted, Scenario, load_scenarios, parse_scenarios

from patchbot.handover import (
    _hold,
    _left_out,
    check_functions,
    describe_handover,
    render_handover,
)
from patchbot.qemu.hold import parse_hold
from patchbot.qemu.scenario import load_scenarios as load_booted
from patchbot.qemu.symbols import parse_symbols
from patchbot.qemu.window import with_holds

NAMES = {0: "main", 1: "writer", 2: "commit"}
THREADS = {"writer": "store_*", "commit": "jbd2/*"}
WRITER = Stand(
    1, 2, "xas_set_mark",
    (Place(("fault", "dirty"), 0, True), Place(("fault",), 2, True)),
    True,
)  # fmt: skip
COMMIT = Stand(2, 1, "submit", (Place(("submit",), 1, False),), True)


def make(*stands: Stand, scenario: str = "some/window", **changes: Any) -> dict[str, Any]:
    holds = [_hold(stand, NAMES, THREADS) for stand in stands]
    return {"scenario": scenario, "holds": holds, "left_out": [], "checked": True} | changes


def test_the_command_has_a_window_for_each_preemption_in_order() -> None:
    lines = render_handover(make(WRITER, COMMIT), "/a tree", "0123456789abcdef")
    assert lines == [
        "try it on a booted kernel: patchbot smoke --tree '/a tree' --rev 0123456789ab"
        " --scenario some/window --hold 'fault>dirty:store_*' --hold 'submit:jbd2/*'",
        "  writer is held at dirty(), not in xas_set_mark(): the same for the others",
        "  commit is held at submit(): 1 of its accesses that matter to the others are on the"
        " other side",
    ]


def test_what_the_command_does_otherwise_is_told() -> None:
    third = Stand(2, 3, "submit", COMMIT.places, True)
    handover = make(WRITER, third, left_out=["2@7=1, what a choice gives"], checked=False)
    assert render_handover(handover, "/t", "0123456789abcdef")[3:] == [
        "  when commit stands, writer goes on; in the schedule 3 does",
        "  not handed over: 2@7=1, what a choice gives",
        "  no image of this commit is kept: whether these are functions of its own is a guess",
    ]


@pytest.mark.parametrize(
    ("handover", "why"),
    [
        (make(WRITER, scenario=""), "no scenario of `patchbot smoke` does the same"),
        (make(), "the schedule stops no thread"),
        (
            make(Stand(0, 1, "setup", WRITER.places, True)),
            "in some/window nothing can be held that is like the thread main",
        ),
        (
            make(Stand(1, 2, "memcpy", (), True)),
            "writer stands in memcpy(), near no function of this kernel to hold it at",
        ),
        (make(WRITER, WRITER), "writer is stopped twice in a row"),
    ],
)
def test_where_there_is_no_command_the_reason_is_told(handover: dict[str, Any], why: str) -> None:
    assert render_handover(handover, "/t", "0123") == [
        f"try it on a booted kernel: no command, {why}"
    ]


def test_nothing_is_said_of_trees_that_are_no_whole_kernel() -> None:
    assert render_handover(None, "/t", "0123") == []


def test_places_whose_functions_the_built_kernel_has_not_are_passed_over() -> None:
    symbols = parse_symbols(
        "0000000000001000 T fault\n0000000000001100 t dirty.cold\n"
        "0000000000001200 t submit.isra.0\n0000000000001300 D dirty_data\n"
    )
    found = check_functions(make(WRITER, COMMIT, checked=False), symbols.has_function)
    assert found["checked"]
    assert [[place["steps"] for place in hold["places"]] for hold in found["holds"]] == [
        [["fault"]],
        [["submit"]],
    ]
    assert not symbols.has_function("dirty_data")


def test_what_is_no_preemption_is_left_out_of_the_command() -> None:
    """Thread 1 is preempted once; at its second deviation it waited, and could not go on."""
    assert list(_left_out("0@0>2,1@5>2,2@7=1,1@9>3,2@9>1", [WRITER, COMMIT])) == [
        "0@0>2, which thread begins",
        "2@7=1, what a choice gives",
        "1@9>3, who goes on where a thread waits or has ended",
    ]
    assert list(_left_out("-", [])) == []


def test_a_scenario_without_a_booted_one_has_no_threads_to_name() -> None:
    scenario = load_scenarios()["first-store/ordered"]
    assert scenario.booted is None
    trace = [(1, "", "", 0, "preempt", 0, 0, 2)]
    found = describe_handover("1@5>2", trace, ir.Program(), scenario, NAMES)
    assert (found["scenario"], found["holds"][0]["pattern"]) == ("", "")
    assert (found["holds"][0]["thread"], found["left_out"]) == ("writer", [])


@pytest.mark.parametrize(
    "scenario",
    [each for each in load_scenarios().values() if each.booted],
    ids=lambda each: each.name,
)
def test_what_a_scenario_names_can_be_held_when_booted(scenario: Scenario) -> None:
    assert scenario.booted is not None
    booted = load_booted()[scenario.booted.scenario]
    known = booted.environment["HOLD"].split()
    text = scenario.source.read_text("utf-8")
    for name, pattern in scenario.booted.threads.items():
        assert f'sim_thread("{name}",' in text
        assert pattern in known
        assert with_holds(booted, [parse_hold(f"f:{pattern}")]).environment["HOLD"] == pattern


def test_a_variant_names_its_own_booted_scenario() -> None:
    text = """\
summary = "a thing"
source = "a.c"
booted = { scenario = "boot", threads = { one = "x*" } }

[[variant]]
name = "plain"
summary = "as it is"

[[variant]]
name = "other"
summary = "another way"
booted = { scenario = "window", threads = {} }
"""
    folder = load_scenarios()["write-protect/first-page"].source.parent
    plain, other = parse_scenarios("a", text, folder)
    assert plain.booted == Booted("boot", {"one": "x*"})
    assert other.booted == Booted("window", {})
