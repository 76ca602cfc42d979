"""Scenarios: data files that say what a guest runs, on which disks, and what the host does with it.

A file may have variants: each is a scenario of its own, named `file/variant`, so that each is
compared with the base by itself.
"""

from __future__ import annotations

import functools
import hashlib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from typing import Any

from patchbot.errors import UsageError
from patchbot.qemu.hold import Hold
from patchbot.qemu.programs import program_text

# What mke2fs makes by itself differs between its versions, and old kernels can't mount the newest.
_FEATURES = (
    "none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,sparse_super,"
    "large_file,huge_file,dir_nlink,extra_isize,metadata_csum"
)
_KEYS = """
    summary guest timeout_s memory_mb kind programs config append fragile confirm environment
    disk hold recovery settings
"""
_KNOWN = frozenset(_KEYS.split())
_DISK = frozenset({"name", "size_mb", "mkfs", "features"})
_VARIANT = frozenset({"name", "summary", "environment", "mkfs", "append", "confirm", "hold"})


@dataclass(frozen=True, slots=True)
class Disk:
    """An empty disk of a scenario, `size_mb` MiB, made with mke2fs and these arguments."""

    name: str
    size_mb: int
    mkfs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario: `guest` is the script that is run, `timeout_s` bounds a boot in seconds.

    `kind` names what the host does: "plain" boots and lets fsck look at the disks, "window" holds
    a thread and cuts the power, "crash" reads every write that reached the first disk.
    `programs` are C files of ours, static in the guest's /bin. `config` are the kernel options
    it needs: where the kernel has them not, it is skipped. `append` goes to the kernel's command
    line. `confirm` is how often a good answer is tried again before it counts against a bad one:
    more than 0 for what hangs on chance. `holds` are the windows, one after another. `recovery` is
    the script of the boot after a crash.
    """

    name: str
    summary: str
    guest: str
    timeout_s: float
    disks: tuple[Disk, ...]
    memory_mb: int = 256
    kind: str = "plain"
    programs: tuple[str, ...] = ()
    config: tuple[str, ...] = ()
    append: tuple[str, ...] = ()
    fragile: bool = True
    confirm: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)
    holds: tuple[Hold, ...] = ()
    recovery: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def script(self) -> bytes:
        """The text that the guest runs."""
        return guest_text(self.guest)

    @property
    def file_name(self) -> str:
        """The name as a file's."""
        return self.name.replace("/", "-")

    @property
    def key(self) -> str:
        """A hash of all that the scenario does in the guest and to its disks."""
        texts = [guest_text("init.sh"), self.script]
        texts += [guest_text(self.recovery)] if self.recovery else []
        texts += [program_text(name) for name in self.programs]
        hashed = hashlib.sha256(repr(_plain(self)).encode())
        for text in texts:
            hashed.update(b"\0" + text)
        return hashed.hexdigest()

    def missing_options(self, config: str) -> list[str]:
        """Return what of the options it needs a kernel's `.config` has not."""
        have = set(config.splitlines())
        return [option for option in self.config if option not in have]


def _plain(scenario: Scenario) -> list[object]:
    names = [name for name in scenario.__slots__ if name != "summary"]
    values = [getattr(scenario, name) for name in names]
    return [dict(sorted(v.items())) if isinstance(v, Mapping) else v for v in values]


def guest_text(name: str) -> bytes:
    """Return a file of the folder of guests."""
    return (files("patchbot.qemu") / "guests" / name).read_bytes()


@functools.cache
def load_scenarios() -> dict[str, Scenario]:
    """Return all scenarios by name, each variant of a file by its own."""
    found: dict[str, Scenario] = {}
    folder = files("patchbot.qemu") / "scenarios"
    for each in sorted(folder.iterdir(), key=lambda path: path.name):
        if each.name.endswith(".toml"):
            for scenario in parse_scenarios(each.name.removesuffix(".toml"), each.read_text()):
                found[scenario.name] = scenario
    return found


def find_scenarios(names: Sequence[str]) -> list[Scenario]:
    """Return the scenarios of these names, all for none; raises `UsageError` for an unknown one.

    The name of a file with variants stands for all of them.
    """
    known = load_scenarios()
    if not names:
        return list(known.values())
    chosen: dict[str, Scenario] = {}
    for name in names:
        fitting = {k: v for k, v in known.items() if k == name or k.startswith(f"{name}/")}
        if not fitting:
            raise UsageError(
                f"there is no scenario {name!r}", hint=f"there are: {', '.join(known)}"
            )
        chosen |= fitting
    return list(chosen.values())


def all_options() -> list[str]:
    """Return the kernel options that one scenario or another needs."""
    return sorted({option for each in load_scenarios().values() for option in each.config})


def parse_scenarios(name: str, text: str) -> Iterator[Scenario]:
    """Yield the scenarios of a data file; raises `UsageError` for a key that means nothing."""
    values = tomllib.loads(text)
    variants = values.pop("variant", [])
    _refuse_unknown(name, values, _KNOWN)
    for disk in values.get("disk", []):
        _refuse_unknown(name, disk, _DISK)
    for variant in variants:
        _refuse_unknown(name, variant, _VARIANT)
    plain = _read(name, values)
    if not variants:
        yield plain
    for variant in variants:
        yield _vary(plain, variant)


def _refuse_unknown(name: str, values: Mapping[str, Any], known: frozenset[str]) -> None:
    strange = sorted(set(values) - known)
    if strange:
        raise UsageError(f"scenario {name}: unknown {', '.join(strange)}")


def _read(name: str, values: dict[str, Any]) -> Scenario:
    return Scenario(
        name=name,
        summary=str(values["summary"]),
        guest=str(values["guest"]),
        timeout_s=float(values["timeout_s"]),
        disks=tuple(_read_disk(disk) for disk in values.get("disk", [])),
        memory_mb=int(values.get("memory_mb", 256)),
        kind=str(values.get("kind", "plain")),
        programs=tuple(values.get("programs", ())),
        config=tuple(values.get("config", ())),
        append=tuple(values.get("append", ())),
        fragile=bool(values.get("fragile", True)),
        confirm=int(values.get("confirm", 0)),
        environment=_words(values.get("environment", {})),
        holds=_read_holds(values),
        recovery=str(values.get("recovery", "")),
        settings=dict(values.get("settings", {})),
    )


def _read_holds(values: Mapping[str, Any]) -> tuple[Hold, ...]:
    return tuple(Hold(**{**each, "steps": tuple(each["steps"])}) for each in values.get("hold", ()))


def _read_disk(values: dict[str, Any]) -> Disk:
    features = ",".join([_FEATURES, *values.get("features", [])])
    words = ("-t", "ext4", "-O", features, *values["mkfs"])
    return Disk(values["name"], int(values["size_mb"]), words)


def _vary(plain: Scenario, variant: dict[str, Any]) -> Scenario:
    extra = tuple(variant.get("mkfs", ()))
    return replace(
        plain,
        name=f"{plain.name}/{variant['name']}",
        summary=f"{plain.summary}: {variant.get('summary', variant['name'])}",
        environment={**plain.environment, **_words(variant.get("environment", {}))},
        disks=tuple(replace(disk, mkfs=(*disk.mkfs, *extra)) for disk in plain.disks),
        append=(*plain.append, *variant.get("append", ())),
        holds=_read_holds(variant) or plain.holds,
        confirm=int(variant.get("confirm", plain.confirm)),
    )


def _words(values: Mapping[str, object]) -> dict[str, str]:
    return {key: str(value) for key, value in values.items()}
