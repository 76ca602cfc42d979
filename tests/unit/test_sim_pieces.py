"""What files share is read once, bodies of functions when they are asked for."""

from __future__ import annotations

import pytest
from kernel_sim import ir
from kernel_sim.cfront.bodies import leave_out, put_back
from kernel_sim.cfront.linking import Linker
from kernel_sim.cfront.pieces import Pieces, split
from kernel_sim.cfront.preprocess import strip_markers
from kernel_sim.cfront.syntax import text_of
from kernel_sim.cfront.unit import Unit
from kernel_sim.explore.model import End
from kernel_sim.machine.python_engine import PythonEngine

HEADER = """\
# 1 "h.h" 1
typedef unsigned int u32;
struct pair { int a; int b; };
static inline int twice(int n)
{
	typeof(n) m = n;

	return m + n;
}
enum { FIRST = 3,
# 1 "list.h" 1
SECOND,
# 6 "h.h" 2
};
"""


def make(name: str, text: str, header: str = HEADER) -> str:
    return f'# 1 "{name}"\n{header}# 2 "{name}" 2\n{text}'


def unit(name: str, text: str, pieces: Pieces | None = None, header: str = HEADER) -> Unit:
    return Unit(strip_markers(make(name, text, header), name), pieces=pieces)


def test_pieces_end_where_a_file_does_and_brackets_match() -> None:
    source = strip_markers(make("a.c", "int one(void)\n{\n\treturn 1;\n}\n"), "a.c")
    found = list(split(source))
    # list.h stands inside the enum, so it is no piece of its own.
    assert [text.split("\n")[0] for _, text in found] == [
        "typedef unsigned int u32;",
        "int one(void)",
    ]
    assert found[0][0] == ((0, "h.h", 1), (9, "list.h", 1), (10, "h.h", 6))
    assert found[1][0] == ((0, "a.c", 2),)
    assert "\n".join(text for _, text in found) == source.text


def test_two_files_share_a_header_and_have_their_own_lines() -> None:
    pieces = Pieces()
    one = unit("a.c", "int one(void)\n{\n\treturn twice(1);\n}\n", pieces)
    two = unit("b.c", "int two;\nint other(void)\n{\n\treturn twice(SECOND);\n}\n", pieces)
    assert one.functions["twice"] == two.functions["twice"]
    assert two.place(two.functions["twice"]) == ("h.h", 3)
    assert one.place(one.functions["one"]) == ("a.c", 2)
    assert two.place(two.functions["other"]) == ("b.c", 3)
    # A header that differs in one word is read anew.
    third = unit("c.c", "int x;\n", pieces, HEADER.replace("m + n", "m - n"))
    assert third.functions["twice"] != one.functions["twice"]
    program = Linker([one, two, third]).link(["one", "other"])
    assert [key for key in program.functions if "twice" in key] == ["h.h:twice"]


def test_a_body_is_read_when_its_function_is_asked_for() -> None:
    found = unit("a.c", "int one(void)\n{\n\tint n = 2;\n\n\treturn twice(n);\n}\n")
    outline = found.functions["one"]
    assert text_of(outline) == "int one(void)\n{\n\n\n\n}"
    whole = found.definition(outline)
    assert text_of(whole) == "int one(void)\n{\n\tint n = 2;\n\n\treturn twice(n);\n}"
    assert found.definition(outline) == whole
    last = whole.child_by_field_name("body").named_children[-1]  # type: ignore[union-attr]
    assert found.place(last) == ("a.c", 6)
    assert found.written(outline) == text_of(whole)


@pytest.mark.parametrize(
    ("text", "bodies"),
    [
        ("int f(int a)\n{\n\treturn a;\n}\nint g;\n", [(1, 3)]),
        ("int f(int a)\n\n{\n\treturn a;\n}", [(2, 4)]),
        ("struct s\n{\n\tint a;\n};\n", []),
        ("int f(int a) {\n\treturn a;\n}\n", []),
        ('int f(void)\n{\n\treturn "{" [0];\n}\n', [(1, 3)]),
        # Something in column 0 that is no end: the function is read as it stands.
        ("int f(int a)\n{\n\tif (a) {\n}\n\treturn a;\n}\n", []),
        ("int f(void)\n{\n\tg();\n}\nint h(void)\n{\n\tg();\n}\n", [(1, 3), (5, 7)]),
    ],
)
def test_bodies_that_are_left_out(text: str, bodies: list[tuple[int, int]]) -> None:
    outline, found = leave_out(text)
    assert [(body.first, body.last) for body in found] == bodies
    assert outline.count("\n") == text.count("\n")
    assert put_back(outline, 0, [(body, body.text) for body in found]) == text


# ------------------------------------------------------------------ going on linking

MODEL = unit(
    "m.c",
    "int missing(void);\nint count = 1;\n"
    "int lone(void) { return twice(20) + missing(); }\n"
    "int used(void) { return twice(count); }\nint *other = &count;\n",
)
SCENARIO = (
    "int used(void);\nvoid sim_note(const char *, unsigned long);\n%s\n"
    'void setup(void) { sim_note("is", used() + own()); }\nvoid check(void) { }\n'
)


def notes(program: ir.Program) -> list[tuple[str, int]]:
    execution, lines = PythonEngine(program, check="check").replay("-")
    assert execution.end == End.DONE
    return [(line[4], line[7]) for line in lines if line[4].startswith("note")]


def test_a_linker_goes_on_as_if_all_were_linked_at_once() -> None:
    first = unit("s.c", SCENARIO % "static int own(void) { return 40; }", header="")
    shared = Linker([MODEL])
    shared.link(["lone", "used"])
    before = list(shared.program.functions), list(shared.program.globals)
    more = shared.extend(first)
    assert more is not None
    program = more.link(["setup", "check"])
    whole = Linker([first, MODEL])
    assert notes(program) == notes(whole.link(["setup", "check"])) == [("note: is", 42)]
    # What the scenario can reach is what would have been linked for it alone.
    functions, variables = more.reach(["setup", "check"])
    assert functions == set(whole.program.functions)
    assert {"count"} == variables
    assert "lone" in program.functions
    assert (list(shared.program.functions), list(shared.program.globals)) == before


@pytest.mark.parametrize(
    "own",
    [
        "int missing(void) { return 1; }",  # called, and not there before
        "int twice; int count;",
        "int instead_of_twice(int n) { return 1; }",
        "int used(void) { return 3; }",
    ],
)
def test_what_would_change_the_meaning_of_what_is_linked_is_refused(own: str) -> None:
    first = unit("s.c", SCENARIO % f"{own}\nstatic int own(void) {{ return 40; }}", header="")
    shared = Linker([MODEL])
    shared.link(["lone", "used"])
    assert shared.extend(first) is None
