"""Scenarios as data: every file is understood, and what it names is there and compiles."""

from __future__ import annotations

import re
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

from patchbot.errors import UsageError
from patchbot.qemu.programs import _FLAGS
from patchbot.qemu.scenario import (
    Scenario,
    all_options,
    find_scenarios,
    guest_text,
    load_scenarios,
    parse_scenarios,
)
from tests.support.require import require

GUESTS = Path(str(files("patchbot.qemu") / "guests"))
DATA = Path(str(files("patchbot.qemu") / "scenarios"))
SCRIPTS = sorted(path.name for path in GUESTS.glob("*.sh"))
PROGRAMS = sorted(path.name for path in GUESTS.glob("*.c"))
OPTION = re.compile(r"CONFIG_\w+=(?:y|\d+|\".*\")|# CONFIG_\w+ is not set")
SMALL = """\
summary = "a thing is tried"
guest = "boot.sh"
timeout_s = 9
confirm = 2
environment = { WAYS = "one", LASTS_S = 1.5 }
append = ["quiet"]

[[disk]]
name = "d"
size_mb = 8
mkfs = ["-b", "1024"]
features = ["inline_data"]
"""
VARIANTS = """
[[variant]]
name = "first"

[[variant]]
name = "second"
summary = "and another"
environment = { WAYS = "two", MORE = 3 }
append = ["panic=1"]
mkfs = ["-I", "256"]
confirm = 11
"""


def parse(text: str) -> list[Scenario]:
    return list(parse_scenarios("small", text))


def test_every_data_file_gives_scenarios() -> None:
    """Those that the issue asks for are among them."""
    heads = {name.partition("/")[0] for name in load_scenarios()}
    assert heads == {path.stem for path in DATA.glob("*.toml")}
    assert {"boot", "stable-pages", "dax-flip", "journal-flip", "inline-race"} <= heads
    modes = {f"stable-pages/data-{mode}" for mode in ("ordered", "journal", "writeback")}
    assert modes <= load_scenarios().keys()


@pytest.mark.parametrize("scenario", load_scenarios().values(), ids=lambda each: each.name)
def test_what_a_scenario_names_is_there(scenario: Scenario) -> None:
    assert scenario.summary
    assert 0 < scenario.timeout_s <= 180
    assert scenario.script.strip()
    assert set(scenario.programs) <= set(PROGRAMS)
    assert not scenario.recovery or guest_text(scenario.recovery).strip()
    assert [option for option in scenario.config if not OPTION.fullmatch(option)] == []
    assert set(scenario.config) <= set(all_options())


@pytest.mark.parametrize("scenario", load_scenarios().values(), ids=lambda each: each.name)
def test_what_a_scenario_sets_is_what_its_scripts_read(scenario: Scenario) -> None:
    """A setting that nothing reads is a slip of the pen."""
    texts = [scenario.script, guest_text("init.sh")]
    texts += [guest_text(scenario.recovery)] if scenario.recovery else []
    read = set(re.findall(r"\$\{?(\w+)", b"\n".join(texts).decode()))
    assert set(scenario.environment) <= read


def test_no_guest_file_is_left_over() -> None:
    named = {"init.sh"}
    for scenario in load_scenarios().values():
        named |= {scenario.guest, *scenario.programs, scenario.recovery} - {""}
    assert {*SCRIPTS, *PROGRAMS} == named


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_compile_without_warnings(name: str, tmp_path: Path) -> None:
    require("gcc")
    argv = ["gcc", *_FLAGS, "-Werror", "-S", "-o", str(tmp_path / "out.s"), str(GUESTS / name)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_shell(name: str) -> None:
    require("busybox")
    argv = ["busybox", "sh", "-n", str(GUESTS / name)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_programs_that_a_script_runs_go_with_it(name: str) -> None:
    """A program that the data file forgets is not in the guest."""
    called = {
        program
        for program in PROGRAMS
        if re.search(rf"\b{program.removesuffix('.c')}\b", guest_text(name).decode())
    }
    for scenario in load_scenarios().values():
        if name in (scenario.guest, scenario.recovery):
            assert called <= set(scenario.programs)


def test_a_file_without_variants_is_one_scenario() -> None:
    (plain,) = parse(SMALL)
    assert (plain.name, plain.timeout_s, plain.kind) == ("small", 9.0, "plain")
    assert plain.environment == {"WAYS": "one", "LASTS_S": "1.5"}
    (disk,) = plain.disks
    assert (disk.name, disk.size_mb, disk.mkfs[-2:]) == ("d", 8, ("-b", "1024"))
    assert disk.mkfs[disk.mkfs.index("-O") + 1].endswith(",metadata_csum,inline_data")


def test_variants_add_to_what_the_file_says() -> None:
    first, second = parse(SMALL + VARIANTS)
    assert [first.name, second.name] == ["small/first", "small/second"]
    assert second.summary == "a thing is tried: and another"
    assert first.environment == {"WAYS": "one", "LASTS_S": "1.5"}
    assert second.environment == {"WAYS": "two", "LASTS_S": "1.5", "MORE": "3"}
    assert (first.append, second.append) == (("quiet",), ("quiet", "panic=1"))
    assert second.disks[0].mkfs == (*first.disks[0].mkfs, "-I", "256")
    assert (first.confirm, second.confirm) == (2, 11)
    assert first.file_name == "small-first"
    assert first.key != second.key


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("colour = 3\n" + SMALL, "colour"),
        (SMALL + 'label = "x"\n', "label"),
        (SMALL + VARIANTS + 'guest = "other.sh"\n', "guest"),
        (SMALL + VARIANTS + "enviroment = { WAYS = 1 }\n", "enviroment"),
    ],
)
def test_unknown_keys_are_refused(text: str, word: str) -> None:
    with pytest.raises(UsageError, match=rf"scenario small: unknown {word}$"):
        parse(text)


def test_a_name_stands_for_all_its_variants() -> None:
    names = [each.name for each in find_scenarios(["stable-pages"])]
    assert len(names) == 3
    assert all(name.startswith("stable-pages/") for name in names)
    assert [each.name for each in find_scenarios([names[1]])] == [names[1]]
    with pytest.raises(UsageError, match="no scenario 'stable'"):
        find_scenarios(["stable"])


def test_an_option_that_a_kernel_lacks_is_named() -> None:
    (scenario,) = find_scenarios(["dax-flip/always"])
    whole = "".join(f"{option}\n" for option in scenario.config)
    assert scenario.missing_options(whole) == []
    without = whole.replace("CONFIG_FS_DAX=y", "# CONFIG_FS_DAX is not set")
    assert scenario.missing_options(without) == ["CONFIG_FS_DAX=y"]
