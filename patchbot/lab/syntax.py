"""One C file as tree-sitter sees it, and what is looked up in it: functions, calls, statements."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import tree_sitter_c
from tree_sitter import Language, Node, Parser

_PARSER = Parser(Language(tree_sitter_c.language()))
_FLAT = frozenset({"compound_statement", "case_statement", "labeled_statement"})


def parse(data: bytes) -> Node:
    """Return the root node of a C text."""
    return _PARSER.parse(data).root_node


def text(node: Node | None) -> str:
    """Return a node's text, "" for None."""
    return (node.text or b"").decode("utf-8", "replace") if node is not None else ""


def flat(node: Node | None) -> str:
    """Return a node's text with its white space, comments aside, folded to single spaces."""
    return " ".join(re.sub(r"/\*.*?\*/", " ", text(node), flags=re.S).split())


def walk(node: Node, *kinds: str) -> Iterator[Node]:
    """Yield the node and all below it in the order of the text, of these kinds where given."""
    todo = [node]
    while todo:
        each = todo.pop()
        if not kinds or each.type in kinds:
            yield each
        todo.extend(reversed(each.children))


def count_errors(node: Node) -> int:
    """Count what tree-sitter could not parse, and what it made up."""
    found = 0
    todo = [node] if node.has_error else []
    while todo:
        each = todo.pop()
        found += each.is_error or each.is_missing
        todo += [child for child in each.children if child.has_error]
    return found


@dataclass(frozen=True)
class Call:
    """A call by name, with its arguments."""

    node: Node
    name: str
    args: tuple[Node, ...]


@dataclass(frozen=True)
class Func:
    """One function definition that was parsed without errors."""

    name: str
    node: Node
    body: Node

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """All calls by name in it, in the order of the text."""
        return tuple(find_calls(self.body))

    @cached_property
    def words(self) -> frozenset[str]:
        """All identifiers in its text."""
        return frozenset(re.findall(r"[A-Za-z_]\w*", text(self.node)))

    def named(self, names: Iterable[str]) -> list[Call]:
        """Return the calls of these functions."""
        wanted = frozenset(names)
        return [each for each in self.calls if each.name in wanted]

    @property
    def returns(self) -> str:
        """Its return type as written; "void" for a function that returns nothing."""
        declarator = self.node.child_by_field_name("declarator")
        stars = "*" if declarator is not None and declarator.type == "pointer_declarator" else ""
        return text(self.node.child_by_field_name("type")) + stars

    @cached_property
    def parameters(self) -> dict[str, str]:
        """Its parameters' whole declarations, by name."""
        found: dict[str, str] = {}
        for each in walk(self.node, "parameter_declaration"):
            if each.start_byte < self.body.start_byte:
                names = list(walk(each, "identifier"))
                if names:
                    found[text(names[-1])] = flat(each)
        return found


def find_calls(node: Node) -> Iterator[Call]:
    """Yield the calls by name below a node."""
    for each in walk(node, "call_expression"):
        called = each.child_by_field_name("function")
        arguments = each.child_by_field_name("arguments")
        if called is not None and called.type == "identifier" and arguments is not None:
            args = tuple(a for a in arguments.named_children if a.type != "comment")
            yield Call(each, text(called), args)


class Code:
    """A C file: its path in the tree, bytes and syntax."""

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.data = data
        self.root = parse(data)

    @cached_property
    def errors(self) -> int:
        """How much of it could not be parsed."""
        return count_errors(self.root)

    @cached_property
    def functions(self) -> tuple[Func, ...]:
        """Its functions, without those that tree-sitter can't parse."""
        return tuple(self._functions())

    def _functions(self) -> Iterator[Func]:
        for node in walk(self.root, "function_definition"):
            body = node.child_by_field_name("body")
            declarator: Node | None = node
            while declarator is not None and declarator.type != "identifier":
                declarator = declarator.child_by_field_name("declarator")
            if declarator is not None and body is not None and not node.has_error:
                yield Func(text(declarator), node, body)

    def line_of(self, offset: int) -> int:
        """Return the line of a byte, from 1."""
        return self.data.count(b"\n", 0, offset) + 1

    def indent(self, node: Node) -> str:
        """Return the white space before a node's line."""
        start = self.data.rfind(b"\n", 0, node.start_byte) + 1
        found = re.match(rb"[ \t]*", self.data[start:])
        return found[0].decode() if found else ""


def statement_of(node: Node) -> Node:
    """Return the statement or declaration that a node stands in: as it can be deleted alone."""
    while not (node.type.endswith("_statement") or node.type == "declaration"):
        assert node.parent is not None
        node = node.parent
    return node


def stands_alone(statement: Node) -> bool:
    """Whether a statement is one of several in a block, and not an `if`'s only one."""
    parent = statement.parent
    if parent is None or parent.type not in _FLAT:
        return False
    return parent.type != "labeled_statement" or parent.named_children[-1] != statement


def is_plain_call(call: Call) -> bool:
    """Whether a call is a statement of its own, its value unused."""
    return call.node.parent is not None and call.node.parent.type == "expression_statement"


def next_statement(statement: Node) -> Node | None:
    """Return the statement behind this one in the same block, comments aside."""
    after = statement.next_named_sibling
    if after is None and statement.parent is not None:
        if statement.parent.type == "labeled_statement":
            return next_statement(statement.parent)
        return None
    while after is not None and after.type == "comment":
        after = after.next_named_sibling
    return after


def is_exit(node: Node | None) -> bool:
    """Whether a statement leaves the block for good."""
    return node is not None and node.type in ("return_statement", "goto_statement")


def labels(func: Func) -> dict[str, Node]:
    """Return a function's labelled statements by label."""
    return {
        text(each.child_by_field_name("label")): each
        for each in walk(func.body, "labeled_statement")
    }


def last_return(func: Func) -> Node | None:
    """Return a function's last return statement."""
    found = list(walk(func.body, "return_statement"))
    return found[-1] if found else None
