"""Boots every seeded fault with every scenario on a kernel of Debian's, and prints the table.

    python -m tools.fault_matrix                              all of it, on 6.1
    python -m tools.fault_matrix --fault early-return --scenario write-protect
    python -m tools.fault_matrix --version 6.12 --stock       the unmodified kernel alone

Answers are relative to the unmodified kernel, as in a review: where chance has a part, a
difference is tried again on both. The table, every cell's reason and the serial logs stay in the
folder named at the end; a run begins anew there unless `--keep` is given. Ends with 1 where a fault
is not caught by the scenario meant for it, a scenario that is meant to spare it fails, a guest gave
no answer, or the unmodified kernel fails what it is not known to fail.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from patchbot.kbuild.image import Image
from patchbot.qemu.boot import Outcome, Setting
from patchbot.qemu.compare import Pair
from patchbot.qemu.kept import boot_kept
from patchbot.qemu.scenario import Scenario, find_scenarios
from patchbot.qemu.versus import compare_images
from tests.support import ROOT
from tests.support.kernel_faults import FAULTS, KernelFault
from tests.support.kernel_stock import FAILS_ON_STOCK
from tests.support.kernels import VERSION, Kernels, make_kernels
from tools.matrix_table import (
    Column,
    find_surprises,
    is_of,
    render_table,
    word_of,
    word_of_stock,
)


def say(text: str) -> None:
    """Tell on standard error what is being done."""
    print(text, file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True)
class Matrix:
    """The scenarios to boot, and where: `home` keeps outcomes and logs, `scratch` is emptied."""

    stock: Image
    scenarios: Sequence[Scenario]
    home: Path
    scratch: Path

    def setting(self, image: Image) -> Setting:
        """Where an image's guests run."""
        return Setting(image, self.scratch / "guests", self.home)

    def try_stock(self) -> dict[str, Outcome]:
        """Boot the unmodified kernel with each; raises `PatchbotError`."""
        say("stock")
        pairs = compare_images(None, self.stock, self.scenarios, self.setting(self.stock))
        return {pair.scenario: pair.after for pair in pairs}

    def try_fault(self, fault: KernelFault, image: Image) -> Column:
        """Boot a fault with each, against the unmodified kernel; raises `PatchbotError`."""
        say(fault.name)
        start = time.monotonic()
        pairs = compare_images(self.stock, image, self.scenarios, self.setting(image))
        if list(find_surprises({}, [Column(fault, pairs, 0.0)], {})):
            pairs = [self._insist(pair, fault, image) for pair in pairs]
        return Column(fault, pairs, time.monotonic() - start)

    def _insist(self, pair: Pair, fault: KernelFault, image: Image) -> Pair:
        """Try a scenario of chance as often as a difference would be, where it is meant to fail."""
        scenario = next(each for each in self.scenarios if each.name == pair.scenario)
        meant = any(is_of(pair.scenario, asked) for asked in fault.caught_by)
        if not (meant and scenario.confirm and word_of(pair) == "good"):
            return pair
        often = 1 + scenario.confirm
        after, _ = boot_kept(scenario, self.setting(image), runs=often)
        base, _ = boot_kept(scenario, self.setting(self.stock), runs=often)
        return replace(pair, base=base, after=after)


def build_faults(kernels: Kernels, names: Sequence[str], scratch: Path) -> dict[str, Image]:
    """Build the faults asked for, one after the other, unless their images are kept."""
    files = kernels.files()
    found = {}
    for fault in FAULTS:
        if fault.name in names:
            say(f"building {fault.name}, unless it is kept")
            commit = kernels.commit(fault.change(files), f"{fault.name}\n")
            found[fault.name] = kernels.image(commit, scratch / f"git-{fault.name}")
    return found


def latest_of_stock(stock: dict[str, Outcome], columns: Sequence[Column]) -> dict[str, Outcome]:
    """Return the stock kernel's outcomes with the runs that comparing added."""
    seen = [(pair.scenario, pair.base) for column in columns for pair in column.pairs]
    for name, outcome in seen:
        if outcome is not None and outcome.runs > stock[name].runs:
            stock = stock | {name: outcome}
    return stock


def describe(stock: dict[str, Outcome], columns: Sequence[Column]) -> str:
    """Return every answer with its reason as a JSON document."""
    cells = [_cell("stock", name, word_of_stock(each), each, "") for name, each in stock.items()]
    for column in columns:
        for pair in column.pairs:
            word, log = word_of(pair), pair.logs[1]
            cells.append(_cell(column.fault.name, pair.scenario, word, pair.after, log))
    return json.dumps(cells, indent=1)


def _cell(fault: str, scenario: str, word: str, outcome: Outcome, log: str) -> dict[str, object]:
    return {
        "fault": fault,
        "scenario": scenario,
        "word": word,
        "runs": outcome.runs,
        "bad_runs": outcome.bad_runs,
        "seconds": round(outcome.seconds, 1),
        "failed": outcome.failed,
        "error": outcome.error,
        "log": log,
    }


def run(args: argparse.Namespace, folder: Path, scratch: Path) -> bool:
    """Build, boot, print and keep the table; returns whether all is as meant."""
    kernels = make_kernels(scratch, args.version)
    say("building stock, unless it is kept")
    stock_image = kernels.image(kernels.base, scratch / "git-stock")
    names = () if args.stock else args.fault or [fault.name for fault in FAULTS]
    images = build_faults(kernels, names, scratch)
    matrix = Matrix(stock_image, find_scenarios(args.scenario), folder / "home", scratch)
    stock, columns = matrix.try_stock(), list[Column]()
    keep(folder, stock, columns)
    for fault in FAULTS:
        if fault.name in images:
            columns.append(matrix.try_fault(fault, images[fault.name]))
            stock = latest_of_stock(stock, columns)
            # What was seen is there even where the next fault ends everything.
            keep(folder, stock, columns)
    surprises = list(find_surprises(stock, columns, FAILS_ON_STOCK.get(args.version, {})))
    print(render_table(stock, columns))
    print("\n".join(f"not as meant: {each}" for each in surprises) or "all as meant")
    return not surprises


def keep(folder: Path, stock: dict[str, Outcome], columns: Sequence[Column]) -> None:
    """Write the table and the reasons to their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "table.md").write_text(render_table(stock, columns))
    (folder / "cells.json").write_text(describe(stock, columns))


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="fault_matrix", description=__doc__.partition("\n")[0])
    parser.add_argument("--version", default=VERSION, help="of Debian's package linux-source-N")
    parser.add_argument("--fault", action="append", choices=[fault.name for fault in FAULTS])
    parser.add_argument("--scenario", action="append", default=[], metavar="NAME")
    parser.add_argument("--stock", action="store_true", help="no fault at all")
    parser.add_argument("--keep", action="store_true", help="go on with what an earlier run saw")
    args = parser.parse_args()
    folder = ROOT / ".linux-sources" / f"matrix-{args.version}"
    if not args.keep:
        shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="patchbot-matrix-") as scratch:
        good = run(args, folder, Path(scratch))
    say(f"table, reasons and logs: {folder}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
