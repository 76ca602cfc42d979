"""What the linux kit says of locks held at the end and taken in both orders, without a kernel.

Of the kit it takes model/linux/order.c, with headers that declare no more than that needs.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from kernel_sim import ir
from kernel_sim.cfront.command import ARCH, FREESTANDING
from kernel_sim.cfront.linking import Linker
from kernel_sim.cfront.preprocess import strip_markers
from kernel_sim.cfront.unit import Unit
from kernel_sim.explore.model import Bounds, Mode
from kernel_sim.explore.search import Search
from kernel_sim.machine.native_engine import NativeEngine
from kernel_sim.machine.python_engine import PythonEngine
from kernel_sim.scenario import MODEL

from tests.support.require import require
from tests.support.sim_native import native_folder

HEADER = """
#define NULL ((void *)0)
typedef _Bool bool;
#define true 1
#define false 0
extern unsigned long handles[16];
static inline void *journal_current_handle(void) { return (void *)handles[sim_self()]; }
"""
OWN = """
#define SIM_THREADS 16
void sim_name_lock(const volatile void *lock, const char *name);
"""
PROGRAM = """
#include <linux/jbd2.h>
#include "sim_linux.h"
void sim_thread_ends(void);
void sim_end(void);
unsigned long handles[16];
static unsigned long a, b, c, d;
static void take(unsigned long *lock)
{
	sim_acquire(lock, 1);
	sim_lock_taken(SIM_LOCK(lock), "a spinlock", 0);
}
static void shared(unsigned long *lock) { sim_lock_taken(SIM_LOCK(lock), "a rwlock", SIM_SHARED); }
static void tried(unsigned long *lock) { sim_lock_taken(SIM_LOCK(lock), "a mutex", SIM_TRIED); }
static void drop(unsigned long *lock)
{
	sim_lock_dropped(SIM_LOCK(lock));
	sim_swap(lock, 8, 0);
}
static void page(int bit) { sim_lock_taken(SIM_BIT_LOCK(&d, bit), "a bit lock", 0); }
static void leave(int bit) { sim_lock_dropped(SIM_BIT_LOCK(&d, bit)); }
static void open(void) { handles[sim_self()] = 1; }
static void close(void) { handles[sim_self()] = 0; }
static void first(void *unused) { %s sim_thread_ends(); }
static void second(void *unused) { %s sim_thread_ends(); }
void setup(void)
{
	sim_name_lock(&a, "the a lock");
	sim_thread("first", first, 0, 0);
	sim_thread("second", second, 0, 0);
	%s
}
void check(void) { sim_end(); }
"""
AB = "take(&a); take(&b); drop(&b); drop(&a);"
BA = "take(&b); take(&a); drop(&a); drop(&b);"
BOTH = ("lock order", "the a lock and a spinlock are taken in both orders")
CASES = {
    "one order": (AB, AB, None),
    # No thread is preempted, so that nothing ever comes to a deadlock.
    "both orders": (AB, BA, BOTH),
    "both orders in one thread": (AB + BA, "", BOTH),
    "one after the other": ("take(&a); drop(&a); take(&b); drop(&b);", BA, None),
    # Dropped in the order in which they were taken: at `c` no lock is held.
    "crossed": (
        "take(&a); take(&b); drop(&a); drop(&b); take(&c); drop(&c);",
        "take(&c); take(&a); take(&b); drop(&a); drop(&b); drop(&c);", None,
    ),
    # What leads into a circle is not what is named.
    "before a circle": ("take(&c); " + AB + "drop(&c);", BA, BOTH),
    "three in a circle": (
        "take(&a); take(&b); drop(&b); drop(&a); take(&b); take(&c); drop(&c); drop(&b);",
        "take(&c); take(&a); drop(&a); drop(&c);",
        ("lock order", "the a lock and a spinlock are taken in both orders"),
    ),
    "held": ("take(&b);", "", ("unbalanced lock", "a thread ended with a spinlock held")),
    "held, with a name": (
        "take(&b); take(&a); drop(&b);", "",
        ("unbalanced lock", "a thread ended with the a lock held"),
    ),
    "tried and held": (
        "tried(&b);", "", ("unbalanced lock", "a thread ended with a mutex held"),
    ),
    "handle": (
        "open();", "", ("unbalanced handle", "a thread ended with a handle open"),
    ),
    # Who cannot wait is nobody's deadlock; what is taken behind it can be.
    "tried": ("take(&a); tried(&b); drop(&b); drop(&a);", BA, None),
    "behind one that was tried": (
        "tried(&a); take(&b); drop(&b); drop(&a);", BA, BOTH,
    ),
    # Readers let each other in; a writer is in the way of both.
    "readers": (
        "take(&a); shared(&c); drop(&c); drop(&a);", "shared(&c); take(&a); drop(&a); drop(&c);",
        None,
    ),
    "reader and writer": (
        "take(&a); take(&c); drop(&c); drop(&a);", "shared(&c); take(&a); drop(&a); drop(&c);",
        ("lock order", "the a lock and a spinlock are taken in both orders"),
    ),
    "handle first": (
        "open(); take(&a); drop(&a); close(); take(&b); drop(&b);", "open(); take(&a); drop(&a);"
        "close(); take(&b); drop(&b);", None,
    ),
    "handle in both orders": (
        "open(); take(&a); drop(&a); close(); take(&b); drop(&b);",
        "take(&a); open(); take(&b); drop(&b); close(); drop(&a);",
        ("lock order", "a handle and the a lock are taken in both orders"),
    ),
    "bits of one word": ("page(1); page(2); leave(2); leave(1);", "page(1); page(2); leave(2);"
                         "leave(1);", None),
    "bits of one word in both orders": (
        "page(1); page(2); leave(2); leave(1);", "page(2); page(1); leave(1); leave(2);",
        ("lock order", "a bit lock and a bit lock are taken in both orders"),
    ),
    "dropped by another thread": ("take(&a);", "drop(&a);", (
        "unbalanced lock", "a thread ended with the a lock held"
    )),
}  # fmt: skip


READ: dict[str, Unit] = {}


@pytest.fixture
def stubs(tmp_path: Path) -> Path:
    (tmp_path / "linux").mkdir()
    (tmp_path / "linux/jbd2.h").write_text(HEADER)
    (tmp_path / "sim_linux.h").write_text(OWN)
    return tmp_path


def read(stubs: Path, text: str) -> Unit:
    """Preprocess and parse a file; the same text is read once."""
    if text not in READ:
        words = [str(require("gcc")), "-E", "-nostdinc", "-include", "asm/sim.h", "-xc", "-"]
        words += [f"-I{folder}" for folder in (ARCH, FREESTANDING, stubs)]
        done = subprocess.run(words, input=text, check=True, capture_output=True, text=True)
        READ[text] = Unit(strip_markers(done.stdout, "test.c"))
    return READ[text]


def build(stubs: Path, first: str, second: str, last: str = "") -> ir.Program:
    """Link order.c with a program; its `sim_linux.h` is the one of the stubs."""
    order = (MODEL / "linux/order.c").read_text("utf-8")
    linker = Linker([read(stubs, PROGRAM % (first, second, last)), read(stubs, order)])
    program = linker.link(["setup", "check"])
    assert (linker.ledger.missing, linker.ledger.broken) == (set(), {})
    return program


@pytest.mark.parametrize("name", CASES)
def test_locks(name: str, stubs: Path) -> None:
    first, second, wanted = CASES[name]
    outcome = Search(PythonEngine(build(stubs, first, second)), Mode.NONE, Bounds(0)).explore()
    found = outcome.failure
    assert (None if found is None else (found.kind, found.text)) == wanted


def test_what_setup_leaves_is_seen_at_the_end(stubs: Path) -> None:
    program = build(stubs, AB, AB, "take(&c);")
    found = Search(PythonEngine(program), Mode.NONE, Bounds(0)).explore().failure
    assert found is not None
    assert (found.kind, found.text) == ("unbalanced lock", "a thread ended with a spinlock held")


def test_watching_adds_nothing_to_what_schedules_are_about(stubs: Path) -> None:
    """Two locks that both threads take, in one order: four accesses of each, and its start."""
    program = build(stubs, AB, AB)
    outcome = Search(PythonEngine(program), Mode.NONE, Bounds(0)).explore()
    assert outcome.shared == 2
    native = NativeEngine(program, native_folder()).explore(Mode.NONE, Bounds(0)).outcome
    assert native == outcome
