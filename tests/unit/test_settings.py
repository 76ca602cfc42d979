"""Settings: the environment, the configuration file, and each way to get it wrong."""

from pathlib import Path

import pytest

from patchbot.errors import UsageError
from patchbot.settings import Settings, find_config, find_home, read_settings


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def read(config: Path, text: str | bytes, **environ: str) -> Settings:
    config.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_settings({"PATCHBOT_CONFIG": str(config), "PATCHBOT_HOME": "/h", **environ})


def test_without_a_file(tmp_path: Path) -> None:
    environ = {"PATCHBOT_CONFIG": str(tmp_path / "none"), "PATCHBOT_HOME": "/h"}
    assert read_settings(environ) == Settings(
        home=Path("/h"), lore=None, tree=None, timeout_s=60.0, keep_s=3600.0, jobs=0
    )


def test_an_empty_file_says_nothing(config: Path) -> None:
    assert read(config, "") == Settings(home=Path("/h"))


def test_every_key(config: Path) -> None:
    text = 'tree = "/linux"\nlore = "http://x/y"\ntimeout = 2.5\nkeep_minutes = 10\njobs = 3\n'
    assert read(config, text) == Settings(
        home=Path("/h"),
        tree=Path("/linux"),
        lore="http://x/y",
        timeout_s=2.5,
        keep_s=600.0,
        jobs=3,
    )


def test_a_relative_tree_is_beside_the_file_wherever_one_stands(config: Path) -> None:
    assert read(config, 'tree = "linux"').tree == config.parent / "linux"


def test_a_tree_in_the_home_folder(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert read(config, 'tree = "~/linux"').tree == Path("/home/ada/linux")


@pytest.mark.parametrize(
    "line",
    [
        "tree = 1",
        "tree = []",
        "tree = true",
        "lore = 1",
        "lore = false",
        'timeout = "60"',
        "timeout = true",
        "timeout = -1",
        "timeout = inf",
        "timeout = nan",
        "keep_minutes = []",
        "keep_minutes = -0.5",
        "jobs = 2.5",
        'jobs = "2"',
        "jobs = true",
        "jobs = -1",
    ],
)
def test_a_value_of_the_wrong_kind_is_named(config: Path, line: str) -> None:
    key = line.partition(" ")[0]
    with pytest.raises(UsageError, match=f"{config}: {key} must be a?") as caught:
        read(config, line)
    assert "<class" not in str(caught.value)


def test_an_unknown_key_is_named_with_those_that_are_known(config: Path) -> None:
    with pytest.raises(UsageError, match="unknown setting 'tee'") as caught:
        read(config, 'tee = "/linux"')
    assert "tree" in caught.value.hint
    assert "jobs" in caught.value.hint


@pytest.mark.parametrize("text", ["tree = ", "= 1", b"tree = '\xff'", "[tree", "a = 1\na = 2\n"])
def test_broken_toml_is_a_usage_error_that_names_the_file(config: Path, text: str | bytes) -> None:
    with pytest.raises(UsageError, match=str(config)):
        read(config, text)


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=str(tmp_path)):
        read_settings({"PATCHBOT_CONFIG": str(tmp_path)})


def test_the_environment_is_above_the_file(config: Path) -> None:
    assert read(config, 'lore = "http://file"', PATCHBOT_LORE="http://env").lore == "http://env"
    assert read(config, 'lore = "http://file"', PATCHBOT_LORE="").lore == "http://file"
    assert read(config, 'lore = ""').lore is None
    assert read(config, 'tree = ""').tree is None


def test_places_without_variables_are_the_user_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/config")
    assert find_home({}) == Path("/data/patchbot")
    assert find_config({}) == Path("/config/patchbot/config.toml")


def test_a_relative_home_stays_where_it_is_when_the_folder_changes(tmp_path: Path) -> None:
    assert find_home({"PATCHBOT_HOME": "here"}) == Path.cwd() / "here"


@pytest.mark.parametrize("name", ["PATCHBOT_HOME", "PATCHBOT_CONFIG"])
def test_the_home_of_nobody(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name}: ~walnut-nobody/x"):
        read_settings({name: "~walnut-nobody/x"})


def test_the_real_environment_is_read_by_default(config: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    config.write_text("jobs = 5\n")
    monkeypatch.setenv("PATCHBOT_CONFIG", str(config))
    assert read_settings().jobs == 5
