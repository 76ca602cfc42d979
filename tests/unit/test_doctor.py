"""Doctor: what is found, what is missing, and what only looks like a version."""

from pathlib import Path

import pytest

from patchbot import doctor
from patchbot.doctor import Check, default_config_hint, run_checks
from patchbot.settings import Settings


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder where programs are looked for."""
    made = tmp_path / "bin"
    made.mkdir()
    monkeypatch.setenv("PATH", str(made))
    return made


def look(tmp_path: Path) -> dict[str, Check]:
    return {check.name: check for check in run_checks(Settings(home=tmp_path / "home"))}


def add(folder: Path, name: str, script: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_nothing_is_there(folder: Path, tmp_path: Path) -> None:
    checks = look(tmp_path)
    for name, argv, _, command, required in doctor._PROGRAMS:
        check = checks[name]
        assert (check.found, check.required) == (None, required), argv
        assert check.add == command
    assert checks["tree"].found is None
    assert checks["store"].found == str(tmp_path / "home")


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("echo git version 2.39.5", "2.39.5"),
        ("echo 'gcc (Debian 12.2.0-14) 12.2.0'", "12.2.0"),
        ("echo usage: x; echo '  default: http://0.0.0.0:8080'", "found"),  # public-inbox-httpd
        ("true", "found"),
    ],
)
def test_a_version_is_on_the_first_line(
    folder: Path, tmp_path: Path, script: str, found: str
) -> None:
    add(folder, "gcc", script)
    assert look(tmp_path)["gcc"].found == found


@pytest.mark.parametrize("script", ["exit 127", "echo 1.2.3; exit 1"])
def test_a_program_that_fails_is_not_there(folder: Path, tmp_path: Path, script: str) -> None:
    add(folder, "gcc", script)
    check = look(tmp_path)["gcc"]
    assert check.found is None
    assert check.add == "gcc is there, but fails: apt-get install gcc"


@pytest.mark.parametrize(("version", "fits"), [("0.16.0", True), ("0.16.9", True), ("0.17", False)])
def test_b4_must_be_the_one_that_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, fits: bool
) -> None:
    monkeypatch.setattr(doctor, "version", lambda name: version)
    check = look(tmp_path)["b4"]
    assert check.found == (version if fits else None)
    assert ("not " in check.needed) is not fits
    assert check.required


def test_a_store_that_can_t_be_made_says_why(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    check = look(tmp_path)["store"]
    assert check.found is None
    assert str(tmp_path / "home") in check.add
    assert "PATCHBOT_HOME" in check.add


def test_what_is_required_comes_first(tmp_path: Path) -> None:
    required = [check.required for check in run_checks(Settings(home=tmp_path / "home"))]
    assert required == sorted(required, reverse=True)


def test_it_says_where_the_configuration_is(tmp_path: Path) -> None:
    assert default_config_hint(tmp_path / "c.toml").endswith("c.toml (not there, which is fine)")
    assert default_config_hint(tmp_path).endswith("(read)")
