"""Where patchbot keeps its things, and what the user configured."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from patchbot.errors import UsageError

DEFAULT_LORE = "https://lore.kernel.org/all"
_KNOWN = {"tree": str, "lore": str, "timeout": float, "keep_minutes": float, "jobs": int}


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
        return Path(named).expanduser().absolute()
    return Path(platformdirs.user_data_dir("patchbot"))


def find_config(environ: Mapping[str, str]) -> Path:
    """Return the configuration file's path: `PATCHBOT_CONFIG`, else in the user's config folder."""
    named = environ.get("PATCHBOT_CONFIG")
    if named:
        return Path(named).expanduser()
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
        tree=(path.parent / Path(str(tree)).expanduser()) if tree else None,
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
        numeric = wanted in (float, int) and isinstance(value, int | float)
        if isinstance(value, bool) or not (isinstance(value, wanted) or numeric):
            raise UsageError(f"{path}: {key} must be {wanted.__name__}, not {value!r}")
    return values


def _text(value: object) -> str | None:
    return str(value) if value else None


def _number(value: object, default: float) -> float:
    return float(value) if isinstance(value, int | float) else default
