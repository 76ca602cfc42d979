"""Which lines the configuration leaves out, and what is said of a series that changes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kernel_sim.kit import load_kits
from kernel_sim.left_out import LeftOut, config_of, find_left_out

from patchbot.sim_compare import leave_open
from patchbot.sim_unseen import Unseen, find_unseen, is_compiled
from patchbot.tree import open_tree
from tests.support.git_tree import make_git_tree, run_git

CONFIG = {"CONFIG_ON": "y", "CONFIG_COUNT": "12", "SIM_OWN": "1"}
KITS = {kit.name: kit for kit in load_kits()}
IN: list[tuple[int, int, bool]] = []
OUT, UNSURE = [(2, 2, True)], [(2, 2, False)]


def left_out(text: str) -> list[tuple[int, int, bool]]:
    return [(one.first, one.last, one.sure) for one in find_left_out(text, CONFIG)]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("#ifdef CONFIG_ON", IN), ("#ifdef CONFIG_OFF", OUT),
        ("#ifndef CONFIG_ON", OUT), ("#ifndef CONFIG_OFF", IN),
        ("#ifdef CONFIG_COUNT", IN), ("#ifdef CONFIG_ON_MODULE", OUT),
        ("#if defined(CONFIG_ON) && !defined(CONFIG_OFF)", IN),
        ("#if defined CONFIG_OFF || defined CONFIG_ON", IN),
        ("#if !(defined(CONFIG_ON) || defined(OTHER))", OUT),
        ("#if IS_ENABLED(CONFIG_ON)", IN), ("#if IS_ENABLED(CONFIG_OFF)", OUT),
        ("#if IS_BUILTIN(CONFIG_ON)", IN), ("#if IS_REACHABLE(CONFIG_OFF)", OUT),
        ("#if IS_MODULE(CONFIG_ON)", OUT),
        ("#if 0", OUT), ("#if 1", IN), ("# if 0", OUT), ("#if CONFIG_OFF", OUT),
        ("#ifdef __KERNEL__", IN), ("#ifdef SIM_OWN", IN),
        # What other files decide.
        ("#ifdef DEBUG", UNSURE), ("#if CONFIG_COUNT > 4", UNSURE), ("#if BITS == 64", UNSURE),
        ("#if defined(DEBUG) && IS_ENABLED(CONFIG_OFF)", OUT),
        ("#if defined(DEBUG) || IS_ENABLED(CONFIG_ON)", IN),
        ("#if (defined(CONFIG_ON)", UNSURE), ("#if", UNSURE), ("#if defined(", UNSURE),
    ],
)  # fmt: skip
def test_conditions(condition: str, found: list[tuple[int, int, bool]]) -> None:
    assert left_out(f"{condition}\nint a;\n#endif\nint b;\n") == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("#ifdef CONFIG_ON\na;\n#else\nb;\n#endif\n", [(4, 4, True)]),
        ("#ifdef CONFIG_OFF\na;\n#else\nb;\n#endif\n", [(2, 2, True)]),
        ("#if 0\na;\n#elif 1\nb;\n#elif 1\nc;\n#else\nd;\n#endif\n",
         [(2, 2, True), (6, 6, True), (8, 8, True)]),
        ("#ifdef DEBUG\na;\n#elif 0\nb;\n#else\nc;\n#endif\n",
         [(2, 2, False), (4, 4, True), (6, 6, False)]),
        ("#if 0\n#if 1\na;\n#else\nb;\n#endif\nc;\n#endif\n",
         [(3, 3, True), (5, 5, True), (7, 7, True)]),
        # Blank lines and comments are no code, and macros are.
        ("#if 0\n\n/* no\n * code */\n#endif\n", []),
        ("#if 0\na;\n\n// no\nb;\n#endif\n", [(2, 5, True)]),
        ("#if 0\n#define A \\\n\t1\n#endif\n", [(2, 3, True)]),
        # A condition in a comment is none; one in two lines is one.
        ("/*\n#if 0\n*/\na;\n", []),
        ("#if defined(CONFIG_ON) && \\\n    defined(CONFIG_OFF)\na;\n#endif\n", [(3, 3, True)]),
        # The guard of a header.
        ("/* x */\n\n#ifndef _A_H\n#define _A_H\na;\n#ifdef CONFIG_OFF\nb;\n#endif\n#endif\n",
         [(7, 7, True)]),
        ("#ifndef A\n#define B\na;\n#endif\n", [(2, 3, False)]),
        ("#else\n#endif\na;\n", []),
    ],
)  # fmt: skip
def test_lines(text: str, found: list[tuple[int, int, bool]]) -> None:
    assert left_out(text) == found


def test_the_simulators_own_configuration() -> None:
    """Memory nodes are not in it; a tree with headers of its own has none."""
    linux = config_of(KITS["linux"])
    assert find_left_out("#ifdef CONFIG_NUMA\na;\n#endif\n", linux) == [LeftOut(2, 2, True)]
    assert find_left_out("#ifdef CONFIG_SMP\na;\n#endif\n", linux) == []
    assert find_left_out("#ifdef CONFIG_SMP\na;\n#endif\n", config_of(KITS["bundled"])) != []


@pytest.mark.parametrize(
    ("kit", "path", "compiled"),
    [
        ("linux", "fs/jbd2/commit.c", True), ("linux", "fs/dax.c", False),
        ("linux", "fs/ext4/inode.c", True), ("linux", "fs/ext4/namei.c", False),
        ("linux", "fs/jbd2/deeper/commit.c", False), ("linux", "tools/fs/buffer.c", False),
        ("linux", "include/linux/fs.h", True),
        ("bundled", "fs/jbd2/commit.c", True), ("bundled", "new.c", True),
    ],
)  # fmt: skip
def test_files(kit: str, path: str, compiled: bool) -> None:
    assert is_compiled(KITS[kit], path) is compiled


def test_what_is_said_of_a_series(tmp_path: Path) -> None:
    text = "int a;\n#ifdef CONFIG_NUMA\nint b;\nint c;\n#endif\n"
    files = {"fs/buffer.c": text, "fs/dax.c": "int d;\n", "Kconfig": "x\n", "mm/swap.c": "int e;\n"}
    tree = open_tree(make_git_tree(tmp_path / "tree", files))
    base = str(tree.resolve_commit("HEAD"))
    (tree.top / "fs/buffer.c").write_text(text.replace("int b;", "long b;\nlong bb;"))
    (tree.top / "fs/dax.c").write_text("long d;\n")
    (tree.top / "Kconfig").write_text("y\n")
    (tree.top / "mm/swap.c").write_text("long e;\n")
    run_git(tree.top, "commit", "-qam", "edit")
    last = str(tree.resolve_commit("HEAD"))
    assert find_unseen(tree, base, last, KITS["linux"]) == Unseen(
        (
            "lines 3 taken out of fs/buffer.c are not in the configuration the simulator uses",
            "changed lines 3-4 of fs/buffer.c are not in the configuration the simulator uses",
        ),
        ("fs/dax.c",),
    )
    assert find_unseen(tree, base, base, KITS["linux"]) == Unseen()


def test_unseen_lines_are_never_a_pass() -> None:
    row: dict[str, Any] = {"result": "no failure", "failure": None, "reasons": [], "complete": True}
    assert leave_open(row, []) == row
    assert leave_open(row, ["why"]) == row | {"result": "inconclusive", "reasons": ["why"]}
    failed = row | {"result": "failure", "failure": {"kind": "recovery"}}
    assert leave_open(failed, ["why"]) == failed
