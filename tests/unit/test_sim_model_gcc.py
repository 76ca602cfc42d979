"""The model of the bundled kit compiles without a warning, as written and against the same headers.

The linux kit's needs a kernel's headers: see tests/integration/test_sim_trees.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from kernel_sim import ir
from kernel_sim.cfront.command import FREESTANDING
from kernel_sim.cfront.ctype import VOID, size_of
from kernel_sim.cfront.linking import Linker
from kernel_sim.kit import load_kits

from tests.support.sim_c import unit_of
from tests.support.sim_gcc import complaints, model_files
from tests.support.sim_scenarios import KERNEL

BUNDLED = next(kit for kit in load_kits() if kit.name == "bundled")
KIT = '#include "kit.h"\n'
LOCK = '#include <linux/spinlock.h>\n#include "kit.h"\nvoid '


def test_the_model_compiles(tmp_path: Path) -> None:
    files = model_files(BUNDLED)
    assert {"disk.c", "primitives.c", "write-protect.c"} <= {path.name for path, _ in files}
    assert complaints(KERNEL, BUNDLED, tmp_path, files) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"{KIT}void f(void) {{ sim_note(1, 2); }}\n", ":2: passing argument 1 of ‘sim_note’"),
        (f"{KIT}void f(void) {{ sim_fail(); }}\n", ":2: too few arguments to function ‘sim_fail’"),
        (f"{KIT}int f(void) {{ }}\n", ":2: control reaches end of non-void function"),
        (f"{KIT}void f(void) {{ g(); }}\n", ":2: implicit declaration of function ‘g’"),
        (f"{LOCK}instead_of_spin_lock(long lock) {{ }}\n", "types for ‘spin_lock’"),
        (f"{LOCK}instead_of_spin_lock(spinlock_t *l, int flags) {{ }}\n", "types for ‘spin_lock’"),
        ("#include <linux/bitops.h>\nvoid instead_of_test_bit(void) { }\n", "types for ‘test_bit’"),
        (f"{LOCK}instead_of_spin_lock(void) {{ }}\n", ""),
        (f"{LOCK.replace('void ', 'int ')}instead_of_spin_lock(void) {{ return 1; }}\n", ""),
    ],
)  # fmt: skip
def test_what_is_wrong_is_seen(text: str, found: str, tmp_path: Path) -> None:
    file = tmp_path / "seeded.c"
    file.write_text(text.replace('"kit.h"', f'"{BUNDLED.folder}/kit.h"'))
    said = complaints(KERNEL, BUNDLED, tmp_path, [(file, None)])
    assert len(said) == bool(found), said
    assert all(found in one for one in said)


def test_the_engines_prototypes_are_those_of_the_contract() -> None:
    """Every intrinsic is declared, takes as many arguments as said, and gives as wide a value."""
    unit = unit_of((FREESTANDING / "sim/engine.h").read_text().replace("#", "//"))
    linker = Linker([unit])
    assert set(unit.prototypes) == set(ir.INTRINSICS)
    for name, signature in ir.INTRINSICS.items():
        declared = linker.function_type(name, unit)
        assert declared is not None
        assert len(declared.parameters) == signature.arguments, name
        width = 0 if signature.returns is None else signature.returns.size
        assert width == (0 if declared.returns == VOID else size_of(declared.returns)), name
