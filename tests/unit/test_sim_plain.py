"""GNU C in a spelling that tree-sitter parses: every rule, and the lines stay where they are."""

from __future__ import annotations

import pytest
import tree_sitter_c
from kernel_sim.cfront.casts import mark_casts, without_cast
from kernel_sim.cfront.errors import PreprocessError
from kernel_sim.cfront.plain import MAX_DEPTH, make_plain, split_arguments
from kernel_sim.cfront.tidy import tidy
from tree_sitter import Language, Parser

PARSER = Parser(Language(tree_sitter_c.language()))


def parses(text: str) -> bool:
    return not PARSER.parse(text.encode()).root_node.has_error


@pytest.mark.parametrize(
    ("text", "new", "types"),
    [
        ("typeof(*p) a;", "__typeof_0 a;", ["*p"]),
        ("__typeof__(p->x) *b;", "__typeof_0 *b;", ["p->x"]),
        ("typeof_unqual(a)b;", "__typeof_0 b;", ["a"]),
        ("typeof ( f(a, b) ) c;", "__typeof_0 c;", ["f(a, b)"]),
        ("typeof((typeof(x))y) z;", "__typeof_1 z;", ["x", "(__typeof_0)y"]),
        ("n = __alignof__(t->c);", "n = _Alignof(__typeof_0);", ["t->c"]),
        ('typeof(")") s; x = "typeof(y)";', '__typeof_0 s; x = "typeof(y)";', ['")"']),
        ("int mytypeof(int); int typeof_x;", "int mytypeof(int); int typeof_x;", []),
        ("case 1 ... 5:", "case __case_range(1, 5):", []),
        ("case 'a' ... 'z': x;", "case __case_range('a', 'z'): x;", []),
        ("case A: f(x, ...);", "case A: f(x, ...);", []),
        ("__builtin_offsetof(struct s, a.b[1])",
         "__builtin_offsetof(sizeof(struct s), &a.b[1])", []),
        ("__builtin_va_arg(v, int)", "__builtin_va_arg(v, sizeof(int))", []),
        (
            "__builtin_types_compatible_p(typeof(a), int *)",
            "__builtin_types_compatible_p(sizeof(__typeof_0), sizeof(int *))",
            ["a"],
        ),
        ("int x __attribute__((unused));", "int x ;", []),
        ("int __attribute__((unused))x;", "int  x;", []),
        ("struct s { int a; } __attribute__((__packed__, unused));",
         "struct s { int a; } __attribute__((__packed__));", []),
        ("void f(void) __attribute__((format(printf, 1, 2)));", "void f(void) ;", []),
        ("struct s { int a; } __attribute__((unused, aligned(8)));",
         "struct s { int a; } __attribute__((aligned(8)));", []),
        ("__extension__ ({ 1; })", " ({ 1; })", []),
        ("__label__ here; x;", " x;", []),
        ("(unsigned long)&&here;", "0UL;", []),
        ("a && b", "a && b", []),
        ('asm("" : "+r"(x));', "((void)0);", []),
        ('__asm__ __volatile__("": : :"memory");', "((void)0);", []),
        ('asm volatile("nop");', 'asm volatile("nop");', []),
        ('__asm__("ret");', 'asm("ret");', []),
    ],
)  # fmt: skip
def test_rules(text: str, new: str, types: list[str]) -> None:
    plain = make_plain(text)
    assert (plain.text, plain.types) == (new, types)


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("struct s { int :3; int :4; };", "struct s { int  __unnamed:3; int  __unnamed:4; };"),
        ("struct s { unsigned :0; };", "struct s { unsigned  __unnamed:0; };"),
        ("struct s { int a:3; };", "struct s { int a:3; };"),
        ("x = a ? b : 3;", "x = a ? b : 3;"),
        ("struct s { int a; ; };", "struct s { int a;  };"),
        ("for (;;) { a; }", "for (;;) { a; }"),
        ("a; int x __attribute__((aligned(8))) = 1;",
         "a; __attribute__((aligned(8)))  int x  = 1;"),
        ("for (T x __attribute__((cleanup(f))) = g(1), *y = 0; y;)",
         "for ( __attribute__((cleanup(f, x))) T x  = g(1), *y = 0; y;)"),
        ("struct s { int a; } __attribute__((packed));",
         "struct s { int a; } __attribute__((packed));"),
        ("typedef struct s t __attribute__((aligned(8)));",
         "typedef struct s t __attribute__((aligned(8)));"),
        ("int f(int (*g)(int)) __attribute__((aligned(8))) { }",
         "int f(int (*g)(int)) __attribute__((aligned(8))) { }"),
        ("struct { int a; } __attribute__((packed)) __attribute__((aligned(4)));",
         "struct { int a; } __attribute__((packed,  aligned(4)));"),
    ],
)  # fmt: skip
def test_declarations(text: str, new: str) -> None:
    assert tidy(text) == new


def test_lines_stay() -> None:
    text = "int a;\ntypeof(\n  b) c;\nint d __attribute__((\nunused,\n\naligned(8)));\nint e;\n"
    lines = make_plain(text).text.split("\n")
    assert len(lines) == len(text.split("\n"))
    assert lines[7] == "int e;"
    assert make_plain('asm(""\n:\n:\n); int a;').text == "((void)0)\n\n\n; int a;"
    assert make_plain("__label__ a,\nb; c;").text == "\n c;"


def test_what_was_not_parsed_is() -> None:
    text = """
    struct s { int m; unsigned :0; } __attribute__((packed)) __attribute__((aligned(4)));
    static char text[] __attribute__((aligned(1))) = "x";
    int f(int *p, struct s *q)
    {
        typeof(*p) a = ({ const typeof(((struct s *)0)->m) *m = &q->m; *m; });
        T guard __attribute__((cleanup(g))) = h();
        switch (a) { case 1 ... 5: return __builtin_offsetof(struct s, m); }
        asm volatile("" ::: "memory");
        return __builtin_types_compatible_p(typeof(a), int) + __alignof__(q->m);
    }
    """
    assert not parses(text)
    assert parses(make_plain(text).text)


def test_faults() -> None:
    with pytest.raises(PreprocessError, match=r"^line 2 .*never closed"):
        make_plain("int a;\ntypeof(b c;\n")
    with pytest.raises(PreprocessError, match="too deep"):
        make_plain("typeof(" * (MAX_DEPTH + 2) + "x" + ")" * (MAX_DEPTH + 2))


def test_arguments() -> None:
    assert split_arguments('f(a, (b, c), "d,)", {e, f})', 1) == (
        ["a", " (b, c)", ' "d,)"', " {e, f}"],
        27,
    )


@pytest.mark.parametrize(
    ("text", "new"),
    [
        (b"x = (t) - 1;", b"x = (const t) - 1;"),
        (b"return (t)&x;", b"return (const t)&x;"),
        (b"f (t) - 1; u - 1; (u) - 1;", b"f (t) - 1; u - 1; (u) - 1;"),
        (b's = "(t) - 1";', b's = "(t) - 1";'),
        (b"c = '\"'; x = (t) - 1; d = '\"';", b"c = '\"'; x = (const t) - 1; d = '\"';"),
        (b"x = (get()) - 1;", b"x = (0, get()) - 1;"),
    ],
)
def test_casts_are_marked(text: bytes, new: bytes) -> None:
    assert mark_casts(text, {b"t"}) == new


def test_a_mark_is_taken_away() -> None:
    assert without_cast(b"x = (const t) - 1;", 5, "t") == b"x = (      t) - 1;"
    assert without_cast(b"x = (const t) - 1;", 4, "t") is None
