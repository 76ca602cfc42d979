"""Kits: which trees the model kernel can complete, and with which of its files."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kernel_sim.cfront.generated import read_small
from kernel_sim.scenario import MODEL

_LISTS = ("has", "lacks", "folders", "sources", "replaces", "scenarios")
_HEADERS = ("own", "kernel")
_KNOWN = {"summary", "headers", "macros", "installs", "declared", *_LISTS}
_DECLARED = {"macro", "file", "text"}
_INSTALLS = {"file": str, "struct": str, "function": str, "skip": list, "known": list}


class KitError(ValueError):
    """No kit fits a tree, or a kit's data file is wrong; in one line."""


@dataclass(frozen=True, slots=True)
class Installs:
    """Functions that a tree's own code hands to a structure, for the model's mount to hand on.

    `file` is looked through for assignments to members of `struct` (its tag) that point to
    functions, but those in `skip`; `function` is made of them. `known` is its parameter, and then
    declarations of what the conditions around the assignments may name.
    """

    file: str
    struct: str
    function: str
    known: tuple[str, ...]
    skip: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Declared:
    """Something that not every tree declares: the model is compiled with `macro` where it does.

    That is where `file` of the tree has `text`, any white space being as good as any other.
    """

    macro: str
    file: str
    text: str

    def is_in(self, tree: Path) -> bool:
        """Whether the tree at this path declares it; raises `TreeError` for a file too long."""
        return _squeeze(self.text) in _squeeze(read_small(tree / self.file))


@dataclass(frozen=True, slots=True)
class Kit:
    """One kind of tree; all paths are relative to the tree's top.

    A tree is of this kind if it has all of `has` and none of `lacks`. Of its files, those that
    match `sources` are compiled, but not what the model `replaces`. `folders` are what has to be
    exported of a commit, nothing for all of it. `headers`: the tree brings its "own" in include/,
    or is a "kernel" that needs the simulator's and generated ones. `macros` are defined for all.
    The model's part is every C file in `folder`, compiled with the macros of what the tree has
    `declared`. `scenarios` are those that are run where nobody
    asks for others, nothing for all: on some trees the others have not been tried.
    """

    name: str
    summary: str
    folder: Path
    has: tuple[str, ...]
    lacks: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    headers: str = "own"
    sources: tuple[str, ...] = ("**/*.c",)
    replaces: tuple[str, ...] = ()
    macros: Mapping[str, str] = field(default_factory=dict)
    installs: tuple[Installs, ...] = ()
    declared: tuple[Declared, ...] = ()
    scenarios: tuple[str, ...] = ()

    def macros_for(self, tree: Path) -> list[str]:
        """Return the names of the macros that say what this tree declares."""
        return [each.macro for each in self.declared if each.is_in(tree)]

    def runs(self, scenario: str) -> bool:
        """Whether a scenario is run on such a tree without being asked for."""
        return not self.scenarios or scenario in self.scenarios

    def model_files(self) -> list[Path]:
        """Return the model's C files, by name."""
        return sorted(self.folder.glob("*.c"))

    def tree_files(self, tree: Path) -> list[str]:
        """Return the paths of the tree's files to compile, in order."""
        found = {
            path.relative_to(tree).as_posix()
            for pattern in self.sources
            for path in tree.glob(pattern)
            if path.is_file() and not path.is_symlink()
        }
        return sorted(found - set(self.replaces))


def load_kits(model: Path = MODEL) -> list[Kit]:
    """Return all kits of the model; raises `KitError` for a data file that is wrong."""
    return [
        parse_kit(path.parent, path.read_text("utf-8")) for path in sorted(model.glob("*/kit.toml"))
    ]


def parse_kit(folder: Path, text: str) -> Kit:
    """Return the kit that a data file describes; raises `KitError`."""
    name = folder.name
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise KitError(f"kit {name}: {error}") from error
    problem = next(_problems(values), None)
    if problem:
        raise KitError(f"kit {name}: {problem}")
    macros = {str(key): str(value) for key, value in values.pop("macros", {}).items()}
    lists = {key: tuple(values.pop(key)) for key in _LISTS if key in values}
    installs = tuple(
        Installs(
            each["file"],
            each["struct"],
            each["function"],
            tuple(each["known"]),
            tuple(each.get("skip", ())),
        )
        for each in values.pop("installs", [])
    )
    declared = tuple(Declared(**each) for each in values.pop("declared", []))
    rest: dict[str, Any] = {**lists, **values, "installs": installs, "declared": declared}
    return Kit(name=name, folder=folder, macros=macros, **rest)


def _problems(values: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"unknown {key}" for key in values if key not in _KNOWN)
    yield from (f"no {key}" for key in ("summary", "has") if not values.get(key))
    for key in _LISTS:
        given = values.get(key, [])
        if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
            yield f"{key} is a list of texts"
    if not isinstance(values.get("macros", {}), dict):
        yield "macros is a table"
    for each in values.get("installs", []):
        good = isinstance(each, dict) and each.keys() <= _INSTALLS.keys()
        if not good or not all(isinstance(each[key], _INSTALLS[key]) for key in each):
            yield "installs has a file, a struct, a function, and lists of texts known and skip"
        elif not {"file", "struct", "function", "known"} <= each.keys():
            yield "installs needs file, struct, function and known"
    declared = values.get("declared", [])
    if not isinstance(declared, list):
        yield "declared is a list of tables"
        return
    for each in declared:
        texts = isinstance(each, dict) and all(isinstance(text, str) for text in each.values())
        if not texts or each.keys() != _DECLARED or not _squeeze(each["text"]):
            yield "declared has a macro, a file and a text"
    if values.get("headers", "own") not in _HEADERS:
        yield f"headers is one of: {', '.join(_HEADERS)}"


def _squeeze(text: str) -> str:
    return " ".join(text.split())


def find_kit(exists: Callable[[str], bool], kits: Sequence[Kit] | None = None) -> Kit:
    """Return the kit for the tree that has the paths for which `exists` says so.

    Raises `KitError` where none fits: nothing can be said about such a tree.
    """
    for kit in load_kits() if kits is None else kits:
        if all(map(exists, kit.has)) and not any(map(exists, kit.lacks)):
            return kit
    raise KitError("no model for this kind of tree yet")
