"""The model kernel compiles, links, runs, and shows the bug that the demo series repair."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KERNEL = ROOT / "kernel-sim" / "kernel_sim" / "kernel"
SMOKE = ROOT / "tests" / "data" / "kernel_smoke.c"
FLAGS = ("-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter")
SOURCES = sorted(p.relative_to(KERNEL).as_posix() for p in KERNEL.rglob("*.c"))

EXIT_BAD_LOG = 3
EXIT_BUG = 70


def check(source: Path, include: Path = KERNEL / "include") -> subprocess.CompletedProcess[str]:
    """Check one file the way the README says."""
    command = ["gcc", *FLAGS, "-fsyntax-only", f"-I{include}", str(source)]
    return subprocess.run(command, capture_output=True, text=True)


def link(program: Path, output: Path, *options: str) -> Path:
    """Build a program over the model kernel."""
    sources = [str(KERNEL / name) for name in SOURCES]
    command = ["gcc", *FLAGS, *options, f"-I{KERNEL}/include", f"-I{KERNEL}", "-o", str(output)]
    subprocess.run([*command, *sources, str(program)], check=True, capture_output=True, text=True)
    return output


def run(program: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Run a built program."""
    return subprocess.run([str(program), *args], capture_output=True, text=True)


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the smoke program once."""
    return link(SMOKE, tmp_path_factory.mktemp("smoke") / "smoke")


def test_the_files_that_series_touch_are_there() -> None:
    """A tree without these could not take the demo series."""
    wanted = {"fs/jbd2/commit.c", "fs/ext4/super.c", "fs/ext4/inode.c", "mm/page-writeback.c"}
    assert wanted <= set(SOURCES)


@pytest.mark.parametrize("name", SOURCES)
def test_file_compiles(name: str) -> None:
    """Each file passes gcc without a warning."""
    done = check(KERNEL / name)
    assert done.returncode == 0, done.stderr


def test_syntax_error_is_caught(tmp_path: Path) -> None:
    """The check is able to fail."""
    broken = tmp_path / "memory.c"
    broken.write_text((KERNEL / "mm/memory.c").read_text().replace("return", "retrun", 1))
    assert check(broken).returncode != 0


def test_warning_is_caught(tmp_path: Path) -> None:
    """An unused variable is an error."""
    broken = tmp_path / "crc32c.c"
    text = (KERNEL / "lib/crc32c.c").read_text()
    broken.write_text(text.replace("const u8 *byte", "int unused; const u8 *byte", 1))
    assert check(broken).returncode != 0


def test_smoke_passes(smoke: Path) -> None:
    """Without a second task the log replays and brings the stored bytes home."""
    done = run(smoke)
    assert done.returncode == 0, done.stdout


def test_ordered_data_goes_home(smoke: Path) -> None:
    """A store through a mapping reaches its block by writeback."""
    assert run(smoke, "ordered").returncode == 0


@pytest.mark.parametrize("page", ["0", "3"])
def test_base_tree_has_the_bug(smoke: Path, page: str) -> None:
    """Nothing protects a mapped page between its checksum and its I/O."""
    done = run(smoke, "store", page)
    assert "the store went through" in done.stdout
    assert "JBD2: Invalid checksum recovering data block" in done.stdout
    assert done.returncode == EXIT_BAD_LOG


def test_base_tree_keeps_checkpoint_pages(smoke: Path) -> None:
    """A page that waits for its checkpoint stays dirty."""
    assert run(smoke, "checkpoint").returncode == 0


def test_inverted_expectation_is_caught(tmp_path: Path) -> None:
    """A smoke program that wants a bad log fails on a good one."""
    inverted = link(SMOKE, tmp_path / "inverted", "-DEXPECT_BAD_LOG")
    assert run(inverted).returncode == EXIT_BAD_LOG
    assert run(inverted, "store", "0").returncode == 0


def test_assertions_end_the_program(tmp_path: Path) -> None:
    """BUG_ON() does not pass in silence."""
    program = tmp_path / "bug.c"
    program.write_text(
        "#include <linux/pagemap.h>\n"
        "int main(void) { struct page page = { 0 }; unlock_page(&page); return 0; }\n"
    )
    done = run(link(program, tmp_path / "bug"))
    assert done.returncode == EXIT_BUG
    assert done.stdout.startswith("BUG: !PageLocked(page)")
