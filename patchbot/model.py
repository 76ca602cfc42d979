"""The values that pass between the steps of a review; all are frozen.

message-id -> mails -> series with revisions -> base -> applied tree -> stage results -> verdict
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType


class Status(enum.StrEnum):
    """How a stage ended; only `PASS` is a pass."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    ERROR = "error"
    INCONCLUSIVE = "inconclusive"
    SKIPPED = "skipped"


class Severity(enum.StrEnum):
    """How much a finding weighs."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Change(enum.StrEnum):
    """A finding relative to the base."""

    INTRODUCED = "introduced"
    FIXED = "fixed"
    UNCHANGED = "unchanged"


class VerdictStatus(enum.StrEnum):
    """What a maintainer is told about a revision."""

    ACCEPT = "accept"
    NEEDS_WORK = "needs work"
    REJECT = "reject"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail, decoded; header values hold no line breaks.

    `message_id` has no angle brackets. `date` is in UTC, None where the mail has none that can
    be read. `body` is the text of all its text/plain and text/x-* parts. `raw` is empty when the
    caller asked not to keep it. `problems` says what could not be read as sent.
    """

    message_id: str
    subject: str
    name: str
    email: str
    date: datetime | None
    in_reply_to: str | None
    references: tuple[str, ...]
    body: str
    raw: bytes = b""
    signed: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trailer:
    """One `Name: value` trailer: from the patch itself, or from a reply.

    `message_id` is the mail that carried it; `scope` is "patch" or "cover", what was replied to;
    `mismatch` is the sender's address where it is not the address in the trailer;
    `carried_from` is the earlier revision whose unchanged patch earned it.
    """

    name: str
    value: str
    message_id: str
    scope: str = "patch"
    mismatch: str | None = None
    carried_from: str | None = None


@dataclass(frozen=True, slots=True)
class Attestation:
    """What b4 found of a mail's signatures: signed, badsig, nokey, none, or not checked."""

    status: str
    identity: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Patch:
    """One patch of a revision.

    `number` counts from 1 (what its author wrote, unless a note says otherwise); `author` is the
    in-body `From:` where there is one; `paths` and `blobs` come from its diff headers, `blobs`
    as (path before, abbreviated blob before, abbreviated blob after); `content_id` is a hash of
    its diff that survives other line numbers. `reroll_of` names the revision it was taken from.
    """

    number: int
    message_id: str
    title: str
    author_name: str
    author_email: str
    date: datetime | None
    paths: tuple[str, ...]
    blobs: tuple[tuple[str, str, str], ...]
    content_id: str
    mail: Mail = field(repr=False)
    trailers: tuple[Trailer, ...] = ()
    attestation: Attestation = Attestation("not checked")
    reroll_of: str | None = None


@dataclass(frozen=True, slots=True)
class Extra:
    """A mail near a revision that is not one of its patches, and why."""

    message_id: str
    subject: str
    reason: str


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of a series, with all decisions that made it.

    `label` is unique within the series and fit for a ref name ("v3"); `number` is its integer
    part; `total` is how many patches its author announced; `missing` the numbers nobody has.
    """

    label: str
    number: int
    message_id: str
    title: str
    author_name: str
    author_email: str
    date: datetime | None
    total: int
    patches: tuple[Patch, ...]
    cover: Mail | None = field(default=None, repr=False)
    missing: tuple[int, ...] = ()
    rfc: bool = False
    resends: tuple[str, ...] = ()
    partial: bool = False
    base_commit: str | None = None
    prerequisites: tuple[str, ...] = ()
    trailers: tuple[Trailer, ...] = ()
    extras: tuple[Extra, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def message_ids(self) -> tuple[str, ...]:
        """The message-ids of its cover and patches, in order."""
        head = (self.cover.message_id,) if self.cover else ()
        return head + tuple(patch.message_id for patch in self.patches)


@dataclass(frozen=True, slots=True)
class Series:
    """All known revisions of one change, oldest first.

    `slug` is fit for a ref name and a folder. `notes` say how revisions were tied together;
    `absent` lists message-ids that covers link as earlier postings and that nobody has.
    """

    slug: str
    title: str
    author_name: str
    author_email: str
    change_id: str | None
    revisions: tuple[Revision, ...]
    notes: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Base:
    """The commit a revision is applied to (40 hex), how it was found, whether that is a guess."""

    commit: str
    how: str
    guess: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a stage found.

    `file` and `line` (from 1) are in the tree; `patch` is the patch's number and `patch_line`
    the line in its diff; `evidence` is shown as it stands.
    """

    rule: str
    severity: Severity
    message: str
    file: str | None = None
    line: int | None = None
    patch: int | None = None
    patch_line: int | None = None
    evidence: str = ""
    change: Change | None = None


CRASHED = "crashed: the stage ended without a result"


@dataclass(frozen=True, slots=True)
class StageResult:
    """What one stage says of one revision; until it says more, it crashed.

    `data` is what later stages need of it, as JSON values; `repeat` is a command to copy.
    """

    stage: str
    status: Status = Status.ERROR
    reason: str = CRASHED
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0
    tools: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    repeat: str = ""
    data: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    stored: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of one revision, and why; `scope` names the stages it rests on."""

    status: VerdictStatus
    reasons: tuple[str, ...]
    scope: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RevisionReview:
    """One revision with its base, its stage results in order, and its verdict."""

    revision: Revision
    base: Base | None
    stages: tuple[StageResult, ...]
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Review:
    """One series reviewed; `tree` is the git folder used, None where there was none.

    `mails` are those of its threads; `asked` is what was asked for beyond the defaults: `base`,
    `on` and `lore`, as options of the command line.
    """

    series: Series
    revisions: tuple[RevisionReview, ...]
    tree: str | None
    notes: tuple[str, ...] = ()
    mails: tuple[Mail, ...] = field(default=(), repr=False)
    asked: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
