"""The kinds of facts: one frozen class per table of the data files beside."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

Object = int | Literal["result", "none"]
Key = tuple[object, ...]

_PATHS = re.compile(r"([\w./-]+) \((v[\d.]+(?:, v[\d.]+)*)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What every entry has: `source` names files and the versions in which it can be read."""

    source: str
    note: str = ""

    @property
    def key(self) -> Key:
        """What no two entries of a table may share; the first part is shown in errors."""
        raise NotImplementedError

    @property
    def cited(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The files of `source`, each with its versions ("v5.9")."""
        return tuple((p, tuple(v.split(", "))) for p, v in _PATHS.findall(self.source))

    @property
    def functions(self) -> tuple[str, ...]:
        """The kernel's names that this entry is about, to be looked up in a tree."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Named(Fact):
    """An entry about one function, macro or flag."""

    name: str

    @property
    def key(self) -> Key:
        """See `Fact`."""
        return (self.name,)

    @property
    def functions(self) -> tuple[str, ...]:
        """See `Fact`."""
        return (self.name,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource(Fact):
    """Something that is taken and must be given back; `recursive` if it can be taken again."""

    name: str
    kind: Literal["lock", "handle", "reference", "memory", "freeze"]
    recursive: bool = False
    per: Literal["object", "task"] = "object"

    @property
    def key(self) -> Key:
        """See `Fact`."""
        return (self.name,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Named):
    """What a call does to a resource; the keys are explained in `resources.toml`."""

    resource: str
    does: Literal["acquire", "release", "maybe", "downgrade"]
    object: Object
    when: Literal["", "always", "nonzero", "zero", "nonnegative", "valid", "not-error"] = ""
    field: str = ""
    through_pointer: bool = False
    needs_flag: tuple[str, ...] = ()
    flag_arg: int | None = None
    gives_away: bool = False
    null_ok: bool = False
    becomes: str = ""

    @property
    def key(self) -> Key:
        """See `Fact`."""
        return (self.name, self.resource, self.does, self.object, self.needs_flag)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Named):
    """A function's role; `args` are places of arguments (from 0, or -1 the last) by meaning.

    `by_count` gives other places for calls with so many arguments, as in other kernel versions.
    """

    role: str
    args: dict[str, int] = field(default_factory=dict)
    by_count: dict[str, dict[str, int]] = field(default_factory=dict)
    spelling: Literal["", "page", "folio", "buffer"] = ""
    unit: Literal["", "bytes", "pages", "blocks"] = ""
    does_inside: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        """See `Fact`."""
        return (self.name, self.role)

    def places(self, count: int) -> dict[str, int]:
        """Return the places of the arguments of a call with `count` arguments, all from 0."""
        places = {**self.args, **self.by_count.get(str(count), {})}
        return {k: p + count if p < 0 else p for k, p in places.items() if -count <= p < count}


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag(Named):
    """A constant that a rule asks for."""

    role: str

    @property
    def key(self) -> Key:
        """See `Fact`."""
        return (self.name, self.role)


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicate(Named):
    """A question without effect. Its answer is `stable` "always", or while a lock is held.

    `under` are those locks, any one of which is enough; with neither it may change at any time.
    """

    stable: Literal["", "always"] = ""
    under: tuple[str, ...] = ()
    changed_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock(Fact):
    """A lock as the ranks name it: a resource and, where it has one, the member it lives in.

    `calls` are the functions that take it, where the resource alone does not tell; `former` are
    names of its member that only older or proposed kernels have.
    """

    name: str
    resource: tuple[str, ...]
    field: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    former: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        """See `Fact`."""
        return (self.name,)

    @property
    def functions(self) -> tuple[str, ...]:
        """See `Fact`."""
        return (*self.field, *self.calls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rank(Fact):
    """A documented chain of locks, from the outermost to the innermost, in one scope."""

    name: str
    chain: tuple[str, ...]
    scope: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        """See `Fact`."""
        return (self.name,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order(Fact):
    """Taking `outer` while `inner` is held is the fault."""

    outer: str
    inner: str
    reason: str
    scope: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        """See `Fact`."""
        return (f"{self.outer} over {self.inner}", self.scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context(Fact):
    """What a callback's caller holds, and what it expects on return.

    `callback` is the field, `structure` the struct that has it, `object` the argument that is
    locked. `on_return` says what becomes of the page lock (see `ranks.toml`).
    """

    callback: str
    structure: str
    holds: tuple[str, ...] = ()
    may_hold: tuple[str, ...] = ()
    not_held: tuple[str, ...] = ()
    object: int | None = None
    on_return: Literal[
        "", "unlocks", "keeps", "locks-on-zero", "locked-flag", "unlocks-unless-activate",
        "unlocks-or-later",
    ] = ""  # fmt: skip

    @property
    def key(self) -> Key:
        """See `Fact`."""
        return (self.callback, self.structure)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blank(Named):
    """An annotation that may be replaced by blanks; `parens` if it takes arguments."""

    parens: Literal["no", "yes", "maybe"] = "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop(Fact):
    """Macros that are loops, by a pattern for the whole name.

    `assigns` are the arguments set in each round; `at_end` is what the first of them is
    afterwards: "null", "invalid" (not to be used), "index" (a number), "any".
    """

    pattern: str
    assigns: tuple[int, ...]
    at_end: Literal["null", "invalid", "index", "any"] = "any"
    types: tuple[int, ...] = ()

    @property
    def key(self) -> Key:
        """See `Fact`."""
        return (self.pattern,)


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeMacro(Named):
    """A macro with types (`types`) or members (`members`) among its arguments."""

    types: tuple[int, ...] = ()
    members: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NoReturn(Named):
    """A call after which nothing runs: always, or where argument `condition` is true."""

    condition: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth(Named):
    """A wrapper whose result is the truth (or the value) of argument `arg`."""

    arg: int = 0
    value: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion(Named):
    """After it, argument `arg` is known to be `holds`; otherwise nothing runs after it."""

    arg: int = 0
    holds: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Harmless(Fact):
    """Calls without an effect that a rule could see, by a pattern for the whole name."""

    pattern: str

    @property
    def key(self) -> Key:
        """See `Fact`."""
        return (self.pattern,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleanup(Named):
    """A macro by which something is given back at the end of its scope."""

    releases: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Width(Fact):
    """An integer type: its bits, on 64-bit kernels and on 32-bit ones."""

    name: str
    bits: int
    bits_32: int
    signed: bool

    @property
    def key(self) -> Key:
        """See `Fact`."""
        return (self.name,)

    @property
    def functions(self) -> tuple[str, ...]:
        """See `Fact`."""
        return (self.name,) if " " not in self.name else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Member(Fact):
    """The type of a struct's member; `bitfield` is its width where it is one."""

    struct: str
    name: str
    ctype: str
    bitfield: int | None = None

    @property
    def key(self) -> Key:
        """See `Fact`."""
        return (f"{self.struct}.{self.name}",)

    @property
    def functions(self) -> tuple[str, ...]:
        """See `Fact`."""
        return (self.name,)
