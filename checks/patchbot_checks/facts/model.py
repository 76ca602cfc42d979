"""What the entries of the tables may hold: one frozen class a table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

_CITED = re.compile(r"((?:[\w./-]+\.(?:c|h|rst)(?:, )?)+) \((v[\d.]+(?:, v[\d.]+)*)\)")
Object = int | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What every entry has: `source` names files and the kernels in which it can be read there.

    `made_by` is the macro that puts the names together, so that they stand in no declaration.
    """

    source: str
    note: str = ""
    made_by: str = ""

    @property
    def label(self) -> str:
        """What tells the entry from others, for messages."""
        raise NotImplementedError

    @property
    def cited(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The files of `source`, each with its versions ("v5.9")."""
        return tuple(
            (file, tuple(versions.split(", ")))
            for files, versions in _CITED.findall(self.source)
            for file in files.split(", ")
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed(Fact):
    """An entry about some functions, macros or other names; `patterns` are for whole names."""

    names: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """See `Fact`."""
        return next(iter((*self.names, *self.patterns)), "")

    def has(self, name: str) -> bool:
        """Whether the entry is about a name."""
        return name in self.names or any(re.fullmatch(each, name) for each in self.patterns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role(Listed):
    """What some names are for; `args` are places of arguments by meaning, `each` by name too."""

    name: str
    about: str
    args: Mapping[str, int] = field(default_factory=dict)
    each: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """See `Fact`."""
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource(Fact):
    """A thing that is taken and given back; the keys are explained in `resources.toml`."""

    name: str
    words: str
    types: tuple[str, ...] = ()
    part_of: str = ""
    fields: tuple[str, ...] = ()
    former: tuple[str, ...] = ()
    reference: bool = False
    nests: bool = False
    lent: bool = False
    outside: Literal["borrows", "keeps"] = "borrows"
    others: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    kept_with: str = ""
    kept_in: tuple[str, ...] = ()
    passed_on: bool = False
    taken_by: tuple[str, ...] = ()
    dropped_by: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """See `Fact`."""
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Listed):
    """What a call does with a thing; the keys are explained in `locks.toml`."""

    resource: str
    does: Literal["take", "drop", "lose"]
    object: Object
    by_count: Mapping[str, int] = field(default_factory=dict)
    fails: Literal["never", "null", "error", "null-or-error", "nonzero", "zero"] = "never"
    unless: str = ""
    only: int = 0
    looked_up: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback(Fact):
    """A field of a struct: what its callers hold, and whether they take VM_FAULT_RETRY."""

    name: str
    structure: str
    holds: tuple[str, ...] = ()
    retries: Literal["", "yes", "no"] = ""
    caller: str = ""

    @property
    def label(self) -> str:
        """See `Fact`."""
        return f"{self.structure}.{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order(Fact):
    """`taken` must not be taken where `held` is held, but in the folders of `not_in`."""

    held: str
    taken: str
    why: str
    not_in: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """See `Fact`."""
        return f"{self.taken} under {self.held}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(Listed):
    """Questions whose answer can change: `changed` by whom; `stable` under one of these locks."""

    changed: str
    stable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Integer(Listed):
    """Integer types by name, with their width on 64-bit Linux."""

    bits: int
    signed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit(Fact):
    """Named limits: their `values`, or how many bits are all set (`all_ones`)."""

    values: Mapping[str, int] = field(default_factory=dict)
    all_ones: Mapping[str, int] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """See `Fact`."""
        return next(iter((*self.values, *self.all_ones)), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Macro(Listed):
    """What macros do with variables: which arguments they set, and which they do not read."""

    sets: tuple[int, ...] = ()
    unread: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed(Fact):
    """An entry of `mode_flip.toml`, whose top explains the keys; `name` is that of its table."""

    name: str

    @property
    def label(self) -> str:
        """See `Fact`."""
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeFlag(Keyed):
    """Flags of an inode, and the parts that changing them needs."""

    names: tuple[str, ...]
    fields: tuple[str, ...]
    on: tuple[str, ...]
    off: tuple[str, ...]
    bit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModePart(Keyed):
    """What must have been done where a flag is changed, and how."""

    of: str = ""
    words: str = ""
    early: str = ""
    failed: str = ""
    late: str = ""
    take: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    field: tuple[str, ...] = ()
    former: tuple[str, ...] = ()
    field_set: str = ""
    flag_set: str = ""
    inode: tuple[int, ...] = ()
    result: Literal["", "error", "zero"] = ""
    under: str = ""
    after: str = ""
    journal: bool = False
    wanted_by: str = ""
    may: bool = False
    holder: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeChange(Keyed):
    """Calls that change a flag."""

    calls: tuple[str, ...] = ()
    bits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh(Keyed):
    """Where an inode is not live yet."""

    makes: tuple[str, ...]
    ends: tuple[str, ...]
    marks: tuple[str, ...]
    starts: tuple[str, ...]
    starts_inode: int
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pageless(Keyed):
    """Where a file has no pages."""

    yes: tuple[str, ...]
    no: tuple[str, ...]
    field: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accessor(Keyed):
    """Calls that lead to another of a file's objects."""

    calls: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoJournal(Keyed):
    """Where a journal may be missing: expressions of a `type`, and questions (`calls`)."""

    type: tuple[str, ...]
    calls: tuple[str, ...]
