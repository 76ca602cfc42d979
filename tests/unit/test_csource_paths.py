"""Which paths the explorer takes, and what it knows on them."""

from __future__ import annotations

import pytest
from patchbot_checks.csource.defs import definitions_of
from patchbot_checks.csource.graph import Node, NotUnderstoodError
from patchbot_checks.csource.paths import Env, Exit, Explorer, Machine, Outcome
from patchbot_checks.csource.unit import Function, Unit


class Seen(Machine[frozenset[str]]):
    """Collects which of hit_a(), hit_b(), ... a path calls."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit

    def start(self, function: Function) -> frozenset[str]:
        return frozenset()

    def step(
        self, node: Node, state: frozenset[str], env: Env[frozenset[str]]
    ) -> list[Outcome[frozenset[str]]] | None:
        if node.kind != "call" or node.expr is None:
            return None
        if node.expr.op.startswith("hit_"):
            return [Outcome(state | {node.expr.op[4:]}, note=node.expr.op)]
        callee = self.unit.find(node.expr.op)
        return env.follow(node, callee, state) if callee is not None else None


def run(body: str, *, head: str = "int f(int a, int b, struct s *p)", agree: bool = True,
        helpers: str = "") -> list[Exit[frozenset[str]]]:  # fmt: skip
    unit = Unit("x.c", f"{helpers}\n{head}\n{{\n{body}\n}}\n".encode())
    function = unit.find("f")
    assert function is not None
    return Explorer(Seen(unit), agree=agree).run(function)


def ways(body: str, **more: str) -> set[str]:
    """The sets of hits, each as its letters."""
    return {"".join(sorted(e.state)) for e in run(body, **more)}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        # two plain ifs on one condition agree
        ("if (a) hit_a(); if (a) hit_b(); return 0;", {"", "ab"}),
        ("if (a) hit_a(); if (!a) hit_b(); return 0;", {"a", "b"}),
        # it was set in between: both again
        ("if (a) hit_a(); a = g(); if (a) hit_b(); return 0;", {"", "a", "b", "ab"}),
        # comparisons
        ("if (a == 3) hit_a(); if (a > 5) hit_b(); return 0;", {"", "a", "b"}),
        ("if (a < 0) hit_a(); if (a == -EIO) hit_b(); return 0;", {"", "a", "ab"}),
        ("if (a == b) hit_a(); if (a != b) hit_b(); return 0;", {"a", "b"}),
        # constants through assignments
        ("int r = 0; if (a) r = -EIO; if (r) hit_a(); else hit_b(); return r;", {"a", "b"}),
        ("int r = A_CONST; if (r == B_CONST) hit_a(); return r;", {""}),
        # && and || with what they tell
        ("if (a && b) hit_a(); if (!a) hit_b(); return 0;", {"", "a", "b"}),
        ("if (a || b) return 0; if (b) hit_a(); return 1;", {""}),
        # error pointers
        ("p = g(); if (IS_ERR(p)) return 1; if (!p) hit_a(); return 0;", {"", "a"}),
        ("p = g(); if (IS_ERR_OR_NULL(p)) return 1; if (!p) hit_a(); return 0;", {""}),
        ("p = ERR_PTR(-EIO); if (!IS_ERR(p)) hit_a(); return 0;", {""}),
        # a field keeps its value over a call, but not if its address is passed
        ("if (p->x) hit_a(); g(p); if (p->x) hit_b(); return 0;", {"", "ab"}),
        ("if (p->x) hit_a(); g(&p->x); if (p->x) hit_b(); return 0;", {"", "a", "b", "ab"}),
        # saved in a variable
        ("bool j = a > 3; if (a > 3) hit_a(); if (j) hit_b(); return 0;", {"", "ab"}),
        # goto, loops, switch
        ("if (a) goto out; hit_a(); out: hit_b(); return 0;", {"b", "ab"}),
        ("while (a) { hit_a(); a = g(); } return 0;", {"", "a"}),
        ("do { hit_a(); } while (g()); return 0;", {"a"}),
        ("for (;;) { if (g()) break; hit_a(); } hit_b(); return 0;", {"b", "ab"}),
        ("switch (a) { case 1: hit_a(); break; case 2: hit_b(); default: hit_c(); } return 0;",
         {"a", "bc", "c"}),
        ("switch (a) { case 1: if (a == 2) hit_a(); break; } return 0;", {""}),
        # it does not come back
        ("if (a) { hit_a(); BUG(); } return 0;", {""}),
        ("BUG_ON(a); if (a) hit_a(); return 0;", {""}),
        # both legs of ?: and a lazy &&
        ("int r = a ? hit_a() : hit_b(); return r;", {"a", "b"}),
        ("bool r = a && hit_a(); return r;", {"", "a"}),
        ("return a ? hit_a() : 0;", {"", "a"}),
        # a statement expression, a comma, likely()
        ("int r = ({ hit_a(); 1; }); return r;", {"a"}),
        ("if (hit_a(), a) hit_b(); return 0;", {"a", "ab"}),
        ("if (likely(a)) hit_a(); if (unlikely(!a)) hit_b(); return 0;", {"a", "b"}),
    ],
)  # fmt: skip
def test_ways(body: str, expected: set[str]) -> None:
    assert ways(body) == expected


def test_a_question_asked_twice_agrees_unless_told_otherwise() -> None:
    asked = "if (ext4_should_journal_data(p))"
    body = f"{asked} hit_a(); {asked} hit_b(); return 0;"
    assert ways(body) == {"", "ab"}
    assert {"".join(sorted(e.state)) for e in run(body, agree=False)} == {"", "a", "b", "ab"}


def test_a_call_that_changes_it_ends_the_agreement() -> None:
    asked = "if (buffer_dirty(p))"
    body = f"{asked} hit_a(); clear_buffer_dirty(p); {asked} hit_b(); return 0;"
    assert ways(body) == {"", "a", "b", "ab"}


def test_helpers_are_followed_with_what_is_known() -> None:
    helper = (
        "static int h(int x)\n{\n\tif (x) {\n\t\thit_a();\n\t\treturn -EIO;\n\t}\n\treturn 0;\n}"
    )
    assert ways("if (h(a)) hit_b(); return 0;", helpers=helper) == {"", "ab"}
    assert ways("if (h(1)) hit_b(); return 0;", helpers=helper) == {"ab"}


def test_a_recursive_helper_ends() -> None:
    helper = "static int h(int x)\n{\n\tif (g())\n\t\treturn h(x);\n\thit_a();\n\treturn 0;\n}"
    assert "a" in ways("h(a); return 0;", helpers=helper)


def test_values_are_returned() -> None:
    values = {e.value.constant for e in run("if (a) return 3; return -4;")}
    assert values == {3, -4}


def test_the_path_is_told() -> None:
    (end,) = [e for e in run("if (a)\n\thit_a();\nreturn 0;") if e.state]
    texts = []
    trail = end.trail
    while trail is not None:
        texts.append((trail.line, trail.text))
        trail = trail.before
    assert texts[::-1] == [(4, "a"), (5, "hit_a")]


def test_many_branches_stay_bounded() -> None:
    body = "".join(f"if (g{i}()) hit_a(); if (p->x{i}) a = {i};\n" for i in range(300))
    assert ways(body + "if (a == 7) hit_b(); return a;") == {"", "a", "ab", "b"}


@pytest.mark.parametrize(
    ("body", "why"),
    [("goto nowhere;", "label"), ("break;", "break"), ("continue;", "continue"),
     ("case 1: return 0;", "case"), ("(" * 400 + "a" + ")" * 400 + ";", "nested"),
     ("if (a) {" * 300 + "}" * 300, "nested"), ("return a +;", "parsed")],
)  # fmt: skip
def test_what_is_no_function_is_said(body: str, why: str) -> None:
    with pytest.raises(NotUnderstoodError, match=why):
        run(body)


@pytest.mark.parametrize(
    ("body", "name", "expected"),
    [
        ("int x = a + 1; use(x);", "x", {"(a + 1)"}),
        ("int x = a; int y = x * 2; use(y);", "y", {"(a * 2)"}),
        ("int x = 1; if (a) x = 2; use(x);", "x", {"1", "2"}),
        ("int x; if (a) x = 2; use(x);", "x", {"x"}),
        ("int x = 1; g(&x); use(x);", "x", {"x"}),
        ("int x = 0; while (a) x++; use(x);", "x", {"x"}),
        ("if (b) a = 4; use(a);", "a", {"a"}),
        ("a = 4; use(a);", "a", {"4"}),
        ("struct s *q = p->next; use(q->v);", "q->v", {"p->next->v"}),
    ],
)
def test_expansion(body: str, name: str, expected: set[str]) -> None:
    unit = Unit("x.c", f"int f(int a, int b, struct s *p)\n{{\n{body}\nreturn 0;\n}}".encode())
    function = unit.find("f")
    assert function is not None
    call = next(
        n for n in function.graph.nodes if n.kind == "call" and n.expr and n.expr.op == "use"
    )
    assert call.expr is not None
    arg = call.expr.args[0]
    assert arg.text == name
    assert {e.text for e in definitions_of(function).expand(arg, call)} == expected
