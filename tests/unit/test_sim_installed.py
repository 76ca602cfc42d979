"""Callbacks cut out of a mount's code, stand-ins of the model, and kits that ask for them."""

from __future__ import annotations

from pathlib import Path

import pytest
from kernel_sim.cfront.installed import find_installed, function_members, render_installer
from kernel_sim.cfront.linking import Linker
from kernel_sim.cfront.preprocess import Source
from kernel_sim.cfront.unit import Unit
from kernel_sim.kit import KitError, load_kits, parse_kit
from kernel_sim.machine.python_engine import PythonEngine

_MOUNT = """\
struct log { int size; int (*submit)(int); void (*done)(void); int *other; };
struct super { int mode; struct log *log; };
static int protect(int n) { return n + 1; }
static int nothing(int n) { return n; }
static void done(void) { }
int mount(struct super *sb)
{
	struct log *log = sb->log;
	log->size = 3;
	log->done = done;
	if (sb->mode == 2)
		log->submit = protect;
	else
		log->submit = nothing;
	switch (sb->mode) {
	case 7:
		log->done = 0;
	}
	return 0;
}
"""


def unit(text: str, path: str = "a.c", extra: str = "") -> Unit:
    count = text.count("\n") + 1
    return Unit(
        Source(path, text, list(range(count)), [path] * count, list(range(1, count + 1))), extra
    )


def test_members_that_point_to_functions() -> None:
    assert function_members(unit(_MOUNT), "log") == {"submit", "done"}
    assert function_members(unit(_MOUNT), "absent") == set()


def test_assignments_with_what_they_depend_on() -> None:
    found = find_installed(unit(_MOUNT), {"submit", "done"})
    assert [(one.member, one.statement, one.conditions) for one in found] == [
        ("done", "log->done = done;", ()),
        ("submit", "log->submit = protect;", ("(sb->mode == 2)",)),
        ("submit", "log->submit = nothing;", ("!(sb->mode == 2)",)),
        ("done", "log->done = 0;", ("((sb->mode) == (7))",)),
    ]


@pytest.mark.parametrize(("mode", "submitted"), [(2, 11), (1, 10)])
def test_the_slice_installs_what_the_mount_would(mode: int, submitted: int) -> None:
    found = find_installed(unit(_MOUNT), {"submit"})
    extra = render_installer("install", ["struct super *sb", "struct log *log = sb->log"], found)
    model = unit(
        "struct log { int size; int (*submit)(int); void (*done)(void); int *other; };\n"
        "struct super { int mode; struct log *log; };\n"
        "void install(struct super *sb);\nvoid sim_note(const char *t, unsigned long v);\n"
        f"static struct log log;\nstatic struct super sb = {{ {mode}, &log }};\n"
        'void setup(void) { install(&sb); sim_note("n", log.submit(10)); }\n',
        "model.c",
    )
    assert notes(Linker([model, unit(_MOUNT, extra=extra)])) == [submitted]


def notes(linker: Linker) -> list[int]:
    engine = PythonEngine(linker.link(["setup"]), check=None)
    execution, trace = engine.replay("-")
    assert execution.failure is None, execution.failure
    assert execution.reason == ""
    return [row[7] for row in trace if row[4].startswith("note: ")]


def test_a_condition_that_names_more_than_is_known_is_inconclusive() -> None:
    found = find_installed(unit(_MOUNT), {"submit"})
    extra = render_installer("install", ["struct log *log"], found)
    model = unit(
        "struct log;\nvoid install(struct log *log);\nvoid setup(void) { install(0); }\n", "model.c"
    )
    linked = Linker([model, unit(_MOUNT, extra=extra)]).link(["setup"])
    execution, _ = PythonEngine(linked, check=None).replay("-")
    assert "sb is not declared" in execution.reason


_NOTE = "void sim_note(const char *t, unsigned long v);\n"


def test_a_model_function_stands_in_for_a_static_one_of_another_file() -> None:
    tree = unit("static int hidden(void) { return 1; }\nint shown(void) { return hidden(); }\n")
    model = unit(
        f"{_NOTE}int shown(void);\nint instead_of_hidden(void) {{ return 2; }}\n"
        'void setup(void) { sim_note("n", shown()); }\n',
        "model.c",
    )
    assert notes(Linker([model, tree])) == [2]


def test_the_model_may_call_what_a_file_keeps_to_itself() -> None:
    tree = unit("static int hidden(void) { return 7; }\n")
    model = unit(
        f'{_NOTE}int hidden(void);\nvoid setup(void) {{ sim_note("n", hidden()); }}\n', "model.c"
    )
    assert notes(Linker([model, tree])) == [7]


def test_a_variable_stands_where_its_attribute_says() -> None:
    model = unit(
        f"{_NOTE}static char one;\nstatic char page[10] __attribute__((aligned(4096)));\n"
        'void setup(void) { one = 1; sim_note("n", (unsigned long)page % 4096); }\n'
    )
    assert notes(Linker([model])) == [0]


def test_a_static_local_may_name_itself_in_its_initialiser() -> None:
    model = unit(
        f"{_NOTE}struct list {{ struct list *next; }};\n"
        "void setup(void)\n{\n\tstatic struct list head = { &head };\n"
        '\tsim_note("n", head.next == &head);\n}\n'
    )
    assert notes(Linker([model])) == [1]


def test_the_kit_of_real_trees_asks_for_callbacks() -> None:
    kit = next(kit for kit in load_kits() if kit.name == "linux")
    (asked,) = kit.installs
    assert (asked.file, asked.struct, asked.skip) == ("fs/ext4/super.c", "journal_s", ("j_bmap",))
    assert kit.runs("write-protect/later-page")
    assert not kit.runs("two-inodes/journal")


@pytest.mark.parametrize(
    "lines",
    [
        "[[installs]]\nfile = 'a.c'",
        "[[installs]]\nfile = 1\nstruct = 's'\nfunction = 'f'\nknown = []",
    ],
)
def test_a_kit_whose_callbacks_are_half_told_is_refused(lines: str) -> None:
    with pytest.raises(KitError, match="installs"):
        parse_kit(Path("kits/odd"), f"summary = 's'\nhas = ['x']\n{lines}\n")
