"""What the linux kit says of page faults whose handlers answer what they may not, without a kernel.

Of the kit it takes model/linux/fault.c and order.c, with headers that declare what those need.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from kernel_sim.cfront.command import ARCH, FREESTANDING
from kernel_sim.cfront.linking import Linker
from kernel_sim.cfront.preprocess import strip_markers
from kernel_sim.cfront.unit import Unit
from kernel_sim.explore.model import Bounds, Mode
from kernel_sim.explore.search import Search
from kernel_sim.machine.python_engine import PythonEngine
from kernel_sim.scenario import MODEL

from tests.support.require import require

MM = """
typedef _Bool bool;
#define NULL ((void *)0)
#define true 1
#define false 0
typedef unsigned int vm_fault_t;
#define VM_FAULT_SIGBUS 0x02
#define VM_FAULT_NOPAGE 0x100
#define VM_FAULT_RETRY 0x400
#define VM_FAULT_COMPLETED 0x4000
#define FAULT_FLAG_WRITE 0x01
#define FAULT_FLAG_ALLOW_RETRY 0x04
#define FAULT_FLAG_TRIED 0x20
struct mm_struct { unsigned long mmap_lock; };
struct file { int unused; };
struct vm_fault { unsigned int flags; };
"""
JBD2 = "static inline void *journal_current_handle(void) { return (void *)0; }\n"
OWN = """
#define SIM_THREADS 16
void sim_name_lock(const volatile void *lock, const char *name);
"""
PROGRAM = """
#include <linux/mm.h>
#include "sim_linux.h"
#include "sim_fault.h"
#include <sim/kernel.h>
void sim_thread_ends(void);
void sim_end(void);
void mmap_read_unlock(struct mm_struct *mm);
static unsigned long a;
static unsigned int tries;
static void take(void) { sim_lock_taken(SIM_LOCK(&a), "i_rwsem", 0); }
static void drop(void) { sim_lock_dropped(SIM_LOCK(&a)); }
static void unlock(void) { mmap_read_unlock(&sim_mm); }
static vm_fault_t handler(struct vm_fault *vmf) { tries++; %s }
static vm_fault_t fault(unsigned int flags)
{
	struct vm_fault vmf = { .flags = flags };
	return sim_fault(&vmf, handler);
}
static void thread(void *unused) { %s sim_thread_ends(); }
void setup(void) { sim_thread("thread", thread, 0, 0); }
void check(void) { sim_end(); %s }
"""
FIRST = "fault(sim_fault_flags());"
WITHOUT = "VM_FAULT_RETRY was returned where FAULT_FLAG_ALLOW_RETRY was not given"
HELD = "VM_FAULT_RETRY or VM_FAULT_COMPLETED was returned with mmap_lock held"
LOST = "mmap_lock was dropped, and neither VM_FAULT_RETRY nor VM_FAULT_COMPLETED returned"
FREE = "mmap_lock is released by a thread that does not hold it"
ORDER = "mmap_lock and i_rwsem are taken in both orders"
CASES = {
    "done": ("return 0;", FIRST, None),
    "an error": ("return VM_FAULT_SIGBUS;", FIRST, None),
    "again": ("unlock(); return VM_FAULT_RETRY;", FIRST, None),
    "completed": ("unlock(); return VM_FAULT_COMPLETED;", FIRST, None),
    "again, and still allowed": (
        "unlock(); return VM_FAULT_RETRY;", "fault(sim_fault_flags() | FAULT_FLAG_TRIED);", None,
    ),
    "again, and not allowed": (
        "unlock(); return VM_FAULT_RETRY;", "sim_forbid_retry();" + FIRST, ("fault", WITHOUT),
    ),
    "completed, which needs no leave to try again": (
        "unlock(); return VM_FAULT_COMPLETED;", "sim_forbid_retry();" + FIRST, None,
    ),
    "again, with the lock": ("return VM_FAULT_RETRY;", FIRST, ("fault", HELD)),
    "completed, with the lock": ("return VM_FAULT_COMPLETED;", FIRST, ("fault", HELD)),
    "done, without the lock": ("unlock(); return 0;", FIRST, ("fault", LOST)),
    "an error, without the lock": ("unlock(); return VM_FAULT_SIGBUS;", FIRST, ("fault", LOST)),
    "dropped twice": (
        "unlock(); unlock(); return VM_FAULT_RETRY;", FIRST, ("unbalanced lock", FREE),
    ),
    # A handler takes i_rwsem, and write(2) touches its caller's memory under it.
    "a lock inside a fault": ("take(); drop(); return 0;", FIRST, None),
    "a lock in both orders": (
        "take(); drop(); return 0;", FIRST + "take(); sim_might_fault(); drop();",
        ("lock order", ORDER),
    ),
    "a lock behind the unlocked fault": (
        "unlock(); take(); drop(); return VM_FAULT_RETRY;",
        FIRST + "take(); sim_might_fault(); drop();", None,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Where headers are found: the kit's own last."""
    stubs = tmp_path_factory.mktemp("stubs")
    (stubs / "linux").mkdir()
    (stubs / "linux/mm.h").write_text(MM)
    (stubs / "linux/jbd2.h").write_text(JBD2)
    (stubs / "linux/mmap_lock.h").write_text("")
    (stubs / "sim").mkdir()
    (stubs / "sim/kernel.h").write_text("void sim_forbid_retry(void);\n")
    (stubs / "sim_linux.h").write_text(OWN)
    return [ARCH, FREESTANDING, stubs, MODEL / "linux"]


@pytest.fixture(scope="module")
def kit(folders: list[Path]) -> list[Unit]:
    return [read(folders, (MODEL / "linux" / n).read_text("utf-8")) for n in ("fault.c", "order.c")]


def read(folders: list[Path], text: str) -> Unit:
    """Preprocess and parse a file."""
    words = [str(require("gcc")), "-E", "-nostdinc", "-include", "asm/sim.h", "-xc", "-"]
    words += ["-DSIM_FAULT_COMPLETED=1", *(f"-I{folder}" for folder in folders)]
    done = subprocess.run(words, input=text, check=True, capture_output=True, text=True)
    return Unit(strip_markers(done.stdout, "test.c"))


def run(
    folders: list[Path], kit: list[Unit], handler: str, thread: str, last: str = ""
) -> tuple[str, str] | None:
    """Return the failure of one thread's faults; None where there is none."""
    linker = Linker([read(folders, PROGRAM % (handler, thread, last)), *kit])
    program = linker.link(["setup", "check"])
    assert (linker.ledger.missing, linker.ledger.broken) == (set(), {})
    outcome = Search(PythonEngine(program), Mode.NONE, Bounds(0)).explore()
    assert outcome.reasons == ()
    return None if outcome.failure is None else (outcome.failure.kind, outcome.failure.text)


@pytest.mark.parametrize("name", CASES)
def test_faults(name: str, folders: list[Path], kit: list[Unit]) -> None:
    handler, thread, wanted = CASES[name]
    assert run(folders, kit, handler, thread) == wanted


def test_the_handler_is_called_once_a_try(folders: list[Path], kit: list[Unit]) -> None:
    """A first try may be tried again; of the second one TRIED tells."""
    handler = """
	if (vmf->flags != (FAULT_FLAG_WRITE | FAULT_FLAG_ALLOW_RETRY))
		sim_fail("test", "flags");
	unlock();
	return VM_FAULT_RETRY;"""
    count = 'if (tries != 2) sim_fail("test", "tries");'
    assert run(folders, kit, handler, FIRST + FIRST, count) is None
    assert run(folders, kit, handler, FIRST, count) == ("test", "tries")
