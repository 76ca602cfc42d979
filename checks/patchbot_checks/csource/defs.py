"""Where a variable's value comes from: reaching definitions, and expressions written out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from patchbot_checks.csource.expr import Expr
from patchbot_checks.csource.graph import Node
from patchbot_checks.csource.unit import Function

MAX_EXPANSIONS = 8
_MAX_DEPTH = 8


@dataclass(slots=True)
class Definitions:
    """Which assignments of a local variable reach each step of a function.

    `before[step]` is a bit set over `sets`; a parameter's value at entry is no assignment.
    """

    function: Function
    sets: list[Node] = field(default_factory=list)
    before: dict[int, int] = field(default_factory=dict)
    unset: dict[str, int] = field(default_factory=dict)

    def reaching(self, name: str, node: Node) -> tuple[Node, ...]:
        """Return the assignments and declarations of a variable that reach a step."""
        bits = self.before.get(node.index, 0)
        return tuple(
            made
            for number, made in enumerate(self.sets)
            if bits >> number & 1 and _set_name(made) == name
        )

    def expand(self, expr: Expr, node: Node, depth: int = 0) -> tuple[Expr, ...]:
        """Return what an expression can stand for at a step, with local variables written out.

        A variable is written out where all assignments that reach the step are known and plain.
        There is always one result at least: the expression as it is.
        """
        if depth > _MAX_DEPTH:
            return (expr,)
        if expr.kind == "name":
            sets = self.reaching(expr.text, node)
            if not sets or any(s.kind != "assign" or s.op != "=" or s.expr is None for s in sets):
                return (expr,)
            if expr.text in self.unset and self._open(expr.text, node):
                return (expr,)
            found: dict[str, Expr] = {}
            for made in sets:
                assert made.expr is not None
                if expr.text in made.expr.names:
                    return (expr,)
                for each in self.expand(made.expr, made, depth + 1):
                    found.setdefault(each.text, each)
            return tuple(found.values())[:MAX_EXPANSIONS]
        if not expr.args:
            return (expr,)
        return self._combine(expr, node, depth)

    def _open(self, name: str, node: Node) -> bool:
        """Whether the value at entry may reach a step too (a parameter that is set somewhere)."""
        return bool(self.before.get(node.index, 0) >> self.unset[name] & 1)

    def _combine(self, expr: Expr, node: Node, depth: int) -> tuple[Expr, ...]:
        ways: list[tuple[Expr, ...]] = [()]
        for arg in expr.args:
            options = self.expand(arg, node, depth + 1)
            ways = [(*way, option) for way in ways for option in options][:MAX_EXPANSIONS]
        return tuple(rebuild(expr, way) for way in ways)

    def text(self, expr: Expr, node: Node) -> str:
        """Return an expression's text with variables written out where that is certain."""
        found = self.expand(expr, node)
        return found[0].text if len(found) == 1 else expr.text


def rebuild(expr: Expr, args: Sequence[Expr]) -> Expr:
    """Return an expression with other operands, and its text made anew."""
    if all(a is b for a, b in zip(expr.args, args, strict=True)):
        return expr
    texts = [a.text for a in args]
    if expr.kind == "field":
        text = _access(expr, texts[0])
    elif expr.kind == "index":
        text = f"{texts[0]}[{texts[1]}]"
    elif expr.kind == "call":
        text = f"{expr.text[: expr.text.index('(')]}({', '.join(texts)})"
    elif expr.kind == "unary":
        text = f"{expr.op}{texts[0]}"
        if texts[0][:1] in "&*" and {expr.op, texts[0][:1]} == {"&", "*"}:
            return args[0].args[0]
    elif expr.kind in ("binary", "assign"):
        text = f"({texts[0]} {expr.op} {texts[1]})"
    elif expr.kind == "cast":
        text = texts[0]
    elif expr.kind == "choice":
        text = f"({texts[0]} ? {texts[1]} : {texts[2]})"
    else:
        return expr
    names = frozenset().union(*(a.names for a in args))
    if expr.kind == "call" and expr.op:
        names |= {expr.op}
    return Expr(
        expr.kind, text, expr.op, tuple(args), expr.line, expr.offset, expr.function, expr.syntax,
        names,
    )  # fmt: skip


def _access(expr: Expr, base: str) -> str:
    arrow = expr.text[len(expr.args[0].text) :].startswith("->")
    if arrow and base.startswith("&") and base[1:].replace("_", "a").isalnum():
        return f"{base[1:]}.{expr.op}"
    return f"{base}{'->' if arrow else '.'}{expr.op}"


def definitions_of(function: Function) -> Definitions:
    """Return a function's reaching definitions; raises `NotUnderstoodError`."""
    known: Definitions | None = function.__dict__.get("_definitions")
    if known is None:
        known = _solve(function)
        function.__dict__["_definitions"] = known
    return known


def _set_name(node: Node) -> str:
    if node.kind == "assign" and node.target is not None:
        target = node.target.bare
        return target.text if target.kind == "name" else ""
    if node.kind == "declare":
        return node.name
    if node.kind == "loop" and node.target is not None and node.target.kind == "name":
        return node.target.text
    return ""


def _address_taken(node: Node) -> frozenset[str]:
    """Return the variables whose address a call gets: it may set them."""
    if node.kind != "call" or node.expr is None:
        return frozenset()
    return frozenset(
        arg.bare.args[0].text
        for arg in node.expr.args
        if arg.bare.kind == "unary" and arg.bare.op == "&" and arg.bare.args[0].kind == "name"
    )


def _solve(function: Function) -> Definitions:
    nodes = function.graph.nodes
    made = Definitions(function)
    numbers: dict[int, int] = {}
    by_name: dict[str, int] = {}
    pseudo: dict[int, int] = {}
    for node in nodes:
        names = [_set_name(node), *_address_taken(node)]
        for name in filter(None, names):
            number = len(made.sets)
            made.sets.append(
                node if name == names[0] else Node(node.index, "call", node.line, name=name)
            )
            by_name[name] = by_name.get(name, 0) | 1 << number
            target = numbers if name == names[0] else pseudo
            target[node.index] = target.get(node.index, 0) | 1 << number
    _fix_names(made)
    entry = 0
    for parameter in function.parameters:
        if parameter.name in by_name:
            number = len(made.sets)
            made.sets.append(Node(-1, "declare", function.line))
            made.unset[parameter.name] = number
            by_name[parameter.name] |= 1 << number
            entry |= 1 << number
    _flow(made, function, numbers, pseudo, by_name, entry)
    return made


def _fix_names(made: Definitions) -> None:
    for number, node in enumerate(made.sets):
        if node.kind == "call":  # set through its address: unknown, but a definition
            made.sets[number] = Node(node.index, "declare", node.line, name=node.name)


def _flow(
    made: Definitions,
    function: Function,
    numbers: dict[int, int],
    pseudo: dict[int, int],
    by_name: dict[str, int],
    entry: int,
) -> None:
    before: dict[int, int] = {function.graph.entry.index: entry}
    work = [function.graph.entry]
    seen: set[int] = set()
    while work:
        node = work.pop()
        bits = before.get(node.index, 0)
        name = _set_name(node)
        if name and node.index in numbers:
            plain = node.kind != "loop"
            bits = (bits & ~by_name[name] if plain else bits) | numbers[node.index]
        bits |= pseudo.get(node.index, 0)
        for after in node.succ:
            old = before.get(after.index, 0)
            if old | bits != old or after.index not in seen:
                seen.add(after.index)
                before[after.index] = old | bits
                work.append(after)
    made.before = before
