"""What the front end does not understand: a named reason where it stands, never silence."""

from __future__ import annotations

import time

import pytest
from kernel_sim.explore.model import End
from kernel_sim.machine.python_engine import PythonEngine

from tests.support.sim_c import link, unknowns

DEEP = 10_000
SECONDS = 10.0
"""For one text; each takes less than one alone."""
TOO_DEEP = "nested too deeply"
MAIN = "int main(void) { %s return 0; }"


def ring(count: int) -> str:
    """Variables of which each one's initialiser names the next."""
    return (
        "struct n { struct n *p; };\n"
        + "".join(f"static struct n n{i};\n" for i in range(count))
        + "".join(f"static struct n n{i} = {{ &n{(i + 1) % count} }};\n" for i in range(count))
        + MAIN % "n0.p = 0;"
    )


HOSTILE = {
    "brackets": (MAIN % ("int x = " + "(" * DEEP + "1" + ")" * DEEP + ";"), TOO_DEEP),
    "signs": (MAIN % ("int x = " + "- " * DEEP + "1;"), TOO_DEEP),
    "sum": (MAIN % ("int x = 1" + " + 1" * DEEP + ";"), TOO_DEEP),
    "blocks": (MAIN % ("{" * DEEP + "}" * DEEP), TOO_DEEP),
    "ifs": (MAIN % ("int x = 0; " + "if (x) " * DEEP + ";"), TOO_DEEP),
    "elses": (MAIN % ("int x = 0; " + "if (x) ; else " * DEEP + ";"), TOO_DEEP),
    "stars": ("int " + "*" * DEEP + "p; " + MAIN % "p = 0;", TOO_DEEP),
    "braces": ("int a[] = " + "{" * DEEP + "1" + "}" * DEEP + "; " + MAIN % "a[0]++;", TOO_DEEP),
    "structs": ("struct {" * 5000 + "int x;" + "} m;" * 4999 + "} v; " + MAIN % "v.m;", TOO_DEEP),
    "ring": (ring(3000), TOO_DEEP),
    "range": ("int a[] = { [0 ... 1<<30] = 1 }; " + MAIN % "a[0]++;", "the element [0 ... 1<<30]"),
    "global": ("char a[1L << 39]; " + MAIN % "a[0]++;", "a variable of 549755813888 bytes"),
    "local": (MAIN % "char a[1L << 39]; a[0]++;", "locals of 549755813888 bytes"),
    "array": ("char a[1L << 60]; " + MAIN % "a[0]++;", "an array of 1152921504606846976 elem"),
    "negative": ("char a[-5]; " + MAIN % "a[0]++;", "an array of -5 elements"),
    "bit-field": ("struct s { int a, x:99; } v; " + MAIN % "v.x++;", "crosses eight bytes"),
    "digits": (MAIN % ("long x = " + "9" * 20_000 + ";"), "the number 9999"),
    "typeof": (MAIN % "typeof(x) x = 1;", "x is not declared"),
    "typeof self": ("typeof(y) y; " + MAIN % "y++;", TOO_DEEP),
    "size self": ("int a[sizeof(a)]; " + MAIN % "a[0]++;", TOO_DEEP),
    "struct self": ("struct s { struct s s; } v; " + MAIN % "v.s;", "members of struct s are not"),
    "structs both": (
        "struct a { struct b b; }; struct b { struct a a; } v; " + MAIN % "v.a;",
        "the members of struct b are not known",
    ),
    "typedefs": ("typedef a b; typedef b a; a x; " + MAIN % "x++;", TOO_DEEP),
    "typedef self": ("typedef t t; t x; " + MAIN % "x++;", TOO_DEEP),
    "enum": ("enum e { A = B, B = A }; " + MAIN % "int x = A;", TOO_DEEP),
}
NOT_UNDERSTOOD = {
    "error in a sum": (MAIN % "int x = 1; x = ] 3;", "does not parse: x = ] 3;"),
    "error in a switch": (
        MAIN % "switch (3) { case 3: @ case 4: return 1; }",
        "does not parse: switch (3)",
    ),
    "error in a for": (MAIN % "for (;; { }", "does not parse: for (;;"),
    "error in a struct": (
        "struct s { int a; int @ b; } v; " + MAIN % "v.a++;",
        "does not parse: struct s",
    ),
    "error in a variable": ("int x = ; " + MAIN % "x++;", "does not parse: int x = ;"),
    "wide case": (MAIN % "switch (1) { case 0 ... 1<<30: return 1; }", "a case of 1073741825"),
    "case too large": (MAIN % "switch (1) { case 0 ... 1L<<40: return 1; }", "a case range that"),
    "case of what": (MAIN % "int x = 1; switch (1) { case x: return 1; }", "not a constant: x"),
    "goto *": (MAIN % "void *p = 0; goto *p;", "does not parse: goto *p;"),
    "no label": (MAIN % "goto nowhere;", "the label nowhere is not there"),
    "va_start": (
        "int f(int n, ...) { __builtin_va_list a; __builtin_va_start(a, n); return 1; } "
        + MAIN % "f(1);",
        "__builtin_va_start()",
    ),
    "thread-local": ("static __thread int x; " + MAIN % "x++;", "the thread-local variable"),
    "extern": ("extern int x; " + MAIN % "x++;", "the variable x is defined nowhere"),
    "__int128": ("__int128 x; " + MAIN % "x = x + 1;", "a value of type __int128"),
    "double": ("double x; " + MAIN % "x = x + 1;", "a value of type double"),
    "array of n": (MAIN % "int n = 2; int a[n]; a[0] = 1;", "not a constant: n"),
    "nested function": (MAIN % "int f(int x) { return x; } f(1);", "function definition: int f"),
    "assembly": (MAIN % 'int x; asm("mov %%0, 1" : "=r"(x));', "inline assembly"),
    "nothing declared": (MAIN % "g(1);", "g() is not declared"),
    "nothing defined": ("int g(int); " + MAIN % "g(1);", "g() is not in the tree or the model"),
    "initialiser": ("int f(void); int x = f(); " + MAIN % "x++;", "the initialiser of x: not a"),
    "initialiser behind": (
        "int f(void); int x = f(), *p = &x; " + MAIN % "p = 0;",
        "the initialiser of p: the initialiser of x",
    ),
    "break": (MAIN % "break;", "a break outside of a loop"),
    "mode": ("typedef int t __attribute__((mode(TI))); t x; " + MAIN % "x++;", "the mode mode(TI)"),
    "signed product": (
        MAIN % "long x = 3, y; __builtin_mul_overflow(x, x, &y);",
        "the overflow of int64 times int64",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(name: str) -> None:
    started = time.monotonic()
    assert_inconclusive(*HOSTILE[name])
    assert time.monotonic() - started < SECONDS


@pytest.mark.parametrize("name", NOT_UNDERSTOOD)
def test_not_understood(name: str) -> None:
    assert_inconclusive(*NOT_UNDERSTOOD[name])


def assert_inconclusive(text: str, reason: str) -> None:
    """Running main gives no answer, and says why and (for what stands in a file) where."""
    program, _ = link(f'# 7 "dir/file.c"\n{text}\n')
    execution = PythonEngine(program, "main", None).replay("-")[0]
    assert execution.end is End.INCONCLUSIVE
    assert reason in execution.reason
    assert (
        execution.reason.startswith("dir/file.c:")
        or "in the tree" in execution.reason
        or ("the label" in execution.reason)
    )


def test_what_is_not_reached_does_no_harm() -> None:
    program, _ = link("extern int x; int f(void) { return x; } " + MAIN % "if (0) f();")
    assert unknowns(program) == []
    program, _ = link("extern int x; int c; " + MAIN % "if (c) x++;")
    assert len(unknowns(program)) == 1
    assert PythonEngine(program, "main", None).replay("-")[0].end is End.DONE


def test_large_but_sound() -> None:
    """200,000 enumerators, a string of a million bytes, a shift by 4,000,000,000."""
    names = ", ".join(f"E{number}" for number in range(200_000))
    text = f'enum {{ {names} }}; const char *s = "{"a" * 1_000_000}"; long x = 1L << 4000000000;'
    started = time.monotonic()
    program, _ = link(f"{text} int main(void) {{ return E199999 + s[999999] + x; }}")
    assert unknowns(program) == []
    assert time.monotonic() - started < 6 * SECONDS
