"""Every struct of real headers as gcc lays it out: sizes, alignments, offsets, bits."""

from __future__ import annotations

from pathlib import Path

import pytest
from kernel_sim.cfront.headers import Headers
from kernel_sim.cfront.preprocess import Source, preprocess
from kernel_sim.cfront.unit import Unit

from tests.integration.test_sim_trees import JBD2, headers
from tests.support.sim_layouts import differences, layouts_of

__all__ = ["headers"]
FILES = (*(f"fs/jbd2/{name}.c" for name in JBD2), "fs/ext4/inode.c", "mm/memory.c")


@pytest.mark.parametrize("path", FILES)
def test_layouts(headers: Headers, path: str, tmp_path: Path) -> None:
    source = preprocess(headers, path)
    found = layouts_of(Unit(source))
    assert found.unread == {}
    assert (len(found.values) > 3000, len(found.bits) > 30) == (True, True)
    assert differences(source.text, found, tmp_path) == []


def test_a_wrong_layout_is_seen(tmp_path: Path) -> None:
    """The comparison is of no use if it cannot fail."""
    text = "struct s { char a; int b; unsigned c:3, d:9; struct { short e; } f; };"
    found = layouts_of(Unit(Source("s.c", text, [0], ["s.c"], [1])))
    assert found.values == {
        "sizeof(struct s)": 12,
        "_Alignof(struct s)": 4,
        "__builtin_offsetof(struct s, a)": 0,
        "__builtin_offsetof(struct s, b)": 4,
        "__builtin_offsetof(struct s, f)": 10,
        "__builtin_offsetof(struct s, f.e)": 10,
    }
    assert found.bits == [("struct s", "c", 64, 3), ("struct s", "d", 67, 9)]
    assert differences(text, found, tmp_path) == []
    wrong = text.replace("char a", "long a").replace("c:3", "c:4")
    assert differences(wrong, found, tmp_path) == [
        "sizeof(struct s): 12, gcc says 16",
        "_Alignof(struct s): 4, gcc says 8",
        "__builtin_offsetof(struct s, b): 4, gcc says 8",
        "__builtin_offsetof(struct s, f): 10, gcc says 14",
        "__builtin_offsetof(struct s, f.e): 10, gcc says 14",
        "struct s.c: 64 3, gcc says 96 4",
        "struct s.d: 67 9, gcc says 100 9",
    ]
