"""From a tree and a scenario to a program that an engine can run."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kernel_sim import ir
from kernel_sim.cfront.command import ARCH, FREESTANDING, arguments_for, model_arguments
from kernel_sim.cfront.errors import PreprocessError
from kernel_sim.cfront.headers import prepare_headers
from kernel_sim.cfront.linking import Linker
from kernel_sim.cfront.preprocess import Source, find_file, name_paths, strip_markers
from kernel_sim.cfront.runner import run_preprocessor
from kernel_sim.cfront.unit import Unit
from kernel_sim.kit import Kit
from kernel_sim.ledger import Part, make_ledger
from kernel_sim.scenario import MODEL, Scenario

_ROOTS: Final = ("setup", "check")
_OWN_PREFIX: Final = "<sim>/model/"
_THREADS: Final = 4
_PARSING: Final = threading.Lock()  # there is one parser, and Python's lock is held all the while


@dataclass(frozen=True, slots=True)
class Built:
    """A program and what it is made of; `problems` are reasons why it can give no answer.

    `replaced` are the tree's files that the model stands in for, `macros` those that it defines.
    """

    program: ir.Program
    parts: tuple[Part, ...]
    replaced: tuple[str, ...]
    macros: tuple[str, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Work:
    tree: Path
    kit: Kit
    headers: Path | None
    folders: dict[str, Path]

    def preprocess(self, file: Path, name: str, defines: Iterable[str] = ()) -> Source:
        """Preprocess a file of the tree or of the model; `name` is what messages call it."""
        text = run_preprocessor([*self._arguments(name), *defines], file, self.tree)
        return name_paths(strip_markers(text, name), self.folders)

    def _arguments(self, name: str) -> list[str]:
        if self.headers is None:
            given = model_arguments(self.tree)
        else:
            given = arguments_for(self.tree, self.headers, name)
        given += ["-I", str(self.tree), "-I", str(MODEL / "include")]
        return given + [f"-D{macro}={value}" for macro, value in self.kit.macros.items()]


def build_program(
    tree: Path, kit: Kit, scenario: Scenario, cache: Path, threads: int = _THREADS
) -> Built:
    """Return the program of a scenario on a tree; `cache` is a folder for generated headers.

    The model's functions come before the tree's of the same name. Raises `TreeError` where the tree
    is not what the kit says, and `PreprocessError` for a file that does not preprocess or parse.
    """
    work = _prepare(tree.resolve(), kit, cache)
    own = [scenario.source, *kit.model_files()]
    theirs = kit.tree_files(work.tree)
    with ThreadPoolExecutor(threads) as pool:
        pending = [pool.submit(_own_source, work, path, scenario) for path in own]
        pending += [pool.submit(_tree_source, work, path) for path in theirs]
        sources = [each.result() for each in pending]
    with _PARSING:
        return _link(work, sources, len(own))


def _link(work: _Work, sources: Sequence[Source], own: int) -> Built:
    """Lower what the first source, the scenario, reaches; `own` of the sources are the model's."""
    units = [Unit(source) for source in sources]
    if not all(name in units[0].functions for name in _ROOTS):
        raise PreprocessError(f"{sources[0].path}: it has no setup() and check()")
    linker = Linker(units)
    program = linker.link(_ROOTS)
    replaced = tuple(path for path in work.kit.replaces if (work.tree / path).is_file())
    names = {name for unit in units[own:] for name in unit.functions}
    names |= _functions_of(work, replaced)
    parts = make_ledger(program, linker.ledger.functions, names)
    broken = linker.ledger.broken.items()
    problems = [f"the initial value of {name} can't be read: {why}" for name, why in broken]
    return Built(program, parts, replaced, tuple(work.kit.macros), tuple(problems))


def _prepare(tree: Path, kit: Kit, cache: Path) -> _Work:
    folders = {"": tree, _OWN_PREFIX: MODEL, "<sim>/c/": FREESTANDING}
    if kit.headers == "own":
        return _Work(tree, kit, None, folders)
    headers = prepare_headers(tree, cache).cache
    return _Work(tree, kit, headers, {**folders, "<sim>/": ARCH, "<generated>/": headers})


def _own_source(work: _Work, path: Path, scenario: Scenario) -> Source:
    own = path.resolve()
    if not own.is_relative_to(MODEL):  # a scenario of somebody else's: it has its folder to itself
        folders = {**work.folders, _OWN_PREFIX: MODEL, "<sim>/scenario/": own.parent}
        work = _Work(work.tree, work.kit, work.headers, folders)
    defines = [f"-D{name}={value}" for name, value in scenario.defines.items()]
    return work.preprocess(own, own.name, defines if own == scenario.source.resolve() else ())


def _tree_source(work: _Work, path: str) -> Source:
    return work.preprocess(find_file(work.tree, path), path)


def _functions_of(work: _Work, paths: Sequence[str]) -> set[str]:
    """Return what the files define that the model stands in for, as far as they can be read."""
    found: set[str] = set()
    for path in paths:
        try:
            found.update(Unit(_tree_source(work, path)).functions)
        except PreprocessError:
            continue  # it is not run; only whether ours stands in for something is told by it
    return found
