"""pcpp in gcc's place: the same text where it can, and errors that name themselves where not."""

from __future__ import annotations

from pathlib import Path

import pytest
from kernel_sim.cfront import fallback, runner
from kernel_sim.cfront.errors import PreprocessError
from kernel_sim.cfront.headers import prepare_headers
from kernel_sim.cfront.preprocess import Source, preprocess

from tests.unit.test_sim_preprocess import FILES, write

pytest.importorskip("pcpp")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(runner, "has_gcc", lambda: False)
    return write(tmp_path / "linux", FILES)


def read(tree: Path, text: str) -> Source:
    write(tree, {"fs/two.c": text})
    return preprocess(prepare_headers(tree, tree.parent / "cache"), "fs/two.c")


def test_text_and_lines(tree: Path) -> None:
    text = '#define TWO 2\n#include "one.h"\n#if TWO > 1\nint two = TWO;\n#endif\n'
    write(tree, {"fs/one.h": "\nint one;\n"})
    source = read(tree, text)
    lines = source.text.split("\n")
    assert source.origin(lines.index("int two = 2;")) == ("fs/two.c", 4)
    assert source.origin(lines.index("int one;")) == ("fs/one.h", 2)


def test_the_bounds_are_the_same(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = prepare_headers(tree, tree.parent / "slow").cache / "generated/bounds.h"
    monkeypatch.setattr(runner, "has_gcc", lambda: True)
    fast = prepare_headers(tree, tree.parent / "fast").cache / "generated/bounds.h"
    assert slow.read_text() == fast.read_text()


def test_faults(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PreprocessError, match=r"linux/none.h: No such file"):
        read(tree, "#include <linux/none.h>\n")
    with pytest.raises(PreprocessError, match=r"/dev/zero: no plain file"):
        read(tree, '#include "/dev/zero"\n')
    with pytest.raises(PreprocessError, match=r"not in the tree"):
        read(tree, f'#include "{write(tree.parent, {"out.h": "int x;"}) / "out.h"}"\n')
    with pytest.raises(PreprocessError, match=r"stop here"):
        read(tree, "#error stop here\n")
    monkeypatch.setattr(fallback, "MAX_FILES", 50)
    with pytest.raises(PreprocessError, match=r"more than 50 includes"):
        read(tree, '#include "two.c"\n')
