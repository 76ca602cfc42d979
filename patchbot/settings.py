"""Where patchbot keeps its things, and what the user configured."""

from __future__ import annotations

import math
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from patchbot.errors import UsageError

DEFAULT_LORE = "https://lore.kernel.org/all"
_KNOWN = {"tree": str, "lore": str, "timeout": float, "keep_minutes": float, "jobs": int}
_WORDS = {str: "text", float: "a number from 0 on", int: "a whole number from 0 on"}


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of one run.

    `home` holds the store and scratch folders; `lore` is None where neither `--lore`,
    `PATCHBOT_LORE` nor the configuration names a server (b4's own git config, then lore, decide);
    `timeout_s` bounds one answer of a server; a kept thread is reused for `keep_s` seconds.
    """

    home: Path
    lore: str | None = None
    tree: Path | None = None
    timeout_s: float = 60.0
    keep_s: float = 3600.0
    jobs: int = 0


def find_home(environ: Mapping[str, str]) -> Path:
    """Return patchbot's data folder: `PATCHBOT_HOME`, else the user's data folder."""
    named = environ.get("PATCHBOT_HOME")
    if named:
        return _expand(named, "PATCHBOT_HOME").absolute()
    return Path(platformdirs.user_data_dir("patchbot"))


def find_config(environ: Mapping[str, str]) -> Path:
    """Return the configuration file's path: `PATCHBOT_CONFIG`, else in the user's config folder."""
    named = environ.get("PATCHBOT_CONFIG")
    if named:
        return _expand(named, "PATCHBOT_CONFIG")
    return Path(platformdirs.user_config_dir("patchbot")) / "config.toml"


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the environment and the configuration file.

    Raises `UsageError` for a file that is not TOML, or a key or type that is unknown.
    """
    environ = os.environ if environ is None else environ
    path = find_config(environ)
    values = _read_config(path)
    tree = values.get("tree")
    return Settings(
        home=find_home(environ),
        lore=environ.get("PATCHBOT_LORE") or _text(values.get("lore")),
        tree=(path.parent / _expand(str(tree), f"{path}: tree")) if tree else None,
        timeout_s=_number(values.get("timeout"), 60.0),
        keep_s=_number(values.get("keep_minutes"), 60.0) * 60,
        jobs=int(_number(values.get("jobs"), 0)),
    )


def _read_config(path: Path) -> dict[str, object]:
    try:
        values: dict[str, object] = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise UsageError(f"{path}: {error}", hint="mend or remove that file") from error
    for key, value in values.items():
        wanted = _KNOWN.get(key)
        if wanted is None:
            known = ", ".join(_KNOWN)
            raise UsageError(f"{path}: unknown setting {key!r}", hint=f"known are: {known}")
        if not _is_fit(value, wanted):
            raise UsageError(f"{path}: {key} must be {_WORDS[wanted]}, not {value!r}")
    return values


def _is_fit(value: object, wanted: type) -> bool:
    """Whether a value has the type; numbers are finite and not negative, true is no number."""
    if isinstance(value, bool):
        return False
    if wanted is float:
        return isinstance(value, int | float) and math.isfinite(value) and value >= 0
    return isinstance(value, wanted) and not (isinstance(value, int) and value < 0)


def _expand(name: str, what: str) -> Path:
    """Expand `~` and `~user`; raises `UsageError` for a user that does not exist."""
    try:
        return Path(name).expanduser()
    except RuntimeError as error:
        raise UsageError(f"{what}: {name}: {error}") from error


def _text(value: object) -> str | None:
    return str(value) if value else None


def _number(value: object, default: float) -> float:
    return float(value) if isinstance(value, int | float) else default
