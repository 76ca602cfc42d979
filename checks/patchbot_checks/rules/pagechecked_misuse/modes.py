"""Fields that tell whether data is journalled, because a function sets them when it asks."""

from __future__ import annotations

from patchbot_checks.context import Context
from patchbot_checks.csource.graph import Node
from patchbot_checks.csource.unit import Function
from patchbot_checks.csource.values import parse_number
from patchbot_checks.journal_data import ASKED


def fields_of_journalled_data(context: Context) -> dict[str, bool]:
    """Return the fields of the file's structs that are set to a constant for journalled data.

    The value is what the field is then: where it is not that, data is not journalled.
    """
    kept: dict[str, dict[str, bool]] = context.program.__dict__.setdefault("_journal_fields", {})
    if context.unit.path not in kept:
        found: dict[str, bool] = {}
        for function in context.unit.functions:
            if function.mentions(ASKED) and context.graph(function) is not None:
                found |= _fields(function)
        kept[context.unit.path] = found
    return kept[context.unit.path]


def _fields(function: Function) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for node in function.graph.nodes:
        if node.kind == "branch" and node.expr is not None and node.expr.bare.op in ASKED:
            found |= _set_after(node.true)
    return found


def _set_after(node: Node) -> dict[str, bool]:
    """Return the fields that are set to constants right after a decision, up to the next one."""
    found: dict[str, bool] = {}
    while node.kind not in ("branch", "loop", "switch", "return") and len(node.succ) == 1:
        if node.kind == "assign" and node.target is not None and node.target.kind == "field":
            text = node.expr.bare.text if node.expr is not None and node.op == "=" else ""
            number = {"true": 1, "false": 0}.get(text, parse_number(text))
            if number is not None:
                found[node.target.op] = number != 0
        node = node.succ[0]
    return found
