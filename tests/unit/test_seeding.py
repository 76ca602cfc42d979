"""The seeding tool itself: edits of C, the rating of what is found, and the table."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

import tools.seeding.kernel as kernel
from tools.seeding import written
from tools.seeding.code import Code, Func, statement_of
from tools.seeding.edits import MARK, Edit, apply, delete, insert_after, insert_before, wrap
from tools.seeding.kernel import Tree
from tools.seeding.model import Seed, variant
from tools.seeding.score import Hit, Scorer
from tools.seeding.table import Row, add, render

TEXT = b"""static int demo(struct inode *inode)
{
	int err;

	down_write(&EXT4_I(inode)->i_data_sem);
	err = load(inode);
	if (err)
		note(inode);
	up_write(&EXT4_I(inode)->i_data_sem);
	return err;
}
"""


@pytest.fixture
def code() -> Code:
    return Code("fs/ext4/demo.c", TEXT)


def call(code: Code, name: str) -> Edit:
    return delete(code, statement_of(code.functions[0].named({name})[0].node))


def test_a_statement_is_deleted_with_its_line(code: Code) -> None:
    text, _ = apply(TEXT, [call(code, "up_write")])
    assert text == TEXT.replace(b"\tup_write(&EXT4_I(inode)->i_data_sem);\n", b"")


def test_of_all_of_an_if_an_empty_statement_is_left(code: Code) -> None:
    text, _ = apply(TEXT, [call(code, "note")])
    assert b"\tif (err)\n\t\t;\n\tup_write" in text


def test_lines_of_marks_and_nodes_are_those_of_the_new_text(code: Code) -> None:
    first, second = (
        statement_of(code.functions[0].named({name})[0].node) for name in ("down_write", "up_write")
    )
    edits = [insert_before(code, first, f"one();\n{MARK}two();"), wrap(code, second, "if (1)")]
    text, lines = apply(TEXT, edits, [second])
    found = [text.decode().split("\n")[line - 1].strip() for line in lines]
    assert found == ["two();", "if (1) {", "up_write(&EXT4_I(inode)->i_data_sem);"]


def test_a_line_behind_all_of_an_if_gets_braces(code: Code) -> None:
    only = statement_of(code.functions[0].named({"note"})[0].node)
    text, _ = apply(TEXT, [insert_after(code, only, "more(inode);")])
    assert b"{ note(inode);\n\t\tmore(inode); }" in text


def test_edits_must_not_overlap() -> None:
    with pytest.raises(AssertionError, match="overlap"):
        apply(b"abcdef", [Edit(0, 4, "x"), Edit(2, 5, "y")])


def tree(tmp_path: Path) -> Tree:
    (tmp_path / "fs/ext4").mkdir(parents=True)
    (tmp_path / "fs/ext4/demo.c").write_bytes(TEXT)
    return Tree("demo", tmp_path)


def seed(lines: tuple[int, ...]) -> Seed:
    data = TEXT.replace(b"\t\tnote(inode);", b"\t\treturn err;")
    name = frozenset({"demo"})
    path = "fs/ext4/demo.c"
    return Seed("exit-without-release", "x", "demo", path, "demo", data, lines, name, False, "")


@pytest.mark.parametrize(
    ("line", "hit"), [(8, Hit.LINE), (9, Hit.NEAR), (5, Hit.NEAR), (4, Hit.FUNCTION)]
)
def test_a_finding_is_rated_by_its_distance(tmp_path: Path, line: int, hit: Hit) -> None:
    outcome = Scorer(tree(tmp_path)).score(seed((line,)))
    assert [finding.line for finding in outcome.found] == [8]
    assert outcome.hit is hit


def test_what_the_unmodified_file_gives_is_not_counted(tmp_path: Path) -> None:
    sources = tree(tmp_path)
    faulty = seed((8,))
    (tmp_path / faulty.path).write_bytes(faulty.data)
    assert Scorer(sources).score(faulty).hit is Hit.MISSED


def test_some_seeds_are_taken_always_the_same_or_every_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []
    monkeypatch.setattr("tools.seeding.model.VARIANTS", made)

    @variant("exit-without-release", "x", {"demo"}, most=1)
    def _each(_tree: Tree, code: Code, func: Func) -> object:
        from tools.seeding.model import Draft

        for each in func.calls:
            yield Draft([delete(code, statement_of(each.node))], [each.node])

    sources = tree(tmp_path)
    one = made[0].seeds(sources)  # type: ignore[attr-defined]
    assert len(one) == 1
    assert one == made[0].seeds(sources)  # type: ignore[attr-defined]
    every = made[0].seeds(sources, every=True)  # type: ignore[attr-defined]
    assert len(every) == 6
    assert one[0] in every


def test_parts_are_added_up() -> None:
    parts = [
        Row("b-rule", "6.1", variants=2, seeds=3, line=2, near=1),
        Row("a-rule", "6.1", variants=1, seeds=4, missed=4),
        Row("b-rule", "6.1", variants=1, seeds=1, function=1),
    ]
    assert add(parts)[1] == Row("b-rule", "6.1", 3, 4, 2, 1, 1)
    assert [line.split() for line in render(parts).split("\n")[1:]] == [
        ["a-rule", "6.1", "1", "4", "0", "0", "0", "4", "0"],
        ["b-rule", "6.1", "3", "4", "2", "1", "1", "0", "0"],
        ["all", "6.1", "4", "8", "2", "1", "1", "4", "0"],
    ]


def test_only_what_is_wanted_is_unpacked_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = tmp_path / "linux-source-6.1"
    for name in ("fs/ext4/inode.c", "drivers/net/tun.c", "include/linux/fs.h"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(f"/* {name} */\n")
    with tarfile.open(tmp_path / "linux-source-6.1.tar.xz", "w:xz") as archive:
        archive.add(top, top.name)
    monkeypatch.setattr(kernel, "_PACKED", tmp_path)
    found = kernel.unpack("6.1", tmp_path / "cache")
    files = sorted(p.relative_to(found).as_posix() for p in found.rglob("*") if p.is_file())
    assert files == ["fs/ext4/inode.c", "include/linux/fs.h"]
    (found / "fs/ext4/inode.c").write_text("changed\n")
    again = kernel.unpack("6.1", tmp_path / "cache")
    assert (again / "fs/ext4/inode.c").read_text() == "changed\n"


def test_without_the_package_there_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel, "_PACKED", tmp_path)
    with pytest.raises(FileNotFoundError):
        kernel.open_tree("6.12", tmp_path / "cache")


@pytest.mark.parametrize("reason", ['reason = "too short"', ""])
def test_what_is_written_down_needs_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    path = tmp_path / "missed.toml"
    fields = ('trees = ["6.1"]', *(f'{k} = "x"' for k in ("rule", "variant", "file", "function")))
    path.write_text("\n".join(("[[entry]]", *fields, reason)))
    monkeypatch.setattr(written, "MISSED", path)
    with pytest.raises(ValueError, match="reason"):
        written.load_missed()
