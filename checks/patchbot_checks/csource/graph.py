"""Control-flow graphs of functions.

A function becomes a graph of small nodes, each of one kind:

call     a call is made (`expr`); `target` is what its value goes to, if directly to something
assign   `target` is set to `expr` by `op` ("=", "+=", "++", ...)
declare  a local variable `name` of type `ctype` begins to exist, unset unless an assign follows
use      a value is looked at and dropped
branch   two ways, `true` and `false`, by `expr`, which has no && || ! ?: left on its outside
loop     two ways: a loop macro goes round once more (`true`), or ends; it sets `target`
switch   one way for each case; `cases` has the labels of each, None for default
return   the function ends with `expr` (or None)
jump     a goto, break or continue: nothing is computed, but its line is where the way turned
join, entry, exit   nothing; the join after a loop with a test, or after a switch, has op "end"
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from patchbot_checks.csource.expr import Expr, Reader, TooDeepError, make_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tree_sitter import Node as Syntax

_MAX_NESTING = 200
MAX_NODES = 30_000
Case = tuple[str, ...]


@dataclass(slots=True, eq=False)
class Node:
    """One step of a function; see the module's text. `succ` are the next steps."""

    index: int
    kind: str
    line: int
    expr: Expr | None = None
    target: Expr | None = None
    op: str = ""
    name: str = ""
    ctype: str = ""
    succ: list[Node] = field(default_factory=list)
    cases: list[list[Expr] | None] = field(default_factory=list)

    @property
    def true(self) -> Node:
        """Where a branch goes when its condition holds."""
        return self.succ[0]

    @property
    def false(self) -> Node:
        """Where a branch goes when its condition does not hold."""
        return self.succ[1]

    def __repr__(self) -> str:
        return f"<{self.index} {self.kind} {self.line} {self.expr or self.name}>"


@dataclass(slots=True)
class Graph:
    """A function's nodes; `entry` is the first, `exit` the only last."""

    nodes: list[Node]
    entry: Node
    exit: Node


class NotUnderstoodError(Exception):
    """A function that can't be turned into a graph; `line` says where."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(reason)
        self.line = line


def build_graph(body: Syntax, reader: Reader, loops: Mapping[int, str]) -> Graph:
    """Build the graph of a function's body; raises `NotUnderstoodError`."""
    return _Builder(reader, loops).build(body)


@dataclass(slots=True)
class _Loop:
    end: Node
    again: Node | None


