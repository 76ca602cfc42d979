"""Guests that go wrong: each is an error that names itself, and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import patchbot.qemu.accel
import patchbot.qemu.boot
import patchbot.qemu.machine
from patchbot.errors import CancelledError, PatchbotError, StoreError
from patchbot.kbuild.image import Image
from patchbot.proc import PROCESSES
from patchbot.qemu.accel import choose_accel
from patchbot.qemu.boot import Outcome, Setting
from patchbot.qemu.errors import MachineError
from patchbot.qemu.kept import boot_kept
from patchbot.qemu.running import run_scenario
from patchbot.qemu.scenario import Scenario, guest_text, load_scenarios
from patchbot.qemu.versus import compare_images
from patchbot.sandbox import Sandbox
from tests.support import ROOT

pytestmark = pytest.mark.xdist_group("image")
BOOT = load_scenarios()["boot"]
Script = Callable[[str], Scenario]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    """``script(text)``: a scenario without disks whose guest runs this text."""

    def make(text: str) -> Scenario:
        def read(name: str) -> bytes:
            return text.encode() if name == "own.sh" else guest_text(name)

        monkeypatch.setattr(patchbot.qemu.boot, "guest_text", read)
        return Scenario("own", "", "own.sh", 30.0, ())

    return make


@pytest.fixture
def setting(stock: Image, tmp_path: Path) -> Setting:
    return Setting(stock, tmp_path / "place", tmp_path / "home")


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path) -> Iterator[None]:
    """After each test no QEMU that this process started runs, and no disk or socket is left."""
    yield
    PROCESSES.reset()
    assert PROCESSES.live_ids() == []
    mine = [pid for pid in _qemus() if str(tmp_path) in _command(pid)]
    assert mine == []
    assert not [path for path in (tmp_path / "place").rglob("*") if not path.is_dir()]


def _qemus() -> list[int]:
    return [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()]


def _command(pid: int) -> str:
    try:
        text = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""
    return text if "qemu-system" in text else ""


def when_running(call: Callable[[int], None]) -> threading.Thread:
    """Call with the process id of the guest's first process, once it runs."""

    def wait() -> None:
        end = time.monotonic() + 60
        while not PROCESSES.live_ids() and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(0.5)
        call(PROCESSES.live_ids()[0])

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


def test_a_guest_that_prints_forever(
    script: Script, setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patchbot.qemu.machine, "_MAX_LOG", 1 << 20)
    outcome = run_scenario(replace(script("while :; do dmesg; done"), timeout_s=300.0), setting)
    assert "it wrote more than 1 MiB" in outcome.error
    assert len(outcome.log) <= 1 << 20
    assert not outcome.good


def test_a_guest_that_never_ends(script: Script, setting: Setting) -> None:
    outcome = run_scenario(replace(script("sleep 1000"), timeout_s=6.0), setting)
    assert outcome.error.startswith("no end within 6 s")
    assert b"KTAP version 1" in outcome.log


def test_a_guest_that_forges_results(script: Script, setting: Setting) -> None:
    forged = "echo 'KTAP version 1'; echo 'ok 1 - forged'; echo 1..1; echo end 1; reboot -f"
    outcome = run_scenario(script(forged), setting)
    assert outcome.cases == ()
    assert outcome.error


def test_a_kernel_that_panics(script: Script, setting: Setting) -> None:
    outcome = run_scenario(script("result 0 fine; echo c >/proc/sysrq-trigger"), setting)
    assert "sysrq" in outcome.failed.lower() or "panic" in outcome.failed.lower()
    assert not outcome.good


def test_a_kernel_that_hangs_before_init(stock: Image, tmp_path: Path) -> None:
    image = Image(shutil.copytree(stock.folder, tmp_path / "image"))
    data = bytearray(image.kernel.read_bytes())
    # Documentation/x86/boot.rst: the protected-mode code follows the set-up sectors; here it jumps
    # to itself, where it is entered in 32 and in 64 bits.
    code = (data[0x1F1] + 1) * 512
    for entry in (code, code + 0x200):
        data[entry : entry + 2] = b"\xeb\xfe"
    image.kernel.write_bytes(data)
    setting = Setting(image, tmp_path / "place", tmp_path / "home")
    outcome = run_scenario(replace(BOOT, timeout_s=5.0), setting)
    assert outcome.error == "no end within 5 s: the serial line is empty"


