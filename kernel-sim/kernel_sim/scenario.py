"""Scenarios as data: what threads do is C in `model/scenarios`, what varies stands beside it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

MODEL: Final = Path(__file__).resolve().parent / "model"
SCENARIOS: Final = MODEL / "scenarios"
_FILE = {"summary": str, "source": str, "variant": list, "defines": dict, "booted": dict}
_VARIANT = {"name": str, "summary": str, "defines": dict, "booted": dict}
_BOOTED = {"scenario": str, "threads": dict}
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
_MACRO = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_THREAD = re.compile(r"\S+")
_VALUE = re.compile(r"[\w+-]*", re.ASCII)


class ScenarioError(ValueError):
    """A scenario's data file is wrong, or there is no scenario of a name; in one line."""


@dataclass(frozen=True, slots=True)
class Booted:
    """A scenario of booted kernels in which the same is done.

    `threads` has, for a thread's name here, a pattern for that of the booted kernel's thread.
    """

    scenario: str
    threads: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A program to explore: `name` is FILE/VARIANT, or FILE where there are no variants.

    `source` is a C file that has setup() and check(), compiled with `defines` as macros. `booted`
    is what a schedule can be tried with on a booted kernel, None where there is nothing.
    """

    name: str
    summary: str
    source: Path
    defines: Mapping[str, str] = field(default_factory=dict)
    booted: Booted | None = None


def load_scenarios(folder: Path = SCENARIOS) -> dict[str, Scenario]:
    """Return all scenarios of a folder by name; raises `ScenarioError`."""
    found: dict[str, Scenario] = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ScenarioError(f"scenario {path.name}: {error}") from error
        for one in parse_scenarios(path.stem, text, folder):
            if not one.source.is_file():
                raise ScenarioError(f"scenario {one.name}: there is no {one.source.name}")
            found[one.name] = one
    return found


def choose_scenarios(known: Mapping[str, Scenario], names: Sequence[str]) -> list[Scenario]:
    """Return the scenarios of some names, all for none; raises `ScenarioError` for an unknown one.

    The name of a file stands for all its variants.
    """
    chosen: dict[str, Scenario] = {}
    for name in names or ("",):
        fitting = {k: v for k, v in known.items() if not name or k.split("/")[0] == name}
        fitting |= {name: known[name]} if name in known else {}
        if not fitting:
            raise ScenarioError(f"there is no scenario {name!r}")
        chosen |= fitting
    return list(chosen.values())


def parse_scenarios(name: str, text: str, folder: Path) -> Iterator[Scenario]:
    """Yield the scenarios of a data file; raises `ScenarioError` for what means nothing there."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"scenario {name}: {error}") from error
    _check(name, values, _FILE, ("summary", "source"))
    if Path(values["source"]).name != values["source"]:
        raise ScenarioError(f"scenario {name}: source is a file beside the data, not a path")
    _check_name(name, name)
    plain = Scenario(
        name,
        values["summary"],
        folder / values["source"],
        _macros(name, values.get("defines", {})),
        _booted(name, values),
    )
    yield from _vary(plain, values["variant"]) if "variant" in values else (plain,)


def _vary(plain: Scenario, variants: list[Any]) -> Iterator[Scenario]:
    seen: set[str] = set()
    for values in variants:
        if not isinstance(values, dict):
            raise ScenarioError(f"scenario {plain.name}: variant is a table: [[variant]]")
        _check(plain.name, values, _VARIANT, ("name", "summary"))
        _check_name(plain.name, values["name"])
        if values["name"] in seen:
            raise ScenarioError(f"scenario {plain.name}: two variants {values['name']}")
        seen.add(values["name"])
        name = f"{plain.name}/{values['name']}"
        defines = {**plain.defines, **_macros(name, values.get("defines", {}))}
        summary = f"{plain.summary}: {values['summary']}"
        booted = _booted(name, values) or plain.booted
        yield Scenario(name, summary, plain.source, defines, booted)


def _booted(name: str, values: Mapping[str, Any]) -> Booted | None:
    if "booted" not in values:
        return None
    _check(f"{name}: booted", values["booted"], _BOOTED, tuple(_BOOTED))
    threads = values["booted"]["threads"]
    if not all(isinstance(each, str) and _THREAD.fullmatch(each) for each in threads.values()):
        raise ScenarioError(f"scenario {name}: booted: a thread is a pattern without spaces")
    return Booted(values["booted"]["scenario"], dict(threads))


def _check(
    name: str, values: dict[str, Any], known: Mapping[str, type], needed: Sequence[str]
) -> None:
    for key, value in values.items():
        if key not in known:
            raise ScenarioError(f"scenario {name}: unknown {key}")
        if not isinstance(value, known[key]) or value == "":
            raise ScenarioError(f"scenario {name}: {key} is a {known[key].__name__}")
    for key in needed:
        if key not in values:
            raise ScenarioError(f"scenario {name}: no {key}")


def _check_name(file: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ScenarioError(f"scenario {file}: {name!r} is no name (small letters, digits, -)")


def _macros(name: str, values: Mapping[str, object]) -> dict[str, str]:
    for macro, value in values.items():
        fine = isinstance(value, str | int) and not isinstance(value, bool)
        if not _MACRO.fullmatch(macro) or not fine or not _VALUE.fullmatch(str(value)):
            raise ScenarioError(f"scenario {name}: {macro} is no macro with a number or a word")
    return {macro: str(value) for macro, value in values.items()}
