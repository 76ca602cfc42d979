"""Faults of a journal's callbacks: when they are installed, and which pages they leave dirty."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from tools.seeding.code import (
    Call,
    Code,
    Func,
    flat,
    next_statement,
    statement_of,
    text,
    walk,
)
from tools.seeding.edits import (
    MARK,
    Edit,
    delete,
    insert_after,
    insert_before,
    replace,
    wrap,
)
from tools.seeding.kernel import Tree
from tools.seeding.model import Draft, Maker, variant

# ---------------------------------------------------------------- callback-gated-on-mount-mode

GATED = "callback-gated-on-mount-mode"
_FIELDS = {"j_submit_inode_data_buffers", "j_finish_inode_data_buffers"}
_MODE = "test_opt(sb, DATA_FLAGS) == EXT4_MOUNT_JOURNAL_DATA"


def _installs(func: Func) -> Iterator[tuple[Node, Node, Node]]:
    """Yield (statement, left side, right side) of what installs a journal's callback."""
    for each in walk(func.body, "assignment_expression"):
        left, right = each.child_by_field_name("left"), each.child_by_field_name("right")
        if left is None or right is None or left.type != "field_expression":
            continue
        if text(left.child_by_field_name("field")) in _FIELDS and right.type == "identifier":
            yield statement_of(each), left, right


