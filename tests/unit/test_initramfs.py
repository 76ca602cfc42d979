"""The archive that a guest starts from, read back by busybox."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest

from patchbot.errors import UsageError
from patchbot.qemu.initramfs import Entry, console, folder, pack, program
from patchbot.qemu.scenario import find_scenarios, load_scenarios
from tests.support.require import require


def test_busybox_reads_what_was_packed(tmp_path: Path) -> None:
    require("busybox")
    entries = [folder("bin"), program("bin/tool", b"#!/bin/sh\n"), Entry("odd", 0o100600, b"abc")]
    subprocess.run(["busybox", "cpio", "-i"], input=pack(entries), cwd=tmp_path, check=True)
    assert (tmp_path / "bin" / "tool").read_bytes() == b"#!/bin/sh\n"
    assert stat.S_IMODE((tmp_path / "bin" / "tool").stat().st_mode) == 0o755
    assert (tmp_path / "odd").read_bytes() == b"abc"


def test_busybox_lists_a_device_and_the_end() -> None:
    require("busybox")
    done = subprocess.run(
        ["busybox", "cpio", "-tv"], input=pack([folder("dev"), console()]), capture_output=True,
        check=True,
    )  # fmt: skip
    lines = done.stdout.decode().splitlines()
    assert [(line[0], line.split()[-1]) for line in lines] == [("d", "dev"), ("c", "dev/console")]


def test_every_scenario_has_a_guest_and_says_what_it_does() -> None:
    found = load_scenarios()
    assert "boot" in found
    for scenario in found.values():
        assert scenario.script.startswith(b"#")
        assert len(scenario.summary) > 20
        assert scenario.timeout_s >= 10
        assert len(scenario.key) == 64


def test_an_unknown_scenario_is_named_with_those_there_are() -> None:
    assert find_scenarios(("boot",)) == [load_scenarios()["boot"]]
    with pytest.raises(UsageError, match="no scenario 'bot'"):
        find_scenarios(("bot",))
