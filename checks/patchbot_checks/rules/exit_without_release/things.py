"""The things that one function takes, gives back, or passes on: found by form alone."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from patchbot_checks.csource.defs import Definitions, definitions_of
from patchbot_checks.csource.expr import Expr
from patchbot_checks.csource.graph import Node
from patchbot_checks.csource.paths import is_question
from patchbot_checks.csource.unit import Function
from patchbot_checks.rules.exit_without_release.table import Kind, effects, is_same_object, named

_OF_PAGE = re.compile(
    r"(?:page_folio|compound_head)\((.*)\)|&([\w.>-]+?)(?:->|\.)page|folio_page\((.*), 0\)"
)

ONLY = "#"
"""The text of a thing of which there is only one."""
VARIABLE = re.compile(r"(?<![\w.>])[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Event:
    """What a step does with a thing: take, drop, lose, escape, or call (a helper does it).

    `fails` is how a taking call says that it failed, and `sets` whether its result is the thing;
    `inner` is the helper's name for the thing, `gives` whether some way through the helper gives
    it back; `place` is the argument by which a call gets a variable's address.
    """

    op: str
    fails: str = "never"
    name: str = ""
    sets: bool = False
    place: int = -1
    looked_up: bool = False
    only_gives: bool = False
    gives: bool = False
    callee: Function | None = None
    inner: Thing | None = None

    @property
    def may_take(self) -> bool:
        """Whether it takes the thing, or a helper may."""
        return self.op == "take" or (self.op == "call" and not self.only_gives)

    @property
    def reuses(self) -> bool:
        """Whether a call gets a variable's address, and may go on with what it holds."""
        return self.sets and self.fails == "nonzero"


@dataclass(eq=False, slots=True)
class Thing:
    """One thing of a function; `texts` are the expressions that stand for it."""

    kind: Kind
    text: str
    texts: set[str]
    field: str
    events: dict[int, Event] = dataclasses.field(default_factory=dict)
    full: set[str] = dataclasses.field(default_factory=set)

    def is_own(self, function: Function) -> bool:
        """Whether it is the function's to give back: no global, nothing with a clean-up."""
        if not self.kind.reference:
            return True
        if not any(VARIABLE.findall(text)[0] in function.locals for text in self.texts):
            return False
        names = "|".join(re.escape(text) for text in sorted(self.texts))
        source = function.unit.data[function.start : function.end].decode("utf-8", "replace")
        return not re.search(rf"\b(?:{names})\s+__(?:free|cleanup)\s*\(", source)

    @property
    def is_only_given(self) -> bool:
        """Whether it is given back, and as far as is known never taken: it may have other names."""
        takes = any(event.may_take for event in self.events.values())
        return not takes and any(event.op == "drop" for event in self.events.values())

    def takes(self) -> Iterator[tuple[int, Event]]:
        """Yield the steps at which it may be taken, with what they do."""
        return ((i, e) for i, e in self.events.items() if e.op == "take")


@dataclass(slots=True)
class Mention:
    """One call that takes, drops or loses a thing; `raw` is as written, `full` written out."""

    kind: Kind
    node: Node
    event: Event
    raw: str
    full: str
    field: str


def own_mentions(function: Function) -> Iterator[Mention]:
    """Yield what a function's own calls do, by the table."""
    definitions = definitions_of(function)
    for node in function.graph.nodes:
        if node.kind != "call" or node.expr is None:
            continue
        for effect in effects(node.expr):
            for what in effect.objects(node.expr):
                sets = effect.object == "result" or str(effect.object)[0] == "*"
                event = Event(
                    effect.op, effect.fails, node.expr.op, sets, looked_up=effect.looked_up
                )
                made = _mention(effect.kind, effect.object, node, event, what, definitions)
                if made is not None:
                    yield made


def _mention(
    kind: Kind, where: int | str, node: Node, event: Event, what: Expr | None, known: Definitions
) -> Mention | None:
    if where == "none":
        return Mention(kind, node, event, ONLY, ONLY, "")
    if what is None:
        target = node.target.bare if node.target is not None else None
        if target is None or target.kind != "name":
            return None
        return Mention(kind, node, event, target.text, target.text, "")
    raw = plain(what.bare)
    if kind.reference:
        return Mention(kind, node, event, raw, raw, "")
    return Mention(kind, node, event, raw, written_out(what, node, known) or raw, last_field(what))


def written_out(what: Expr, node: Node, known: Definitions) -> str:
    """Return an expression's text with locals written out, "" where that is not certain."""
    ways = known.expand(what.bare, node)
    if len(ways) != 1:
        return ""
    sure = all(is_question(c.op) or is_same_object(c.op) for c in ways[0].calls())
    return plain(ways[0].bare) if sure else ""


def plain(what: Expr) -> str:
    """Return a text that is the same for a page and its folio."""
    text = what.text
    match = _OF_PAGE.fullmatch(text)
    return next(filter(None, match.groups())) if match else text


def last_field(what: Expr) -> str:
    """Return the name of the field that a lock is, "" where it is none."""
    what = what.bare
    if what.kind == "unary" and what.op == "&":
        what = what.args[0].bare
    return what.op if what.kind == "field" else ""


Key = tuple[str, ...]


class _Groups:
    """Mentions that stand for one thing each, found by joining what is equal."""

    def __init__(self) -> None:
        self._parent: dict[Key, Key] = {}

    def find(self, kind: str, how: str, text: str) -> Key:
        """Return what stands for a text's group."""
        key: Key = (kind, how, text)
        while self._parent.setdefault(key, key) != key:
            key = self._parent[key]
        return key

    def join(self, one: Key, other: Key) -> None:
        """Make one group of two."""
        self._parent[one] = other


