"""Scenarios: data files that say what a guest runs, on which disks, and for how long."""

from __future__ import annotations

import functools
import hashlib
import tomllib
from dataclasses import dataclass
from importlib.resources import files

from patchbot.errors import UsageError


@dataclass(frozen=True, slots=True)
class Disk:
    """An empty disk of a scenario, `size_mb` MiB, made with mkfs and these arguments."""

    name: str
    size_mb: int
    mkfs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario: `guest` is the script that is run, `timeout_s` bounds a boot in seconds."""

    name: str
    summary: str
    guest: str
    timeout_s: float
    disks: tuple[Disk, ...]
    memory_mb: int = 256

    @property
    def script(self) -> bytes:
        """The text that the guest runs."""
        return (files("patchbot.qemu") / "guests" / self.guest).read_bytes()

    @property
    def key(self) -> str:
        """A hash of all that the scenario does in the guest and to its disks."""
        first = (files("patchbot.qemu") / "guests" / "init.sh").read_bytes()
        parts = repr((self.name, self.timeout_s, self.disks, self.memory_mb)).encode()
        return hashlib.sha256(parts + b"\0" + first + b"\0" + self.script).hexdigest()


@functools.cache
def load_scenarios() -> dict[str, Scenario]:
    """Return all scenarios by name."""
    found: dict[str, Scenario] = {}
    folder = files("patchbot.qemu") / "scenarios"
    for each in sorted(folder.iterdir(), key=lambda path: path.name):
        if each.name.endswith(".toml"):
            name = each.name.removesuffix(".toml")
            found[name] = _read(name, each.read_text("utf-8"))
    return found


def find_scenarios(names: tuple[str, ...]) -> list[Scenario]:
    """Return the scenarios of these names, all for none; raises `UsageError` for an unknown one."""
    known = load_scenarios()
    for name in names:
        if name not in known:
            raise UsageError(
                f"there is no scenario {name!r}", hint=f"there are: {', '.join(known)}"
            )
    return [known[name] for name in names] or list(known.values())


def _read(name: str, text: str) -> Scenario:
    values = tomllib.loads(text)
    disks = [Disk(d["name"], int(d["size_mb"]), tuple(d["mkfs"])) for d in values.pop("disk", [])]
    return Scenario(
        name=name,
        summary=str(values["summary"]),
        guest=str(values["guest"]),
        timeout_s=float(values["timeout_s"]),
        disks=tuple(disks),
        memory_mb=int(values.get("memory_mb", 256)),
    )
