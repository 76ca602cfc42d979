"""Preprocessing: the bundled kernel, small made-up trees, and trees that are up to no good."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from kernel_sim.cfront import runner
from kernel_sim.cfront.errors import PreprocessError, TreeError
from kernel_sim.cfront.generated import (
    enumerator,
    kernel_version,
    read_config,
    render_autoconf,
    render_bounds,
    render_timeconst,
    render_version,
    scale_factor,
    wrappers,
)
from kernel_sim.cfront.headers import prepare_headers
from kernel_sim.cfront.preprocess import Source, preprocess, preprocess_model, strip_markers

MODEL = Path(__file__).parents[2] / "kernel-sim/kernel_sim/kernel"
FILES = {
    "Makefile": "VERSION = 6\nPATCHLEVEL = 7\nSUBLEVEL = 300\nEXTRAVERSION = -rc2\n",
    "include/linux/kconfig.h": "#include <generated/autoconf.h>\n",
    "include/linux/compiler_types.h": "#define __user\n",
    "include/linux/compiler.h": "#define likely(x) __builtin_expect(x, 1)\n",
    "include/linux/build_bug.h": "",
    "include/linux/page-flags.h": "enum pageflags { PG_locked, PG_dirty, __NR_PAGEFLAGS };\n",
    "include/linux/mmzone.h": "enum zone_type { ZONE_NORMAL, __MAX_NR_ZONES };\n",
    "include/linux/pgtable.h": "",
    "include/linux/mm.h": "",
    "include/asm-generic/errno.h": "#define EIO 5\n",
    "fs/one.c": "int one(int x)\n{\n\treturn likely(x);\n}\n",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write(tmp_path / "linux", FILES)


def write(top: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text(text)
    return top


def read(tree: Path, path: str, text: str | None = None) -> Source:
    if text is not None:
        write(tree, {path: text})
    return preprocess(prepare_headers(tree, tree.parent / "cache"), path)


def refused(tree: Path, text: str) -> str:
    with pytest.raises(PreprocessError) as caught:
        read(tree, "fs/bad.c", text)
    return str(caught.value)


# ------------------------------------------------------------------ the text and where it is from


@pytest.mark.parametrize(
    "path", sorted(p.relative_to(MODEL).as_posix() for p in MODEL.rglob("*.c"))
)
def test_every_file_of_the_bundled_kernel(path: str) -> None:
    source = preprocess_model(MODEL, path)
    assert not any(line.startswith("#") for line in source.text.split("\n"))
    for number, line in enumerate(source.text.split("\n")):
        name, at = source.origin(number)
        if line.startswith("struct ") and line.endswith("{"):
            assert (MODEL / name).read_text().split("\n")[at - 1] == line


def test_lines_are_lines_of_the_tree(tree: Path) -> None:
    text = '#include "one.h"\n\n#if 0\nno\n#endif\nint two(void);\n'
    write(tree, {"fs/one.h": "/* a\n comment */\nint one;\n"})
    source = read(tree, "fs/two.c", text)
    lines = source.text.split("\n")
    assert source.origin(lines.index("int one;")) == ("fs/one.h", 3)
    assert source.origin(lines.index("int two(void);")) == ("fs/two.c", 6)
    first = next(n for n, line in enumerate(lines) if "sim_current(void)" in line)
    assert source.origin(first)[0] == "<sim>/asm/sim.h"


def test_markers() -> None:
    source = strip_markers('# 1 "a.c"\nint a;\n# 7 "b \\"c\\".h" 1\nint b;\nint c;\n', "a.c")
    assert source.text == "int a;\nint b;\nint c;\n"
    assert [source.origin(n) for n in range(3)] == [
        ("a.c", 1), ('b \\"c\\".h', 7), ('b \\"c\\".h', 8),
    ]  # fmt: skip


def test_the_compiler_is_overruled(tree: Path) -> None:
    assert "return (!!(x));" in read(tree, "fs/one.c").text


def test_a_wrapper_leads_to_the_generic_header(tree: Path) -> None:
    assert "int io = 5;" in read(tree, "fs/e.c", "#include <asm/errno.h>\nint io = EIO;\n").text


def test_the_host_is_not_seen(tree: Path) -> None:
    hosts = ("__x86_64__", "__aarch64__", "__i386__", "__riscv", "__s390x__", "__SSE2__")
    asked = "".join(f"#ifdef {name}\nint host;\n#endif\n" for name in hosts)
    assert "host" not in read(tree, "fs/h.c", asked).text.split("sim_copy_user")[1]


def test_the_tree_is_not_changed(tree: Path) -> None:
    def state() -> set[tuple[str, bytes]]:
        return {(str(p), p.read_bytes()) for p in tree.rglob("*") if p.is_file()}

    before = state()
    read(tree, "fs/one.c")
    assert state() == before


# ------------------------------------------------------------------ generated headers


def test_bounds_are_counted(tree: Path) -> None:
    headers = prepare_headers(tree, tree.parent / "cache")
    text = (headers.cache / "generated/bounds.h").read_text()
    assert "#define NR_PAGEFLAGS 2\n" in text
    assert "#define MAX_NR_ZONES 1\n" in text
    assert "#define NR_CPUS_BITS 4\n" in text


def test_an_equal_tree_has_the_same_headers_and_another_others(tree: Path) -> None:
    first = prepare_headers(tree, tree.parent / "cache")
    write(tree, {"fs/other.c": "int x;\n"})
    assert prepare_headers(tree, tree.parent / "cache") == first
    write(tree, {"include/linux/page-flags.h": "enum pageflags { A, B, C, __NR_PAGEFLAGS };\n"})
    second = prepare_headers(tree, tree.parent / "cache")
    assert second.cache != first.cache
    assert "NR_PAGEFLAGS 3\n" in (second.cache / "generated/bounds.h").read_text()
    assert sorted(tree.parent.glob("cache/new-*")) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("enum { A, B, LAST };", 2),
        ("enum e { A = 4, B, LAST };", 6),
        ("enum e { A, B, C = A, LAST, D };", 1),
        ("enum x { LASTING }; enum e { A = 0x10, LAST };", 17),
        ('enum e {\n A,\n# 3 "x.h"\n LAST,\n};', 1),
    ],
)
def test_enumerators(text: str, value: int) -> None:
    assert enumerator(text, "LAST") == value


@pytest.mark.parametrize("text", ["", "enum e { A = 1 << 2, LAST };", "enum e { A, B };"])
def test_what_cannot_be_counted_is_said(text: str) -> None:
    with pytest.raises(TreeError, match=r"LAST|value of A"):
        enumerator(text, "LAST")


def test_bounds_need_both_enums() -> None:
    with pytest.raises(TreeError, match="__MAX_NR_ZONES"):
        render_bounds("enum { A, __NR_PAGEFLAGS };", {"CONFIG_NR_CPUS": "16"})


@pytest.mark.parametrize(("to", "of"), [(1000, 100), (100, 1000), (1000000, 300), (250, 1000000)])
def test_time_constants_divide_exactly_and_round_up(to: int, of: int) -> None:
    multiplier, adjustment, shift = scale_factor(to, of)
    assert 1 << 31 <= multiplier < 1 << 32
    for n in (0, 1, 2, 3, 7, 99, 100, 101, 4321, 86400):
        assert (n * multiplier + adjustment) >> shift == -(-n * to // of)


def test_milliseconds_of_a_tick() -> None:
    # 100 ticks a second: 10 ms each; 10 << 28 is the first multiple of 10 with 32 bits.
    assert scale_factor(1000, 100) == (0xA0000000, 0, 28)
    text = render_timeconst(100)
    assert "#define HZ_TO_MSEC_MUL32 U64_C(0xa0000000)\n" in text
    assert "#define HZ_TO_NSEC_NUM 10000000\n" in text
    assert "#define HZ_TO_NSEC_DEN 1\n" in text


def test_version() -> None:
    assert kernel_version(FILES["Makefile"]) == (6, 7, 300, "-rc2")
    made = render_version(FILES["Makefile"])
    # 6 * 65536 + 7 * 256 + 255: a sublevel above 255 counts as 255.
    assert "LINUX_VERSION_CODE 395263\n" in made["generated/uapi/linux/version.h"]
    assert made["generated/utsrelease.h"] == '#define UTS_RELEASE "6.7.300-rc2-sim"\n'
    with pytest.raises(TreeError, match="version"):
        kernel_version("NAME = x\n")
    assert kernel_version("VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL =\nEXTRAVERSION =\n")[2] == 0


def test_a_release_cannot_leave_its_string() -> None:
    made = render_version('VERSION = 6\nPATCHLEVEL = 1\nEXTRAVERSION = "\\x\n')
    assert made["generated/utsrelease.h"] == '#define UTS_RELEASE "6.1.0x-sim"\n'


def test_configuration() -> None:
    config = read_config('# c\n\nCONFIG_A=y\nCONFIG_B=-3\nCONFIG_C="x y"\n')
    assert render_autoconf(config) == (
        '#define CONFIG_A 1\n#define CONFIG_B -3\n#define CONFIG_C "x y"\n'
    )
    for line in ("CONFIG_A=m", "A=y", 'CONFIG_A="a\\"', "CONFIG_A=y #"):
        with pytest.raises(TreeError, match="line 1"):
            read_config(line)


def test_wrappers_spare_our_own(tree: Path) -> None:
    write(tree, {"include/asm-generic/atomic.h": "", "include/uapi/asm-generic/types.h": ""})
    assert wrappers(tree, ["atomic.h"]) == {
        "asm/errno.h": "#include <asm-generic/errno.h>\n",
        "asm/types.h": "#include <asm-generic/types.h>\n",
        "uapi/asm/types.h": "#include <uapi/asm-generic/types.h>\n",
    }


# ------------------------------------------------------------------ faults


def test_no_kernel_tree(tmp_path: Path) -> None:
    with pytest.raises(TreeError, match="no kernel tree: it has no Makefile"):
        prepare_headers(tmp_path, tmp_path / "cache")


def test_a_tree_without_the_file(tree: Path) -> None:
    with pytest.raises(PreprocessError, match=r"^fs/jbd2/commit.c: no such file in the tree$"):
        read(tree, "fs/jbd2/commit.c")


@pytest.mark.parametrize("path", ["../outside.c", "/etc/passwd", "fs", "fs/link.c"])
def test_a_file_that_is_not_in_the_tree(tree: Path, path: str) -> None:
    write(tree.parent, {"outside.c": "int x;\n"})
    (tree / "fs/link.c").symlink_to("../../outside.c")
    with pytest.raises(PreprocessError, match=r"not in the tree|no such file"):
        read(tree, path)


def test_a_missing_header(tree: Path) -> None:
    said = refused(tree, "\n#include <linux/none.h>\n")
    assert said == "fs/bad.c:2: linux/none.h: No such file or directory"


def test_the_headers_of_the_machine_are_not_there(tree: Path) -> None:
    assert refused(tree, "#include <stdio.h>\n") == "fs/bad.c:1: stdio.h: No such file or directory"


def test_an_error_of_the_preprocessor(tree: Path) -> None:
    assert refused(tree, "int x;\n#if 1 +\n#endif\n").startswith("fs/bad.c:2: ")
    assert refused(tree, "#error stop here\n") == "fs/bad.c:1: #error stop here"
    assert refused(tree, "#if 1\n").startswith("fs/bad.c:1: unterminated #if")


@pytest.mark.parametrize("how", ['"../../outside.h"', "<../../outside.h>", '"link.h"', "PATH"])
def test_an_include_that_leads_out_of_the_tree(tree: Path, how: str) -> None:
    outside = write(tree.parent, {"outside.h": "int secret;\n"}) / "outside.h"
    (tree / "fs/link.h").symlink_to(outside)
    said = refused(tree, f'#define PATH "{outside}"\n#include {how}\n')
    assert said.startswith("fs/bad.c: it includes ")
    assert said.endswith(", which is not in the tree")


def test_an_include_without_an_end(tree: Path) -> None:
    started = time.monotonic()
    assert "fs/bad.c" in refused(tree, '#include "/dev/zero"\n')
    assert time.monotonic() - started < runner.SECONDS + 5


def test_a_pipe_that_nobody_fills(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "SECONDS", 1)
    os.mkfifo(tree / "fs/pipe.h")
    assert refused(tree, '#include "pipe.h"\n') == "fs/bad.c: not preprocessed within 1 s"


def test_endless_inclusion(tree: Path) -> None:
    assert "include nested depth" in refused(tree, '#include "bad.c"\n')


def test_text_that_grows_without_end(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "SECONDS", 2)
    lines = ["#define A0 x x x x x x x x"]
    lines += [f"#define A{n} A{n - 1} A{n - 1} A{n - 1} A{n - 1}" for n in range(1, 20)]
    said = refused(tree, "\n".join([*lines, "A19", ""]))
    assert said == "fs/bad.c: not preprocessed within 2 s"


def test_no_preprocessor(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "has_gcc", lambda: False)
    monkeypatch.setattr("importlib.import_module", _absent)
    with pytest.raises(TreeError, match="neither gcc nor pcpp is installed"):
        read(tree, "fs/one.c")


def _absent(name: str) -> None:
    raise ImportError(name)
