"""The demo threads are current, and each shows what its README says."""

from __future__ import annotations

import email
import importlib.util
import re
import subprocess
import sys
from collections.abc import Sequence
from email.header import decode_header, make_header
from email.message import Message
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from patchbot.demo import BASE_DATE

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "series" / "demo"
SMOKE = ROOT / "tests" / "data" / "kernel_smoke.c"
FLAGS = ("-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter")
MBOX_FROM = b"From mboxrd@z Thu Jan  1 00:00:00 1970\n"


def load_tool() -> ModuleType:
    """Import tools/make_demo_threads.py, which is in no package."""
    path = ROOT / "tools" / "make_demo_threads.py"
    spec = importlib.util.spec_from_file_location("make_demo_threads", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


tool = load_tool()


def raw_mails(thread: str) -> list[bytes]:
    """Split a stored mbox into mails, with mboxrd's quoting undone."""
    data = (DEMO / f"{thread}.mbox").read_bytes()
    assert data.startswith(MBOX_FROM)
    parts = re.split(b"(?m)^" + re.escape(MBOX_FROM), data)[1:]
    return [re.sub(rb"(?m)^>(>*From )", rb"\1", p.removesuffix(b"\n")) for p in parts]


def subject(mail: bytes) -> str:
    """Return the decoded subject on one line."""
    text = str(make_header(decode_header(email.message_from_bytes(mail)["Subject"])))
    return re.sub(r"\s+", " ", text)


def patches(thread: str, tag: str = "") -> list[bytes]:
    """Return the mails that are patches, in order; `tag` picks some by subject."""
    found = []
    for mail in raw_mails(thread):
        title = subject(mail)
        is_patch = re.match(r"\[[^]]*PATCH[^]]*\]", title) and b"\ndiff --git " in mail
        if is_patch and tag in title:
            found.append(mail)
    return found


def one(thread: str, tag: str) -> bytes:
    """Return the only patch whose subject holds `tag`."""
    (mail,) = patches(thread, tag)
    return mail


V4 = ("1/3", "v4 2/3", "v3 3/3")


def v4() -> list[bytes]:
    """Compose v4: its 2/3, and what v3 has for the others."""
    return [one("page-protect-v3", tag) for tag in V4]


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, dict[str, bytes]]:
    """Make the repository with all commits, and the mbox files, once."""
    repo, wanted = tool.generate(tmp_path_factory.mktemp("demo"))
    return repo, wanted


@pytest.fixture(scope="module")
def base(generated: tuple[Any, dict[str, bytes]]) -> Path:
    """Return the generated repository, whose main branch is the base commit."""
    path: Path = generated[0].path
    return path


@pytest.fixture
def tree(base: Path, tmp_path: Path) -> Path:
    """Return a fresh work tree of the base commit."""
    path = tmp_path / "tree"
    subprocess.run(["git", "clone", "-q", str(base), str(path)], check=True)
    return path


def am(tree: Path, mails: Sequence[bytes]) -> bool:
    """Apply mails with git am; on a conflict the tree goes back to where it was."""
    for number, mail in enumerate(mails):
        file = tree.parent / f"{number}.eml"
        file.write_bytes(mail)
        git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
        command = [*git, "am", "-q", "--no-3way", str(file)]
        if subprocess.run(command, cwd=tree, capture_output=True).returncode:
            subprocess.run([*git, "am", "--abort"], cwd=tree, check=True, capture_output=True)
            return False
    return True


def sources(tree: Path) -> list[str]:
    """List the C files of a tree."""
    return sorted(str(p.relative_to(tree)) for p in tree.rglob("*.c"))


def compiles(tree: Path) -> bool:
    """Check all files of a tree the way the README says."""
    command = ["gcc", *FLAGS, "-fsyntax-only", "-Iinclude", *sources(tree)]
    return subprocess.run(command, cwd=tree, capture_output=True).returncode == 0


def smoke(tree: Path, *runs: Sequence[str]) -> list[int]:
    """Build the smoke program over a tree; return the exit code of each run."""
    program = tree.parent / "smoke"
    command = ["gcc", *FLAGS, "-Iinclude", "-I.", "-o", str(program), str(SMOKE), *sources(tree)]
    subprocess.run(command, cwd=tree, check=True, capture_output=True)
    return [subprocess.run([str(program), *args], capture_output=True).returncode for args in runs]


ALL_RUNS = ((), ("store", "0"), ("store", "3"), ("checkpoint",), ("ordered",))


