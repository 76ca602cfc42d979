"""Faults of values: answers asked for twice, unset locals, constants too large, missing headers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from tools.seeding.code import (
    Code,
    Func,
    flat,
    labels,
    next_statement,
    stands_alone,
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
    start_of_body,
)
from tools.seeding.kernel import Tree
from tools.seeding.model import EXT4, JOURNAL, Draft, Maker, variant

# ---------------------------------------------------------------- unstable-predicate

PREDICATE = "unstable-predicate"
_QUESTIONS = {
    "ext4_should_journal_data", "ext4_should_dioread_nolock", "ext4_has_inline_data",
    "ext4_should_order_data", "ext4_nonda_switch",
}  # fmt: skip


def _may_ask(func: Func) -> bool:
    """Whether a function has an inode, and nothing in it keeps the answers about it."""
    given = func.parameters.values()
    asks = bool((_QUESTIONS | {"i_data_sem", "i_size_read"}) & func.words)
    handle = any("handle_t" in each for each in given)
    return "struct inode *inode" in given and not handle and not asks


@variant(PREDICATE, "set-and-used-under-two-questions", {"inode"}, EXT4, 6)
def _set_and_used(_tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
    """A local that is set under one answer, and used under the next."""
    last = func.body.named_children[-1] if func.body.named_children else None
    plain = last is not None and last.type == "return_statement" and func.returns == "int"
    if not plain or last is None or not _may_ask(func):
        return
    first = start_of_body(func.body)
    ask = "if (ext4_should_journal_data(inode))"
    before = f"int seeded;\n\n{ask}\n\tseeded = 1;"
    after = f"{MARK}{ask}\n\t{MARK}return seeded;"
    early = first.start_byte < last.start_byte and first.type != "labeled_statement"
    if early and stands_alone(last):
        yield Draft([insert_before(code, first, before), insert_before(code, last, after)])


def _bracket(taken: str, given: str, question: str) -> Maker:
    """Take and give something back under the same question, asked twice."""

    def make(_tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
        block = [e for e in func.body.named_children if e.type == "expression_statement"]
        leaves = [e.type for e in walk(func.body, "return_statement", "goto_statement")]
        own = given.partition("(")[0] in func.words
        if _may_ask(func) and not own and len(block) > 2 and len(leaves) <= 1:
            ask = f"if ({question})\n\t"
            edits = [insert_before(code, block[0], ask + taken),
                     insert_after(code, block[-1], f"{MARK}{ask}{MARK}{given}")]  # fmt: skip
            yield Draft(edits, list(walk(func.body, "return_statement")))

    return make


for _name, _taken, _given, _question in (
    ("lock-under-journal-question", "down_write(&EXT4_I(inode)->i_data_sem);",
     "up_write(&EXT4_I(inode)->i_data_sem);", "ext4_should_journal_data(inode)"),
    ("lock-under-inline-question", "filemap_invalidate_lock(inode->i_mapping);",
     "filemap_invalidate_unlock(inode->i_mapping);", "ext4_has_inline_data(inode)"),
    ("lock-under-size-question", "mutex_lock(&EXT4_I(inode)->i_fc_lock);",
     "mutex_unlock(&EXT4_I(inode)->i_fc_lock);", "i_size_read(inode) > PAGE_SIZE"),
):  # fmt: skip
    variant(PREDICATE, _name, {"inode"}, EXT4, 6)(_bracket(_taken, _given, _question))


# ---------------------------------------------------------------- uninitialised-on-path

UNSET = "uninitialised-on-path"
_PLAIN = re.compile(r"(?:int|unsigned int|unsigned long|long|size_t|loff_t|ssize_t|handle_t|bool)")


def _initialised(func: Func) -> Iterator[tuple[Node, Node, str]]:
    """Yield (declaration, its `name = constant`, name) of plain locals at the top of a body."""
    for declaration in func.body.named_children:
        if declaration.type != "declaration" or "static" in text(declaration):
            continue
        for each in declaration.named_children:
            name = (
                each.child_by_field_name("declarator") if each.type == "init_declarator" else None
            )
            value = each.child_by_field_name("value")
            constant = value is not None and re.fullmatch(r"-?\w+", text(value)) is not None
            if name is not None and name.type == "identifier" and constant:
                yield declaration, each, text(name)


def _uses(func: Func, name: str) -> list[Node]:
    return [e for e in walk(func.body, "identifier") if text(e) == name]


def _read_at_once(func: Func, name: str) -> bool:
    """Whether a return gives the local back, and no statement at the top of the body sets it."""
    returned = any(flat(e) == f"return {name};" for e in walk(func.body, "return_statement"))
    for each in func.body.named_children:
        if each.type == "expression_statement" and flat(each).startswith(f"{name} ="):
            return False
        if each.type == "if_statement":
            condition = flat(each.child_by_field_name("condition"))
            if re.search(rf"\b{name} = ", condition):
                return False
    return returned and not re.search(rf"&\s*{name}\b", text(func.body))


def _reads(func: Func, name: str) -> list[Node]:
    return [statement_of(e) for e in _uses(func, name)] + _uses(func, name)


@variant(UNSET, "initialiser-deleted", {"return"}, JOURNAL, 20)
def _no_initialiser(_tree: Tree, _code: Code, func: Func) -> Iterator[Draft]:
    """A local that a path returns without setting it loses the value it was declared with."""
    for _, each, name in _initialised(func):
        loops = list(walk(func.body, "for_statement", "while_statement", "do_statement"))
        if _read_at_once(func, name) and not loops and _has_unset_path(func, name):
            yield Draft([replace(each, name)], _reads(func, name), name)


def _has_unset_path(func: Func, name: str) -> bool:
    """Whether all that sets a local stands in an `if` without an `else`, and no label is there."""
    sets = [e for e in walk(func.body, "assignment_expression", "update_expression")
            if flat(e.child_by_field_name("left")) == name]  # fmt: skip
    plain = not list(walk(func.body, "goto_statement", "switch_statement", "labeled_statement"))
    return plain and bool(sets) and all(_in_lone_if(func, each) for each in sets)


def _in_lone_if(func: Func, node: Node) -> bool:
    each: Node | None = node
    while each is not None and each != func.body:
        if each.type == "if_statement" and each.parent == func.body:
            return each.child_by_field_name("alternative") is None
        each = each.parent
    return False


def _set_before_a_jump(func: Func) -> Iterator[tuple[Node, Node, str]]:
    """Yield (statement, jump, name) where a local gets its first value right before a goto."""
    bare = {
        text(name)
        for declaration in func.body.named_children if declaration.type == "declaration"
        for name in declaration.children_by_field_name("declarator") if name.type == "identifier"
    }  # fmt: skip
    for each in walk(func.body, "assignment_expression"):
        name, statement = text(each.child_by_field_name("left")), statement_of(each)
        jump = next_statement(statement)
        first = name in bare and _uses(func, name)[1].start_byte == each.start_byte
        jumps = jump is not None and jump.type == "goto_statement"
        if first and each.parent == statement and jump is not None and jumps:
            yield statement, jump, name


@variant(UNSET, "set-before-a-goto-deleted", {"goto"}, JOURNAL, 20)
def _jumps_unset(_tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
    """A way out no longer sets what is used behind its label."""
    for statement, jump, name in _set_before_a_jump(func):
        target = labels(func).get(text(jump.child_by_field_name("label")))
        if target is None or target.start_byte < jump.start_byte:
            continue
        behind = [use for use in _uses(func, name) if use.start_byte > target.start_byte]
        at = [*behind, *map(statement_of, behind), jump]
        if behind:
            yield Draft([delete(code, statement)], at, name)


def _new_local(body: str) -> Maker:
    """Declare a new local at the top, and use it at a return of the body."""

    def make(_tree: Tree, code: Code, func: Func) -> Iterator[Draft]:
        last = func.body.named_children[-1] if func.body.named_children else None
        inode = "struct inode *inode" in func.parameters.values()
        if func.returns != "int" or last is None or last.type != "return_statement" or not inode:
            return
        if stands_alone(last) and last.named_children:
            value = flat(last.named_children[0])
            yield Draft([replace(last, body.replace("VALUE", value))])

    return make


for _name, _body in (
    ("set-on-one-leg", "{\n\tint seeded;\n\n\tif (S_ISDIR(inode->i_mode))\n\t\tseeded = 1;\n"
     "\t§return VALUE + seeded;\n}"),
    ("set-in-a-switch", "{\n\tint seeded;\n\n\tswitch (inode->i_mode & S_IFMT) {\n\tcase S_IFDIR:\n"
     "\t\tseeded = 1;\n\t\tbreak;\n\tdefault:\n\t\tbreak;\n\t}\n\t§return VALUE + seeded;\n}"),
    ("set-on-other-legs", "{\n\tint seeded;\n\n\tif (S_ISDIR(inode->i_mode))\n\t\tseeded = 1;\n"
     "\telse if (S_ISREG(inode->i_mode))\n\t\tseeded = 2;\n\t§return VALUE + seeded;\n}"),
    ("set-under-another-condition", "{\n\tint seeded;\n\n\tif (S_ISDIR(inode->i_mode))\n"
     "\t\tseeded = 1;\n\tif (S_ISREG(inode->i_mode))\n\t\t§return VALUE + seeded;\n\treturn 0;\n}"),
):  # fmt: skip
    variant(UNSET, _name, {"inode"}, EXT4, 6)(_new_local(_body))


# ---------------------------------------------------------------- constant-overflows-field

OVERFLOWS = "constant-overflows-field"


def _field_value(field: str, *values: str) -> Maker:
    """Put constants that do not fit into a field, in initialisers and assignments."""

    def make(_tree: Tree, _code: Code, func: Func) -> Iterator[Draft]:
        for pair in walk(func.body, "initializer_pair", "assignment_expression"):
            name = text(pair.child_by_field_name("designator")).lstrip(".")
            left = pair.child_by_field_name("left")
            if left is not None and left.type == "field_expression":
                name = text(left.child_by_field_name("field"))
            value = pair.child_by_field_name("value") or pair.child_by_field_name("right")
            sign = text(pair.child_by_field_name("operator"))
            if name == field and value is not None and sign in ("", "="):
                for new in values:
                    yield Draft([replace(value, MARK + new)], [pair], f"{field} = {new}")

    return make


_LONG = ("~0ULL", "ULONG_MAX", "18446744073709551615ULL", "0x8000000000000000ULL")
for _field, _values in (
    ("nr_to_write", _LONG),
    ("j_fc_wbufsize", ("0x100000000ULL", "1ULL << 32")),
    ("ac_status", ("0x1000000000LL",)),
    ("i_extra_isize", ("0x10000", "1 << 17")),
    ("m_len", ("0x100000000ULL", "1ULL << 40")),
):
    variant(OVERFLOWS, _field.replace("_", "-"), {_field}, JOURNAL, 8)(
        _field_value(_field, *_values)
    )


@variant(OVERFLOWS, "local-variable", {"int"}, JOURNAL, 8)
def _local(_tree: Tree, _code: Code, func: Func) -> Iterator[Draft]:
    """A constant that does not fit an int, in a declaration."""
    for declaration, each, name in _initialised(func):
        value = each.child_by_field_name("value")
        if flat(declaration).startswith("int ") and value is not None:
            yield Draft([replace(value, MARK + "0x100000000LL")], [each], name)


# ---------------------------------------------------------------- include-missing

INCLUDE = "include-missing"


def _include(new: str) -> Maker:
    """Add an include behind the last one of a file."""

    def make(_tree: Tree, code: Code, _func: Func) -> Iterator[Draft]:
        top = [e for e in code.root.children if e.type == "preproc_include"]
        if top:
            at = top[-1].end_byte
            yield Draft([Edit(at, at, MARK + new)], whole=True, functions=[""])

    return make


for _name, _new in (
    ("header-of-nobody", '#include "seeded_debug.h"\n'),
    ("header-of-nobody-below-linux", "#include <linux/seeded_debug.h>\n"),
    ("trace-header-of-nobody", "#include <trace/events/seeded.h>\n"),
    ("header-in-a-folder-of-nobody", '#include "seeded/debug.h"\n'),
    ("header-misspelt", "#include <linux/jbd2s.h>\n"),
    ("header-of-nobody-above", '# include "../seeded_debug.h"\n'),
):
    variant(INCLUDE, _name, set(), JOURNAL, 6)(_include(_new))
