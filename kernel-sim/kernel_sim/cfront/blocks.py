"""The graph of a function's blocks."""

from __future__ import annotations

from kernel_sim.ir import Branch, Function, Jump, Switch


def prune(function: Function) -> None:
    """Drop the blocks that nothing reaches, and number the others anew. Changes the function."""
    reached: list[int] = []
    seen = {0}
    waiting = [0]
    while waiting:
        number = waiting.pop()
        reached.append(number)
        for following in successors(function, number):
            if following not in seen:
                seen.add(following)
                waiting.append(following)
    reached.sort()
    new = {old: index for index, old in enumerate(reached)}
    blocks = [function.blocks[old] for old in reached]
    for block in blocks:
        match block.end:
            case Jump(to):
                block.end = Jump(new[to])
            case Branch(condition, then, other):
                block.end = Branch(condition, new[then], new[other])
            case Switch(value, cases, default):
                block.end = Switch(value, tuple((one, new[to]) for one, to in cases), new[default])
            case _:
                pass
    function.blocks = blocks


def successors(function: Function, number: int) -> tuple[int, ...]:
    """Return the blocks that a block can go on to."""
    match function.blocks[number].end:
        case Jump(to):
            return (to,)
        case Branch(_, then, other):
            return then, other
        case Switch(_, cases, default):
            return (*(to for _, to in cases), default)
    return ()
