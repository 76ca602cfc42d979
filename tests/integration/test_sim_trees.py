"""The simulator's front door on Debian's kernels: all files that matter, checked by two parsers."""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
from pathlib import Path

import pytest
import tree_sitter_c
from kernel_sim.cfront.errors import TreeError
from kernel_sim.cfront.headers import Headers, prepare_headers
from kernel_sim.cfront.plain import Plain, make_plain
from kernel_sim.cfront.preprocess import Source, preprocess
from kernel_sim.kit import load_kits
from tree_sitter import Language, Node, Parser

from tests.support.git_tree import run_git
from tests.support.kernel_git import kernel_git
from tests.support.require import require
from tests.support.sim_gcc import complaints, model_files

JBD2 = ("checkpoint", "commit", "journal", "recovery", "revoke", "transaction")
FILES = (
    "fs/jbd2/commit.c", "fs/jbd2/journal.c", "fs/jbd2/transaction.c", "fs/ext4/inode.c",
    "fs/ext4/super.c", "fs/buffer.c", "mm/memory.c", "mm/page-writeback.c",
)  # fmt: skip
PARSER = Parser(Language(tree_sitter_c.language()))
CHECK = ["gcc", "-fsyntax-only", "-std=gnu11", "-w", "-fno-builtin", "-fms-extensions"]


@pytest.fixture(scope="module", params=["6.1", "6.12"])
def headers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Headers:
    require("gcc")
    repository = kernel_git(request.param)
    folder = tmp_path_factory.mktemp(f"linux-{request.param}")
    paths = ["Makefile", "include", "fs", "mm", "block", "lib", "kernel"]
    have = set(run_git(repository, "ls-tree", "--name-only", "master").split())
    command = ["git", "archive", "master", *(path for path in paths if path in have)]
    made = subprocess.run(command, cwd=repository, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(made)) as archive:
        archive.extractall(folder / "tree", filter="data")
    return prepare_headers(folder / "tree", folder / "cache")


@pytest.mark.parametrize("path", FILES)
def test_a_file(headers: Headers, path: str, tmp_path: Path) -> None:
    source = preprocess(headers, path)
    assert errors_of_gcc(source, tmp_path) == []
    plain = make_plain(source.text)
    assert plain.text.count("\n") == source.text.count("\n")
    root = PARSER.parse(plain.text.encode()).root_node
    assert [source.origin(node.start_point[0]) for node in broken(root)] == []
    assert [source.origin(line) for line in lines_with_asm(plain)] == []
    assert [text for text in plain.types if not parses_as_type_or_value(text)] == []
    found, missed = functions_at_their_lines(root, source, headers)
    assert (found > 3, missed) == (True, [])


def test_the_model_compiles(headers: Headers, tmp_path: Path) -> None:
    """Its types are the tree's: also of functions that the tree has and the model replaces."""
    kit = next(kit for kit in load_kits() if kit.name == "linux")
    names = ("write-protect/first-page", "journal-flip/set-stored", "dax-flip", "inline-race/kept")
    files = [file for file in model_files(kit) if file[1] is None or file[1].name in names]
    assert len({file[1].name for file in files if file[1] is not None}) == len(names)
    assert complaints(headers.tree, kit, tmp_path, files) == []
    seeded = tmp_path / "seeded.c"
    seeded.write_text(
        "#include <linux/rwsem.h>\nvoid instead_of_down_read(struct rw_semaphore *sem)\n"
        "{\n\tsim_acquire(sem->count, 1);\n}\nvoid instead_of_up_read(int sem)\n{\n}\n"
    )
    said = complaints(headers.tree, kit, tmp_path, [(seeded, None)])
    assert [each.split(":")[0] for each in said] == ["<sim>/scenario/seeded.c", "prototypes"]
    assert "incompatible type for argument 1 of ‘sim_acquire’" in said[0]
    assert "conflicting types for ‘up_read’" in said[1]


def test_every_thing_that_is_wrong_is_seen(headers: Headers, tmp_path: Path) -> None:
    """The four checks above are no use if they cannot fail."""
    top = headers.tree / "fs/ext4"
    (top / "seeded.c").write_text(
        '#include "ext4.h"\nint a(void) { return b; }\n'
        'int c(void) { asm("nop"); }\nint d(void) { 1 2; }\n'
    )
    source = preprocess(headers, "fs/ext4/seeded.c")
    assert [line.split(":")[0] for line in errors_of_gcc(source, tmp_path)] == ["2", "4"]
    plain = make_plain(source.text)
    assert [source.origin(n) for n in lines_with_asm(plain)] == [("fs/ext4/seeded.c", 3)]
    root = PARSER.parse(plain.text.encode()).root_node
    assert {source.origin(node.start_point[0]) for node in broken(root)} == {
        ("fs/ext4/seeded.c", 4)
    }
    assert not parses_as_type_or_value("1 2")


def test_a_tree_that_lost_a_header(headers: Headers) -> None:
    lost = headers.tree / "include/linux/jbd2.h"
    text = lost.read_text()
    lost.unlink()
    try:
        with pytest.raises(TreeError, match=r"linux/jbd2.h: No such file"):
            preprocess(headers, "fs/jbd2/commit.c")
    finally:
        lost.write_text(text)


def errors_of_gcc(source: Source, folder: Path) -> list[str]:
    """Line in the tree, and gcc's words, for each error in a preprocessed text."""
    file = folder / "text.c"
    file.write_text(source.text)
    said = subprocess.run([*CHECK, str(file)], capture_output=True, text=True, check=False).stderr
    found = re.findall(r"^[^:\n]*:(\d+):\d+: error: (.*)$", said, re.M)
    return [f"{source.origin(int(line) - 1)[1]}: {text}" for line, text in found]


def broken(node: Node) -> list[Node]:
    if node.is_error or node.is_missing:
        return [node]
    return [each for child in node.children for each in broken(child)] if node.has_error else []


def lines_with_asm(plain: Plain) -> list[int]:
    text = re.sub(r'"(?:[^"\\\n]|\\.)*"', '""', plain.text)
    return [text.count("\n", 0, at.start()) for at in re.finditer(r"\b(asm|__asm__)\b", text)]


def parses_as_type_or_value(text: str) -> bool:
    return not PARSER.parse(f"int x = sizeof({text});".encode()).root_node.has_error


def functions_at_their_lines(root: Node, source: Source, headers: Headers) -> tuple[int, list[str]]:
    """How many functions of the file itself there are; those not where the map says they are."""
    count, missed = 0, []
    text = (headers.tree / source.path).read_text().split("\n")
    for node in root.children:
        path, line = source.origin(node.start_point[0])
        if node.type == "function_definition" and path == source.path:
            name = re.sub(r"^__(se|do)_sys_", "", name_of(node))  # of SYSCALL_DEFINEn(name, ...)
            count += 1
            if name not in "\n".join(text[line - 1 : line + 4]) and "##" not in "".join(text):
                missed.append(f"{name} at line {line}")
    return count, missed


def name_of(node: Node) -> str:
    """The name that a function's definition declares."""
    at: Node | None = node.child_by_field_name("declarator")
    while at is not None and at.type != "identifier":
        at = at.child_by_field_name("declarator")
    return at.text.decode() if at is not None and at.text else ""
