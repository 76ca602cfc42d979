"""Tables of facts that rules ask by role; each entry names its source."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from patchbot_checks.facts import load
from patchbot_checks.facts.model import Role


@dataclass(frozen=True, slots=True)
class Fact:
    """One kernel function and a role that it plays; `args` gives arguments' places by meaning."""

    name: str
    role: str
    args: dict[str, int]
    source: str


@functools.cache
def load_roles() -> dict[str, Role]:
    """Return the entries of `facts/roles.toml` by role; raises `FactsError`."""
    return {each.name: each for each in load("roles.toml").of(Role)}


@functools.cache
def role(name: str) -> dict[str, Fact]:
    """Return the functions that play a role by name; raises `KeyError` for an unknown one."""
    entry = load_roles()[name]
    return {
        each: Fact(each, name, dict(entry.each.get(each, entry.args)), entry.source)
        for each in (*entry.names, *entry.each)
    }


@functools.cache
def names(*roles: str) -> frozenset[str]:
    """Return the names of the functions that play any of some roles."""
    return frozenset(name for each in roles for name in role(each))


@functools.cache
def only(name: str) -> str:
    """Return the one name that plays a role; raises `ValueError` if there are others."""
    (found,) = role(name)
    return found


@functools.cache
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile("|".join(load_roles()[name].patterns) or "(?!)")


@functools.lru_cache(maxsize=100_000)
def plays(name: str, role_name: str) -> bool:
    """Whether a function plays a role, by its name or by one of the role's patterns."""
    return name in role(role_name) or bool(_pattern(role_name).fullmatch(name))