def test_threads_are_current(generated: tuple[Any, dict[str, bytes]]) -> None:
    """What is stored is what the sources give; else run tools/make_demo_threads.py."""
    assert tool.stale_files(generated[1]) == []


def test_check_notices_a_change(tmp_path: Path) -> None:
    """A changed, a missing and a surplus file are all named."""
    stored = {"a.mbox": b"1", "b.mbox": b"2", "c.mbox": b"3"}
    for name, data in stored.items():
        (tmp_path / name).write_bytes(data)
    wanted = {"a.mbox": b"1", "b.mbox": b"changed", "d.mbox": b"4"}
    assert tool.stale_files(wanted, tmp_path) == ["b.mbox", "c.mbox", "d.mbox"]


def test_base_repository_is_reproducible(base: Path, tmp_path: Path) -> None:
    """Made twice, the base commit has the same id, and the threads name it."""
    first = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=base, text=True).strip()
    assert tool.create_base_repo(tmp_path / "again").ids[""] == first
    assert f"base-commit: {first}\n".encode() in raw_mails("dirty-count-v1")[0]


def test_an_edit_that_does_not_fit_is_an_error(tmp_path: Path) -> None:
    """If the tree grows away from a source file, the tool says so."""
    repo = tool.create_base_repo(tmp_path / "repo")
    edit = tool.Edit("mm/memory.c", "no such text\n", "")
    commit = tool.Commit("x/p1", "", "A <a@example.org>", BASE_DATE, "s\n", (edit,))
    with pytest.raises(tool.DemoError, match=r"mm/memory\.c has 0 places"):
        tool.make_commits(repo, [tool.Source("x", (commit,), ())])


@pytest.mark.parametrize("path", sorted(DEMO.glob("*.mbox")), ids=lambda p: str(p.stem))
def test_every_mail_is_whole(path: Path) -> None:
    """Ids are unique, replies point into the thread, and nobody real is named."""
    seen: set[str] = set()
    for raw in raw_mails(path.stem):
        mail: Message = email.message_from_bytes(raw)
        assert mail["Message-ID"] not in seen
        assert not mail["In-Reply-To"] or mail["In-Reply-To"] in seen
        seen.add(mail["Message-ID"])
        addresses = re.findall(rb"@([\w.-]+\.[a-z]+)", raw)
        assert set(addresses) <= {b"example.org", b"example.com"}
        for index in re.findall(rb"(?m)^index .*", raw):
            assert re.fullmatch(rb"index [0-9a-f]{12}\.\.[0-9a-f]{12}( 100644)?", index)


def test_v1_protects_the_first_page_only(tree: Path) -> None:
    """Its range starts at 0: a store to page 3 still spoils the log."""
    for mail in patches("page-protect-v1"):
        assert am(tree, [mail])
        assert compiles(tree)
    assert smoke(tree, *ALL_RUNS) == [0, 0, 3, 0, 0]


def test_v1_has_a_diff_in_a_reply_and_a_program_without_one() -> None:
    """The counter-proposal applies nowhere by itself, but must be seen as a patch."""
    mails = {subject(m): m for m in raw_mails("page-protect-v1")}
    replies = [m for m in raw_mails("page-protect-v1") if subject(m).startswith("Re: [RFC PATCH 2")]
    assert b"\ndiff --git " in replies[0]
    program = mails["[RFC PATCH/TEST PROGRAM] store to a mapped page while a commit runs"]
    assert b"int main(" in program
    assert b"diff --git" not in program
    assert len(patches("page-protect-v1")) == 3


def test_v1_counter_proposal_applies_on_2_of_3(tree: Path) -> None:
    """Its diff is real."""
    assert am(tree, patches("page-protect-v1")[:2])
    reply = next(m for m in raw_mails("page-protect-v1") if b"What\nabout this on top?" in m)
    diff = reply[reply.index(b"diff --git") :].split(b"\nHadi")[0]
    subprocess.run(["git", "apply", "-"], cwd=tree, input=diff, check=True)


def test_v2_last_patch_does_not_apply(tree: Path) -> None:
    """Two of three go in; the third was made on another tree."""
    first, second, third = patches("page-protect-v2")
    assert am(tree, [first, second])
    assert compiles(tree)
    assert not am(tree, [third])