def _wrapped(head: str) -> Maker:
    def make(_tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
        for statement, left, right in _installs(func):
            yield Draft([wrap(code, statement, head)], [statement, left, right])

    return make


for _name, _head in (
    ("if-journal-mode", f"if ({_MODE})"),
    ("if-journal-mode-swapped", "if (EXT4_MOUNT_JOURNAL_DATA == test_opt(sb, DATA_FLAGS))"),
    ("if-not-another-mode", "if (test_opt(sb, DATA_FLAGS) != EXT4_MOUNT_ORDERED_DATA)"),
    ("if-mode-and-more", f"if (!sb_rdonly(sb) && ({_MODE}))"),
    ("if-test-opt", "if (test_opt(sb, JOURNAL_DATA))"),
    ("else-of-another-mode", "if (test_opt(sb, DATA_FLAGS) != EXT4_MOUNT_JOURNAL_DATA)\n;\nelse"),
    ("if-mode-bits", "if (EXT4_SB(sb)->s_mount_opt & EXT4_MOUNT_JOURNAL_DATA)"),
):
    variant(GATED, _name, _FIELDS)(_wrapped(_head))


@variant(GATED, "switch-on-mode", _FIELDS)
def _switch(_tree: Tree, _code: Code, func: Func) -> Iterator[Draft]:
    for statement, _, _ in _installs(func):
        head = "switch (test_opt(sb, DATA_FLAGS)) {\ncase EXT4_MOUNT_JOURNAL_DATA:\n"
        new = f"{head}{MARK}{text(statement)}\nbreak;\n}}"
        yield Draft([replace(statement, new)])


@variant(GATED, "choice-by-mode", _FIELDS)
def _choice(_tree: Tree, _code: Code, func: Func) -> Iterator[Draft]:
    for statement, left, right in _installs(func):
        new = f"({_MODE}) ? {text(right)} : NULL"
        yield Draft([replace(right, new)], [statement, left, right])


@variant(GATED, "early-return-by-mode", _FIELDS)
def _early(_tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
    for statement, left, right in _installs(func):
        leave = "return;" if func.returns == "void" else "return 0;"
        made = insert_before(code, statement, f"if (!({_MODE}))\n\t{leave}")
        yield Draft([made], [statement, left, right])
        break


@variant(GATED, "mode-in-a-helper", _FIELDS)
def _helper(_tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
    at = func.node.start_byte
    helper = f"static bool seeded_mode(struct super_block *sb)\n{{\n\treturn {_MODE};\n}}\n\n"
    for statement, left, right in _installs(func):
        edits = [Edit(at, at, helper), wrap(code, statement, "if (seeded_mode(sb))")]
        yield Draft(edits, [statement, left, right], functions=["seeded_mode"])


@variant(GATED, "mode-in-a-local", _FIELDS)
def _local(_tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
    for statement, _, _ in _installs(func):
        made = insert_before(
            code, statement, f"bool seeded = {_MODE};\n\nif (seeded)\n\t{MARK}{text(statement)}"
        )
        edits = [Edit(made.start, statement.end_byte, made.text.rstrip())]
        yield Draft(edits)


@variant(GATED, "callback-asks-the-mount", {"ext4_should_journal_data"})
def _callback(tree: Tree, _code: Code, func: Func) -> Iterator[Draft]:
    """A callback asks for the mount's mode where it asked for the inode's."""
    installed = {text(r) for f in _code.functions for _, _, r in _installs(f)}
    for call in func.named({"ext4_should_journal_data"}) if func.name in installed else ():
        inode = text(call.args[0])
        new = f"(test_opt({inode}->i_sb, DATA_FLAGS) == EXT4_MOUNT_JOURNAL_DATA)"
        yield Draft([replace(call.node, new)], [call.node, statement_of(call.node)])


# ---------------------------------------------------------------- writepage-callback-loses-dirty

LOSES = "writepage-callback-loses-dirty"
_REDIRTY = {"redirty_page_for_writepage", "folio_redirty_for_writepage"}
_WALKED = {"AOP_WRITEPAGE_ACTIVATE"}


def _redirties(func: Func) -> Iterator[tuple[Node, Node, Call]]:
    """Yield (the `if`, its condition, the call) where a walk's callback makes a page dirty."""
    for call in func.named(_REDIRTY):
        statement = statement_of(call.node)
        block = statement.parent
        branch = block.parent if block is not None else None
        if branch is not None and branch.type == "if_statement":
            condition = branch.child_by_field_name("condition")
            if condition is not None:
                yield branch, condition, call


def _anywhere(func: Func) -> list[Node]:
    """Return the lines at which a callback may be blamed: its returns, jumps and conditions."""
    kinds = ("return_statement", "goto_statement", "if_statement", "do_statement")
    conditions = [e.child_by_field_name("condition") for e in walk(func.body, "if_statement")]
    parts = [each for c in conditions if c is not None for each in walk(c, "binary_expression")]
    rights = [e.child_by_field_name("right") for e in parts]
    return [*walk(func.body, *kinds), *filter(None, rights), func.node]


@variant(LOSES, "redirty-deleted", _WALKED)
def _no_redirty(_tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
    for _, _, call in _redirties(func):
        yield Draft([delete(code, statement_of(call.node))], _anywhere(func))


@variant(LOSES, "redirty-behind-the-jump", _WALKED)
def _behind(_tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
    for _, _, call in _redirties(func):
        statement = statement_of(call.node)
        jump = next_statement(statement)
        if jump is not None and jump.type == "goto_statement":
            edits = [delete(code, statement), insert_after(code, jump, text(statement))]
            yield Draft(edits, _anywhere(func))


def _operands(node: Node) -> list[Node]:
    """Return all parts of a condition that `||` joins, at any depth."""
    return [
        side
        for each in walk(node, "binary_expression")
        if text(each.child_by_field_name("operator")) == "||"
        for side in (each.child_by_field_name("left"), each.child_by_field_name("right"))
        if side is not None
    ]


@variant(LOSES, "condition-dropped", _WALKED)
def _dropped(_tree: Tree, _code: Code, func: Func) -> Iterator[Draft]:
    for _, condition, _ in _redirties(func):
        for part in _operands(condition):
            yield Draft([replace(part, "0")], _anywhere(func), f"no {flat(part)}")


@variant(LOSES, "or-becomes-and", _WALKED)
def _and(_tree: Tree, _code: Code, func: Func) -> Iterator[Draft]:
    for _, condition, _ in _redirties(func):
        for each in walk(condition, "binary_expression"):
            sign = each.child_by_field_name("operator")
            if sign is not None and text(sign) == "||":
                yield Draft([replace(sign, "&&")], _anywhere(func), flat(each))


@variant(LOSES, "comparison-inverted", _WALKED)
def _inverted(_tree: Tree, _code: Code, func: Func) -> Iterator[Draft]:
    for _, condition, _ in _redirties(func):
        for each in walk(condition, "binary_expression"):
            sign = each.child_by_field_name("operator")
            if sign is not None and text(sign) == "!=":
                yield Draft([replace(sign, "==")], _anywhere(func), flat(each))


@variant(LOSES, "whole-condition-inverted", _WALKED)
def _not(_tree: Tree, _code: Code, func: Func) -> Iterator[Draft]:
    for _, condition, _ in _redirties(func):
        yield Draft([replace(condition, f"(!{text(condition)})")], _anywhere(func))
