"""The text that tree-sitter gets: as long as the file, and free of what it can't parse."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from patchbot_checks.csource.conditional import find_groups
from patchbot_checks.csource.text import lex, prepare
from patchbot_checks.csource.unit import Unit


def prepared(code: str, *, defined: bool = True) -> str:
    return prepare(lex(code.encode()), defined=defined).text.decode()


PIECES = st.sampled_from(
    [
        "#if A\n", "#ifdef B\n", "#else\n", "#elif C\n", "#endif\n", "/* x */", "// y\n", '"s"',
        "'c'", "int f(void)\n{\n", "}\n", "list_for_each_entry(a, b, c) {\n", "struct x *p;\n",
        "__init ", "__acquires(x) ", "min_t(unsigned long, a, b)", "#define F(x) \\\n x\n", "\r\n",
        "case 1 ... 3:", "\\\n", "(", ")", ";", "foo(a);\n", "/*", '"',
        "container_of(p, struct s, m)",
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=30), st.booleans())
def test_no_byte_moves(pieces: list[str], defined: bool) -> None:
    code = "".join(pieces)
    text = prepared(code, defined=defined)
    assert len(text) == len(code)
    assert [i for i, c in enumerate(text) if c == "\n"] == [
        i for i, c in enumerate(code) if c == "\n"
    ]


@given(st.binary(max_size=300))
def test_any_bytes_make_a_unit(data: bytes) -> None:
    unit = Unit("x.c", data)
    assert b"\0" not in data or unit.broken
    for function in unit.functions:
        assert 0 <= function.start < function.end <= len(data)


@pytest.mark.parametrize(
    ("condition", "with_all", "with_none"),
    [
        ("#ifdef A", True, False),
        ("#ifndef A", False, True),
        ("#if 0", False, False),
        ("#if 1", True, True),
        ("#if defined(A) && defined(B)", True, False),
        ("#if !defined(A)", False, True),
        ("#if IS_ENABLED(CONFIG_QUOTA) || defined(B)", True, False),
        ("#if A == 2", False, False),
        ("#if (1 + 2) == 3 && 0x10UL > 15", True, True),
        ("#if 3 - 1 - 1", True, True),
    ],
)
def test_an_arm_is_kept(condition: str, with_all: bool, with_none: bool) -> None:
    code = f"{condition}\nint kept;\n#else\nint other;\n#endif\n"
    for defined, wanted in ((True, with_all), (False, with_none)):
        text = prepared(code, defined=defined)
        assert ("kept" in text) == wanted
        assert ("other" in text) == (not wanted)


def test_elif_takes_the_first_that_holds() -> None:
    code = "#if A\nint a;\n#elif B\nint b;\n#else\nint c;\n#endif\n"
    assert prepared(code).split() == ["int", "a;"]
    assert prepared(code, defined=False).split() == ["int", "c;"]


def test_nested_groups_follow_their_outer_one() -> None:
    code = "#ifdef A\n#ifndef B\nint x;\n#else\nint y;\n#endif\n#endif\nint z;\n"
    assert prepared(code).split() == ["int", "y;", "int", "z;"]
    assert prepared(code, defined=False).split() == ["int", "z;"]


def test_an_include_guard_hides_nothing() -> None:
    code = "#ifndef _H\n#define _H\nint x;\n#endif\n"
    assert "int x;" in prepared(code)


@pytest.mark.parametrize("code", ["#endif\n", "#if A\n", "#else\n"])
def test_groups_that_do_not_match_are_known(code: str) -> None:
    assert find_groups(code.encode()).broken


@pytest.mark.parametrize(
    "line",
    [
        "static int __init f(void) { return 0; }",
        "static int f(void) __acquires(l) { return 0; }",
        "int f(char __user *p, const void __user *q) { return 0; }",
        "int f(void) { p = container_of(q, struct foo, bar); return 0; }",
        "int f(void) { n = min_t(unsigned long, a, b); return 0; }",
        "int f(void) { p = kmem_cache_create(1, offsetof(struct foo, b[n + 1])); return 0; }",
        "int f(void) { list_for_each_entry(p, &h, l) { g(p); } return 0; }",
        "int f(void) { list_for_each_entry(p, &h, l) g(p); return 0; }",
        "int f(void) { static DEFINE_RATELIMIT_STATE(rs, 5, 10); return 0; }",
        "int f(void) { int x __maybe_unused; return 0; }",
        "int f(int a) { switch (a) { case 1 ... 3: return 1; } return 0; }",
        "module_init(f)\nmodule_exit(g)\nint f(void) { return 0; }",
        "int f(void) { int x = va_arg(ap, unsigned long); return x; }",
        "int f(void) { return ({ int y = 1; y; }); }",
    ],
)
def test_kernel_c_is_understood(line: str) -> None:
    unit = Unit("x.c", line.encode())
    assert [f.name for f in unit.functions] == ["f"]
    assert not unit.functions[0].body.has_error
    assert unit.functions[0].graph.exit
    assert not unit.broken


def test_a_loop_macro_is_a_loop() -> None:
    unit = Unit("x.c", b"int f(void)\n{\n\tlist_for_each_entry(p, h, l)\n\t\tg(p);\n\treturn 0;\n}")
    kinds = [n.kind for n in unit.functions[0].graph.nodes]
    assert "loop" in kinds
    loop = next(n for n in unit.functions[0].graph.nodes if n.kind == "loop")
    assert (loop.name, loop.target.text if loop.target else "") == ("list_for_each_entry", "p")


def test_a_broken_function_hides_no_other() -> None:
    code = b"int a(void)\n{\n\tif (x {\n}\n\nint b(void)\n{\n\treturn 1;\n}\n"
    unit = Unit("x.c", code)
    b = unit.find("b")
    assert b is not None
    assert (b.line, b.body.has_error) == (6, False)
    a = unit.find("a")
    assert (a is not None and a.body.has_error) or "a" in [x.name for x in unit.broken]


def test_macros_and_includes_are_kept() -> None:
    unit = Unit(
        "x.c", b'#include <a.h>\n#ifdef X\n#include "b.h"\n#endif\n#define F(a, b) (a + b)\n'
    )
    assert [(i.path, i.system, i.line, i.guarded) for i in unit.includes] == [
        ("a.h", True, 1, False),
        ("b.h", False, 3, True),
    ]
    assert unit.macros["F"].parameters == ("a", "b")


def test_a_directive_in_a_comment_is_none() -> None:
    unit = Unit("x.c", b'/*\n#include "no.h"\n#if 0\n*/\nint f(void) { return 0; }\n')
    assert not unit.includes
    assert not unit.broken
    assert unit.find("f") is not None


@pytest.mark.parametrize(
    "head",
    ["bool b", "unsigned int b", "unsigned b", "struct s *b", "const char *b", "long long b[]"],
)
def test_parameters_keep_their_names(head: str) -> None:
    unit = Unit("x.c", f"int f(int a, {head})\n{{\n\treturn 0;\n}}\n".encode())
    assert [p.name for p in unit.functions[0].parameters] == ["a", "b"]


def test_a_trace_event_is_no_code() -> None:
    """A head of many lines, statements as arguments, and a text with a parenthesis."""
    event = (
        "TRACE_EVENT(walnut_crack,\n\tTP_PROTO(int nut,\n\t\t int shell),\n\n"
        "\tTP_STRUCT__entry(\n\t\t__field(\tint,\tnut\t)\n\t\t__field(\tint,\tshell\t)\n\t),\n\n"
        "\tTP_fast_assign(\n\t\tif (nut)\n\t\t\t__entry->nut = nut;\n\t\t__entry->shell = shell;\n"
        '\t),\n\n\tTP_printk("nut %d :( shell %d",\n\t\t  (unsigned) __entry->nut, 1)\n)'
    )
    code = f"int a;\n{event};\nint f(void)\n{{\n\treturn 0;\n}}\n"
    assert prepared(code) == code.replace(event, "".join(c if c == "\n" else " " for c in event))
    unit = Unit("include/trace/events/walnut.h", (code + event * 9 + ";\n").encode())
    assert [f.name for f in unit.functions] == ["f"]
    assert unit.broken == []


@pytest.mark.parametrize(
    ("code", "blank"),
    [
        ("struct s {\n\tint a;\n\t__S_PAD\n};\n", True),
        ("struct s {\n\tint a;\n\tint b;\n};\n", False),
        ("enum e { A, B };\nenum { LAST\n};\nint *p[] = { NULL };\n", False),
        ("void f(void)\n{\n\tg();\n\tNUT();\n}\n", False),
    ],
)
def test_a_macro_at_a_struct_s_end(code: str, blank: bool) -> None:
    assert prepared(code) == (code.replace("__S_PAD", "       ") if blank else code)