def test_v2_cover_letter_lacks_its_version() -> None:
    """The patches say v2, the cover letter does not."""
    titles = [subject(m) for m in raw_mails("page-protect-v2")]
    assert titles[0].startswith("[PATCH 0/3] ")
    assert all(t.startswith(f"[PATCH v2 {n}/3] ") for n, t in enumerate(titles[1:4], 1))


def test_v3_forgets_a_page_that_waits_for_its_checkpoint(tree: Path) -> None:
    """All pages are protected, but the callback drops the dirty flag."""
    for mail in patches("page-protect-v3", "[PATCH v3"):
        assert am(tree, [mail])
        assert compiles(tree)
    assert smoke(tree, *ALL_RUNS) == [0, 0, 0, 4, 0]


def test_v4_is_good_and_takes_the_fix(tree: Path) -> None:
    """Composed of two mails of v3 and one of v4; then the follow-up goes on top."""
    for mail in [*v4(), one("page-protect-fix", "")]:
        assert am(tree, [mail])
        assert compiles(tree)
        if b"v3 3/3" in mail:
            assert smoke(tree, *ALL_RUNS) == [0, 0, 0, 0, 0]
    assert smoke(tree, *ALL_RUNS) == [0, 0, 0, 0, 0]


@pytest.mark.parametrize("below", ["base", "v1", "v3"])
def test_the_fix_applies_nowhere_else(tree: Path, below: str) -> None:
    """It changes lines that only v4 has."""
    mails = {
        "base": [],
        "v1": patches("page-protect-v1"),
        "v3": patches("page-protect-v3", "[PATCH v3"),
    }[below]
    assert am(tree, mails)
    assert not am(tree, [one("page-protect-fix", "")])


def test_the_fix_names_the_last_patch_of_v4(generated: tuple[Any, dict[str, bytes]]) -> None:
    """Its Fixes: trailer holds that commit's id and subject."""
    commit = generated[0].ids["page-protect-v3/q3"][:12]
    wanted = subject(one("page-protect-v3", "v3 3/3")).split("] ")[1]
    assert f'Fixes: {commit} ("{wanted}")'.encode() in one("page-protect-fix", "")


def test_dirty_count_v1_does_not_compile(tree: Path) -> None:
    """The tree after 1/2 does; 2/2 calls a function that no patch adds."""
    first, second = patches("dirty-count-v1")
    assert am(tree, [first])
    assert compiles(tree)
    assert am(tree, [second])
    assert not compiles(tree)


def test_dirty_count_v2_is_good(tree: Path) -> None:
    """It compiles after each patch, and changes nothing that the smoke program sees."""
    for mail in patches("dirty-count-v2"):
        assert am(tree, [mail])
        assert compiles(tree)
    assert smoke(tree, *ALL_RUNS) == [0, 3, 3, 0, 0]


def test_resend_has_the_same_patches(tree: Path) -> None:
    """Bodies are equal to the byte; only the subjects differ."""
    old, new = patches("dirty-count-v2"), patches("dirty-count-v2-resend")
    assert [m.split(b"\n\n", 1)[1] for m in old] == [m.split(b"\n\n", 1)[1] for m in new]
    assert all(subject(m).startswith("[PATCH RESEND v2 ") for m in new)
    assert am(tree, new)


def test_only_the_change_id_ties_the_revisions() -> None:
    """The v2 cover letter has another title and no link."""
    covers = [raw_mails(f"dirty-count-{v}")[0] for v in ("v1", "v2", "v2-resend")]
    assert all(b"change-id: 20260215-dirty-count-0123456789ab\n" in c for c in covers)
    assert len({subject(c).split("] ")[1] for c in covers}) == 2
    assert not any(b"lore.kernel.org" in c for c in covers)


def test_one_patch_is_missing() -> None:
    """The archive has 1/3 and 3/3."""
    titles = [subject(m).split("] ")[0] for m in patches("missing-patch")]
    assert titles == ["[PATCH v2 1/3", "[PATCH v2 3/3"]


def test_quoted_printable_keeps_author_and_text(tree: Path) -> None:
    """The author comes from the body, and both names survive."""
    (mail,) = raw_mails("quoted-printable")
    assert am(tree, [mail])
    assert compiles(tree)
    log = subprocess.check_output(
        ["git", "log", "-1", "--format=%an <%ae>%n%B"], cwd=tree, encoding="utf-8"
    )
    assert log.startswith("Ülle Põldsäar <ylle@example.org>\n")
    assert "ext4: say why a mount failed \u2013 with the error number\n" in log
    assert "Signed-off-by: Iván Péron <relay@example.com>" in log
