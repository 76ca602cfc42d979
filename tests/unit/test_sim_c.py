"""C programs by topic: the simulator's front end and both its engines against gcc."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from kernel_sim.cfront.linking import Linker

from tests.support import ROOT
from tests.support.random_c import random_programs
from tests.support.sim_c import (
    link,
    preprocess,
    said_by_gcc,
    said_by_native,
    said_by_python,
    unit_of,
    unknowns,
)

PROGRAMS = sorted((ROOT / "tests/data/csim").glob("*.c"))
PER_TEXT = 25
"""Random programs in one text."""
UNREACHED = {"builtins": ["__builtin_unreachable() is reached"]}
"""What stands in a program and is not run."""


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_program_says_what_gcc_makes_it_say(path: Path, tmp_path: Path) -> None:
    text = preprocess(path.read_text(encoding="utf-8"))
    wanted = said_by_gcc(text, tmp_path)
    program, linker = link(text)
    assert (unknowns(program), linker.ledger.broken) == (UNREACHED.get(path.stem, []), {})
    assert len(wanted) > 50
    assert said_by_python(program) == wanted
    assert said_by_native(program) == wanted


def test_a_wrong_answer_is_seen(tmp_path: Path) -> None:
    """The comparison is of no use if it cannot fail: unsigned division done as signed."""
    text = (
        'void sim_note(const char *, long); int main(void) { sim_note("x", -6%s / 2); return 0; }'
    )
    wanted = said_by_gcc(text % "u", tmp_path)
    assert wanted == [("x", 0x7FFFFFFD)]
    assert said_by_python(link(text % "")[0]) == [("x", -3)]


def test_random_programs(tmp_path: Path) -> None:
    """Seeds 0 to 99; with PATCHBOT_TEST_SIM_C=N, N programs of seeds from 10,000 on."""
    wanted_count = int(os.environ.get("PATCHBOT_TEST_SIM_C", "0"))
    first, count = (10_000, wanted_count) if wanted_count else (0, 100)
    for seed in range(first, first + count, PER_TEXT):
        text = random_programs(seed, PER_TEXT)
        wanted = said_by_gcc(text, tmp_path)
        program, _ = link(text)
        assert (unknowns(program), len(wanted) > 15 * PER_TEXT) == ([], True), seed
        assert said_by_python(program) == wanted, seed


def test_generic_knows_a_struct_of_another_file() -> None:
    """The variable is of the file that defines it, the cases are of the one that asks."""
    box = "struct box { int n; }; struct bag { int n; };"
    asks = (
        f"{box} extern struct box *boxes; void sim_note(const char *, long); int main(void) {{"
        ' sim_note("x", _Generic(boxes + 1, struct bag *: 1, struct box *: 2)); return 0; }'
    )
    linker = Linker([unit_of(asks), unit_of(f"{box} struct box *boxes;", "other.c")])
    program = linker.link(["main"])
    assert unknowns(program) == []
    assert said_by_python(program) == [("x", 2)]


def test_the_zeros_of_zero_are_as_many_as_it_has_bits() -> None:
    """C leaves it open, and processors say this."""
    text = (
        "void sim_note(const char *, long); static unsigned int x; static unsigned long y;"
        'int main(void) { sim_note("ctz", __builtin_ctz(x)); sim_note("clz", __builtin_clz(x));'
        'sim_note("ctzl", __builtin_ctzl(y)); sim_note("clzl", __builtin_clzl(y)); return 0; }'
    )
    wanted = [("ctz", 32), ("clz", 32), ("ctzl", 64), ("clzl", 64)]
    assert said_by_python(link(text)[0]) == wanted
