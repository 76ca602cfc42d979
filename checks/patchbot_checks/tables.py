"""Tables of facts that rules ask by role; each entry names its source."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from importlib.resources import files


class TableError(Exception):
    """A table of facts that is not as it must be."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One kernel function and a role that it plays; `args` gives arguments' places by meaning."""

    name: str
    role: str
    args: dict[str, int]
    source: str


@functools.cache
def load_roles() -> dict[str, dict[str, Fact]]:
    """Return the facts of `facts/roles.toml`, by role and function; raises `TableError`."""
    text = files("patchbot_checks").joinpath("facts/roles.toml").read_text("utf-8")
    return parse_roles(text)


def parse_roles(text: str) -> dict[str, dict[str, Fact]]:
    """Return the facts of a table's text; raises `TableError` for an entry that is not whole."""
    found: dict[str, dict[str, Fact]] = {}
    for role, table in tomllib.loads(text).items():
        about, source = table.pop("about", ""), table.pop("source", "")
        if not about or not source:
            raise TableError(f"{role}: it needs an `about` and a `source`")
        args = table.pop("args", {})
        names = table.pop("names", [])
        each_args = table.pop("each", {})
        if table or not (names or each_args):
            raise TableError(f"{role}: unknown or missing keys: {', '.join(table) or 'names'}")
        by_name = found.setdefault(role, {})
        for name in [*names, *each_args]:
            if name in by_name:
                raise TableError(f"{role}: {name} stands twice")
            by_name[name] = Fact(name, role, each_args.get(name, args), source)
    return found


def role(name: str) -> dict[str, Fact]:
    """Return the functions that play a role; raises `KeyError` for an unknown one."""
    return load_roles()[name]


@functools.cache
def names(*roles: str) -> frozenset[str]:
    """Return the names of the functions that play any of some roles."""
    return frozenset(name for each in roles for name in role(each))
