"""Seed, check, and count what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from patchbot_checks import FolderSources, check_files
from patchbot_checks.csource.unit import Unit

from tools.seeding.edits import Seed
from tools.seeding.faults import SEEDERS
from tools.seeding.trees import Overlay, c_files, unpack

_NEAR = 3
_MAX_PER_VARIANT = 40


@dataclass(slots=True)
class Score:
    """What became of the seeds of one rule in one tree."""

    rule: str
    version: str
    seeds: Counter[str] = field(default_factory=Counter)
    exact: int = 0
    near: int = 0
    inside: int = 0
    missed: list[Seed] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many faults were seeded."""
        return sum(self.seeds.values())


def make_seeds(rule: str, folder: FolderSources) -> Iterator[Seed]:
    """Yield the seeds of a rule in a tree, so many of each variant at most."""
    counts: Counter[str] = Counter()
    for path in c_files(folder):
        data = folder.read(path)
        if data is None or not path.endswith(".c"):
            continue
        for seed in SEEDERS[rule](Unit(path, data)):
            counts[seed.variant] += 1
            if counts[seed.variant] <= _MAX_PER_VARIANT:
                yield seed


def score(rule: str, version: str, say: Callable[[str], None] = lambda text: None) -> Score:
    """Seed all faults of a rule in one tree and look for each; raises `FileNotFoundError`."""
    folder = FolderSources(unpack(version))
    result = Score(rule, version)
    for seed in make_seeds(rule, folder):
        result.seeds[seed.variant] += 1
        say(f"{version} {rule}: {result.total}")
        _count(result, seed, folder)
    return result


def _count(result: Score, seed: Seed, folder: FolderSources) -> None:
    chosen = None if not seed.function else (lambda path, name: name == seed.function)
    sources = Overlay(folder, seed.path, seed.text)
    report = check_files(sources, [seed.path], [seed.rule], functions=chosen)
    lines = [f.line for f in report.findings if f.function == seed.function]
    if seed.line in lines:
        result.exact += 1
    elif any(abs(line - seed.line) <= _NEAR for line in lines):
        result.near += 1
    elif lines:
        result.inside += 1
    else:
        result.missed.append(seed)


def render(scores: list[Score]) -> str:
    """Return the scores as a table."""
    head = (
        f"{'rule':34} {'tree':5} {'variants':>8} {'seeds':>6} {'line':>5} {'near':>5} {'func':>5}"
    )
    rows = [head + f" {'missed':>6}"]
    for each in scores:
        rows.append(
            f"{each.rule:34} {each.version:5} {len(each.seeds):8} {each.total:6} {each.exact:5}"
            f" {each.near:5} {each.inside:5} {len(each.missed):6}"
        )
    return "\n".join(rows)
