"""The tools stage on a real kernel: what a series brings, from checkpatch, gcc, sparse, spatch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from patchbot.model import Change, Severity, StageResult, Status
from patchbot.sandbox import find_sandbox
from patchbot.stages.tools import ToolsStage
from patchbot.tree import open_tree
from tests.support.fakes import make_request, make_revision
from tests.support.git_tree import run_git
from tests.support.kernel_git import commit_on, file_of, kernel_git
from tests.support.require import require

pytestmark = pytest.mark.xdist_group("kbuild")
TOOLS = ("perl", "make", "gcc", "flex", "bison", "bc", "sparse", "spatch", "bwrap")
SIGNED = """

A change made for a test, to be seen by a tool.

Signed-off-by: Test Author <author@example.org>
"""
COMMIT, FSYNC = "fs/jbd2/commit.c", "fs/ext4/fsync.c"
ANCHOR = b"\nvoid jbd2_journal_commit_transaction(journal_t *journal)\n"


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of its own on the objects of the one that is kept."""
    for tool in TOOLS:
        require(tool)
    folder = tmp_path_factory.mktemp("kernel") / "tree.git"
    run_git(folder.parent, "clone", "-q", "--bare", "--shared", str(kernel_git("6.12")), "tree.git")
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def run_stage(kernel: Path, commits: Sequence[str], home: Path, folder: Path) -> StageResult:
    """The stage's answer for commits; the first is the base."""
    data = {"base": commits[0], "commits": list(commits[1:])}
    applied = StageResult("apply", Status.PASS, "applied", data=data)
    request = replace(
        make_request(),
        revision=make_revision(patches=len(commits) - 1),
        tree=open_tree(kernel),
        folder=folder,
        earlier={"apply": applied},
        home=home,
    )
    return ToolsStage().run(request)


def insert(text: bytes, anchor: bytes, added: str) -> bytes:
    assert text.count(anchor) == 1
    return text.replace(anchor, added.encode() + anchor)


def test_what_each_patch_brings(kernel: Path, home: Path, tmp_path: Path) -> None:
    base = run_git(kernel, "rev-parse", "master")
    commit, fsync = (file_of(kernel, base, path) for path in (COMMIT, FSYNC))
    unused = "\n\tint walnut;\n"
    helper = f"""
static __be32 jbd2_walnut(u32 x)
{{{unused}
        return x;
}}

__be32 jbd2_shell(u32 x);
__be32 jbd2_shell(u32 x)
{{
	return jbd2_walnut(x);
}}
"""
    one = commit_on(
        kernel,
        base,
        {COMMIT: insert(commit, ANCHOR, helper)},
        f"jbd2: bring what gcc, sparse and checkpatch see{SIGNED}",
    )
    semicolon = "\nint ext4_walnut(int x);\nint ext4_walnut(int x)\n{\n"
    semicolon += "\tswitch (x) {\n\tcase 1:\n\t\treturn 2;\n\t};\n\treturn 0;\n}\n"
    end = fsync + semicolon.encode()
    evil = file_of(kernel, base, "Makefile").replace(
        b"# SPDX", b"$(shell touch $(objtree)/evil evil)\n# SPDX", 1
    )
    script = file_of(kernel, base, "scripts/checkpatch.pl").replace(b"use strict;", b"die;", 1)
    two = commit_on(
        kernel,
        one,
        {FSYNC: end, "fs/ext4/Makefile": evil, "scripts/checkpatch.pl": script},
        f"ext4: bring what coccinelle sees, and change what builds{SIGNED}",
    )
    three = commit_on(
        kernel,
        two,
        {
            COMMIT: insert(commit, ANCHOR, helper.replace(unused, "")),
            "fs/jbd2/revoke.c": file_of(kernel, base, "fs/jbd2/revoke.c")
            + b"int jbd2_lost(void);\nint jbd2_lost(void)\n{\n\treturn walnut_lost();\n}\n",
        },
        f"jbd2: take one of them away, and break the build{SIGNED}",
    )
    result = run_stage(kernel, [base, one, two, three], home, tmp_path / "run")
    assert find_sandbox().program is not None
    said = {(f.rule, f.change, f.patch, f.file, f.severity) for f in result.findings}
    warning = Severity.WARNING
    new = Change.INTRODUCED
    for expected in (
        ("sparse", new, 1, COMMIT, warning),
        ("not-bisect-clean", None, 1, COMMIT, warning),
        ("checkpatch:CODE_INDENT", new, 1, COMMIT, warning),
        ("coccinelle:semicolon", new, 2, FSYNC, warning),
        ("gcc:error=implicit-function-declaration", new, 3, "fs/jbd2/revoke.c", warning),
    ):
        assert expected in said
    assert {f.change for f in result.findings} == {None, new}
    passing = next(f for f in result.findings if f.rule == "not-bisect-clean")
    assert "patch 1 brings what patch 3 takes away again" in passing.message
    assert "unused variable 'walnut'" in passing.message
    assert result.status is Status.WARN
    assert set(result.tools) == {"checkpatch", "gcc", "sparse", "coccinelle"}
    assert not list(home.rglob("evil"))


def test_an_error_of_c_alone_fails_and_the_kept_folder_is_the_base_again(
    kernel: Path, home: Path, tmp_path: Path
) -> None:
    base = run_git(kernel, "rev-parse", "master")
    broken = file_of(kernel, base, FSYNC) + b"int ext4_lost(void)\n{\n\treturn walnut();\n}\n"
    one = commit_on(kernel, base, {FSYNC: broken}, f"ext4: break the build{SIGNED}")
    result = run_stage(kernel, [base, one], home, tmp_path / "run")
    assert result.status is Status.FAIL
    errors = [f for f in result.findings if f.severity is Severity.ERROR]
    assert [(f.rule, f.file, f.patch) for f in errors] == [
        ("gcc:error=implicit-function-declaration", FSYNC, 1)
    ]
    (source,) = home.glob("kbuild/*/source")
    assert (source / FSYNC).read_bytes() == file_of(kernel, base, FSYNC)


def test_a_clean_change_passes(kernel: Path, home: Path, tmp_path: Path) -> None:
    base = run_git(kernel, "rev-parse", "master")
    text = file_of(kernel, base, FSYNC)
    assert text.count(b"\tint ret = 0, err;\n") == 1
    changed = text.replace(b"\tint ret = 0, err;\n", b"\tint err, ret = 0;\n")
    one = commit_on(kernel, base, {FSYNC: changed}, f"ext4: turn two declarations{SIGNED}")
    result = run_stage(kernel, [base, one], home, tmp_path / "run")
    assert (result.status, result.findings) == (Status.PASS, ())
    assert result.reason.startswith("checkpatch, gcc, sparse, coccinelle: nothing introduced")


def test_a_tree_that_is_no_kernel_is_skipped(tmp_path: Path) -> None:
    run_git(tmp_path, "init", "-q", "-b", "main", "t")
    run_git(tmp_path / "t", "commit", "-q", "--allow-empty", "-m", "base")
    commit = run_git(tmp_path / "t", "rev-parse", "HEAD")
    result = run_stage(tmp_path / "t", [commit, commit], tmp_path / "home", tmp_path / "run")
    assert result.status is Status.SKIPPED
    assert "Makefile, Kconfig, scripts/checkpatch.pl" in result.reason
