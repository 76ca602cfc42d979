"""Where on a path a thing was left: the line that a reviewer would comment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from patchbot_checks.csource.graph import Node
from patchbot_checks.csource.paths import Trail, show, steps_of
from patchbot_checks.csource.unit import Function
from patchbot_checks.rules.exit_without_release.flow import BACK, GIVEN, HELD, NONE
from patchbot_checks.rules.exit_without_release.follow import NOTES
from patchbot_checks.rules.exit_without_release.things import Thing

_FREE = {NONE, BACK, GIVEN}


def path_of(function: Function, trail: Trail | None, end: Node) -> list[Node]:
    """Return the steps of a path from the entry to `end`, read back from its trail."""
    steps = iter([s for s in steps_of(trail) if not any(note in s[1] for note in NOTES)])
    node = function.graph.entry
    path = [node]
    for _ in range(100_000):
        if node is end and next(steps, None) is None:
            break
        found = _next(node, steps)
        if found is None:
            break
        node = found
        path.append(node)
    return path


def _next(node: Node, steps: Iterator[tuple[int, str]]) -> Node | None:
    if node.kind in ("branch", "loop", "switch"):
        step = next(steps, None)
        return _turn(node, step[1]) if step is not None else None
    if node.kind == "jump":
        next(steps, None)
    return node.succ[0] if node.succ else None


def _turn(node: Node, text: str) -> Node:
    if node.kind == "branch":
        return node.false if text.startswith("not ") else node.true
    if node.kind == "loop":
        return node.true if text.endswith(" again") else node.false
    assert node.expr is not None
    for case, to in zip(node.cases, node.succ, strict=True):
        if case and text == f"{show(node.expr)} is {show(case[0])}":
            return to
    return next(to for case, to in zip(node.cases, node.succ, strict=True) if case is None)


def jumps_to(function: Function) -> dict[int, list[Node]]:
    """Return the jumps of a function by where they lead."""
    found: dict[int, list[Node]] = {}
    for node in function.graph.nodes:
        if node.kind == "jump":
            found.setdefault(node.succ[0].index, []).append(node)
    return found


def can_release(function: Function, thing: Thing) -> frozenset[int]:
    """Return the steps from which a release can be reached without taking the thing anew."""
    before: dict[int, list[Node]] = {}
    for node in function.graph.nodes:
        for to in node.succ:
            before.setdefault(to.index, []).append(node)
    takes = {i for i, e in thing.events.items() if e.op == "take"}
    found = {i for i, e in thing.events.items() if e.op in ("drop", "call", "escape")}
    work = list(found)
    while work:
        for node in before.get(work.pop(), ()):
            if node.index not in found and node.index not in takes:
                found.add(node.index)
                work.append(node.index)
    return frozenset(found)


def lines_left(
    path: list[Node],
    taken: int,
    release: frozenset[int],
    seen: Mapping[int, set[int]],
    jumps: Mapping[int, list[Node]],
) -> list[int]:
    """Return the lines where ways turned away from the release of what they hold.

    The first is that of `path`; `jumps` are the jumps to each step.
    """
    for place in range(taken + 1, len(path)):
        node = path[place]
        if node.index in release or not seen.get(node.index, set()) & _FREE:
            continue
        if node.kind == "join":
            before = path[place - 1]
            if before.kind != "jump":
                break
            also = [j.line for j in jumps.get(node.index, ()) if HELD in seen.get(j.index, ())]
            return [before.line, *also]
    return [path[-1].line]


def last_turn(path: list[Node], taken: int) -> int:
    """Return the line of the last jump of a path after it took something, else of its return."""
    jumps = [node.line for node in path[taken:] if node.kind == "jump"]
    return jumps[-1] if jumps else path[-1].line


def line_met(path: list[Node], status: int, seen: Mapping[int, set[int]]) -> int:
    """Return the line of the last jump by which a path alone came to its last step."""
    for place in range(len(path) - 1, 0, -1):
        node = path[place]
        if node.kind == "join" and seen.get(node.index, set()) - {status}:
            before = path[place - 1]
            if before.kind == "jump" and not seen.get(before.index, set()) - {status}:
                return before.line
    return path[-1].line
