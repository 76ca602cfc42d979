"""Made values for tests of what comes after the mails: revisions, stages, requests, reviews."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from patchbot.model import (
    Base,
    Finding,
    Mail,
    Patch,
    Review,
    Revision,
    RevisionReview,
    Series,
    Severity,
    StageResult,
    Status,
    Verdict,
    VerdictStatus,
)
from patchbot.stages.base import StageRequest, hash_key, hash_patch

WHEN = datetime(2021, 3, 1, 12, 0, tzinfo=UTC)
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def make_mail(name: str, subject: str = "[PATCH] walnut: count", body: str = "body\n") -> Mail:
    """One mail with its raw bytes."""
    raw = f"Subject: {subject}\nMessage-ID: <{name}@example.org>\n\n{body}".encode()
    return Mail(
        f"{name}@example.org", subject, "Ada Walnut", "ada@example.org", WHEN, None, (), body, raw
    )


def make_patch(number: int = 1, label: str = "v1", body: str = "body\n") -> Patch:
    """One patch of a revision."""
    mail = make_mail(f"{label}-{number}", body=body)
    return Patch(
        number,
        mail.message_id,
        f"walnut: part {number}",
        mail.name,
        mail.email,
        WHEN,
        ("fs/walnut.c",),
        (),
        f"content-{number}",
        mail,
    )


def make_revision(label: str = "v1", patches: int = 1, body: str = "body\n") -> Revision:
    """One revision without a cover."""
    made = tuple(make_patch(number, label, body) for number in range(1, patches + 1))
    return Revision(
        label=label,
        number=int(label[1:].partition(".")[0]),
        message_id=f"{label}-1@example.org",
        title="walnut: count the halves",
        author_name="Ada Walnut",
        author_email="ada@example.org",
        date=WHEN,
        total=patches,
        patches=made,
    )


def make_series(*revisions: Revision, change_id: str | None = None) -> Series:
    """One series of these revisions (of one v1 when none is given)."""
    return Series(
        "walnut-count-12345678",
        "walnut: count the halves",
        "Ada Walnut",
        "ada@example.org",
        change_id,
        revisions or (make_revision(),),
    )


def make_request(
    label: str = "v1", *, body: str = "body\n", base: str = COMMIT, repeat: str = "repeat me"
) -> StageRequest:
    """A request without a tree; its folder does not exist."""
    revision = make_revision(label, body=body)
    return StageRequest(
        series=make_series(revision),
        revision=revision,
        tree=None,
        base=Base(base, "made up"),
        why_no_base="",
        folder=Path("/nonexistent"),
        repeat=repeat,
        locked=lambda call: call(),
    )


Work = Callable[[StageRequest], StageResult]


@dataclass
class FakeStage:
    """A stage whose work is a function (a pass when not given); counts its runs.

    Its key depends on name, version, configuration, base and patches, as a real stage's does.
    """

    name: str = "walnut"
    work: Work | None = None
    needs: tuple[str, ...] = ()
    version: str = "1"
    config: str = ""
    current: Callable[[], bool] = lambda: True
    keyed: bool = True
    summary: str = "a fake"
    runs: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def key(self, request: StageRequest) -> str | None:
        """Hash all that the result depends on; None for a stage that is not `keyed`."""
        if not self.keyed:
            return None
        patches = [hash_patch(patch) for patch in request.revision.patches]
        base = request.base.commit if request.base else None
        return hash_key(self.name, self.version, self.config, base, patches)

    def run(self, request: StageRequest) -> StageResult:
        """Do the work."""
        with self.lock:
            self.runs.append(request.revision.label)
        return self.work(request) if self.work else passed(self.name)

    def is_current(self, stored: StageResult, request: StageRequest) -> bool:
        """What `current` says."""
        return self.current()


def passed(stage: str = "walnut", status: Status = Status.PASS, **more: object) -> StageResult:
    """A result with a reason."""
    return replace(StageResult(stage, status, f"{stage} says {status.value}"), **more)  # type: ignore[arg-type]


def make_finding(rule: str = "walnut-leak", **more: object) -> Finding:
    """An error in a file."""
    finding = Finding(rule, Severity.ERROR, "the walnut leaks", "fs/walnut.c", 42)
    return replace(finding, **more)  # type: ignore[arg-type]


def make_review(
    stages: Mapping[str, Sequence[StageResult]] | None = None,
    *,
    series: Series | None = None,
    verdict: Verdict | None = None,
    base: Base | None = None,
    tree: str | None = "/trees/walnut",
) -> Review:
    """A review; `stages` are the results by revision label (one passed apply each by default)."""
    given = series or make_series()
    verdict = verdict or Verdict(VerdictStatus.CANNOT_TELL, ("nothing looked at it",), ("apply",))
    base = base or Base(COMMIT, "its index lines: 1 of 1 files are as the patches expect")
    reviewed = tuple(
        RevisionReview(r, base, tuple((stages or {}).get(r.label, [passed("apply")])), verdict)
        for r in given.revisions
    )
    return Review(given, reviewed, tree)
