"""The attribute `cleanup(f)` of locals: f runs on every way out of the block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from kernel_sim.cfront.attributes import attribute_name, attributes_of
from kernel_sim.cfront.build import Place
from kernel_sim.cfront.ctype import Untranslatable
from kernel_sim.cfront.nodes import field_of
from kernel_sim.cfront.scopes import Scope, Scopes
from kernel_sim.cfront.unit import text_of
from kernel_sim.ir import Call


@dataclass(frozen=True, slots=True)
class Cleanup:
    """What runs when a local goes: a function of its address. `start` is where it is declared."""

    function: str
    place: Place
    start: int


class Cleanups(Scopes):
    """Keeps what runs at the end of the blocks around, and lowers it."""

    whole: Node | None = None
    """The function's definition."""

    def cleanup_of(self, declaration: Node, name: str) -> str | None:
        """Return the function in the attribute of a local, or None. Raises `Untranslatable`.

        The plain spelling has the local's name as the second argument where the attribute stood
        behind its declarator.
        """
        for one in attributes_of(declaration):
            if attribute_name(one) == "cleanup":
                arguments = [text_of(each) for each in field_of(one, "arguments").named_children]
                if not arguments or not arguments[0].isidentifier():
                    raise Untranslatable(f"the attribute {text_of(one)}")
                if len(arguments) == 1 or arguments[1] == name:
                    return arguments[0]
        return None

    def add_cleanup(self, function: str, place: Place, declarator: Node) -> None:
        """Have a function run when the innermost block is left. Raises `Untranslatable`."""
        signature = self.find_function(function)
        if signature is None or len(signature.parameters) != 1 or place.address is None:
            raise Untranslatable(f"the attribute cleanup({function})")
        self.scopes[-1].cleanups.append(Cleanup(function, place, declarator.start_byte))

    @property
    def cleans_up(self) -> bool:
        """Whether a way out of the function runs anything here."""
        return any(scope.cleanups for scope in self.scopes)

    def leave(self, depth: int) -> None:
        """Lower what runs when all blocks but the outermost `depth` are left."""
        for scope in reversed(self.scopes[depth:]):
            self._run(scope)

    def end_scope(self) -> None:
        """Lower what runs at the innermost block's end, and close it."""
        if not self.builder.has_ended:
            self._run(self.scopes[-1])
        self.scopes.pop()

    def leave_for(self, label: str) -> None:
        """Lower what runs when a goto leads to a label. Raises `Untranslatable`."""
        if not self.cleans_up:
            return
        target = next((one for one in _labels(self.whole) if _label_name(one) == label), None)
        if target is None:
            raise Untranslatable(f"the label {label} is not there")
        around = set(_around(target))
        for scope in reversed(self.scopes):
            # In a block that both are in, what is declared behind the label goes as well.
            common = scope.node in around or not scope.node
            self._run(scope, target.start_byte if common else -1)

    def _run(self, scope: Scope, behind: int = -1) -> None:
        for one in reversed(scope.cleanups):
            signature = self.find_function(one.function)
            assert signature is not None
            assert one.place.address is not None
            if one.start > behind:
                dst = self.destination(signature)
                address = self.builder.reg(one.place.address)
                self.builder.emit(Call(dst, self.callee(one.function), (address,)))


def _labels(node: Node | None) -> Iterator[Node]:
    waiting = [] if node is None else [node]
    while waiting:
        one = waiting.pop()
        if one.type == "labeled_statement":
            yield one
        waiting.extend(one.named_children)


def _label_name(node: Node) -> str:
    label = node.child_by_field_name("label")
    return "" if label is None else text_of(label)


def _around(node: Node) -> Iterator[int]:
    """Yield the ids of all nodes that a node stands in."""
    parent = node.parent
    while parent is not None:
        yield parent.id
        parent = parent.parent
