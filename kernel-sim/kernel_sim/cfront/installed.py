"""Callbacks that a mount installs: read from the tree's own code, with the conditions around them.

A mount is not run as a whole. What it hands to a structure in the way of functions is cut out of
the functions that do it: each assignment of a function to a member, inside the `if`s and `switch`es
that it stands in. The slice is C text again, a function that the model's own mount calls.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from tree_sitter import Node

from kernel_sim.cfront.unit import Unit, declared_name, text_of


@dataclass(frozen=True, slots=True)
class Installed:
    """An assignment to a member: the statement, what it depends on, and the function it is in."""

    member: str
    statement: str
    conditions: tuple[str, ...]
    function: str


def find_installed(unit: Unit, members: Collection[str]) -> list[Installed]:
    """Return where the file's own functions assign to one of these members, in order. Pure."""
    found = []
    for name, node in unit.functions.items():
        if unit.place(node)[0] == unit.name:
            found += list(_in_function(unit, name, unit.definition(node), members))
    return found


def _in_function(
    unit: Unit, name: str, node: Node, members: Collection[str]
) -> Iterator[Installed]:
    waiting = [node]
    while waiting:
        at = waiting.pop()
        waiting.extend(reversed(at.named_children))
        if at.type != "assignment_expression":
            continue
        left = at.child_by_field_name("left")
        member = left.child_by_field_name("field") if left is not None else None
        if member is None or text_of(member) not in members:
            continue
        yield Installed(text_of(member), text_of(at) + ";", tuple(_conditions(at, node)), name)


def _conditions(node: Node, function: Node) -> list[str]:
    """Return what has to hold for a statement to be reached, from the outside inwards."""
    found: list[str] = []
    child, parent = node, node.parent
    while parent is not None and child.id != function.id:
        match parent.type:
            case "if_statement":
                condition = parent.child_by_field_name("condition")
                if condition is not None and child.id != condition.id:
                    alternative = parent.child_by_field_name("alternative")
                    negated = alternative is not None and alternative.id == child.id
                    found.append(f"{'!' if negated else ''}{text_of(condition)}")
            case "case_statement":
                found.append(_case(parent))
        child, parent = parent, parent.parent
    return found[::-1]


def _case(node: Node) -> str:
    """The condition of a case without the ones that fall into it."""
    value = node.child_by_field_name("value")
    switch = node.parent
    while switch is not None and switch.type != "switch_statement":
        switch = switch.parent
    asked = switch.child_by_field_name("condition") if switch is not None else None
    if value is None or asked is None:
        return "sim_unknown_condition"
    return f"({text_of(asked)} == ({text_of(value)}))"


def function_members(unit: Unit, tag: str) -> set[str]:
    """Return the members of a struct that point to functions; none where it is not declared."""
    at = unit.tags.get(("struct", tag))
    body = unit.specifier_at(at).child_by_field_name("body") if at is not None else None
    found = set()
    for node in body.named_children if body is not None else ():
        for declarator in node.children_by_field_name("declarator"):
            if declarator.type == "function_declarator":
                found.add(declared_name(declarator))
    return found


def render_installer(name: str, known: Sequence[str], found: list[Installed]) -> str:
    """Return C text of a function that does all of it.

    `known` is its parameter, and then declarations of what the conditions may name.
    """
    lines = [f"void {name}({known[0]})", "{", *(f"\t{one};" for one in known[1:])]
    for one in found:
        tests = " && ".join(f"({condition})" for condition in one.conditions)
        lines.append(f"\t{f'if ({tests}) ' if tests else ''}{one.statement}")
    return "\n".join([*lines, "}", ""])
