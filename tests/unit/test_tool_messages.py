"""What compilers and checkers print, as it was seen, and what is read from it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from patchbot.tools.messages import (
    Message,
    parse_checkpatch,
    parse_cocci,
    parse_gcc,
    parse_sparse,
    split_log,
)

SOURCE, OUTPUT = "/kept/source", "/kept/output"
LOG = """make[1]: Entering directory '/kept/output'
  CC [M]  fs/demo/walnut.o
/kept/source/fs/demo/walnut.c:35:5: warning: no previous prototype for 'crack' [-Wmissing-prototypes]
   35 | int crack(void *p) { int unused; }
      |     ^~~~~
/kept/source/fs/demo/walnut.c: In function 'crack':
/kept/source/fs/demo/walnut.c:35:11: error: implicit declaration of function 'shell' [-Werror=implicit-function-declaration]
/kept/source/fs/demo/walnut.c:36:2: warning: 'return' with no value, in function returning non-void [-Wreturn-type]
/kept/source/fs/demo/walnut.c:35:5: note: declared here
cc1: some warnings being treated as errors
make[3]: *** [/kept/source/scripts/Makefile.build:283: fs/demo/walnut.o] Error 1
sparse: /kept/source/fs/demo/walnut.c:40:9: warning: incorrect type in return expression
sparse: /kept/source/fs/demo/walnut.c:40:9:    expected restricted __be32
sparse: /kept/source/fs/demo/walnut.c:40:9:    got unsigned int x
sparse: ../source/fs/demo/almond.c:7:1: error: Expected ; at end of declaration
sparse: /kept/source/fs/demo/almond.c:9:1: warning: context imbalance in 'f' - wrong count at exit
"""  # noqa: E501


def test_gcc() -> None:
    found = parse_gcc(split_log(LOG)[0], SOURCE, OUTPUT)
    file = "fs/demo/walnut.c"
    assert found == [
        Message("gcc", "warning", file, 35, "no previous prototype for 'crack'",
                "-Wmissing-prototypes", "",
                ((35, "   35 | int crack(void *p) { int unused; }"), (35, "      |     ^~~~~"))),
        Message("gcc", "error", file, 35, "implicit declaration of function 'shell'",
                "-Werror=implicit-function-declaration", "crack"),
        Message("gcc", "warning", file, 36,
                "'return' with no value, in function returning non-void", "-Wreturn-type",
                "crack", ((35, "note: declared here"),)),
    ]  # fmt: skip


def test_a_function_is_not_carried_to_the_next_file() -> None:
    log = (
        "a.c: In function 'one':\na.c:3:1: warning: x [-Wy]\n  CC      fs/b.o\n"
        "b.c:9:1: warning: z [-Ww]\n"
    )
    assert [(m.file, m.function) for m in parse_gcc(log, "/s", "/s")] == [
        ("a.c", "one"), ("b.c", ""),
    ]  # fmt: skip


def test_sparse_joins_lines_and_finds_the_file_from_the_output_folder() -> None:
    found = parse_sparse(split_log(LOG)[1], SOURCE, OUTPUT)
    assert [(m.level, m.file, m.line) for m in found] == [
        ("warning", "fs/demo/walnut.c", 40),
        ("error", "fs/demo/almond.c", 7),
        ("warning", "fs/demo/almond.c", 9),
    ]
    assert found[0].text == (
        "incorrect type in return expression expected restricted __be32 got unsigned int x"
    )


def test_coccinelle() -> None:
    text = (
        "ab12/fs/demo/walnut.c:12:2-3: Unneeded semicolon\n"
        "ab12/fs/demo/walnut.c:20:7-9: ERROR: p is NULL but dereferenced.\n"
        "warning: line 140: should x be a metavariable?\n"
    )
    assert [(m.file, m.line, m.kind, m.text) for m in parse_cocci(text, "semi", "/versions")] == [
        ("ab12/fs/demo/walnut.c", 12, "semi", "Unneeded semicolon"),
        ("ab12/fs/demo/walnut.c", 20, "semi", "p is NULL but dereferenced."),
    ]


def test_checkpatch() -> None:
    text = (
        "/run/0001.patch:122: ERROR:CODE_INDENT: code indent should use tabs where possible\n"
        "/run/0001.patch:5: WARNING:BAD_SIGN_OFF: Unexpected content: a: b\n"
        "total: 1 errors, 1 warnings, 10 lines checked\n"
    )
    assert [(m.level, m.line, m.kind, m.text) for m in parse_checkpatch(text)] == [
        ("error", 122, "CODE_INDENT", "code indent should use tabs where possible"),
        ("warning", 5, "BAD_SIGN_OFF", "Unexpected content: a: b"),
    ]


def test_the_same_in_a_header_is_told_once() -> None:
    line = "/kept/source/include/linux/walnut.h:3:4: warning: unused [-Wunused]\n"
    assert len(parse_gcc(f"  CC a.o\n{line}  CC b.o\n{line}", SOURCE, OUTPUT)) == 1


def test_the_key_survives_other_lines_and_numbers() -> None:
    one = Message("gcc", "warning", "a.c", 3, "frame size of 2072 bytes", "-Wframe", "f")
    two = Message("gcc", "warning", "a.c", 9, "frame size of 2080 bytes", "-Wframe", "f")
    assert one.key == two.key
    assert one.key != Message("gcc", "warning", "a.c", 3, "frame of 1 byte", "-Wframe", "f").key


@given(st.text())
def test_anything_is_read_without_a_crash(text: str) -> None:
    """Whatever a program of a broken tree prints, nothing is made up from lines without a place."""
    compiler, sparse = split_log(text)
    found = parse_gcc(compiler, SOURCE, OUTPUT) + parse_sparse(sparse, SOURCE, OUTPUT)
    found += parse_cocci(text, "s", SOURCE) + parse_checkpatch(text)
    assert len(found) <= 4 * len(text.splitlines())