class _Builder:
    def __init__(self, reader: Reader, loops: Mapping[int, str]) -> None:
        self._reader = reader
        self._loops = loops
        self._nodes: list[Node] = []
        self._labels: dict[str, Node] = {}
        self._gotos: list[tuple[str, int]] = []
        self._placed: set[str] = set()
        self._inside: list[_Loop] = []
        self._switches: list[Node] = []
        self._depth = 0
        self._exit = self._node("exit", 0)

    def build(self, body: Syntax) -> Graph:
        entry = self._node("entry", body.start_point[0] + 1)
        try:
            last = self._statement(body, entry)
        except (TooDeepError, RecursionError) as error:
            raise NotUnderstoodError("nested too deeply", body.start_point[0] + 1) from error
        if last is not None:
            end = self._node("return", body.end_point[0] + 1)
            last.succ.append(end)
            end.succ.append(self._exit)
        for name, line in self._gotos:
            if name not in self._placed:
                raise NotUnderstoodError(f"goto {name}, a label that is not there", line)
        self._exit.line = body.end_point[0] + 1
        return Graph(self._nodes, entry, self._exit)

    def _node(self, kind: str, line: int, **more: object) -> Node:
        if len(self._nodes) >= MAX_NODES:
            raise NotUnderstoodError(f"more than {MAX_NODES} steps", line)
        made = Node(len(self._nodes), kind, line)
        for name, value in more.items():
            setattr(made, name, value)
        self._nodes.append(made)
        return made

    def _then(self, after: Node, kind: str, line: int, **more: object) -> Node:
        made = self._node(kind, line, **more)
        after.succ.append(made)
        return made

    # --- statements: each takes the node before, and returns the last one, None where none is

    def _statement(self, node: Syntax, after: Node | None) -> Node | None:
        if node.type == "ERROR" or node.is_missing:
            raise NotUnderstoodError("this is not C that can be parsed", node.start_point[0] + 1)
        self._depth += 1
        if self._depth > _MAX_NESTING:
            raise TooDeepError
        try:
            handler = getattr(self, f"_do_{node.type}", None)
            if handler is not None:
                last: Node | None = handler(node, after)
                return last
            if after is None:
                after = self._node("join", node.start_point[0] + 1)  # cannot be reached
            if node.type.endswith(("_expression", "identifier", "literal")):
                return self._evaluate(self._reader.read(node), after, use=True)
            return after
        finally:
            self._depth -= 1

    def _alive(self, after: Node | None, line: int) -> Node:
        return after if after is not None else self._node("join", line)

    def _do_compound_statement(self, node: Syntax, after: Node | None) -> Node | None:
        for child in node.named_children:
            after = self._statement(child, after)
        return after

    def _do_comment(self, node: Syntax, after: Node | None) -> Node | None:
        return after

    _do_type_definition = _do_comment
    _do_struct_specifier = _do_comment
    _do_union_specifier = _do_comment
    _do_enum_specifier = _do_comment
    _do_attribute_declaration = _do_comment

    def _do_expression_statement(self, node: Syntax, after: Node | None) -> Node | None:
        after = self._alive(after, node.start_point[0] + 1)
        for child in node.named_children:
            if child.type != "comment":
                after = self._evaluate(self._reader.read(child), after, use=True)
        return after

    def _do_declaration(self, node: Syntax, after: Node | None) -> Node | None:
        after = self._alive(after, node.start_point[0] + 1)
        kind = node.child_by_field_name("type")
        ctype = self._reader.text(kind) if kind is not None else ""
        words = {self._reader.text(c) for c in node.children if c.type == "storage_class_specifier"}
        for child in node.children_by_field_name("declarator"):
            after = self._declare(child, ctype, "static" in words or "extern" in words, after)
        return after

    def _declare(self, node: Syntax, ctype: str, lasting: bool, after: Node) -> Node:
        value = node.child_by_field_name("value") if node.type == "init_declarator" else None
        name, suffix = _declared(node, self._reader)
        line = node.start_point[0] + 1
        if not name:
            return after
        whole = f"{ctype} {suffix}".strip()
        made = self._then(after, "declare", line, name=name, ctype=whole, op="static" * lasting)
        if value is None or lasting:
            return made
        target = make_name(name, line, node.start_byte)
        return self._assign(target, self._reader.read(value), "=", line, made)

    def _do_if_statement(self, node: Syntax, after: Node | None) -> Node | None:
        line = node.start_point[0] + 1
        after = self._alive(after, line)
        yes, no = self._node("join", line), self._node("join", line)
        self._condition(self._read_condition(node), after, yes, no)
        chosen = node.child_by_field_name("consequence")
        ends = [self._statement(chosen, yes) if chosen is not None else yes]
        other = node.child_by_field_name("alternative")
        inner = other.named_children[-1] if other is not None and other.named_children else None
        ends.append(self._statement(inner, no) if inner is not None else no)
        return self._meet(ends, node.end_point[0] + 1)

    def _meet(self, ends: list[Node | None], line: int) -> Node | None:
        alive = [end for end in ends if end is not None]
        if not alive:
            return None
        if len(alive) == 1:
            return alive[0]
        made = self._node("join", line)
        for end in alive:
            end.succ.append(made)
        return made

    def _read_condition(self, node: Syntax) -> Expr:
        found = node.child_by_field_name("condition")
        if found is None:
            raise NotUnderstoodError("no condition", node.start_point[0] + 1)
        return self._reader.read(found)

    def _do_while_statement(self, node: Syntax, after: Node | None) -> Node | None:
        line = node.start_point[0] + 1
        head = self._then(self._alive(after, line), "join", line)
        body, end = self._node("join", line), self._node("join", node.end_point[0] + 1, op="end")
        macro = self._loops.get(node.start_byte)
        condition = self._read_condition(node)
        if macro is not None:
            self._loop_macro(macro, condition, line, head, body, end)
        else:
            self._condition(condition, head, body, end)
        return self._body(node, body, head, end)

    def _loop_macro(
        self, macro: str, condition: Expr, line: int, head: Node, body: Node, end: Node
    ) -> None:
        args = _flat_comma(condition)
        made = self._then(head, "loop", line, name=macro, target=args[0])
        made.expr = Expr("call", f"{macro}(…)", macro, tuple(args), line,
                         names=frozenset().union(*(a.names for a in args)))  # fmt: skip
        made.succ += [body, end]

    def _body(self, node: Syntax, body: Node, again: Node, end: Node) -> Node:
        self._inside.append(_Loop(end, again))
        inner = node.child_by_field_name("body")
        last = self._statement(inner, body) if inner is not None else body
        self._inside.pop()
        if last is not None:
            last.succ.append(again)
        return end

    def _do_do_statement(self, node: Syntax, after: Node | None) -> Node | None:
        line = node.start_point[0] + 1
        head = self._then(self._alive(after, line), "join", line)
        test, end = self._node("join", line), self._node("join", node.end_point[0] + 1)
        self._body(node, head, test, end)
        self._condition(self._read_condition(node), test, head, end)
        return end

    def _do_for_statement(self, node: Syntax, after: Node | None) -> Node | None:
        line = node.start_point[0] + 1
        after = self._alive(after, line)
        first = node.child_by_field_name("initializer")
        if first is not None:
            after = self._alive(self._statement(first, after), line)
        head = self._then(after, "join", line)
        body, end = self._node("join", line), self._node("join", node.end_point[0] + 1, op="end")
        step = self._node("join", line)
        condition = node.child_by_field_name("condition")
        if condition is None:
            head.succ.append(body)
        else:
            self._condition(self._reader.read(condition), head, body, end)
        self._body(node, body, step, end)
        update = node.child_by_field_name("update")
        last = step if update is None else self._evaluate(self._reader.read(update), step, use=True)
        last.succ.append(head)
        return end

    def _do_switch_statement(self, node: Syntax, after: Node | None) -> Node | None:
        line = node.start_point[0] + 1
        value = self._read_condition(node)
        after = self._evaluate(value, self._alive(after, line), use=False)
        made = self._then(after, "switch", line, expr=value)
        end = self._node("join", node.end_point[0] + 1, op="end")
        self._switches.append(made)
        self._inside.append(_Loop(end, self._inside[-1].again if self._inside else None))
        body = node.child_by_field_name("body")
        last = self._statement(body, None) if body is not None else made
        self._inside.pop()
        self._switches.pop()
        if last is not None:
            last.succ.append(end)
        if None not in made.cases:
            made.succ.append(end)
            made.cases.append(None)
        return end

    def _do_case_statement(self, node: Syntax, after: Node | None) -> Node | None:
        if not self._switches:
            raise NotUnderstoodError("a case outside a switch", node.start_point[0] + 1)
        switch = self._switches[-1]
        value = node.child_by_field_name("value")
        made = self._node("join", node.start_point[0] + 1)
        if after is not None:
            after.succ.append(made)
        switch.succ.append(made)
        switch.cases.append([self._reader.read(value)] if value is not None else None)
        last: Node | None = made
        for child in node.named_children:
            if child != value:
                last = self._statement(child, last)
        return last

    def _do_labeled_statement(self, node: Syntax, after: Node | None) -> Node | None:
        label = node.child_by_field_name("label")
        name = self._reader.text(label) if label is not None else ""
        made = self._label(name, node.start_point[0] + 1)
        self._placed.add(name)
        made.line = node.start_point[0] + 1
        if after is not None:
            after.succ.append(made)
        last: Node | None = made
        for child in node.named_children:
            if child != label:
                last = self._statement(child, last)
        return last

    def _label(self, name: str, line: int) -> Node:
        if name not in self._labels:
            self._labels[name] = self._node("join", line, name=name)
        return self._labels[name]

    def _do_goto_statement(self, node: Syntax, after: Node | None) -> Node | None:
        line = node.start_point[0] + 1
        label = node.child_by_field_name("label")
        if label is None:
            raise NotUnderstoodError("a computed goto", line)
        name = self._reader.text(label)
        self._gotos.append((name, line))
        made = self._then(self._alive(after, line), "jump", line, op="goto", name=name)
        made.succ.append(self._label(name, line))
        return None

    def _do_break_statement(self, node: Syntax, after: Node | None) -> Node | None:
        line = node.start_point[0] + 1
        if not self._inside:
            raise NotUnderstoodError("a break outside a loop", line)
        made = self._then(self._alive(after, line), "jump", line, op="break")
        made.succ.append(self._inside[-1].end)
        return None

    def _do_continue_statement(self, node: Syntax, after: Node | None) -> Node | None:
        line = node.start_point[0] + 1
        again = self._inside[-1].again if self._inside else None
        if again is None:
            raise NotUnderstoodError("a continue outside a loop", line)
        made = self._then(self._alive(after, line), "jump", line, op="continue")
        made.succ.append(again)
        return None

    def _do_return_statement(self, node: Syntax, after: Node | None) -> Node | None:
        line = node.start_point[0] + 1
        after = self._alive(after, line)
        inner = next((c for c in node.named_children if c.type != "comment"), None)
        if inner is None:
            self._then(after, "return", line).succ.append(self._exit)
            return None
        self._return(self._reader.read(inner), line, after)
        return None

    def _return(self, value: Expr, line: int, after: Node) -> None:
        """Return a value; of a choice, each leg returns for itself."""
        if value.kind == "choice":
            yes, no = self._node("join", line), self._node("join", line)
            self._condition(value.args[0], after, yes, no)
            self._return(value.args[1], line, yes)
            self._return(value.args[2], line, no)
            return
        if _is_decision(value):
            for leg, number in self._decide(value, line, after):
                made = self._then(leg, "return", line, expr=number)
                made.succ.append(self._exit)
            return
        after = self._evaluate(value, after, use=False)
        self._then(after, "return", line, expr=value).succ.append(self._exit)

    # --- expressions

    def _condition(self, cond: Expr, after: Node, yes: Node, no: Node) -> None:
        """Add what decides a condition: `after` leads to `yes` or `no`."""
        if cond.kind == "unary" and cond.op == "!":
            self._condition(cond.args[0], after, no, yes)
        elif cond.kind == "binary" and cond.op in ("&&", "||"):
            middle = self._node("join", cond.line)
            legs = (middle, no) if cond.op == "&&" else (yes, middle)
            self._condition(cond.args[0], after, *legs)
            self._condition(cond.args[1], middle, yes, no)
        elif cond.kind == "comma":
            after = self._evaluate(cond.args[0], after, use=True)
            self._condition(cond.args[1], after, yes, no)
        elif cond.kind == "choice":
            first, second = self._node("join", cond.line), self._node("join", cond.line)
            self._condition(cond.args[0], after, first, second)
            self._condition(cond.args[1], first, yes, no)
            self._condition(cond.args[2], second, yes, no)
        elif (cond.kind == "name" and cond.text == "true") or cond.text == "1":
            after.succ.append(yes)
        elif (cond.kind == "name" and cond.text == "false") or cond.text == "0":
            after.succ.append(no)
        else:
            after = self._evaluate(cond, after, use=False)
            tested = cond.args[0] if cond.kind == "assign" and cond.op == "=" else cond
            made = self._then(after, "branch", cond.line, expr=tested)
            made.succ += [yes, no]

    def _assign(self, target: Expr, value: Expr, op: str, line: int, after: Node) -> Node:
        """Set a target; of a choice, each leg sets it for itself."""
        if value.kind == "choice" and op == "=":
            yes, no = self._node("join", line), self._node("join", line)
            self._condition(value.args[0], after, yes, no)
            ends: list[Node | None] = [
                self._assign(target, value.args[1], op, line, yes),
                self._assign(target, value.args[2], op, line, no),
            ]
            return self._meet(ends, line) or after
        if op == "=" and _is_decision(value):
            legs: list[Node | None] = [
                self._then(leg, "assign", line, expr=number, target=target, op=op)
                for leg, number in self._decide(value, line, after)
            ]
            return self._meet(legs, line) or after
        after = self._evaluate(value, after, use=False, target=target if op == "=" else None)
        inner = value.args[0] if value.kind == "assign" else value
        return self._then(after, "assign", line, expr=inner, target=target, op=op)

    def _decide(self, value: Expr, line: int, after: Node) -> list[tuple[Node, Expr]]:
        """Make two ways of a condition whose value is kept; each with that value."""
        yes, no = self._node("join", line), self._node("join", line)
        self._condition(value, after, yes, no)
        return [(yes, Expr("number", "1", line=line)), (no, Expr("number", "0", line=line))]

    def _evaluate(self, expr: Expr, after: Node, *, use: bool, target: Expr | None = None) -> Node:
        """Add the effects of an expression in their order; `use` where its value is dropped."""
        kind = expr.kind
        if kind == "assign":
            after = self._inner(expr.args[0], after)
            return self._assign(expr.args[0], expr.args[1], expr.op, expr.line, after)
        if kind == "update":
            after = self._inner(expr.args[0], after)
            return self._then(
                after, "assign", expr.line, expr=expr.args[0], target=expr.args[0], op=expr.op
            )
        if kind == "call":
            for each in (*((expr.function,) if expr.function else ()), *expr.args):
                after = self._evaluate(each, after, use=False)
            return self._then(after, "call", expr.line, expr=expr, target=target)
        if kind == "block":
            return self._block(expr, after)
        if (kind == "binary" and expr.op in ("&&", "||")) or kind == "choice":
            if not _has_effects(expr):
                return self._then(after, "use", expr.line, expr=expr) if use else after
            return self._lazy(expr, after)
        if kind == "cast":
            return self._evaluate(expr.args[0], after, use=use, target=target)
        after = self._inner(expr, after)
        if use and kind != "comma":
            after = self._then(after, "use", expr.line, expr=expr)
        return after

    def _inner(self, expr: Expr, after: Node) -> Node:
        for each in expr.args:
            after = self._evaluate(each, after, use=False)
        return after

    def _lazy(self, expr: Expr, after: Node) -> Node:
        """Add an && || or ?: whose value is kept: its legs are ways of their own."""
        if expr.kind == "choice":
            yes, no = self._node("join", expr.line), self._node("join", expr.line)
            self._condition(expr.args[0], after, yes, no)
            ends: list[Node | None] = [
                self._evaluate(expr.args[1], yes, use=False),
                self._evaluate(expr.args[2], no, use=False),
            ]
            return self._meet(ends, expr.line) or after
        end = self._node("join", expr.line)
        self._condition(expr, after, end, end)
        return end

    def _block(self, expr: Expr, after: Node) -> Node:
        if expr.syntax is None:
            return after
        last = self._statement(expr.syntax, after)
        return last if last is not None else self._node("join", expr.line)


