"""A quick first look: which variables may be unset where they are read, paths left aside."""

from __future__ import annotations

from dataclasses import dataclass, field

from patchbot_checks.csource.graph import Node
from patchbot_checks.csource.unit import Function
from patchbot_checks.rules.uninitialised_on_path.macros import Setters
from patchbot_checks.rules.uninitialised_on_path.uses import Read, is_tracked, reads, sets


@dataclass(slots=True)
class Candidate:
    """One variable that may be read unset.

    `reads` and `sets` are by step; from the steps in `useful` such a read can be reached while it
    is unset.
    """

    name: str
    reads: dict[int, list[Read]] = field(default_factory=dict)
    sets: set[int] = field(default_factory=set)
    useful: set[int] = field(default_factory=set)


def find_candidates(function: Function, setters: Setters) -> list[Candidate]:
    """Return the variables of a function that are worth following."""
    nodes = function.graph.nodes
    names = {node.name for node in nodes if is_tracked(node)}
    if not names:
        return []
    touched = [node for node in nodes if _touches(node, names)]
    set_at = {node.index: sets(node, setters) & names for node in touched}
    read_at = {node.index: [r for r in reads(node, setters) if r.name in names] for node in touched}
    unset = _flow(function, names, set_at)
    made: dict[str, Candidate] = {}
    for node in touched:
        for read in read_at[node.index]:
            if read.name in unset.get(node.index, frozenset()):
                each = made.setdefault(read.name, Candidate(read.name))
                each.reads.setdefault(node.index, []).append(read)
    preds = _preds(nodes)
    for each in made.values():
        each.sets = {index for index, found in set_at.items() if each.name in found}
        each.useful = _reaching(each, preds)
    return list(made.values())


def _touches(node: Node, names: set[str]) -> bool:
    expr, target = node.expr, node.target
    return (expr is not None and not names.isdisjoint(expr.names)) or (
        target is not None and not names.isdisjoint(target.names)
    )


def _flow(
    function: Function, names: set[str], set_at: dict[int, frozenset[str]]
) -> dict[int, frozenset[str]]:
    """Return what may be unset before each step."""
    before: dict[int, frozenset[str]] = {function.graph.entry.index: frozenset()}
    work = [function.graph.entry]
    while work:
        node = work.pop()
        after = before[node.index] - set_at.get(node.index, frozenset())
        if node.kind == "declare" and node.name in names:
            after = after | {node.name} if is_tracked(node) else after - {node.name}
        for following in node.succ:
            old = before.get(following.index)
            if old is None or not after <= old:
                before[following.index] = after if old is None else old | after
                work.append(following)
    return before


def _preds(nodes: list[Node]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {node.index: [] for node in nodes}
    for node in nodes:
        for after in node.succ:
            found[after.index].append(node.index)
    return found


def _reaching(candidate: Candidate, preds: dict[int, list[int]]) -> set[int]:
    seen = set(candidate.reads)
    work = list(seen)
    while work:
        for index in preds[work.pop()]:
            if index not in seen:
                seen.add(index)
                if index not in candidate.sets:
                    work.append(index)
    return seen
