"""The rules, found in the folders of `patchbot_checks.rules`."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
from dataclasses import dataclass
from types import ModuleType

import patchbot_checks.rules


@dataclass(frozen=True, slots=True)
class RuleInfo:
    """One rule: its name (the bad pattern), one line on it, and its whole explanation."""

    name: str
    summary: str
    explanation: str
    module: ModuleType


def _load() -> dict[str, RuleInfo]:
    found: dict[str, RuleInfo] = {}
    for info in sorted(pkgutil.iter_modules(patchbot_checks.rules.__path__), key=lambda i: i.name):
        if not info.ispkg:
            continue
        path = f"patchbot_checks.rules.{info.name}.rule"
        if importlib.util.find_spec(path) is None:
            continue
        module = importlib.import_module(path)
        text = inspect.cleandoc(module.__doc__ or "")
        name = info.name.replace("_", "-")
        found[name] = RuleInfo(name, text.partition("\n")[0], text, module)
    return found


RULES: dict[str, RuleInfo] = _load()
