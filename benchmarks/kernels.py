"""Kernels: a revision built and booted against doing it by hand, and crash images a minute.

Takes a quarter of an hour: `python -m benchmarks kernels`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.timing import report, say
from patchbot.kbuild.image import Image
from patchbot.qemu.boot import Setting, make_disk, make_guest
from patchbot.qemu.captures import capture_run, plan_of
from patchbot.qemu.fsck import run_fsck
from patchbot.qemu.machine import QMP, command_of, started_guest
from patchbot.qemu.qmp import connected_qmp
from patchbot.qemu.running import run_scenario
from patchbot.qemu.scenario import load_scenarios
from patchbot.qemu.scratch import copy_sparse
from patchbot.qemu.study import study_run
from patchbot.stages.build import build_trail, kernel_folder, kernel_fragment
from patchbot.tree import open_tree
from tests.support.kernel_faults import FAULTS
from tests.support.kernels import Kernels, make_kernels

_IMAGES_S = 20.0


def run(folder: Path) -> None:
    """Print the ratios."""
    folder.mkdir(parents=True)
    kernels = replace(make_kernels(folder), home=folder / "home")
    commit = kernels.commit(FAULTS[0].change(kernels.files()), "one patch\n")
    cold, image = _patchbot(kernels, commit, folder / "cold")
    by_hand, hand_image = _by_hand(kernels, commit, folder / "hand")
    report("one patch, from nothing to its boot", cold, "by hand", by_hand)
    other = kernels.commit(FAULTS[1].change(kernels.files()), "another patch\n")
    warm, image = _patchbot(kernels, other, folder / "warm")
    by_hand, _ = _by_hand(kernels, other, folder / "hand")
    report("one patch, its base built before", warm, "by hand", by_hand)
    _boot(hand_image, folder / "boot")
    _images(image, folder / "images")


def _patchbot(kernels: Kernels, commit: str, folder: Path) -> tuple[float, Image]:
    """Build base and commit, and boot both, as the stages do; return seconds and the image."""
    say("building and booting with patchbot")
    start = time.perf_counter()
    tree = open_tree(kernels.repository)
    with kernel_folder(kernels.home, tree, kernels.base) as kept:
        built = build_trail(tree, [kernels.base, commit], kernels.home, kept, folder / "git")
    assert built.kept is not None
    for name, image in (("base", built.base), ("after", built.kept)):
        outcome = run_scenario(
            load_scenarios()["boot"], Setting(image, folder / name, kernels.home)
        )
        assert outcome.good, outcome
    return time.perf_counter() - start, built.kept


def _by_hand(kernels: Kernels, commit: str, folder: Path) -> tuple[float, Image]:
    """The same with git, make and QEMU: base and commit built, unless they were, and booted."""
    say("building and booting by hand")
    start = time.perf_counter()
    images: list[Image] = []
    for at in (kernels.base, commit):
        images.append(Image(folder / f"image-{at[:8]}"))
        if not images[-1].is_whole:
            _build(kernels, at, folder, images[-1].folder)
        _boot_bare(images[-1], folder / "guest")
    return time.perf_counter() - start, images[-1]


def _build(kernels: Kernels, commit: str, folder: Path, image: Path) -> None:
    source, output = folder / "source", folder / "output"
    _checkout(kernels, commit, source, folder / "index")
    if not (output / ".config").is_file():
        output.mkdir(parents=True)
        (output / "fragment").write_text(kernel_fragment())
        _make(source, output, f"KCONFIG_ALLCONFIG={output}/fragment", "allnoconfig")
    _make(source, output, "bzImage")
    _keep_image(output, image)


def _checkout(kernels: Kernels, commit: str, source: Path, index: Path) -> None:
    """Write what differs from the last commit; an index of its own knows what stands there.

    With the index that commits are made in, all would be written again, and so all be built.
    """
    source.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "GIT_INDEX_FILE": str(index)}
    git = ["git", f"--git-dir={kernels.repository}", f"--work-tree={source}"]
    for words in (["read-tree", "--reset", commit], ["checkout-index", "-a", "-u", "-f", "-q"]):
        subprocess.run([*git, *words], check=True, capture_output=True, env=environment)


def _make(source: Path, output: Path, *words: str) -> None:
    jobs = f"-j{os.cpu_count() or 2}"
    argv = ["make", "-s", "-C", str(source), f"O={output}", "WERROR=0", jobs, *words]
    subprocess.run(argv, check=True, capture_output=True)


def _keep_image(output: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    made = {"kernel": "arch/x86/boot/bzImage", "symbols": "System.map", "config": ".config"}
    for name, path in made.items():
        shutil.copyfile(output / path, folder / name)


def _boot_bare(image: Image, place: Path) -> None:
    """QEMU alone, with the scenario's own guest: no sandbox, no fsck, nobody who reads."""
    scenario = load_scenarios()["boot"]
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    disks = [make_disk(place / f"{disk.name}.img", disk) for disk in scenario.disks]
    guest, mark = make_guest(scenario, Setting(image, place, place), disks)
    log = place / "serial.log"
    subprocess.run(command_of(guest, "tcg", log), check=True, capture_output=True)
    assert f"{mark} end 3" in log.read_text()


def _boot(image: Image, folder: Path) -> None:
    say("booting")
    start = time.perf_counter()
    _boot_bare(image, folder / "bare")
    bare = time.perf_counter() - start
    start = time.perf_counter()
    setting = Setting(image, folder / "place", folder)
    assert run_scenario(load_scenarios()["boot"], setting).good
    report("scenario boot", time.perf_counter() - start, "QEMU alone", bare)


def _images(image: Image, folder: Path) -> None:
    """Seconds for a crash image that was judged: from the log of writes, and by stop and copy."""
    scenario = load_scenarios()["crash-images"]
    say("crash images from the log of a guest's writes")
    (folder / "log").mkdir(parents=True)
    start = time.perf_counter()
    capture, _, _ = capture_run(scenario, Setting(image, folder / "log", folder))
    study = study_run(capture.start_image, capture.log, plan_of(scenario), folder / "log")
    each = (time.perf_counter() - start) / study.points
    say(f"{study.points} crash images, {60 / each:.0f} a minute")
    say("crash images by stopping the guest and copying its disk")
    count, taken = _stop_and_copy(image, folder / "stop")
    report("one crash image", each, f"stop, copy, e2fsck ({count} images)", taken / count)


def _stop_and_copy(image: Image, place: Path) -> tuple[int, float]:
    scenario = load_scenarios()["crash-images"]
    environment = {**scenario.environment, "MILLISECONDS": str(int(_IMAGES_S * 1000))}
    scenario = replace(scenario, environment=environment)
    place.mkdir(parents=True)
    (disk,) = (make_disk(place / f"{disk.name}.img", disk) for disk in scenario.disks)
    guest, mark = make_guest(scenario, Setting(image, place, place.parent), [disk])
    count = 0
    start = time.perf_counter()
    with started_guest(replace(guest, attended=True), place) as live:
        assert live.wait_for(f"{mark} KTAP".encode(), 60)
        with connected_qmp(place / QMP) as qmp:
            while time.perf_counter() - start < _IMAGES_S and not live.is_over:
                qmp.stop()
                copy_sparse(disk, place / "copy.img")
                qmp.cont()
                run_fsck(place / "copy.img")
                count += 1
    return count, time.perf_counter() - start