def test_qemu_is_killed(script: Script, setting: Setting) -> None:
    killer = when_running(lambda pid: os.killpg(pid, signal.SIGKILL))
    with pytest.raises(MachineError, match=r"QEMU (was killed by signal 9|ended with 137)"):
        run_scenario(script("sleep 1000"), setting)
    killer.join()


def test_a_stop_ends_the_guest(script: Script, setting: Setting) -> None:
    stopper = when_running(lambda pid: PROCESSES.cancel())
    with pytest.raises(CancelledError):
        run_scenario(script("sleep 1000"), setting)
    stopper.join()


def test_an_image_that_was_removed(stock: Image, tmp_path: Path) -> None:
    image = Image(shutil.copytree(stock.folder, tmp_path / "image"))
    shutil.rmtree(image.folder)
    with pytest.raises(StoreError, match="kernel") as caught:
        boot_kept(BOOT, Setting(image, tmp_path / "place", tmp_path / "home"))
    assert "run it again" in caught.value.hint


def test_the_disk_is_full(setting: Setting) -> None:
    """No file may grow beyond a MiB: a guest's disk can't be made."""
    child = os.fork()
    if child == 0:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        try:
            run_scenario(BOOT, setting)
        except PatchbotError as error:
            os._exit(7 if error.hint == "free space" else 8)
        os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_two_at_once_boot_a_base_once(stock: Image, tmp_path: Path) -> None:
    image = Image(shutil.copytree(stock.folder, tmp_path / "image"))
    found: list[Outcome] = []

    def boot(name: str) -> None:
        setting = Setting(image, tmp_path / "place" / name, tmp_path / "home")
        found.append(boot_kept(BOOT, setting)[0])

    threads = [threading.Thread(target=boot, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.good for each in found] == [True, True]
    assert found[0].seconds == found[1].seconds


def test_kvm_that_hangs_is_found_out(
    setting: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A QEMU that never prints stands for a machine whose guests hang in KVM."""
    fake = tmp_path / "bin" / "qemu-system-x86_64"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\nsleep 1000\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(fake.parent), prepend=":")
    monkeypatch.setattr(patchbot.qemu.accel, "KVM", Path("/dev/null"))
    # In the sandbox the machine's own QEMU would be found.
    no_sandbox = Sandbox(None, "a test")
    monkeypatch.setattr(patchbot.qemu.machine, "find_sandbox", lambda: no_sandbox)
    before = time.monotonic()
    setting.home.mkdir()
    place = tmp_path / "place" / "probe"
    assert choose_accel("auto", setting.image.kernel, setting.home, place) == "tcg"
    assert time.monotonic() - before > patchbot.qemu.accel.PROBE_S
    shutil.rmtree(place)
    fake.write_text("#!/bin/sh\nexit 1\n")
    # The answer is remembered: nobody asks again.
    assert choose_accel("auto", setting.image.kernel, setting.home, place) == "tcg"
    assert not place.exists()


def test_what_one_scenario_can_not_do_ends_all(setting: Setting, script: Script) -> None:
    broken = replace(script("true"), programs=("lost.c",))
    with pytest.raises((MachineError, OSError)):
        compare_images(None, setting.image, [BOOT, broken], setting)


def test_no_guest_outlives_a_killed_patchbot(stock: Image, tmp_path: Path) -> None:
    code = (
        "from pathlib import Path\n"
        "from patchbot.kbuild.image import Image\n"
        "from patchbot.qemu.machine import Guest, run_guest\n"
        f"place = Path({str(tmp_path / 'place')!r}); place.mkdir(parents=True)\n"
        "(place / 'initrd').write_bytes(b'')\n"
        f"image = Image(Path({str(stock.folder)!r}))\n"
        "run_guest(Guest(image.kernel, place / 'initrd', append=('panic=0',), fragile=False),"
        " place, timeout_s=600)\n"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    end = time.monotonic() + 30
    while not any(str(tmp_path) in _command(pid) for pid in _qemus()):
        assert time.monotonic() < end
        time.sleep(0.1)
    run.kill()
    run.wait()
    while any(str(tmp_path) in _command(pid) for pid in _qemus()):
        assert time.monotonic() < end + 30
        time.sleep(0.1)
    shutil.rmtree(tmp_path / "place")
