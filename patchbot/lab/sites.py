"""Where in ext4 the write-protection of journalled data is: functions found by what they do.

A page whose data is journalled must not change between its checksum and its way to the disk. The
fault handler puts its inode, with the page's range, on a transaction's list; the commit hands that
list to a callback of ext4's, which takes the right to write away from the pages in the range.
("ext4: data=journal: write-protect pages on j_submit_inode_data_buffers()", v5.10.)
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tree_sitter import Node

from patchbot.errors import TreeError
from patchbot.lab.syntax import Call, Code, Func, flat, statement_of, text, walk

FOLDER = "fs/ext4"
ASKS = "ext4_should_journal_data"
_LISTS = "ext4_jbd2_inode_add_write"
_OFFSETS = {"page_offset": "page", "folio_pos": "folio"}
_CALLBACK, _CALLBACK_AFTER = "j_submit_inode_data_buffers", "j_finish_inode_data_buffers"
_WORDS = (b"page_mkwrite", _LISTS.encode(), _CALLBACK.encode(), ASKS.encode())
Files = Mapping[str, bytes]


@functools.lru_cache(maxsize=64)
def read_code(path: str, data: bytes) -> Code:
    """Parse a file; the lab looks at the same ones again and again."""
    return Code(path, data)


@dataclass(frozen=True, slots=True)
class Place:
    """A function, in its file."""

    code: Code
    func: Func


@dataclass(frozen=True, slots=True)
class Listing:
    """The calls, all in one file, that put a page's range on a list, and what a page is there."""

    code: Code
    calls: tuple[Call, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class Install:
    """The statements of one function that tell the journal its callbacks; `journal` is its name."""

    code: Code
    func: Func
    statements: tuple[Node, ...]
    callbacks: Mapping[str, str]
    journal: str


class Sites:
    """ext4's sources, and what is looked up in them; every look-up may raise `TreeError`."""

    def __init__(self, files: Files) -> None:
        self._codes = tuple(
            read_code(path, data)
            for path, data in sorted(files.items())
            if path.endswith(".c") and any(word in data for word in _WORDS)
        )

    def handler(self) -> Place:
        """Return the function that is installed as `.page_mkwrite` and knows journalled data."""
        names = {
            text(pair.child_by_field_name("value"))
            for code in self._codes
            for pair in walk(code.root, "initializer_pair")
            if text(pair.child_by_field_name("designator")) == ".page_mkwrite"
        }
        return self._find(lambda f: f.name in names and bool(f.named({ASKS})), "fault handler")

    def guard(self) -> tuple[Place, Node]:
        """Return the handler, and its jump over what does not fit journalled data."""
        place = self.handler()
        for each in walk(place.func.body, "if_statement"):
            then = each.child_by_field_name("consequence")
            asked = flat(each.child_by_field_name("condition"))
            if asked.startswith(f"({ASKS}(") and asked.endswith("))") and _is_jump(then):
                return place, each
        raise _absent("jump in its fault handler for journalled data")

    def listing(self) -> Listing:
        """Return the calls that put a page's range on a transaction's list."""
        for code in self._codes:
            calls = tuple(_list_calls(code))
            if calls:
                return Listing(code, calls, _OFFSETS[_offset(calls[0])])
        raise _absent("call that puts a page's range on a transaction's list")

    def install(self) -> Install:
        """Return where the journal is told which callbacks to call."""
        for code in self._codes:
            for func in code.functions:
                found = dict(_assignments(func))
                if _CALLBACK in found and _CALLBACK_AFTER in found:
                    return _make_install(code, func, found)
        raise _absent("callback for a commit's data")

    def callback(self) -> tuple[Place, Call]:
        """Return the commit's callback, and its call for an inode whose data is journalled."""
        name = self.install().callbacks[_CALLBACK]
        place = self._find(lambda f: f.name == name, "callback for a commit's data")
        for each in walk(place.func.body, "if_statement"):
            condition = each.child_by_field_name("condition")
            then = each.child_by_field_name("consequence")
            if flat(condition).startswith(f"({ASKS}(") and then is not None:
                inner = [c for c in place.func.calls if _inside(c.node, then)]
                if inner:
                    return place, inner[0]
        raise _absent("branch for journalled data in the commit's callback")

    def _find(self, wanted: Callable[[Func], bool], what: str) -> Place:
        for code in self._codes:
            for func in code.functions:
                if wanted(func):
                    return Place(code, func)
        raise _absent(what)


def offset_of(call: Call) -> Node:
    """Return the page of which a listing call gives the offset."""
    arguments = call.args[2].child_by_field_name("arguments")
    assert arguments is not None
    return arguments.named_children[0]


def _absent(what: str) -> TreeError:
    return TreeError(
        f"the tree's {FOLDER} has no {what} that the lab knows",
        hint="the lab needs a kernel of 5.10 or later, with ext4",
    )


def _is_jump(node: Node | None) -> bool:
    if node is not None and node.type == "compound_statement" and node.named_child_count == 1:
        node = node.named_children[0]
    return node is not None and node.type == "goto_statement"


def _inside(node: Node, outer: Node) -> bool:
    return outer.start_byte <= node.start_byte and node.end_byte <= outer.end_byte


def _offset(call: Call) -> str:
    """Return the function that gives a listing call its start, "" where none that is known does."""
    start = call.args[2] if len(call.args) == 4 else None
    name = text(start.child_by_field_name("function")) if start is not None else ""
    return name if name in _OFFSETS else ""


def _list_calls(code: Code) -> Iterator[Call]:
    for func in code.functions:
        yield from (call for call in func.named({_LISTS}) if _offset(call))


def _assignments(func: Func) -> Iterator[tuple[str, Node]]:
    """Yield the fields that are assigned to in a function, with the assignments."""
    for each in walk(func.body, "assignment_expression"):
        left, right = each.child_by_field_name("left"), each.child_by_field_name("right")
        if left is None or right is None or left.type != "field_expression":
            continue
        if right.type == "identifier":
            yield text(left.child_by_field_name("field")), each


def _make_install(code: Code, func: Func, found: Mapping[str, Node]) -> Install:
    fields = (_CALLBACK, _CALLBACK_AFTER)
    left = found[_CALLBACK].child_by_field_name("left")
    assert left is not None
    return Install(
        code=code,
        func=func,
        statements=tuple(statement_of(found[field]) for field in fields),
        callbacks={f: text(found[f].child_by_field_name("right")) for f in fields},
        journal=text(left.child_by_field_name("argument")),
    )
