"""What is known on a path: what was done for which inode, and which flags were changed how."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from patchbot_checks.rules.journal_mode_flip_unsafe.table import Flag, flags, parts, words

Key = tuple[str, str]
Link = tuple[str, str, int, str]
ANYWHERE = ""
_FOREIGN = "~"


@dataclass(frozen=True, slots=True)
class Flip:
    """A flag that was changed, to `on` (None: either), and what had not been done by then.

    `missing` are parts, "early:" or "failed:" before one. `aops` says how far the operations are:
    "pending", "dropped" (the locks were first), "late", or "" for set again. `open` while the locks
    are held. `given`: the caller named the flag. `chain` are the calls that led to it, outermost
    first, as (file, function, line, what is called).
    """

    name: str
    root: str
    on: bool | None
    path: str
    function: str
    line: int
    missing: tuple[str, ...]
    aops: str
    open: bool = True
    given: bool = False
    chain: tuple[Link, ...] = ()

    @property
    def flag(self) -> Flag:
        """The kind of flag."""
        return flags()[self.name]

    @property
    def place(self) -> tuple[str, str, int, str, tuple[Link, ...]]:
        """What tells it from other changes on any path."""
        return self.path, self.function, self.line, self.name, self.chain

    @property
    def faults(self) -> tuple[str, ...]:
        """All that is missing, when nothing comes after this."""
        last = {"": (), "late": ("late:aops",)}.get(self.aops, ("aops",))
        return (*self.missing, *last)


@dataclass(frozen=True, slots=True)
class State:
    """`has` are (what, inode); `carried` (variable, flag's name, how) of flags in variables."""

    has: frozenset[Key] = frozenset()
    carried: frozenset[tuple[str, str, str]] = frozenset()
    flips: frozenset[Flip] = frozenset()

    @property
    def undecided(self) -> bool:
        """Whether something may still come that says whether a change was safe."""
        return any(flip.aops in ("pending", "dropped") for flip in self.flips)

    def holds(self, what: str, root: str) -> bool:
        """Whether something is so for an inode, or for all."""
        return (what, root) in self.has or (what, ANYWHERE) in self.has

    def add(self, *whats: str, root: str) -> State:
        """Return the state with something that is so."""
        return replace(self, has=self.has | {(what, root) for what in whats})

    def without(self, *whats: str, root: str) -> State:
        """Return the state without something."""
        return replace(self, has=self.has - {(what, root) for what in whats})


def do_part(state: State, name: str, under: str, root: str) -> State:
    """Return the state after a part was done; one that is done too early only leaves a mark."""
    state = state.without(f"failed:{name}", root=root)
    if under and not state.holds(under, root):
        return state.add(f"some:{name}", root=root)
    return state.add(name, f"some:{name}", root=root)


def drop_part(state: State, name: str, root: str) -> State:
    """Return the state after a lock was dropped, with what was done under it."""
    lost = {name} | {part.name for part in parts() if part.under == name}
    flips = (_close(flip, name, root) for flip in state.flips)
    kept = frozenset(flip for flip in flips if flip.open or flip.faults)
    gone = {(what, root) for what in lost}
    return replace(state, has=state.has - gone, flips=kept)


def _close(flip: Flip, name: str, root: str) -> Flip:
    if name not in flip.flag.needs(flip.on) or root not in (ANYWHERE, flip.root):
        return flip
    return replace(flip, open=False, aops="dropped" if flip.aops == "pending" else flip.aops)


def set_operations(state: State, root: str) -> State:
    """Return the state after an inode's operations were set again."""
    now = {"pending": "", "dropped": "late"}
    return replace(
        state,
        flips=frozenset(
            replace(flip, aops=now.get(flip.aops, flip.aops))
            if root in (ANYWHERE, flip.root)
            else flip
            for flip in state.flips
        ),
    )


def find_missing(
    state: State, flag: Flag, on: bool | None, root: str, wanted: Callable[[str], bool]
) -> Iterator[str]:
    """Yield what has not been done; `wanted` says whether the folder has a word."""
    under = {part.name: part.under for part in parts() if part.under}
    needed = flag.needs(on)
    for name in needed:
        about = words()[name]
        if name == "aops" or state.holds(name, root):
            continue
        if about.journal and state.holds("no-journal", ANYWHERE):
            continue
        if about.wanted_by and not wanted(about.wanted_by):
            continue
        if state.holds(f"failed:{name}", root):
            yield f"failed:{name}"
        elif not state.holds(f"some:{name}", root):
            yield name
        elif state.holds(under.get(name, ""), root):
            yield f"early:{name}"
        elif under.get(name) not in needed:
            yield name


def change_flag(state: State, flip: Flip) -> State:
    """Return the state after a flag was changed; a change back under the same locks undoes one."""
    same = [f for f in state.flips if f.flag is flip.flag and f.root == flip.root]
    if any(f.missing or not f.open for f in same):
        return state
    undone = [f for f in same if f.on is not None and flip.on is not None and f.on != flip.on]
    if not undone:
        said = flip.missing or flip.aops
        return replace(state, flips=state.flips | {flip}) if said else state
    rest = state.flips - set(undone)
    if undone[0].aops == "":
        rest |= {replace(flip, missing=())}
    return replace(state, flips=rest)


def rename_roots(state: State, to: Callable[[str], str], carried: frozenset[Key]) -> State:
    """Return a state of a caller as its helper sees it: inodes that it does not get are foreign.

    `carried` are (variable, parameter) of plain arguments.
    """
    given = dict(carried)

    def new(root: str) -> str:
        return root if root == ANYWHERE else to(root) or _FOREIGN + root

    return State(
        frozenset((what, new(root)) for what, root in state.has),
        frozenset((given[v], name, how) for v, name, how in state.carried if v in given),
        frozenset(replace(flip, root=new(flip.root)) for flip in state.flips),
    )


def restore_roots(state: State, to: Callable[[str], str]) -> tuple[frozenset[Key], frozenset[Flip]]:
    """Return what a helper leaves, as its caller sees it; its own inodes are forgotten."""

    def old(root: str) -> str:
        if root.startswith(_FOREIGN):
            return root[1:]
        return root if root == ANYWHERE else to(root)

    has = frozenset((what, old(r)) for what, r in state.has if r == ANYWHERE or old(r))
    flips = frozenset(replace(flip, root=old(flip.root) or "?") for flip in state.flips)
    return has, flips