def group(mentions: Iterable[Mention]) -> list[list[Mention]]:
    """Put together the mentions of one thing each."""
    groups = _Groups()
    listed = list(mentions)
    for each in listed:
        kind = each.kind.name
        groups.join(groups.find(kind, "raw", each.raw), groups.find(kind, "full", each.full))
    _join_by_field(listed, groups)
    made: dict[Key, list[Mention]] = {}
    for each in listed:
        made.setdefault(groups.find(each.kind.name, "raw", each.raw), []).append(each)
    return list(made.values())


def _join_by_field(listed: Iterable[Mention], groups: _Groups) -> None:
    """Join the groups of one field, where no more than one of them is ever taken."""
    fields: dict[tuple[str, str], list[Mention]] = {}
    for each in listed:
        if each.field:
            fields.setdefault((each.kind.name, each.field), []).append(each)
    for (kind, _), members in fields.items():
        taken = {groups.find(kind, "raw", m.raw) for m in members if m.event.may_take}
        if len(taken) == 1:
            for each in members:
                groups.join(groups.find(kind, "raw", each.raw), groups.find(*next(iter(taken))))


def make_thing(members: list[Mention], function: Function) -> Thing:
    """Return the thing of a group of mentions with their events."""
    first = next((m for m in members if m.event.op == "take"), members[0])
    thing = Thing(first.kind, first.raw, {m.raw for m in members}, first.field)
    thing.full = {m.full for m in members}
    for each in members:
        old = thing.events.get(each.node.index)
        if old is None or old.op == "lose":
            thing.events[each.node.index] = each.event
    if thing.kind.reference:
        add_aliases(thing, function)
    _add_losses(thing, function)
    return thing


def add_aliases(thing: Thing, function: Function) -> None:
    """Add local variables that are never anything but this thing."""
    sets: dict[str, list[Expr | None]] = {}
    for node in function.graph.nodes:
        if node.kind == "assign" and node.target is not None and node.target.bare.kind == "name":
            plain_set = node.expr if node.op == "=" else None
            sets.setdefault(node.target.bare.text, []).append(plain_set)
        elif node.kind == "call" and node.expr is not None:
            for arg in node.expr.args:
                if arg.bare.kind == "unary" and arg.bare.op == "&":
                    sets.setdefault(arg.bare.args[0].text, []).append(None)
    parameters = {p.name for p in function.parameters}
    for _ in range(3):
        for name, values in sets.items():
            if name in thing.texts or name in parameters or name not in function.locals:
                continue
            bare = [v.bare.text if v is not None else "" for v in values]
            if all(b in thing.texts or b in ("NULL", "0") for b in bare) and any(
                b in thing.texts for b in bare
            ):
                thing.texts.add(name)


def _add_losses(thing: Thing, function: Function) -> None:
    """Add the steps after which the texts may stand for another object."""
    local = function.locals
    words = {w for t in thing.texts for w in VARIABLE.findall(t) if w in local}
    taken = {i for i, e in thing.events.items() if e.op == "take"}
    last_taken: int = -1
    for node in function.graph.nodes:
        if node.index in taken and node.expr is not None:
            last_taken = node.expr.offset
        if node.index in thing.events:
            continue
        name = _set_name(node)
        if name in words and not _is_set_by(node, last_taken, thing):
            unknown = not thing.kind.reference and name in thing.texts and _is_unknown(node)
            thing.events[node.index] = Event("unknown" if unknown else "lose", name=name)
        elif node.kind == "call" and node.expr is not None:
            lost = next((w for w in sorted(words) if _gets_address(node.expr, w)), "")
            if lost:
                thing.events[node.index] = Event("lose", name=lost, place=_place(node.expr, lost))


def _is_unknown(node: Node) -> bool:
    """Whether a step sets a variable to an object from a call of which nothing is known."""
    value = node.expr.bare if node.kind == "assign" and node.expr is not None else None
    if value is None or value.kind != "call" or named(value.op):
        return False
    return not (is_question(value.op) or is_same_object(value.op))


def _set_name(node: Node) -> str:
    """Return the variable that a step sets, wholly or in a field."""
    if node.kind == "assign" and node.target is not None:
        return node.target.bare.text if node.target.bare.kind == "name" else node.target.root
    if node.kind == "loop" and node.target is not None:
        return node.target.text
    return node.name if node.kind == "declare" else ""


def _is_set_by(node: Node, offset: int, thing: Thing) -> bool:
    """Whether the texts mean the same as before, or just got what a call took."""
    if node.kind == "declare":
        return True
    if node.kind != "assign" or node.expr is None or node.target is None:
        return False
    if node.target.bare.kind != "name" and node.target.bare.text not in thing.texts:
        return True
    if node.op != "=":
        return False
    value = node.expr.bare
    return value.text in thing.texts or (value.kind == "call" and value.offset == offset)


def _gets_address(call: Expr, name: str) -> bool:
    return _place(call, name) >= 0


def _place(call: Expr, name: str) -> int:
    """Return by which argument a call gets a variable's address, or that of a part; -1 for none."""
    for place, arg in enumerate(call.args):
        base = arg.bare
        if base.kind == "unary" and base.op == "&":
            inner = base.args[0].bare
            if inner.text == name or (
                inner.kind == "field" and "->" not in inner.text and inner.root == name
            ):
                return place
    return -1
