"""Follow what is locked, written back and set on a path, and note how flags are changed there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from patchbot_checks.context import Context, Env, Machine
from patchbot_checks.csource.expr import Expr
from patchbot_checks.csource.graph import Node
from patchbot_checks.csource.paths import Outcome
from patchbot_checks.csource.unit import Function
from patchbot_checks.journal_data import folder_has
from patchbot_checks.rules.journal_mode_flip_unsafe.branches import learn
from patchbot_checks.rules.journal_mode_flip_unsafe.calls import (
    changed_by,
    is_relevant,
    makes_inode,
)
from patchbot_checks.rules.journal_mode_flip_unsafe.effects import do_call
from patchbot_checks.rules.journal_mode_flip_unsafe.flagged import carry, turned
from patchbot_checks.rules.journal_mode_flip_unsafe.roots import owner_of, root_of
from patchbot_checks.rules.journal_mode_flip_unsafe.state import (
    ANYWHERE,
    Flip,
    State,
    change_flag,
    find_missing,
    rename_roots,
    restore_roots,
    set_operations,
)
from patchbot_checks.rules.journal_mode_flip_unsafe.table import (
    Flag,
    flags,
    fresh_fields,
    fresh_marks,
    fresh_start,
    parts,
    pattern,
)
from patchbot_checks.rules.journal_mode_flip_unsafe.where import FLAG_FIELDS, leads_to, own_changes

Steps = tuple[tuple[int, str], ...]


class FlipMachine(Machine[State]):
    """Collects the changes of flags that `target` makes, as `top` leads to it.

    Helpers in `between` are followed in any case, others where they do a part. `found` are the
    changes that are not safe, each with the way to it.
    """

    def __init__(
        self, context: Context, target: Function, top: Function, between: frozenset[Function]
    ) -> None:
        self._context = context
        self._target = target
        self._between = between
        self._ahead = self._find_ahead(top)
        self._steps: dict[object, Steps] = {}
        self.found: dict[Flip, Steps] = {}

    def _find_ahead(self, top: Function) -> frozenset[int]:
        """Return the steps of a function after which a change may come."""
        own = own_changes(self._context, top) if top is self._target else ()
        names = {function.name for function in self._between}
        wanted = {node.index for node in own}
        for node in top.graph.nodes:
            if node.kind == "call" and node.expr is not None and node.expr.op in names:
                wanted.add(node.index)
        return leads_to(top.graph, frozenset(wanted))

    def start(self, function: Function) -> State:
        """See `Machine`."""
        return State()

    def step(self, node: Node, state: State, env: Env[State]) -> Iterable[Outcome[State]] | None:
        """See `Machine`; where no change can come any more, and all is said, the path ends."""
        if env.depth == 0 and node.index not in self._ahead and not state.undecided:
            self._note(state, env)
            return [Outcome(state, stop=True)]
        if node.kind == "assign" and node.target is not None and node.expr is not None:
            made = self._assign(node, node.op, node.target, node.expr, state, env)
            return None if made == state else [Outcome(made)]
        if node.kind != "call" or node.expr is None:
            return None
        if node.expr.op == "WRITE_ONCE" and len(node.expr.args) == 2:
            target, value = node.expr.args
            return [Outcome(self._assign(node, "=", target, value, state, env))]
        return self._call(node, node.expr, state, env)

    def end(self, node: Node, state: State, env: Env[State]) -> None:
        """See `Machine`."""
        if env.depth == 0:
            self._note(state, env)

    def _note(self, state: State, env: Env[State]) -> None:
        for flip in state.flips:
            if flip.faults and flip not in self.found:
                way = self._steps.get(flip.place, ()) if flip.missing else env.steps()
                self.found[flip] = way

    def branch(self, node: Node, taken: bool, state: State, env: Env[State]) -> State | None:
        """See `Machine`."""
        return learn(node, taken, state, env)

    # --- calls

    def _call(
        self, node: Node, call: Expr, state: State, env: Env[State]
    ) -> Iterable[Outcome[State]] | None:
        now = state
        for name, on, inode, given in changed_by(self._context, node, call, state, env):
            root = root_of(inode, node, env.function)
            now = self._flip(now, name, on, root, node, env, given=given)
        if now is not state:
            return [Outcome(now)]
        if pattern("fresh", "ends").fullmatch(call.op):
            gone = {("fresh", root_of(arg, node, env.function)) for arg in call.args}
            return [Outcome(replace(state, has=state.has - gone))]
        if (new := fresh_start(call)) is not None:
            return [Outcome(state.add("fresh", root=root_of(new, node, env.function)))]
        done = do_call(call, node, env.function, state)
        return self._follow(node, state, env) if done is None else done

    def _follow(self, node: Node, state: State, env: Env[State]) -> Iterable[Outcome[State]] | None:
        callee = self._context.callee(node, env.function)
        if callee is None or self._context.graph(callee) is None:
            return None
        for part in parts():
            if part.may and any(part.done.fullmatch(name) for name in callee.words):
                state = state.add(part.name, root=ANYWHERE)
        if callee in self._between or is_relevant(self._context, callee, node.expr):
            ways = env.follow(node, callee, state)
            if ways is not None:
                return ways
        return [Outcome(state)]

    def enter(self, state: State, call: Node, callee: Function, env: Env[State]) -> State:
        """See `Machine`."""
        pairs = list(_arguments(call, callee, env.function))
        plain = frozenset(
            (arg.bare.text, name) for arg, _, name in pairs if arg.bare.kind == "name"
        )
        to = {root: name for _, root, name in reversed(pairs)}
        return rename_roots(state, lambda root: to.get(root, ""), plain)

    def leave(
        self, state: State, before: State, call: Node, callee: Function, env: Env[State]
    ) -> State:
        """See `Machine`."""
        back = {name: root for _, root, name in _arguments(call, callee, env.function)}
        has, flips = restore_roots(state, lambda root: back.get(root, ""))
        known = {flip.place for flip in before.flips}
        moved = frozenset(
            flip if flip.place in known else self._link(flip, call, callee, env) for flip in flips
        )
        return State(has, before.carried, moved)

    def _link(self, flip: Flip, call: Node, callee: Function, env: Env[State]) -> Flip:
        """Return a helper's change as its caller sees it; one that the caller named is its own."""
        function = env.function
        if flip.given:
            named = _is_constant(call, flip)
            made = replace(
                flip, path=function.path, function=function.name, line=call.line, given=not named
            )
            self._steps.setdefault(made.place, env.steps())
            return made
        made = replace(
            flip, chain=((function.path, function.name, call.line, callee.name), *flip.chain)
        )
        text = f"{function.path}: {function.name}() calls {callee.name}()"
        way = (*env.steps(), (call.line, text), *self._steps.get(flip.place, ()))
        self._steps.setdefault(made.place, way)
        return made

    # --- assignments

    def _assign(
        self, node: Node, op: str, target: Expr, value: Expr, state: State, env: Env[State]
    ) -> State:
        if target.kind == "field":
            return self._set_field(node, op, target, value, state, env)
        if target.kind != "name":
            return state
        kept = frozenset(each for each in state.has if each[1] != target.text)
        state = replace(state, has=kept) if op == "=" else state
        carried = carry(target.text, op, value, state.carried)
        state = replace(state, carried=carried) if carried != state.carried else state
        if makes_inode(self._context, value, env.function):
            return state.add("fresh", root=target.text)
        return state

    def _set_field(
        self, node: Node, op: str, target: Expr, value: Expr, state: State, env: Env[State]
    ) -> State:
        root = root_of(target, node, env.function)
        for part in parts():
            if target.op == part.field_set:
                return set_operations(state, owner_of(target, node, env.function))
            if part.flag_set in value.names and op == "|=":
                return state.add(part.name, root=ANYWHERE)
        new = op in ("=", "|=") and not fresh_marks().isdisjoint(value.names)
        if new or (op == "=" and target.op in fresh_fields()):
            return state.add("fresh", root=root)
        if op == "=" and pattern("pageless", "field").fullmatch(target.op):
            return state.add("pageless", root=root)
        if target.op in FLAG_FIELDS:
            for name, on in turned(op, value, state.carried):
                if target.op in flags()[name].fields:
                    state = self._flip(state, name, on, root, node, env)
        return state

    # --- changes

    def _flip(
        self,
        state: State,
        name: str,
        on: bool | None,
        root: str,
        node: Node,
        env: Env[State],
        *,
        given: bool = False,
    ) -> State:
        """Return the state after a change, where it is one of a live inode that may have pages."""
        if env.function is not self._target and not given:
            return state
        if state.holds("fresh", root) or state.holds("pageless", root):
            return state
        flag: Flag = flags()[name]
        missing = tuple(find_missing(state, flag, on, root, self._folder_has))
        aops = "pending" if "aops" in flag.needs(on) else ""
        flip = Flip(
            name, root, on, env.function.path, env.function.name, node.line, missing, aops,
            given=given,
        )  # fmt: skip
        self._steps.setdefault(flip.place, env.steps())
        return change_flag(state, flip)

    def _folder_has(self, word: str) -> bool:
        return folder_has(self._context, frozenset((word,)))


def _is_constant(call: Node, flip: Flip) -> bool:
    return call.expr is not None and flip.name in call.expr.names


def _arguments(call: Node, callee: Function, function: Function) -> Iterator[tuple[Expr, str, str]]:
    """Yield a call's arguments, the variables that they start from, and the parameters' names."""
    args = call.expr.args if call.expr is not None else ()
    for parameter, arg in zip(callee.parameters, args, strict=False):
        root = root_of(arg, call, function)
        if parameter.name and root:
            yield arg, root, parameter.name
