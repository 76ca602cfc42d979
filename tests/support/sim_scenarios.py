"""Scenarios on a bundled tree, built for tests: gcc preprocesses, and what repeats is kept."""

from __future__ import annotations

import hashlib
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kernel_sim import ir
from kernel_sim.cfront.command import FREESTANDING
from kernel_sim.cfront.linking import Linker
from kernel_sim.cfront.preprocess import strip_markers
from kernel_sim.cfront.unit import Unit

from tests.support import ROOT
from tests.support.require import require

KERNEL = ROOT / "kernel-sim" / "kernel_sim" / "kernel"
MODEL = ROOT / "kernel-sim" / "kernel_sim" / "model"
KIT = MODEL / "bundled"
REPLACED = ("lib/primitives.c", "lib/crc32c.c")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario's full name, its C file, and its macros as words for the preprocessor."""

    name: str
    source: Path
    defines: tuple[str, ...]


def load_scenarios(folder: Path = MODEL / "scenarios") -> dict[str, Scenario]:
    """Return all scenarios by full name."""
    found = {}
    for path in sorted(folder.glob("*.toml")):
        data = tomllib.loads(path.read_text("utf-8"))
        for variant in data.get("variant", [{}]):
            name = "/".join(filter(None, (path.stem, variant.get("name", ""))))
            defines = data.get("defines", {}) | variant.get("defines", {})
            words = tuple(f"-D{key}={value}" for key, value in defines.items())
            found[name] = Scenario(name, folder / data["source"], words)
    return found


def _preprocess(path: str, cwd: Path, tree: Path, defines: tuple[str, ...] = ()) -> str:
    require("gcc")
    folders = [f"-I{folder}" for folder in (MODEL / "include", KIT, tree / "include", tree)]
    folders += ["-idirafter", str(FREESTANDING)]  # for what engines supply
    words = ["gcc", "-E", *folders, "-Dcurrent=(sim_current())", *defines, path]
    return subprocess.run(words, cwd=cwd, check=True, capture_output=True, text=True).stdout


@dataclass(slots=True)
class TreeUnits:
    """The files of a tree, with the kit's before them, each parsed once whatever the scenario.

    A tree that was changed needs a new one: `based_on` lends it what is the same.
    """

    tree: Path
    kept: dict[str, Unit] = field(default_factory=dict)

    def units(self, scenario: Scenario) -> list[Unit]:
        """The scenario, the kit and the tree, in the order in which definitions count."""
        return [self._unit(scenario.source, MODEL, scenario.defines), *self._shared()]

    def _shared(self) -> Iterator[Unit]:
        for path in sorted(KIT.glob("*.c")):
            yield self._unit(path, MODEL)
        for path in sorted(self.tree.rglob("*.c")):
            if str(path.relative_to(self.tree)) not in REPLACED:
                yield self._unit(path, self.tree)

    def _unit(self, path: Path, cwd: Path, defines: tuple[str, ...] = ()) -> Unit:
        name = str(path.relative_to(cwd))
        text = _preprocess(name, cwd, self.tree, defines)
        key = hashlib.sha256(f"{name}\0{text}".encode()).hexdigest()
        if key not in self.kept:
            self.kept[key] = Unit(strip_markers(text, name))
        return self.kept[key]


def build(units: TreeUnits, scenario: Scenario) -> ir.Program:
    """Link a scenario with a tree; nothing in it may be missing or unknown."""
    linker = Linker(units.units(scenario))
    program = linker.link(["setup", "check"])
    assert not linker.ledger.missing, linker.ledger.missing
    assert not linker.ledger.broken, linker.ledger.broken
    return program
