"""The smoke stage: boot what was built, run the scenarios, and compare with the base."""

from __future__ import annotations

import shutil
from pathlib import Path

from patchbot.kbuild.image import Image
from patchbot.model import StageResult, Status
from patchbot.qemu.accel import choose_accel
from patchbot.qemu.boot import Setting
from patchbot.qemu.compare import find_changes, judge_pairs
from patchbot.qemu.machine import QEMU
from patchbot.qemu.scenario import load_scenarios
from patchbot.qemu.versus import compare_images
from patchbot.sandbox import find_sandbox
from patchbot.stages.base import StageRequest, hash_key
from patchbot.tools.versions import find_version

_VERSION = "1"
_PROGRAMS = {QEMU: "qemu-system-x86", "busybox": "busybox-static"}


class SmokeStage:
    """Boots the base's and the revision's image with every scenario.

    `data` of its result: `logs` and `base_logs`, where each scenario's serial log stands, by name.
    """

    name = "smoke"
    version = _VERSION
    needs: tuple[str, ...] = ("build",)
    summary = "boot the result in QEMU, run scenarios, and compare with the base"

    def key(self, request: StageRequest) -> str | None:
        """Hash the images' places, which name what they were made of, the scenarios and QEMU."""
        images, which = _images(request), _which(request)  # v4's patch 2 may be all of v5
        scenarios = [scenario.key for scenario in load_scenarios().values()]
        return hash_key(self.name, self.version, images, which, scenarios, find_version(QEMU))

    def is_current(self, stored: StageResult, request: StageRequest) -> bool:
        """A kept result holds as long as the logs that it names are there."""
        logs = stored.data.get("logs")
        return isinstance(logs, dict) and all(Path(str(path)).is_file() for path in logs.values())

    def run(self, request: StageRequest) -> StageResult:
        """Boot both images for every scenario; see `SmokeStage`."""
        before, after = _images(request)
        lacking = [name for name in _PROGRAMS if shutil.which(name) is None]
        if request.home is None or not before or not after or lacking:
            packages = " ".join(_PROGRAMS[name] for name in lacking)
            how = f"not installed: {', '.join(lacking)} (apt-get install {packages})"
            reason = how if lacking else "no image was built"
            return StageResult(self.name, Status.SKIPPED, reason, repeat=request.repeat)
        base, built = Image(Path(before)), Image(Path(after))
        request.folder.mkdir(parents=True, exist_ok=True)
        accel = choose_accel("auto", base.kernel, request.home, request.folder / "probe")
        setting = Setting(built, request.folder, request.home, accel)
        pairs = compare_images(
            base, built, list(load_scenarios().values()), setting, watch=request.watch
        )
        status, reason = judge_pairs(pairs)
        sandbox = find_sandbox().why_not
        return StageResult(
            stage=self.name,
            status=status,
            reason=f"{_which(request)}{reason} ({accel})"
            + (f"; without a sandbox: {sandbox}" if sandbox else ""),
            findings=tuple(find_changes(pairs)),
            tools={"qemu": find_version(QEMU) or "unknown"},
            repeat=request.repeat,
            data={
                "logs": {pair.scenario: pair.logs[1] for pair in pairs},
                "base_logs": {pair.scenario: pair.logs[0] for pair in pairs},
                "accel": accel,
            },
        )


def _which(request: StageRequest) -> str:
    """Say which patch was booted, where it is not the last."""
    data = request.earlier["build"].data if "build" in request.earlier else {}
    number = data.get("patch")
    patches = request.revision.patches
    if not isinstance(number, int) or not 0 < number < len(patches):
        return ""
    return f"booted at patch {patches[number - 1].number}: "


def _images(request: StageRequest) -> tuple[str, str]:
    data = request.earlier["build"].data if "build" in request.earlier else {}
    return str(data.get("base_image", "")), str(data.get("image", ""))