def _flat_comma(expr: Expr) -> list[Expr]:
    if expr.kind != "comma":
        return [expr]
    return [each for arg in expr.args for each in _flat_comma(arg)]


def _is_decision(expr: Expr) -> bool:
    """Whether an expression's value is that of a condition: 1 or 0."""
    return (expr.kind == "binary" and expr.op in ("&&", "||", "==", "!=")) or (
        expr.kind == "unary" and expr.op == "!"
    )


def _has_effects(expr: Expr) -> bool:
    return any(e.kind in ("call", "assign", "update", "block") for e in expr.walk())


def _declared(node: Syntax, reader: Reader) -> tuple[str, str]:
    """Return the name that a declarator declares, and what it adds to the type: "*", "[]"."""
    suffix = ""
    for _ in range(40):
        if node.type in ("identifier", "field_identifier", "type_identifier"):
            return reader.text(node), suffix
        if node.type == "pointer_declarator":
            suffix += "*"
        elif node.type == "array_declarator":
            suffix += "[]"
        elif node.type == "function_declarator":
            suffix += "()"
        inner = node.child_by_field_name("declarator")
        if inner is None:
            named = [c for c in node.named_children if c.type != "comment"]
            if node.type not in ("parenthesized_declarator", "attributed_declarator") or not named:
                return "", suffix
            inner = named[0]
        node = inner
    return "", suffix


declared_name = _declared
