"""From a tree and a scenario to a program that an engine can run."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from kernel_sim import ir
from kernel_sim.cfront.command import ARCH, FREESTANDING, arguments_for, model_arguments
from kernel_sim.cfront.errors import PreprocessError
from kernel_sim.cfront.headers import prepare_headers
from kernel_sim.cfront.installed import find_installed, function_members, render_installer
from kernel_sim.cfront.linking import Linker
from kernel_sim.cfront.pieces import Pieces
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

    The program has all that any scenario can ask of the model, so that most of its machine code is
    the same for all of them; `parts` are the functions that this one can reach.

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
    declared: tuple[str, ...]

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


class Sources:
    """The parsed files of one tree and of the model's part: read once, for all scenarios on it.

    `cache` is a folder for generated headers; `pieces` may be shared with other trees, of which
    most is then the same. Safe to use from several threads.
    """

    def __init__(
        self,
        tree: Path,
        kit: Kit,
        cache: Path,
        threads: int = _THREADS,
        pieces: Pieces | None = None,
    ) -> None:
        self.tree = tree.resolve()
        self.kit = kit
        self._cache = cache
        self._threads = threads
        self._pieces = Pieces() if pieces is None else pieces
        self._lock = threading.Lock()
        self._work: _Work | None = None
        self._own: list[Unit] = []
        self._theirs: list[Unit] = []
        self._replaced: set[str] = set()
        self._linked: dict[tuple[str, ...], Linker] = {}

    def build(self, scenario: Scenario) -> Built:
        """Return the program of a scenario.

        The model's functions come before the tree's of the same name. Raises `TreeError` where the
        tree is not what the kit says, and `PreprocessError` for a file that does not preprocess or
        parse.
        """
        with self._lock:
            work = self._read()
            source = _own_source(work, scenario.source, scenario)
        with self._lock, _PARSING:
            first = Unit(source, pieces=self._pieces)
            if not all(root in first.functions for root in _ROOTS):
                raise PreprocessError(f"{scenario.source.name}: it has no setup() and check()")
            return self._link(first)

    def read_again(self, path: str) -> None:
        """Read one of the tree's C files again, because it has changed; all others stay as read.

        Raises `ValueError` where the kit does not compile it, and as `build`: then it is as before.
        """
        with self._lock:
            work = self._read()
            number = self.kit.tree_files(work.tree).index(path)
            source = _tree_source(work, path)
        with self._lock, _PARSING:
            self._theirs[number] = self._with_installed(source)
            self._linked.clear()

    def _read(self) -> _Work:
        if self._work is not None:
            return self._work
        work = _prepare(self.tree, self.kit, self._cache)
        with ThreadPoolExecutor(self._threads) as pool:
            own = [pool.submit(_own_source, work, path, None) for path in self.kit.model_files()]
            paths = self.kit.tree_files(work.tree)
            theirs = [pool.submit(_tree_source, work, path) for path in paths]
            ours = [source.result() for source in own]
            others = [source.result() for source in theirs]
        with _PARSING:
            self._own = [Unit(source, pieces=self._pieces) for source in ours]
            self._theirs = [self._with_installed(source) for source in others]
            self._replaced = self._functions_of(work, self._replaced_files(work))
        self._work = work
        return work

    def _with_installed(self, source: Source) -> Unit:
        """Parse a file, with the function that installs its callbacks where the kit asks for it."""
        unit = Unit(source, pieces=self._pieces)
        extra = "".join(
            render_installer(each.function, each.known, find_installed(unit, members))
            for each in self.kit.installs
            if each.file == source.path
            for members in [function_members(unit, each.struct) - set(each.skip)]
        )
        return Unit(source, extra, self._pieces) if extra else unit

    def _functions_of(self, work: _Work, paths: Sequence[str]) -> set[str]:
        """Return what the files define that the model stands in for, as far as they can be read."""
        found: set[str] = set()
        for path in paths:
            try:
                found.update(Unit(_tree_source(work, path), pieces=self._pieces).functions)
            except PreprocessError:
                continue  # it is not run; only whether ours stands in for something is told by it
        return found

    def _replaced_files(self, work: _Work) -> tuple[str, ...]:
        return tuple(path for path in self.kit.replaces if (work.tree / path).is_file())

    def _link(self, first: Unit) -> Built:
        assert self._work is not None
        linker = self._shared(first).extend(first)
        if linker is None:
            linker = Linker([first, *self._own, *self._theirs])
        program = linker.link(_ROOTS)
        functions, variables = linker.reach(_ROOTS)
        reached = {name: program.functions[name] for name in program.functions.keys() & functions}
        names = {name for unit in self._theirs for name in unit.functions} | self._replaced
        parts = make_ledger(ir.Program(reached), linker.ledger.functions, names)
        problems = [
            f"the initial value of {name} can't be read: {why}"
            for name, why in linker.ledger.broken.items()
            if name in variables
        ]
        replaced = self._replaced_files(self._work)
        return Built(program, parts, replaced, tuple(self.kit.macros), tuple(problems))

    def _shared(self, first: Unit) -> Linker:
        """Return the model's functions that a scenario declares, linked with all they reach."""
        ours = {name for unit in self._own for name in unit.functions.keys() - unit.statics}
        roots = tuple(sorted(first.prototypes.keys() & ours))
        if roots not in self._linked:
            self._linked[roots] = Linker([*self._own, *self._theirs])
            self._linked[roots].link(roots)
        return self._linked[roots]


def build_program(
    tree: Path, kit: Kit, scenario: Scenario, cache: Path, threads: int = _THREADS
) -> Built:
    """Return the program of one scenario on a tree, as `Sources.build`."""
    return Sources(tree, kit, cache, threads).build(scenario)


def _prepare(tree: Path, kit: Kit, cache: Path) -> _Work:
    folders = {"": tree, _OWN_PREFIX: MODEL, "<sim>/c/": FREESTANDING}
    declared = tuple(kit.macros_for(tree))
    if kit.headers == "own":
        return _Work(tree, kit, None, folders, declared)
    headers = prepare_headers(tree, cache).cache
    folders |= {"<sim>/": ARCH, "<generated>/": headers}
    return _Work(tree, kit, headers, folders, declared)


def _own_source(work: _Work, path: Path, scenario: Scenario | None) -> Source:
    own = path.resolve()
    if not own.is_relative_to(MODEL):  # a scenario of somebody else's: it has its folder to itself
        folders = {**work.folders, _OWN_PREFIX: MODEL, "<sim>/scenario/": own.parent}
        work = replace(work, folders=folders)
    given = dict.fromkeys(work.declared, "1") | dict(scenario.defines if scenario else {})
    return work.preprocess(own, own.name, [f"-D{name}={value}" for name, value in given.items()])


def _tree_source(work: _Work, path: str) -> Source:
    return work.preprocess(find_file(work.tree, path), path)
