"""Files that are no C, or C that nobody should write: no crash, bounded work, a clear answer."""

from __future__ import annotations

import random
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from patchbot_checks import MemorySources, Report, check_files

HEAD = "int f(int a)\n{\n\tlock_page(p);\n\tunlock_page(p);\n"  # so that rules look at it
TAIL = "return 0;\n}\n"
_MANY = range(20_000)


def _random_bytes() -> bytes:
    return bytes(random.Random(7).randrange(1, 256) for _ in range(200_000))


# What each holds, whether something in it must be called not understood.
FILES: dict[str, tuple[str | bytes, bool]] = {
    "many-functions": (
        "".join(f"int f{i}(int a)\n{{\n\tif (a)\n\t\tg();\n\treturn a;\n}}\n" for i in _MANY),
        False,
    ),
    "one-long-function": (
        HEAD + "".join(f"\tif (a == {i})\n\t\tg{i % 7}();\n" for i in range(50_000)) + TAIL, True,
    ),
    "nested-ifs": (HEAD + "if (a) {\n" * 20_000 + "}\n" * 20_000 + TAIL, True),
    "nested-brackets": (HEAD + "g" + "(" * 50_000 + "a" + ")" * 50_000 + ";" + TAIL, True),
    "long-sum": (HEAD + "g(" + "a + " * 50_000 + "a);" + TAIL, True),
    "nested-calls": (HEAD + "g(" * 20_000 + "a" + ")" * 20_000 + ";" + TAIL, True),
    "else-if-chain": (
        HEAD + "".join(f"if (a == {i}) g(); else " for i in range(9000)) + "h();\n" + TAIL, True,
    ),
    "many-gotos": (
        HEAD
        + "".join(f"l{i}: if (g({i})) goto l{i * 7 % 300}; if (p->x{i}) h();\n" for i in range(300))
        + TAIL,
        False,
    ),
    "nested-initialiser": ("int t[] = {" + "{" * 20_000 + "1" + "}" * 20_000 + "};\n", False),
    "nested-conditionals": ("#if A\n" * 20_000 + "int x;\n" + "#endif\n" * 20_000, False),
    "long-condition": ("#if " + "(" * 30_000 + "1" + ")" * 30_000 + "\nint x;\n#endif\n", False),
    "conditionals-that-do-not-match": ("#if A\nint x;\n", True),
    "nul-bytes": (b"int f(void) { return 0; }\n\0", True),
    "a-program": (Path(sys.executable).read_bytes()[:300_000], True),
    "random-bytes": (_random_bytes(), True),
    "unterminated": ('int f(void)\n{\n\tchar *s = "abc;\n\t/* never closed\n', True),
    "unclosed-calls": (HEAD + "list_for_each_entry(" * 3000 + TAIL, True),
    "long-macro": ("#define A(x) " + "\\\n x" * 50_000 + "\nint f(void) { return 0; }\n", False),
    "case-ranges": ("case 1 ... " * 30_000, True),
    "type-arguments": (HEAD + "x(a, struct " * 20_000 + TAIL, True),
    "unclosed-heads": ("int f(" * 30_000, True),
    "prose": ("a " * 2_000_000, True),
    "too-large": ("int x;\n" * 800_000, True),
    "blanks-after-a-type": (HEAD + "g(a, int" + " " * 100_000 + "b);" + TAIL, True),
    "empty": ("", False),
}  # fmt: skip


def check(name: str) -> Report:
    content = FILES[name][0]
    data = content if isinstance(content, bytes) else content.encode()
    return check_files(MemorySources({"fs/x.c": data}), ["fs/x.c"])


@pytest.mark.parametrize("name", FILES)
def test_it_is_answered_within_bounds(name: str) -> None:
    """In a child with 1 GiB of memory and a minute of processor time, far more than it takes."""
    code = (
        f"from tests.unit.test_bad_input import check; print(len(check({name!r}).not_understood))"
    )

    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
        resource.setrlimit(resource.RLIMIT_CPU, (60, 60))

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, preexec_fn=bound, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert (int(done.stdout) > 0) == FILES[name][1]


def test_no_file_is_clean_that_is_not_c() -> None:
    report = check_files(MemorySources({"README.rst": b"x"}), ["README.rst", "fs/none.c"])
    assert [(n.file, n.reason.split(":")[0]) for n in report.not_understood] == [
        ("README.rst", "not a C file"),
        ("fs/none.c", "there is no such file"),
    ]


def test_a_lost_function_is_named() -> None:
    code = b"int good(void)\n{\n\treturn 0;\n}\n\nint lost(void)\n{\n\tif (x {\n\treturn 0;\n}\n"
    report = check_files(MemorySources({"fs/x.c": code}), ["fs/x.c"])
    assert [(n.function, n.line) for n in report.not_understood] == [("lost", 6)]


def test_a_tick_that_raises_ends_the_check() -> None:
    class Stop(Exception):
        pass

    def tick() -> None:
        raise Stop

    with pytest.raises(Stop):
        check_files(MemorySources({"fs/x.c": b"int x;\n"}), ["fs/x.c"], tick=tick)
