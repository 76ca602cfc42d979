"""The build and smoke stages on a real kernel: what compiles, what boots, and what a patch breaks.

One home for all tests that build kernels: the base is built once, as it is for a user.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

import patchbot.stages.smoke
from patchbot.kbuild.image import Image
from patchbot.model import Change, Severity, StageResult, Status
from patchbot.qemu.scenario import load_scenarios
from patchbot.stages.base import StageRequest
from patchbot.stages.build import BuildStage
from patchbot.stages.smoke import SmokeStage
from patchbot.tree import open_tree
from tests.support.fakes import make_request, make_revision
from tests.support.git_tree import run_git
from tests.support.kernel_git import commit_on, file_of
from tests.support.kernels import Kernels

pytestmark = pytest.mark.xdist_group("image")
SUPER, SYNC, MAKEFILE = "fs/ext4/super.c", "fs/ext4/fsync.c", "fs/ext4/Makefile"
MOUNT = b"\tsb->s_fs_info = sbi;\n"


@pytest.fixture
def kernel(kernels: Kernels) -> Path:
    return kernels.repository


@pytest.fixture(autouse=True)
def only_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others have tests of their own."""
    boot = load_scenarios()["boot"]
    monkeypatch.setattr(patchbot.stages.smoke, "load_scenarios", lambda: {"boot": boot})


@pytest.fixture
def home(kernels: Kernels) -> Path:
    return kernels.home


def request_for(
    kernel: Path, commits: Sequence[str], home: Path, folder: Path, **earlier: StageResult
) -> StageRequest:
    data = {"base": commits[0], "commits": list(commits[1:])}
    applied = StageResult("apply", Status.PASS, "applied", data=data)
    made = make_request()
    return StageRequest(
        series=made.series,
        revision=make_revision(patches=len(commits) - 1),
        tree=open_tree(kernel),
        base=made.base,
        why_no_base="",
        folder=folder,
        repeat="",
        locked=made.locked,
        earlier={"apply": applied, **earlier},
        home=home,
    )


def build(kernel: Path, commits: Sequence[str], home: Path, folder: Path) -> StageResult:
    return BuildStage().run(request_for(kernel, commits, home, folder))


def test_a_good_series_builds_and_boots(kernel: Path, home: Path, tmp_path: Path) -> None:
    base = run_git(kernel, "rev-parse", "master")
    sync = file_of(kernel, base, SYNC)
    one = commit_on(kernel, base, {SYNC: sync + b"/* walnut */\n"}, "ext4: say a word\n")
    new = b'#include "ext4.h"\nint ext4_walnut(void);\nint ext4_walnut(void)\n{\n\treturn 2;\n}\n'
    makefile = file_of(kernel, base, MAKEFILE) + b"ext4-y += walnut.o\n"
    files = {"fs/ext4/walnut.c": new, MAKEFILE: makefile}
    two = commit_on(kernel, one, files, "ext4: add a file\n")
    result = build(kernel, [base, one, two], home, tmp_path / "build")
    assert (result.status, [f.rule for f in result.findings]) == (Status.PASS, ["build-files"])
    image, before = (Image(Path(str(result.data[n]))) for n in ("image", "base_image"))
    assert b"ext4_walnut" in (image.folder / "symbols").read_bytes()
    assert b"ext4_walnut" not in (before.folder / "symbols").read_bytes()
    request = request_for(kernel, [base, one, two], home, tmp_path / "smoke", build=result)
    smoke = SmokeStage().run(request)
    assert (smoke.status, smoke.findings) == (Status.PASS, ())
    logs = smoke.data["logs"]
    assert isinstance(logs, dict)
    text = Path(logs["boot"]).read_text()
    assert "mounted filesystem" in text
    assert "journalled data mode" in text


def test_a_patch_that_breaks_the_mount_is_seen_on_the_serial_line(
    kernel: Path, home: Path, tmp_path: Path
) -> None:
    base = run_git(kernel, "rev-parse", "master")
    text = file_of(kernel, base, SUPER)
    assert text.count(MOUNT) == 1
    broken = text.replace(MOUNT, MOUNT + b"\tWARN_ON(test_opt(sb, DATA_FLAGS) == 0);\n")
    one = commit_on(kernel, base, {SUPER: broken}, "ext4: warn at each mount\n")
    result = build(kernel, [base, one], home, tmp_path / "build")
    assert result.status is Status.PASS
    request = request_for(kernel, [base, one], home, tmp_path / "smoke", build=result)
    smoke = SmokeStage().run(request)
    assert smoke.status is Status.FAIL
    (finding,) = smoke.findings
    assert (finding.rule, finding.severity, finding.change) == (
        "boot", Severity.ERROR, Change.INTRODUCED,
    )  # fmt: skip
    assert "WARNING: CPU:" in finding.message
    assert "fs/ext4/super.c" in finding.message


def test_what_does_not_compile_has_no_image(kernel: Path, home: Path, tmp_path: Path) -> None:
    base = run_git(kernel, "rev-parse", "master")
    sync = file_of(kernel, base, SYNC)
    one = commit_on(kernel, base, {SYNC: sync + b"int lost = walnut;\n"}, "ext4: break\n")
    two = commit_on(kernel, one, {SYNC: sync + b"int lost;\nint ext4_x;\n"}, "ext4: mend\n")
    failed = build(kernel, [base, one], home, tmp_path / "one")
    assert failed.status is Status.FAIL
    assert "image" not in failed.data
    (finding,) = failed.findings
    assert (finding.rule, finding.file, finding.patch, finding.change) == (
        "gcc", SYNC, 1, Change.INTRODUCED,
    )  # fmt: skip
    assert "int lost = walnut;" in finding.evidence
    mended = build(kernel, [base, one, two], home, tmp_path / "two")
    assert mended.status is Status.WARN
    assert "not bisectable" in mended.reason
    assert [f.rule for f in mended.findings] == ["not-bisect-clean"]


def test_a_linker_s_error_is_told(kernel: Path, home: Path, tmp_path: Path) -> None:
    base = run_git(kernel, "rev-parse", "master")
    lost = b"int ext4_lost(void);\nint ext4_called(void);\n"
    lost += b"int ext4_called(void)\n{\n\treturn ext4_lost();\n}\n"
    text = file_of(kernel, base, SYNC) + lost
    one = commit_on(kernel, base, {SYNC: text}, "ext4: call what is not there\n")
    result = build(kernel, [base, one], home, tmp_path / "build")
    assert result.status is Status.FAIL
    assert "image" not in result.data
    (finding,) = result.findings
    assert finding.rule == "image"
    assert "undefined reference to `ext4_lost'" in finding.evidence
